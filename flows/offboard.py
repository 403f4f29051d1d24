"""A client leaves: asked first, then everything of ours is given back, and its records are kept."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed

from tasks.approval import ask_for_approval, hear
from tasks.departures import (
    END_NAMES,
    begin_departure,
    end_of,
    record_end,
    record_trouble,
    run_name,
    take_up,
)
from tasks.notify import notify_operator, notify_provider, record_told
from tasks.offboard import mark_leaving, record_left
from tasks.release import release_entity, release_sender, unsubscribe
from tasks.runs import tag, was_told_its_end
from tasks.services import Services, open_services
from tasks.step import failure_of, result_of
from waboard.domain.decisions import By, Order, Why
from waboard.domain.departures import Departure, DepartureState
from waboard.domain.errors import OutOfPlace, WaboardError
from waboard.domain.ids import PlatformId
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of
from waboard.ledger.onboardings import newest_of, read_onboarding


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    return run_name(str(given.get("client_ref", "")))


@flow(name="offboard", flow_run_name=_named, persist_result=False)
async def offboard(client_ref: PlatformId, by: By, why: Why) -> State[None]:
    """A client leaves. Nothing is done before somebody has approved it in this run's form.

    Args:
        client_ref: Your own id of the client.
        by: Who wants it: a name that your colleagues know.
        why: Why: whoever approves it wants to know.
    """
    async with open_services(beside=True) as services:
        try:
            onboarding, departure = await begin(services, client_ref, Order(by=by, why=why))
        except WaboardError as error:
            return Failed(name="OffboardingRefused", message=str(error))
        return await go_on(services, onboarding, departure)


async def begin(services: Services, client_ref: str, order: Order) -> tuple[Onboarding, Departure]:
    """Write down what this run is for, unless it is known. Raises OutOfPlace, NotFound."""
    run_id = str(flow_run.get_id())
    async with services.ledger.read() as session:
        onboarding = await read_onboarding(session, await newest_of(session, client_ref))
    departure, _ = await begin_departure(
        services.ledger, services.clock, run_id, onboarding.id, order
    )
    is_own = departure.id == run_id
    if is_own and await was_told_its_end(run_id, END_NAMES.values(), departure.ended_at):
        departure = await take_up(services, departure)
    if departure.id != run_id:
        raise OutOfPlace(
            f"Another run asks already whether {client_ref} may leave, for {departure.by}.",
            remedy="Answer that one: `waboard offboard CLIENT_REF --approve`.",
        )
    async with services.ledger.read() as session:
        onboarding = await read_onboarding(session, departure.onboarding_id)
    await tag(run_id, onboarding.tags)
    return onboarding, departure


async def go_on(services: Services, onboarding: Onboarding, departure: Departure) -> State[None]:
    """The whole sentence, from whatever is true already."""
    if departure.state is DepartureState.APPROVAL_AWAITED:
        departure = await hear(services, onboarding, departure)
    if departure.state is DepartureState.APPROVAL_AWAITED:
        await ask_for_approval(services, onboarding, departure)
    if departure.state is DepartureState.LEAVING:
        departure = await leave(services, onboarding, departure)
    return end_of(departure)


async def leave(services: Services, onboarding: Onboarding, departure: Departure) -> Departure:
    """Stop what is on its way, give back what is ours, and tell whoever wants to know."""
    if onboarding.left_at is None:
        error = await failure_of(mark_leaving, services, onboarding, departure)
        if error:
            return await record_trouble(services, departure, str(error))
        onboarding = await services.look(onboarding.id)
        said, problems = await release(services, onboarding)
        if problems:
            return await record_trouble(services, departure, " ".join(problems))
        onboarding = await record_left(services, onboarding, " ".join(said))
    await tell(services, onboarding)
    onboarding = await services.look(onboarding.id)
    return await record_end(services, departure, outcome_of(onboarding).message)


async def release(services: Services, onboarding: Onboarding) -> tuple[list[str], list[str]]:
    """Give back our subscription, the senders' associations, and the entity, in this order.

    Returns what was done, and what keeps it from being all: an entity is not touched while a
    sender may hang on it.
    """
    results = [await result_of(unsubscribe, services, onboarding)]
    results += [
        await result_of(release_sender, services, onboarding, sender)
        for sender in onboarding.senders
    ]
    if not any(isinstance(each, WaboardError) for each in results):
        results.append(await result_of(release_entity, services, onboarding))
    problems = [str(each) for each in results if isinstance(each, WaboardError)]
    return [str(each) for each in results if not isinstance(each, WaboardError)], problems


async def tell(services: Services, onboarding: Onboarding) -> None:
    """Tell the operator and the provider's system. That it fails keeps nobody from having left."""
    outcome = outcome_of(onboarding)
    told = [
        await failure_of(notify_operator, services, onboarding, outcome),
        await failure_of(notify_provider, services, onboarding, outcome),
    ]
    await record_told(services, onboarding, outcome, [error for error in told if error])
