"""Prefect's server as it is, but for one thing on SQLite: who may write takes the lock first.

`python -m waboard.prefect_server start` is `prefect server start`. Prefect 3.8.8 begins most of its
transactions on SQLite as readers. One that then writes, while another has written in between, is
refused at once, whatever the timeout: the API answers 503 "database is locked", its clients wait
two seconds and try again, and after five times a run crashes. With a turn for each, nobody is
refused. On PostgreSQL nothing is changed.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from prefect.cli import app
from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction


@asynccontextmanager
async def in_turn(
    self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
) -> AsyncGenerator[AsyncSessionTransaction]:
    """Begin a transaction as a writer, after those that have begun already."""
    mode = SQLITE_BEGIN_MODE.set("IMMEDIATE")
    try:
        async with session.begin() as transaction:
            yield transaction
    finally:
        SQLITE_BEGIN_MODE.reset(mode)


def main() -> None:
    """Run `prefect server` with the given arguments."""
    AioSqliteConfiguration.begin_transaction = in_turn
    sys.argv = ["prefect", "server", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
