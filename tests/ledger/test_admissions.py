"""The queue of the weekly cap: first come, first served, and never one too many."""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import func, select

from tests.domain.samples import T0
from tests.neighbour import MOVED_IN
from waboard.ledger.admissions import admit, leave_queue, used
from waboard.ledger.database import Ledger
from waboard.ledger.models import AdmissionRow, ClientRow

DAY = timedelta(days=1)


async def clients(ledger: Ledger, count: int) -> list[int]:
    async with ledger.begin() as session:
        rows = [ClientRow(client_ref=f"c{i}", name="C", created_at=T0) for i in range(count)]
        session.add_all(rows)
        await session.flush()
        return [row.id for row in rows]


async def asks(ledger: Ledger, client: int, cap: int, now: datetime = T0) -> datetime | None:
    async with ledger.begin() as session:
        return await admit(session, client, cap, now)


async def test_the_cap_admits_so_many_and_tells_the_others_when(ledger: Ledger):
    one, two, three, four = await clients(ledger, 4)
    assert await asks(ledger, one, 2) is None
    assert await asks(ledger, two, 2, T0 + DAY) is None
    assert await asks(ledger, three, 2, T0 + DAY) == T0 + DAY * 7
    assert await asks(ledger, four, 2, T0 + DAY) == T0 + DAY * 8


async def test_who_comes_later_does_not_get_in_first(ledger: Ledger):
    one, two, three = await clients(ledger, 3)
    await asks(ledger, one, 1)
    await asks(ledger, two, 1)
    await asks(ledger, three, 1)
    assert await asks(ledger, three, 1, T0 + DAY * 7) == T0 + DAY * 14
    assert await asks(ledger, two, 1, T0 + DAY * 7) is None


async def test_a_client_counts_once_however_often_it_asks(ledger: Ledger):
    one, two = await clients(ledger, 2)
    for _ in range(3):
        assert await asks(ledger, one, 2) is None
    assert await asks(ledger, two, 2) is None
    assert await asks(ledger, one, 2, T0 + DAY * 30) is None
    async with ledger.begin() as session:
        assert await used(session, T0) == 2
        assert await used(session, T0 + DAY * 7) == 0


async def test_who_leaves_the_queue_keeps_nobody_behind(ledger: Ledger):
    one, two, three = await clients(ledger, 3)
    for client in (one, two, three):
        await asks(ledger, client, 1)
    async with ledger.begin() as session:
        assert await leave_queue(session, two)
        assert not await leave_queue(session, one)
        assert not await leave_queue(session, two)
    assert await asks(ledger, three, 1, T0 + DAY * 7) is None


async def test_a_thousand_at_once_are_admitted_up_to_the_cap_and_not_one_more(
    ledger: Ledger, other: Ledger
):
    """Two processes ask for five hundred each, in the same instant.

    Nobody waits for a connection longer than half a minute, so only so many stand in line as a slow
    machine serves in that time.
    """
    everyone = await clients(ledger, 1000)
    line = asyncio.Semaphore(100)

    async def ask(process: Ledger, client: int) -> datetime | None:
        async with line:
            return await asks(process, client, 200)

    halves = (ledger, other)
    slots = await asyncio.gather(*(ask(halves[i % 2], each) for i, each in enumerate(everyone)))
    assert slots.count(None) == 200
    async with ledger.begin() as session:
        admitted = select(func.count()).where(AdmissionRow.admitted_at > MOVED_IN)
        assert await session.scalar(admitted) == 200
