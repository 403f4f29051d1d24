"""Digests: up to when the operator knows what ended, and what there is to tell."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clocks import Clocks
from waboard.domain.digest import STILL, Matter
from waboard.ledger.departures import runs_that_ask
from waboard.ledger.figures import needs_since, open_waits
from waboard.ledger.models import ClientRow, DigestRow, OnboardingRow
from waboard.ledger.queries.counted import (
    finished_at,
    of_concern_since,
    stage_columns,
    stage_from,
)

FIRST = timedelta(days=1)
"""How far back the first digest looks."""


async def told_until(session: AsyncSession, now: datetime) -> datetime:
    """Return up to when the last digest told; a day before the first, where none ever was."""
    last = select(func.max(DigestRow.until)).where(DigestRow.told_at.is_not(None))
    first = select(func.min(DigestRow.until))
    told = await session.scalar(last)
    return told or (await session.scalar(first) or now) - FIRST


async def begin_digest(session: AsyncSession, until: datetime) -> int:
    """Write down that a digest is about to be told; returns its id."""
    row = DigestRow(until=until)
    session.add(row)
    await session.flush()
    return row.id


async def end_digest(session: AsyncSession, digest_id: int, now: datetime) -> None:
    """Write down that it was told."""
    (await session.get_one(DigestRow, digest_id)).told_at = now


async def matters(
    session: AsyncSession, clocks: Clocks, since: datetime, now: datetime
) -> list[Matter]:
    """Return what a digest is about: who is on the way, or has ended since then or lately.

    And of whom something is needed since then or lately, however long ago they ended.
    """
    back_to = min(since, now - STILL)
    needs, waits = await needs_since(session, back_to), await open_waits(session)
    asking = await runs_that_ask(session)
    named = (OnboardingRow.id, OnboardingRow.flow_run_id, ClientRow.client_ref, finished_at())
    query = (
        select(*named, *stage_columns())
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(of_concern_since(back_to))
        .order_by(ClientRow.client_ref)
    )
    return [
        Matter(
            client_ref=client_ref,
            run_id=asking.get(onboarding_id, run_id),
            ended_at=ended_at,
            ended_as=stage_from(*facts) if ended_at is not None else None,
            needs=needs.get(onboarding_id, []),
            clock=clocks.of(waits[onboarding_id]) if onboarding_id in waits else None,
            onboarding_id=onboarding_id,
        )
        for onboarding_id, run_id, client_ref, ended_at, *facts in await session.execute(query)
    ]
