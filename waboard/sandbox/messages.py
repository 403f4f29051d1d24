"""The Messages API: validate, send, pull reports (Infobip OpenAPI messages-api 3.210.0)."""

from collections.abc import Callable
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
from waboard.sandbox.state import Message
from waboard.sandbox.world import Here, World

router = APIRouter(prefix="/messages-api/1")

Queued = tuple[float, dict[str, Any]]
"""When a report was queued, and the report."""

KEPT_SECONDS = 48 * 3600
MOST_REPORTS = 1000

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
    if message.messageId in world.books.messages:
        world.books.duplicates.append(message.messageId)
        return {**answer, "status": DUPLICATE}
    world.books.messages[message.messageId] = message
    world.tasks.start(deliver(world, message))
    return {**answer, "status": ACCEPTED}


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
    limit: int = 50
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
    """Each report of the last 48 h is handed out once: two readers steal from each other."""
    oldest = world.clock() - KEPT_SECONDS
    kept = [each for each in world.books.reports if each[0] > oldest]
    limit = min(max(query.limit, 0), MOST_REPORTS)
    taken, world.books.reports = _split(kept, lambda each: query.admits(each[1]), limit)
    world.books.handed_out += [report["messageId"] for _, report in taken]
    return {"results": [report for _, report in taken]}


def _split(
    items: list[Queued], wanted: Callable[[Queued], bool], most: int
) -> tuple[list[Queued], list[Queued]]:
    """The first so many that are wanted, and the rest."""
    taken: list[Queued] = []
    rest: list[Queued] = []
    for item in items:
        (taken if len(taken) < most and wanted(item) else rest).append(item)
    return taken, rest
