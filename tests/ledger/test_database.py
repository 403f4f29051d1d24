"""The connection to the ledger, and what a transaction is."""

import asyncio
import gc
import sqlite3
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from tests.domain.samples import T0
from waboard.domain.errors import BadInput
from waboard.ledger import database
from waboard.ledger.database import Ledger, async_url
from waboard.ledger.models import ClientRow, SenderRow

pytestmark = pytest.mark.alone


def client(ref: str = "acme", created_at: datetime = T0) -> ClientRow:
    return ClientRow(client_ref=ref, name=ref, created_at=created_at)


async def refs(ledger: Ledger) -> list[str]:
    async with ledger.begin() as session:
        return list(await session.scalars(select(ClientRow.client_ref).order_by(ClientRow.id)))


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("sqlite:////data/ledger.db", "sqlite+aiosqlite:////data/ledger.db"),
        ("sqlite:///ledger.db", "sqlite+aiosqlite:///ledger.db"),
        ("postgresql://u:p@host/db", "postgresql+asyncpg://u:p@host/db"),
        ("postgres://u:p@host/db", "postgresql+asyncpg://u:p@host/db"),
        ("postgresql+psycopg://u:p@host/db", "postgresql+asyncpg://u:p@host/db"),
    ],
)
def test_the_driver_is_ours_to_choose(url, used):
    """The setting names a database as everybody writes it."""
    assert async_url(url) == used


@pytest.mark.parametrize("url", ["mysql://u:s3cret@host/db", "u:s3cret@host", "", "s3cret"])
def test_another_database_is_refused_by_the_name_of_the_setting(url):
    """Without showing the password."""
    with pytest.raises(BadInput, match="WABOARD_DATABASE_URL") as caught:
        async_url(url)
    assert "s3cret" not in str(caught.value)
    assert "postgresql://" in caught.value.remedy


async def test_a_missing_folder_of_an_sqlite_ledger_is_made(tmp_path):
    """The first start on a machine finds nothing."""
    ledger = Ledger(f"sqlite:///{tmp_path}/new/folder/ledger.db")
    async with ledger.begin() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await ledger.close()
    assert (tmp_path / "new/folder/ledger.db").exists()


async def test_a_transaction_is_kept_as_a_whole(ledger):
    """What was written is there for the next."""
    async with ledger.begin() as session:
        session.add_all([client("acme"), client("globex")])
    assert await refs(ledger) == ["acme", "globex"]


async def test_a_transaction_that_breaks_leaves_nothing(ledger):
    """Not even what was already sent to the database."""

    async def break_off() -> None:
        async with ledger.begin() as session:
            session.add(client())
            await session.flush()
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        await break_off()
    assert await refs(ledger) == []


async def test_what_is_not_committed_is_not_seen_by_others(ledger, url):
    """On PostgreSQL others read on; on SQLite they would wait, so only the outcome is read."""
    async with ledger.begin() as session:
        session.add(client())
        await session.flush()
        if url.startswith("postgresql"):
            other = Ledger(url)
            assert await refs(other) == []
            await other.close()
    assert await refs(ledger) == ["acme"]


async def test_references_are_checked(ledger):
    """SQLite does so only when it is asked to."""
    with pytest.raises(IntegrityError):
        async with ledger.begin() as session:
            session.add(SenderRow(onboarding_id="nobody's", phone_number="1"))


async def test_a_time_comes_back_in_utc(ledger):
    """In whatever zone it was given."""
    tokyo = timezone(timedelta(hours=9))
    async with ledger.begin() as session:
        session.add(client(created_at=datetime(2026, 1, 5, 18, 0, 0, 123456, tokyo)))
    async with ledger.begin() as session:
        found = await session.scalar(select(ClientRow.created_at))
    assert found == datetime(2026, 1, 5, 9, 0, 0, 123456, UTC)
    assert found is not None
    assert found.utcoffset() == timedelta(0)


async def test_a_time_without_a_zone_is_refused(ledger):
    """It would mean something else on every machine."""
    with pytest.raises(StatementError, match="without a zone"):
        async with ledger.begin() as session:
            session.add(client(created_at=datetime(2026, 1, 5, 9)))  # noqa: DTZ001
    assert await refs(ledger) == []


async def test_a_transaction_waits_for_one_that_writes(ledger, other):
    """Reading and then writing is never refused because another wrote in between."""
    async with ledger.begin() as session:
        session.add(client("0"))

    async def add_one(one: Ledger) -> None:
        async with one.begin() as session:
            row = (await session.scalars(select(ClientRow).with_for_update())).one()
            await asyncio.sleep(0)
            row.client_ref = str(int(row.client_ref) + 1)

    await asyncio.gather(*(add_one(one) for one in [ledger, other] * 10))
    assert await refs(ledger) == ["20"]


A_THOUSAND_ROWS = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n"
)


async def read_a_thousand_rows(url: str) -> None:
    ledger = Ledger(url)
    async with ledger.begin() as session:
        assert len(list(await session.execute(A_THOUSAND_ROWS))) == 1000
    await ledger.close()


async def test_who_waits_to_write_does_not_hold_up_who_writes(tmp_path):
    """SQLite shuts a waiting connection to all threads, the garbage collector's included."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    writer, waiter = Ledger(url), Ledger(url)
    garbage = [await left_over_cursor(waiter)]
    async with writer.begin() as session:
        await session.execute(text("SELECT 1"))
        waiting = asyncio.create_task(ends_a_transaction(waiter))
        await asyncio.sleep(0.05)  # it tries
        garbage.clear()
    await waiting
    await writer.close()
    await waiter.close()


async def test_waiting_to_write_leaves_nothing_for_the_garbage_collector(tmp_path, monkeypatch):
    """Not one cursor for each try: to take them away would hold up who writes for as long."""
    monkeypatch.setattr(database, "_PATIENCE", 0.5)  # seconds: five tries
    url = f"sqlite:///{tmp_path}/ledger.db"
    writer, waiter = Ledger(url), Ledger(url)
    await ends_a_transaction(waiter)
    gc.disable()
    try:
        async with writer.begin() as session:
            await session.execute(text("SELECT 1"))
            before = cursors()
            with pytest.raises(OperationalError, match="database is locked"):
                await ends_a_transaction(waiter)
            assert cursors() <= before + 2
    finally:
        gc.enable()
    await writer.close()
    await waiter.close()


async def test_who_is_cancelled_while_it_waits_to_write_does_not_keep_the_lock(tmp_path):
    """A leg is told to stop; the lock that its last try may still take is given back."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    writer, waiter = Ledger(url), Ledger(url)
    async with writer.begin() as session:
        await session.execute(text("SELECT 1"))
        waiting = asyncio.create_task(ends_a_transaction(waiter))
        await asyncio.sleep(0.05)  # it tries
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(10):
        await ends_a_transaction(writer)
        await ends_a_transaction(waiter)
    await writer.close()
    await waiter.close()


def cursors() -> int:
    return sum(isinstance(each, sqlite3.Cursor) for each in gc.get_objects())


async def left_over_cursor(ledger: Ledger) -> sqlite3.Cursor:
    """A statement of this connection that nobody has read to its end."""
    async with ledger.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        return (await raw.driver_connection.execute("VALUES (1), (2)"))._cursor


async def ends_a_transaction(ledger: Ledger) -> None:
    async with ledger.begin() as session:
        await session.execute(text("SELECT 1"))


def read_in_threads(url: str, times: int) -> None:
    """As a worker does, where each leg is a thread."""
    for _ in range(times):
        thread = threading.Thread(target=lambda: asyncio.run(read_a_thousand_rows(url)))
        thread.start()
        thread.join()
    gc.collect()


def test_a_thread_that_ends_leaves_nothing_of_what_it_read(url):
    """A worker lives for months, and runs a thread for each leg."""
    read_in_threads(url, 3)  # what is loaded once is loaded
    before = sys.getallocatedblocks()
    read_in_threads(url, 20)
    assert sys.getallocatedblocks() - before < 20 * 100
