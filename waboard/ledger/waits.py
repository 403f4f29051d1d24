"""Waits: which run sleeps for what, and when somebody should look at it.

One time says it all: a wait is due at its `wake_at`, be that the next nudge, the end, or *now*
because an event has satisfied it. Whoever wakes runs claims what is due for a moment, so that two
of them do not wake the same run twice.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.waits import OpenWait, WaitKind, WaitPlan
from waboard.ledger.models import EffectRow, EffectStatus, OnboardingRow, Verb, WaitRow


@dataclass(frozen=True, slots=True)
class DueWait:
    """A sleeping run that should be woken. `pause_key` is the sleep it must still be in.

    `why` says for what, to people.
    """

    onboarding_id: str
    flow_run_id: str
    pause_key: str
    why: str = field(default="", compare=False)


async def open_wait(
    session: AsyncSession,
    onboarding_id: str,
    kind: WaitKind,
    *,
    flow_run_id: str,
    pause_key: str,
    plan: WaitPlan,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Write down that a run is about to sleep; closes an older wait of the onboarding.

    `until`, where it is known, is when what it waits for comes: nothing is to be seen before.
    """
    await close_waits(session, onboarding_id, now)
    since = await _first_opened(session, onboarding_id, kind) or now
    await _sleep_on(session, onboarding_id, kind, since)
    wake_at = min(until, plan.give_up_at(since)) if until else plan.wake_at(since, now)
    row = WaitRow(
        onboarding_id=onboarding_id,
        kind=kind,
        flow_run_id=flow_run_id,
        pause_key=pause_key,
        since=since,
        opened_at=now,
        wake_at=wake_at,
        give_up_at=plan.give_up_at(since),
    )
    session.add(row)
    await session.flush()


async def _sleep_on(
    session: AsyncSession, onboarding_id: str, kind: WaitKind, since: datetime
) -> None:
    query = update(WaitRow).where(
        WaitRow.onboarding_id == onboarding_id,
        WaitRow.kind == kind,
        WaitRow.since == since,
        WaitRow.slept_on.is_(False),
    )
    await session.execute(query.values(slept_on=True))


async def _first_opened(
    session: AsyncSession, onboarding_id: str, kind: WaitKind
) -> datetime | None:
    query = select(func.min(WaitRow.since)).where(*_counted(onboarding_id), WaitRow.kind == kind)
    return await session.scalar(query)


def _counted(onboarding_id: str) -> list[ColumnElement[bool]]:
    # When somebody retries a run that had ended, its patience begins anew; and that for a
    # registration when Infobip takes a share which it had not answered before.
    reopened = (
        select(OnboardingRow.reopened_at).where(OnboardingRow.id == onboarding_id).scalar_subquery()
    )
    taken = (
        select(func.max(EffectRow.started_at))
        .where(
            EffectRow.onboarding_id == onboarding_id,
            EffectRow.verb == Verb.SHARE,
            EffectRow.status == EffectStatus.DONE,
        )
        .scalar_subquery()
    )
    return [
        WaitRow.onboarding_id == onboarding_id,
        or_(reopened.is_(None), WaitRow.opened_at >= reopened),
        or_(WaitRow.kind != WaitKind.REGISTRATION, taken.is_(None), WaitRow.opened_at >= taken),
    ]


async def close_waits(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Write down that the onboarding's run is awake."""
    query = update(WaitRow).where(
        WaitRow.onboarding_id == onboarding_id, WaitRow.closed_at.is_(None)
    )
    await session.execute(query.values(closed_at=now))


async def satisfy_wait(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Make the onboarding's open wait due now, if there is one: once, whatever else comes."""
    query = update(WaitRow).where(
        WaitRow.onboarding_id == onboarding_id,
        WaitRow.closed_at.is_(None),
        WaitRow.satisfied_at.is_(None),
    )
    await session.execute(query.values(wake_at=now, satisfied_at=now))


async def hurry(session: AsyncSession, kind: WaitKind, now: datetime) -> None:
    """Make every open wait of a kind due now: what they all wait for may have come.

    Whoever does so has touched no wait before, or holds what all hold that do.
    """
    asleep = select(WaitRow.id).where(
        WaitRow.kind == kind, WaitRow.closed_at.is_(None), WaitRow.wake_at > now
    )
    # One after the other, so that two who hurry the same do not wait for each other.
    in_order = asleep.order_by(WaitRow.id).with_for_update()
    query = update(WaitRow).where(WaitRow.id.in_(in_order))
    await session.execute(query.values(wake_at=now))


async def claim_due(
    session: AsyncSession, now: datetime, lease: timedelta, most: int = 50
) -> list[DueWait]:
    """Take what is due, the longest due first, so many at most.

    What is not woken or put off within the lease is due again: nothing is lost.
    """
    due = (
        select(WaitRow.id)
        .where(WaitRow.closed_at.is_(None), WaitRow.wake_at <= now)
        .order_by(WaitRow.wake_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    query = (
        update(WaitRow)
        .where(WaitRow.id.in_(due))
        .values(wake_at=now + lease)
        .returning(
            WaitRow.onboarding_id,
            WaitRow.flow_run_id,
            WaitRow.pause_key,
            WaitRow.satisfied_at,
            WaitRow.give_up_at,
        )
    )
    return [
        DueWait(onboarding_id, run_id, key, _why(satisfied_at, give_up_at, now))
        for onboarding_id, run_id, key, satisfied_at, give_up_at in await session.execute(query)
    ]


def _why(satisfied_at: datetime | None, give_up_at: datetime, now: datetime) -> str:
    if satisfied_at is not None:
        return "What it waited for has come."
    return "It has waited long enough." if now >= give_up_at else "It is time to look."


async def put_off(session: AsyncSession, due: DueWait, until: datetime) -> None:
    """Let a wait be due again at another time, unless its run is awake already."""
    query = update(WaitRow).where(WaitRow.pause_key == due.pause_key, WaitRow.closed_at.is_(None))
    await session.execute(query.values(wake_at=until))


async def open_wait_of(session: AsyncSession, onboarding_id: str) -> OpenWait | None:
    """Return the wait that holds the onboarding now."""
    query = select(WaitRow).where(
        WaitRow.onboarding_id == onboarding_id, WaitRow.closed_at.is_(None)
    )
    row = (await session.scalars(query)).first()
    return (
        None
        if row is None
        else OpenWait(WaitKind(row.kind), row.since, row.wake_at, row.give_up_at)
    )


async def waited_for(session: AsyncSession, onboarding_id: str) -> dict[WaitKind, datetime]:
    """Return what the onboarding has slept for so far, and when each would be given up."""
    query = (
        select(WaitRow.kind, func.min(WaitRow.give_up_at))
        .where(*_counted(onboarding_id))
        .group_by(WaitRow.kind)
    )
    return {WaitKind(kind): at for kind, at in await session.execute(query)}


async def last_slept(session: AsyncSession, onboarding_id: str, kind: WaitKind) -> datetime | None:
    """Return when the onboarding's run last went to sleep for this, and woke again."""
    query = select(func.max(WaitRow.opened_at)).where(
        WaitRow.onboarding_id == onboarding_id,
        WaitRow.kind == kind,
        WaitRow.closed_at.is_not(None),
    )
    return await session.scalar(query)
