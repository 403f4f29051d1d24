"""The runs with which clients leave: started, taken up, and ended if nobody approves them."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.deployments import start_deployment
from tasks.runs import states_of
from tasks.services import Services
from tasks.timeline import show_decision
from waboard.domain.clock import Clock
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.departures import Departure, DepartureState
from waboard.domain.onboarding import Onboarding
from waboard.domain.verbs import refuse_offboard
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import (
    begin_anew,
    forget_question,
    move_departure,
    note_departure,
    note_trouble,
    open_departure,
    open_departures,
    read_departure,
    times_asked,
)
from waboard.ledger.locks import hold
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.races import one_transaction
from waboard.prefect_client import get_client

DEPLOYMENT = "offboard/offboard"
LEFT_ALONE = timedelta(hours=2)
"""How long a run that broke off is left to be taken up again, which is tried for less than that."""
NOBODY = "Nobody approved it in the time that we wait for that: nothing was done."

logger = logging.getLogger(__name__)


def run_name(client_ref: str) -> str:
    """Name the row of a run in the Prefect UI."""
    return f"offboard {client_ref}"


async def start_departure(
    ledger: Ledger, clock: Clock, onboarding: Onboarding, order: Order
) -> tuple[Departure, bool]:
    """Start the run that asks whether a client may leave, or find the one that does.

    Returns also whether it was not asked for before. Raises OutOfPlace when it has left.
    """
    async with ledger.read() as session:
        known = await open_departure(session, onboarding.id)
        key = uuid5(UUID(onboarding.id), f"offboard/{await times_asked(session, onboarding.id)}")
    refuse_offboard(onboarding)
    if known is not None:
        return known, False
    run = await start_deployment(
        DEPLOYMENT,
        {"client_ref": onboarding.client_ref, "by": order.by, "why": order.why},
        run_name=run_name(onboarding.client_ref),
        tags=onboarding.tags,
        key=str(key),
    )
    return await begin_departure(ledger, clock, str(run.id), onboarding.id, order)


async def begin_departure(
    ledger: Ledger, clock: Clock, run_id: str, onboarding_id: str, order: Order
) -> tuple[Departure, bool]:
    """Write down which run asks, and who wants it to; says also whether that is new.

    Raises OutOfPlace when the client has left.
    """
    onboarding, found, is_new = await _note_asked(ledger, clock, run_id, onboarding_id, order)
    if is_new:
        show_decision(onboarding, DecisionVerb.OFFBOARD, order, run_id)
    return found, is_new


@one_transaction
async def _note_asked(
    ledger: Ledger, clock: Clock, run_id: str, onboarding_id: str, order: Order
) -> tuple[Onboarding, Departure, bool]:
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        now, verb = clock(), DecisionVerb.OFFBOARD
        found, is_new = await note_departure(session, run_id, onboarding, order, now)
        if is_new:
            refuse_offboard(onboarding)
            await record_decision(session, onboarding_id, verb, order, now)
        return onboarding, found, is_new


@one_transaction
async def take_up(services: Services, departure: Departure) -> Departure:
    """Let a run that had come to nothing begin anew: somebody retried it."""
    async with services.ledger.begin() as session:
        await hold(session, departure.onboarding_id)
        onboarding = await read_onboarding(session, departure.onboarding_id)
        return await begin_anew(session, onboarding, departure.id)


@one_transaction
async def record_trouble(services: Services, departure: Departure, problem: str) -> Departure:
    """Write down what keeps the client from having left: a person has to act."""
    async with services.ledger.begin() as session:
        await hold(session, departure.onboarding_id)
        now = services.clock()
        await note_trouble(session, departure.onboarding_id, problem, now)
        return await move_departure(session, departure.id, DepartureState.FAILED, problem, now)


@one_transaction
async def record_end(services: Services, departure: Departure, said: str) -> Departure:
    """Write down that the run has nothing more to do."""
    async with services.ledger.begin() as session:
        await hold(session, departure.onboarding_id)
        state, now = DepartureState.DONE, services.clock()
        return await move_departure(session, departure.id, state, said, now)


async def settle_departures(ledger: Ledger, clock: Clock) -> None:
    """End what waits for an approval in vain, what was cancelled, and what broke off for good.

    One that cannot be ended now keeps no other, and is tried again at the next turn.
    """
    async with ledger.read() as session:
        departures = await open_departures(session)
    states = await states_of([each.id for each in departures]) if departures else {}
    for departure in departures:
        ending = _ending(departure, states.get(departure.id), clock())
        if ending is not None:
            try:
                await _settle(ledger, clock, departure, *ending)
            except Exception as error:
                logger.warning("Could not end a run, trying again: %s", type(error).__name__)


def _ending(
    departure: Departure, state: State[Any] | None, now: datetime
) -> tuple[DepartureState, str] | None:
    if state is None or state.is_cancelled():
        return DepartureState.CANCELLED, "Somebody cancelled its run, or deleted it."
    if state.name in _ENDS:  # who told it so has died before it was written down
        return _ENDS[state.name], state.message or ""
    approved = departure.state is DepartureState.LEAVING
    if state.is_final() and state.timestamp < now - LEFT_ALONE:
        broken = DepartureState.FAILED if approved else DepartureState.CANCELLED
        return broken, "Its run broke off; retry it in the Prefect UI."
    awaited = state.is_paused() and not approved
    if awaited and departure.give_up_at is not None and departure.give_up_at <= now:
        return DepartureState.TIMED_OUT, NOBODY
    return None


async def _settle(
    ledger: Ledger, clock: Clock, departure: Departure, state: DepartureState, detail: str
) -> None:
    async with ledger.read() as session:
        known = await read_departure(session, departure.id)
    # Prefect first: what it did not hear of is not written down as over. And as of before that, so
    # that a run which is retried is known to have told its end.
    now = clock()
    ended = known if known.ended_at is not None else replace(known, state=state, detail=detail)
    if state is not DepartureState.CANCELLED:  # that one was told by a person
        async with get_client() as client:
            await client.set_flow_run_state(UUID(departure.id), end_of(ended), force=True)
    await _note_over(ledger, clock, ended, now, approved=departure.state is DepartureState.LEAVING)


@one_transaction
async def _note_over(
    ledger: Ledger, clock: Clock, ended: Departure, at: datetime, *, approved: bool
) -> None:
    async with ledger.begin() as session:
        await hold(session, ended.onboarding_id)
        now = clock()
        await move_departure(session, ended.id, ended.state, ended.detail, at)
        await forget_question(session, ended.onboarding_id, now)
        if approved:
            await note_trouble(session, ended.onboarding_id, ended.detail, now)


END_NAMES = {
    DepartureState.DONE: "Offboarded",
    DepartureState.FAILED: "OffboardingFailed",
    DepartureState.REFUSED: "OffboardingRefused",
    DepartureState.TIMED_OUT: "OffboardingTimedOut",
    DepartureState.CANCELLED: "OffboardingCancelled",
}
"""How the run's final state is named."""
_ENDS = {name: state for state, name in END_NAMES.items()}


def end_of(departure: Departure) -> State[Any]:
    """Return the state in which a run ends."""
    end = Completed if departure.state is DepartureState.DONE else Failed
    return end(name=END_NAMES[departure.state], message=departure.detail)
