"""What a person is asked before a client leaves: the form, the sleep, and the answer."""

from datetime import timedelta
from enum import StrEnum
from typing import NoReturn
from uuid import uuid4

from prefect.input.run_input import RunInput
from pydantic import Field

from tasks.forms import Question, answer_to, ask, fall_asleep, forget_answer, give_answer
from tasks.runs import tag
from tasks.services import Services
from tasks.timeline import show_decision
from waboard.boundary import boundary
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.departures import Departure, DepartureState
from waboard.domain.errors import FactsDiffer, NotFound
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.tags import tags_of_sleep
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import (
    forget_question,
    move_departure,
    note_approval_asked,
)
from waboard.ledger.locks import hold
from waboard.ledger.races import one_transaction

AWAITING = "AwaitingApproval"
"""How the state is named in which a run waits for the approval."""


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


def _question(departure: Departure, pause_key: str) -> Question:
    # What a person wrote stands last: it may end in anything.
    said = f"{departure.detail} {departure.request}"
    return Question(departure.id, AWAITING, pause_key, said)


async def ask_for_approval(
    services: Services, onboarding: Onboarding, departure: Departure
) -> NoReturn:
    """Leave the run asleep until somebody approves or refuses. The Prefect UI draws the form."""
    question = _question(departure, str(uuid4()))
    await ask(question, Approval)
    await _note_asked(services, departure, question.pause_key)
    asleep = tags_of_sleep("approval", Party.OPERATOR, departure.asked_at)
    await tag(departure.id, [*onboarding.tags, *asleep])
    return await fall_asleep(question, "approval")


@one_transaction
async def _note_asked(services: Services, departure: Departure, pause_key: str) -> None:
    async with services.ledger.begin() as session:
        await hold(session, departure.onboarding_id)
        now = services.clock()
        until = now + timedelta(seconds=services.policy.approval_give_up)
        await note_approval_asked(session, departure, pause_key, until, now)


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
    order = Order(by=given.by, why=given.why.strip() or departure.why)
    verb: DecisionVerb | None = DecisionVerb.APPROVE
    state, said = DepartureState.LEAVING, f"{given.by} has approved it."
    if given.verdict is Verdict.REFUSE:
        verb, state = DecisionVerb.REFUSE, DepartureState.REFUSED
        said = f"{given.by} has refused it: nothing was done."
    elif given.confirm != onboarding.client_ref:
        verb, state = None, DepartureState.APPROVAL_AWAITED
        said = f"To approve, {onboarding.client_ref} has to be typed; something else was."
    decided = None if verb is None else (verb, order)
    moved = await _note_answer(services, departure, decided, state, said)
    if verb is not None:
        show_decision(onboarding, verb, order, departure.id)
    return moved


@one_transaction
async def _note_answer(
    services: Services,
    departure: Departure,
    decided: tuple[DecisionVerb, Order] | None,
    state: DepartureState,
    said: str,
) -> Departure:
    async with services.ledger.begin() as session:
        await hold(session, departure.onboarding_id)
        now = services.clock()
        if decided is not None:
            await record_decision(session, departure.onboarding_id, *decided, now)
            await forget_question(session, departure.onboarding_id, now)
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
