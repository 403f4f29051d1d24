"""What must hold when the hammering has ended, whatever was done: read from the ledger's rows."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.weekly_cap import WINDOW
from waboard.ledger.database import Ledger
from waboard.ledger.models import (
    AdmissionRow,
    ConditionChangeRow,
    ConditionRow,
    EffectRow,
    OnboardingRow,
    OutboxRow,
    WaitRow,
)


async def faults_in(ledger: Ledger, cap: int | None) -> list[str]:
    """Name everything that does not hold; `cap` is the weekly one, where it was kept to."""
    async with ledger.read() as session:
        return [fault async for fault in _faults(session, cap)]


async def _faults(session: AsyncSession, cap: int | None) -> AsyncIterator[str]:
    here, open_ = OnboardingRow.left_at.is_(None), WaitRow.closed_at.is_(None)
    for what, column, where in (
        ("onboardings of one WABA", OnboardingRow.waba_id, here),
        ("onboardings of one client", OnboardingRow.client_id, here),
        ("open waits of one onboarding", WaitRow.onboarding_id, open_),
    ):
        query = select(column).where(where).group_by(column).having(func.count() > 1)
        for value in await session.scalars(query):
            yield f"several {what}: {value}"
    asleep = select(OnboardingRow.id).join(WaitRow, WaitRow.onboarding_id == OnboardingRow.id)
    for each in await session.scalars(asleep.where(open_, OnboardingRow.ended_at.is_not(None))):
        yield f"ended asleep: {each}"
    for gap in _gaps(list(await session.scalars(select(EffectRow)))):
        yield gap
    for fault in _out_of_order(list(await session.scalars(select(OutboxRow)))):
        yield fault
    for fault in await _unlike_their_history(session):
        yield fault
    if cap is not None:
        query = select(AdmissionRow).order_by(AdmissionRow.id)
        for fault in _cap_broken(list(await session.scalars(query)), cap):
            yield fault


def _gaps(effects: Iterable[EffectRow]) -> list[str]:
    attempts: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in effects:
        attempts[row.onboarding_id, row.verb, row.subject].append(row.attempt)
    return [
        f"attempts {sorted(numbers)} of {key}"
        for key, numbers in attempts.items()
        if sorted(numbers) != list(range(1, len(numbers) + 1))
    ]


def _out_of_order(messages: Iterable[OutboxRow]) -> list[str]:
    times: dict[str, list[tuple[int, datetime]]] = defaultdict(list)
    for row in messages:
        times[row.onboarding_id].append((row.sequence, row.created_at))
    return [
        f"message {later} of {of} is told as of before {earlier}"
        for of, told in times.items()
        for (earlier, before), (later, after) in pairwise(sorted(told))
        if after < before
    ]


async def _unlike_their_history(session: AsyncSession) -> list[str]:
    rows = await session.scalars(select(ConditionChangeRow).order_by(ConditionChangeRow.id))
    last = {(row.onboarding_id, row.subject, row.type): row.status for row in rows}
    return [
        f"{row.type} of {row.subject!r} is {row.status}, by its history {last.get(key)}"
        for row in await session.scalars(select(ConditionRow))
        if (key := (row.onboarding_id, row.subject, row.type)) in last and last[key] != row.status
    ]


def _cap_broken(admissions: Iterable[AdmissionRow], cap: int) -> list[str]:
    admitted = [row.admitted_at for row in admissions if row.admitted_at is not None]
    faults = [
        f"admitted out of order: {later} before {earlier}"
        for earlier, later in pairwise(admitted)
        if later < earlier
    ]
    for first, one_too_many in zip(sorted(admitted), sorted(admitted)[cap:], strict=False):
        if one_too_many - first < WINDOW:
            faults.append(f"more than {cap} in seven days: {first} to {one_too_many}")
    return faults
