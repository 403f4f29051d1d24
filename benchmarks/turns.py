"""How far apart rate-limited calls really leave on a busy machine.

`python -m benchmarks.turns`, with `TEST_POSTGRES_URL` on PostgreSQL as well. Several processes call
in one bucket without a pause, beside others that keep every core busy. The baseline reserves its
instant and then sleeps: a process that wakes late leaves late, and the next one leaves on time.
"""

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import event

from tests.ledger.databases import PostgresDatabases, SqliteDatabases
from waboard.ledger.database import Ledger
from waboard.ledger.models import RateLimitRow
from waboard.ledger.rate_limits import LedgerLimiter

BUCKET = "provisioning"
PROCESSES = 6
"""Processes that call."""
BURNERS = 2
"""Processes for each core that do nothing but keep it busy."""


class ReservedInstant:
    """The baseline: the next free instant is reserved in the ledger, and then slept until."""

    def __init__(self, ledger: Ledger, intervals: Mapping[str, float]) -> None:
        self._ledger, self._intervals = ledger, intervals

    async def acquire(self, bucket: str) -> None:
        """Return at the reserved instant, or when the machine wakes this process after it."""
        while (turn := await self._reserve(bucket)) > time.time():
            await asyncio.sleep(max(turn - time.time(), 0.0))
            async with self._ledger.begin() as session:
                if (await session.get_one(RateLimitRow, bucket)).held_until <= turn:
                    return

    async def _reserve(self, bucket: str) -> float:
        async with self._ledger.begin() as session:
            row = await session.get_one(RateLimitRow, bucket, with_for_update=True)
            turn = max(time.time(), row.next_at, row.held_until)
            row.next_at = turn + self._intervals[bucket]
            return turn


LIMITERS = {"reserved instant": ReservedInstant, "closed on leaving": LedgerLimiter}
"""By their names; the first is the baseline."""


@dataclass
class Measured:
    """When the calls of one limiter left, in order, and how many transactions that took."""

    departures: list[float]
    transactions: int

    @property
    def gaps(self) -> list[float]:
        """Seconds between each departure and the next."""
        return [later - sooner for sooner, later in pairwise(self.departures)]

    def crowded(self, interval: float) -> int:
        """How many gaps are under the interval."""
        return sum(gap < interval for gap in self.gaps)


def main() -> None:
    """Measure both limiters on every database there is, and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--interval", type=float, default=0.2)
    parser.add_argument("--calls", type=int, default=480)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        databases = {"SQLite": SqliteDatabases(Path(home))}
        if url := os.environ.get("TEST_POSTGRES_URL"):
            databases |= {"PostgreSQL": PostgresDatabases(url)}
        for name, each in databases.items():
            found = {
                limiter: measure(each.create(), limiter, given.interval, given.calls)
                for limiter in LIMITERS
            }
            Console().print(table(name, given.interval, found))
            each.close()


def measure(url: str, limiter: str, interval: float, calls: int) -> Measured:
    """Let all processes call, and gather when their calls left."""
    asyncio.run(prepare(url))
    each = calls // PROCESSES
    with busy_cores(), multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        done = pool.starmap(caller, [(url, limiter, interval, each)] * PROCESSES, chunksize=1)
    departures = sorted(at for made, _ in done for at in made)
    return Measured(departures, sum(transactions for _, transactions in done))


async def prepare(url: str) -> None:
    """Make the bucket's row."""
    ledger = Ledger(url)
    async with ledger.begin() as session:
        session.add(RateLimitRow(bucket=BUCKET, next_at=0.0, held_until=0.0))
    await ledger.close()


@contextmanager
def busy_cores() -> Generator[None]:
    """Keep every core busy with more than it can do."""
    burners = [
        multiprocessing.Process(target=burn, daemon=True)
        for _ in range(BURNERS * (os.cpu_count() or 1))
    ]
    for each in burners:
        each.start()
    try:
        yield
    finally:
        for each in burners:
            each.terminate()
            each.join()


def burn() -> None:
    """Work for as long as this process lives."""
    while True:
        sum(range(10_000))


def caller(url: str, limiter: str, interval: float, calls: int) -> tuple[list[float], int]:
    """Call so often; return when, and in how many transactions."""
    return asyncio.run(call(url, limiter, interval, calls))


async def call(url: str, limiter: str, interval: float, calls: int) -> tuple[list[float], int]:
    """Do it in this process."""
    ledger, transactions, departures = Ledger(url), list[object](), list[float]()
    event.listen(ledger.engine.sync_engine, "commit", transactions.append)
    turns = LIMITERS[limiter](ledger, {BUCKET: interval})
    for _ in range(calls):
        await turns.acquire(BUCKET)
        departures.append(time.time())
    await ledger.close()
    return departures, len(transactions)


def table(database: str, interval: float, found: dict[str, Measured]) -> Table:
    """Draw how they compare."""
    drawn = Table(title=f"calls {interval:g} s apart, {PROCESSES} processes, {database}")
    for heading in ("", "gaps under the interval", "shortest gap", "calls / limit", "transactions"):
        drawn.add_column(heading)
    for name, each in found.items():
        took = each.departures[-1] - each.departures[0]
        drawn.add_row(
            name,
            f"{each.crowded(interval)} of {len(each.gaps)}",
            f"{min(each.gaps) / interval:.3f} of it",
            f"{len(each.gaps) * interval / took:.3f}",
            f"{each.transactions / len(each.departures):.2f} a call",
        )
    return drawn


if __name__ == "__main__":
    main()
