"""Bring one client live: admit, connect, share, await, associate, verify, notify.

Every leg starts here at the top, after a sleep as after a crash: what is done is known from the
ledger, and only what is not yet true is called. Requires the blocks that `waboard deploy` fills.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.states import Completed, Failed

from tasks.admit import admit_client
from tasks.associate import associate_sender
from tasks.await_delivery import give_up_delivery, look_for_delivery
from tasks.await_inbound import give_up_inbound
from tasks.await_registration import give_up_registration, look_for_registration
from tasks.connect import can_be_asked_as, connect_waba, has_signed_up
from tasks.facts import read_facts
from tasks.notify import notify_operator, notify_provider, record_told, says_nothing_new
from tasks.runs import end_of_stopped, sleep_for, wake_up
from tasks.services import Services, open_services
from tasks.share import share_waba
from tasks.showing import show
from tasks.solution import look_at_solution, solution_of
from tasks.step import failure_of, record_failure
from tasks.template import give_up_template, look_for_template
from tasks.tenant import prepare_tenant
from tasks.verify import send_test_message
from waboard.boundary import boundary
from waboard.domain.conditions import ConditionType
from waboard.domain.errors import ProviderError, Superseded, WaboardError
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.outcome import Outcome, came_meanwhile, outcome_of
from waboard.domain.reasons import Reason
from waboard.domain.steps import (
    ends_at_share,
    facts_are_due,
    is_kept_out,
    is_over,
    is_past_the_door,
    is_to_be_connected,
    may_be_tested,
    quality_comes_first,
    registration_is_over,
    reports_are_due,
    senders_to_associate,
    senders_to_test,
    share_is_due,
    template_is_needed,
)
from waboard.domain.waits import WaitKind
from waboard.ledger.locks import hold
from waboard.ledger.look import look
from waboard.ledger.onboardings import end_onboarding, go_on_soon
from waboard.ledger.races import one_transaction

GiveUp = Callable[[Services, Onboarding], Awaitable[None]]
"""Writes down what was not seen in the time that we wait for it."""


@flow(name="onboard-client", persist_result=False)
async def onboard_client(onboarding_id: UUID) -> State[None]:
    """Bring one client's WABA live and say what came of it.

    Args:
        onboarding_id: As `POST /v1/onboardings` and `waboard onboard` give it. Start onboardings
            there, not here: they write down what this run reads.
    """
    async with open_services() as services:
        try:
            return await onboard(services, str(onboarding_id))
        except Superseded as error:
            stopped = await end_of_stopped(services, str(onboarding_id))
            if stopped is not None:
                return stopped
            # Another leg has taken over: how the run stands is that one's to say.
            raise Abort(str(error)) from None


async def onboard(services: Services, onboarding_id: str) -> State[None]:
    """The whole sentence, from whatever is true already."""
    onboarding = await wake_up(services, onboarding_id)
    onboarding = await await_solution(services, onboarding)
    onboarding = await await_slot(services, onboarding)
    if not is_kept_out(onboarding):
        onboarding = await connect(services, onboarding)
        onboarding = await share(services, onboarding)
    if not is_kept_out(onboarding) and not ends_at_share(onboarding):
        onboarding = await await_registration(services, onboarding)
        onboarding = await prepare_template(services, onboarding)
        onboarding = await associate_and_verify(services, onboarding)
        onboarding = await await_template(services, onboarding)
        onboarding = await await_delivery(services, onboarding)
        onboarding = await await_inbound(services, onboarding)
        onboarding = await keep_facts(services, onboarding)
        onboarding = await watch_at_meta(services, onboarding)
    return await notify_and_end(services, onboarding)


async def await_solution(services: Services, onboarding: Onboarding) -> Onboarding:
    """Sleep until the partner solution lets new clients in, where there is one."""
    meta = services.meta
    solution = solution_of(meta, onboarding) if meta else None
    if meta is None or solution is None or is_past_the_door(onboarding):
        return onboarding
    error = await failure_of(look_at_solution, services, meta, onboarding, solution)
    if error:
        usable, unreadable = ConditionType.SOLUTION_USABLE, Reason.SOLUTION_UNREADABLE
        await record_failure(services, onboarding, "", usable, error, unreadable)
    onboarding = await services.look(onboarding.id)
    kind = WaitKind.SOLUTION
    if is_over(onboarding, kind) or services.is_too_late(onboarding, kind):
        return onboarding
    return await sleep_for(services, onboarding, kind)


async def await_slot(services: Services, onboarding: Onboarding) -> Onboarding:
    """Sleep until the weekly cap has a place for this client."""
    if is_past_the_door(onboarding) or onboarding.lacks(ConditionType.SOLUTION_USABLE):
        return onboarding
    slot = await admit_client(services, onboarding)
    onboarding = await services.look(onboarding.id)
    if slot is None or services.is_too_late(onboarding, WaitKind.SLOT):
        return onboarding
    return await sleep_for(services, onboarding, WaitKind.SLOT, until=slot)


async def connect(services: Services, onboarding: Onboarding) -> Onboarding:
    """Subscribe to the client's WABA at Meta. Without it the client can go live all the same."""
    meta = services.meta
    if meta is None or not is_to_be_connected(onboarding):
        return onboarding
    if not await has_signed_up(services, onboarding):
        return onboarding
    error = await failure_of(connect_waba, services, meta, onboarding)
    if error:
        kind, refused = ConditionType.CONNECTED, Reason.SUBSCRIPTION_REFUSED
        await record_failure(services, onboarding, "", kind, error, refused)
    return await services.look(onboarding.id)


async def share(services: Services, onboarding: Onboarding) -> Onboarding:
    """Share the WABA, unless it is known to be shared, or what had failed is registered by now."""
    if quality_comes_first(onboarding):
        await failure_of(look_for_registration, services, onboarding)
        onboarding = await services.look(onboarding.id)
    if share_is_due(onboarding):
        error = await failure_of(share_waba, services, onboarding)
        if error:
            kind, refused = ConditionType.SHARED, Reason.SHARE_REFUSED
            await record_failure(services, onboarding, "", kind, error, refused)
    return await services.look(onboarding.id)


async def await_registration(services: Services, onboarding: Onboarding) -> Onboarding:
    """Sleep until every sender's registration has ended, one way or the other."""
    if not registration_is_over(onboarding):
        # That Infobip does not let us look keeps nobody from stopping when it is time to.
        await failure_of(look_for_registration, services, onboarding)
        onboarding = await services.look(onboarding.id)
    return await wait_out(services, onboarding, WaitKind.REGISTRATION, give_up_registration)


async def prepare_template(services: Services, onboarding: Onboarding) -> Onboarding:
    """Find the template of the test message on the WABA, or make it."""
    if not template_is_needed(onboarding) or onboarding.holds(ConditionType.TEMPLATE_READY):
        return onboarding
    error = await failure_of(look_for_template, services, onboarding)
    if error:
        kind, unreadable = ConditionType.TEMPLATE_READY, Reason.TEMPLATE_UNREADABLE
        await record_failure(services, onboarding, "", kind, error, unreadable)
    return await services.look(onboarding.id)


async def associate_and_verify(services: Services, onboarding: Onboarding) -> Onboarding:
    """Associate and test every registered sender, side by side; each fails alone."""
    unprepared = None
    if senders_to_associate(onboarding):
        unprepared = await failure_of(prepare_tenant, services, onboarding)
    await asyncio.gather(
        *(associate(services, onboarding, s, unprepared) for s in senders_to_associate(onboarding)),
        *(verify(services, onboarding, sender) for sender in senders_to_test(onboarding)),
    )
    return await services.look(onboarding.id)


async def associate(
    services: Services, onboarding: Onboarding, sender: Sender, unprepared: WaboardError | None
) -> None:
    """Associate one sender, and go on to verify it where nothing is awaited before."""
    error = unprepared or await failure_of(associate_sender, services, onboarding, sender)
    if error:
        kind, refused = ConditionType.ASSOCIATED, Reason.ASSOCIATION_REFUSED
        await record_failure(services, onboarding, sender.phone_number, kind, error, refused)
    elif may_be_tested(onboarding, sender):
        await verify(services, onboarding, sender)


async def verify(services: Services, onboarding: Onboarding, sender: Sender) -> None:
    """Send one sender's test message."""
    error = await failure_of(send_test_message, services, onboarding, sender)
    if error:
        kind, refused = ConditionType.VERIFIED, Reason.MESSAGE_REFUSED
        await record_failure(services, onboarding, sender.phone_number, kind, error, refused)


async def await_template(services: Services, onboarding: Onboarding) -> Onboarding:
    """Sleep until Meta has reviewed the template."""
    return await wait_out(services, onboarding, WaitKind.TEMPLATE, give_up_template)


async def await_delivery(services: Services, onboarding: Onboarding) -> Onboarding:
    """Sleep until every test message has arrived or failed."""
    if reports_are_due(onboarding):
        await failure_of(look_for_delivery, services, onboarding)
        onboarding = await services.look(onboarding.id)
    return await wait_out(services, onboarding, WaitKind.DELIVERY, give_up_delivery)


async def await_inbound(services: Services, onboarding: Onboarding) -> Onboarding:
    """Sleep until somebody has written to every sender that is to be proven in that way."""
    return await wait_out(services, onboarding, WaitKind.INBOUND, give_up_inbound)


async def keep_facts(services: Services, onboarding: Onboarding) -> Onboarding:
    """Keep how the senders stand at Infobip. Nothing depends on it, so nothing fails with it."""
    if not facts_are_due(onboarding):
        return onboarding
    with suppress(ProviderError):
        await read_facts(services, onboarding)
    return await services.look(onboarding.id)


async def watch_at_meta(services: Services, onboarding: Onboarding) -> Onboarding:
    """Subscribe to the WABA of a client that came without a signup link, where that can be done.

    By now its registration has named its portfolio. Nothing depends on it, so nothing fails with
    it; a reconciliation tries again.
    """
    meta = services.meta
    if meta is None or not is_to_be_connected(onboarding):
        return onboarding
    if await has_signed_up(services, onboarding):
        return onboarding
    if await can_be_asked_as(services, meta, onboarding):
        await failure_of(connect_waba, services, meta, onboarding)
    return await services.look(onboarding.id)


async def wait_out(
    services: Services, onboarding: Onboarding, kind: WaitKind, give_up: GiveUp
) -> Onboarding:
    """Sleep until a wait is over, or write down that it is given up when it has lasted too long."""
    if is_over(onboarding, kind):
        return onboarding
    if not services.is_too_late(onboarding, kind):
        return await sleep_for(services, onboarding, kind)
    await give_up(services, onboarding)
    return await services.look(onboarding.id)


async def notify_and_end(services: Services, onboarding: Onboarding) -> State[None]:
    """Tell whoever wants to know, and end in a state that says what came of it.

    That somebody cannot be told is written down, and makes no sender less live.
    """
    outcome = outcome_of(onboarding)
    repeats = await says_nothing_new(services, onboarding, outcome)
    errors = [] if repeats else await tell(services, onboarding, outcome)
    await record_told(services, onboarding, outcome, errors, repeats=repeats)
    await _note_ended(services, onboarding, outcome)
    await show(services, onboarding.id)
    boundary("end:written")
    end = Failed if outcome.is_failure else Completed
    return end(name=outcome.name, message=outcome.message)


@one_transaction
async def _note_ended(services: Services, told: Onboarding, outcome: Outcome) -> None:
    onboarding_id = told.id
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id, services.leg)
        now = services.clock()
        await end_onboarding(session, onboarding_id, now, outcome.name)
        ended = await look(session, onboarding_id, now)
        if came_meanwhile(told, ended):  # while everybody was told: it is news
            await go_on_soon(session, onboarding_id, now)


async def tell(services: Services, onboarding: Onboarding, outcome: Outcome) -> list[WaboardError]:
    """Tell the operator and the provider's own system. Returns why somebody could not be told."""
    told = await asyncio.gather(
        failure_of(notify_operator, services, onboarding, outcome),
        failure_of(notify_provider, services, onboarding, outcome),
    )
    return [error for error in told if error]
