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
from waboard.ledger.races import one_transaction


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
        async with ledger.read() as session:
            seen = await read_onboarding(session, onboarding_id)
        lives = await _run_lives(seen)
        boundary("retry:looked")
        begun = await _note_attempt(ledger, clock, seen, order, phone_number, run_lives=lives)
        if begun is None:
            continue  # somebody was quicker: what was seen of its run says nothing any more
        if begun.attempt != seen.attempt:
            show_decision(seen, DecisionVerb.RETRY, order)
        return begun


@one_transaction
async def _note_attempt(
    ledger: Ledger,
    clock: Clock,
    seen: Onboarding,
    order: Order,
    phone_number: PhoneNumber | None,
    *,
    run_lives: bool,
) -> Onboarding | None:
    """Begin the next attempt, unless this order did; None where another run carries it by now."""
    async with ledger.begin() as session:
        await hold(session, seen.id)
        onboarding = await read_onboarding(session, seen.id)
        if _carriage(onboarding) != _carriage(seen):
            return None
        number = onboarding.sender(phone_number).phone_number if phone_number is not None else None
        last, asked = await last_decision(session, seen.id), number or ""
        if run_lives and last is not None and last.is_what(DecisionVerb.RETRY, order, asked):
            return onboarding
        refuse_retry(onboarding, number, run_lives=run_lives)
        now, verb, left = clock(), DecisionVerb.RETRY, onboarding.flow_run_id
        await record_decision(session, seen.id, verb, order, now, asked, leaving=left)
        await begin_attempt(session, seen.id, now, asked)
        return await look(session, seen.id, now)


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
