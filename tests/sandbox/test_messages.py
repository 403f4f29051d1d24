"""Validating, sending, and the delivery report."""

import json
from typing import Any

import pytest

from tests.sandbox.lab import DELIVERY_URL, DOCUMENTED, FAILED_NUMBER, Lab, lab, message
from waboard.sandbox.fates import default_fate

VALIDATE = "/messages-api/1/messages/validate"


async def with_sender(sandbox: Lab, **changes: Any) -> str:
    """A registered sender with this fate; its number."""
    sender = default_fate("777").senders[0].model_copy(update=changes)
    await sandbox.decide("777", senders=[sender.model_dump()])
    await sandbox.share("777")
    return sender.number


async def test_an_accepted_message_is_only_pending(sandbox: Lab):
    """26 MESSAGE_ACCEPTED; the truth comes with the report."""
    await sandbox.share()
    body = (await sandbox.send()).json()
    (answer,) = body["messages"]
    assert (answer["messageId"], answer["destination"]) == ("message-1", "41793026727")
    assert {"groupId": 1, "id": 26, "name": "MESSAGE_ACCEPTED"}.items() <= answer["status"].items()


@pytest.mark.parametrize(
    ("delivery", "group"),
    [
        ("delivered", "DELIVERED"),
        ("undeliverable", "UNDELIVERABLE"),
        ("rejected", "REJECTED"),
        ("expired", "EXPIRED"),
    ],
)
async def test_a_message_ends_as_the_senders_fate_says(sandbox: Lab, delivery: str, group: str):
    """The four final groups."""
    sender = await with_sender(sandbox, delivery=delivery)
    await sandbox.send(sender=sender)
    (report,) = await sandbox.reports()
    assert report["status"]["groupName"] == group
    assert (await sandbox.books())["messages"][0]["status"] == group


async def test_silence_is_a_fate_too(sandbox: Lab):
    """No report, ever."""
    sender = await with_sender(sandbox, delivery="silent")
    await sandbox.send(sender=sender)
    assert await sandbox.reports() == []
    assert (await sandbox.books())["messages"][0]["status"] == "PENDING"


@pytest.mark.parametrize("sender", [FAILED_NUMBER, None])
async def test_a_sender_that_is_not_registered_is_rejected_later(sandbox: Lab, sender: str | None):
    """Accepted first, as everything is."""
    await sandbox.share()
    assert (await sandbox.send(sender=sender)).json()["messages"][0]["status"]["id"] == 26
    (report,) = await sandbox.reports()
    assert report["status"]["groupId"] == 5
    assert (report["error"]["id"], report["error"]["name"]) == (7034, "EC_SENDER_NOT_REGISTERED")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"template": {"templateName": "other", "language": "en"}}, 7009),
        ({"template": {"templateName": "waboard_verification", "language": "de"}}, 7009),
        ({"template": {"templateName": "waboard_verification"}}, 0),
        ({"template": None, "content": {"body": {"type": "TEXT", "text": "Hello"}}}, 7010),
    ],
)
async def test_a_template_must_exist(sandbox: Lab, changes: dict[str, Any], error: int):
    """In its language, if one is named; and free text needs a session that nobody opened."""
    await sandbox.share()
    await sandbox.send(**changes)
    (report,) = await sandbox.reports()
    assert report["error"]["id"] == error


async def test_the_same_message_id_is_sent_only_once(sandbox: Lab):
    """The second is rejected in the answer itself, and noted."""
    await sandbox.share()
    await sandbox.send()
    status = (await sandbox.send()).json()["messages"][0]["status"]
    assert (status["groupId"], status["id"]) == (5, 23)
    assert len(await sandbox.reports()) == 1
    assert (await sandbox.books())["duplicates"] == ["message-1"]


async def test_the_report_carries_back_what_the_message_said(sandbox: Lab):
    """Platform, callback data and campaign."""
    await sandbox.share()
    await sandbox.send(
        options={"platform": {"entityId": "acme"}, "campaignReferenceId": "onboarding"},
        webhooks={"callbackData": "attempt-1"},
    )
    (report,) = await sandbox.reports()
    assert report["platform"] == {"entityId": "acme"}
    assert (report["campaignReferenceId"], report["callbackData"]) == ("onboarding", "attempt-1")


async def test_a_pulled_report_is_handed_out_once(sandbox: Lab):
    """Filters leave the others where they are; two readers steal from each other."""
    await sandbox.share()
    for each in ("a", "b"):
        await sandbox.send(destinations=[{"to": "41", "messageId": each}])
    assert [each["messageId"] for each in await sandbox.reports(messageId="b")] == ["b"]
    assert [each["messageId"] for each in await sandbox.reports(limit=1)] == ["a"]
    assert await sandbox.reports() == []


async def test_reports_are_kept_for_48_hours(sandbox: Lab):
    """And then they are gone."""
    await sandbox.share()
    await sandbox.send()
    sandbox.time += 48 * 3600
    assert await sandbox.reports() == []


async def test_a_report_is_pushed_or_queued_but_not_both():
    """The message's own URL goes before the account's."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox:
        await sandbox.share()
        sandbox.inbox.clear()
        await sandbox.send()
        own = {"delivery": {"url": "http://own.test/dlr"}}
        await sandbox.send(webhooks=own, destinations=[{"to": "41", "messageId": "own"}])
        assert [str(each.url) for each in sandbox.inbox] == [DELIVERY_URL, "http://own.test/dlr"]
        assert json.loads(sandbox.inbox[0].content)["results"][0]["messageId"] == "message-1"
        assert await sandbox.reports() == []


async def test_a_lost_push_waits_on_the_queue():
    """The fate that shows who relies on pushes alone."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox:
        sender = await with_sender(sandbox, lost_push=True)
        sandbox.inbox.clear()
        await sandbox.send(sender=sender)
        assert sandbox.inbox == []
        assert len(await sandbox.reports()) == 1


async def test_a_report_comes_after_the_delivery_delay(sandbox: Lab):
    """One second unless told otherwise."""
    await sandbox.share()
    sandbox.naps.clear()
    await sandbox.send()
    assert sandbox.naps == [1.0]


async def test_validate_names_unknown_properties_and_sends_nothing(sandbox: Lab):
    """At any depth, with the path in Infobip's own style."""
    body = message(
        metadata={},
        destinations=[{"to": "41", "messageID": "x"}],
        options={"platform": {"entityID": "acme"}},
    )
    response = await sandbox.http.post(VALIDATE, json=body)
    assert response.status_code == 200
    assert {each["property"] for each in response.json()["skippableViolations"]} == {
        "messages[0].metadata",
        "messages[0].destinations[0].messageID",
        "messages[0].options.platform.entityID",
    }
    assert (await sandbox.books())["messages"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": None},
        {"channel": "TELEX"},
        {"destinations": None},
        {"destinations": [{}]},
        {"template": None},
        {"template": {"language": "en"}},
        {"template": None, "content": {"body": {"type": "TEXT"}}},
        {"content": {"body": {"1": "no type"}}},
        {"content": {"body": {"type": "TEXT", "1": 1}}},
        {"sender": 447491163862},
    ],
)
async def test_what_is_missing_or_wrong_is_refused(sandbox: Lab, changes: dict[str, Any]):
    """Validate says so without an error code, send with one."""
    await sandbox.share()
    validated = await sandbox.http.post(VALIDATE, json=message(**changes))
    sent = await sandbox.send(**changes)
    assert (validated.status_code, sent.status_code) == (400, 400)
    assert validated.json()["violations"][0]["property"].startswith("messages[0]")
    assert "errorCode" not in validated.json()
    assert sent.json()["errorCode"] == "E400"


async def test_a_template_can_be_added_to_a_waba(sandbox: Lab):
    """The fate holds the list."""
    await sandbox.decide(DOCUMENTED, templates=["welcome:de"])
    await sandbox.share()
    await sandbox.send(template={"templateName": "welcome", "language": "de"})
    assert (await sandbox.reports())[0]["status"]["groupName"] == "DELIVERED"
