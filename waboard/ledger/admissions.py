"""The queue of the weekly cap: first come, first served, and never one too many."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.weekly_cap import WINDOW, CapUse, next_slot, use_of
from waboard.ledger.locks import hold_queue
from waboard.ledger.models import AdmissionRow


async def admit(session: AsyncSession, client_id: int, cap: int, now: datetime) -> datetime | None:
    """Admit a client if it is its turn; otherwise return when its slot is expected to free.

    A client that was admitted before stays so, and counts no second time. The caller commits: only
    then may another look.
    """
    await hold_queue(session)
    row = await _application(session, client_id, now)
    if row.admitted_at is not None:
        return None
    slot = next_slot(await _admitted(session, now), await _ahead(session, row.id), cap, now)
    if slot is None:
        row.admitted_at = now
        await session.flush()
    return slot


async def _application(session: AsyncSession, client_id: int, now: datetime) -> AdmissionRow:
    query = select(AdmissionRow).where(AdmissionRow.client_id == client_id)
    row = (await session.scalars(query)).first()
    if row is None:
        row = AdmissionRow(client_id=client_id, applied_at=now)
        session.add(row)
        await session.flush()
    return row


async def _admitted(session: AsyncSession, now: datetime) -> list[datetime]:
    query = select(AdmissionRow.admitted_at).where(AdmissionRow.admitted_at > now - WINDOW)
    return sorted(at for at in await session.scalars(query) if at is not None)


async def _ahead(session: AsyncSession, admission_id: int) -> int:
    query = select(func.count()).where(
        AdmissionRow.admitted_at.is_(None), AdmissionRow.id < admission_id
    )
    return (await session.execute(query)).scalar_one()


async def leave_queue(session: AsyncSession, client_id: int) -> bool:
    """Let a client that was never admitted wait no longer; says whether it stood in the queue.

    Whoever asks holds its onboarding, and has touched no wait yet.
    """
    stands = (AdmissionRow.client_id == client_id, AdmissionRow.admitted_at.is_(None))
    if await session.scalar(select(AdmissionRow.id).where(*stands)) is None:
        return False
    await hold_queue(session)
    left = await session.execute(delete(AdmissionRow).where(*stands).returning(AdmissionRow.id))
    return bool(left.all())


async def used(session: AsyncSession, now: datetime) -> int:
    """Return how many new clients were admitted in the last seven days."""
    query = select(func.count()).where(AdmissionRow.admitted_at > now - WINDOW)
    return (await session.execute(query)).scalar_one()


async def cap_use(session: AsyncSession, cap: int, now: datetime) -> CapUse:
    """Return how much of the weekly cap is used, and when its next slot frees."""
    waiting = select(func.count()).where(AdmissionRow.admitted_at.is_(None))
    queued = (await session.execute(waiting)).scalar_one()
    return use_of(await _admitted(session, now), queued, cap, now)
