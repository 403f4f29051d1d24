"""The worker and its legs, told by a Prefect API that remembers what it is asked to do."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import anyio
import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelling, Crashed, Running

from tests.worker.yard import ENTRYPOINT, PATIENCE, Work, Yard
from waboard import rest
from waboard.worker import worker as module
from waboard.worker.worker import LegConfiguration, OnboardingWorker


class Prefect:
    """The states of runs; a leg that is stopped in the middle leaves its run Crashed."""

    def __init__(self) -> None:
        self.states: dict[UUID, list[State[Any]]] = {}

    async def read_deployment(self, _: UUID) -> SimpleNamespace:
        return SimpleNamespace(entrypoint=ENTRYPOINT)

    async def read_flow_run(self, run_id: UUID) -> SimpleNamespace:
        return SimpleNamespace(id=run_id, name="a leg", state=self.states[run_id][-1])

    async def read_flow_runs(self, *, flow_run_filter: Any) -> list[SimpleNamespace]:
        return [await self.read_flow_run(run_id) for run_id in flow_run_filter.id.any_]

    async def read_flow_run_states(self, run_id: UUID) -> list[State[Any]]:
        return self.states[run_id]

    async def set_flow_run_state(self, run_id: UUID, state: State[Any], *, force: bool) -> None:
        assert force
        self.states[run_id].append(state)


class Shop:
    """A worker and the runs that it has in hand."""

    def __init__(self, yard: Yard, prefect: Prefect) -> None:
        self.worker = OnboardingWorker("pool")
        self._yard, self._prefect = yard, prefect
        self.taken: list[asyncio.Task[Any]] = []

    async def take(self, work: Work) -> FlowRun:
        """Take a run, and return once its leg does its work."""
        began = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def begins() -> None:
            loop.call_soon_threadsafe(began.set)
            try:
                await work()
            except asyncio.CancelledError:
                self._prefect.states[run.id].append(Crashed())
                raise

        run = self._yard.flow_run(begins)
        self._prefect.states[run.id] = [Running()]
        self.taken.append(asyncio.create_task(self.worker.run(run, LegConfiguration())))
        await asyncio.wait_for(began.wait(), PATIENCE)
        return run

    def names(self, run: FlowRun) -> list[str | None]:
        """What the run has been."""
        return [state.name for state in self._prefect.states[run.id]]


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Prefect:
    prefect = Prefect()
    monkeypatch.setattr(OnboardingWorker, "client", prefect)
    return prefect


@pytest.fixture
def shop(yard: Yard, prefect: Prefect) -> Shop:
    return Shop(yard, prefect)


async def test_a_leg_that_ends_in_time_is_let_end(shop: Shop):
    run = await shop.take(lambda: asyncio.sleep(0.05))
    await shop.worker.drain(PATIENCE)
    assert shop.names(run) == ["Running"]
    await asyncio.gather(*shop.taken)
    assert shop.worker.busy == 0


async def test_a_leg_that_does_not_end_in_time_is_handed_back(shop: Shop, yard: Yard):
    run = await shop.take(yard.waits)
    await shop.worker.drain(0)
    assert shop.names(run) == ["Running", "Crashed", "AwaitingRetry"]


async def test_a_run_that_is_cancelled_as_its_worker_stops_is_not_taken_up_again(
    shop: Shop, yard: Yard, prefect: Prefect
):
    run = await shop.take(yard.waits)
    prefect.states[run.id].append(Cancelling())
    await shop.worker.drain(0)
    assert shop.names(run)[-2:] == ["Crashed", "Cancelled"]


async def test_a_leg_that_takes_too_long_gives_its_slot_back(
    shop: Shop, yard: Yard, monkeypatch: pytest.MonkeyPatch
):
    """It is left to a person: whoever took it up again would be stuck as well."""
    monkeypatch.setattr(module, "LEG_LIMIT", 0.05)
    monkeypatch.setattr(module, "STOP_LIMIT", 0.05)
    run = await shop.take(yard.blocks)
    await asyncio.gather(*shop.taken)
    assert shop.names(run) == ["Running", "Stuck"]
    assert shop.worker.busy == 0


async def test_a_leg_that_waits_for_its_turn_as_it_was_told_is_not_stuck(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    """Infobip can say that it will be an hour, and then it goes on."""
    monkeypatch.setattr(module, "LEG_LIMIT", 0.05)
    monkeypatch.setattr(rest, "WORTH", 0.0)
    monkeypatch.setattr(OnboardingWorker, "limiter", anyio.CapacityLimiter(1))
    run = await shop.take(lambda: rest.rest(0.5))
    await asyncio.gather(*shop.taken)
    assert shop.names(run) == ["Running"]
