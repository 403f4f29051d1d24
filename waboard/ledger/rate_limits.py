"""The upstream's rate limits, account-wide: kept by all processes together.

Each call takes a slot in its bucket's row, sleeps until then, and leaves under the row's lock, as
`waboard.domain.call_slots` says: two short transactions, or one where nobody waits. No two calls of
a bucket leave closer together than its interval, however late a process wakes; one that dies holds
nobody up for longer than an interval.
Clocks of several machines must agree to some milliseconds, as NTP has it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.call_slots import Bucket, Departure, Slot, advance
from waboard.ledger.database import Ledger, dialect_of, insert_into
from waboard.ledger.models import RateLimitRow
from waboard.ledger.races import one_transaction
from waboard.metrics import RATE_LIMIT_WAIT_SECONDS

LONGEST_LEAD = 0.1
"""Seconds before its slot that a caller wakes at most, to ask whether it may leave."""
SPARE_PART, LEAST_SPARE = 0.05, 0.005
"""How long a call may take to leave at first: a part of the interval, or seconds if that is more.

One that needs longer asks a second time, and then has as long as it needed.
"""


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
        """Return when a call in this bucket may be made, which then has to leave at once.

        Buckets that are not listed have no limit: only a hold delays their calls.
        """
        interval = self._intervals.get(bucket)
        if interval is None:
            await self._wait_out_hold(bucket)
            return
        began = self._now()
        place = await self._advance(bucket, interval, None, 0.0)
        lead = min(2 * max(self._now() - began, 0.0), LONGEST_LEAD)
        while not await self._leaves(bucket, place, lead):
            place = await self._advance(bucket, interval, place, lead)

    async def _leaves(self, bucket: str, place: Slot | Departure, lead: float) -> bool:
        """Wait for the moment to ask, or to leave. Whether the caller leaves."""
        if isinstance(place, Slot):
            await self._pause(bucket, place.wake_at - lead - self._now())
            return False
        # It is asked for `lead` before the slot, and granted `lead` before the bucket opens.
        await self._pause(bucket, min(place.at - self._now(), 2 * lead))
        return self._now() <= place.latest

    @one_transaction
    async def _advance(
        self, bucket: str, interval: float, place: Slot | Departure | None, lead: float
    ) -> Slot | Departure:
        began = self._now()
        async with self._ledger.begin() as session:
            row = await self._locked(session, bucket)
            now = self._now()
            # The rest of the transaction takes about as long as its beginning.
            spare = min(2 * max(now - began, 0.0), max(SPARE_PART * interval, LEAST_SPARE))
            if isinstance(place, Slot):
                now = max(now, place.wake_at)  # it asks a little before, and leaves then
            state = Bucket(row.next_at, row.held_until)
            state, place = advance(state, place, now, interval, spare, lead)
            row.next_at, row.held_until = state.next_at, state.held_until
            return place

    async def _wait_out_hold(self, bucket: str) -> None:
        known = 0.0
        while (held_until := await self._held_until(bucket)) > max(known, self._now()):
            known = held_until
            await self._pause(bucket, held_until - self._now())

    async def _held_until(self, bucket: str) -> float:
        query = select(RateLimitRow.held_until).where(RateLimitRow.bucket == bucket)
        async with self._ledger.read() as session:
            return await session.scalar(query) or 0.0

    async def _pause(self, bucket: str, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)
            RATE_LIMIT_WAIT_SECONDS.labels(bucket).inc(seconds)

    async def hold(self, bucket: str, seconds: float) -> None:
        """Let nobody call in this bucket for so long: the upstream said when to come again."""
        await self._hold(bucket, seconds)

    @one_transaction
    async def _hold(self, bucket: str, seconds: float) -> None:
        async with self._ledger.begin() as session:
            row = await self._locked(session, bucket)
            row.held_until = max(row.held_until, self._now() + seconds)

    async def _locked(self, session: AsyncSession, bucket: str) -> RateLimitRow:
        query = select(RateLimitRow).where(RateLimitRow.bucket == bucket).with_for_update()
        row = (await session.scalars(query)).first()
        if row is None:
            insert = insert_into(dialect_of(session), RateLimitRow)
            unused = insert.values(bucket=bucket, next_at=0.0, held_until=0.0)
            await session.execute(unused.on_conflict_do_nothing())
            row = (await session.scalars(query)).one()
        return row
