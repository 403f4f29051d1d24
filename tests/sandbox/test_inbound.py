"""What people write to a sender: who is told, and the session that it opens."""

import json
from typing import Any

import pytest

from tests.sandbox.lab import FAILED_NUMBER, FINISHED_NUMBER, Lab, association, lab
from tests.sandbox.test_standalone import TEXT, send, text_message
from tests.sandbox.test_subscriptions import OWN_URL, subscribe

WRITER = "41793026727"
INBOUND_URL = "http://gateway.test/hooks/infobip/inbound"
INBOUND = "/messages-api/1/inbound"
FREE_TEXT = {"template": None, "content": {"body": {"type": "TEXT", "text": "Hello"}}}


async def write(sandbox: Lab, number: str = FINISHED_NUMBER, sender: str = WRITER) -> int:
    """Somebody writes to a number."""
    body = {"from": sender, "text": "Hello"}
    response = await sandbox.http.post(f"/sandbox/senders/{number}/inbound", json=body)
    await sandbox.settled()
    return response.status_code


async def pulled(sandbox: Lab, **query: Any) -> dict[str, Any]:
    """What was written, as the Messages API hands it out."""
    response = await sandbox.http.get(INBOUND, params={"channel": "WHATSAPP", **query})
    assert response.status_code == 200, response.text
    return response.json()


async def associated(sandbox: Lab) -> None:
    """The sender belongs to an application and an entity."""
    await sandbox.share()
    await sandbox.http.post("/provisioning/1/applications", json={"applicationId": "app"})
    await sandbox.http.post("/provisioning/1/entities", json={"entityId": "acme"})
    body = association(await sandbox.number_key())
    assert (await sandbox.http.post("/provisioning/1/associations", json=body)).status_code == 201


async def test_a_subscription_is_told_in_whatsapps_own_shape(sandbox: Lab):
    """From whom, to which sender, and what; and then it cannot be pulled any more."""
    await subscribe(sandbox, events=["INBOUND_MESSAGE"])
    await sandbox.share()
    sandbox.inbox.clear()
    assert await write(sandbox) == 202
    assert str(sandbox.inbox[0].url) == OWN_URL
    (message,) = json.loads(sandbox.inbox[0].content)["results"]
    assert (message["from"], message["to"]) == (WRITER, FINISHED_NUMBER)
    assert message["message"] == {"type": "TEXT", "text": "Hello"}
    assert (await pulled(sandbox))["results"] == []


async def test_the_configured_url_is_told_what_no_subscription_has():
    """Signed as the account's webhooks are; a subscription goes before it."""
    settings = {"webhook_auth": "header", "webhook_secret": "s3cret"}
    async with lab(inbound_url=INBOUND_URL, **settings) as sandbox:
        await sandbox.share()
        await write(sandbox)
        told = sandbox.inbox[-1]
        assert (str(told.url), told.headers["X-Webhook-Secret"]) == (INBOUND_URL, "s3cret")
        assert (await pulled(sandbox))["results"] == []
        await subscribe(sandbox, events=["INBOUND_MESSAGE"])
        await write(sandbox)
        assert str(sandbox.inbox[-1].url) == OWN_URL


async def test_it_can_be_told_in_the_messages_apis_shape(sandbox: Lab):
    """Since nothing says which it is."""
    await sandbox.http.put("/sandbox/account", json={"inbound_shape": "messages-api"})
    await subscribe(sandbox, events=["INBOUND_MESSAGE"])
    await sandbox.share()
    await write(sandbox)
    (message,) = json.loads(sandbox.inbox[-1].content)["results"]
    assert (message["event"], message["sender"], message["destination"]) == (
        "MO",
        WRITER,
        FINISHED_NUMBER,
    )


async def test_what_nobody_was_told_is_handed_out_once(sandbox: Lab):
    """So many at a time; the count of the rest is said."""
    await sandbox.share()
    for _ in range(3):
        await write(sandbox)
    first = await pulled(sandbox, limit=2)
    assert (first["messageCount"], first["pendingMessageCount"]) == (2, 1)
    assert len((await pulled(sandbox))["results"]) == 1
    assert (await pulled(sandbox))["results"] == []


async def test_what_could_not_be_told_waits_to_be_pulled(sandbox: Lab):
    """After the last try."""
    await subscribe(sandbox, events=["INBOUND_MESSAGE"])
    await sandbox.share()
    sandbox.unreachable = True
    await write(sandbox)
    assert len((await pulled(sandbox))["results"]) == 1


async def test_it_is_kept_for_48_hours(sandbox: Lab):
    """As reports are."""
    await sandbox.share()
    await write(sandbox)
    sandbox.time += 48 * 3600
    assert (await pulled(sandbox))["results"] == []


async def test_its_ids_are_those_of_the_sender(sandbox: Lab):
    """By which it is found, and by which a subscription is chosen."""
    await associated(sandbox)
    await write(sandbox)
    assert (await pulled(sandbox, entityId="cafe"))["results"] == []
    (message,) = (await pulled(sandbox, entityId="acme"))["results"]
    assert message["platform"] == {"applicationId": "app", "entityId": "acme"}
    await subscribe(sandbox, events=["INBOUND_MESSAGE"], criteria=[{"entityId": "acme"}])
    await write(sandbox)
    assert json.loads(sandbox.inbox[-1].content)["results"][0]["entityId"] == "acme"


async def test_nobody_writes_to_a_sender_that_is_not_registered(sandbox: Lab):
    """404."""
    await sandbox.share()
    assert await write(sandbox, FAILED_NUMBER) == 404


@pytest.mark.parametrize("sender", [WRITER, f"+{WRITER}"])
async def test_whoever_writes_can_be_answered_for_a_day(sandbox: Lab, sender: str):
    """By either API, and in words of one's own."""
    await sandbox.share()
    await write(sandbox, sender=sender)
    sandbox.time += 24 * 3600 - 1
    await sandbox.send(**FREE_TEXT)
    await send(sandbox, TEXT, text_message(messageId="message-2"))
    sandbox.time += 1
    await send(sandbox, TEXT, text_message(messageId="message-3"))
    assert [each["error"]["name"] for each in await sandbox.reports()] == [
        "NO_ERROR",
        "NO_ERROR",
        "EC_NO_SESSION",
    ]


async def test_nobody_else_can_be_answered(sandbox: Lab):
    """A session is between two."""
    await sandbox.share()
    await write(sandbox, sender="447860099299")
    await sandbox.send(**FREE_TEXT)
    assert (await sandbox.reports())[0]["error"]["id"] == 7010


@pytest.mark.parametrize("body", [{}, {"from": "me", "text": "Hello"}, {"from": WRITER}])
async def test_what_is_written_needs_a_writer_and_words(sandbox: Lab, body: dict[str, str]):
    """422: the control API is ours."""
    await sandbox.share()
    path = f"/sandbox/senders/{FINISHED_NUMBER}/inbound"
    assert (await sandbox.http.post(path, json=body)).status_code == 422
