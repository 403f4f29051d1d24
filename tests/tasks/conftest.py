"""Each test has a bench with a ledger and a sandbox of its own."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from flows import onboard
from tests.ledger.databases import SqliteDatabases
from tests.sandbox.lab import DELIVERY_URL, lab
from tests.tasks.bench import Bench, bench_on
from waboard.domain.errors import WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.ledger.database import Ledger


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("ledgers"))


@pytest.fixture
async def ledger(databases: SqliteDatabases) -> AsyncGenerator[Ledger]:
    url = databases.create()
    ledger = Ledger(url)
    yield ledger
    await ledger.close()
    databases.drop(url)


@pytest.fixture
async def bench(ledger: Ledger) -> AsyncGenerator[Bench]:
    """Infobip pushes its delivery reports."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox, bench_on(ledger, sandbox) as bench:
        yield bench


@pytest.fixture
async def pull_bench(ledger: Ledger) -> AsyncGenerator[Bench]:
    """Infobip has no webhook for delivery reports: they wait on its queue."""
    async with lab() as sandbox, bench_on(ledger, sandbox) as bench:
        yield bench


@pytest.fixture
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the flow is called by itself: its steps run once, and it does not fall asleep."""

    async def failure_of(step: Any, *args: Any) -> WaboardError | None:
        try:
            await step.fn(*args)
        except WaboardError as error:
            return error
        return None

    async def sleep_for(_services: Any, onboarding: Onboarding, _kind: Any) -> Onboarding:
        return onboarding

    monkeypatch.setattr(onboard, "failure_of", failure_of)
    monkeypatch.setattr(onboard, "sleep_for", sleep_for)
