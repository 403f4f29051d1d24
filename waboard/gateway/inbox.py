"""What comes in is kept, then acted on: taken up, thought over, and whoever waited is woken."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clock import Clock
from waboard.domain.facts import Fact, read_again
from waboard.gateway.waker import look_again, wake_due
from waboard.ledger.database import Ledger
from waboard.ledger.events import (
    Receipt,
    concerned_by,
    hurry_for_all,
    only_awaited,
    read_event,
    receive,
    settled_kinds,
)
from waboard.ledger.locks import hold_events
from waboard.ledger.meta_subjects import compare_soon, find_wabas, wabas_of_meta
from waboard.ledger.models import Disposition, EventRow
from waboard.ledger.races import one_transaction

MOST_AT_ONCE = 1000
"""Events that one batch holds at most: a database takes so many parameters, and no more."""
MOST_REST = 0.05
"""Seconds that whoever waits to be woken may lose to what comes in beside."""


class Inbox:
    """What was kept and is still to be acted on.

    One batch at a time: what comes meanwhile gathers and is the next. So a flood of webhooks costs
    few looks, and one alone is acted on at once. A process that dies before it has acted loses
    nothing: the waker takes up parked events as well, and wakes whoever is due.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._pending = set[int]()
        self._to_compare = set[str]()
        self._acting = False

    async def keep(self, facts: Iterable[Fact]) -> list[Receipt]:
        """Keep what a webhook said. Only after this may it be answered."""
        kept, receipts = await self._write_down(list(facts))
        self._pending.update(receipt.event_id for receipt in receipts)
        news = (f for f, receipt in zip(kept, receipts, strict=True) if not receipt.duplicate)
        self._to_compare |= wabas_of_meta(news)
        return receipts

    @one_transaction
    async def _write_down(self, facts: Sequence[Fact]) -> tuple[list[Fact], list[Receipt]]:
        async with self._ledger.begin() as session:
            kept = await find_wabas(session, await only_awaited(session, facts))
            return kept, await receive(session, kept, "webhook", self._clock())

    async def act(self) -> None:
        """Act on all that has gathered, unless somebody does already, who then takes this, too."""
        if self._acting:
            return
        self._acting = True
        try:
            while self._pending:
                began = monotonic()
                await self._let_compare()
                await act_on(self._ledger, self._next_batch(), self._clock)
                # A flood is taken in half the time, and acted on in the other half.
                await asyncio.sleep(min(monotonic() - began, MOST_REST))
        finally:
            self._acting = False

    async def _let_compare(self) -> None:
        # Each by itself: whoever holds several onboardings could wait for another for ever.
        while self._to_compare:
            await self._note_due(self._to_compare.pop())

    @one_transaction
    async def _note_due(self, waba_id: str) -> None:
        async with self._ledger.begin() as session:
            await compare_soon(session, waba_id)

    def _next_batch(self) -> list[int]:
        return [self._pending.pop() for _ in range(min(len(self._pending), MOST_AT_ONCE))]


async def act_on(ledger: Ledger, event_ids: Collection[int], clock: Clock) -> None:
    """Look again at the onboardings that events are about, and wake whose wait they satisfy."""
    async with ledger.read() as session:
        concerned = await concerned_by(session, event_ids)
        for_all = await settled_kinds(session, event_ids)
    await look_again(ledger, concerned, clock)
    if concerned or for_all:
        await wake_due(ledger, clock)


async def replay(ledger: Ledger, event_id: int, clock: Clock) -> EventRow:
    """Run an event again, as if it had just come. One that could not be read is read again."""
    await act_on(ledger, await _take_again(ledger, event_id, clock), clock)
    async with ledger.read() as session:
        return await read_event(session, event_id)


@one_transaction
async def _take_again(ledger: Ledger, event_id: int, clock: Clock) -> list[int]:
    """Return the events that are to be acted on now."""
    async with ledger.begin() as session:
        await hold_events(session, [event_id])
        event = await read_event(session, event_id)
        if event.disposition == Disposition.INVALID:
            return await _read_again(session, event, clock)
        await hurry_for_all(session, await settled_kinds(session, [event_id]), clock())
        return [event_id]


async def _read_again(session: AsyncSession, event: EventRow, clock: Clock) -> list[int]:
    facts = read_again(event.kind, event.body)
    if any(fact.problem for fact in facts):
        return []
    # What is read now has another identity than the text that could not be: it is kept anew.
    event.digest = f"replayed {event.id}"
    receipts = await receive(session, facts, "replay", clock())
    kept = [receipt.event_id for receipt in receipts]
    event.disposition = Disposition.APPLIED
    event.detail = f"Read when it was replayed, as {', '.join(f'event {i}' for i in kept)}."
    return kept
