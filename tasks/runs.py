"""Start, sleep and wake the Prefect flow runs that carry onboardings."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID, uuid4

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound, Pause
from prefect.runtime import flow_run
from prefect.states import AwaitingRetry, Cancelled, Paused

from tasks.deployments import start_deployment
from tasks.services import Services
from tasks.showing import show
from tasks.stage_clocks import stage_clock
from tasks.timeline import show_decision, show_seen
from waboard.boundary import boundary
from waboard.domain.clock import Clock
from waboard.domain.decisions import IN_THE_UI, DecisionVerb, Order
from waboard.domain.errors import NotFound, WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import OutcomeName, outcome_of
from waboard.domain.steps import is_over
from waboard.domain.tags import LATE
from waboard.domain.waits import WORDS, WaitKind
from waboard.ledger.attempts import begin_leg, refuse_stopped, reopen_onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import left_behind, record_decision, was_left_behind
from waboard.ledger.events import FOR_ALL, came_for_all
from waboard.ledger.locks import hold
from waboard.ledger.look import Seen, look
from waboard.ledger.onboardings import (
    read_onboarding,
    record_run,
    take_up_news,
)
from waboard.ledger.outbox import tell_wait
from waboard.ledger.races import one_transaction
from waboard.ledger.waits import DueWait, close_waits, open_wait, put_off, satisfy_wait
from waboard.log_ids import about
from waboard.parts import parts
from waboard.prefect_client import get_client
from waboard.timeline import note

DEPLOYMENT = "onboard-client/onboard-client"
MOST_RUNS = 200
"""Flow runs in one question to Prefect, which gives no more."""
IN_A_MOMENT = timedelta(seconds=0.25)
"""How long a run that is on its way to sleep is given to get there."""
SKEW = timedelta(seconds=2)
"""How much the clocks of two machines may differ."""
BEHIND = timedelta(seconds=0.5)
"""How much the clock of Prefect's server may be behind ours: less than from one end to the next."""
LOOK_AGAIN = timedelta(minutes=1)
"""How long after a run was resumed its wait is looked at again, should it never have woken."""
RETRIED = Order(by=IN_THE_UI, why="Its run was retried there.")

logger = logging.getLogger(__name__)


class _SleepIsNoError(logging.Filter):
    """Prefect 3.8.8 logs a leg that ends asleep as an error, in red, for every operator to see."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno == logging.ERROR and "type=PAUSED" in record.getMessage():
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


logging.getLogger("prefect.flow_runs").addFilter(_SleepIsNoError())


async def start_run(ledger: Ledger, onboarding: Onboarding) -> str:
    """Start the run of an onboarding, once an attempt: its idempotency key names both.

    Returns the flow run's id. Raises NotFound when nothing is deployed.
    """
    first = onboarding.attempt == 1
    if not first:
        await _untag_left_behind(ledger, onboarding)
    run = await start_deployment(
        DEPLOYMENT,
        {"onboarding_id": onboarding.id},
        run_name=onboarding.run_name,
        tags=onboarding.tags,
        key=onboarding.id if first else f"{onboarding.id}/{onboarding.attempt}",
    )
    boundary("start:asked")
    await _note_run(ledger, onboarding, str(run.id))
    return str(run.id)


@one_transaction
async def _note_run(ledger: Ledger, onboarding: Onboarding, run_id: str) -> None:
    async with ledger.begin() as session:
        await record_run(session, onboarding.id, run_id, onboarding.attempt)


async def _untag_left_behind(ledger: Ledger, onboarding: Onboarding) -> None:
    # Whom the last attempt needed is awaited no more, or is again by this one.
    async with ledger.read() as session:
        left = await left_behind(session, onboarding.id)
    for run_id in left[-1:]:
        with suppress(ObjectNotFound):  # somebody deleted it
            await tag(run_id, onboarding.tags)


async def wake_up(services: Services, onboarding_id: str) -> Onboarding:
    """Write down that the run is awake, and look at everything anew: nothing is remembered.

    Raises Superseded when no leg of this run may act: somebody cancelled it, or began another
    attempt.
    """
    run_id = str(flow_run.get_id())
    ended_at = await _take_up_news(services, onboarding_id, run_id)
    retried = await was_told_its_end(run_id, OutcomeName, ended_at)
    onboarding, seen = await _note_awake(services, onboarding_id, run_id, retried=retried)
    if retried:
        show_decision(onboarding, DecisionVerb.RETRY, RETRIED)
    show_seen(onboarding, seen)
    if set(flow_run.get_tags()) != set(onboarding.tags):
        await tag(run_id, onboarding.tags)
    return onboarding


@one_transaction
async def _take_up_news(services: Services, onboarding_id: str, run_id: str) -> datetime | None:
    """Go on with what came after the end; return when it ended, if nothing came."""
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        await refuse_stopped(session, onboarding_id, run_id)
        await take_up_news(session, onboarding_id)
        return (await read_onboarding(session, onboarding_id)).ended_at


@one_transaction
async def _note_awake(
    services: Services, onboarding_id: str, run_id: str, *, retried: bool
) -> tuple[Onboarding, Seen]:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        now, seen = services.clock(), Seen()
        await close_waits(session, onboarding_id, now)
        if retried:
            await reopen_onboarding(session, onboarding_id, now)
            await record_decision(session, onboarding_id, DecisionVerb.RETRY, RETRIED, now)
        await begin_leg(session, onboarding_id, run_id, services.leg)
        return await look(session, onboarding_id, now, seen), seen


async def end_of_stopped(services: Services, onboarding_id: str) -> State[None] | None:
    """Say how a run ends of which no leg may act any more: it was cancelled, or left behind.

    None when another leg of the same run goes on.
    """
    async with services.ledger.read() as session:
        onboarding = await read_onboarding(session, onboarding_id)
        left = await was_left_behind(session, onboarding_id, str(flow_run.get_id()))
    if left:
        return Cancelled(message=f"Attempt {onboarding.attempt} goes on with this in its own run.")
    if onboarding.cancelled is not None:
        return Cancelled(message=outcome_of(onboarding).message)
    return None


async def go_on(onboarding: Onboarding) -> None:
    """Let a run that has ended go on with what came since, unless it does already.

    Raises NotFound when Prefect knows it no more.
    """
    run_id = str(onboarding.flow_run_id)
    async with get_client() as client:
        state = await state_of(client, run_id)
        if state is None:
            raise NotFound(
                f"Prefect knows no run of {onboarding.client_ref} any more.",
                remedy="`waboard status` shows what it came to; nobody is told of it.",
            )
        if state.is_final():
            again = AwaitingRetry(message="Something came after its end: it goes on with it.")
            await client.set_flow_run_state(UUID(run_id), again, force=True)


async def was_told_its_end(run_id: str, ends: Iterable[str], ended_at: datetime | None) -> bool:
    """Whether a run that goes on had told the end that it wrote down then: a person retried it.

    One whose process died between writing its end down and telling Prefect, by a state of one of
    these names, only has to tell. What it told of an end before that one does not count.
    """
    if ended_at is None:
        return False
    async with get_client() as client:
        states = await client.read_flow_run_states(UUID(run_id))
    told = [state.timestamp for state in states if state.is_final() and state.name in set(ends)]
    return any(when >= ended_at - BEHIND for when in told)


async def sleep_for(
    services: Services, onboarding: Onboarding, kind: WaitKind, until: datetime | None = None
) -> Onboarding:
    """Suspend this run until what it waits for has come, or it is time to look (`until`, if known).

    The wait is written before the last look, and whoever brings an event looks for waits after
    keeping it: so one of the two sees the other, and no wake-up is lost. Returns only when the
    last look found that there is nothing to wait for any more.
    """
    run_id, pause_key = str(flow_run.get_id()), str(uuid4())
    sleep = await _write_down_sleep(services, onboarding.id, kind, run_id, pause_key, until)
    show_seen(sleep.onboarding, sleep.seen)
    if sleep.told is None:
        return sleep.onboarding
    if kind in FOR_ALL:
        await _heed_what_came_for_all(services, onboarding.id, kind)
    await show(services, onboarding.id)
    boundary(f"sleep-{kind}:written")
    asleep: State[None] = Paused(
        reschedule=True, pause_key=pause_key, name=WORDS[kind].state, message=sleep.told
    )
    return await suspend(run_id, asleep, kind)


@dataclass(frozen=True, slots=True)
class _Sleep:
    """What the last look before a sleep found. `told` is what people read of the sleep.

    None where there is nothing to wait for any more.
    """

    onboarding: Onboarding
    seen: Seen
    told: str | None


@one_transaction
async def _write_down_sleep(
    services: Services,
    onboarding_id: str,
    kind: WaitKind,
    run_id: str,
    pause_key: str,
    until: datetime | None,
) -> _Sleep:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id, services.leg)
        now, seen = services.clock(), Seen()
        await open_wait(
            session,
            onboarding_id,
            kind,
            flow_run_id=run_id,
            pause_key=pause_key,
            plan=services.policy.plan(kind),
            now=now,
            until=until,
        )
        onboarding = await look(session, onboarding_id, now, seen)
        stage = await stage_clock(session, onboarding, services.policy.reminders, now)
        if stage is None or is_over(onboarding, kind):
            await close_waits(session, onboarding_id, now)
            return _Sleep(onboarding, seen, None)
        await tell_wait(session, onboarding_id, onboarding.wait, now)
        return _Sleep(onboarding, seen, f"{stage.kept(now)} {WORDS[kind].message}")


@one_transaction
async def _heed_what_came_for_all(services: Services, onboarding_id: str, kind: WaitKind) -> None:
    # An event that names no WABA hurries those who sleep. One that came after we had looked and
    # before our wait was written hurried others alone, so we hurry ourselves.
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id, services.leg)
        if await came_for_all(session, kind, services.began_at - SKEW):
            await satisfy_wait(session, onboarding_id, services.clock())


async def suspend(run_id: str, asleep: State[None], kind: str) -> NoReturn:
    """End this leg and leave the run asleep. Raises WaboardError when Prefect does not let it."""
    async with get_client() as client:
        answer = await client.set_flow_run_state(UUID(run_id), asleep)
    state = answer.state
    if state is None or not state.is_paused():
        raise WaboardError(
            f"Prefect did not let the run sleep: {answer.status.value}.",
            remedy="Retry the run in the Prefect UI; a run without a deployment cannot sleep.",
        )
    boundary(f"sleep-{kind}:told")
    raise Pause(state=state)


async def tag(run_id: str, tags: list[str]) -> None:
    """Set what a run can be found by in the Prefect UI."""
    async with get_client() as client:
        await client.update_flow_run(UUID(run_id), tags=tags)


async def wake(ledger: Ledger, due: Collection[DueWait], clock: Clock) -> None:
    """Resume sleeping runs, each if it still sleeps the sleep that is due.

    One that cannot be woken does not stop the others: it is due again when its claim ends.
    """
    async with get_client() as client:
        await asyncio.gather(*(_wake_or_say(client, ledger, wait, clock) for wait in due))


async def _wake_or_say(client: PrefectClient, ledger: Ledger, due: DueWait, clock: Clock) -> None:
    with about(due.onboarding_id, due.flow_run_id):
        try:
            await _wake(client, ledger, due, clock)
        except Exception as error:
            logger.warning("Could not wake a run, trying again: %s", type(error).__name__)


async def _wake(client: PrefectClient, ledger: Ledger, due: DueWait, clock: Clock) -> None:
    state = await state_of(client, due.flow_run_id)
    if state is not None and state.is_paused() and state.state_details.pause_key == due.pause_key:
        answer = await client.resume_flow_run(UUID(due.flow_run_id))
        if answer.status is SetStateStatus.ACCEPT:  # else somebody was quicker
            note(due.onboarding_id, due.flow_run_id, "woken", why=due.why)
    await _note_looked_at(ledger, due, clock, state)


@one_transaction
async def _note_looked_at(
    ledger: Ledger, due: DueWait, clock: Clock, state: State[Any] | None
) -> None:
    async with ledger.begin() as session:
        await hold(session, due.onboarding_id)
        if state is None or state.is_final():  # it waits for nothing any more
            await close_waits(session, due.onboarding_id, clock())
        elif state.is_running():  # it is on its way to sleep
            await put_off(session, due, clock() + IN_A_MOMENT)
        else:  # it is about to wake, or a person holds it
            await put_off(session, due, clock() + LOOK_AGAIN)


async def states_of(run_ids: Collection[str]) -> dict[str, State[Any] | None]:
    """Return the states of many runs. One that Prefect does not know is not in it."""
    found: dict[str, State[Any] | None] = {}
    async with get_client() as client:
        for part in parts(sorted(run_ids), MOST_RUNS):
            ids = FlowRunFilterId(any_=[UUID(run_id) for run_id in part])
            which = FlowRunFilter(id=ids)
            runs = await client.read_flow_runs(flow_run_filter=which, limit=MOST_RUNS)
            found |= {str(run.id): run.state for run in runs}
    return found


async def mark_late(run_ids: Collection[str]) -> None:
    """Mark sleeping runs as late, those that are not yet."""
    async with get_client() as client:
        for part in parts(sorted(run_ids), MOST_RUNS):
            ids = FlowRunFilterId(any_=[UUID(run_id) for run_id in part])
            which = FlowRunFilter(id=ids)
            for run in await client.read_flow_runs(flow_run_filter=which, limit=MOST_RUNS):
                asleep = run.state is not None and run.state.is_paused()
                if asleep and LATE not in run.tags:
                    await client.update_flow_run(run.id, tags=[*run.tags, LATE])


async def state_of(client: PrefectClient, run_id: str) -> State[Any] | None:
    """Return a run's state, None when Prefect does not know the run."""
    try:
        return (await client.read_flow_run(UUID(run_id))).state
    except ObjectNotFound:
        return None
