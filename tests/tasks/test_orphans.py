"""Runs whose process died, told by a Prefect API that remembers what it is asked to do."""

import os
import platform
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Cancelling, Crashed, Failed, Pending, Running

from tasks import orphans
from tasks.orphans import MOST_TRIES, RECENT, SETTLED, SILENCE, take_up_orphans
from tests.tasks.bench import Bench
from waboard.ledger.onboardings import end_onboarding, record_run

HERE = platform.node()
DEAD = f"{HERE}-{2**22 + 1}-0a1b2c"
"""A worker of this machine whose process id nobody can have."""
ALIVE = f"{HERE}-{os.getpid()}-0a1b2c"
MOMENT = timedelta(seconds=1)


@dataclass
class Prefect:
    """Workers and runs."""

    bench: Bench
    workers: dict[str, timedelta] = field(default_factory=dict[str, timedelta])
    beats_every: int | None = 3
    runs: list[Any] = field(default_factory=list[Any])
    histories: dict[UUID, list[State[Any]]] = field(default_factory=dict[UUID, list[State[Any]]])
    told: dict[UUID, State[Any]] = field(default_factory=dict[UUID, State[Any]])

    async def __aenter__(self) -> "Prefect":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    def run(self, state: State[Any], worker: str, age: timedelta, breaks: int = 1) -> UUID:
        """A run as it stands, and how often it has been in that state."""
        state = state.model_copy(update={"timestamp": self.bench.now - age})
        labels = {"prefect.worker.name": worker}
        run = SimpleNamespace(id=uuid4(), state=state, labels=labels)
        self.runs.append(run)
        began = Running(timestamp=state.timestamp - MOMENT)
        self.histories[run.id] = [began, *[state] * breaks]
        return run.id

    async def read_workers_for_work_pool(self, _: str) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                name=name,
                last_heartbeat_time=self.bench.now - silent,
                heartbeat_interval_seconds=self.beats_every,
            )
            for name, silent in self.workers.items()
        ]

    async def read_flow_runs(self, *, flow_filter: Any, flow_run_filter: Any) -> list[Any]:
        state = flow_run_filter.state
        if state.type:
            return [run for run in self.runs if run.state.type in state.type.any_]
        recent = flow_run_filter.end_time.after_
        found = [run for run in self.runs if run.state.name in state.name.any_]
        return [run for run in found if run.state.timestamp >= recent]

    async def read_flow_run_states(self, run_id: UUID) -> list[State[Any]]:
        return self.histories[run_id]

    async def set_flow_run_state(self, run_id: UUID, state: State[Any], *, force: bool) -> None:
        assert force
        self.told[run_id] = state


@pytest.fixture
def prefect(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Prefect:
    prefect = Prefect(bench)
    monkeypatch.setattr(orphans, "get_client", lambda: prefect)
    return prefect


async def swept(prefect: Prefect) -> list[str]:
    return await take_up_orphans(prefect.bench.ledger, lambda: prefect.bench.now)


async def carries(bench: Bench, run_id: UUID) -> str:
    """An onboarding that this run carries."""
    onboarding = await bench.start()
    async with bench.ledger.begin() as session:
        await record_run(session, onboarding.id, str(run_id))
    return onboarding.id


async def test_a_run_of_a_worker_of_this_machine_that_is_gone_is_handed_back(prefect: Prefect):
    run_id = prefect.run(Running(), DEAD, age=MOMENT)
    assert await swept(prefect) == [str(run_id)]
    assert prefect.told[run_id].name == "AwaitingRetry"


async def test_a_run_of_a_worker_elsewhere_is_handed_back_when_nothing_was_heard_of_it(
    prefect: Prefect,
):
    prefect.workers["elsewhere"] = 2 * SILENCE
    run_id = prefect.run(Running(), "elsewhere", age=2 * SILENCE)
    assert await swept(prefect) == [str(run_id)]


async def test_a_run_of_a_worker_that_lives_is_left_alone(prefect: Prefect):
    prefect.workers["elsewhere"] = MOMENT
    prefect.run(Running(), "elsewhere", age=timedelta(hours=1))
    assert await swept(prefect) == []


async def test_a_worker_that_is_seldom_heard_of_is_not_taken_for_dead(prefect: Prefect):
    """Prefect's own command starts it with a heartbeat every 30 seconds."""
    prefect.beats_every = 30
    prefect.workers["elsewhere"] = 2 * SILENCE
    run_id = prefect.run(Running(), "elsewhere", age=timedelta(hours=1))
    assert await swept(prefect) == []
    prefect.workers["elsewhere"] = timedelta(seconds=121)
    assert await swept(prefect) == [str(run_id)]


async def test_a_worker_that_does_not_say_how_often_it_is_heard_of_has_the_shortest_time(
    prefect: Prefect,
):
    prefect.beats_every = None
    prefect.workers["elsewhere"] = SILENCE
    run_id = prefect.run(Running(), "elsewhere", age=timedelta(hours=1))
    assert await swept(prefect) == [str(run_id)]


async def test_a_run_that_has_only_begun_is_left_alone(prefect: Prefect):
    """Its worker may not have been heard of yet."""
    prefect.run(Running(), "new", age=MOMENT)
    assert await swept(prefect) == []


async def test_a_pending_run_may_still_carry_the_name_of_its_last_worker(prefect: Prefect):
    prefect.run(Pending(), DEAD, age=MOMENT)
    assert await swept(prefect) == []


async def test_a_run_that_stays_pending_is_handed_back(prefect: Prefect):
    run_id = prefect.run(Pending(), DEAD, age=2 * SILENCE)
    assert await swept(prefect) == [str(run_id)]


async def test_a_run_whose_worker_died_while_it_was_cancelled_is_cancelled(prefect: Prefect):
    run_id = prefect.run(Cancelling(), DEAD, age=MOMENT)
    await swept(prefect)
    assert prefect.told[run_id].is_cancelled()


async def test_a_run_that_was_stopped_and_never_called_cancelled_is_cancelled(
    prefect: Prefect, bench: Bench
):
    """Its worker died, or the server was away, after the leg had stopped."""
    run_id = prefect.run(Crashed(), ALIVE, age=2 * SETTLED)
    (_, crashed) = prefect.histories[run_id]
    cancelling = Cancelling(timestamp=crashed.timestamp - MOMENT)
    prefect.histories[run_id].insert(1, cancelling)
    await carries(bench, run_id)
    assert await swept(prefect) == [str(run_id)]
    assert prefect.told[run_id].is_cancelled()


@pytest.mark.parametrize("state", [Crashed(), Failed()], ids=["crashed", "failed by a fault"])
async def test_a_run_that_broke_off_is_taken_up_again(
    prefect: Prefect, bench: Bench, state: State[Any]
):
    """The ledger was away, say: what a provider does never ends under these names."""
    run_id = prefect.run(state, ALIVE, age=2 * SETTLED)
    await carries(bench, run_id)
    assert await swept(prefect) == [str(run_id)]


async def test_a_run_that_has_come_to_an_end_of_ours_is_left_alone(prefect: Prefect, bench: Bench):
    ended = Failed(name="RegistrationFailed")
    await carries(bench, prefect.run(ended, ALIVE, age=2 * SETTLED))
    assert await swept(prefect) == []


async def test_the_oftener_a_run_broke_off_the_longer_it_is_left(prefect: Prefect, bench: Bench):
    run_id = prefect.run(Crashed(), ALIVE, age=4 * SETTLED, breaks=3)
    await carries(bench, run_id)
    assert await swept(prefect) == []
    bench.now += MOMENT
    assert await swept(prefect) == [str(run_id)]


async def test_how_long_a_run_has_slept_before_does_not_matter(prefect: Prefect, bench: Bench):
    """Its many legs are no crashes, and those of last week are forgotten."""
    run_id = prefect.run(Crashed(), ALIVE, age=2 * SETTLED)
    long_ago = Crashed(timestamp=bench.now - timedelta(days=7))
    prefect.histories[run_id] += [Running(), long_ago] * MOST_TRIES
    await carries(bench, run_id)
    assert await swept(prefect) == [str(run_id)]


async def test_a_run_that_crashed_just_now_may_have_been_stopped_on_purpose(
    prefect: Prefect, bench: Bench
):
    await carries(bench, prefect.run(Crashed(), ALIVE, age=MOMENT))
    assert await swept(prefect) == []


async def test_a_run_that_breaks_off_again_and_again_is_left_to_a_person(
    prefect: Prefect, bench: Bench
):
    await carries(bench, prefect.run(Crashed(), ALIVE, age=RECENT / 2, breaks=MOST_TRIES))
    assert await swept(prefect) == []


async def test_a_run_that_crashed_with_its_onboarding_ended_long_ago_is_left_alone(
    prefect: Prefect, bench: Bench
):
    onboarding_id = await carries(bench, prefect.run(Crashed(), ALIVE, age=2 * SETTLED))
    async with bench.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, bench.now - timedelta(days=2))
    assert await swept(prefect) == []


async def test_a_crashed_run_of_nobodys_is_left_alone(prefect: Prefect):
    prefect.run(Crashed(), ALIVE, age=2 * SETTLED)
    assert await swept(prefect) == []


def test_a_reconciliation_is_taken_up_as_well():
    """It may run once at a time: one that stayed Running would let every later one fall out."""
    assert "reconcile" in orphans.FLOWS
