"""Which onboardings count, as what, and what is needed of them.

`waboard status`, the report, the digest and `/metrics` all ask here, so that they agree. Each WABA
counts once, with its newest onboarding: one before it is that of a client that left and came back.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Status
from waboard.domain.outcome import RUNNING, OutcomeName, Stage
from waboard.domain.reasons import Reason
from waboard.domain.requirements import OF_LEAVING
from waboard.domain.waits import WORDS, WaitKind
from waboard.ledger.models import ConditionRow, OnboardingRow, WaitRow

ENDED = "Ended"
"""The stage of one that ended before its outcome was written down."""


def newest_onboardings() -> Select[tuple[str]]:
    """Say which onboardings are the newest attempts for their WABAs."""
    last = (
        select(OnboardingRow.waba_id, func.max(OnboardingRow.attempt).label("attempt"))
        .group_by(OnboardingRow.waba_id)
        .subquery()
    )
    same = and_(OnboardingRow.waba_id == last.c.waba_id, OnboardingRow.attempt == last.c.attempt)
    return select(OnboardingRow.id).join(last, same)


def counted() -> ColumnElement[bool]:
    """Say which onboardings count."""
    return OnboardingRow.id.in_(newest_onboardings())


def finished_at() -> ColumnElement[datetime | None]:
    """Say when an onboarding came to its outcome.

    None while it is on the way, or its client is leaving. One that was cancelled has its outcome
    at once, although its run may take a moment to stop.
    """
    ended = func.coalesce(OnboardingRow.ended_at, OnboardingRow.cancelled_at)
    return case((OnboardingRow.leaving_at.is_not(None), OnboardingRow.left_at), else_=ended)


def is_needed() -> ColumnElement[bool]:
    """Say which conditions somebody has to do something about, as `requirements_of` has it.

    Of one that was cancelled none, of one that leaves those that leaving needs.
    """
    leaving = OnboardingRow.leaving_at.is_not(None)
    of_leaving = and_(
        ConditionRow.type.in_(sorted(OF_LEAVING)), ConditionRow.reason != Reason.NO_RECEIVER
    )
    staying = and_(OnboardingRow.leaving_at.is_(None), OnboardingRow.cancelled_at.is_(None))
    return and_(ConditionRow.status != Status.TRUE, or_(and_(leaving, of_leaving), staying))


def unfinished_since(since: datetime) -> ColumnElement[bool]:
    """Say which onboardings have no outcome, or had none yet at that time."""
    return or_(finished_at().is_(None), finished_at() >= since)


def of_concern_since(since: datetime) -> ColumnElement[bool]:
    """Say which count of those without an outcome at that time, or that need something since."""
    arose = exists().where(
        ConditionRow.onboarding_id == OnboardingRow.id,
        ConditionRow.changed_at >= since,
        is_needed(),
    )
    return and_(counted(), or_(unfinished_since(since), arose))


async def count_stages(session: AsyncSession) -> dict[str, int]:
    """Count the onboardings by stage: an outcome, what they wait for, or that they run."""
    asleep = and_(WaitRow.onboarding_id == OnboardingRow.id, WaitRow.closed_at.is_(None))
    stage = (*stage_columns(), WaitRow.kind)
    query = select(func.count(), *stage).outerjoin(WaitRow, asleep).where(counted())
    found: dict[str, int] = {}
    for number, *facts in await session.execute(query.group_by(*stage)):
        name = stage_from(*facts)
        found[name] = found.get(name, 0) + number
    return found


def stage_columns() -> list[ColumnElement[Any]]:
    """Return what `stage_from` needs to know of an onboarding, but for what it waits for."""
    times = (
        OnboardingRow.left_at,
        OnboardingRow.leaving_at,
        OnboardingRow.cancelled_at,
        OnboardingRow.ended_at,
    )
    return [*(time.is_not(None) for time in times), OnboardingRow.ended_as.expression]


def stage_from(
    left: bool,
    leaving: bool,
    cancelled: bool,
    ended: bool,
    ended_as: str | None,
    waits_for: str | None = None,
) -> str:
    """Name the stage of an onboarding, as `stage_of` does with all that is known of it."""
    if leaving:
        return OutcomeName.OFFBOARDED if left else Stage.LEAVING
    if cancelled:
        return OutcomeName.CANCELLED
    if ended:
        return ended_as or ENDED
    return WORDS[WaitKind(waits_for)].state if waits_for else RUNNING
