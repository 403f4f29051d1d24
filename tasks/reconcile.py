"""Compare what we hold for true with what the providers show; mend what is ours, raise the rest.

Level-based: whatever is found is written down as it is, and whoever is concerned looks again. So
doing it twice, or two at once, comes to the same. With `dry` nothing is written.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State

from tasks.await_registration import keep_quality
from tasks.cancel import note_cancelled_by_hand
from tasks.runs import start_run, states_of
from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.onboarding import Onboarding
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.domain.waits import UPSTREAM_PATIENCE
from waboard.infobip.client import MOST_SENDERS
from waboard.ledger.conditions import give_up_upstream
from waboard.ledger.events import concerned_by
from waboard.ledger.locks import hold
from waboard.ledger.onboardings import forget_run, go_on_soon, read_onboarding
from waboard.ledger.races import one_transaction
from waboard.ledger.watched import (
    LeftUndone,
    OnTheWay,
    Unregistered,
    awaited_numbers,
    given_up,
    left_undone,
    note_looked_for,
    on_the_way,
    unregistered_senders,
)
from waboard.parts import parts


@task(
    name="look for registrations",
    task_run_name="look for evidence for whoever waits for a registration",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def look_for_registrations(services: Services, client_ref: str | None) -> None:
    """Keep what Infobip says of numbers whose registration is awaited, for all who wait at once.

    Those that failed are among them, at a growing pace: should one be registered after all and its
    event be lost, its onboarding goes on all the same.
    """
    now = services.clock()
    async with services.ledger.read() as session:
        awaited = await awaited_numbers(session, client_ref)
        unregistered = await unregistered_senders(session, client_ref)
    failed = [each for each in unregistered if each.is_due(now)]
    numbers = sorted({*awaited, *(each.phone_number for each in failed)})
    for part in parts(numbers, MOST_SENDERS):
        event_ids = await keep_quality(services, part)
        await _note_looked_for(services, [f for f in failed if f.phone_number in part])
        async with services.ledger.read() as session:
            concerned = await concerned_by(session, event_ids)
        for onboarding_id in concerned:
            await services.look(onboarding_id)


@one_transaction
async def _note_looked_for(services: Services, senders: Sequence[Unregistered]) -> None:
    async with services.ledger.begin() as session:
        await note_looked_for(session, senders, services.clock())


@task(
    name="compare runs",
    task_run_name="compare onboardings with their runs",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_runs(services: Services, client_ref: str | None, *, dry: bool) -> list[Finding]:
    """Find onboardings on the way whose run is gone, or has ended by a person's hand."""
    async with services.ledger.read() as session:
        travellers = await on_the_way(session, client_ref)
    run_ids = [each.flow_run_id for each in travellers if each.flow_run_id]
    states = await states_of(run_ids) if run_ids else {}
    return [await _run(services, each, states, dry=dry) for each in travellers]


async def _run(
    services: Services, each: OnTheWay, states: dict[str, State[Any] | None], *, dry: bool
) -> Finding:
    finding = Finding(each.onboarding_id, each.client_ref, "", Aspect.RUN, Answer.YES, "")
    run_id = each.flow_run_id
    if run_id is None:
        return replace(finding, said="Its run starts within seconds.")
    state = states.get(run_id)
    if run_id not in states:
        finding = replace(finding, answer=Answer.NO, said="Prefect knows its run no more.")
        return finding if dry else await _start_anew(services, finding, run_id)
    if state is not None and state.is_cancelled():
        finding = replace(finding, answer=Answer.NO, said="Its run was cancelled by hand.")
        return finding if dry else await _cancel(services, finding, run_id)
    if state is not None and state.is_final():
        said = f"Its run is {state.name} and it has not ended; `waboard retry` lets it go on."
        return replace(finding, answer=Answer.NO, said=said)
    return replace(finding, said=f"Its run is {state.name if state else 'about to begin'}.")


async def _cancel(services: Services, finding: Finding, run_id: str) -> Finding:
    await note_cancelled_by_hand(services.ledger, services.clock, [run_id])
    return replace(finding, done="It is cancelled; `waboard retry` lets it go on.")


async def _start_anew(services: Services, finding: Finding, run_id: str) -> Finding:
    onboarding = await _note_run_lost(services, finding.onboarding_id, run_id)
    if onboarding is None:
        return replace(finding, answer=Answer.YES, said="Another run has begun meanwhile.")
    await start_run(services.ledger, onboarding)
    return replace(finding, done="Another run is started; it goes on from the ledger.")


@one_transaction
async def _note_run_lost(services: Services, onboarding_id: str, run_id: str) -> Onboarding | None:
    """Return the onboarding that this run carried; None where another does by now."""
    async with services.ledger.begin() as session:
        row = await hold(session, onboarding_id)
        if row is None or row.flow_run_id != run_id:
            return None
        await forget_run(session, onboarding_id)
        return await read_onboarding(session, onboarding_id)


@task(
    name="take up what was left undone",
    task_run_name="take up what a provider or a receiver kept from the end",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def take_up_undone(services: Services, client_ref: str | None, *, dry: bool) -> list[Finding]:
    """Let runs go on that ended although a provider, or a receiver, was only away.

    A provider that stays away for too long is given up: the run tries once more, and says so.
    """
    now = services.clock()
    async with services.ledger.read() as session:
        undone = await left_undone(session, now - UPSTREAM_PATIENCE, client_ref)
        lost = await given_up(session, now - UPSTREAM_PATIENCE, client_ref)
    if not dry:
        for onboarding_id in lost:
            await _give_up(services, onboarding_id)
        for onboarding_id in sorted({each.onboarding_id for each in undone}):
            await _let_go_on(services, onboarding_id)
    return [_undone(each, dry=dry) for each in undone]


@one_transaction
async def _let_go_on(services: Services, onboarding_id: str) -> None:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        await go_on_soon(session, onboarding_id, services.clock())


@one_transaction
async def _give_up(services: Services, onboarding_id: str) -> None:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        now = services.clock()
        await give_up_upstream(session, onboarding_id, now - UPSTREAM_PATIENCE)
        await go_on_soon(session, onboarding_id, now)


def _undone(left: LeftUndone, *, dry: bool) -> Finding:
    said = f"A step did not get through: {left.reason}."
    done = "" if dry else "Its run goes on within seconds."
    return Finding(
        left.onboarding_id, left.client_ref, left.phone_number, Aspect.STEP, Answer.NO, said, done
    )
