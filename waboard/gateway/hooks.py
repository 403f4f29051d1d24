"""`/hooks/infobip`: Infobip's webhooks. Authenticated, kept, answered, and only then acted on.

What is authentic and cannot be read is kept as invalid and answered all the same: Infobip would
repeat it for hours, and it would read no better.
"""

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import BaseModel

from waboard.gateway.authentication import require_infobip
from waboard.gateway.dependencies import TheInbox, TheSettings
from waboard.gateway.inbox import READERS, Inbox
from waboard.ledger.models import EventKind
from waboard.settings import Settings

router = APIRouter(prefix="/hooks/infobip", tags=["hooks"])


class Kept(BaseModel):
    """How many facts a webhook brought, and how many of them were known already."""

    kept: int
    duplicates: int


@router.post("/registration")
async def registration(
    request: Request, later: BackgroundTasks, inbox: TheInbox, settings: TheSettings
) -> Kept:
    """Take a registration event (the programme page; Subscriptions API: ACCOUNT_REGISTRATION)."""
    return await _take(EventKind.REGISTRATION, request, later, inbox, settings)


@router.post("/delivery")
async def delivery(
    request: Request, later: BackgroundTasks, inbox: TheInbox, settings: TheSettings
) -> Kept:
    """Take delivery reports (Subscriptions API: DELIVERY)."""
    return await _take(EventKind.DELIVERY, request, later, inbox, settings)


async def _take(
    kind: EventKind, request: Request, later: BackgroundTasks, inbox: Inbox, settings: Settings
) -> Kept:
    raw = await request.body()
    require_infobip(request, raw, settings)
    receipts = await inbox.keep(READERS[kind](raw))
    later.add_task(inbox.act)
    return Kept(kept=len(receipts), duplicates=sum(r.duplicate for r in receipts))
