"""The runs that add senders: started, asleep until a password is given, and ended if none is."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn
from uuid import UUID, uuid4, uuid5

from prefect.client.schemas.objects import State
from prefect.input.run_input import RunInput
from prefect.states import Completed, Failed
from pydantic import Field

from tasks.deployments import start_deployment
from tasks.forms import Question, answer_to, ask, fall_asleep, forget_answer, give_answer
from tasks.runs import states_of, tag
from tasks.services import Services
from waboard.domain.additions import Addition, AdditionState, CodeBy, SenderRequest
from waboard.domain.clock import Clock
from waboard.domain.errors import FactsDiffer, NotFound
from waboard.domain.ids import mask_phone
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.tags import tags_of_sleep
from waboard.domain.verbs import refuse_once_leaving
from waboard.ledger.additions import (
    known_addition,
    move_addition,
    note_addition,
    open_additions,
    read_addition,
    record_sleep,
    registered_of,
    times_added,
)
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold
from waboard.ledger.races import one_transaction
from waboard.prefect_client import get_client

DEPLOYMENT = "add-sender/add-sender"
AWAITING = "AwaitingOtp"
"""How the state is named in which a run waits for the password."""
LEFT_ALONE = timedelta(hours=2)
"""How long a run that broke off is left to be taken up again, which is tried for less than that."""
NO_CODE = "Nobody gave the one-time password in the time that we wait for it."


logger = logging.getLogger(__name__)


class SendAnother(StrEnum):
    """Whether another password is to be sent, and how."""

    NO = "no"
    SMS = "sms"
    VOICE = "voice"


class OneTimePassword(RunInput):
    """What whoever holds the number was sent; or that it is to be sent again."""

    code: str = Field(
        default="",
        pattern=r"^([0-9]{4,10})?$",
        title="One-time password",
        description="The digits that the number was sent.",
        repr=False,
        json_schema_extra={"format": "password"},
    )
    send_another: SendAnother = Field(
        default=SendAnother.NO,
        title="Send another",
        description="Instead: have another one sent, by text message or by a call.",
    )


def run_name(number: str, client_ref: str) -> str:
    """Name the row of a run in the Prefect UI."""
    return f"{client_ref} · add sender {mask_phone(number)}"


async def start_addition(
    ledger: Ledger, onboarding: Onboarding, request: SenderRequest, clock: Clock
) -> tuple[Addition, bool]:
    """Start the run that adds a sender, or find the one that adds that number already.

    Returns also whether it was not asked for before. Raises FactsDiffer when it is another
    client's, OutOfPlace when the client leaves.
    """
    refuse_once_leaving(onboarding)
    number = request.phone_number
    async with ledger.read() as session:
        known = await known_addition(session, number, clock())
        key = uuid5(UUID(onboarding.id), f"{number}/{await times_added(session, number)}")
    if known is not None:
        return _of_the_same(known, onboarding), False
    run = await start_deployment(
        DEPLOYMENT,
        request.model_dump(mode="json") | {"client_ref": onboarding.client_ref},
        run_name=run_name(number, onboarding.client_ref),
        tags=onboarding.tags,
        key=str(key),
    )
    return await _note_asked(ledger, clock, str(run.id), onboarding.id, request)


@one_transaction
async def _note_asked(
    ledger: Ledger, clock: Clock, run_id: str, onboarding_id: str, request: SenderRequest
) -> tuple[Addition, bool]:
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        return await note_addition(session, run_id, onboarding_id, request, clock())


def _of_the_same(known: Addition, onboarding: Onboarding) -> Addition:
    if known.onboarding_id != onboarding.id:
        raise FactsDiffer(
            f"{known.label} is being added to another client.",
            remedy=f"Cancel its run in the Prefect UI first, “… · add sender {known.label}”.",
        )
    return known


async def code_of(addition: Addition) -> OneTimePassword | None:
    """Return what a person gave in the last sleep, or None. It can be read again until used."""
    if addition.pause_key is None:
        return None
    given = await answer_to(_question(addition, addition.pause_key), OneTimePassword)
    return given if given and (given.code or wanted(given)) else None


async def forget_code(addition: Addition) -> None:
    """Delete what was given: it has been used."""
    await forget_answer(_question(addition, str(addition.pause_key)))


def _question(addition: Addition, pause_key: str) -> Question:
    return Question(addition.id, AWAITING, pause_key, addition.detail)


async def ask_for_code(services: Services, onboarding: Onboarding, addition: Addition) -> NoReturn:
    """Leave the run asleep until a person gives the password. The Prefect UI draws the form."""
    question = _question(addition, str(uuid4()))
    await ask(question, OneTimePassword)
    await _write_down_sleep(services, addition, question.pause_key)
    asleep = tags_of_sleep("otp", Party.CLIENT, addition.asked_at)
    await tag(addition.id, [*onboarding.tags, *asleep])
    return await fall_asleep(question, "otp")


@one_transaction
async def _write_down_sleep(services: Services, addition: Addition, pause_key: str) -> None:
    async with services.ledger.begin() as session:
        await hold(session, addition.onboarding_id)
        until = services.clock() + timedelta(seconds=services.policy.code_give_up)
        await record_sleep(session, addition.id, pause_key, until)


async def give_code(addition: Addition, given: OneTimePassword) -> None:
    """Wake the run that waits for a password with what a person gave.

    Raises FactsDiffer when it does not wait for one, NotFound when Prefect knows it no more.
    """
    gone = NotFound(
        f"Prefect knows no run that adds {addition.label}.", remedy="Add the sender again."
    )
    not_now = FactsDiffer(
        f"The run that adds {addition.label} does not wait for a one-time password now.",
        remedy="It may be on its way there: try again in a moment, or see the Prefect UI.",
    )
    await give_answer(addition.id, addition.pause_key, given, gone, not_now)


async def settle_additions(ledger: Ledger, clock: Clock) -> None:
    """End what waits for a password in vain, what needs none any more, and what was cancelled.

    One that cannot be ended now keeps no other, and is tried again at the next turn.
    """
    async with ledger.read() as session:
        additions = await open_additions(session)
        registered = await registered_of(session, additions)
    states = await states_of([addition.id for addition in additions]) if additions else {}
    for addition in additions:
        ending = _ending(addition, states.get(addition.id), registered, clock())
        if ending is not None:
            await _settle_or_say(ledger, clock, addition, *ending)


def _ending(
    addition: Addition, state: State[Any] | None, registered: set[str], now: datetime
) -> tuple[AdditionState, str] | None:
    if state is None or state.is_cancelled():
        return AdditionState.CANCELLED, "Somebody cancelled its run, or deleted it."
    if state.name in _ENDS:  # who told it so has died before it was written down
        return _ENDS[state.name], state.message or ""
    if state.is_final() and state.timestamp < now - LEFT_ALONE:
        return AdditionState.REFUSED, "Its run broke off; retry it in the Prefect UI."
    if not state.is_paused():
        return None
    if addition.id in registered:
        return AdditionState.SUBMITTED, f"{addition.label} is registered."
    if addition.give_up_at is not None and addition.give_up_at <= now:
        return AdditionState.TIMED_OUT, NO_CODE
    return None


async def _settle_or_say(
    ledger: Ledger, clock: Clock, addition: Addition, state: AdditionState, detail: str
) -> None:
    try:
        await _settle(ledger, clock, addition, state, detail)
    except Exception as error:
        logger.warning("Could not end a run, trying again: %s", type(error).__name__)


async def _settle(
    ledger: Ledger, clock: Clock, addition: Addition, state: AdditionState, detail: str
) -> None:
    async with ledger.read() as session:
        known = await read_addition(session, addition.id)
    # Prefect first: what it did not hear of is not written down as over. And as of before that, so
    # that a run which is retried is known to have told its end.
    now = clock()
    ended = known if known.ended_at is not None else replace(known, state=state, detail=detail)
    if state is not AdditionState.CANCELLED:  # that one was told by a person
        async with get_client() as client:
            await client.set_flow_run_state(UUID(addition.id), end_of(ended), force=True)
    await _note_over(ledger, ended, now)


@one_transaction
async def _note_over(ledger: Ledger, ended: Addition, at: datetime) -> None:
    async with ledger.begin() as session:
        await hold(session, ended.onboarding_id)
        await move_addition(session, ended.id, ended.state, ended.detail, at)


END_NAMES = {
    AdditionState.SUBMITTED: "SenderSubmitted",
    AdditionState.REFUSED: "SenderRefused",
    AdditionState.TIMED_OUT: "OtpTimedOut",
    AdditionState.CANCELLED: "SenderCancelled",
}
"""How the run's final state is named."""
_ENDS = {name: state for state, name in END_NAMES.items()}


def end_of(addition: Addition) -> State[Any]:
    """Return the state in which a run ends."""
    end = Completed if addition.state is AdditionState.SUBMITTED else Failed
    return end(name=END_NAMES[addition.state], message=addition.detail)


def wanted(given: OneTimePassword) -> CodeBy | None:
    """Return how another password is to be sent; None where none is."""
    if given.code or given.send_another is SendAnother.NO:
        return None
    return CodeBy(given.send_another)
