"""Digests: up to when the operator knows what ended, and what there is to tell."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clocks import Clocks
from waboard.domain.digest import STILL, Matter
from waboard.ledger.departures import runs_that_ask
from waboard.ledger.figures import needs_since, of_concern_since, open_waits
from waboard.ledger.models import ClientRow, DigestRow, OnboardingRow
from waboard.ledger.watched import newest_onboardings

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

    Of each WABA only the newest attempt counts.
    """
    back_to = min(since, now - STILL)
    needs, waits = await needs_since(session, back_to), await open_waits(session)
    asking = await runs_that_ask(session)
    query = (
        select(OnboardingRow, ClientRow.client_ref)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(of_concern_since(back_to), OnboardingRow.id.in_(newest_onboardings()))
        .order_by(ClientRow.client_ref)
    )
    return [
        Matter(
            client_ref=client_ref,
            run_id=asking.get(row.id, row.flow_run_id),
            ended_at=row.ended_at,
            ended_as=row.ended_as,
            needs=needs.get(row.id, []),
            clock=clocks.of(waits[row.id]) if row.id in waits else None,
        )
        for row, client_ref in await session.execute(query)
    ]
