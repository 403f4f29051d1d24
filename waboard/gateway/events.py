"""`/v1/events`: look at what was received, and run it again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from waboard.gateway.dependencies import TheClock, TheLedger, authorized
from waboard.gateway.inbox import replay
from waboard.gateway.views import EventDetail, EventView, event_detail, event_view
from waboard.ledger.events import list_events, read_event
from waboard.ledger.models import Disposition

EventId = Annotated[int, Path(ge=1, le=2**31 - 1)]
router = APIRouter(prefix="/v1/events", tags=["events"], dependencies=[Depends(authorized)])


@router.get("")
async def search(
    ledger: TheLedger,
    disposition: Disposition | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[EventView]:
    """List events, the newest first."""
    async with ledger.read() as session:
        found = await list_events(session, disposition=disposition, limit=limit)
    return [event_view(event) for event in found]


@router.get("/{event_id}")
async def show(event_id: EventId, ledger: TheLedger) -> EventDetail:
    """Show one event with its body."""
    async with ledger.read() as session:
        return event_detail(await read_event(session, event_id))


@router.post("/{event_id}/replay")
async def run_again(event_id: EventId, ledger: TheLedger, clock: TheClock) -> EventDetail:
    """Run an event again, as if it had just come. Safe: what is known already changes nothing."""
    return event_detail(await replay(ledger, event_id, clock))
