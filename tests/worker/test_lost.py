"""Runs that a worker has lost, told by a Prefect API that remembers what it is asked to do."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.states import (
    AwaitingRetry,
    Cancelling,
    Completed,
    Crashed,
    Pending,
    Running,
    Scheduled,
)

from waboard.worker.lost import CANCELLED, SETTLED, WORKER, hand_back, hand_back_lost

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OLD, FRESH = SETTLED + timedelta(seconds=1), SETTLED - timedelta(seconds=1)


@dataclass
class Prefect:
    """Runs, and what was said of them."""

    runs: list[Any] = field(default_factory=list[Any])
    told: dict[UUID, State[Any]] = field(default_factory=dict[UUID, State[Any]])

    def run(self, state: State[Any], age: timedelta, worker: str | None = "mine") -> UUID:
        """A run as it stands, and whose it is."""
        state = state.model_copy(update={"timestamp": NOW - age})
        run = SimpleNamespace(id=uuid4(), state=state, labels={WORKER: worker} if worker else {})
        self.runs.append(run)
        return run.id

    async def read_flow_runs(self, *, flow_run_filter: Any, work_pool_filter: Any) -> list[Any]:
        assert work_pool_filter.name.any_ == ["pool"]
        return [r for r in self.runs if r.state.type in flow_run_filter.state.type.any_]

    async def read_flow_run_states(self, run_id: UUID) -> list[State[Any]]:
        (state,) = [run.state for run in self.runs if run.id == run_id]
        return [state, Running(timestamp=state.timestamp - timedelta(seconds=1))]

    async def set_flow_run_state(self, run_id: UUID, state: State[Any], *, force: bool) -> None:
        assert force
        self.told[run_id] = state

    async def handed_back(self, *own: UUID) -> list[UUID]:
        """What a worker called mine hands back, which has these in hand."""
        client = cast("PrefectClient", self)
        return [run.id for run in await hand_back_lost(client, "pool", "mine", own, NOW)]


@pytest.fixture
def prefect() -> Prefect:
    return Prefect()


@pytest.mark.parametrize("state", [Running(), Pending()], ids=["running", "pending"])
async def test_a_run_of_mine_that_no_leg_runs_is_handed_back(prefect: Prefect, state: State[Any]):
    run_id = prefect.run(state, OLD)
    assert await prefect.handed_back() == [run_id]
    assert prefect.told[run_id].name == "AwaitingRetry"


async def test_a_run_that_was_cancelled_as_its_leg_ended_is_cancelled(prefect: Prefect):
    """Nobody was left to stop, and Prefect lets it become nothing else."""
    run_id = prefect.run(Cancelling(message="No longer wanted"), OLD)
    assert await prefect.handed_back() == [run_id]
    assert prefect.told[run_id].is_cancelled()
    assert prefect.told[run_id].message == "No longer wanted"


async def test_a_run_that_a_leg_runs_is_left_alone(prefect: Prefect):
    run_id = prefect.run(Running(), OLD)
    assert await prefect.handed_back(run_id) == []


async def test_a_run_that_has_only_just_changed_is_left_alone(prefect: Prefect):
    prefect.run(Pending(), FRESH)
    assert await prefect.handed_back() == []


@pytest.mark.parametrize("worker", ["another", None])
async def test_a_run_of_another_worker_is_left_alone(prefect: Prefect, worker: str | None):
    prefect.run(Running(), OLD, worker)
    assert await prefect.handed_back() == []
    assert prefect.told == {}


@pytest.mark.parametrize(
    "state", [Scheduled(), AwaitingRetry(), Completed(), Crashed()], ids=lambda state: state.name
)
async def test_a_run_that_nobody_has_in_hand_is_left_alone(prefect: Prefect, state: State[Any]):
    prefect.run(state, OLD)
    assert await prefect.handed_back() == []


async def test_a_run_is_lost_only_after_the_time_in_which_its_label_comes(prefect: Prefect):
    assert timedelta(seconds=10) == SETTLED
    prefect.run(Running(), SETTLED)
    assert await prefect.handed_back() == []


async def test_a_run_of_which_no_state_is_known_is_left_alone(prefect: Prefect):
    prefect.runs.append(SimpleNamespace(id=uuid4(), state=None, labels={WORKER: "mine"}))
    client = cast("PrefectClient", Shows(prefect.runs))
    assert await hand_back_lost(client, "pool", "mine", (), NOW) == []


class Shows(Prefect):
    """A Prefect that lists its runs whatever their state."""

    async def read_flow_runs(self, **_: Any) -> list[Any]:
        return self.runs


def went(*states: State[Any]) -> list[State[Any]]:
    """States, a second one after the other, and shown in no order."""
    began = NOW - timedelta(minutes=1)
    dated = [
        state.model_copy(update={"timestamp": began + timedelta(seconds=place)})
        for place, state in enumerate(states)
    ]
    return [*dated[1::2], *dated[::2]]


@dataclass
class Told(Prefect):
    """A Prefect that shows these states of any run."""

    states: list[State[Any]] = field(default_factory=list[State[Any]])

    async def read_flow_run_states(self, run_id: UUID) -> list[State[Any]]:
        return self.states

    async def of(self) -> State[Any]:
        """What a run is told that is handed back."""
        run_id = uuid4()
        await hand_back(cast("PrefectClient", self), run_id, "It goes on.")
        return self.told[run_id]


async def test_a_run_that_goes_on_says_why():
    told = await Told(states=went(Pending(), Running(), Crashed())).of()
    assert (told.name, told.message) == ("AwaitingRetry", "It goes on.")


@pytest.mark.parametrize(
    "states",
    [
        (Running(), Cancelling(message="Wrong WABA.")),
        (Running(), Cancelling(message="Wrong WABA."), Crashed()),
    ],
    ids=["cancelling", "crashed while cancelling"],
)
async def test_a_run_that_somebody_had_cancelled_ends(states: tuple[State[Any], ...]):
    told = await Told(states=went(*states)).of()
    assert (told.is_cancelled(), told.message) == (True, "Wrong WABA.")


async def test_a_cancelled_run_without_a_word_says_where_it_was_cancelled():
    told = await Told(states=went(Running(), Cancelling())).of()
    assert (told.is_cancelled(), told.message) == (True, CANCELLED)


async def test_a_run_that_has_gone_on_since_it_was_cancelled_goes_on():
    """Somebody has set it to be taken anew: that it was cancelled long before counts no more."""
    told = await Told(states=went(Cancelling(), Scheduled(), Running())).of()
    assert told.name == "AwaitingRetry"
