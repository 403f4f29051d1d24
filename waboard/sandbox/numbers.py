"""The account's numbers (Infobip OpenAPI numbers 3.210.0, `GET /numbers/1/numbers`).

That the senders of embedded signup appear here is unknown (docs/infobip.md); the sandbox
takes the side on which a numberKey, and so an association, can be had at all.
"""

from typing import Annotated, Any

import phonenumbers
from fastapi import APIRouter, Query

from waboard.sandbox.state import DEFAULT_APPLICATION, RegisteredSender
from waboard.sandbox.world import Here, World

router = APIRouter()


@router.get("/numbers/1/numbers")
async def list_owned(
    world: Here,
    limit: Annotated[int, Query(ge=1)] = 50,
    page: Annotated[int, Query(ge=0)] = 0,
    number: str = "",
) -> dict[str, Any]:
    """A page of the numbers that contain what was searched for, and the count of all of them."""
    found = [sender for sender in world.books.senders.values() if number in sender.number]
    shown = found[page * limit : (page + 1) * limit]
    return {"numbers": [_number(world, each) for each in shown], "numberCount": len(found)}


def _number(world: World, sender: RegisteredSender) -> dict[str, Any]:
    association = world.books.association_of(sender)
    shown: dict[str, Any] = {
        "numberKey": sender.key,
        "number": sender.number,
        "type": "WHATSAPP",
        "capabilities": ["WHATSAPP"],
        "shared": False,
        "additionalSetupRequired": False,
        "editPermissions": {"canEditNumber": False, "canEditConfiguration": True},
        "applicationId": association.applicationId if association else DEFAULT_APPLICATION,
    }
    if association and association.entityId is not None:
        shown["entityId"] = association.entityId
    if country := _country(sender.number):
        shown["country"] = country
    return shown


def _country(number: str) -> str | None:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(f"+{number}"))
    except phonenumbers.NumberParseException:
        return None
