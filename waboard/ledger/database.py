"""The connection to the ledger: SQLite by default, PostgreSQL by URL."""

import contextlib
import logging
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, cast

import aiosqlite
from sqlalchemy import AsyncAdaptedQueuePool, Connection, Engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from waboard.domain.errors import BadInput
from waboard.postgres import ask_seldom

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
SETTING = "WABOARD_DATABASE_URL"
MANY = 15
"""Connections for whoever works for many clients at once."""


class Ledger:
    """The ledger of one database. `async with ledger.begin() as session` is one transaction.

    Whoever only reads says so by `ledger.read()`, which the database holds it to. Whoever writes is
    marked `waboard.ledger.races.one_transaction`, and done again where it lost a race.

    On PostgreSQL there are `connections` at most, which stay open: to connect takes as long as ten
    transactions. On SQLite there is one.
    """

    def __init__(self, url: str, connections: int = MANY) -> None:
        self.engine = _engine_for(url, connections)
        options = {_READS_ONLY: True, "postgresql_readonly": True}
        self._reading = self.engine.execution_options(**options)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncSession]:
        """Open a transaction: committed at the end, rolled back on an exception."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        """Open a transaction in which nothing can be written; on SQLite it waits for no writer."""
        async with AsyncSession(self._reading, expire_on_commit=False) as session, session.begin():
            yield session

    async def close(self) -> None:
        """Give back all connections."""
        await self.engine.dispose()


def async_url(url: str) -> str:
    """Return the URL with the driver that we use. Raises BadInput for other databases."""
    try:
        parsed = make_url(url)
    except Exception as error:
        raise BadInput(SETTING, "is not a database URL.", remedy=_REMEDY) from error
    driver = DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise BadInput(SETTING, f"{parsed.get_backend_name()} is not supported.", remedy=_REMEDY)
    return parsed.set(drivername=driver).render_as_string(hide_password=False)


_READS_ONLY = "waboard_reads_only"
MIGRATES = "waboard_migrates"
"""The option of a transaction that makes tables anew: SQLite must not look at them meanwhile."""
_PATIENCE = 30.0  # seconds, for whoever else writes: each transaction takes milliseconds
_ONE_TRY_MS = 100
# Its debug lines hold every value that is written, phone numbers included.
logging.getLogger("aiosqlite").setLevel(logging.INFO)
_REMEDY = "Use sqlite:////path/to/ledger.db or postgresql://user:password@host/database."


def insert_into(dialect: str, table: Any) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows `ON CONFLICT`, which both databases spell alike."""
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)


def dialect_of(session: AsyncSession) -> str:
    """Return which database a session works on: `sqlite` or `postgresql`."""
    return session.get_bind().dialect.name


def _engine_for(url: str, connections: int) -> AsyncEngine:
    # An engine belongs to one event loop, and each leg has a loop of its own. What does not depend
    # on the loop is shared, above all the statements that are compiled already: to compile them
    # for each leg took a sixth of the worker's time.
    first, compiled = _shared(async_url(url), connections)
    engine = Engine(
        first.pool.recreate(),
        first.dialect,
        first.url,
        hide_parameters=True,
        execution_options={"compiled_cache": compiled},
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "begin", _begin_on_sqlite)
    return AsyncEngine(engine)


@cache
def _shared(url: str, connections: int) -> tuple[Engine, dict[Any, Any]]:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        ask_seldom()
        engine = create_async_engine(
            parsed, pool_pre_ping=True, pool_size=connections, max_overflow=0
        )
        return engine.sync_engine, {}
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        parsed,
        connect_args={"isolation_level": None},
        # Only one can write, and SQLite lets whoever waits for it sleep for ever longer, in no
        # order: with one connection, those of this process take their turns as they came.
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
    )
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    return engine.sync_engine, {}


def _set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_ONE_TRY_MS}")
    # Of several that open a new file at once, one can be refused this: the file keeps what another
    # has set, and every later connection sees it.
    with contextlib.suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_on_sqlite(connection: Connection) -> None:
    # A transaction that reads and then writes cannot be upgraded when another wrote in between:
    # SQLite answers "database is locked" at once, whatever the timeout. So each that writes takes
    # the lock at its start and waits its turn. One that reads takes its picture at its start.
    #
    # In many short tries: a connection that waits is closed to all other threads, and Python's
    # garbage collector, which may run in the thread of whoever writes, can have one of its cursors
    # to take away. They would wait for each other until the patience ended.
    options = connection.get_execution_options()
    reads, migrates = bool(options.get(_READS_ONLY)), bool(options.get(MIGRATES))
    # Neither can be set once the transaction has begun.
    wanted = {"query_only": int(reads), "foreign_keys": int(not migrates)}
    for pragma, value in wanted.items():
        if connection.info.get(pragma, _AT_FIRST[pragma]) != value:
            connection.exec_driver_sql(f"PRAGMA {pragma} = {value}")
            connection.info[pragma] = value
    statements = _READ if reads else _WRITE
    driver = cast("AsyncAdapt_aiosqlite_connection", connection.connection.dbapi_connection)
    if not driver.run_async(lambda each: _has_begun(each, statements)):
        for statement in statements:
            connection.exec_driver_sql(statement)


_AT_FIRST = {"query_only": 0, "foreign_keys": 1}
_WRITE = ("BEGIN IMMEDIATE",)
_READ = ("BEGIN", "SELECT 1 FROM sqlite_master LIMIT 1")


async def _has_begun(driver: aiosqlite.Connection, statements: Sequence[str]) -> bool:
    # By the driver itself: each statement of SQLAlchemy's that fails leaves such a cursor.
    gives_up = monotonic() + _PATIENCE
    while monotonic() < gives_up:
        try:
            for statement in statements:
                async with driver.execute(statement):
                    pass
        except sqlite3.OperationalError as error:
            await driver.rollback()
            if "locked" not in str(error):
                break
        else:
            return True
    return False
