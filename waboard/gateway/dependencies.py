"""What routes ask for. All are coroutines: FastAPI runs plain functions in threads of a pool."""

from typing import Annotated

from fastapi import Depends, Request

from waboard.domain.clock import Clock
from waboard.domain.errors import NotFound
from waboard.gateway.authentication import require_api_key
from waboard.gateway.door import FrontDoor
from waboard.gateway.inbox import Inbox
from waboard.ledger.database import Ledger
from waboard.settings import Settings


async def _settings(request: Request) -> Settings:
    return request.app.state.settings


async def _ledger(request: Request) -> Ledger:
    return request.app.state.ledger


async def _clock(request: Request) -> Clock:
    return request.app.state.clock


async def _inbox(request: Request) -> Inbox:
    return request.app.state.inbox


async def _door(request: Request) -> FrontDoor:
    door: FrontDoor | None = request.app.state.door
    if door is None:
        raise NotFound(
            "Clients cannot sign themselves up here: Meta's side is not set up.",
            remedy="Set the WABOARD_META_… settings; docs/signup.md says which.",
        )
    return door


async def authorized(request: Request) -> None:
    """Let in callers with an API key. Raises Unauthorized."""
    require_api_key(request, request.app.state.settings)


TheSettings = Annotated[Settings, Depends(_settings)]
TheLedger = Annotated[Ledger, Depends(_ledger)]
TheInbox = Annotated[Inbox, Depends(_inbox)]
TheDoor = Annotated[FrontDoor, Depends(_door)]
TheClock = Annotated[Clock, Depends(_clock)]
