"""`/v1/outbox`: look at what your own system is told, and have it told again."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from waboard.domain.clock import Clock
from waboard.domain.errors import NotFound
from waboard.domain.posting import MessageState
from waboard.gateway.dependencies import TheClock, TheLedger, TheSettings, authorized
from waboard.ledger.database import Ledger
from waboard.ledger.models import OutboxRow
from waboard.ledger.outbox import (
    body_of,
    hold_message,
    list_messages,
    read_message,
    replay,
    replay_since,
)
from waboard.ledger.races import one_transaction
from waboard.ledger.receivers import resume
from waboard.provider import key_of
from waboard.settings import Settings

router = APIRouter(prefix="/v1/outbox", tags=["outbox"], dependencies=[Depends(authorized)])


class MessageView(BaseModel):
    """A message to your own system, and what became of it. `id` is its `webhook-id`."""

    id: str
    sequence: int
    type: str
    onboarding_id: str
    client_ref: str
    state: str
    tries: int
    answer: str
    created_at: datetime
    answered_at: datetime | None
    next_at: datetime | None


class MessageDetail(MessageView):
    """The same, with what is sent."""

    body: dict[str, Any]


class ReplayRequest(BaseModel):
    """Which messages are sent again: all that were written at that time or later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: AwareDatetime = Field(description="A time with its zone.")


class ReplayAnswer(BaseModel):
    """How many messages are sent again."""

    replayed: int


class ResumeAnswer(BaseModel):
    """Whether your system had answered 410, and is now sent messages again."""

    had_stopped: bool


@router.get("")
async def search(
    ledger: TheLedger,
    state: MessageState | None = None,
    onboarding_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[MessageView]:
    """List messages, the newest first."""
    async with ledger.read() as session:
        found = await list_messages(session, state=state, onboarding_id=onboarding_id, limit=limit)
    return [MessageView(**_shown(row)) for row in found]


@router.get("/{message_id}")
async def show(message_id: str, ledger: TheLedger) -> MessageDetail:
    """Show one message with its body."""
    async with ledger.read() as session:
        return _detail(await read_message(session, message_id))


@router.post("/replay")
async def send_all_again(
    request: ReplayRequest, ledger: TheLedger, settings: TheSettings, clock: TheClock
) -> ReplayAnswer:
    """Send all messages since a time again, each under the id that it had."""
    _receiver(settings)
    since = request.since.astimezone(UTC)
    return ReplayAnswer(replayed=await _put_back_since(ledger, since, clock))


@one_transaction
async def _put_back_since(ledger: Ledger, since: datetime, clock: Clock) -> int:
    async with ledger.begin() as session:
        return await replay_since(session, since, clock())


@router.post("/resume")
async def go_on(ledger: TheLedger, settings: TheSettings) -> ResumeAnswer:
    """Send your system messages again after it has answered 410, or has been away."""
    return ResumeAnswer(had_stopped=await _note_resumed(ledger, _receiver(settings)))


@one_transaction
async def _note_resumed(ledger: Ledger, key: str) -> bool:
    async with ledger.begin() as session:
        return await resume(session, key)


@router.post("/{message_id}/replay")
async def send_again(
    message_id: str, ledger: TheLedger, settings: TheSettings, clock: TheClock
) -> MessageDetail:
    """Send a message again, under the id that it had, whatever became of it."""
    _receiver(settings)
    return _detail(await _put_back(ledger, message_id, clock))


@one_transaction
async def _put_back(ledger: Ledger, message_id: str, clock: Clock) -> OutboxRow:
    async with ledger.begin() as session:
        await hold_message(session, message_id)
        return await replay(session, message_id, clock())


def _receiver(settings: Settings) -> str:
    if settings.provider_webhook_url is None:
        raise NotFound(
            "There is nobody to send messages to.",
            remedy="Set WABOARD_PROVIDER_WEBHOOK_URL and WABOARD_PROVIDER_WEBHOOK_SECRETS, restart "
            "the gateway and run `waboard deploy`.",
        )
    return key_of(str(settings.provider_webhook_url))


def _detail(row: OutboxRow) -> MessageDetail:
    return MessageDetail(**_shown(row), body=body_of(row))


def _shown(row: OutboxRow) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in MessageView.model_fields}
    return shown | {"next_at": row.next_at if row.state == MessageState.PENDING else None}
