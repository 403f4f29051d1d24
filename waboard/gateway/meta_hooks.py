"""`/hooks/meta`: Meta's handshake and its webhooks. Authenticated, kept, answered, then acted on.

Source: WA/webhooks/overview, WA/webhooks/create-webhook-endpoint.
"""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Request
from fastapi.responses import PlainTextResponse

from waboard.domain.facts import meta_facts
from waboard.gateway.authentication import require_meta, require_verify_token
from waboard.gateway.dependencies import TheInbox, TheSettings
from waboard.gateway.hooks import Kept

router = APIRouter(prefix="/hooks/meta", tags=["hooks"])


@router.get("", response_class=PlainTextResponse)
async def handshake(
    settings: TheSettings,
    mode: Annotated[str, Query(alias="hub.mode")] = "",
    challenge: Annotated[str, Query(alias="hub.challenge", max_length=200)] = "",
    token: Annotated[str, Query(alias="hub.verify_token")] = "",
) -> PlainTextResponse:
    """Show Meta that this address is ours: its challenge, for our token."""
    require_verify_token(mode, token, settings)
    return PlainTextResponse(challenge)


@router.post("")
async def take(
    request: Request, later: BackgroundTasks, inbox: TheInbox, settings: TheSettings
) -> Kept:
    """Take a webhook: up to a thousand changes, each kept as an event of its own.

    Of a field that is not read here, such as people's messages, only that it came is kept.
    """
    raw = await request.body()
    require_meta(request, raw, settings)
    receipts = await inbox.keep(meta_facts(raw, settings.ours))
    later.add_task(inbox.act)
    return Kept(kept=len(receipts), duplicates=sum(r.duplicate for r in receipts))
