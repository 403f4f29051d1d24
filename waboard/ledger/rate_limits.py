"""The provider's rate limits, account-wide: kept by all processes together.

Each call reserves the next free instant of its bucket in one short transaction and then sleeps
until it comes. So calls go in order, exactly at the limit, and a process that dies holds nothing.
Clocks of several machines must agree to some milliseconds, as NTP has it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.ledger.database import Ledger, dialect_of, insert_into
from waboard.ledger.models import RateLimitRow
from waboard.metrics import RATE_LIMIT_WAIT_SECONDS


class LedgerLimiter:
    """Keeps calls of each bucket at least its interval (in seconds) apart."""

    def __init__(
        self,
        ledger: Ledger,
        intervals: Mapping[str, float],
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._intervals = intervals
        self._now = now
        self._sleep = sleep

    async def acquire(self, bucket: str) -> None:
        """Return when a call in this bucket may be made. Unlisted buckets have no limit."""
        interval = self._intervals.get(bucket)
        if interval is None:
            return
        while (turn := await self._reserve(bucket, interval)) > self._now():
            pause = max(turn - self._now(), 0.0)
            await self._sleep(pause)
            RATE_LIMIT_WAIT_SECONDS.labels(bucket).inc(pause)
            if not await self._was_put_off(bucket, turn):
                return

    async def _reserve(self, bucket: str, interval: float) -> float:
        async with self._ledger.begin() as session:
            row = await _locked(session, bucket)
            turn = max(self._now(), row.next_at, row.held_until)
            row.next_at = turn + interval
            return turn

    async def _was_put_off(self, bucket: str, turn: float) -> bool:
        # The provider may have said "later" to somebody else while we waited for our turn.
        async with self._ledger.begin() as session:
            return (await session.get_one(RateLimitRow, bucket)).held_until > turn

    async def hold(self, bucket: str, seconds: float) -> None:
        """Let nobody call in this bucket for so long: the provider said when to come again."""
        async with self._ledger.begin() as session:
            row = await _locked(session, bucket)
            row.held_until = max(row.held_until, self._now() + seconds)


async def _locked(session: AsyncSession, bucket: str) -> RateLimitRow:
    query = select(RateLimitRow).where(RateLimitRow.bucket == bucket).with_for_update()
    row = (await session.scalars(query)).first()
    if row is None:
        insert = insert_into(dialect_of(session), RateLimitRow)
        unused = insert.values(bucket=bucket, next_at=0.0, held_until=0.0)
        await session.execute(unused.on_conflict_do_nothing())
        row = (await session.scalars(query)).one()
    return row
