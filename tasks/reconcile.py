"""Compare what we hold for true with what the providers show; mend what is ours, raise the rest.

Level-based: whatever is found is written down as it is, and whoever is concerned looks again. So
doing it twice, or two at once, comes to the same. With `dry` nothing is written.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from prefect import task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State

from tasks.runs import start_run
from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.facts import quality_fact
from waboard.domain.filing import Filing
from waboard.domain.ids import NumberKey, PhoneNumber
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import (
    MISSING,
    Answer,
    Aspect,
    Finding,
    Watched,
    compare_filing,
    compare_standing,
    verdict_on,
)
from waboard.domain.standing import Standing
from waboard.infobip.client import MOST_SENDERS
from waboard.infobip.models import SenderQuality
from waboard.ledger.conditions import write_condition
from waboard.ledger.events import concerned_by, receive
from waboard.ledger.look import hold, look
from waboard.ledger.onboardings import forget_run, go_on_soon, read_onboarding
from waboard.ledger.senders import record_standings
from waboard.ledger.watched import (
    LeftUndone,
    OnTheWay,
    awaited_numbers,
    left_undone,
    on_the_way,
    registered_senders,
)

TRIED_FOR = timedelta(days=3)
"""How long a step that a provider or a receiver keeps back is taken up again by itself."""
MOST_RUNS = 200
"""Flow runs in one question to Prefect, which gives 200 at most."""
T = TypeVar("T")


def _parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (items[at : at + most] for at in range(0, len(items), most))


@task(
    name="compare standings",
    task_run_name="compare how senders stand at Infobip",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_standings(
    services: Services, client_ref: str | None, *, dry: bool
) -> list[Finding]:
    """Compare every registered sender with Infobip's word on it, 100 a call."""
    async with services.ledger.begin() as session:
        senders = await registered_senders(session, client_ref)
    findings: list[Finding] = []
    for part in _parts(senders, MOST_SENDERS):
        listed = await services.infobip.sender_quality([each.phone_number for each in part])
        known = {each.sender: each for each in listed}
        findings += [_compare(services, each, known) for each in part]
        if not dry:
            await _keep_standings(services, part, known)
    return findings


def _compare(
    services: Services, sender: Watched, known: Mapping[PhoneNumber, SenderQuality]
) -> Finding:
    return compare_standing(sender, _status(sender, known), services.clock())


def _status(sender: Watched, known: Mapping[PhoneNumber, SenderQuality]) -> str:
    shown = known.get(sender.phone_number)
    return shown.status if shown else MISSING


async def _keep_standings(
    services: Services, senders: Sequence[Watched], known: Mapping[PhoneNumber, SenderQuality]
) -> None:
    now = services.clock()
    shown = [
        (each.onboarding_id, each.phone_number, _standing(known[each.phone_number], services))
        for each in senders
        if each.phone_number in known
    ]
    async with services.ledger.begin() as session:
        await record_standings(session, shown)
    for sender in senders:
        verdict = verdict_on(sender, _status(sender, known), now)
        is_news = verdict is not None and (verdict.status is Status.TRUE) is not (
            sender.usable is not False
        )
        if verdict is not None and is_news:
            condition = Condition(
                ConditionType.USABLE,
                verdict.status,
                verdict.reason,
                verdict.message,
                "senders/quality",
                now,
            )
            await _write(services, sender, condition)


def _standing(quality: SenderQuality, services: Services) -> Standing:
    return Standing(
        status=quality.status,
        quality_rating=quality.quality_rating,
        current_limit=quality.current_limit,
        read_at=services.clock(),
    )


async def _write(services: Services, sender: Watched, condition: Condition) -> None:
    async with services.ledger.begin() as session:
        await hold(session, sender.onboarding_id)
        await write_condition(session, sender.onboarding_id, sender.phone_number, condition)
        await look(session, sender.onboarding_id, services.clock())


@task(
    name="look for registrations",
    task_run_name="look for evidence for whoever waits for a registration",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def look_for_registrations(services: Services, client_ref: str | None) -> None:
    """Keep what Infobip says of numbers whose registration is awaited, for all who wait at once."""
    async with services.ledger.begin() as session:
        numbers = await awaited_numbers(session, client_ref)
    for part in _parts(numbers, MOST_SENDERS):
        answers = await services.infobip.sender_quality(part)
        facts = [quality_fact(a.model_dump(by_alias=True, mode="json"), a.sender) for a in answers]
        async with services.ledger.begin() as session:
            receipts = await receive(session, facts, "senders/quality", services.clock())
            concerned = await concerned_by(session, [receipt.event_id for receipt in receipts])
        await _look_at(services, concerned)


async def _look_at(services: Services, onboarding_ids: Iterable[str]) -> None:
    for onboarding_id in onboarding_ids:
        await services.look(onboarding_id)


@task(
    name="compare filings",
    task_run_name="compare under which ids senders are filed",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_filings(
    services: Services, client_ref: str | None, *, dry: bool
) -> list[Finding]:
    """Compare every associated sender with all associations of the account, 1,000 a call.

    One that is not listed as it should be is read by itself before it is believed.
    """
    async with services.ledger.begin() as session:
        senders = [s for s in await registered_senders(session, client_ref) if s.filing]
    listed: dict[NumberKey, list[Filing]] = defaultdict(list)
    for link in await services.infobip.all_associations() if senders else []:
        listed[link.resource_id].append(Filing(link.application_id, link.entity_id))
    return [await _filing(services, each, listed, dry=dry) for each in senders]


async def _filing(
    services: Services, sender: Watched, listed: dict[NumberKey, list[Filing]], *, dry: bool
) -> Finding:
    key = sender.number_key
    finding = compare_filing(sender, listed.get(key, []) if key else [])
    if finding.answer is Answer.YES or key is None:
        return finding
    links = await services.infobip.associations(key)
    finding = compare_filing(sender, [Filing(a.application_id, a.entity_id) for a in links])
    if finding.answer is Answer.YES or dry:
        return finding
    gone = Condition(
        ConditionType.ASSOCIATED,
        Status.FALSE,
        Reason.ASSOCIATION_GONE,
        finding.said,
        "read back from associations",
        services.clock(),
    )
    await _write(services, sender, gone)
    return replace(finding, done="Its run goes on and files it anew.")


@task(
    name="compare runs",
    task_run_name="compare onboardings with their runs",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_runs(services: Services, client_ref: str | None, *, dry: bool) -> list[Finding]:
    """Find onboardings on the way whose run is gone, or has ended by a person's hand."""
    async with services.ledger.begin() as session:
        travellers = await on_the_way(session, client_ref)
    findings: list[Finding] = []
    for part in _parts(travellers, MOST_RUNS):
        states = await _states([each.flow_run_id for each in part if each.flow_run_id])
        findings += [await _run(services, each, states, dry=dry) for each in part]
    return findings


async def _states(run_ids: Sequence[str]) -> dict[str, State[None] | None]:
    if not run_ids:
        return {}
    which = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id) for run_id in run_ids]))
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=which, limit=MOST_RUNS)
    return {str(run.id): run.state for run in runs}


async def _run(
    services: Services, each: OnTheWay, states: dict[str, State[None] | None], *, dry: bool
) -> Finding:
    finding = Finding(each.onboarding_id, each.client_ref, "", Aspect.RUN, Answer.YES, "")
    run_id = each.flow_run_id
    if run_id is None:
        return replace(finding, said="Its run starts within seconds.")
    state = states.get(run_id)
    if run_id not in states:
        finding = replace(finding, answer=Answer.NO, said="Prefect knows its run no more.")
        return finding if dry else await _start_anew(services, finding)
    if state is not None and state.is_cancelled():
        said = "Somebody cancelled its run; retry it in the Prefect UI to go on."
        return replace(finding, answer=Answer.NO, said=said)
    return replace(finding, said=f"Its run is {state.name if state else 'about to begin'}.")


async def _start_anew(services: Services, finding: Finding) -> Finding:
    async with services.ledger.begin() as session:
        await forget_run(session, finding.onboarding_id)
        onboarding = await read_onboarding(session, finding.onboarding_id)
    await start_run(services.ledger, onboarding)
    return replace(finding, done="Another run is started; it goes on from the ledger.")


@task(
    name="take up what was left undone",
    task_run_name="take up what a provider or a receiver kept from the end",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def take_up_undone(services: Services, client_ref: str | None, *, dry: bool) -> list[Finding]:
    """Let runs go on that ended although a provider, or a receiver, was only away."""
    now = services.clock()
    async with services.ledger.begin() as session:
        undone = await left_undone(session, now - TRIED_FOR, client_ref)
    if not dry:
        async with services.ledger.begin() as session:
            for onboarding_id in sorted({each.onboarding_id for each in undone}):
                await hold(session, onboarding_id)
                await go_on_soon(session, onboarding_id, now)
    return [_undone(each, dry=dry) for each in undone]


def _undone(left: LeftUndone, *, dry: bool) -> Finding:
    said = f"A step did not get through: {left.reason}."
    done = "" if dry else "Its run goes on within seconds."
    return Finding(
        left.onboarding_id, left.client_ref, left.phone_number, Aspect.STEP, Answer.NO, said, done
    )
