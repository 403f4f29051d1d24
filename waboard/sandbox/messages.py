"""The Messages API: validate, send, pull reports (Infobip OpenAPI messages-api 3.210.0)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from waboard.sandbox.delivery import deliver
from waboard.sandbox.message_models import (
    Destination,
    MessagesRequest,
    Outbound,
    unknown_properties,
)
from waboard.sandbox.queues import USUAL, take
from waboard.sandbox.state import Message
from waboard.sandbox.world import Here, World

router = APIRouter(prefix="/messages-api/1")

ACCEPTED = {
    "groupId": 1,
    "groupName": "PENDING",
    "id": 26,
    "name": "MESSAGE_ACCEPTED",
    "description": "Message sent to next instance",
}
DUPLICATE = {
    "groupId": 5,
    "groupName": "REJECTED",
    "id": 23,
    "name": "REJECTED_DUPLICATE_MESSAGE_ID",
    "description": "Message with the same messageId was already sent",
}


@router.post("/messages/validate")
async def validate(body: MessagesRequest) -> dict[str, Any]:
    """Nothing is sent. What is missing was refused before this; what is unknown is named here."""
    return {
        "description": "Request can be sent through '/messages' endpoint and should be accepted "
        "by our platform.",
        "action": "No action is required, but it is recommended to check and address any "
        "violations.",
        "skippableViolations": [
            {"property": name, "violation": "Unknown property"} for name in unknown_properties(body)
        ],
    }


@router.post("/messages")
async def send(body: MessagesRequest, world: Here) -> dict[str, Any]:
    """Accept; whether it arrives is told by the delivery report."""
    bulk_id = world.new_id()
    return {
        "bulkId": bulk_id,
        "messages": [
            _submit(world, bulk_id, message, destination)
            for message in body.messages
            for destination in message.destinations
        ],
    }


def _submit(
    world: World, bulk_id: str, outbound: Outbound, destination: Destination
) -> dict[str, Any]:
    message = _message(world, bulk_id, outbound, destination)
    answer = {"messageId": message.messageId, "destination": message.to}
    return {**answer, "status": submit(world, message, ACCEPTED)}


def submit(world: World, message: Message, accepted: dict[str, Any]) -> dict[str, Any]:
    """Take a message on its way, by whichever API it came; or its id was used before."""
    if message.messageId in world.books.messages:
        world.books.duplicates.append(message.messageId)
        return DUPLICATE
    world.books.messages[message.messageId] = message
    world.tasks.start(deliver(world, message))
    return accepted


def _message(world: World, bulk_id: str, outbound: Outbound, destination: Destination) -> Message:
    platform = outbound.options.platform
    known = {"entityId": platform.entity_id, "applicationId": platform.application_id}
    template = outbound.template
    return Message(
        messageId=destination.message_id or world.new_id(),
        bulkId=bulk_id,
        sender=outbound.sender or "",
        to=destination.address or "",
        sentAt=world.now(),
        platform={name: value for name, value in known.items() if value is not None},
        template=template.template_name if template else None,
        language=template.language if template else None,
        callbackData=outbound.webhooks.callback_data,
        campaignReferenceId=outbound.options.campaign_reference_id,
        deliveryUrl=outbound.webhooks.delivery.url,
        seenUrl=outbound.webhooks.seen.url,
    )


class ReportQuery(BaseModel):
    """Which reports, and how many."""

    channel: str | None = None
    bulkId: str | None = None  # noqa: N815 - as on the wire
    messageId: str | None = None  # noqa: N815
    limit: int = USUAL
    entityId: str | None = None  # noqa: N815
    applicationId: str | None = None  # noqa: N815
    campaignReferenceId: str | None = None  # noqa: N815

    def admits(self, report: dict[str, Any]) -> bool:
        """Whether everything that was asked for is so."""
        facts = {**report, **report.get("platform", {})}
        asked = self.model_dump(exclude_none=True, exclude={"limit"})
        return all(facts.get(name) == value for name, value in asked.items())


@router.get("/reports")
async def reports(query: Annotated[ReportQuery, Query()], world: Here) -> dict[str, Any]:
    """Those of messages that the standalone API sent as well, all in the one shape."""
    taken = take(world.books.reports, world.clock(), query.admits, query.limit)
    world.books.handed_out += [report["messageId"] for report in taken]
    return {"results": taken}
