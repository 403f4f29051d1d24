"""Any history of the weekly cap's queue: never one too many, in turn, and as was promised.

The model lists those in the queue and those admitted, and foretells each answer by playing the
coming weeks through, a slot at a time.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.domain.samples import T0, WABA
from tests.ledger.databases import Databases
from tests.ledger.desk import Desk
from tests.machine import Machine, play
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.domain.weekly_cap import CapUse
from waboard.ledger.admissions import admit, cap_use, leave_queue, used
from waboard.ledger.attempts import call_off, reopen_onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold
from waboard.ledger.models import AdmissionRow
from waboard.ledger.onboardings import client_of, end_onboarding
from waboard.ledger.waits import close_waits, open_wait, open_wait_of

WEEK, MOMENT = timedelta(days=7), timedelta(minutes=1)
PLAN = WaitPlan(timedelta(days=1), timedelta(days=10_000))
CLIENTS = 6
CLIENT = st.integers(0, CLIENTS - 1)
HOW = st.sampled_from(["leaves", "is cancelled", "ends"])
DAYS = st.sampled_from([0, 0, 1, 2, 7])
"""Often whole weeks: whether a slot is free then is decided in the instant."""


@dataclass(frozen=True)
class Applicant:
    """Who has applied, and when it was admitted."""

    client: int
    applied_at: datetime
    admitted_at: datetime | None = None


def inside(admitted: Iterable[datetime], now: datetime) -> list[datetime]:
    """Those of the week that ends now."""
    return [at for at in admitted if now - WEEK < at <= now]


def turn_of(admitted: Sequence[datetime], ahead: int, cap: int, now: datetime) -> datetime:
    """When somebody is admitted behind so many, each of whom goes in as soon as it may."""
    known = list(admitted)
    while True:
        while len(inside(known, now)) >= cap:
            now = min(inside(known, now)) + WEEK
        if ahead == 0:
            return now
        known.append(now)
        ahead -= 1


class Queue(Machine):
    """Six clients and two processes; the cap is changed at times."""

    def __init__(self, databases: Databases) -> None:
        super().__init__(databases)
        self.ledgers = [Ledger(self.url) for _ in range(2)]
        self.desk = Desk(self.ledgers[0])
        self.now, self.cap = T0, 2
        self.applicants: list[Applicant] = []
        """In the order in which they applied."""
        self.wakes: dict[int, datetime] = {}
        """When each that sleeps for its slot looks again."""
        self.onboardings: list[str] = []
        self.ids: list[int] = []

    async def close(self) -> None:
        """Both."""
        for ledger in self.ledgers:
            await ledger.close()

    @initialize()
    def begin(self) -> None:
        """All are known, and none has applied."""
        self.run(self._begin())

    async def _begin(self) -> None:
        for client in range(CLIENTS):
            started = await self.desk.started(f"client-{client}", f"{WABA[:-1]}{client}")
            self.onboardings.append(started)
            async with self.ledgers[0].begin() as session:
                self.ids.append(await client_of(session, self.onboardings[-1]))

    # What the model knows

    @property
    def admitted(self) -> list[datetime]:
        """When each admission was."""
        return sorted(one.admitted_at for one in self.applicants if one.admitted_at)

    @property
    def queue(self) -> list[int]:
        """Who waits, the first first."""
        return [one.client for one in self.applicants if one.admitted_at is None]

    def model_asks(self, applicants: list[Applicant], client: int) -> datetime | None:
        """Write into them what comes of a client's asking, and return the answer."""
        if client not in [one.client for one in applicants]:
            applicants.append(Applicant(client, self.now))
        place = next(i for i, one in enumerate(applicants) if one.client == client)
        if applicants[place].admitted_at is not None:
            return None
        ahead = sum(one.admitted_at is None for one in applicants[:place])
        admitted = [one.admitted_at for one in applicants if one.admitted_at]
        turn = turn_of(admitted, ahead, self.cap, self.now)
        if turn > self.now:
            return turn
        applicants[place] = replace(applicants[place], admitted_at=self.now)
        return None

    def model_sleeps(self, client: int, slot: datetime | None) -> None:
        """It sleeps until its slot frees, or no more."""
        self.wakes.pop(client, None)
        if slot is not None:
            self.wakes[client] = slot

    # What clients do

    @rule(client=CLIENT, days=DAYS, process=st.integers(0, 1))
    def one_asks(self, client: int, days: int, process: int) -> None:
        """For the first time or again, and also one that was cancelled or has left before."""
        self.now += timedelta(days=days)
        self.ask_as_foretold(client, process)

    def ask_as_foretold(self, client: int, process: int = 0) -> datetime | None:
        """The answer, which is the model's."""
        foretold = self.model_asks(self.applicants, client)
        assert self.run(self._ask(process, client)) == foretold
        self.model_sleeps(client, foretold)
        return foretold

    @rule(clients=st.lists(CLIENT, min_size=2, max_size=2, unique=True), days=DAYS)
    def two_ask_at_once(self, clients: list[int], days: int) -> None:
        """It is as if one had been first."""
        self.now += timedelta(days=days)
        answers = self.run(self._ask_at_once(clients))
        serial = [self.in_turn(order) for order in (clients, clients[::-1])]
        orders = [self.run(self._order())]
        fitting = [
            applicants
            for applicants, slots in serial
            if [slots[client] for client in clients] == answers
            and [one.client for one in applicants] in orders
        ]
        assert fitting, (answers, serial)
        self.applicants = fitting[0]
        for client, slot in zip(clients, answers, strict=True):
            self.model_sleeps(client, slot)

    def in_turn(self, order: list[int]) -> tuple[list[Applicant], dict[int, datetime | None]]:
        """What comes of it when they ask one after the other."""
        applicants = list(self.applicants)
        return applicants, {client: self.model_asks(applicants, client) for client in order}

    @rule(client=CLIENT, in_queue=st.booleans(), how=HOW, days=DAYS)
    def one_goes(self, client: int, in_queue: bool, how: str, days: int) -> None:
        """Who was admitted stays so; else those behind it may be next, and look at once."""
        self.now += timedelta(days=days)
        if in_queue and self.queue:
            client = self.queue[client % len(self.queue)]
        stood = client in self.queue
        if stood:
            self.applicants = [one for one in self.applicants if one.client != client]
        self.wakes.pop(client, None)
        if stood and how != "leaves":
            self.wakes = {each: min(at, self.now) for each, at in self.wakes.items()}
        left = self.run(self._go(client, how))
        assert left in (stood, None)

    @rule(cap=st.integers(1, 3))
    def the_cap_is_changed(self, cap: int) -> None:
        """By Meta, once the provider is verified, or by hand."""
        self.cap = cap

    @rule()
    def all_wait_for_what_they_were_promised(self) -> None:
        """Nothing else happens: so each gets in at the time that it was told, and no sooner."""
        promised = [(client, self.ask_as_foretold(client)) for client in self.queue]
        for client, slot in promised:
            if slot is not None:
                self.now = max(self.now, slot - MOMENT)
                assert self.now == slot or self.ask_as_foretold(client) == slot
                self.now = slot
                assert self.ask_as_foretold(client) is None

    # How it is done

    async def _ask(self, process: int, client: int) -> datetime | None:
        onboarding_id = self.onboardings[client]
        async with self.ledgers[process].begin() as session:
            await hold(session, onboarding_id)
            await reopen_onboarding(session, onboarding_id, self.now)
            slot = await admit(session, self.ids[client], self.cap, self.now)
            await close_waits(session, onboarding_id, self.now)
            if slot is not None:
                await self._sleep(session, onboarding_id, slot)
        return slot

    async def _sleep(self, session: AsyncSession, onboarding_id: str, until: datetime) -> None:
        await open_wait(
            session,
            onboarding_id,
            WaitKind.SLOT,
            flow_run_id=onboarding_id,
            pause_key=str(uuid4()),
            plan=PLAN,
            now=self.now,
            until=until,
        )

    async def _ask_at_once(self, clients: list[int]) -> list[datetime | None]:
        return await asyncio.gather(*(self._ask(*each) for each in enumerate(clients)))

    async def _go(self, client: int, how: str) -> bool | None:
        onboarding_id = self.onboardings[client]
        if how != "is cancelled":
            await self.desk.wake(onboarding_id)
        async with self.ledgers[0].begin() as session:
            await hold(session, onboarding_id)
            if how == "is cancelled":
                return await call_off(session, onboarding_id, self.now)
            if how == "ends":
                return await end_onboarding(session, onboarding_id, self.now)
            return await leave_queue(session, self.ids[client])

    async def _order(self) -> list[int]:
        async with self.ledgers[0].begin() as session:
            query = select(AdmissionRow.client_id).order_by(AdmissionRow.id)
            return [self.ids.index(each) for each in await session.scalars(query)]

    # What must be

    @invariant()
    def it_is_as_foretold(self) -> None:
        """The queue, what is said of the cap, and who sleeps until when."""
        self.run(self._compare())

    async def _compare(self) -> None:
        async with self.ledgers[0].begin() as session:
            rows = await session.scalars(select(AdmissionRow).order_by(AdmissionRow.id))
            kept = [
                Applicant(self.ids.index(r.client_id), r.applied_at, r.admitted_at) for r in rows
            ]
            assert kept == self.applicants
            assert await cap_use(session, self.cap, self.now) == self.use()
            assert await used(session, self.now) == self.use().used
            for client, onboarding_id in enumerate(self.onboardings):
                wait = await open_wait_of(session, onboarding_id)
                assert (wait and wait.due_at) == self.wakes.get(client)

    def use(self) -> CapUse:
        """How the cap stands: who came once all free slots were taken would get the next."""
        taken = inside(self.admitted, self.now)
        free = max(self.cap - len(taken), 0)
        frees_at = turn_of(taken, free, self.cap, self.now) if taken else None
        return CapUse(self.cap, len(taken), len(self.queue), frees_at)


@pytest.mark.timeout(300)
def test_no_history_of_the_queue_admits_one_too_many_or_out_of_turn(databases: Databases):
    """The machine above, over many histories."""
    play(Queue, databases, examples=10, steps=40)
