"""Prefect's server on SQLite: who may write takes turns, and nobody is refused."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import text
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


async def all_of(them: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Let each come to its end, and only then say what went wrong.

    The engine is disposed of next: who still works then would keep its connection for ever.
    """
    for outcome in await asyncio.gather(*them, return_exceptions=True):
        if outcome:
            raise outcome


async def counted(home: Path, begin: Begin, times: int) -> int:
    """Count up so many times at once, and return how far that got."""
    config = AioSqliteConfiguration(f"sqlite+aiosqlite:///{home / 'prefect.db'}")
    engine = await config.engine()
    try:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE counts AS SELECT 0 AS n"))
        await all_of(count_up(config, engine, begin) for _ in range(times))
        async with engine.connect() as connection:
            return (await connection.execute(text("SELECT n FROM counts"))).scalar_one()
    finally:
        await engine.dispose()


async def test_those_that_read_and_then_write_take_turns(tmp_path: Path) -> None:
    assert await counted(tmp_path, in_turn, times=4) == 4


async def test_prefect_by_itself_refuses_them(tmp_path: Path) -> None:
    """When this fails, Prefect has mended it, and `waboard.prefect_server` can go."""
    with pytest.raises(OperationalError, match="database is locked"):
        await counted(tmp_path, AioSqliteConfiguration.begin_transaction, times=4)
