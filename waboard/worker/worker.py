"""The worker: takes runs from the work pool and runs their legs in this process."""

import asyncio
import contextlib
import os
from typing import Any, Self
from uuid import UUID

import anyio.abc
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Failed
from prefect.workers.base import (
    BaseJobConfiguration,
    BaseVariables,
    BaseWorker,
    BaseWorkerResult,
)

from waboard.domain.clock import utc_now
from waboard.rest import Heard
from waboard.worker.engine import suspend
from waboard.worker.legs import Leg
from waboard.worker.lost import CANCELLED, DOING, WORKER, hand_back, hand_back_lost
from waboard.worker.names import unique_name

TYPE = "waboard"
LEG_LIMIT = 900.0
"""Seconds that a leg may work. It is a few HTTP calls, and what it is told to wait is no work."""
SOON = 0.1
"""Seconds between looks whether a leg that was about to be given up does anything but rest."""
OBEY_EVERY = 2.0
"""Seconds between looks for runs that somebody cancels or suspends."""
RECLAIM_EVERY = 10.0
"""Seconds between looks for runs that this worker has lost."""
HANDED_BACK = "Its worker stopped in the middle; it goes on elsewhere."
SUSPENDED = "Suspended"
"""How Prefect names the state of a run that somebody suspended."""
STOP_LIMIT = 10.0
"""Seconds that a leg has to reach its next await when it is told to stop."""


class LegConfiguration(BaseJobConfiguration):
    """A leg needs none: it runs in this process, as this process is."""

    @classmethod
    async def resolve_for_flow_run(cls, flow_run: FlowRun, **_: Any) -> Self:
        """Make one at once: Prefect's own writes all settings into an environment, each time."""
        return cls()


class LegResult(BaseWorkerResult):
    """A leg is over. How its run stands, the run's own state says."""


class OnboardingWorker(BaseWorker[LegConfiguration, BaseVariables, LegResult]):
    """Runs each leg in a thread of this process.

    A leg that is cancelled in the Prefect UI stops at its next await. One that takes longer than
    `LEG_LIMIT` is given up as crashed and its slot freed. `drain` ends it all: what does not end
    by itself is handed back, to be taken up by another worker.
    """

    type = TYPE
    job_configuration = LegConfiguration
    job_configuration_variables = BaseVariables
    _description = "Runs legs of onboardings inside one long-lived process."
    _display_name = "waboard"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["name"] = kwargs.get("name") or unique_name()
        super().__init__(*args, **kwargs)
        self._legs: dict[UUID, Leg] = {}
        self._labelled = set[UUID]()
        self._entrypoints: dict[UUID, str] = {}
        self._draining = False
        self._last_obeyed = self._last_reclaimed = 0.0
        self._cancellations: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> int:
        """How many legs run now."""
        return len(self._legs)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: LegConfiguration,
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> LegResult:
        """Run one leg to its end, or until its time is up."""
        leg = Leg(flow_run, await self._entrypoint(flow_run), self._hear_of_rests())
        self._legs[flow_run.id] = leg
        try:
            leg.start()
            if task_status is not None:
                task_status.started(os.getpid())
            while not await leg.ended(within=max(LEG_LIMIT - leg.worked, SOON)):
                if leg.worked > LEG_LIMIT:
                    await self._give_up(leg)
                    break
        finally:
            del self._legs[flow_run.id]
            self._labelled.discard(flow_run.id)
        return LegResult(identifier=self.name, status_code=0)

    def _hear_of_rests(self) -> Heard:
        loop = asyncio.get_running_loop()

        def heard(begins: bool) -> None:
            with contextlib.suppress(RuntimeError):  # this worker has ended meanwhile
                loop.call_soon_threadsafe(self._make_room, 1 if begins else -1)

        return heard

    def _make_room(self, legs: int) -> None:
        # Whoever comes back from a rest goes on at once, and for a moment there is one more.
        self.limiter.total_tokens += legs

    async def _entrypoint(self, flow_run: FlowRun) -> str:
        deployment_id = flow_run.deployment_id
        assert deployment_id is not None  # noqa: S101 - work pools hold runs of deployments only
        if deployment_id not in self._entrypoints:
            deployment = await self.client.read_deployment(deployment_id)
            self._entrypoints[deployment_id] = str(deployment.entrypoint)
        return self._entrypoints[deployment_id]

    def whereabouts(self) -> str:
        """Return where each leg is now, for whoever looks why one hangs."""
        legs = (f"{each.flow_run.name}:\n{each.whereabouts()}" for each in self._legs.values())
        return "\n".join(legs) or "no leg runs"

    async def _give_up(self, leg: Leg) -> None:
        self._logger.warning("Giving up %s at\n%s", leg.flow_run.name, leg.whereabouts())
        leg.cancel()
        await leg.ended(within=STOP_LIMIT)
        # Failed and not Crashed: what crashed is taken up again, and this would block again.
        told = f"It did not end within {LEG_LIMIT:.0f} s. Retry it; if it happens again, look why."
        stuck = Failed(name="Stuck", message=told)
        await self.client.set_flow_run_state(leg.flow_run.id, stuck, force=True)

    async def _submit_scheduled_flow_runs(
        self, flow_run_response: list[WorkerFlowRunResponse]
    ) -> list[FlowRun]:
        # A run can be woken before its last leg has quite ended here: it is taken a poll later.
        free = [entry for entry in flow_run_response if entry.flow_run.id not in self._legs]
        return await super()._submit_scheduled_flow_runs([] if self._draining else free)

    async def _submit_run(self, flow_run: FlowRun) -> None:
        # Prefect's own asks first whether the deployment is there, and writes down afterwards in
        # which process the run is: two calls a leg that tell nobody anything here.
        assert self._runs_task_group is not None  # noqa: S101 - the worker is set up
        self._labelled.discard(flow_run.id)
        if flow_run.labels.get(WORKER) == self.name:
            self._labelled.add(flow_run.id)
        if await self._propose_pending_state(flow_run):
            await self._runs_task_group.start(self._submit_run_and_capture_errors, flow_run)
        else:
            self._release_limit_slot(flow_run.id)
        self._submitting_flow_run_ids.remove(flow_run.id)
        if self._cancelling_observer is not None:
            self._cancelling_observer.remove_in_flight_flow_run_id(flow_run.id)

    async def _give_worker_labels_to_flow_run(self, flow_run_id: UUID) -> None:
        # They stay from leg to leg.
        if flow_run_id not in self._labelled:
            await super()._give_worker_labels_to_flow_run(flow_run_id)

    # A leg is not submitted to anybody, it runs at once: that is not worth a state and two events.

    async def _propose_submitting_state(self, flow_run: FlowRun) -> None:
        pass

    def _emit_flow_run_submitted_event(self, configuration: BaseJobConfiguration) -> None:
        pass

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Stop what somebody cancels or suspends, and take what is due."""
        await self._obey()
        await self._reclaim()
        return await super().get_and_submit_flow_runs()

    async def _obey(self) -> None:
        # Prefect's own observer of cancellations sees only runs that have not begun, and does not
        # survive an outage of the server (3.8.8).
        now = asyncio.get_running_loop().time()
        if not self._legs or now - self._last_obeyed < OBEY_EVERY:
            return
        self._last_obeyed = now
        stopped = FlowRunFilterStateType(any_=[StateType.CANCELLING, StateType.PAUSED])
        which = FlowRunFilter(
            id=FlowRunFilterId(any_=list(self._legs)), state=FlowRunFilterState(type=stopped)
        )
        for run in await self.client.read_flow_runs(flow_run_filter=which):
            self._stop(run)

    async def _reclaim(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._last_reclaimed < RECLAIM_EVERY:
            return
        self._last_reclaimed = now
        own = {*self._legs, *self._submitting_flow_run_ids}
        pool = self._work_pool_name
        for run in await hand_back_lost(self.client, pool, self.name, own, utc_now()):
            self._logger.warning("Handed back %s, which no leg runs any more", run.name)

    def _stop(self, run: FlowRun) -> None:
        leg, state = self._legs.get(run.id), run.state
        if leg is None or state is None:
            return
        # What goes to sleep by itself has a name of its own.
        if state.name == SUSPENDED and not leg.suspended:
            leg.suspended = suspend(run)
            if leg.suspended:
                self._logger.info("%s is suspended: its leg ends before its next step", run.name)
        elif state.is_cancelling() and not leg.cancelled.is_set():
            leg.cancel()
            recording = asyncio.create_task(self._record_cancelled(leg, state.message or CANCELLED))
            self._cancellations.add(recording)
            recording.add_done_callback(self._cancellations.discard)

    async def _record_cancelled(self, leg: Leg, said: str) -> None:
        await leg.ended(within=STOP_LIMIT)
        told = Cancelled(message=said)
        await self.client.set_flow_run_state(leg.flow_run.id, told, force=True)

    async def drain(self, grace: float) -> None:
        """Take nothing more; give legs so many seconds to end, and hand back what is left."""
        self._draining = True
        while self._submitting_flow_run_ids:  # noqa: ASYNC110 - they are about to become legs
            await asyncio.sleep(0.05)
        legs = list(self._legs.values())
        await asyncio.gather(*(leg.ended(within=grace) for leg in legs))
        left = [leg for leg in self._legs.values() if not leg.cancelled.is_set()]
        await asyncio.gather(*(self._hand_back(leg) for leg in left), *self._cancellations)

    async def _hand_back(self, leg: Leg) -> None:
        leg.cancel()
        await leg.ended(within=STOP_LIMIT)
        try:
            state = (await self.client.read_flow_run(leg.flow_run.id)).state
        except ObjectNotFound:
            return
        if state is not None and (state.type in DOING or state.is_crashed()):
            await hand_back(self.client, leg.flow_run.id, HANDED_BACK)
