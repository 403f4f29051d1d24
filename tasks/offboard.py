"""What leaving does to an onboarding: it is stopped, and what was done about it is written."""

from typing import Any

from prefect import task

from tasks.cancel import finish_cancelling, note_cancelled
from tasks.services import Services
from tasks.step import STEP, may_repeat
from tasks.timeline import show_decision
from waboard.domain.clock import Clock
from waboard.domain.conditions import Condition, Status
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.departures import Departure, Handwork
from waboard.domain.errors import ProviderError
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.verbs import refuse_done
from waboard.ledger.conditions import write_condition
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import record_decision
from waboard.ledger.departures import (
    begin_leaving,
    finish_leaving,
)
from waboard.ledger.locks import hold
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.races import one_transaction
from waboard.ledger.sender_names import claimants_of

PATIENT: dict[str, Any] = STEP | {"retries": 20, "retry_delay_seconds": 5}
"""For a run that stops at its next await, or is stopped within a minute."""


@task(
    name="stop its onboarding",
    task_run_name="stop what is on its way of {onboarding.client_ref}",
    retry_condition_fn=may_repeat,
    **PATIENT,
)
async def mark_leaving(services: Services, onboarding: Onboarding, departure: Departure) -> None:
    """Cancel what is on its way, and mark the onboarding: nothing of it goes on by itself."""
    ledger, clock = services.ledger, services.clock
    async with ledger.read() as session:
        onboarding = await read_onboarding(session, onboarding.id)
    if onboarding.ended_at is None and onboarding.cancelled is None:
        order = Order(by=departure.by, why=f"The client leaves: {departure.why}"[:1000])
        await note_cancelled(ledger, clock, onboarding.id, order)
    await finish_cancelling(ledger, clock, onboarding.id)
    rivals = await _note_leaving(services, onboarding.id)
    if rivals is None:
        raise StillAtWork(onboarding)
    for each in rivals:  # a number that two clients had is the other's now
        await services.look(each)


@one_transaction
async def _note_leaving(services: Services, onboarding_id: str) -> list[str] | None:
    """Return who else has a number of it; None where its run is still at work."""
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        if not await begin_leaving(session, onboarding_id, services.clock()):
            return None
        return await claimants_of(session, onboarding_id)


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


@one_transaction
async def record_left(services: Services, onboarding: Onboarding, said: str) -> Onboarding:
    """Write down that the client has left, and destroy what opens its data."""
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id)
        await finish_leaving(session, onboarding, said, services.clock())
        return await read_onboarding(session, onboarding.id)


async def record_done(
    ledger: Ledger, clock: Clock, onboarding_id: str, work: Handwork, order: Order
) -> None:
    """Write down that somebody has done what has no API. Said twice, it is done once.

    Raises OutOfPlace when nobody is asked for it.
    """
    done = Order(by=order.by, why=f"{work}: {order.why}"[:1000])
    onboarding = await _note_done(ledger, clock, onboarding_id, work, done)
    if onboarding is not None:
        show_decision(onboarding, DecisionVerb.DONE, done)


@one_transaction
async def _note_done(
    ledger: Ledger, clock: Clock, onboarding_id: str, work: Handwork, done: Order
) -> Onboarding | None:
    """Return the onboarding; None where it was done before."""
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        refuse_done(onboarding, work)
        if onboarding.holds(work.condition):
            return None
        now = clock()
        await record_decision(session, onboarding_id, DecisionVerb.DONE, done, now)
        said, reason = f"{done.by} says that it is done.", Reason.SAID_TO_BE_DONE
        condition = Condition(work.condition, Status.TRUE, reason, said, "a person", now)
        await write_condition(session, onboarding_id, "", condition)
        return onboarding
