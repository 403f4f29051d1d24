"""Sending one message, by whichever of Infobip's two APIs carries a provider's traffic.

`messages-api`  the Messages API, for all channels (OpenAPI messages-api 3.210.0)
`whatsapp`      the standalone API of WhatsApp alone (OpenAPI whatsapp 3.210.0)

A message goes to one person over WhatsApp, or not at all: neither ever asks for a failover to
another channel. Its application and entity ride on the message itself, which scopes its reports.
"""

from typing import Any, Literal, Protocol

from waboard.domain.ids import mask_phone
from waboard.domain.json_values import objects_in
from waboard.infobip import endpoints
from waboard.infobip.answers import Answer
from waboard.infobip.calls import BAD_REQUEST, Calls
from waboard.infobip.models import SentMessage, TemplateMessage, TextMessage, Validation

TrafficName = Literal["messages-api", "whatsapp"]
Message = TemplateMessage | TextMessage


class TrafficApi(Protocol):
    """Sends messages. Every method raises `InfobipError`, and nothing else."""

    async def send_template(self, message: TemplateMessage) -> SentMessage:
        """Send a template. The answer is acceptance only, and may hold a refusal (`.failed`).

        No duplicate is promised to be caught by `message_id`: look for its report before sending
        again.
        """
        ...

    async def send_text(self, message: TextMessage) -> SentMessage:
        """Send free text, which arrives only within 24 hours of the person's last message."""
        ...

    async def validate(self, message: Message) -> Validation | None:
        """Ask what Infobip would say, sending nothing; None when this API cannot be asked."""
        ...


class MessagesApi:
    """The Messages API."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def send_template(self, message: TemplateMessage) -> SentMessage:
        """Send a template."""
        return await self._send(message)

    async def send_text(self, message: TextMessage) -> SentMessage:
        """Send free text."""
        return await self._send(message)

    async def validate(self, message: Message) -> Validation:
        """Ask what Infobip would say to a message; nothing is sent, and a no is no exception.

        Whether it looks at the sender's owner and the template's existence is not documented.
        """
        doing, call = f"Validating {_described(message)}", endpoints.VALIDATE_MESSAGE
        body = messages_api_body(message)
        answer = await self._calls.make(doing, call, body=body, accept={BAD_REQUEST})
        found = answer.fields()
        if answer.ok and found is not None:
            found["violations"] = found.get("skippableViolations") or ()
        elif answer.ok:
            raise answer.unusable("which is no JSON object")
        elif found is None or not isinstance(found.get("violations"), list):
            # A 400 of some other kind says nothing about the message.
            raise self._calls.refused(doing, call, answer.response)
        return answer.read(Validation, {**found, "ok": answer.ok})

    async def _send(self, message: Message) -> SentMessage:
        doing, call = f"Sending {_described(message)}", endpoints.SEND_MESSAGE
        answer = await self._calls.make(doing, call, body=messages_api_body(message))
        return _first(answer, message)


class StandaloneApi:
    """The standalone API of WhatsApp."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def send_template(self, message: TemplateMessage) -> SentMessage:
        """Send a template."""
        doing, call = f"Sending {_described(message)}", endpoints.SEND_WHATSAPP_TEMPLATE
        answer = await self._calls.make(doing, call, body=standalone_template_body(message))
        return _first(answer, message)

    async def send_text(self, message: TextMessage) -> SentMessage:
        """Send free text."""
        doing, call = f"Sending {_described(message)}", endpoints.SEND_WHATSAPP_TEXT
        answer = await self._calls.make(doing, call, body=standalone_text_body(message))
        return _sent(answer, answer.fields(), message)

    async def validate(self, message: Message) -> None:
        """Give None: this API can only send."""


_APIS: dict[TrafficName, type[MessagesApi] | type[StandaloneApi]] = {
    "messages-api": MessagesApi,
    "whatsapp": StandaloneApi,
}


def traffic_api(name: TrafficName, calls: Calls) -> TrafficApi:
    """Make the API of that name."""
    return _APIS[name](calls)


def messages_api_body(message: Message) -> dict[str, Any]:
    """Give the body of `messages-api/1/messages`, and of its validation.

    A template without parameters has no `content`: the document's own example "Template message
    WHATSAPP" has none, and the schema does not require it.
    """
    platform = {"applicationId": message.application_id, "entityId": message.entity_id}
    one: dict[str, Any] = {
        "channel": "WHATSAPP",
        "sender": message.sender,
        "destinations": [{"to": message.to, "messageId": message.message_id}],
        "options": {"platform": platform},
    }
    if isinstance(message, TextMessage):
        one["content"] = {"body": {"type": "TEXT", "text": message.text}}
    else:
        one["template"] = {"templateName": message.template_name, "language": message.language}
    return {"messages": [one]}


def standalone_template_body(message: TemplateMessage) -> dict[str, Any]:
    """Give the body of `whatsapp/1/message/template`: a list of one.

    A template without parameters has an empty list of placeholders, which the schema requires.
    """
    content: dict[str, Any] = {
        "templateName": message.template_name,
        "templateData": {"body": {"placeholders": []}},
        "language": message.language,
    }
    return {"messages": [_standalone(message) | {"content": content}]}


def standalone_text_body(message: TextMessage) -> dict[str, Any]:
    """Give the body of `whatsapp/1/message/text`: the message itself."""
    return _standalone(message) | {"content": {"text": message.text}}


def _standalone(message: Message) -> dict[str, Any]:
    return {
        "from": message.sender,
        "to": message.to,
        "messageId": message.message_id,
        "applicationId": message.application_id,
        "entityId": message.entity_id,
    }


def _first(answer: Answer, message: Message) -> SentMessage:
    rows = objects_in(answer.rows("messages", required=True))
    return _sent(answer, rows[0] if rows else None, message)


def _sent(answer: Answer, row: dict[str, Any] | None, message: Message) -> SentMessage:
    if not row:
        raise answer.unusable("without the message")
    sent = answer.read(SentMessage, row)
    known = sent.message_id or message.message_id
    return sent.model_copy(update={"message_id": known})


def _described(message: Message) -> str:
    is_text = isinstance(message, TextMessage)
    what = "a text" if is_text else f"template {message.template_name}"
    return f"{what} from {mask_phone(message.sender)} to {mask_phone(message.to)}"
