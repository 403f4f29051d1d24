"""The runs with which clients leave: started, asleep until approved, and ended if nobody does."""

import logging
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn
from uuid import UUID, uuid4, uuid5

from prefect import task
from prefect.client.schemas.objects import State
from prefect.input.run_input import RunInput
from prefect.states import Completed, Failed
from pydantic import Field

from tasks.cancel import finish_cancelling, note_cancelled
from tasks.card import draw_card
from tasks.deployments import start_deployment
from tasks.forms import Question, answer_to, ask, fall_asleep, forget_answer, give_answer
from tasks.runs import states_of, tag
from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.boundary import boundary
from waboard.domain.clock import Clock
from waboard.domain.clocks import WAITING
from waboard.domain.conditions import Condition, Status
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.departures import Departure, DepartureState, Handwork
from waboard.domain.errors import FactsDiffer, NotFound, ProviderError
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.verbs import refuse_done, refuse_offboard
from waboard.ledger.conditions import write_condition
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import (
    begin_anew,
    begin_leaving,
    finish_leaving,
    forget_question,
    move_departure,
    note_approval_asked,
    note_departure,
    note_trouble,
    open_departure,
    open_departures,
    times_asked,
)
from waboard.ledger.look import hold
from waboard.ledger.onboardings import read_onboarding
from waboard.prefect_client import get_client

DEPLOYMENT = "offboard/offboard"
AWAITING = "AwaitingApproval"
"""How the state is named in which a run waits for the approval."""
LEFT_ALONE = timedelta(hours=2)
"""How long a run that broke off is left to be taken up again, which is tried for less than that."""
NOBODY = "Nobody approved it in the time that we wait for that: nothing was done."

PATIENT: dict[str, Any] = STEP | {"retries": 20, "retry_delay_seconds": 5}
"""For a run that stops at its next await, or is stopped within a minute."""

logger = logging.getLogger(__name__)


class Verdict(StrEnum):
    """Whether a client is to leave."""

    APPROVE = "approve"
    REFUSE = "refuse"


class Approval(RunInput):
    """Who approves that a client leaves, or refuses it."""

    by: str = Field(
        min_length=1, max_length=100, title="Your name", description="As your colleagues know it."
    )
    verdict: Verdict = Field(
        default=Verdict.APPROVE, title="Approve or refuse", description="Refused, nothing is done."
    )
    confirm: str = Field(
        default="",
        max_length=255,
        title="The client's id",
        description="To approve, type the client_ref as it stands in the run's name.",
    )
    why: str = Field(
        default="", max_length=1000, title="Why", description="Where there is more to say."
    )


def run_name(client_ref: str) -> str:
    """Name the row of a run in the Prefect UI."""
    return f"offboard {client_ref}"


async def start_departure(
    ledger: Ledger, clock: Clock, onboarding: Onboarding, order: Order
) -> tuple[Departure, bool]:
    """Start the run that asks whether a client may leave, or find the one that does.

    Returns also whether it was not asked for before. Raises OutOfPlace when it has left.
    """
    async with ledger.begin() as session:
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
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        now, verb = clock(), DecisionVerb.OFFBOARD
        found, is_new = await note_departure(session, run_id, onboarding, order, now)
        if is_new:
            refuse_offboard(onboarding)
            await record_decision(session, onboarding_id, verb, order, now)
        return found, is_new


async def take_up(services: Services, departure: Departure) -> Departure:
    """Let a run that had come to nothing begin anew: somebody retried it."""
    async with services.ledger.begin() as session:
        await hold(session, departure.onboarding_id)
        onboarding = await read_onboarding(session, departure.onboarding_id)
        return await begin_anew(session, onboarding, departure.id)


def _question(departure: Departure, pause_key: str) -> Question:
    said = f"{departure.by} wants this client to leave: {departure.why} {departure.detail}"
    return Question(departure.id, AWAITING, pause_key, said)


async def ask_for_approval(
    services: Services, onboarding: Onboarding, departure: Departure
) -> NoReturn:
    """Leave the run asleep until somebody approves or refuses. The Prefect UI draws the form."""
    question = _question(departure, str(uuid4()))
    await ask(question, Approval)
    now = services.clock()
    until = now + timedelta(seconds=services.policy.approval_give_up)
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id)
        await note_approval_asked(session, departure, question.pause_key, until, now)
    await _draw(services.ledger, services.clock, onboarding.id)
    await tag(departure.id, [*onboarding.tags, f"{WAITING}approval"])
    return await fall_asleep(question, "approval")


async def hear(services: Services, onboarding: Onboarding, departure: Departure) -> Departure:
    """Write down what a person answered, if somebody did."""
    if departure.pause_key is None:
        return departure
    question = _question(departure, departure.pause_key)
    given = await answer_to(question, Approval)
    if given is None:
        return departure
    departure = await _take(services, onboarding, departure, given)
    boundary("approval:written")
    await forget_answer(question)
    return departure


async def _take(
    services: Services, onboarding: Onboarding, departure: Departure, given: Approval
) -> Departure:
    approved = given.verdict is Verdict.APPROVE
    order = Order(by=given.by, why=given.why.strip() or departure.why)
    state, said = DepartureState.LEAVING, f"{given.by} has approved it."
    if approved and given.confirm != onboarding.client_ref:
        state, approved = DepartureState.APPROVAL_AWAITED, False
        said = f"To approve, {onboarding.client_ref} has to be typed; something else was."
    elif not approved:
        state, said = DepartureState.REFUSED, f"{given.by} has refused it: nothing was done."
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id)
        now = services.clock()
        if state is not DepartureState.APPROVAL_AWAITED:
            verb = DecisionVerb.APPROVE if approved else DecisionVerb.REFUSE
            await record_decision(session, onboarding.id, verb, order, now)
            await forget_question(session, onboarding.id)
        return await move_departure(session, departure.id, state, said, now)


async def give_approval(departure: Departure, client_ref: str, given: Approval) -> None:
    """Wake the run that asks with what a person has decided.

    Raises FactsDiffer when it does not ask now, NotFound when Prefect knows it no more.
    """
    gone = NotFound(
        f"Prefect knows no run that asks whether {client_ref} may leave.",
        remedy="Ask again with `waboard offboard`.",
    )
    not_now = FactsDiffer(
        f"The run with which {client_ref} leaves does not wait for an approval now.",
        remedy="It may be on its way there: try again in a moment, or see the Prefect UI.",
    )
    await give_answer(departure.id, departure.pause_key, given, gone, not_now)


@task(
    name="stop its onboarding",
    task_run_name="stop what is on its way of {onboarding.client_ref}",
    retry_condition_fn=may_repeat,
    **PATIENT,
)
async def mark_leaving(services: Services, onboarding: Onboarding, departure: Departure) -> None:
    """Cancel what is on its way, and mark the onboarding: nothing of it goes on by itself."""
    ledger, clock = services.ledger, services.clock
    async with ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding.id)
    if onboarding.ended_at is None and onboarding.cancelled is None:
        order = Order(by=departure.by, why=f"The client leaves: {departure.why}"[:1000])
        await note_cancelled(ledger, clock, onboarding.id, order)
    await finish_cancelling(ledger, clock, onboarding.id)
    async with ledger.begin() as session:
        await hold(session, onboarding.id)
        marked = await begin_leaving(session, onboarding.id, clock())
    if not marked:
        raise StillAtWork(onboarding)


class StillAtWork(ProviderError):
    """The run of an onboarding that is to be left alone has not stopped yet."""

    def __init__(self, onboarding: Onboarding) -> None:
        super().__init__(
            f"The run of {onboarding.client_ref} has not stopped yet.",
            remedy="See in the Prefect UI what it does.",
            awaiting=Party.OPERATOR,
            retryable=True,
            ambiguous=False,
        )


async def record_left(services: Services, onboarding: Onboarding, said: str) -> Onboarding:
    """Write down that the client has left, and destroy what opens its data."""
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id)
        await finish_leaving(session, onboarding, said, services.clock())
        return await read_onboarding(session, onboarding.id)


async def record_trouble(services: Services, departure: Departure, problem: str) -> Departure:
    """Write down what keeps the client from having left: a person has to act."""
    async with services.ledger.begin() as session:
        await hold(session, departure.onboarding_id)
        now = services.clock()
        await note_trouble(session, departure.onboarding_id, problem, now)
        return await move_departure(session, departure.id, DepartureState.FAILED, problem, now)


async def record_end(services: Services, departure: Departure, said: str) -> Departure:
    """Write down that the run has nothing more to do, and show the card as it is now."""
    async with services.ledger.begin() as session:
        state, now = DepartureState.DONE, services.clock()
        ended = await move_departure(session, departure.id, state, said, now)
    await _draw(services.ledger, services.clock, departure.onboarding_id)
    return ended


async def _draw(ledger: Ledger, clock: Clock, onboarding_id: str) -> None:
    async with ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding_id)
    await draw_card(ledger, clock, onboarding)


async def record_done(
    ledger: Ledger, clock: Clock, onboarding_id: str, work: Handwork, order: Order
) -> None:
    """Write down that somebody has done what has no API. Said twice, it is done once.

    Raises OutOfPlace when nobody is asked for it.
    """
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        refuse_done(onboarding, work)
        if onboarding.holds(work.condition):
            return
        now = clock()
        why = f"{work}: {order.why}"[:1000]
        done = Order(by=order.by, why=why)
        await record_decision(session, onboarding_id, DecisionVerb.DONE, done, now)
        said, reason = f"{order.by} says that it is done.", Reason.SAID_TO_BE_DONE
        condition = Condition(work.condition, Status.TRUE, reason, said, "a person", now)
        await write_condition(session, onboarding_id, "", condition)
    await _draw(ledger, clock, onboarding_id)


async def settle_departures(ledger: Ledger, clock: Clock) -> None:
    """End what waits for an approval in vain, what was cancelled, and what broke off for good.

    One that cannot be ended now keeps no other, and is tried again at the next turn.
    """
    async with ledger.begin() as session:
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
    # Prefect within the transaction: what it did not hear of is not written down as over.
    async with ledger.begin() as session:
        await hold(session, departure.onboarding_id)
        now = clock()
        ended = await move_departure(session, departure.id, state, detail, now)
        await forget_question(session, departure.onboarding_id)
        if departure.state is DepartureState.LEAVING:
            await note_trouble(session, departure.onboarding_id, detail, now)
        if state is not DepartureState.CANCELLED:  # that one was told by a person
            async with get_client() as client:
                await client.set_flow_run_state(UUID(departure.id), end_of(ended), force=True)


_NAMES = {
    DepartureState.DONE: "Offboarded",
    DepartureState.FAILED: "OffboardingFailed",
    DepartureState.REFUSED: "OffboardingRefused",
    DepartureState.TIMED_OUT: "OffboardingTimedOut",
    DepartureState.CANCELLED: "OffboardingCancelled",
}
"""How the run's final state is named."""


def end_of(departure: Departure) -> State[Any]:
    """Return the state in which a run ends."""
    end = Completed if departure.state is DepartureState.DONE else Failed
    return end(name=_NAMES[departure.state], message=departure.detail)


async def was_told_its_end(departure: Departure) -> bool:
    """Whether a run that was told its end goes on: a person retried it.

    One whose process died between writing its end down and telling Prefect only has to tell.
    """
    async with get_client() as client:
        states = await client.read_flow_run_states(UUID(departure.id))
    return any(state.is_final() and state.name in _NAMES.values() for state in states)
