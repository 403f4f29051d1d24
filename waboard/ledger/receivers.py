"""How the provider's receiver stands: whether it may be sent to now, and how much at once.

One that is away is asked with one message at a time, ever less often, and not with each that waits.
One that has answered 410 is left alone until somebody resumes, or its address changes.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.posting import Answer, Result, pause_after
from waboard.ledger.database import dialect_of, insert_into
from waboard.ledger.models import ReceiverRow


async def room_at(
    session: AsyncSession, key: str, now: datetime, lease: timedelta, most: int
) -> int:
    """Return how many messages a receiver may be sent now.

    Whoever asks one that was away does so for all, until the lease ends.
    """
    row = await _receiver(session, key)
    if row is None:
        return most
    if row.stopped_at is not None or (row.held_until is not None and row.held_until > now):
        return 0
    if row.failures == 0:
        return most
    row.held_until = now + lease
    return 1


async def _receiver(session: AsyncSession, key: str) -> ReceiverRow | None:
    query = select(ReceiverRow).where(ReceiverRow.key == key)
    return (await session.scalars(query.with_for_update())).first()


async def is_stopped(session: AsyncSession, key: str) -> bool:
    """Whether a receiver has said that it wants no more."""
    row = await session.get(ReceiverRow, key)
    return row is not None and row.stopped_at is not None


async def note_answers(
    session: AsyncSession, key: str, answers: Collection[Answer], now: datetime
) -> bool:
    """Note what a receiver answered to messages sent side by side.

    Returns whether it has just said, for the first time, that it wants no more.
    """
    results = {answer.result for answer in answers}
    if Result.GONE in results:
        return await _stop(session, key, now)
    if results & {Result.TAKEN, Result.REFUSED}:
        await _is_there(session, key)
    elif results:
        asked = max(answer.again_after for answer in answers)
        row = await _kept(session, key)
        row.failures += 1
        row.held_until = now + max(pause_after(row.failures), asked)
    return False


async def _is_there(session: AsyncSession, key: str) -> None:
    query = update(ReceiverRow).where(ReceiverRow.key == key, ReceiverRow.failures > 0)
    await session.execute(query.values(failures=0, held_until=None))


async def _stop(session: AsyncSession, key: str, now: datetime) -> bool:
    row = await _kept(session, key)
    new, row.stopped_at = row.stopped_at is None, row.stopped_at or now
    return new


async def _kept(session: AsyncSession, key: str) -> ReceiverRow:
    fresh = insert_into(dialect_of(session), ReceiverRow).values(key=key, failures=0)
    await session.execute(fresh.on_conflict_do_nothing())
    query = select(ReceiverRow).where(ReceiverRow.key == key).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def resume(session: AsyncSession, key: str) -> bool:
    """Let a receiver be sent to again, at once. Returns whether it had been stopped."""
    row = await _receiver(session, key)
    if row is None:
        return False
    stopped = row.stopped_at is not None
    row.stopped_at = row.held_until = None
    row.failures = 0
    return stopped
