"""Runs whose process died, or that broke off: taken up again.

A run breaks off when it crashes, and when something of ours is away that it cannot do without, such
as the ledger. What a provider does ends a step, and never breaks a run off.

Neither Prefect nor its workers do this by themselves: such a run stays Running for ever, and keeps
its slot of the work pool. Whose process it was, a label of the run says; whether that worker lives,
its heartbeat.
"""

from datetime import datetime, timedelta

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, Worker
from prefect.exceptions import ObjectNotFound

from waboard.domain.clock import Clock
from waboard.ledger.database import Ledger
from waboard.ledger.onboardings import runs_not_asleep
from waboard.prefect_client import get_client
from waboard.worker.lost import DOING, WORKER, hand_back
from waboard.worker.names import is_surely_dead

FLOWS = ["onboard-client", "add-sender", "offboard", "reconcile"]
"""A reconciliation that stayed Running would let every later one fall out."""
WORK_POOL = "waboard"
SILENCE = timedelta(seconds=12)
"""How long nothing is heard of a worker, at least, before it is given up for dead."""
MISSED = 4
"""How many of its heartbeats a worker has missed by then."""
SETTLED = timedelta(seconds=5)
"""How old the state of a run must be, after its first break, to be taken for its last word."""
RECENT = timedelta(days=1)
"""How long a run that broke off, or an onboarding that has ended, is of interest."""
MOST_TRIES = 10
"""How often a run breaks off, in that time, until it is left to a person."""
TOLD = "Its process died in the middle; it goes on from the ledger."
_BROKEN = ["Crashed", "Failed"]
"""Names of states: Prefect's own. What an onboarding came to has names of its own."""


async def take_up_orphans(ledger: Ledger, clock: Clock) -> list[str]:
    """Hand back the runs whose process died, and those that broke off in the middle.

    Returns their ids. One that has broken off too often is left to a person.
    """
    now = clock()
    async with get_client() as client:
        orphans = await _left_behind(client, now)
        orphans += await _broken_off(client, ledger, now)
        for run in orphans:
            await hand_back(client, run.id, TOLD)
    return [str(run.id) for run in orphans]


async def _left_behind(client: PrefectClient, now: datetime) -> list[FlowRun]:
    which = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=DOING)))
    doing = await _runs(client, which)
    if not doing:
        return []
    alive = await _living_workers(client, now)
    return [run for run in doing if _is_left_behind(run, alive, now)]


async def _broken_off(client: PrefectClient, ledger: Ledger, now: datetime) -> list[FlowRun]:
    which = FlowRunFilter(
        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=_BROKEN)),
        end_time=FlowRunFilterEndTime.model_validate({"after_": now - RECENT}),
    )
    broken = await _runs(client, which)
    if not broken:
        return []
    async with ledger.read() as session:
        ours = await runs_not_asleep(session, [str(run.id) for run in broken], now - RECENT)
    return [run for run in broken if str(run.id) in ours and await _is_due(client, run, now)]


async def _is_due(client: PrefectClient, run: FlowRun, now: datetime) -> bool:
    # The oftener it broke off, the longer it is left. At once it never is: one that was stopped on
    # purpose is Crashed, too, until whoever stopped it says what it is.
    states = await client.read_flow_run_states(run.id)
    ends = [s.timestamp for s in states if s.name in _BROKEN and now - s.timestamp < RECENT]
    if not 0 < len(ends) < MOST_TRIES:
        return False
    return now - max(ends) > SETTLED * 2 ** (len(ends) - 1)


async def _runs(client: PrefectClient, which: FlowRunFilter) -> list[FlowRun]:
    ours = FlowFilter(name=FlowFilterName(any_=FLOWS))
    return await client.read_flow_runs(flow_filter=ours, flow_run_filter=which)


async def _living_workers(client: PrefectClient, now: datetime) -> set[str]:
    try:
        workers = await client.read_workers_for_work_pool(WORK_POOL)
    except ObjectNotFound:
        return set()
    return {w.name for w in workers if _heard_of(w.last_heartbeat_time, now, _silence_of(w))}


def _silence_of(worker: Worker) -> timedelta:
    # One that somebody starts by Prefect's own command beats every 30 seconds.
    return max(SILENCE, MISSED * timedelta(seconds=worker.heartbeat_interval_seconds or 0))


def _heard_of(at: datetime | None, now: datetime, silence: timedelta = SILENCE) -> bool:
    return at is not None and now - at < silence


def _is_left_behind(run: FlowRun, alive: set[str], now: datetime) -> bool:
    # The label of a run that is only Pending may still be that of its last leg's worker.
    worker, state = str(run.labels.get(WORKER)), run.state
    if state is not None and not state.is_pending() and is_surely_dead(worker):
        return True
    return worker not in alive and not _heard_of(state and state.timestamp, now)
