"""The worker and its legs, told by a Prefect API that remembers what it is asked to do."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import anyio
import pytest
from prefect.client.schemas.objects import FlowRun, State, WorkPool
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus, StateAcceptDetails
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.states import Cancelling, Completed, Crashed, Paused, Running, Scheduled

from tests.worker.yard import ENTRYPOINT, PATIENCE, Work, Yard
from waboard import rest
from waboard.domain.clock import utc_now
from waboard.worker import worker as module
from waboard.worker.lost import CANCELLED, SETTLED, WORKER
from waboard.worker.worker import LegConfiguration, OnboardingWorker


class Prefect:
    """The states of runs; a leg that is stopped in the middle leaves its run Crashed."""

    def __init__(self) -> None:
        self.states: dict[UUID, list[State[Any]]] = {}
        self.due: list[FlowRun] = []
        self.labelled: list[UUID] = []
        self.asked: list[str] = []
        self.lets_begin = True

    async def read_deployment(self, _: UUID) -> SimpleNamespace:
        self.asked.append("a deployment")
        return SimpleNamespace(entrypoint=ENTRYPOINT)

    async def get_scheduled_flow_runs_for_work_pool(self, **_: Any) -> list[SimpleNamespace]:
        return [SimpleNamespace(flow_run=run) for run in self.due]

    async def update_flow_run_labels(self, run_id: UUID, labels: dict[str, str]) -> None:
        assert labels[WORKER]
        self.labelled.append(run_id)

    async def read_flow_run(self, run_id: UUID) -> SimpleNamespace:
        if run_id not in self.states:
            raise ObjectNotFound(ValueError(str(run_id)))
        state, labels = self.states[run_id][-1], {WORKER: "mine"}
        return SimpleNamespace(id=run_id, name="a leg", state=state, labels=labels)

    async def read_flow_runs(
        self, *, flow_run_filter: Any, work_pool_filter: Any = None
    ) -> list[SimpleNamespace]:
        self.asked.append("who is lost" if work_pool_filter else "who is stopped")
        wanted = flow_run_filter.id.any_ if flow_run_filter.id else list(self.states)
        runs = [await self.read_flow_run(run_id) for run_id in wanted]
        return [run for run in runs if run.state.type in flow_run_filter.state.type.any_]

    async def read_flow_run_states(self, run_id: UUID) -> list[State[Any]]:
        return self.states[run_id]

    async def set_flow_run_state(
        self, run_id: UUID, state: State[Any], *, force: bool = False
    ) -> Any:
        status = SetStateStatus.ACCEPT if force or self.lets_begin else SetStateStatus.ABORT
        if status is SetStateStatus.ACCEPT:
            self.states[run_id].append(state)
        return OrchestrationResult(state=state, status=status, details=StateAcceptDetails())


Beginning = Callable[..., Coroutine[Any, Any, Any]]


class Group:
    """What begins a worker's legs: a group of tasks that ends with its test."""

    def __init__(self) -> None:
        self._beginning: list[asyncio.Task[Any]] = []
        self._legs: list[asyncio.Task[Any]] = []

    def start_soon(self, work: Beginning, *args: Any) -> None:
        self._beginning.append(asyncio.create_task(work(*args)))

    async def start(self, work: Beginning, *args: Any) -> None:
        self._future = asyncio.get_running_loop().create_future()
        self._legs.append(asyncio.create_task(work(*args, self)))
        await self._future

    def started(self, process_id: int) -> None:
        self._future.set_result(process_id)

    async def begun(self) -> None:
        """Return once all that was about to begin has begun."""
        beginning, self._beginning = self._beginning, []
        await asyncio.gather(*beginning)


class Shop:
    """A worker and the runs that it has in hand."""

    def __init__(self, yard: Yard, prefect: Prefect) -> None:
        self.worker = OnboardingWorker("pool", name="mine", limit=2)
        self._yard, self._prefect = yard, prefect
        self.taken: list[asyncio.Task[Any]] = []
        self.group = Group()

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

        run = self._run(begins)
        self.taken.append(asyncio.create_task(self.worker.run(run, LegConfiguration())))
        await asyncio.wait_for(began.wait(), PATIENCE)
        return run

    def schedule(self, work: Work, **labels: str) -> FlowRun:
        """A run that is due, and not taken yet."""
        run = self._run(work)
        run.labels = {WORKER: labels["worker"]} if labels else {}
        self._prefect.states[run.id] = [Scheduled()]
        self._prefect.due = [run]
        return run

    def _run(self, work: Work) -> FlowRun:
        run = self._yard.flow_run(work)
        self._prefect.states[run.id] = [Running()]
        return run

    async def poll(self) -> None:
        """Look for what is due, and for whom somebody stops, as every few seconds."""
        await self.worker.get_and_submit_flow_runs()
        await asyncio.wait_for(self.group.begun(), PATIENCE)

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
    """A worker that has been set up, as Prefect's own start does that."""
    shop = Shop(yard, prefect)
    shop.worker._client = cast("Any", prefect)
    shop.worker._limiter = anyio.CapacityLimiter(2)
    shop.worker._has_successfully_synced = True
    shop.worker._work_pool = WorkPool.model_construct(name="pool", id=uuid4())
    shop.worker._runs_task_group = cast("Any", shop.group)
    return shop


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
    load_flow_from_entrypoint(ENTRYPOINT)  # the first leg of a process has more to do
    monkeypatch.setattr(module, "LEG_LIMIT", 0.3)
    monkeypatch.setattr(rest, "WORTH", 0.0)
    monkeypatch.setattr(OnboardingWorker, "limiter", anyio.CapacityLimiter(1))
    run = await shop.take(lambda: rest.rest(0.5))
    await asyncio.gather(*shop.taken)
    assert shop.names(run) == ["Running"]


class TestTaking:
    """What is due is taken, once, by whoever has a slot free."""

    async def test_a_run_that_is_due_gets_a_leg(self, shop: Shop, yard: Yard, prefect: Prefect):
        run = shop.schedule(yard.waits)
        await shop.poll()
        assert (shop.worker.busy, shop.names(run)) == (1, ["Scheduled", "Pending"])
        assert prefect.labelled == [run.id]

    async def test_its_deployment_is_looked_up_once(self, shop: Shop, yard: Yard, prefect: Prefect):
        run = shop.schedule(yard.is_quick)
        for _ in range(2):
            await shop.poll()
            await shop.worker.drain(PATIENCE)
            shop.worker._draining = False
        assert (prefect.asked.count("a deployment"), shop.names(run).count("Pending")) == (1, 2)

    async def test_one_that_has_this_workers_label_is_given_none(
        self, shop: Shop, yard: Yard, prefect: Prefect
    ):
        shop.schedule(yard.is_quick, worker="mine")
        await shop.poll()
        assert prefect.labelled == []

    async def test_one_that_has_anothers_is_given_this_one(
        self, shop: Shop, yard: Yard, prefect: Prefect
    ):
        run = shop.schedule(yard.is_quick, worker="another")
        await shop.poll()
        assert prefect.labelled == [run.id]

    async def test_one_that_wakes_before_its_last_leg_has_ended_waits_for_that(
        self, shop: Shop, yard: Yard
    ):
        run = shop.schedule(yard.waits)
        await shop.poll()
        await shop.poll()
        assert (shop.worker.busy, shop.names(run).count("Pending")) == (1, 1)

    async def test_who_drains_takes_nothing_more(self, shop: Shop, yard: Yard):
        run = shop.schedule(yard.waits)
        await shop.worker.drain(0)
        await shop.poll()
        assert (shop.worker.busy, shop.names(run)) == (0, ["Scheduled"])

    async def test_what_was_about_to_begin_is_drained_with_the_rest(self, shop: Shop, yard: Yard):
        run = shop.schedule(yard.waits)
        await shop.worker.get_and_submit_flow_runs()
        await shop.worker.drain(0)
        assert (shop.worker.busy, shop.names(run)[-1]) == (0, "AwaitingRetry")

    async def test_one_that_prefect_does_not_let_begin_gives_its_slot_back(
        self, shop: Shop, yard: Yard, prefect: Prefect
    ):
        prefect.lets_begin = False
        shop.schedule(yard.waits)
        await shop.poll()
        assert (shop.worker.busy, shop.worker.limiter.borrowed_tokens) == (0, 0)

    async def test_who_watches_for_cancellations_is_told_that_it_has_begun(
        self, shop: Shop, yard: Yard
    ):
        told: list[tuple[str, UUID]] = []
        shop.worker._cancelling_observer = cast(
            "Any",
            SimpleNamespace(
                add_in_flight_flow_run_id=lambda run_id: told.append(("taken", run_id)),
                remove_in_flight_flow_run_id=lambda run_id: told.append(("begun", run_id)),
            ),
        )
        run = shop.schedule(yard.waits)
        await shop.poll()
        assert told == [("taken", run.id), ("begun", run.id)]


class TestStopping:
    """What somebody stops in the Prefect UI stops here."""

    @pytest.mark.parametrize("said", ["No longer wanted", None])
    async def test_a_run_that_is_cancelled_is_stopped_and_says_so(
        self, shop: Shop, yard: Yard, prefect: Prefect, said: str | None
    ):
        run = await shop.take(yard.waits)
        prefect.states[run.id].append(Cancelling(message=said))
        await shop.poll()
        await asyncio.gather(*shop.taken)
        await shop.worker.drain(PATIENCE)
        last = prefect.states[run.id][-1]
        assert (last.name, last.message) == ("Cancelled", said or CANCELLED)

    async def test_it_is_stopped_once_however_often_that_is_seen(
        self, shop: Shop, yard: Yard, prefect: Prefect, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(module, "OBEY_EVERY", 0)
        run = await shop.take(yard.blocks)
        prefect.states[run.id].append(Cancelling())
        for _ in range(2):
            await shop.poll()
        yard.open.set()
        await shop.worker.drain(PATIENCE)
        assert shop.names(run).count("Cancelled") == 1

    async def test_one_that_is_suspended_ends_before_its_next_step(
        self, shop: Shop, yard: Yard, prefect: Prefect, monkeypatch: pytest.MonkeyPatch
    ):
        asked: list[UUID] = []
        monkeypatch.setattr(module, "OBEY_EVERY", 0)
        monkeypatch.setattr(module, "suspend", lambda run: not asked.append(run.id))
        run = await shop.take(yard.waits)
        prefect.states[run.id].append(Paused(name="Suspended"))
        for _ in range(2):
            await shop.poll()
        assert (asked, shop.names(run)) == ([run.id], ["Running", "Suspended"])

    async def test_one_whose_engine_has_not_begun_is_asked_again(
        self, shop: Shop, yard: Yard, prefect: Prefect, monkeypatch: pytest.MonkeyPatch
    ):
        asked: list[UUID] = []
        monkeypatch.setattr(module, "OBEY_EVERY", 0)
        monkeypatch.setattr(module, "suspend", lambda run: bool(asked.append(run.id)))
        run = await shop.take(yard.waits)
        prefect.states[run.id].append(Paused(name="Suspended"))
        for _ in range(2):
            await shop.poll()
        assert asked == [run.id, run.id]

    async def test_one_that_goes_to_sleep_by_itself_is_let(
        self, shop: Shop, yard: Yard, prefect: Prefect
    ):
        run = await shop.take(yard.waits)
        prefect.states[run.id].append(Paused(name="AwaitingRegistration"))
        await shop.poll()
        assert (shop.worker.busy, shop.names(run)[-1]) == (1, "AwaitingRegistration")

    async def test_one_that_ends_while_prefect_is_asked_is_left_alone(
        self, shop: Shop, yard: Yard, prefect: Prefect, monkeypatch: pytest.MonkeyPatch
    ):
        run = await shop.take(yard.waits)
        prefect.states[run.id].append(Cancelling())
        read = prefect.read_flow_runs

        async def slow(**asked: Any) -> list[SimpleNamespace]:
            found = await read(**asked)
            shop.worker._legs.pop(run.id, None)
            return found

        monkeypatch.setattr(prefect, "read_flow_runs", slow)
        leg = shop.worker._legs[run.id]
        await shop.poll()
        assert not leg.cancelled.is_set()
        shop.worker._legs[run.id] = leg

    async def test_prefect_is_asked_every_few_seconds_and_only_for_legs_that_run(
        self, shop: Shop, yard: Yard, prefect: Prefect
    ):
        await shop.poll()
        assert "who is stopped" not in prefect.asked
        await shop.take(yard.waits)
        for _ in range(2):
            await shop.poll()
        assert prefect.asked.count("who is stopped") == 1
        assert prefect.asked.count("who is lost") == 1


class TestLost:
    """A run that is ours, and that no leg runs."""

    async def test_it_is_handed_back(self, shop: Shop, yard: Yard, prefect: Prefect):
        run = shop.schedule(yard.is_quick)
        prefect.due = []
        lost = Running(timestamp=utc_now() - SETTLED - timedelta(seconds=1))
        prefect.states[run.id].append(lost)
        await shop.poll()
        assert shop.names(run)[-1] == "AwaitingRetry"

    async def test_one_that_was_deleted_is_handed_back_by_nobody(
        self, shop: Shop, yard: Yard, prefect: Prefect
    ):
        run = await shop.take(yard.waits)
        leg = shop.worker._legs[run.id]
        leg.cancel()
        await leg.ended(within=PATIENCE)
        del prefect.states[run.id]
        await shop.worker._hand_back(leg)
        assert prefect.states == {}

    async def test_one_that_ends_as_it_is_stopped_has_ended(
        self, shop: Shop, yard: Yard, prefect: Prefect
    ):
        run = await shop.take(yard.waits)
        leg = shop.worker._legs[run.id]
        leg.cancel()
        await leg.ended(within=PATIENCE)
        prefect.states[run.id].append(Completed())
        await shop.worker._hand_back(leg)
        assert shop.names(run)[-1] == "Completed"


async def test_it_can_be_asked_where_its_legs_are(shop: Shop, yard: Yard):
    assert shop.worker.whereabouts() == "no leg runs"
    await shop.take(yard.waits)
    await asyncio.sleep(0.05)
    assert "a leg:\n" in shop.worker.whereabouts()
    assert "Yard.waits" in shop.worker.whereabouts()
