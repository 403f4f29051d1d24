"""Begin a new attempt at an onboarding, which keeps what is true."""

from prefect.client.schemas.objects import State

from tasks.cancel import finish_cancelling
from tasks.runs import states_of
from tasks.timeline import show_decision
from waboard.boundary import boundary
from waboard.domain.clock import Clock
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.verbs import refuse_retry
from waboard.ledger.attempts import begin_attempt
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import last_decision, record_decision
from waboard.ledger.locks import hold
from waboard.ledger.look import look
from waboard.ledger.onboardings import read_onboarding


async def begin_again(
    ledger: Ledger,
    clock: Clock,
    onboarding_id: str,
    order: Order,
    phone_number: PhoneNumber | None = None,
) -> Onboarding:
    """Begin the next attempt, and return the onboarding; whoever asks then starts its run.

    Should he die before, the gateway's waker does. The same order twice is one attempt. With
    `phone_number` what that sender failed at is tried again, and nothing of the others. Raises
    OutOfPlace when it is on its way or nothing is left to do, NotFound for an unknown sender.
    """
    while True:
        await finish_cancelling(ledger, clock, onboarding_id)
        async with ledger.begin() as session:
            seen = await read_onboarding(session, onboarding_id)
        lives = await _run_lives(seen)
        boundary("retry:looked")
        async with ledger.begin() as session:
            await hold(session, onboarding_id)
            onboarding = await read_onboarding(session, onboarding_id)
            if _carriage(onboarding) != _carriage(seen):
                continue  # somebody was quicker: what was seen of its run says nothing any more
            if phone_number is not None:
                phone_number = onboarding.sender(phone_number).phone_number
            last, asked = await last_decision(session, onboarding_id), phone_number or ""
            if lives and last is not None and last.is_what(DecisionVerb.RETRY, order, asked):
                return onboarding
            refuse_retry(onboarding, phone_number, run_lives=lives)
            now, left = clock(), onboarding.flow_run_id
            verb = DecisionVerb.RETRY
            await record_decision(session, onboarding_id, verb, order, now, asked, leaving=left)
            await begin_attempt(session, onboarding_id, now, asked)
            begun = await look(session, onboarding_id, now)
        show_decision(onboarding, verb, order)
        return begun


def _carriage(onboarding: Onboarding) -> tuple[object, ...]:
    return onboarding.attempt, onboarding.flow_run_id, onboarding.ended_at, onboarding.cancelled


async def _run_lives(onboarding: Onboarding) -> bool:
    # One that nobody has started yet is about to be.
    if onboarding.ended_at is not None:
        return False
    if onboarding.flow_run_id is None or onboarding.cancelled is not None:
        return True
    states = await states_of([onboarding.flow_run_id])
    state: State | None = states.get(onboarding.flow_run_id)
    return state is not None and not state.is_final()
