"""Fresh databases with the newest form of the ledger, cheaply: each is a copy of a migrated one."""

import asyncio
import shutil
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy.engine import URL, make_url

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
        self._template = home / "template.db"
        asyncio.run(migrate(f"sqlite:///{self._template}"))

    def create(self, *, empty: bool = False) -> str:
        """Make a database and return its URL."""
        path = self._free.pop() if self._free else self._home / f"{uuid4().hex}.db"
        if not empty:
            shutil.copy(self._template, path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        """Take a database away."""
        path = Path(url.removeprefix("sqlite:///"))
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
        self._free.append(path)

    def close(self) -> None:
        """Leave nothing behind: pytest removes the folder."""


class PostgresDatabases:
    """PostgreSQL databases of random names, on the server that a URL leads to.

    To make one takes it a while, so that one which a test has used is emptied for the next.
    """

    def __init__(self, url: str) -> None:
        self._admin = make_url(url).set(drivername="postgresql")
        self._migrated: list[str] = []
        self._free: list[str] = []

    def create(self, *, empty: bool = False) -> str:
        """Make a database and return its URL."""
        if empty:
            return self._create()
        if not self._free:
            self._migrated.append(self._create())
            self._free.append(self._migrated[-1])
            asyncio.run(migrate(self._free[-1]))
        return self._free.pop()

    def drop(self, url: str) -> None:
        """Take a database away."""
        if url in self._migrated:
            tables = reversed(Base.metadata.sorted_tables)
            asyncio.run(execute(url, "; ".join(str(table.delete()) for table in tables)))
            self._free.append(url)
        else:
            self._drop(url)

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


def shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)


async def execute(url: str, statements: str) -> None:
    """Run statements outside the ledger's own connections."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


Databases = SqliteDatabases | PostgresDatabases
