"""The WhatsApp API: sharing a WABA, and the quality of senders.

Sources: share-waba from the provider's programme page and the Java client 6.4.0 (202, no body; it
is in no OpenAPI document); `senders/quality` from Infobip OpenAPI whatsapp 3.210.0.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, BeforeValidator

from waboard.sandbox.errors import Refusal
from waboard.sandbox.registration import share
from waboard.sandbox.state import RegisteredSender
from waboard.sandbox.times import rfc3339
from waboard.sandbox.world import Here, World

router = APIRouter()

MOST_SENDERS = 100


def _waba_id(value: Any) -> str:
    """A number (Java client) or a string of digits (the page's example)."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return value
    raise ValueError("must be a number or a string of digits")


class ShareWaba(BaseModel):
    """The body of share-waba: one field."""

    businessAccountId: Annotated[str, BeforeValidator(_waba_id)]  # noqa: N815 - as on the wire


@router.post("/whatsapp/1/embedded-signup/registrations/share-waba")
async def share_waba(body: ShareWaba, world: Here) -> Response:
    """Accepted for processing only; the result is the registration event."""
    await share(world, body.businessAccountId)
    return Response(status_code=202)


@router.get("/whatsapp/1/senders/quality")
async def quality(request: Request, world: Here) -> dict[str, Any]:
    """The senders among those asked for that the account owns; a missing one is not registered."""
    asked = _senders(request.query_params.getlist("senders"))
    owned = (world.books.senders.get(number) for number in asked)
    return {"results": [_quality_of(world, sender) for sender in owned if sender]}


def _senders(values: list[str]) -> list[str]:
    """Comma-separated, repeated, or both; each number once."""
    numbers = [each.strip() for value in values for each in value.split(",") if each.strip()]
    if not 1 <= len(numbers) <= MOST_SENDERS:
        raise Refusal(400, ("senders", f"size must be between 1 and {MOST_SENDERS}"))
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise Refusal(400, ("senders", "must be digits"))
    return list(dict.fromkeys(numbers))


def _quality_of(world: World, sender: RegisteredSender) -> dict[str, Any]:
    fate = world.books.sender_fate(sender.number)
    return {
        "sender": sender.number,
        "qualityRating": "UNKNOWN",
        "status": fate.connection_status if fate else "DELETED",
        "currentLimit": "LIMIT_250",
        "lastUpdated": rfc3339(sender.since),
    }
