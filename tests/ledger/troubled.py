"""A ledger that is in trouble: each transaction begins with what makes it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.ledger.database import Ledger

LOST = "SELECT pg_terminate_backend(pg_backend_pid())"
"""PostgreSQL ends the connection, as when it stops."""


def raising(state: str) -> str:
    """Return what makes PostgreSQL raise an error of that SQLSTATE."""
    return f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END $$"


class Troubled(Ledger):
    """Does all that a ledger does, once `trouble` has been done."""

    def __init__(self, url: str, trouble: str) -> None:
        super().__init__(url)
        self._trouble = text(trouble)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncSession]:
        """Open a transaction, in trouble."""
        async with super().begin() as session:
            await session.execute(self._trouble)
            yield session

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        """Open a transaction that only reads, in trouble."""
        async with super().read() as session:
            await session.execute(self._trouble)
            yield session
