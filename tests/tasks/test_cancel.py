"""Cancelling: written down, stopped, ended; and whatever dies in between, it is finished."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import (
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Paused,
    Pending,
    Running,
    Scheduled,
)

from tasks import cancel, deployments, reconcile, runs, showing
from tasks.cancel import STOPS_WITHIN, cancel_onboarding, settle_cancellations
from tasks.reconcile import compare_runs
from tasks.retry import begin_again
from tasks.runs import end_of_stopped, start_run, wake_up
from tasks.showing import show_changed
from tests.deployed import assert_takes
from tests.tasks.bench import Bench
from waboard.domain.decisions import Order
from waboard.domain.errors import OutOfPlace, Superseded
from waboard.domain.onboarding import Onboarding
from waboard.domain.waits import WaitKind
from waboard.ledger.attempts import begin_leg
from waboard.ledger.decisions import decisions_of
from waboard.ledger.onboardings import end_onboarding
from waboard.ledger.showing import SOON

MIA = Order(by="mia", why="Wrong WABA.")
TOLD = "Cancelled by mia: Wrong WABA. Nothing had been done. `waboard retry` goes on from here."


@dataclass
class Prefect:
    """Runs and their states. `is_down` answers nothing; `run_id` is the run that we are in."""

    states: dict[UUID, State[Any]] = field(default_factory=dict[UUID, State[Any]])
    keys: dict[str, UUID] = field(default_factory=dict[str, UUID])
    tags: dict[UUID, list[str]] = field(default_factory=dict[UUID, list[str]])
    cards: dict[UUID, str] = field(default_factory=dict[UUID, str])
    is_down: bool = False
    run_id: UUID = field(default_factory=uuid4)

    async def __aenter__(self) -> "Prefect":
        if self.is_down:
            raise ConnectionError("no answer")
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_deployment_by_name(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(id=name)

    async def create_flow_run_from_deployment(
        self, deployment: str, **given: Any
    ) -> SimpleNamespace:
        assert_takes(deployment, given["parameters"])
        run_id = self.keys.setdefault(given["idempotency_key"], uuid4())
        self.states.setdefault(run_id, Scheduled())
        return SimpleNamespace(id=run_id)

    async def read_flow_run(self, run_id: UUID) -> SimpleNamespace:
        if run_id not in self.states:
            raise ObjectNotFound(ValueError(str(run_id)))
        return SimpleNamespace(state=self.states[run_id])

    async def read_flow_runs(self, *, flow_run_filter: Any, **_: Any) -> list[SimpleNamespace]:
        runs = [SimpleNamespace(id=i, state=state) for i, state in self.states.items()]
        if flow_run_filter.id:
            return [run for run in runs if run.id in flow_run_filter.id.any_]
        return [run for run in runs if run.state.type in flow_run_filter.state.type.any_]

    async def read_flow_run_states(self, run_id: UUID) -> list[State[Any]]:
        return [self.states[run_id]]

    async def set_flow_run_state(
        self, run_id: UUID, state: State[Any], *, force: bool = False
    ) -> None:
        assert force or not self.states[run_id].is_final()
        self.states[run_id] = state

    async def update_flow_run(self, run_id: UUID, *, tags: list[str]) -> None:
        self.tags[run_id] = tags

    async def create_artifact(self, artifact: Any) -> SimpleNamespace:
        made = uuid4()
        self.cards[made] = artifact.data
        return SimpleNamespace(id=made)

    async def update_artifact(self, artifact_id: UUID, artifact: Any) -> None:
        self.cards[artifact_id] = artifact.data


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Prefect:
    prefect = Prefect()
    for module in (cancel, deployments, runs, showing):
        monkeypatch.setattr(module, "get_client", lambda: prefect)
    inside = SimpleNamespace(get_id=lambda: str(prefect.run_id), get_tags=list)
    monkeypatch.setattr(runs, "flow_run", inside)
    return prefect


async def on_its_way(bench: Bench, prefect: Prefect, state: State[Any]) -> UUID:
    """An onboarding whose run stands so; returns the run."""
    run_id = UUID(await start_run(bench.ledger, await bench.start()))
    prefect.states[run_id] = state.model_copy(update={"timestamp": bench.now})
    prefect.run_id = run_id
    return run_id


async def cancelled(bench: Bench, order: Order = MIA) -> Onboarding:
    return await cancel_onboarding(bench.ledger, lambda: bench.now, bench.id, order)


async def settled(bench: Bench) -> Onboarding:
    """What the waker makes of it."""
    await settle_cancellations(bench.ledger, lambda: bench.now)
    return await bench.look()


@pytest.mark.parametrize(
    "state",
    [Paused(name="AwaitingRegistration"), Scheduled(), Crashed()],
    ids=lambda state: state.name,
)
async def test_a_run_that_does_not_execute_is_cancelled_at_once(
    bench: Bench, prefect: Prefect, state: State[Any]
):
    run_id = await on_its_way(bench, prefect, state)
    ended = await cancelled(bench)
    assert (ended.ended_at, ended.ended_as) == (bench.now, "Cancelled")
    assert prefect.states[run_id].is_cancelled()
    assert prefect.states[run_id].message == TOLD


async def test_a_sleeping_one_wakes_no_more(bench: Bench, prefect: Prefect):
    await on_its_way(bench, prefect, Paused(name="AwaitingRegistration"))
    await bench.slept(WaitKind.REGISTRATION)
    assert (await cancelled(bench)).wait is None


async def test_its_card_and_tags_say_so(bench: Bench, prefect: Prefect):
    run_id = await on_its_way(bench, prefect, Paused(name="AwaitingRegistration"))
    ended = await cancelled(bench)
    await bench.later(SOON.total_seconds())
    await show_changed(bench.ledger, bench.services.clock)
    assert prefect.tags[run_id] == ended.tags
    (shown,) = prefect.cards.values()
    assert shown.startswith("# acme: Cancelled\n")
    assert "| cancel | onboarding | mia | Wrong WABA. |" in shown


@pytest.mark.parametrize("state", [Running(), Pending()], ids=lambda state: state.name)
async def test_a_run_at_work_is_stopped_by_its_worker_and_has_ended_then(
    bench: Bench, prefect: Prefect, state: State[Any]
):
    run_id = await on_its_way(bench, prefect, state)
    asked = await cancelled(bench)
    assert (asked.ended_at, asked.cancelled is not None) == (None, True)
    assert prefect.states[run_id].is_cancelling()
    assert (await settled(bench)).ended_at is None
    prefect.states[run_id] = Cancelled()
    assert (await settled(bench)).ended_as == "Cancelled"


async def test_one_that_nobody_stops_is_over_after_a_minute(bench: Bench, prefect: Prefect):
    """Its worker died, or its leg had just ended and nobody was left to say so."""
    run_id = await on_its_way(bench, prefect, Cancelling())
    await cancelled(bench)
    await bench.later(STOPS_WITHIN.total_seconds())
    assert (await settled(bench)).ended_as == "Cancelled"
    assert prefect.states[run_id].is_cancelled()


async def test_one_that_prefect_forgot_is_over(bench: Bench, prefect: Prefect):
    run_id = await on_its_way(bench, prefect, Running())
    del prefect.states[run_id]
    assert (await cancelled(bench)).ended_as == "Cancelled"


async def test_one_that_nobody_has_started_is_never_worked_on(bench: Bench, prefect: Prefect):
    """Whoever was starting it comes late, and finds the same run."""
    onboarding = await bench.start()
    ended = await cancelled(bench)
    assert ended.ended_as == "Cancelled"
    run_id = UUID(await start_run(bench.ledger, onboarding))
    assert prefect.states[run_id].is_cancelled()


async def test_what_prefect_cannot_do_now_is_done_later(bench: Bench, prefect: Prefect):
    run_id = await on_its_way(bench, prefect, Paused(name="AwaitingRegistration"))
    prefect.is_down = True
    with pytest.raises(ConnectionError):
        await cancelled(bench)
    prefect.is_down = False
    assert (await settled(bench)).ended_as == "Cancelled"
    assert prefect.states[run_id].is_cancelled()


class Died(BaseException):
    """The process did."""


@pytest.mark.parametrize("line", ["cancel:written", "cancel:stopped"])
@pytest.mark.parametrize("finish", [cancelled, settled], ids=["asked again", "the waker"])
async def test_wherever_it_dies_it_is_finished(
    bench: Bench,
    prefect: Prefect,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    finish: Callable[[Bench], Any],
):
    run_id = await on_its_way(bench, prefect, Paused(name="AwaitingRegistration"))

    def die(reached: str) -> None:
        if reached == line:
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr(cancel, "boundary", die)
        with pytest.raises(Died):
            await cancelled(bench)
    assert (await finish(bench)).ended_as == "Cancelled"
    assert prefect.states[run_id].is_cancelled()
    async with bench.ledger.begin() as session:
        assert len(await decisions_of(session, bench.id)) == 1


async def test_what_has_ended_is_not_cancelled(bench: Bench, prefect: Prefect):
    run_id = await on_its_way(bench, prefect, Completed())
    async with bench.ledger.begin() as session:
        await end_onboarding(session, bench.id, bench.now, "Live")
    with pytest.raises(OutOfPlace, match="there is nothing to cancel"):
        await cancelled(bench)
    assert prefect.states[run_id].is_completed()


class TestByHand:
    """Somebody cancelled the run in the Prefect UI."""

    async def test_it_comes_to_the_same(self, bench: Bench, prefect: Prefect):
        await on_its_way(bench, prefect, Cancelled())
        ended = await settled(bench)
        assert ended.ended_as == "Cancelled"
        assert ended.cancelled is not None
        assert ended.cancelled.by == "somebody in the Prefect UI"

    async def test_it_is_noted_once(self, bench: Bench, prefect: Prefect):
        await on_its_way(bench, prefect, Cancelled())
        await settled(bench)
        await settled(bench)
        async with bench.ledger.begin() as session:
            assert len(await decisions_of(session, bench.id)) == 1

    @pytest.mark.alone
    async def test_reconciliation_notes_it_too(
        self, bench: Bench, prefect: Prefect, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(reconcile, "states_of", runs.states_of)
        await on_its_way(bench, prefect, Cancelled())
        (dry,) = await compare_runs.fn(bench.services, None, dry=True)
        assert (dry.done, (await bench.look()).cancelled) == ("", None)
        (found,) = await compare_runs.fn(bench.services, None, dry=False)
        assert found.done == "It is cancelled; `waboard retry` lets it go on."
        assert (await bench.look()).ended_as == "Cancelled"

    async def test_a_run_that_somebody_then_retries_goes_on_and_that_is_kept(
        self, bench: Bench, prefect: Prefect
    ):
        await on_its_way(bench, prefect, Cancelled())
        await settled(bench)
        awake = await wake_up(bench.services, bench.id)
        assert (awake.ended_at, awake.cancelled, awake.attempt) == (None, None, 1)
        async with bench.ledger.begin() as session:
            kept = [(d.verb, d.by) for d in await decisions_of(session, bench.id)]
        assert kept == [("cancel", MIA_IN_THE_UI), ("retry", MIA_IN_THE_UI)]


MIA_IN_THE_UI = "somebody in the Prefect UI"


class TestLegs:
    """A leg that finds that it may not act ends its run as what it is."""

    async def test_one_that_wakes_after_it_was_cancelled_does_nothing(
        self, bench: Bench, prefect: Prefect
    ):
        """It was being resumed in the same moment."""
        await on_its_way(bench, prefect, Running())
        await cancelled(bench)
        with pytest.raises(Superseded):
            await wake_up(bench.services, bench.id)
        stopped = await end_of_stopped(bench.services, bench.id)
        assert stopped is not None
        assert (stopped.is_cancelled(), stopped.message) == (True, TOLD)

    async def test_one_of_an_earlier_attempt_says_that_another_goes_on(
        self, bench: Bench, prefect: Prefect
    ):
        run_id = await on_its_way(bench, prefect, Crashed())
        await begin_again(bench.ledger, lambda: bench.now, bench.id, MIA)
        prefect.run_id = run_id
        with pytest.raises(Superseded):
            await wake_up(bench.services, bench.id)
        stopped = await end_of_stopped(bench.services, bench.id)
        assert stopped is not None
        assert stopped.message == "Attempt 2 goes on with this in its own run."

    async def test_one_whose_successor_carries_the_same_run_leaves_it_to_that(
        self, bench: Bench, prefect: Prefect
    ):
        run_id = await on_its_way(bench, prefect, Running())
        async with bench.ledger.begin() as session:
            await begin_leg(session, bench.id, str(run_id), "another")
        assert await end_of_stopped(bench.services, bench.id) is None
