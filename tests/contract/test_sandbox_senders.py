"""The sandbox's added senders, judged by Infobip's official document.

400 for a code, and 404 for a WABA that nobody shared, are documented as statuses alone: when they
come is the sandbox's guess.
"""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.judge import judge
from tests.sandbox.lab import FINISHED_NUMBER, Lab, lab
from tests.sandbox.test_senders import ADD, BY_SMS, NUMBER, code_of, new_sender, verification

pytestmark = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)

Call = tuple[str, str, int, dict[str, Any]]

STRANGE = ADD.replace("102384266223093", "1")
VOICE = {"type": "EXTERNAL_VOICE", "locale": "de_DE"}

CALLS: list[Call] = [
    ("POST", ADD, 202, new_sender("12024560124")),
    ("POST", ADD, 202, new_sender("12024560124", **VOICE)),
    ("POST", ADD, 202, new_sender(FINISHED_NUMBER)),
    ("POST", ADD, 400, {}),
    ("POST", STRANGE, 404, new_sender()),
    ("PUT", verification(), 202, BY_SMS),
    ("PUT", verification(), 400, {}),
    ("PUT", verification("447000000000"), 404, BY_SMS),
    ("POST", verification(), 202, {"code": "right"}),
    ("POST", verification(), 400, {"code": "wrong"}),
    ("POST", verification(), 400, {}),
    ("POST", verification("447000000000"), 404, {"code": "123456"}),
]


@pytest.fixture
async def prepared() -> AsyncGenerator[Lab]:
    """A sandbox where somebody asked for a code."""
    async with lab() as sandbox:
        await sandbox.share()
        await sandbox.http.post(ADD, json=new_sender())
        yield sandbox


@pytest.mark.parametrize(("method", "path", "status", "body"), CALLS)
async def test_every_answer_is_as_documented(
    prepared: Lab, method: str, path: str, status: int, body: dict[str, Any]
):
    """Status and body, property by property."""
    if body.get("code") == "right":
        body = {"code": await code_of(prepared, NUMBER)}
    if status == 202:
        openapi.validate_request_body("whatsapp", path, method, body)
    response = await prepared.http.request(method, path, json=body)
    assert response.status_code == status, response.text
    judge(response)


@pytest.mark.parametrize(("method", "path"), sorted({each[:2] for each in CALLS}))
async def test_every_operation_refuses_a_stranger_a_lesser_key_and_haste(method: str, path: str):
    """401, 403 and 429."""
    async with lab(rate_limits=True) as sandbox, sandbox.caller("App wrong") as stranger:
        hasty = [await sandbox.http.request(method, path) for _ in range(16)]
        await sandbox.http.put("/sandbox/account", json={"missing_scopes": ["whatsapp:manage"]})
        answers = [await each.request(method, path) for each in (stranger, sandbox.http)]
    assert [each.status_code for each in (*answers, hasty[-1])] == [401, 403, 429]
    for each in (*answers, hasty[-1]):
        judge(each)
