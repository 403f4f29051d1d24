"""Cancel an onboarding: written down first, then its run is stopped, then it has ended.

Whatever dies in between, the next who looks goes on: the gateway's waker does every few seconds.
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.states import Cancelled, Cancelling

from tasks.runs import start_run, state_of
from tasks.timeline import show_decision
from waboard.boundary import boundary
from waboard.domain.clock import Clock
from waboard.domain.decisions import IN_THE_UI, DecisionVerb, Order
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of
from waboard.domain.verbs import refuse_cancel
from waboard.ledger.attempts import being_cancelled, call_off, carried_by, end_cancelled
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import record_decision
from waboard.ledger.locks import hold
from waboard.ledger.look import look
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.outbox import tell_outcome
from waboard.ledger.races import one_transaction
from waboard.prefect_client import get_client

FLOW = "onboard-client"
STOPS_WITHIN = timedelta(minutes=1)
"""How long a worker has to stop a leg; then its run is over, whatever the worker says."""
RECENT = timedelta(days=1)
"""How long ago a run may have been cancelled by hand to be noted at once; older is reconciled."""
BY_HAND = Order(by=IN_THE_UI, why="Its run was cancelled there.")

logger = logging.getLogger(__name__)


async def cancel_onboarding(
    ledger: Ledger, clock: Clock, onboarding_id: str, order: Order
) -> Onboarding:
    """Cancel an onboarding that is on its way. The same order twice is one.

    It has ended once its run has stopped: a sleeping one at once, a leg at its next await. Raises
    OutOfPlace when it has ended, or somebody else has cancelled it.
    """
    await note_cancelled(ledger, clock, onboarding_id, order)
    boundary("cancel:written")
    await finish_cancelling(ledger, clock, onboarding_id)
    async with ledger.read() as session:
        return await read_onboarding(session, onboarding_id)


async def note_cancelled(ledger: Ledger, clock: Clock, onboarding_id: str, order: Order) -> None:
    """Write down that an onboarding is cancelled: from then on nothing of it goes on."""
    cancelled = await _call_off(ledger, clock, onboarding_id, order)
    if cancelled is not None:
        show_decision(cancelled, DecisionVerb.CANCEL, order)


@one_transaction
async def _call_off(
    ledger: Ledger, clock: Clock, onboarding_id: str, order: Order
) -> Onboarding | None:
    """Return what was on its way; None where this very order has cancelled it before."""
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        decision = onboarding.cancelled
        if decision is not None and decision.is_what(DecisionVerb.CANCEL, order):
            return None
        refuse_cancel(onboarding)
        now = clock()
        await record_decision(session, onboarding_id, DecisionVerb.CANCEL, order, now)
        await call_off(session, onboarding_id, now)
        return onboarding


async def finish_cancelling(ledger: Ledger, clock: Clock, onboarding_id: str) -> bool:
    """Stop the run of an onboarding that is being cancelled; says whether it has stopped."""
    onboarding = await _look_if_stopping(ledger, clock, onboarding_id)
    if onboarding is None:
        return True
    # Whoever was starting its run when it was cancelled starts the same one.
    run_id = onboarding.flow_run_id or await start_run(ledger, onboarding)
    if not await _stop(run_id, outcome_of(onboarding).message, clock()):
        return False
    boundary("cancel:stopped")
    await _note_stopped(ledger, clock, onboarding)
    return True


@one_transaction
async def _look_if_stopping(ledger: Ledger, clock: Clock, onboarding_id: str) -> Onboarding | None:
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        if onboarding.cancelled is None or onboarding.ended_at is not None:
            return None
        return await look(session, onboarding_id, clock())


@one_transaction
async def _note_stopped(ledger: Ledger, clock: Clock, onboarding: Onboarding) -> None:
    async with ledger.begin() as session:
        await hold(session, onboarding.id)
        now = clock()
        if await end_cancelled(session, onboarding.id, now):
            await tell_outcome(session, onboarding, outcome_of(onboarding), now)


async def _stop(run_id: str, told: str, now: datetime) -> bool:
    async with get_client() as client:
        state = await state_of(client, run_id)
        if state is None or state.is_cancelled():
            return True
        if _is_executing(state, now):
            if not state.is_cancelling():
                await client.set_flow_run_state(UUID(run_id), Cancelling(message=told))
            return False
        # What ended otherwise broke off: an outcome of ours would be in the ledger.
        await client.set_flow_run_state(UUID(run_id), Cancelled(message=told), force=True)
        return True


def _is_executing(state: State[Any], now: datetime) -> bool:
    stopping = state.is_cancelling() and now - state.timestamp < STOPS_WITHIN
    return stopping or state.is_running() or state.is_pending()


async def settle_cancellations(ledger: Ledger, clock: Clock) -> None:
    """Note runs that were cancelled in the Prefect UI, and finish what was begun."""
    await note_cancelled_by_hand(ledger, clock, await _cancelled_runs(clock() - RECENT))
    async with ledger.read() as session:
        unfinished = await being_cancelled(session)
    for onboarding_id in unfinished:
        await _finish_or_say(ledger, clock, onboarding_id)


async def _finish_or_say(ledger: Ledger, clock: Clock, onboarding_id: str) -> None:
    try:
        await finish_cancelling(ledger, clock, onboarding_id)
    except Exception as error:  # one that cannot be stopped must not keep the others waiting
        logger.warning("Could not stop a run, trying again: %s", type(error).__name__)


async def note_cancelled_by_hand(ledger: Ledger, clock: Clock, run_ids: list[str]) -> list[str]:
    """Cancel whoever is on the way with one of these runs; returns them."""
    if not run_ids:
        return []
    async with ledger.read() as session:
        stopped = await carried_by(session, run_ids)
    for onboarding_id in stopped:
        await cancel_onboarding(ledger, clock, onboarding_id, BY_HAND)
    return stopped


async def _cancelled_runs(since: datetime) -> list[str]:
    which = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLED])),
        end_time=FlowRunFilterEndTime.model_validate({"after_": since}),
    )
    ours = FlowFilter(name=FlowFilterName(any_=[FLOW]))
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_filter=ours, flow_run_filter=which)
    return [str(run.id) for run in runs]
