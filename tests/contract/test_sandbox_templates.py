"""The sandbox's templates, judged by Infobip's official document."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.judge import judge
from tests.sandbox.lab import Lab, lab
from tests.sandbox.test_subscriptions import subscribe
from tests.sandbox.test_templates import ACCOUNT, TEMPLATES, create, made, template

pytestmark = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)

Call = tuple[str, str, int, dict[str, Any]]

AUTHENTICATION = template(
    category="AUTHENTICATION",
    name="code",
    structure={
        "body": {"addSecurityRecommendation": True},
        "footer": {"codeExpirationMinutes": 5},
        "buttons": [{"otpType": "COPY_CODE", "text": "Copy"}],
    },
    validityPeriod={"amount": 2, "timeUnit": "MINUTES"},
)
MEDIA = template(
    name="offer",
    category="MARKETING",
    structure={
        "header": {"format": "TEXT", "text": "Sale"},
        "body": {"text": "Only today"},
        "footer": {"text": "Acme"},
        "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}],
    },
    platform={"entityId": "acme", "applicationId": "app"},
)

CALLS: list[Call] = [
    ("GET", TEMPLATES, 200, {}),
    ("GET", "/whatsapp/2/senders/447000000000/templates", 404, {}),
    ("POST", TEMPLATES, 201, {"json": template(name="new", subCategory="ORDER_STATUS")}),
    ("POST", TEMPLATES, 201, {"json": AUTHENTICATION}),
    ("POST", TEMPLATES, 201, {"json": MEDIA}),
    ("POST", TEMPLATES, 400, {"json": template(name="Bad Name")}),
    ("POST", "/whatsapp/2/senders/447000000000/templates", 404, {"json": template()}),
    ("GET", "{made}", 200, {}),
    ("GET", f"{TEMPLATES}/none", 400, {}),
    ("GET", f"{TEMPLATES}/1", 404, {}),
    ("PATCH", "{made}", 200, {"json": {"structure": {"body": {"text": "Bye"}}}}),
    ("PATCH", "{made}", 400, {"json": {"category": "MARKETING"}}),
    ("PATCH", f"{TEMPLATES}/1", 404, {"json": {}}),
    ("DELETE", f"{TEMPLATES}/welcome", 204, {}),
    ("DELETE", f"{TEMPLATES}/Bad-Name", 400, {}),
    ("DELETE", f"{TEMPLATES}/none", 404, {}),
    ("GET", ACCOUNT, 200, {}),
    ("GET", ACCOUNT, 200, {"params": {"name": "none"}}),
    ("GET", ACCOUNT, 400, {"params": {"status": "FINE"}}),
]


@pytest.fixture
async def prepared() -> AsyncGenerator[Lab]:
    """A sandbox with a template that was approved."""
    async with lab() as sandbox:
        await sandbox.share()
        await create(sandbox)
        yield sandbox


@pytest.mark.parametrize(("method", "path", "status", "given"), CALLS)
async def test_every_answer_is_as_documented(
    prepared: Lab, method: str, path: str, status: int, given: dict[str, Any]
):
    """Status and body, property by property."""
    known = (await prepared.http.get(TEMPLATES)).json()["templates"][-1]["id"]
    path = path.replace("{made}", f"{TEMPLATES}/{known}")
    if status < 300 and "json" in given:
        openapi.validate_request_body("whatsapp", path, method, given["json"])
    response = await prepared.http.request(method, path, **given)
    assert response.status_code == status, response.text
    judge(response)


@pytest.mark.parametrize(
    ("method", "path"), sorted({(each[0], each[1].replace("{made}", "1")) for each in CALLS})
)
async def test_every_operation_refuses_a_stranger_and_a_lesser_key(method: str, path: str):
    """401 and 403."""
    path = path if path.startswith("/") else f"{TEMPLATES}/{path}"
    async with lab() as sandbox, sandbox.caller("App wrong") as stranger:
        await sandbox.http.put("/sandbox/account", json={"missing_scopes": ["whatsapp:manage"]})
        answers = [await each.request(method, path) for each in (stranger, sandbox.http)]
    assert [each.status_code for each in answers] == [401, 403]
    for each in answers:
        judge(each)


async def test_haste_is_refused_as_documented():
    """15 lists a second, a hundred edits an hour."""
    async with lab(rate_limits=True) as sandbox:
        lists = [await sandbox.http.get(ACCOUNT) for _ in range(16)]
        edits = [await sandbox.http.patch(f"{TEMPLATES}/1", json={}) for _ in range(101)]
    for each in (lists[-1], edits[-1]):
        assert each.status_code == 429
        judge(each)


@pytest.mark.parametrize("verdict", ["APPROVED", "REJECTED"])
async def test_the_verdict_is_told_as_documented(verdict: str):
    """With ids that are numbers, as the document has them."""
    async with lab() as sandbox:
        await subscribe(sandbox, events=["TEMPLATE_UPDATE"])
        await sandbox.decide(template_verdict=verdict)
        await sandbox.share()
        await made(sandbox, platform={"entityId": "17", "applicationId": "18"})
        body = json.loads(sandbox.inbox[-1].content)
    openapi.validate_webhook("whatsapp", "receive-whatsapp-message-template-update-events", body)


async def test_the_sandbox_takes_every_official_example():
    """Each under a name of its own."""
    template_path = "/whatsapp/2/senders/{sender}/templates"
    async with lab() as sandbox:
        await sandbox.share()
        for number, each in enumerate(openapi.request_examples("whatsapp", template_path, "POST")):
            response = await sandbox.http.post(TEMPLATES, json={**each, "name": f"n{number}"})
            assert response.status_code == 201, (each, response.text)
            await sandbox.settled()
        judge(await sandbox.http.get(TEMPLATES))
