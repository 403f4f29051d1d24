"""What people see of a business in WhatsApp (Infobip OpenAPI whatsapp 3.210.0).

Nothing says what a new sender's info is: empty here, under the name that the sender was added with.
A logo is taken and never fetched; there is no way to read it here.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from waboard.sandbox.errors import Refusal
from waboard.sandbox.world import Here, World

router = APIRouter(prefix="/whatsapp/1/senders/{sender}/business-info")

Json = dict[str, Any]
Sender = Annotated[str, Path(pattern="^[0-9]{1,15}$")]
Vertical = Literal[
    "AUTOMOTIVE",
    "BEAUTY_AND_SPA_AND_SALON",
    "CLOTHING_AND_APPAREL",
    "EDUCATION",
    "ENTERTAINMENT",
    "EVENT_PLANNING_AND_SERVICE",
    "FINANCE_AND_BANKING",
    "FOOD_AND_GROCERY",
    "PUBLIC_SERVICE",
    "HOTEL_AND_LODGING",
    "MEDICAL_AND_HEALTH",
    "NON_PROFIT",
    "PROFESSIONAL_SERVICES",
    "SHOPPING_AND_RETAIL",
    "TRAVEL_AND_TRANSPORTATION",
    "RESTAURANT",
    "OTHER",
    "UNKNOWN",
]

NAMELESS = "Sandbox client"
"""What Meta's side calls the numbers of a signup."""


class Change(BaseModel):
    """`BusinessInfoRequest`: what is not given stays. A display name is none of it."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)

    about: Annotated[str, Field(max_length=130)] | None = None
    address: Annotated[str, Field(max_length=256)] | None = None
    description: Annotated[str, Field(max_length=512)] | None = None
    email: Annotated[str, Field(max_length=128)] | None = None
    vertical: Vertical | None = None
    websites: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=2)] | None = (
        None
    )
    logo_url: Annotated[str, Field(max_length=2048, pattern="^https?://")] | None = None


@router.get("")
async def read(sender: Sender, world: Here) -> Json:
    """All of it but the logo."""
    _require_known(world, sender)
    proof = world.books.proofs.get(sender)
    return {
        "about": "",
        "address": "",
        "description": "",
        "email": "",
        "vertical": "UNKNOWN",
        "websites": [],
        **_without_logo(world.books.business_info.get(sender, {})),
        "displayName": proof.display_name if proof else NAMELESS,
    }


@router.patch("", status_code=204)
async def change(sender: Sender, body: Change, world: Here) -> Response:
    """What is given replaces what was there."""
    _require_known(world, sender)
    known = world.books.business_info.get(sender, {})
    given = body.model_dump(by_alias=True, exclude_none=True)
    world.books.business_info[sender] = {**known, **given}
    return Response(status_code=204)


def _require_known(world: World, sender: str) -> None:
    if sender not in world.books.senders:
        raise Refusal(404)


def _without_logo(info: Json) -> Json:
    return {name: each for name, each in info.items() if name != "logoUrl"}
