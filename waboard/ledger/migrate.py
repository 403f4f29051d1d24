"""Bring a database to the newest form of the ledger, at every start."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from waboard.domain.errors import WaboardError
from waboard.ledger.database import MIGRATES, Ledger

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = text("SELECT pg_advisory_xact_lock(8420)")  # any number, the same in every process


async def upgrade(ledger: Ledger) -> None:
    """Apply the migrations that are missing."""
    await _run(ledger, lambda config: command.upgrade(config, "head"))


async def downgrade(ledger: Ledger, revision: str = "base") -> None:
    """Take migrations back, down to `revision`. The data of what goes is lost."""
    await _run(ledger, lambda config: command.downgrade(config, revision))


async def _run(ledger: Ledger, migrate: Callable[[Config], None]) -> None:
    # Two processes that start at once take turns: on PostgreSQL by an advisory lock, on SQLite by
    # the write lock that every transaction takes.
    def on(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        migrate(config)

    async with ledger.engine.execution_options(**{MIGRATES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(_LOCK)
        await connection.run_sync(on)
        if connection.dialect.name == "sqlite":
            await connection.run_sync(_check_references)


def _check_references(connection: Connection) -> None:
    # SQLite was told not to while tables were made anew.
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if lost:
        tables = ", ".join(sorted({str(row[0]) for row in lost}))
        raise WaboardError(
            f"Rows of the ledger refer to what is not there, in: {tables}. Nothing was changed.",
            remedy="Take the ledger from a backup, or remove those rows; see docs/operating.md.",
        )
