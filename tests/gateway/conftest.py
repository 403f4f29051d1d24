"""Gateways to knock at."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.desk import Desk, FakePrefect, desk_settings
from tests.gateway.front import Front, open_front
from tests.ledger.databases import PostgresDatabases, SqliteDatabases
from waboard.gateway import app, starting, waker
from waboard.gateway.postman import Postman

OpenDesk = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def database(databases: SqliteDatabases, alone: bool) -> Iterator[Path]:
    """A ledger in its newest form, with neighbours in it."""
    url = databases.create(alone=alone)
    yield Path(url.removeprefix("sqlite:///"))
    databases.drop(url)


@pytest.fixture
def shared_url() -> Generator[str]:
    """A ledger on PostgreSQL."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if server is None:
        pytest.skip("TEST_POSTGRES_URL names no server")
    databases = PostgresDatabases(server)
    url = databases.create()
    yield url
    databases.drop(url)
    databases.close()


@pytest.fixture(autouse=True)
def prefect(monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    """The Prefect of every gateway here."""
    fake = FakePrefect()
    monkeypatch.setattr(starting, "start_run", fake.start_run)
    monkeypatch.setattr(waker, "start_run", fake.start_run)
    monkeypatch.setattr(waker, "wake", fake.wake)
    monkeypatch.setattr(waker, "take_up_orphans", fake.take_up_orphans)
    monkeypatch.setattr(waker, "settle_cancellations", fake.settle_cancellations)
    return fake


@pytest.fixture(autouse=True)
def _no_waker_of_its_own(untouched_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens on a desk but what the test does: waker and postman are called by hand."""

    async def rest(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(app, "keep_waking", rest)
    monkeypatch.setattr(Postman, "keep_going", rest)


@pytest.fixture
def open_desk(database: Path) -> OpenDesk:
    """Opens a gateway with settings of one's own."""

    def opened(**settings: Any) -> AbstractAsyncContextManager[Desk]:
        return Desk(desk_settings(database, **settings)).opened()

    return opened


@pytest.fixture
async def front(database: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Front]:
    """A gateway whose clients sign themselves up, at the Meta of a sandbox."""
    async with open_front(database, monkeypatch) as opened:
        yield opened


@pytest.fixture
async def desk(open_desk: OpenDesk) -> AsyncGenerator[Desk]:
    """A gateway that is open."""
    async with open_desk() as opened:
        yield opened
