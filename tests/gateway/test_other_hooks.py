"""Seen reports, messages to senders, templates, and what Infobip says of an account."""

from typing import Any

from tests.domain.samples import BAD, DOCUMENTED, GOOD
from tests.gateway.desk import DELIVERY, REGISTRATION, Desk, assert_problem
from tests.gateway.test_hooks import condition, sender

SEEN, INBOUND = "/hooks/infobip/seen", "/hooks/infobip/inbound"
TEMPLATES, ACCOUNT = "/hooks/infobip/templates", "/hooks/infobip/account"
NOTHING = {"kept": 0, "duplicates": 0}


def seen(message_id: str, at: str = "2026-01-05T09:30:00.000+0000") -> dict[str, Any]:
    """A seen report as the standalone API's subscription sends it."""
    return {"results": [{"messageId": message_id, "from": "1", "to": "2", "seenAt": at}]}


def inbound(number: str, text: str = "my card is 4111", **other: Any) -> dict[str, Any]:
    """A message to a sender, as Infobip documents it."""
    message = {
        "from": "447860099311",
        "to": number,
        "integrationType": "WHATSAPP",
        "receivedAt": "2026-01-05T09:10:00.000+0000",
        "messageId": "wamid.1",
        "message": {"text": text, "type": "TEXT"},
        **other,
    }
    return {"results": [message], "messageCount": 1, "pendingMessageCount": 0}


TEMPLATE = {
    "messageTemplateId": "111",
    "messageTemplateName": "waboard_verification",
    "messageTemplateLanguage": "en",
    "timestamp": "2026-01-05T09:00:00.000+0000",
    "change": {"type": "TEMPLATE_STATUS_UPDATE", "newStatus": "REJECTED", "reason": "SCAM"},
    "entityId": 123456,
    "applicationId": 1234567,
}


async def with_a_test_message(desk: Desk) -> str:
    """An onboarding whose good sender's test message is on its way."""
    onboarding = await desk.asked()
    await desk.hook(REGISTRATION, DOCUMENTED)
    await desk.has_sent_a_test(onboarding["id"], GOOD, "waboard-1")
    return onboarding["id"]


async def test_a_message_that_was_read_has_arrived(desk: Desk):
    """Even when its delivery report was lost."""
    onboarding_id = await with_a_test_message(desk)
    await desk.hook(SEEN, seen("waboard-1"))
    shown = sender(await desk.onboarding(onboarding_id), GOOD)
    assert condition(shown, "Verified") == ("True", "MessageDelivered")
    (verified,) = [c for c in shown["conditions"] if c["type"] == "Verified"]
    assert verified["message"].endswith("read on 2026-01-05 09:30 UTC.")


async def test_a_delivery_report_after_the_seen_report_changes_nothing(desk: Desk):
    onboarding_id = await with_a_test_message(desk)
    await desk.hook(SEEN, seen("waboard-1"))
    before = sender(await desk.onboarding(onboarding_id), GOOD)
    late = {"id": 9, "groupId": 2, "name": "UNDELIVERABLE_NOT_DELIVERED"}
    await desk.hook(DELIVERY, {"results": [{"messageId": "waboard-1", "status": late}]})
    assert sender(await desk.onboarding(onboarding_id), GOOD) == before


async def test_seen_reports_of_others_messages_change_nothing(desk: Desk):
    await with_a_test_message(desk)
    await desk.hook(SEEN, seen("a-newsletter"))
    [event] = await desk.events(disposition="unsupported")
    assert (event["kind"], event["detail"]) == ("seen", "Not our message.")


async def test_a_message_to_a_sender_on_its_way_is_kept_without_its_words(desk: Desk):
    onboarding = await desk.asked()
    await desk.hook(REGISTRATION, DOCUMENTED)
    assert (await desk.hook(INBOUND, inbound(GOOD))).json()["kept"] == 1
    [event, _] = await desk.events()
    assert (event["kind"], event["onboarding_id"]) == ("inbound", onboarding["id"])
    body = (await desk.http.get(f"/v1/events/{event['id']}")).text
    assert "4111" not in body
    assert "wamid.1" in body


async def test_a_message_to_anybody_else_is_not_kept(desk: Desk):
    """It is a client's own business."""
    await desk.asked()
    assert (await desk.hook(INBOUND, inbound(BAD))).json() == NOTHING
    assert await desk.events() == []


async def test_a_message_that_cannot_be_read_is_kept_without_its_words(desk: Desk):
    answer = await desk.hook(INBOUND, inbound("acme"))
    assert answer.json()["kept"] == 1
    [event] = await desk.events(disposition="invalid")
    assert event["detail"].startswith("to: ")
    assert "4111" not in (await desk.http.get(f"/v1/events/{event['id']}")).text


async def test_a_templates_change_is_kept_with_what_became_of_it(desk: Desk):
    await desk.hook(TEMPLATES, TEMPLATE)
    [event] = await desk.events()
    assert event["disposition"] == "applied"
    assert event["detail"] == "Template waboard_verification (en): REJECTED (SCAM)."


async def test_what_is_said_of_an_account_is_kept(desk: Desk):
    """Infobip publishes no form of it."""
    await desk.hook(ACCOUNT, {"anything": ["goes"]})
    [event] = await desk.events()
    assert (event["kind"], event["disposition"]) == ("account", "unsupported")


async def test_every_hook_wants_the_signature(desk: Desk):
    for path in (SEEN, INBOUND, TEMPLATES, ACCOUNT):
        answer = await desk.stranger.post(path, json={})
        assert_problem(answer, 401, "WABOARD_INFOBIP_WEBHOOK_SECRETS")
    assert await desk.events() == []


async def test_a_hook_that_there_is_not_is_refused(desk: Desk):
    assert_problem(await desk.hook("/hooks/infobip/billing", {}), 404, "registration")
