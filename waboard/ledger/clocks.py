"""How long waits have taken, and who waits now: what stage clocks are set by."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clocks import LOOKED_BACK, Clocks, usual_of
from waboard.domain.reasons import ORDINARY, Situation
from waboard.domain.waits import OpenWait, WaitKind
from waboard.ledger.models import ClientRow, OnboardingRow, WaitRow
from waboard.ledger.queries.situations import situations

LAST = 200
"""So many waits of a kind say what is usual, the last of them: more would cost and say the same."""


async def read_clocks(
    session: AsyncSession,
    remind: Mapping[WaitKind, timedelta],
    now: datetime,
    kinds: Collection[WaitKind] = tuple(WaitKind),
) -> Clocks:
    """Work out what is usual for these kinds of waits; `remind` are the times that are set."""
    if not kinds:
        return Clocks({}, remind)
    took: defaultdict[WaitKind, list[timedelta]] = defaultdict(list)
    query = union_all(*(_last_of(kind, now) for kind in kinds))
    for kind, since, ended in await session.execute(query):
        took[WaitKind(kind)].append(ended - since)
    return Clocks({kind: usual_of(kind, took[kind]) for kind in kinds}, remind)


def _last_of(kind: WaitKind, now: datetime) -> Select[tuple[str, datetime, datetime]]:
    # A wait that was given up says how patient we are, and not how long it takes.
    ended = func.coalesce(WaitRow.satisfied_at, WaitRow.closed_at, type_=WaitRow.closed_at.type)
    last = (
        select(WaitRow.kind, WaitRow.since, ended.label("ended"))
        .where(
            WaitRow.kind == kind,
            WaitRow.slept_on.is_(False),
            WaitRow.closed_at >= now - LOOKED_BACK,
            WaitRow.closed_at < WaitRow.give_up_at,
        )
        .order_by(WaitRow.closed_at.desc())
        .limit(LAST)
        .subquery()
    )
    return select(last.c.kind, last.c.since, last.c.ended)


@dataclass(frozen=True, slots=True)
class Sleeper:
    """An onboarding whose run sleeps, and what for."""

    onboarding_id: str
    client_ref: str
    flow_run_id: str
    wait: OpenWait
    situation: Situation = ORDINARY


async def sleepers(session: AsyncSession, client_ref: str | None = None) -> list[Sleeper]:
    """Return everyone who waits, or one client."""
    query = (
        select(WaitRow, ClientRow.client_ref)
        .join(OnboardingRow, OnboardingRow.id == WaitRow.onboarding_id)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(WaitRow.closed_at.is_(None))
        .order_by(ClientRow.client_ref)
    )
    if client_ref is not None:
        query = query.where(ClientRow.client_ref == client_ref)
    of = await situations(session)
    return [_sleeper(row, ref, of) for row, ref in await session.execute(query)]


def _sleeper(row: WaitRow, client_ref: str, of: Mapping[str, Situation]) -> Sleeper:
    wait = OpenWait(WaitKind(row.kind), row.since, row.wake_at, row.give_up_at)
    situation = of.get(row.onboarding_id, ORDINARY)
    return Sleeper(row.onboarding_id, client_ref, row.flow_run_id, wait, situation)
