"""Prefect's server as it is, but for one thing with each database.

`python -m waboard.prefect_server start` is `prefect server start`. On PostgreSQL its connections
are asked seldom whether they live (`waboard.postgres`), and on both it looks for garbage less often
(`waboard.garbage`). Nothing else is changed.

On SQLite, who may write takes the lock first. Prefect 3.8.8 begins most of its transactions there
as readers. One that then writes, while another has written in between, is refused at once, whatever
the timeout: the API answers 503 "database is locked", its clients wait two seconds and try again,
and after five times a run crashes. With a turn for each, nobody is refused.

They wait here and not in SQLite. There they would sleep for ever longer, in no order; and as a
connection that sleeps so is closed to all threads, the garbage collector, with one of its cursors
to take away, would stop the process until the timeout, and with it whoever has the lock.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from importlib import import_module
from weakref import WeakKeyDictionary

from prefect.cli import app
from prefect.server.database.configurations import SQLITE_BEGIN_MODE, AioSqliteConfiguration
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

from waboard.garbage import collect_seldom
from waboard.postgres import ask_seldom

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


@asynccontextmanager
async def in_turn(
    self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
) -> AsyncGenerator[AsyncSessionTransaction]:
    """Begin a transaction as a writer, after those that have begun already."""
    turn = _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    if SQLITE_BEGIN_MODE.get() == "IMMEDIATE":  # one inside of another: it would wait for itself
        turn = nullcontext()
    mode = SQLITE_BEGIN_MODE.set("IMMEDIATE")
    try:
        async with turn, session.begin() as transaction:
            yield transaction
    finally:
        SQLITE_BEGIN_MODE.reset(mode)


def main() -> None:
    """Run `prefect server` with the given arguments."""
    AioSqliteConfiguration.begin_transaction = in_turn
    ask_seldom()
    import_module("prefect.server.api.server")  # it is imported later anyway
    collect_seldom()
    sys.argv = ["prefect", "server", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
