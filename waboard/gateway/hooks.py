"""`/hooks/infobip`: Infobip's webhooks. Authenticated, kept, answered, and only then acted on.

What is authentic and cannot be read is kept as invalid and answered all the same: Infobip would
repeat it for hours, and it would read no better.
"""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from pydantic import BaseModel

from waboard.domain.errors import NotFound
from waboard.domain.facts import READERS
from waboard.domain.webhooks import Hook
from waboard.gateway.authentication import require_infobip
from waboard.gateway.dependencies import TheInbox, TheSettings

router = APIRouter(prefix="/hooks/infobip", tags=["hooks"])


class Kept(BaseModel):
    """How many facts a webhook brought, and how many of them were known already."""

    kept: int
    duplicates: int


async def the_hook(hook: str) -> Hook:
    """Return the webhook that an address names. Raises NotFound."""
    if hook not in set(Hook):
        raise NotFound(
            f"There is no webhook {hook!r}.", remedy=f"/docs has them: {', '.join(Hook)}."
        )
    return Hook(hook)


TheHook = Annotated[Hook, Depends(the_hook)]


@router.post("/{hook}")
async def take(
    hook: TheHook, request: Request, later: BackgroundTasks, inbox: TheInbox, settings: TheSettings
) -> Kept:
    """Take a webhook of Infobip's: its last part says which.

    Of messages to senders (`inbound`) only those are kept that somebody awaits, and of those only
    who wrote to whom and when.
    """
    raw = await request.body()
    require_infobip(request, raw, settings)
    receipts = await inbox.keep(READERS[hook.kind](raw))
    later.add_task(inbox.act)
    return Kept(kept=len(receipts), duplicates=sum(r.duplicate for r in receipts))
