"""WhatsApp's own sends: the same messages, other answers and other reports."""

import json
from typing import Any

import httpx
import pytest

from tests.sandbox.lab import DELIVERY_URL, FINISHED_NUMBER, Lab, lab
from tests.sandbox.test_messages import with_sender
from tests.sandbox.test_subscriptions import OWN_URL, subscribe

TEMPLATE = "/whatsapp/1/message/template"
TEXT = "/whatsapp/1/message/text"


def template_message(**changes: Any) -> dict[str, Any]:
    """A request with one message; changes replace its parts."""
    content = {
        "templateName": "waboard_verification",
        "templateData": {"body": {"placeholders": ["Acme"]}},
        "language": "en",
    }
    message = {"from": FINISHED_NUMBER, "to": "41793026727", "messageId": "message-1"}
    return {"messages": [{**message, "content": content, **changes}]}


def text_message(**changes: Any) -> dict[str, Any]:
    """One message, not a list."""
    message = {"from": FINISHED_NUMBER, "to": "41793026727", "messageId": "message-1"}
    return {**message, "content": {"text": "Hello"}, **changes}


async def send(sandbox: Lab, path: str, body: dict[str, Any]) -> httpx.Response:
    """Send, and wait for what becomes of it."""
    response = await sandbox.http.post(path, json=body)
    await sandbox.settled()
    return response


async def test_templates_are_sent_in_bulk(sandbox: Lab):
    """7 PENDING_ENROUTE, for each of them."""
    await sandbox.share()
    ids = ("message-1", "message-2")
    messages = [template_message(messageId=each)["messages"][0] for each in ids]
    body = {"messages": messages, "bulkId": "mine"}
    answer = (await send(sandbox, TEMPLATE, body)).json()
    assert answer["bulkId"] == "mine"
    assert [each["messageId"] for each in answer["messages"]] == ["message-1", "message-2"]
    assert answer["messages"][0]["status"]["name"] == "PENDING_ENROUTE"
    assert [each["bulkId"] for each in await sandbox.reports()] == ["mine", "mine"]


async def test_a_text_is_one_message(sandbox: Lab):
    """Neither a list asked for nor one given."""
    await sandbox.share()
    answer = (await send(sandbox, TEXT, text_message())).json()
    assert (answer["to"], answer["messageId"], answer["status"]["id"]) == (
        "41793026727",
        "message-1",
        7,
    )


async def test_the_pushed_report_has_a_shape_of_its_own():
    """Neither application nor entity, not even the sender; the message's own URL goes first."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox:
        await sandbox.share()
        ids = {"applicationId": "app", "entityId": "acme", "callbackData": "attempt-1"}
        await send(sandbox, TEMPLATE, template_message(**ids))
        (report,) = json.loads(sandbox.inbox[-1].content)["results"]
        assert (report["to"], report["callbackData"]) == ("41793026727", "attempt-1")
        assert report["status"]["groupName"] == "DELIVERED"
        assert not {"applicationId", "entityId", "platform", "sender", "event"} & set(report)
        own = {"notifyUrl": "http://own.test/dlr", "messageId": "message-2"}
        await send(sandbox, TEMPLATE, template_message(**own))
        assert str(sandbox.inbox[-1].url) == "http://own.test/dlr"


async def test_the_pulled_report_is_like_every_other(sandbox: Lab):
    """The one queue covers both APIs, in the shape of the Messages API."""
    await sandbox.share()
    await send(sandbox, TEMPLATE, template_message(entityId="acme"))
    (report,) = await sandbox.reports(entityId="acme")
    assert (report["event"], report["sender"]) == ("DELIVERY", FINISHED_NUMBER)
    assert await sandbox.reports() == []


async def test_subscriptions_see_the_ids_all_the_same(sandbox: Lab):
    """Although the report does not tell them."""
    await subscribe(sandbox, criteria=[{"entityId": "acme"}])
    await sandbox.share()
    await send(sandbox, TEMPLATE, template_message(entityId="acme"))
    assert str(sandbox.inbox[-1].url) == OWN_URL


async def test_it_can_be_seen(sandbox: Lab):
    """With the ids flat, and where it came from."""
    await subscribe(sandbox)
    sender = await with_sender(sandbox, seen=True)
    await send(sandbox, TEMPLATE, template_message(**{"from": sender}, entityId="acme"))
    (report,) = json.loads(sandbox.inbox[-1].content)["results"]
    assert (report["from"], report["entityId"]) == (sender, "acme")
    assert "seenAt" in report


async def test_the_messages_own_url_gets_both_reports(sandbox: Lab):
    """There is only one, for delivery and seen."""
    sender = await with_sender(sandbox, seen=True)
    own = {"from": sender, "notifyUrl": "http://own.test/reports"}
    await send(sandbox, TEMPLATE, template_message(**own))
    assert [str(each.url) for each in sandbox.inbox[-2:]] == ["http://own.test/reports"] * 2


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        (TEMPLATE, template_message(**{"from": "447000000000"}), 7034),
        (
            TEMPLATE,
            template_message(
                content={**template_message()["messages"][0]["content"], "templateName": "none"}
            ),
            7009,
        ),
        (TEXT, text_message(), 7010),
    ],
)
async def test_the_report_says_what_is_wrong(
    sandbox: Lab, path: str, body: dict[str, Any], error: int
):
    """The answer never does; free text outside a session is EC_NO_SESSION."""
    await sandbox.share()
    assert (await send(sandbox, path, body)).status_code == 200
    assert (await sandbox.reports())[0]["error"]["id"] == error


async def test_an_id_is_used_once_whichever_api_it_comes_by(sandbox: Lab):
    """The second is rejected in the answer."""
    await sandbox.share()
    await sandbox.send()
    (answer,) = (await send(sandbox, TEMPLATE, template_message())).json()["messages"]
    assert answer["status"]["id"] == 23
    assert (await sandbox.books())["duplicates"] == ["message-1"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (TEMPLATE, {}),
        (TEMPLATE, template_message(to=None)),
        (TEMPLATE, template_message(content={"templateName": "x", "language": "en"})),
        (TEMPLATE, template_message(messageId="x" * 201)),
        (TEXT, text_message(content={"text": ""})),
        (TEXT, text_message(content={"text": "x" * 4097})),
        (TEXT, {"messages": [text_message()]}),
    ],
)
async def test_what_is_missing_or_wrong_is_refused(sandbox: Lab, path: str, body: dict[str, Any]):
    """In the older shape."""
    response = await send(sandbox, path, body)
    assert response.status_code == 400
    assert response.json()["requestError"]["serviceException"]["validationErrors"]
    assert (await sandbox.books())["messages"] == []
