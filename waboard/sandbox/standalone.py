"""WhatsApp's own sends, one endpoint for each kind of message (Infobip OpenAPI whatsapp 3.210.0).

They accept what the Messages API accepts, and their reports look different. Of a template's data
only the body is checked.
"""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from waboard.sandbox.messages import submit
from waboard.sandbox.state import Message
from waboard.sandbox.world import Here, World

router = APIRouter(prefix="/whatsapp/1/message")

Json = dict[str, Any]
Id = Annotated[str, Field(max_length=255)]

ENROUTE = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 7,
    "name": "PENDING_ENROUTE",
    "description": "Message sent to next instance",
}


class Part(BaseModel):
    """Written in camel case; properties that are not known do no harm."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class Addressed(Part):
    """What every message has."""

    sender: Annotated[str, Field(alias="from", min_length=1, max_length=24)]
    to: Annotated[str, Field(min_length=1, max_length=150)]
    message_id: Annotated[str, Field(max_length=200)] | None = None
    callback_data: Annotated[str, Field(max_length=4000)] | None = None
    notify_url: Annotated[str, Field(max_length=2048)] | None = None
    entity_id: Id | None = None
    application_id: Id | None = None


class TemplateBody(Part):
    """The values of a template's placeholders."""

    placeholders: list[str]


class TemplateData(Part):
    """All values of a template."""

    body: TemplateBody


class TemplateContent(Part):
    """Which template, and with what."""

    template_name: Annotated[str, Field(min_length=1, max_length=512)]
    template_data: TemplateData
    language: str


class TemplateMessage(Addressed):
    """`FailoverMessage`."""

    content: TemplateContent


class Bulk(Part):
    """`BulkMessage`."""

    messages: list[TemplateMessage]
    bulk_id: Annotated[str, Field(max_length=100)] | None = None


class TextContent(Part):
    """What is said."""

    text: Annotated[str, Field(min_length=1, max_length=4096)]
    preview_url: bool = False


class TextMessage(Addressed):
    """`TextMessage`."""

    content: TextContent


@router.post("/template")
async def send_templates(body: Bulk, world: Here) -> Json:
    """Several messages, each with a template."""
    bulk_id = body.bulk_id or world.new_id()
    sent = [_submit(world, bulk_id, each, each.content) for each in body.messages]
    return {"messages": sent, "bulkId": bulk_id}


@router.post("/text")
async def send_text(body: TextMessage, world: Here) -> Json:
    """One message, in words of one's own: outside a session its report says so."""
    return _submit(world, world.new_id(), body)


def _submit(
    world: World, bulk_id: str, asked: Addressed, template: TemplateContent | None = None
) -> Json:
    known = {"entityId": asked.entity_id, "applicationId": asked.application_id}
    message = Message(
        messageId=asked.message_id or world.new_id(),
        bulkId=bulk_id,
        sender=asked.sender,
        to=asked.to,
        sentAt=world.now(),
        platform={name: value for name, value in known.items() if value is not None},
        template=template.template_name if template else None,
        language=template.language if template else None,
        callbackData=asked.callback_data,
        campaignReferenceId=None,
        deliveryUrl=asked.notify_url,
        seenUrl=asked.notify_url,
        standalone=True,
    )
    status = submit(world, message, ENROUTE)
    return {"to": asked.to, "messageCount": 1, "messageId": message.messageId, "status": status}
