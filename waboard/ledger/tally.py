"""How many there are of each kind: what the ledger knows in numbers, by one query for each table.

None of them looks at a single onboarding, so ten thousand cost little.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.waits import WaitKind
from waboard.ledger.admissions import used
from waboard.ledger.models import (
    ConditionRow,
    Disposition,
    EventRow,
    OnboardingRow,
    OutboxRow,
    WaitRow,
)
from waboard.ledger.queries.counted import count_stages, counted, is_needed


@dataclass(frozen=True, slots=True)
class Group:
    """How many there are, and since when there is the oldest."""

    number: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """All numbers of the ledger at one time. What there is none of is not listed.

    `needs` counts onboardings by a condition that somebody has to do something about.
    """

    stages: dict[str, int]
    needs: dict[tuple[str, str], int]
    waits: dict[WaitKind, Group]
    events: dict[tuple[str, str], Group]
    admitted: int
    messages: dict[str, Group] = field(default_factory=dict[str, Group])

    def oldest_parked(self, kind: str) -> datetime | None:
        """Return since when the oldest event of a kind is parked."""
        group = self.events.get((kind, Disposition.PARKED))
        return group.oldest if group else None


async def take_tally(session: AsyncSession, now: datetime) -> Tally:
    """Count everything."""
    return Tally(
        stages=await count_stages(session),
        needs=await _needs(session),
        waits=await _waits(session),
        events=await _events(session),
        admitted=await used(session, now),
        messages=await _messages(session),
    )


async def _needs(session: AsyncSession) -> dict[tuple[str, str], int]:
    # An onboarding counts once, however many of its senders need the same.
    number = func.count(ConditionRow.onboarding_id.distinct())
    query = (
        select(ConditionRow.type, ConditionRow.reason, number)
        .join(OnboardingRow, OnboardingRow.id == ConditionRow.onboarding_id)
        .where(counted(), is_needed())
        .group_by(ConditionRow.type, ConditionRow.reason)
    )
    return {(kind, reason): n for kind, reason, n in await session.execute(query)}


async def _waits(session: AsyncSession) -> dict[WaitKind, Group]:
    query = (
        select(WaitRow.kind, func.count(), func.min(WaitRow.since))
        .where(WaitRow.closed_at.is_(None))
        .group_by(WaitRow.kind)
    )
    return {WaitKind(kind): Group(n, since) for kind, n, since in await session.execute(query)}


async def _events(session: AsyncSession) -> dict[tuple[str, str], Group]:
    query = select(
        EventRow.kind, EventRow.disposition, func.count(), func.min(EventRow.received_at)
    ).group_by(EventRow.kind, EventRow.disposition)
    found = await session.execute(query)
    return {(kind, disposition): Group(n, at) for kind, disposition, n, at in found}


async def _messages(session: AsyncSession) -> dict[str, Group]:
    query = select(OutboxRow.state, func.count(), func.min(OutboxRow.created_at)).group_by(
        OutboxRow.state
    )
    return {state: Group(n, oldest) for state, n, oldest in await session.execute(query)}
