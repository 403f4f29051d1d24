"""The two APIs that carry messages: the same promises, in two forms on the wire."""

from typing import Any

import pytest

from tests.infobip.conftest import sent
from waboard.infobip import InfobipError
from waboard.infobip.models import TextMessage
from waboard.infobip.traffic import MessagesApi, StandaloneApi

MESSAGES = "/messages-api/1/messages"
TEMPLATE = "/whatsapp/1/message/template"
TEXT = "/whatsapp/1/message/text"
STATUS = {"groupId": 1, "groupName": "PENDING", "id": 7, "name": "PENDING_ENROUTE"}
REFUSED = {"groupId": 5, "groupName": "REJECTED", "id": 13, "name": "REJECTED_SENDER"}


def answered(kind: str, status: dict[str, Any], **more: str) -> dict[str, Any]:
    """What each operation answers: the standalone text alone has no list."""
    one = {"to": "385911234567", "messageCount": 1, "status": status, **more}
    return one if kind == "standalone text" else {"messages": [one]}


@pytest.mark.parametrize("kind", ["template", "text", "standalone template", "standalone text"])
class TestSending:
    """What is alike in all four."""

    @pytest.fixture
    def path(self, kind):
        return {"standalone template": TEMPLATE, "standalone text": TEXT}.get(kind, MESSAGES)

    @pytest.fixture
    def send(self, client, kind, message, text):
        api = client.traffic("whatsapp" if "standalone" in kind else "messages-api")
        return lambda: api.send_text(text) if "text" in kind else api.send_template(message)

    async def test_gives_the_status_of_the_message(self, infobip, kind, path, send):
        """Acceptance only."""
        infobip.post(path).respond(json=answered(kind, STATUS, messageId="waboard-9"))
        accepted = await send()
        assert (accepted.message_id, accepted.status.name) == ("waboard-9", "PENDING_ENROUTE")
        assert not accepted.failed

    async def test_a_200_can_hold_a_refusal(self, infobip, kind, path, send, message, text):
        """And the id of the message is ours, when it does not come back."""
        infobip.post(path).respond(json=answered(kind, REFUSED))
        refused = await send()
        assert refused.failed
        assert refused.message_id == (text if "text" in kind else message).message_id

    @pytest.mark.parametrize("body", ["", "[]", "{}", '{"status": 1}'])
    async def test_a_200_that_cannot_be_read_is_ambiguous(self, infobip, path, send, body):
        """The message may be on its way."""
        infobip.post(path).respond(200, text=body)
        with pytest.raises(InfobipError) as caught:
            await send()
        assert caught.value.ambiguous
        assert not caught.value.retryable

    async def test_an_error_shows_no_whole_number_and_no_text(self, infobip, path, send):
        """It may end in a log."""
        infobip.post(path).respond(500)
        with pytest.raises(InfobipError, match="from …1117 to …4567") as caught:
            await send()
        assert caught.value.ambiguous
        assert "Hello" not in str(caught.value)

    async def test_asks_for_no_failover(self, infobip, kind, path, send):
        """WhatsApp, or not at all."""
        route = infobip.post(path).respond(json=answered(kind, STATUS))
        await send()
        assert "ailover" not in route.calls.last.request.content.decode()


class TestMessagesApi:
    """The one for all channels."""

    async def test_sends_text(self, client, infobip, limiter, text):
        """A body of type TEXT, under the ids."""
        route = infobip.post(MESSAGES).respond(json=answered("text", STATUS))
        await client.traffic("messages-api").send_text(text)
        assert sent(route) == {
            "messages": [
                {
                    "channel": "WHATSAPP",
                    "sender": "447860041117",
                    "destinations": [{"to": "385911234567", "messageId": "waboard-2"}],
                    "content": {"body": {"type": "TEXT", "text": "Hello, Ada"}},
                    "options": {"platform": {"applicationId": "waboard", "entityId": "acme"}},
                }
            ]
        }
        assert limiter.acquired == ["messages-send"]

    async def test_can_be_asked_about_text(self, client, infobip, limiter, text):
        """What it would send is what it asks about."""
        route = infobip.post(f"{MESSAGES}/validate").respond(json={"description": "ok"})
        validation = await client.traffic("messages-api").validate(text)
        assert validation is not None
        assert validation.ok
        assert sent(route)["messages"][0]["content"]["body"]["text"] == "Hello, Ada"
        assert limiter.acquired == ["messages-validate"]


class TestStandaloneApi:
    """The one for WhatsApp alone."""

    async def test_sends_a_template_with_no_placeholders(self, client, infobip, limiter, message):
        """The ids are flat, the list of placeholders is there and empty."""
        route = infobip.post(TEMPLATE).respond(json=answered("template", STATUS))
        await client.traffic("whatsapp").send_template(message)
        assert sent(route) == {
            "messages": [
                {
                    "from": "447860041117",
                    "to": "385911234567",
                    "messageId": "waboard-1",
                    "applicationId": "waboard",
                    "entityId": "acme",
                    "content": {
                        "templateName": "welcome",
                        "templateData": {"body": {"placeholders": []}},
                        "language": "en",
                    },
                }
            ]
        }
        assert limiter.acquired == ["whatsapp-messages"]

    async def test_sends_text_without_a_list_around_it(self, client, infobip, limiter, text):
        """One message a call."""
        route = infobip.post(TEXT).respond(json=answered("standalone text", STATUS))
        await client.traffic("whatsapp").send_text(text)
        assert sent(route) == {
            "from": "447860041117",
            "to": "385911234567",
            "messageId": "waboard-2",
            "applicationId": "waboard",
            "entityId": "acme",
            "content": {"text": "Hello, Ada"},
        }
        assert limiter.acquired == ["whatsapp-messages"]

    async def test_cannot_be_asked_first(self, client, infobip, message):
        """None is no yes."""
        assert await client.traffic("whatsapp").validate(message) is None
        assert not infobip.calls


def test_each_name_is_an_api(client):
    """The names are those of the setting."""
    assert isinstance(client.traffic("messages-api"), MessagesApi)
    assert isinstance(client.traffic("whatsapp"), StandaloneApi)


def test_a_text_shows_neither_itself_nor_a_number_in_its_repr(text: TextMessage):
    """It may be logged as somebody's argument."""
    for hidden in ("Hello", "447860041117", "385911234567"):
        assert hidden not in repr(text)
