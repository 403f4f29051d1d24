"""Sending what is in the outbox: who sends what, and what came of it.

Whoever sends claims first, so that several gateways share the work and none sends what another
does. A try is counted when it is claimed: a process that dies in it has made it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.posting import (
    OF_RECEIVER,
    Answer,
    MessageState,
    Result,
    next_try,
    notified,
    trying_until,
)
from waboard.domain.telling import OUTCOMES
from waboard.ledger.conditions import write_condition
from waboard.ledger.effects import end_effect, find_effect
from waboard.ledger.locks import hold
from waboard.ledger.models import ConditionRow, EffectStatus, OutboxRow, Verb
from waboard.ledger.outbox import body_of, last_outcome
from waboard.ledger.receivers import room_at

LEASE = timedelta(minutes=1)
"""How long whoever claims messages has for sending them, before another tries."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way: what is sent under which id, and which of its onboarding's it is."""

    id: str
    onboarding_id: str
    type: str
    body: dict[str, Any]


def letter_of(row: OutboxRow) -> Letter:
    """Return what is sent of a message."""
    return Letter(row.id, row.onboarding_id, row.type, body_of(row))


async def claim_due(session: AsyncSession, key: str, now: datetime, most: int) -> list[Letter]:
    """Take what is due for a receiver, the longest due first: so many at most."""
    is_due = (OutboxRow.state == MessageState.PENDING, OutboxRow.next_at <= now)
    if await session.scalar(select(OutboxRow.sequence).where(*is_due).limit(1)) is None:
        return []
    # Whoever claims takes the receiver's row before a message's: else two could wait on each other.
    room = await room_at(session, key, now, LEASE, most)
    query = select(OutboxRow).where(*is_due).order_by(OutboxRow.next_at, OutboxRow.sequence)
    rows = await session.scalars(query.limit(room).with_for_update(skip_locked=True))
    return [_claimed(row, now) for row in rows]


def _claimed(row: OutboxRow, now: datetime) -> Letter:
    row.tries, row.next_at = row.tries + 1, now + LEASE
    return letter_of(row)


async def claim(
    session: AsyncSession, row: OutboxRow, key: str, now: datetime, *, over: bool = False
) -> Letter | None:
    """Take one message, unless somebody else is about to send it or the receiver is left alone.

    `over` takes it from a process that has died.
    """
    if not _is_free(row, now, over=over) or not await room_at(session, key, now, LEASE, 1):
        return None
    await session.refresh(row, with_for_update=True)
    return _claimed(row, now) if _is_free(row, now, over=over) else None


def _is_free(row: OutboxRow, now: datetime, *, over: bool) -> bool:
    return row.state == MessageState.PENDING and (over or row.next_at <= now)


async def settle(session: AsyncSession, letter: Letter, answer: Answer, now: datetime) -> None:
    """Write down what was answered to a message, and when it is tried again.

    That an outcome got through, or never will, is written to its onboarding's Notified.
    """
    if letter.type in OUTCOMES:
        await hold(session, letter.onboarding_id)
    query = select(OutboxRow).where(OutboxRow.id == letter.id).with_for_update()
    row = (await session.scalars(query)).first()
    if row is None or row.state == MessageState.DELIVERED:
        return
    row.answer, row.answered_at = answer.words, now
    _go_on(row, answer, now)
    await session.flush()
    if row.type in OUTCOMES:
        await _write_notified(session, row, answer, now)


def _go_on(row: OutboxRow, answer: Answer, now: datetime) -> None:
    if answer.result is Result.TAKEN:
        row.state = MessageState.DELIVERED
        return
    if answer.result is Result.GONE:  # it is the receiver that is tried no more, not the message
        # One that was replayed meanwhile has not been tried since.
        row.tries, row.next_at = max(row.tries - 1, 0), now
        return
    wait = next_try(row.id, row.tries)
    if wait is None:
        row.state = MessageState.GIVEN_UP
    else:
        row.next_at = now + max(wait, answer.again_after)


async def _write_notified(
    session: AsyncSession, row: OutboxRow, answer: Answer, now: datetime
) -> None:
    outcome, stopped = row.payload["outcome"], answer.result is Result.GONE
    if row.state == MessageState.DELIVERED:
        await _end_effect(session, row, outcome, now)
    known = await session.get(ConditionRow, (row.onboarding_id, "", ConditionType.NOTIFIED))
    last = await last_outcome(session, row.onboarding_id)
    if known is None or known.reason not in OF_RECEIVER or last is None or last.id != row.id:
        return
    condition = told(row, now, stopped=stopped)
    await write_condition(session, row.onboarding_id, "", condition)


def told(row: OutboxRow, now: datetime, *, stopped: bool = False) -> Condition:
    """Return what Notified is, by the message that tells the outcome."""
    until = trying_until(row.tries, row.next_at)
    verdict = notified(row.payload["outcome"], row.state, row.answer, until, stopped=stopped)
    return Condition(
        ConditionType.NOTIFIED,
        verdict.status,
        verdict.reason,
        verdict.message,
        f"message {row.id}",
        now,
    )


async def _end_effect(session: AsyncSession, row: OutboxRow, outcome: str, now: datetime) -> None:
    # The run's own try that failed, or was not answered, was made good by a later one.
    effect = await find_effect(session, row.onboarding_id, Verb.NOTIFY_PROVIDER, outcome)
    if effect is not None and effect.external_id == row.id and effect.status != EffectStatus.DONE:
        await end_effect(session, effect.id, EffectStatus.DONE, "Taken in the end.", now)
