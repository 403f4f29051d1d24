"""Runs that Prefect takes for a worker's own, while no leg of that worker runs them.

A leg can end without its run's state saying so: the server fails or answers an error in its first
or its last moment, or the answer that made a run Pending is lost and asked for again. As long as
its worker lives nobody else can know that, and the run would keep its slot for ever.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import AwaitingRetry, Cancelled

WORKER = "prefect.worker.name"
"""The label that tells which worker took a run last."""
SETTLED = timedelta(seconds=10)
"""How old a run's state must be: one that is just taken has its label a moment later."""
CANCELLED = "Cancelled in the Prefect UI; its leg was stopped."
"""What a run says that was cancelled there."""
DOING = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
"""What a run is while somebody has it in hand."""


async def hand_back_lost(
    client: PrefectClient, pool: str, worker: str, own: Collection[UUID], now: datetime
) -> list[FlowRun]:
    """Let the runs that a worker has lost be taken anew, and return them.

    `own` are the runs that it had in hand before it asks here: what ends meanwhile is not lost.
    """
    which = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=DOING)))
    ours = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))
    doing = await client.read_flow_runs(flow_run_filter=which, work_pool_filter=ours)
    lost = [run for run in doing if run.id not in own and _is_lost(run, worker, now)]
    for run in lost:
        await hand_back(client, run.id, "Its leg broke off without a word; it goes on from here.")
    return lost


async def hand_back(client: PrefectClient, run_id: UUID, told: str) -> None:
    """Let a run that nobody runs any more be taken anew; or end it, if somebody had cancelled it.

    A leg that is stopped in the middle says Crashed, so what was before that counts as well.
    """
    states = await client.read_flow_run_states(run_id)
    last = sorted(states, key=lambda state: state.timestamp)[-2:]
    stopped = next((state for state in last if state.is_cancelling()), None)
    state = (
        Cancelled(message=stopped.message or CANCELLED) if stopped else AwaitingRetry(message=told)
    )
    await client.set_flow_run_state(run_id, state, force=True)


def _is_lost(run: FlowRun, worker: str, now: datetime) -> bool:
    settled = run.state is not None and now - run.state.timestamp > SETTLED
    return settled and run.labels.get(WORKER) == worker
