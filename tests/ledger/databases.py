"""Fresh databases with the newest form of the ledger, cheaply: each is a copy of a migrated one.

In each live the neighbours of `tests.neighbour`, unless a test wants to be alone in it. Whoever
takes one away sees that nothing of theirs has changed.
"""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy import Table
from sqlalchemy.engine import URL, make_url

from tests.neighbour import move_in
from waboard.ledger.database import Ledger
from waboard.ledger.migrate import upgrade
from waboard.ledger.models import Base


async def migrate(url: str) -> None:
    """Bring a database to the newest form."""
    ledger = Ledger(url)
    try:
        await upgrade(ledger)
    finally:
        await ledger.close()


class SqliteDatabases:
    """SQLite databases, each a file.

    The place of one that is dropped is taken by the next: of each URL, the ledger remembers the
    statements that it has compiled.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._free: list[Path] = []
        self._visited: set[Path] = set()
        self._bare, self._furnished = home / "bare.db", home / "furnished.db"
        asyncio.run(migrate(f"sqlite:///{self._bare}"))
        shutil.copy(self._bare, self._furnished)
        asyncio.run(move_in(f"sqlite:///{self._furnished}"))

    def create(self, *, empty: bool = False, alone: bool = False) -> str:
        """Make a database and return its URL."""
        path = self._free.pop() if self._free else self._home / f"{uuid4().hex}.db"
        if not empty:
            shutil.copy(self._bare if alone else self._furnished, path)
        if not empty and not alone:
            self._visited.add(path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        """Take a database away."""
        path = Path(url.removeprefix("sqlite:///"))
        touched = self._touched(path) if path in self._visited else []
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
        self._visited.discard(path)
        self._free.append(path)
        assert not touched, _CHANGED.format(touched)

    def _touched(self, path: Path) -> list[str]:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("ATTACH ? AS kept", (str(self._furnished),))
            return [each for (each,) in connection.execute(_TOUCHED)]

    def close(self) -> None:
        """Leave nothing behind: pytest removes the folder."""


class PostgresDatabases:
    """PostgreSQL databases of random names, on the server that a URL leads to.

    To make one takes it a while, so that one which a test has used is emptied for the next, and
    the neighbours move in again: their rows are kept in a schema beside.
    """

    def __init__(self, url: str) -> None:
        self._admin = make_url(url).set(drivername="postgresql")
        self._migrated: list[str] = []
        self._free: list[str] = []
        self._alone: set[str] = set()

    def create(self, *, empty: bool = False, alone: bool = False) -> str:
        """Make a database and return its URL."""
        if empty:
            return self._create()
        url = self._free.pop() if self._free else self._furnished()
        self._alone.discard(url)
        if alone:
            self._alone.add(url)
            asyncio.run(execute(url, _EMPTY))
        return url

    def _furnished(self) -> str:
        url = self._create()
        self._migrated.append(url)
        asyncio.run(migrate(url))
        asyncio.run(move_in(url))
        asyncio.run(execute(url, _KEEP))
        return url

    def drop(self, url: str) -> None:
        """Take a database away."""
        if url not in self._migrated:
            self._drop(url)
            return
        touched = asyncio.run(furnish_anew(url))
        self._free.append(url)
        assert url in self._alone or not touched, _CHANGED.format(touched)

    def close(self) -> None:
        """Leave nothing behind."""
        for url in self._migrated:
            self._drop(url)

    def _create(self) -> str:
        url = self._admin.set(database=f"waboard_test_{uuid4().hex}")
        asyncio.run(execute(shown(self._admin), f"CREATE DATABASE {url.database}"))
        return shown(url)

    def _drop(self, url: str) -> None:
        statement = f"DROP DATABASE {make_url(url).database} WITH (FORCE)"
        asyncio.run(execute(shown(self._admin), statement))


def _differs(table: Table) -> str:
    columns = ", ".join(f'CAST("{each.name}" AS TEXT)' for each in table.columns)
    changed = f"SELECT {columns} FROM kept.{table} EXCEPT SELECT {columns} FROM {table}"  # noqa: S608
    return f"SELECT '{table}' AS touched WHERE EXISTS ({changed})"


_CHANGED = "What is the neighbours' was changed: {}."
_TABLES = Base.metadata.sorted_tables
_KEEP = "; ".join(
    ["CREATE SCHEMA kept", *(f"CREATE TABLE kept.{each} AS TABLE {each}" for each in _TABLES)]
)
_EMPTY = "; ".join(f"DELETE FROM {each}" for each in reversed(_TABLES))  # noqa: S608
_BRING_BACK = "; ".join(f"INSERT INTO {each} TABLE kept.{each}" for each in _TABLES)
_TOUCHED = " UNION ALL ".join(_differs(each) for each in _TABLES if each.name != "outbox")
"""Says of which tables a row that was kept is gone, or not as it was.

Of the outbox it does not: what is done to messages, such as to delete the old, is done to all.
"""


def shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


async def execute(url: str, statements: str) -> None:
    """Run statements outside the ledger's own connections."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def furnish_anew(url: str) -> list[str]:
    """Empty a database and bring the neighbours back; return what was changed of theirs."""
    connection = await asyncpg.connect(url)
    try:
        touched = [row[0] for row in await connection.fetch(_TOUCHED)]
        await connection.execute(f"{_EMPTY}; {_BRING_BACK}")
        return touched
    finally:
        await connection.close()


Databases = SqliteDatabases | PostgresDatabases
