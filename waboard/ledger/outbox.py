"""Messages to the provider's own system: each is written in the transaction of what it tells.

So nothing is told that did not happen, and nothing that happened is lost. Whoever writes holds the
onboarding's row, so that the sequence of its messages is the order in which things happened.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    String,
    bindparam,
    case,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition
from waboard.domain.errors import NotFound
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import Outcome
from waboard.domain.posting import MessageState
from waboard.domain.telling import (
    DELAYED,
    OUTCOMES,
    STARTED,
    WAITING,
    is_same_end,
    outcome_data,
    outcome_type,
    turn_data,
    turn_of,
    waiting_data,
)
from waboard.domain.waits import OpenWait
from waboard.ledger.models import (
    ClientRow,
    EffectRow,
    OnboardingRow,
    OutboxRow,
    UtcDateTime,
    Verb,
    WaitRow,
)
from waboard.ledger.queries.situations import situation_of

OF_TELLING = (Verb.NOTIFY_OPERATOR, Verb.NOTIFY_PROVIDER, Verb.REMIND_OPERATOR)
"""Effects that bring an onboarding no further."""
KEPT_FOR = timedelta(days=30)
"""How long a message is kept, delivered or not."""

# Built once, so that it is compiled once: it is part of every change of a condition.
_ID = bindparam("id", type_=String(36))
_OF = bindparam("of", type_=String(36))
_TYPE = bindparam("type", type_=String(40))
_PAYLOAD = bindparam("payload", type_=JSON())
_NOW = bindparam("now", type_=UtcDateTime())
_LAST = (
    select(OutboxRow.created_at)
    .where(OutboxRow.onboarding_id == _OF)
    .order_by(OutboxRow.sequence.desc())
    .limit(1)
    .scalar_subquery()
)
# The clocks of two machines differ: what comes later in the sequence is told as no earlier.
_AT = case((_LAST > _NOW, _LAST), else_=_NOW)
_TO_PUT: dict[str, ColumnElement[Any]] = {
    "id": _ID,
    "onboarding_id": OnboardingRow.id.expression,
    "type": _TYPE,
    "client_ref": ClientRow.client_ref.expression,
    "waba_id": OnboardingRow.waba_id.expression,
    "attempt": OnboardingRow.attempt.expression,
    "payload": _PAYLOAD,
    "state": literal(MessageState.PENDING.value),
    "tries": literal(0),
    "next_at": _NOW,
    "created_at": _AT,
    "answer": literal(""),
}
_PUT = insert(OutboxRow.metadata.tables[OutboxRow.__tablename__]).from_select(
    list(_TO_PUT),
    select(*_TO_PUT.values())
    .join_from(OnboardingRow, ClientRow, ClientRow.id == OnboardingRow.client_id)
    .where(OnboardingRow.id == _OF),
    include_defaults=False,
)


async def put(
    session: AsyncSession, onboarding_id: str, kind: str, data: dict[str, Any], now: datetime
) -> str:
    """Write a message down, to be sent at once. Returns its id."""
    message_id = str(uuid4())
    values = {"id": message_id, "of": onboarding_id, "type": kind, "payload": data, "now": now}
    await session.execute(_PUT, values)
    return message_id


async def tell_start(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Tell that an onboarding was asked for."""
    await put(session, onboarding_id, STARTED, {}, now)


async def tell_turn(
    session: AsyncSession,
    onboarding_id: str,
    subject: str,
    before: Condition | None,
    new: Condition,
    now: datetime,
) -> None:
    """Tell that a condition has turned, if that is told at all."""
    kind = turn_of(subject, before, new)
    if kind is not None:
        await put(session, onboarding_id, kind, turn_data(subject, new), now)


async def tell_wait(
    session: AsyncSession, onboarding_id: str, wait: OpenWait | None, now: datetime
) -> None:
    """Tell that a run sleeps, the first time that it does for that: not at each look."""
    if wait is not None and wait.since == now:
        row = await session.get_one(OnboardingRow, onboarding_id)
        data = waiting_data(wait, await situation_of(session, row))
        await put(session, onboarding_id, WAITING, data, now)


async def tell_outcome(
    session: AsyncSession, onboarding: Onboarding, outcome: Outcome, now: datetime
) -> OutboxRow:
    """Tell what an onboarding came to, once an end; returns the message.

    The same end is one that tells the same, and before which a retry has tried nothing: so neither
    a crash nor a retry without effect repeats anything. Who calls holds the onboarding's row.
    """
    last = await last_outcome(session, onboarding.id)
    if last is not None and await _is_told(session, onboarding, outcome, last):
        return last
    data = outcome_data(onboarding, outcome)
    message_id = await put(session, onboarding.id, outcome_type(outcome), data, now)
    return await read_message(session, message_id)


async def _is_told(
    session: AsyncSession, onboarding: Onboarding, outcome: Outcome, last: OutboxRow
) -> bool:
    if not _tells_the_same(last, onboarding, outcome):
        return False
    retried_at = await _retried_since(session, last)
    return retried_at is None or not await tried_since(session, onboarding.id, retried_at)


def _tells_the_same(last: OutboxRow, onboarding: Onboarding, outcome: Outcome) -> bool:
    if outcome.since is not None and last.type == DELAYED:
        return outcome.since <= last.created_at  # the outage that was told of goes on
    return is_same_end(last.payload, outcome_data(onboarding, outcome))


async def _retried_since(session: AsyncSession, last: OutboxRow) -> datetime | None:
    at = (await session.get_one(OnboardingRow, last.onboarding_id)).reopened_at
    return at if at is not None and last.created_at < at else None


async def repeats_what_was_told(
    session: AsyncSession, onboarding: Onboarding, outcome: Outcome
) -> bool:
    """Whether a retry has come to what was told before it, and nothing was tried in between."""
    last = await last_outcome(session, onboarding.id)
    if last is None or await _retried_since(session, last) is None:
        return False
    return await _is_told(session, onboarding, outcome, last)


async def tried_since(session: AsyncSession, onboarding_id: str, since: datetime) -> bool:
    """Whether anything was done for an onboarding, or awaited, from that time on."""
    done = select(EffectRow.id).where(
        EffectRow.onboarding_id == onboarding_id,
        EffectRow.started_at >= since,
        EffectRow.verb.not_in(OF_TELLING),
    )
    slept = select(WaitRow.id).where(
        WaitRow.onboarding_id == onboarding_id, WaitRow.opened_at >= since
    )
    found = [await session.scalar(query.limit(1)) for query in (done, slept)]
    return any(each is not None for each in found)


async def last_outcome(session: AsyncSession, onboarding_id: str) -> OutboxRow | None:
    """Return the last message that tells what an onboarding came to."""
    query = (
        select(OutboxRow)
        .where(OutboxRow.onboarding_id == onboarding_id, OutboxRow.type.in_(OUTCOMES))
        .order_by(OutboxRow.sequence.desc())
        .limit(1)
    )
    return (await session.scalars(query)).first()


def body_of(row: OutboxRow) -> dict[str, Any]:
    """Return what is sent: the same at every try."""
    about = {
        "onboarding_id": row.onboarding_id,
        "sequence": row.sequence,
        "client_ref": row.client_ref,
        "waba_id": row.waba_id,
        "attempt": row.attempt,
    }
    time = row.created_at.isoformat()
    return {"type": row.type, "timestamp": time, "data": about | row.payload}


async def read_message(session: AsyncSession, message_id: str) -> OutboxRow:
    """Return one message. Raises NotFound."""
    return await _message(session, message_id, select(OutboxRow))


async def hold_message(session: AsyncSession, message_id: str) -> OutboxRow:
    """Hold one message, and return it as it is then. Raises NotFound."""
    held = select(OutboxRow).with_for_update().execution_options(populate_existing=True)
    return await _message(session, message_id, held)


async def _message(
    session: AsyncSession, message_id: str, query: Select[tuple[OutboxRow]]
) -> OutboxRow:
    row = (await session.scalars(query.where(OutboxRow.id == message_id))).first()
    if row is None:
        raise NotFound(
            f"There is no message {message_id}.",
            remedy="See `waboard outbox list`; messages are kept for 30 days.",
        )
    return row


async def list_messages(
    session: AsyncSession,
    *,
    state: str | None = None,
    onboarding_id: str | None = None,
    limit: int = 50,
) -> list[OutboxRow]:
    """Return the newest messages first."""
    query = select(OutboxRow).order_by(OutboxRow.sequence.desc()).limit(limit)
    if state is not None:
        query = query.where(OutboxRow.state == state)
    if onboarding_id is not None:
        query = query.where(OutboxRow.onboarding_id == onboarding_id)
    return list(await session.scalars(query))


async def replay(session: AsyncSession, message_id: str, now: datetime) -> OutboxRow:
    """Let a message be sent again, whatever became of it. Whoever calls holds it."""
    row = await read_message(session, message_id)
    row.state, row.tries, row.next_at = MessageState.PENDING, 0, now
    return row


async def replay_since(session: AsyncSession, since: datetime, now: datetime) -> int:
    """Let all messages of that time and later be sent again; returns how many."""
    again = {"state": MessageState.PENDING, "tries": 0, "next_at": now}
    query = update(OutboxRow).where(OutboxRow.created_at >= since).values(again)
    return len((await session.execute(query.returning(OutboxRow.sequence))).all())


async def drop_pending(session: AsyncSession) -> None:
    """Drop what waits to be sent: there is nobody to send it to."""
    query = update(OutboxRow).where(OutboxRow.state == MessageState.PENDING)
    await session.execute(query.values(state=MessageState.DROPPED))


async def forget_old(session: AsyncSession, now: datetime) -> None:
    """Delete messages that have been kept long enough, whatever became of them."""
    await session.execute(delete(OutboxRow).where(OutboxRow.created_at < now - KEPT_FOR))
