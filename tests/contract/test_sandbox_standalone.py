"""The sandbox's standalone WhatsApp sends, judged by Infobip's official document."""

import json
from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.judge import judge
from tests.sandbox.lab import DELIVERY_URL, DOCUMENTED, lab
from tests.sandbox.test_standalone import TEMPLATE, TEXT, send, template_message, text_message
from tests.sandbox.test_subscriptions import subscribe

pytestmark = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)

FULL = {"applicationId": "app", "entityId": "acme", "callbackData": "data"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (TEMPLATE, template_message(**FULL), 200),
        (TEMPLATE, {}, 400),
        (TEXT, text_message(**FULL), 200),
        (TEXT, {}, 400),
    ],
)
async def test_every_answer_is_as_documented(path: str, body: dict[str, Any], status: int):
    """Status and body; and what was asked is what may be asked."""
    async with lab() as sandbox, sandbox.caller("App wrong") as stranger:
        if status == 200:
            openapi.validate_request_body("whatsapp", path, "POST", body)
        first = await send(sandbox, path, body)
        answers = [first, await send(sandbox, path, body), await stranger.post(path, json=body)]
        scopes = ["message:send", "whatsapp:manage", "whatsapp:message:send"]
        await sandbox.http.put("/sandbox/account", json={"missing_scopes": scopes})
        answers.append(await sandbox.http.post(path, json=body))
    assert [each.status_code for each in answers] == [status, status, 401, 403]
    for each in answers:
        judge(each)


@pytest.mark.parametrize("delivery", ["delivered", "undeliverable", "rejected", "expired"])
async def test_every_delivery_report_is_as_documented(delivery: str):
    """Pushed in its own shape, and pulled in the other."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox:
        await sandbox.share()
        fate = (await sandbox.http.get(f"/sandbox/wabas/{DOCUMENTED}")).json()["fate"]
        await sandbox.decide(senders=[{**fate["senders"][0], "delivery": delivery}])
        await send(sandbox, TEMPLATE, template_message(**FULL))
        report = json.loads(sandbox.inbox[-1].content)
        sandbox.unreachable = True
        await send(sandbox, TEMPLATE, template_message(messageId="message-2", entityId="acme"))
        pulled = await sandbox.http.get("/messages-api/1/reports")
    # The one property that no schema has, although the page of each send promises it.
    assert report["results"][0].pop("callbackData") == "data"
    openapi.validate_webhook("whatsapp", "receive-whatsapp-delivery-reports", report)
    assert pulled.json()["results"]
    judge(pulled)


async def test_a_seen_report_is_as_documented():
    """With both ids."""
    async with lab() as sandbox:
        await subscribe(sandbox)
        await sandbox.share()
        fate = (await sandbox.http.get(f"/sandbox/wabas/{DOCUMENTED}")).json()["fate"]
        await sandbox.decide(senders=[{**fate["senders"][0], "seen": True}])
        await send(sandbox, TEMPLATE, template_message(**FULL))
        body = json.loads(sandbox.inbox[-1].content)
    openapi.validate_webhook("whatsapp", "receive-whatsapp-seen-reports", body)


@pytest.mark.parametrize("path", [TEMPLATE, TEXT])
async def test_the_sandbox_takes_every_official_example(path: str):
    """Each is accepted, whatever its report will say."""
    async with lab() as sandbox:
        for number, each in enumerate(openapi.request_examples("whatsapp", path, "POST")):
            for message in each.get("messages", [each]):
                message["messageId"] = f"message-{number}"
            response = await send(sandbox, path, each)
            assert response.status_code == 200, (each, response.text)
