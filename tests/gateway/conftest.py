"""Gateways to knock at."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.desk import Desk, FakePrefect, desk_settings
from tests.gateway.front import Front, open_front
from waboard.gateway import app, starting, waker
from waboard.gateway.postman import Postman
from waboard.ledger.database import Ledger
from waboard.ledger.migrate import upgrade

OpenDesk = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in its newest form, to be copied: a copy is quicker than the migrations."""
    path = tmp_path_factory.mktemp("gateway") / "ledger.db"

    async def migrate() -> None:
        ledger = Ledger(f"sqlite:///{path}")
        await upgrade(ledger)
        await ledger.close()

    asyncio.run(migrate())
    return path


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
def open_desk(tmp_path: Path, migrated: Path) -> OpenDesk:
    """Opens a gateway with settings of one's own."""

    def opened(**settings: Any) -> AbstractAsyncContextManager[Desk]:
        database = tmp_path / "ledger.db"
        shutil.copy(migrated, database)
        return Desk(desk_settings(database, **settings)).opened()

    return opened


@pytest.fixture
async def front(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Front]:
    """A gateway whose clients sign themselves up, at the Meta of a sandbox."""
    database = tmp_path / "ledger.db"
    shutil.copy(migrated, database)
    async with open_front(database, monkeypatch) as opened:
        yield opened


@pytest.fixture
async def desk(open_desk: OpenDesk) -> AsyncGenerator[Desk]:
    """A gateway that is open."""
    async with open_desk() as opened:
        yield opened
