"""Each test has a bench with a ledger and a sandbox of its own."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest

from flows import onboard
from tasks import timeline
from tests.ledger.databases import SqliteDatabases
from tests.sandbox.lab import DELIVERY_URL, lab
from tests.tasks.bench import Bench, bench_on
from waboard.domain.errors import WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.ledger.database import Ledger


@pytest.fixture
async def ledger(databases: SqliteDatabases, alone: bool) -> AsyncGenerator[Ledger]:
    url = databases.create(alone=alone)
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


@dataclass
class Noted:
    """What was put on timelines: of which run, what, and its facts."""

    notes: list[tuple[str | None, str, dict[str, str]]] = field(
        default_factory=list[tuple[str | None, str, dict[str, str]]]
    )

    def note(self, _onboarding_id: str, run_id: str | None, what: str, **facts: str) -> None:
        self.notes.append((run_id, what, facts))

    def of(self, run_id: str) -> list[tuple[str, dict[str, str]]]:
        return [(what, facts) for each, what, facts in self.notes if each == run_id]

    @property
    def last(self) -> tuple[str, dict[str, str]]:
        return self.notes[-1][1:]


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """What this process puts on timelines."""
    noted = Noted()
    monkeypatch.setattr(timeline, "note", noted.note)
    return noted


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
