"""Which WABAs a reconciliation looks at next, and what it saw of them.

Not everyone each time: a share, those first that were looked at longest ago.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.health import NumberHealth, WabaHealth
from waboard.domain.ids import PhoneNumber, SolutionId, WabaId
from waboard.domain.onboarding import Conditions
from waboard.domain.subscription import WatchedWaba
from waboard.ledger.conditions import condition_of
from waboard.ledger.locks import hold
from waboard.ledger.models import ClientRow, ConditionRow, OnboardingRow, SenderRow
from waboard.ledger.queries.counted import newest_onboardings
from waboard.ledger.senders import record_listed

LEAST = 100
"""WABAs that are looked at each time, if there are so many."""
ROUNDS = 24
"""Times in which everyone is looked at once, where there are more: six hours, by the schedule."""
_AT_ONCE = 1000


class LookAt(StrEnum):
    """Where it is looked: each has its own order of turns."""

    META = "meta_looked_at"
    TEMPLATE = "template_looked_at"


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, and out of how many; `others` are in trouble, and it is not theirs."""

    wabas: list[WatchedWaba]
    of: int
    others: list[WatchedWaba]


async def next_turn(
    session: AsyncSession,
    where: LookAt,
    kinds: Collection[ConditionType],
    client_ref: str | None = None,
) -> Turn:
    """Return the WABAs whose turn it is to be looked at: all of one client, or a share of all.

    Of the others, those come along of which a condition of these kinds is not true.
    """
    watched = _watched(where, client_ref)
    of = (await session.execute(select(func.count()).select_from(watched.subquery()))).scalar_one()
    share = of if client_ref is not None else max(LEAST, -(-of // ROUNDS))
    oldest = getattr(OnboardingRow, where).asc().nulls_first()
    due = list(await session.scalars(watched.order_by(oldest, OnboardingRow.id).limit(share)))
    others = await _in_trouble(session, watched, kinds, due) if of > len(due) else []
    return Turn(await _read(session, due), of, await _read(session, others))


def _watched(where: LookAt, client_ref: str | None) -> Select[tuple[str]]:
    query = (
        select(OnboardingRow.id)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(
            OnboardingRow.ended_at.is_not(None),
            OnboardingRow.cancelled_at.is_(None),
            OnboardingRow.leaving_at.is_(None),
            OnboardingRow.id.in_(newest_onboardings()),
            _has(ConditionRow.type == ConditionType.REGISTERED, ConditionRow.subject != ""),
        )
    )
    if where is LookAt.TEMPLATE:
        found = ConditionRow.type == ConditionType.TEMPLATE_READY
        query = query.where(exists().where(_of_onboarding(), found))
    return query.where(ClientRow.client_ref == client_ref) if client_ref is not None else query


def _of_onboarding() -> Any:
    return ConditionRow.onboarding_id == OnboardingRow.id


def _has(*what: Any) -> Any:
    return exists().where(_of_onboarding(), ConditionRow.status == Status.TRUE, *what)


async def _in_trouble(
    session: AsyncSession,
    watched: Select[tuple[str]],
    kinds: Collection[ConditionType],
    due: Collection[str],
) -> list[str]:
    trouble = and_(ConditionRow.type.in_(kinds), ConditionRow.status != Status.TRUE)
    query = watched.where(exists().where(_of_onboarding(), trouble))
    taken = frozenset(due)
    return [each for each in await session.scalars(query) if each not in taken]


async def _read(session: AsyncSession, ids: list[str]) -> list[WatchedWaba]:
    found: dict[str, WatchedWaba] = {}
    for at in range(0, len(ids), _AT_ONCE):
        part = ids[at : at + _AT_ONCE]
        query = (
            select(OnboardingRow, ClientRow.client_ref)
            .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
            .where(OnboardingRow.id.in_(part))
        )
        conditions = await _conditions(session, part)
        for row, client_ref in await session.execute(query):
            found[row.id] = _waba(row, client_ref, conditions.get(row.id, {}))
    return [found[each] for each in ids if each in found]


async def _conditions(
    session: AsyncSession, ids: Collection[str]
) -> dict[str, dict[str, Conditions]]:
    found: dict[str, dict[str, Conditions]] = {}
    for row in await session.scalars(
        select(ConditionRow).where(ConditionRow.onboarding_id.in_(ids))
    ):
        of_subject = found.setdefault(row.onboarding_id, {}).setdefault(row.subject, {})
        of_subject[ConditionType(row.type)] = condition_of(row)
    return found


def _waba(row: OnboardingRow, client_ref: str, known: dict[str, Conditions]) -> WatchedWaba:
    registered = {
        PhoneNumber(number): conditions
        for number, conditions in sorted(known.items())
        if number and _holds(conditions.get(ConditionType.REGISTERED))
    }
    return WatchedWaba(
        onboarding_id=row.id,
        client_ref=client_ref,
        waba_id=WabaId(row.waba_id),
        solution_id=SolutionId(row.solution_id) if row.solution_id else None,
        conditions=known.get("", {}),
        senders=registered,
    )


def _holds(condition: Condition | None) -> bool:
    return condition is not None and condition.is_true


async def hold_watched(session: AsyncSession, onboarding_id: str) -> bool:
    """Hold an onboarding, and say whether it is still kept true.

    Since it was read, somebody may have cancelled it, or its client may be leaving.
    """
    await hold(session, onboarding_id)
    query = select(OnboardingRow.id).where(
        OnboardingRow.id == onboarding_id,
        OnboardingRow.cancelled_at.is_(None),
        OnboardingRow.leaving_at.is_(None),
    )
    return await session.scalar(query) is not None


async def record_looked(
    session: AsyncSession, where: LookAt, ids: Collection[str], now: datetime
) -> None:
    """Write down that these were looked at, so that it is others' turn."""
    query = update(OnboardingRow).where(OnboardingRow.id.in_(ids)).values({where.value: now})
    await session.execute(query.execution_options(synchronize_session=False))


async def record_health(
    session: AsyncSession,
    onboarding_id: str,
    waba: WabaHealth,
    numbers: Mapping[PhoneNumber, NumberHealth],
    now: datetime,
) -> None:
    """Write down how a WABA and its senders stand at Meta."""
    row = await session.get_one(OnboardingRow, onboarding_id)
    row.health, row.health_at = asdict(waba), now
    query = select(SenderRow).where(SenderRow.onboarding_id == onboarding_id)
    for sender in await session.scalars(query):
        shown = numbers.get(PhoneNumber(sender.phone_number))
        if shown is not None:
            sender.health, sender.health_at = asdict(shown), now
    still = {each for each, shown in numbers.items() if shown.status not in _NO_LONGER_THERE}
    await record_listed(session, onboarding_id, still, now)


_NO_LONGER_THERE = frozenset({"MIGRATED", "DELETED", "UNLINKED"})
"""Statuses of a number that a WABA had. Source: Meta's OpenAPI document v23.0."""


async def solutions_in_use(
    session: AsyncSession, client_ref: str | None = None
) -> dict[SolutionId | None, int]:
    """Count the WABAs that are live, or were, by the solution that they came through.

    None stands for those of which no solution was named.
    """
    mine = _watched(LookAt.META, client_ref)
    query = (
        select(OnboardingRow.solution_id, func.count())
        .where(OnboardingRow.id.in_(mine))
        .group_by(OnboardingRow.solution_id)
    )
    rows = (await session.execute(query)).all()
    return {SolutionId(named) if named else None: count for named, count in rows}
