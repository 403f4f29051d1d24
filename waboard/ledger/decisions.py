"""Decisions of people: each verb is written here with who, when and why before it is done."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.decisions import Decision, DecisionVerb, Order
from waboard.ledger.models import DecisionRow
from waboard.ledger.showing import show_soon


async def record_decision(
    session: AsyncSession,
    onboarding_id: str,
    verb: DecisionVerb,
    order: Order,
    now: datetime,
    phone_number: str = "",
    leaving: str | None = None,
    *,
    named_at: datetime | None = None,
    removed_at: datetime | None = None,
) -> None:
    """Write down what somebody decided. Whoever does holds the onboarding's row.

    `leaving` is the run that may not act any more because of it. `named_at` and `removed_at` say
    over which evidence the assignment of a number was decided.
    """
    row = DecisionRow(
        onboarding_id=onboarding_id,
        phone_number=phone_number,
        verb=verb,
        by=order.by,
        why=order.why,
        at=now,
        left_run_id=leaving,
        named_at=named_at,
        removed_at=removed_at,
    )
    session.add(row)
    await show_soon(session, onboarding_id, now)
    await session.flush()


async def decisions_of(session: AsyncSession, onboarding_id: str) -> list[Decision]:
    """Return what was decided about an onboarding, the first first."""
    return (await decisions_about(session, [onboarding_id]))[onboarding_id]


async def decisions_about(
    session: AsyncSession, onboarding_ids: Collection[str]
) -> dict[str, list[Decision]]:
    """Return the same of many, in one query."""
    found: dict[str, list[Decision]] = {each: [] for each in onboarding_ids}
    query = select(DecisionRow).where(DecisionRow.onboarding_id.in_(onboarding_ids))
    for row in await session.scalars(query.order_by(DecisionRow.id)):
        found[row.onboarding_id].append(_decision(row))
    return found


async def last_decision(
    session: AsyncSession, onboarding_id: str, verb: DecisionVerb | None = None
) -> Decision | None:
    """Return what was decided last about an onboarding, or the last of a verb."""
    query = select(DecisionRow).where(DecisionRow.onboarding_id == onboarding_id)
    if verb is not None:
        query = query.where(DecisionRow.verb == verb)
    row = (await session.scalars(query.order_by(DecisionRow.id.desc()).limit(1))).first()
    return None if row is None else _decision(row)


async def was_left_behind(session: AsyncSession, onboarding_id: str, flow_run_id: str) -> bool:
    """Whether a run is that of an earlier attempt: somebody has started another since."""
    query = select(func.count()).where(
        DecisionRow.onboarding_id == onboarding_id,
        DecisionRow.verb == DecisionVerb.RETRY,
        DecisionRow.left_run_id == flow_run_id,
    )
    return bool(await session.scalar(query))


async def left_behind(session: AsyncSession, onboarding_id: str) -> list[str]:
    """Return the runs of earlier attempts, the first first."""
    query = select(DecisionRow.left_run_id).where(
        DecisionRow.onboarding_id == onboarding_id,
        DecisionRow.verb == DecisionVerb.RETRY,
        DecisionRow.left_run_id.is_not(None),
    )
    return [run for run in await session.scalars(query.order_by(DecisionRow.id)) if run]


def _decision(row: DecisionRow) -> Decision:
    return Decision(DecisionVerb(row.verb), row.by, row.why, row.at, row.phone_number)
