"""PostgreSQL: how seldom a connection is asked whether it still lives."""

import asyncio
import os

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from waboard import postgres
from waboard.ledger.database import Ledger

URL = os.environ.get("TEST_POSTGRES_URL", "")
pytestmark = pytest.mark.skipif(not URL, reason="TEST_POSTGRES_URL names no PostgreSQL")


class Pings:
    """How often a connection was asked, and what time it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.now = 0, 0.0
        asked = PGDialect_asyncpg.do_ping

        def do_ping(*args):
            self.count += 1
            return asked(*args)

        monkeypatch.setattr(PGDialect_asyncpg, "do_ping", do_ping)
        monkeypatch.setattr(postgres, "monotonic", lambda: self.now)


@pytest.fixture
def pings(monkeypatch) -> Pings:
    return Pings(monkeypatch)


@pytest.fixture
async def ledger():
    ledger = Ledger(URL, connections=1)
    yield ledger
    await ledger.close()


async def pid_of(ledger: Ledger) -> int:
    """Use a connection, and return whose it is on the other side."""
    async with ledger.begin() as session:
        return (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()


async def end(pid: int) -> None:
    """End a connection from the other side, as a database does that is started anew."""
    admin = await asyncpg.connect(URL)
    await admin.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await admin.close()


async def test_one_that_answered_a_moment_ago_is_not_asked_again(ledger, pings):
    assert len({await pid_of(ledger) for _ in range(5)}) == 1
    assert pings.count == 0


async def test_one_that_was_idle_for_a_while_is_asked_once(ledger, pings):
    await pid_of(ledger)
    pings.now = postgres.ASKED_EVERY
    await pid_of(ledger)
    await pid_of(ledger)
    assert pings.count == 1


async def test_one_that_the_database_closed_is_replaced_without_asking(ledger, pings):
    first = await pid_of(ledger)
    await end(first)
    await asyncio.sleep(0)  # so that it is heard
    assert await pid_of(ledger) != first
    assert pings.count == 0


async def test_one_that_does_not_answer_is_replaced(ledger, pings, monkeypatch):
    """Whose end nobody told of, as that of a machine that lost its power."""
    first = await pid_of(ledger)
    await end(first)
    is_closed, heard = asyncpg.Connection.is_closed, iter([False])
    monkeypatch.setattr(
        asyncpg.Connection, "is_closed", lambda self: next(heard, True) and is_closed(self)
    )
    pings.now = postgres.ASKED_EVERY
    assert await pid_of(ledger) != first
    assert pings.count == 1


async def test_there_are_no_more_connections_than_were_asked_for(ledger):
    """A leg has one: its transactions take their turns."""
    assert len(set(await asyncio.gather(*(pid_of(ledger) for _ in range(5))))) == 1
