"""The sandbox's business info, judged by Infobip's official document."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.judge import judge
from tests.sandbox.lab import Lab, lab
from tests.sandbox.test_business_info import change, info_of

pytestmark = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)

Call = tuple[str, str, int, dict[str, Any]]

TEMPLATE = "/whatsapp/1/senders/{sender}/business-info"
UNKNOWN = info_of("447000000000")

CALLS: list[Call] = [
    ("GET", info_of(), 200, {}),
    ("GET", info_of("acme"), 400, {}),
    ("GET", UNKNOWN, 404, {}),
    ("PATCH", info_of(), 204, {"json": {"about": "Bread", "websites": []}}),
    ("PATCH", info_of(), 400, {"json": {"vertical": "BAKERY"}}),
    ("PATCH", info_of(), 400, {"content": b"{"}),
    ("PATCH", UNKNOWN, 404, {"json": {}}),
]


@pytest.fixture
async def prepared() -> AsyncGenerator[Lab]:
    """A sandbox with a sender."""
    async with lab() as sandbox:
        await sandbox.share()
        yield sandbox


@pytest.mark.parametrize(("method", "path", "status", "given"), CALLS)
async def test_every_answer_is_as_documented(
    prepared: Lab, method: str, path: str, status: int, given: dict[str, Any]
):
    """Status and body, property by property."""
    response = await prepared.http.request(method, path, **given)
    assert response.status_code == status, response.text
    judge(response)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_every_operation_refuses_a_stranger_a_lesser_key_and_haste(method: str):
    """401, 403 and 429."""
    async with lab(rate_limits=True) as sandbox, sandbox.caller("App wrong") as stranger:
        hasty = [await sandbox.http.request(method, info_of()) for _ in range(11)]
        await sandbox.http.put("/sandbox/account", json={"missing_scopes": ["whatsapp:manage"]})
        answers = [await each.request(method, info_of()) for each in (stranger, sandbox.http)]
    assert [each.status_code for each in (*answers, hasty[-1])] == [401, 403, 429]
    for each in (*answers, hasty[-1]):
        judge(each)


async def test_the_sandbox_takes_every_official_example(prepared: Lab):
    """And shows it again."""
    for each in openapi.request_examples("whatsapp", TEMPLATE, "PATCH"):
        assert (await change(prepared, **each)).status_code == 204
        response = await prepared.http.get(info_of())
        each.pop("logoUrl", None)
        assert each.items() <= response.json().items()
        judge(response)
