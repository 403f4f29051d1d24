"""The net under the webhooks: wakes whose time has come, and finishes what a crash left undone.

An event wakes its run at once. A run that was still on its way to sleep then, or whose time to
look has come, is woken from here a moment later.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from datetime import timedelta
from typing import Protocol

from tasks.additions import settle_additions
from tasks.cancel import settle_cancellations
from tasks.departures import settle_departures
from tasks.orphans import take_up_orphans
from tasks.runs import go_on, start_run, wake
from tasks.showing import AS_USUAL, Patience, show_changed
from tasks.timeline import show_seen
from waboard.domain.clock import Clock
from waboard.domain.onboarding import Onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.events import concerned_by
from waboard.ledger.locks import hold
from waboard.ledger.look import Seen, look
from waboard.ledger.meta_words import due_for_a_look
from waboard.ledger.onboardings import read_onboarding, with_news, without_run
from waboard.ledger.races import one_transaction
from waboard.ledger.waits import DueWait, claim_due

LEASE = timedelta(seconds=2)
"""How long whoever claims due waits has for waking their runs, before another tries."""
EVERY = 0.5
"""Seconds between looks for what is due."""
TIDY_EVERY = 10
"""Looks between looks for what a crash left undone."""

logger = logging.getLogger(__name__)


async def wake_due(ledger: Ledger, clock: Clock) -> None:
    """Wake every run whose wait is satisfied or whose time has come, the longest due first."""
    while due := await _claim(ledger, clock):
        await wake(ledger, due, clock)


@one_transaction
async def _claim(ledger: Ledger, clock: Clock) -> list[DueWait]:
    async with ledger.begin() as session:
        return await claim_due(session, clock(), LEASE)


async def look_again(ledger: Ledger, onboarding_ids: Iterable[str], clock: Clock) -> None:
    """Look at onboardings that something was received about. One that fails stops no other."""
    await _each("take up an event", (_look(ledger, each, clock) for each in onboarding_ids))


async def _look(ledger: Ledger, onboarding_id: str, clock: Clock) -> None:
    onboarding, seen = await _looked(ledger, onboarding_id, clock)
    show_seen(onboarding, seen)


@one_transaction
async def _looked(ledger: Ledger, onboarding_id: str, clock: Clock) -> tuple[Onboarding, Seen]:
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        seen = Seen()
        return await look(session, onboarding_id, clock(), seen), seen


async def tidy(ledger: Ledger, clock: Clock, remind: Patience = AS_USUAL) -> None:
    """Finish what a crash left undone: events not acted on, runs not started or left behind.

    And see what time alone has changed, such as a restriction of Meta's that ended; let runs go on
    that had ended before all had come; stop those that were cancelled; and show what changed while
    no leg was there.
    """
    async with ledger.read() as session:
        unstarted = [await read_onboarding(session, i) for i in await without_run(session)]
        changed = [await read_onboarding(session, i) for i in await with_news(session)]
        waiting = await concerned_by(session)
        due = await due_for_a_look(session, clock())
    await look_again(ledger, sorted({*waiting, *due}), clock)
    await _each("start a run", (start_run(ledger, onboarding) for onboarding in unstarted))
    await _each("go on with what came after an end", (go_on(each) for each in changed))
    await _each("stop what was cancelled", [settle_cancellations(ledger, clock)])
    await _each("settle added senders", [settle_additions(ledger, clock)])
    await _each("settle clients that leave", [settle_departures(ledger, clock)])
    await _each("take up runs whose process died", [take_up_orphans(ledger, clock)])
    await _each("show what changed", [show_changed(ledger, clock, remind)])


async def _each(doing: str, works: Iterable[Awaitable[object]]) -> None:
    # One that fails is tried again at the next turn, and must not keep the others waiting.
    for work in works:
        try:
            await work
        except Exception as error:
            logger.warning("Could not %s, trying again: %s", doing, type(error).__name__)


class Tidier(Protocol):
    """Somebody else with work that a crash can leave undone."""

    async def tidy(self) -> None:
        """Finish it."""
        ...


async def keep_waking(
    ledger: Ledger, clock: Clock, remind: Patience = AS_USUAL, others: Sequence[Tidier] = ()
) -> None:
    """Do both for as long as the gateway lives, whatever goes wrong in between."""
    turn = 0
    while True:
        try:
            await wake_due(ledger, clock)
            if turn % TIDY_EVERY == 0:
                await tidy(ledger, clock, remind)
                await _each("finish others' work", (other.tidy() for other in others))
        except Exception as error:
            logger.warning("The waker goes on after: %s", type(error).__name__)
        turn += 1
        await asyncio.sleep(EVERY)
