"""Facebook's side of a signup: the SDK script, and a window that plays every ending.

The window speaks to its opener as Meta's does: ids in a message of type WA_EMBEDDED_SIGNUP, the
code through the SDK's callback. Source: Meta, Embedded Signup > Implementation.
"""

import json
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict

from waboard.sandbox.fates import DOCUMENTED_WABA
from waboard.sandbox.meta_webhooks import partner_added
from waboard.sandbox.world import Here, World

PREFIX = "/facebook/"
router = APIRouter(prefix="/facebook")
_FILES = Path(__file__).parent / "facebook_files"

Ending = Literal[
    "FINISH",
    "FINISH_ONLY_WABA",
    "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING",
]


class Finish(BaseModel):
    """How a client finishes. Without a WABA it is the documented one, or, when taken, a new one."""

    model_config = ConfigDict(extra="forbid")

    event: Ending = "FINISH"
    waba_id: str | None = None
    portfolio_id: str | None = None
    tells: bool = True
    """Whether Meta's webhook tells the provider."""


@router.get("/sdk.js")
async def sdk() -> FileResponse:
    """What `connect.facebook.net` serves, to pages of any origin."""
    anybody = {"Access-Control-Allow-Origin": "*"}
    return FileResponse(_FILES / "sdk.js", media_type="text/javascript", headers=anybody)


@router.get("/dialog")
async def dialog() -> FileResponse:
    """The window."""
    return FileResponse(_FILES / "dialog.html", media_type="text/html")


@router.get("/dialog.js")
async def dialog_script() -> FileResponse:
    """What the window does."""
    return FileResponse(_FILES / "dialog.js", media_type="text/javascript")


@router.post("/finish")
async def finish(ending: Finish, world: Here) -> dict[str, Any]:
    """Share a WABA: make the code, tell the provider, and say what the window says."""
    waba_id = ending.waba_id or _a_waba(world)
    fate = world.books.registration(waba_id).fate
    portfolio_id = ending.portfolio_id or str(fate.business_portfolio_id or "506914307656634")
    code = world.books.meta.new_code(portfolio_id, waba_id, world.clock())
    if ending.tells:
        world.tasks.start(partner_added(world, waba_id, portfolio_id))
    data = {"waba_id": waba_id}
    if ending.event != "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING":  # documented with the WABA alone
        data["business_id"] = portfolio_id
    if ending.event == "FINISH" and fate.senders:
        data["phone_number_id"] = fate.senders[0].phone_number_id
    message = {"type": "WA_EMBEDDED_SIGNUP", "event": ending.event, "version": 3, "data": data}
    return {"code": code, "message": json.dumps(message)}


def _a_waba(world: World) -> str:
    taken = world.books.meta.owners
    return DOCUMENTED_WABA if DOCUMENTED_WABA not in taken else f"2{world.new_id()[-14:]}"
