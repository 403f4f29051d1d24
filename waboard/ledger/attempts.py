"""Attempts: which leg may act, and how an onboarding is cancelled, goes on, and begins anew."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.errors import Superseded
from waboard.domain.outcome import OutcomeName
from waboard.domain.reasons import UPSTREAM_AWAY, Reason
from waboard.domain.waits import WaitKind
from waboard.ledger.admissions import leave_queue
from waboard.ledger.asks import ask_anew
from waboard.ledger.conditions import write_condition
from waboard.ledger.decisions import was_left_behind
from waboard.ledger.look import look
from waboard.ledger.models import ConditionRow, OnboardingRow
from waboard.ledger.onboardings import end_onboarding
from waboard.ledger.own_reads import forget_own_read
from waboard.ledger.waits import close_waits, hurry


async def begin_leg(
    session: AsyncSession, onboarding_id: str, flow_run_id: str, leg: str | None
) -> None:
    """Write down which leg of which run acts from now on; no other may.

    Raises Superseded when none of this run may.
    """
    await refuse_stopped(session, onboarding_id, flow_run_id)
    row = await session.get_one(OnboardingRow, onboarding_id)
    if row.cancelled_at is not None:
        raise Superseded
    row.flow_run_id, row.leg = flow_run_id, leg


async def refuse_stopped(session: AsyncSession, onboarding_id: str, flow_run_id: str) -> None:
    """Raise Superseded for a run of an earlier attempt, and of one that is being cancelled.

    And of a client that leaves: nothing of it goes on.
    """
    row = await session.get(OnboardingRow, onboarding_id)
    is_stopping = row is not None and row.cancelled_at is not None and row.ended_at is None
    is_leaving = row is not None and row.leaving_at is not None
    if is_stopping or is_leaving or await was_left_behind(session, onboarding_id, flow_run_id):
        raise Superseded


async def call_off(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Write down that an onboarding is cancelled: nothing wakes it, and no leg of it may act.

    Its place in the weekly queue is given back. It ends with `end_cancelled`, once its run has.
    """
    row = await session.get_one(OnboardingRow, onboarding_id)
    row.cancelled_at, row.leg, row.news_at = now, None, None
    stood_in_queue = await leave_queue(session, row.client_id)
    await close_waits(session, onboarding_id, now)
    if stood_in_queue:
        await hurry(session, WaitKind.SLOT, now)  # who stood behind it may be next


async def being_cancelled(session: AsyncSession) -> list[str]:
    """Return cancelled onboardings whose runs are not known to have stopped."""
    query = select(OnboardingRow.id).where(
        OnboardingRow.cancelled_at.is_not(None), OnboardingRow.ended_at.is_(None)
    )
    return list(await session.scalars(query))


async def end_cancelled(session: AsyncSession, onboarding_id: str, now: datetime) -> bool:
    """Write down that the run of a cancelled onboarding has stopped, unless it goes on since.

    Returns whether it was written now.
    """
    row = await session.get_one(OnboardingRow, onboarding_id)
    ends = row.cancelled_at is not None and row.ended_at is None
    if ends:
        await end_onboarding(session, onboarding_id, now, OutcomeName.CANCELLED)
    return ends


async def carried_by(session: AsyncSession, run_ids: Collection[str]) -> list[str]:
    """Return onboardings on the way that these runs carry, and that nobody has cancelled."""
    query = select(OnboardingRow.id).where(
        OnboardingRow.flow_run_id.in_(run_ids),
        OnboardingRow.ended_at.is_(None),
        OnboardingRow.cancelled_at.is_(None),
    )
    return list(await session.scalars(query))


async def begin_attempt(
    session: AsyncSession, onboarding_id: str, now: datetime, phone_number: str = ""
) -> None:
    """Begin a new attempt, which needs a run of its own. What is true stays.

    What failed or was given up is tried again, with `phone_number` of that sender alone.
    """
    row = await session.get_one(OnboardingRow, onboarding_id)
    row.attempt += 1
    row.ended_at = row.ended_as = row.news_at = row.cancelled_at = None
    row.flow_run_id = row.leg = row.card_id = None
    row.reopened_at = now
    await _try_again(session, onboarding_id, now, phone_number)
    await close_waits(session, onboarding_id, now)
    told = await session.get(ConditionRow, (onboarding_id, "", ConditionType.NOTIFIED))
    if told is not None:
        await session.delete(told)


async def reopen_onboarding(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Write down that an attempt that had ended goes on: somebody retried its run.

    A registration that failed is asked for again, one that was given up is waited for again, and so
    are the template and messages to its senders; our subscription at Meta is tried again, and a
    sender whose test message failed is sent another. Does nothing to one that has not ended.
    """
    row = await session.get_one(OnboardingRow, onboarding_id)
    if row.ended_at is None:
        return
    row.ended_at, row.reopened_at, row.cancelled_at = None, now, None
    await _try_again(session, onboarding_id, now)


async def _try_again(
    session: AsyncSession, onboarding_id: str, now: datetime, phone_number: str = ""
) -> None:
    await look(session, onboarding_id, now)  # what was received by now is of before the retry
    await ask_anew(session, onboarding_id, now, phone_number)
    row = await session.get_one(OnboardingRow, onboarding_id)
    query = select(ConditionRow).where(ConditionRow.onboarding_id == onboarding_id)
    found = list(await session.scalars(query))
    for condition in found if not phone_number else _that_hold_up(found, phone_number):
        if condition.status != Status.TRUE and _is_forgotten(condition):
            forget_own_read(row, ConditionType(condition.type))
            await session.delete(condition)
        elif condition.type == ConditionType.VERIFIED and condition.status == Status.FALSE:
            await write_condition(session, onboarding_id, condition.subject, _asked_again(now))


def _is_forgotten(condition: ConditionRow) -> bool:
    # How long an upstream was away counts anew as well. The share alone is never forgotten: that
    # it was tried keeps the run from standing at the door again.
    gave_up = condition.type == ConditionType.REGISTERED and condition.subject == ""
    was_away = condition.reason in UPSTREAM_AWAY and condition.type != ConditionType.SHARED
    return condition.type in _LOOKED_FOR_AGAIN or gave_up or was_away


_LOOKED_FOR_AGAIN = frozenset(
    {ConditionType.CONNECTED, ConditionType.TEMPLATE_READY, ConditionType.RECEIVES}
)


def _that_hold_up(found: Collection[ConditionRow], phone_number: str) -> list[ConditionRow]:
    # Of what is about the whole WABA, a sender needs the template, and the registration until it
    # has its own.
    registered = any(
        c.subject == phone_number and c.type == ConditionType.REGISTERED and c.status == Status.TRUE
        for c in found
    )
    shared = {ConditionType.TEMPLATE_READY}
    if not registered:
        shared.add(ConditionType.REGISTERED)
    return [c for c in found if c.subject == phone_number or (not c.subject and c.type in shared)]


def _asked_again(now: datetime) -> Condition:
    return Condition(
        type=ConditionType.VERIFIED,
        status=Status.UNKNOWN,
        reason=Reason.RETRY_ASKED,
        message="The last test message failed, and somebody retried the run.",
        evidence="retry",
        changed_at=now,
    )
