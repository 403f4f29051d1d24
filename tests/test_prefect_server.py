"""Prefect's server on SQLite: who may write takes turns, and nobody is refused."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from waboard.prefect_server import in_turn

Begin = Callable[..., AbstractAsyncContextManager[Any]]


async def count_up(config: AioSqliteConfiguration, engine: AsyncEngine, begin: Begin) -> None:
    """Read, let others go on, and write: what most of Prefect's requests do."""
    async with await config.session(engine) as session, begin(config, session):
        (count,) = (await session.execute(text("SELECT n FROM counts"))).one()
        await asyncio.sleep(0.05)
        await session.execute(text("UPDATE counts SET n = :n"), {"n": count + 1})


def wait_for_nobody(connection: Any, _record: object) -> None:
    """Let SQLite refuse at once whoever would have to wait."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 0")
    cursor.close()


async def all_of(them: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Let each come to its end, and only then say what went wrong.

    The engine is disposed of next: who still works then would keep its connection for ever.
    """
    for outcome in await asyncio.gather(*them, return_exceptions=True):
        if outcome:
            raise outcome


async def counted(home: Path, begin: Begin, times: int, *, waits: bool = True) -> int:
    """Count up so many times at once, and return how far that got.

    Where it does not wait, SQLite refuses whoever meets a writer.
    """
    config = AioSqliteConfiguration(f"sqlite+aiosqlite:///{home / 'prefect.db'}")
    engine = await config.engine()
    try:
        if not waits:
            event.listen(engine.sync_engine, "connect", wait_for_nobody)
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE counts AS SELECT 0 AS n"))
        await all_of(count_up(config, engine, begin) for _ in range(times))
        async with engine.connect() as connection:
            return (await connection.execute(text("SELECT n FROM counts"))).scalar_one()
    finally:
        await engine.dispose()


async def test_those_that_read_and_then_write_take_turns(tmp_path: Path) -> None:
    assert await counted(tmp_path, in_turn, times=4) == 4


async def test_they_wait_for_each_other_outside_of_sqlite(tmp_path: Path) -> None:
    """A connection that waits in there can stop the whole process for as long as it waits."""
    assert await counted(tmp_path, in_turn, times=20, waits=False) == 20


async def test_one_inside_of_another_does_not_wait_for_it(tmp_path: Path) -> None:
    """As where Prefect counts who holds a limit while it sets a state: SQLite decides, as ever."""
    config = AioSqliteConfiguration(f"sqlite+aiosqlite:///{tmp_path / 'prefect.db'}")
    engine = await config.engine()
    try:
        async with await config.session(engine) as outer, in_turn(config, outer):
            async with await config.session(engine) as inner, in_turn(config, inner):
                await inner.execute(text("CREATE TABLE counts AS SELECT 0 AS n"))
            assert (await outer.execute(text("SELECT n FROM counts"))).scalar_one() == 0
    finally:
        await engine.dispose()


async def test_prefect_by_itself_refuses_them(tmp_path: Path) -> None:
    """When this fails, Prefect has mended it, and `waboard.prefect_server` can go."""
    with pytest.raises(OperationalError, match="database is locked"):
        await counted(tmp_path, AioSqliteConfiguration.begin_transaction, times=4)
