"""What a report is drawn up from: read in a few queries, however many onboardings there are."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Conditions, Sender, VerifyBy
from waboard.domain.reasons import ORDINARY, Situation
from waboard.domain.report import Way, milestones_of
from waboard.domain.requirements import Requirement, needs_of
from waboard.domain.waits import OpenWait, WaitKind
from waboard.ledger.conditions import condition_of
from waboard.ledger.models import (
    ClientRow,
    ConditionChangeRow,
    ConditionRow,
    OnboardingRow,
    WaitRow,
)
from waboard.ledger.queries.counted import (
    counted,
    finished_at,
    is_needed,
    of_concern_since,
    unfinished_since,
)
from waboard.ledger.queries.situations import situations

_KINDS = (
    ConditionType.ADMITTED,
    ConditionType.SHARED,
    ConditionType.REGISTERED,
    ConditionType.ASSOCIATED,
    ConditionType.RECEIVES,
    ConditionType.VERIFIED,
)
"""The conditions whose first time counts."""
_First = dict[str, dict[ConditionType, datetime]]
_Unmet = dict[str, dict[ConditionType, Condition]]


async def ways_since(session: AsyncSession, since: datetime) -> list[Way]:
    """Return all onboardings that are of concern since then."""
    first, needs = await _first_times(session, since), await needs_since(session, since)
    query = (
        select(
            OnboardingRow.id,
            ClientRow.client_ref,
            OnboardingRow.created_at,
            finished_at().label("finished_at"),
            OnboardingRow.leaving_at,
            OnboardingRow.verify_by,
        )
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(of_concern_since(since))
        .order_by(OnboardingRow.created_at, OnboardingRow.id)
    )
    return [
        Way(
            client_ref=row.client_ref,
            ended_at=row.finished_at,
            reached=milestones_of(row.created_at, VerifyBy(row.verify_by), first.get(row.id, {})),
            needs=needs.get(row.id, []),
            leaves=row.leaving_at is not None,
        )
        for row in await session.execute(query)
    ]


async def _first_times(session: AsyncSession, since: datetime) -> Mapping[str, _First]:
    # One row for each subject, with a column for each condition.
    change = ConditionChangeRow
    columns = [func.min(case((change.type == kind, change.at))) for kind in _KINDS]
    query = (
        select(change.onboarding_id, change.subject, *columns)
        .join(OnboardingRow, OnboardingRow.id == change.onboarding_id)
        .where(counted(), unfinished_since(since), change.status == Status.TRUE)
        .group_by(change.onboarding_id, change.subject)
    )
    found: defaultdict[str, _First] = defaultdict(dict)
    for onboarding_id, subject, *times in await session.execute(query):
        pairs = zip(_KINDS, times, strict=True)
        found[onboarding_id][subject] = {kind: at for kind, at in pairs if at is not None}
    return found


async def _unmet(session: AsyncSession, which: ColumnElement[bool]) -> Mapping[str, _Unmet]:
    query = (
        select(ConditionRow)
        .join(OnboardingRow, OnboardingRow.id == ConditionRow.onboarding_id)
        .where(which, is_needed())
    )
    found: defaultdict[str, _Unmet] = defaultdict(dict)
    for row in await session.scalars(query):
        of_subject = found[row.onboarding_id].setdefault(row.subject, {})
        of_subject[ConditionType(row.type)] = condition_of(row)
    return found


async def needs_since(session: AsyncSession, since: datetime) -> dict[str, list[Requirement]]:
    """Return what is needed of all onboardings that are of concern since then."""
    which = and_(counted(), or_(unfinished_since(since), ConditionRow.changed_at >= since))
    unmet, waits = await _unmet(session, which), await open_waits(session)
    of = await situations(session)
    return {
        each: _needs(unmet.get(each, {}), waits.get(each), of.get(each, ORDINARY))
        for each in {*unmet, *waits}
    }


async def open_waits(session: AsyncSession) -> dict[str, OpenWait]:
    """Return what each onboarding waits for whose run sleeps."""
    query = select(
        WaitRow.onboarding_id, WaitRow.kind, WaitRow.since, WaitRow.wake_at, WaitRow.give_up_at
    ).where(WaitRow.closed_at.is_(None))
    return {
        onboarding_id: OpenWait(WaitKind(kind), *times)
        for onboarding_id, kind, *times in await session.execute(query)
    }


def _needs(
    unmet: Mapping[str, Conditions], wait: OpenWait | None, situation: Situation
) -> list[Requirement]:
    # What is met is needed by nobody, so that it need not be read.
    senders = [
        Sender(PhoneNumber(number), None, None, conditions)
        for number, conditions in unmet.items()
        if number
    ]
    return needs_of(unmet.get("", {}), senders, wait, situation)
