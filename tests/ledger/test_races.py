"""Two at once, each in a transaction of its own, on connections of their own.

SQLite lets them take turns from the beginning; PostgreSQL lets them meet.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from tests.domain.samples import WABA, at
from tests.ledger.desk import Desk, told
from tests.neighbour import is_not_theirs
from waboard.domain.errors import FactsDiffer, OutOfPlace
from waboard.domain.requests import SignupRequest
from waboard.domain.waits import WaitKind
from waboard.ledger.admissions import admit
from waboard.ledger.attempts import call_off
from waboard.ledger.confirmations import confirm, confirmations
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold, hold_client
from waboard.ledger.models import (
    BusinessTokenRow,
    ClientRow,
    EventRow,
    OnboardingRow,
    OutboxRow,
    SignupRow,
    WaitRow,
)
from waboard.ledger.onboardings import client_of, read_onboarding, record_run
from waboard.ledger.outbox import put
from waboard.ledger.races import DEADLOCK, EXISTS, NOT_SERIALIZABLE, TRIES, one_transaction
from waboard.ledger.signups import make_link
from waboard.ledger.tokens import keep_token

CROWD = 8
AGAIN = 3
"""How often what hardly ever went well is tried."""

Work = Callable[[AsyncSession], Awaitable[Any]]


async def each_in_its_own(ledger: Ledger, *works: Work) -> list[Any]:
    """Do all at once, a transaction each, none of which is done again."""

    async def alone(work: Work) -> Any:
        async with ledger.begin() as session:
            return await work(session)

    return await asyncio.gather(*map(alone, works))


class TestInTheQueue:
    """Who waits for a place in the weekly cap."""

    async def test_clients_that_wait_for_a_slot_are_cancelled_at_once(self, desk: Desk):
        """Each hurries all that stand behind it: two waited for each other's waits."""
        for _ in range(AGAIN):
            waiting = [await self.waits(desk, number) for number in range(CROWD)]
            cancels = [lambda s, each=each: self.cancel(s, each) for each in waiting]
            await each_in_its_own(desk.ledger, *cancels)
            await self.all_left(desk, waiting)

    async def waits(self, desk: Desk, number: int) -> str:
        name = uuid4().int % 10**18
        onboarding_id = await desk.started(f"client-{name}", str(name))
        async with desk.ledger.begin() as session:
            client_id = await client_of(session, onboarding_id)
            await admit(session, client_id, 1, at(0))
        await desk.sleep(onboarding_id, WaitKind.SLOT, minute=number)
        return onboarding_id

    async def cancel(self, session: AsyncSession, onboarding_id: str) -> None:
        await hold(session, onboarding_id)
        await call_off(session, onboarding_id, at(CROWD))  # none is due yet

    async def all_left(self, desk: Desk, waiting: list[str]) -> None:
        async with desk.ledger.begin() as session:
            left = await session.scalars(
                select(WaitRow.id).where(
                    WaitRow.onboarding_id.in_(waiting), WaitRow.closed_at.is_(None)
                )
            )
            assert left.all() == []


class TestAtTheDoor:
    """Links, tokens and confirmations."""

    async def test_links_for_one_client_are_made_one_after_the_other(self, desk: Desk):
        """The last is live; the others were withdrawn for it."""

        async def link(session: AsyncSession) -> str:
            request = SignupRequest(client_ref="bakery")
            return (await make_link(session, request, at(60) - at(0), at(0))).id

        made = await each_in_its_own(desk.ledger, *[link] * CROWD)
        async with desk.ledger.begin() as session:
            rows = list(await session.scalars(select(SignupRow).where(is_not_theirs(SignupRow))))
        assert {row.id for row in rows} == set(made)
        assert [row.revoked_at for row in rows].count(None) == 1
        assert await desk.count(ClientRow) == 1

    async def test_tokens_of_one_client_are_kept_one_after_the_other(self, desk: Desk):
        async def token(session: AsyncSession) -> None:
            await hold_client(session, "bakery", None, at(0))
            await keep_token(
                session, "bakery", "sealed", portfolio_id=None, expires_at=None, now=at(0)
            )

        await each_in_its_own(desk.ledger, *[token] * CROWD)
        assert await desk.count(BusinessTokenRow) == 1

    async def test_an_item_is_confirmed_by_many_at_once(self, desk: Desk):
        async def say(session: AsyncSession) -> None:
            await confirm(session, "billing", holds=True, who="mia", note="", now=at(0))

        await each_in_its_own(desk.ledger, *[say] * CROWD)
        async with desk.ledger.begin() as session:
            assert list(await confirmations(session)) == ["billing"]


class TestStarting:
    """One client, one WABA."""

    async def test_one_client_asked_for_with_many_wabas_begins_once(self, desk: Desk):
        for number in range(AGAIN):
            wabas = [f"{number}{each}" for each in range(CROWD)]
            await self.begins_once(desk, f"client-{number}", wabas)

    async def test_one_that_had_left_begins_once(self, desk: Desk):
        """Whatever WABAs it is asked for with: both began, in 19 of 20 cases."""
        again = {"again": {"by": "mia", "why": "They are back."}}
        for number in range(AGAIN):
            client_ref = f"client-{number}"
            await self.leave(desk, await desk.started(client_ref, f"1{number}"))
            wabas = [f"2{number}{each}" for each in range(CROWD)]
            await self.begins_once(desk, client_ref, wabas, **again)

    async def begins_once(
        self, desk: Desk, client_ref: str, wabas: list[str], **asked: Any
    ) -> None:
        starts = [desk.start(client_ref, waba, **asked) for waba in wabas]
        results = await asyncio.gather(*starts, return_exceptions=True)
        refused = [each for each in results if isinstance(each, FactsDiffer | OutOfPlace)]
        begun = [each for each in results if not isinstance(each, BaseException)]
        assert (len(begun), len(refused)) == (1, len(wabas) - 1)

    async def leave(self, desk: Desk, onboarding_id: str) -> None:
        async with desk.ledger.begin() as session:
            query = update(OnboardingRow).where(OnboardingRow.id == onboarding_id)
            gone = {"ended_at": at(1), "leaving_at": at(1), "left_at": at(1)}
            await session.execute(query.values(gone))

    async def test_one_waba_asked_for_by_many_clients_begins_once(self, desk: Desk):
        starts = [desk.start(f"client-{each}", WABA) for each in range(CROWD)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        refused = [each for each in results if isinstance(each, FactsDiffer)]
        assert len(refused) == CROWD - 1
        assert await desk.count(OnboardingRow) == 1


class TestHolding:
    """What is read and written while an onboarding is held."""

    async def test_what_is_held_is_as_it_is_then_and_not_as_it_was_read(
        self, desk: Desk, other_desk: Desk, databases: Any
    ):
        onboarding_id = await desk.started()
        if desk.ledger.engine.dialect.name == "sqlite":
            pytest.skip("nobody writes on SQLite while another transaction is open")
        async with desk.ledger.begin() as session:
            read = await session.get_one(OnboardingRow, onboarding_id)
            async with other_desk.ledger.begin() as beside:
                await record_run(beside, onboarding_id, "a run")
            row = await hold(session, onboarding_id)
            assert row is read
            assert read.flow_run_id == "a run"

    async def test_what_was_written_and_not_yet_sent_is_not_lost_by_holding(self, desk: Desk):
        onboarding_id = await desk.started()
        async with desk.ledger.begin() as session:
            row = await hold(session, onboarding_id)
            assert row is not None
            row.card_id = "a card"
            await hold(session, onboarding_id)
            assert row.card_id == "a card"

    async def test_a_run_is_not_recorded_for_an_attempt_that_another_has_just_ended(
        self, desk: Desk, other_desk: Desk
    ):
        """Whoever began another attempt held the onboarding: the run waits, and then sees it."""
        onboarding_id, asked = await desk.started(), asyncio.Event()

        async def record() -> None:
            await asked.wait()
            async with other_desk.ledger.begin() as session:
                await record_run(session, onboarding_id, "the first run", 1)

        recording = asyncio.create_task(record())
        async with desk.ledger.begin() as session:
            row = await hold(session, onboarding_id)
            assert row is not None
            row.attempt = 2
            await session.flush()
            asked.set()
            await asyncio.wait([recording], timeout=0.2)
        await recording
        async with desk.ledger.begin() as session:
            assert (await read_onboarding(session, onboarding_id)).flow_run_id is None


class TestEvents:
    """What is received while it is taken up."""

    async def test_a_batch_that_is_repeated_beside_a_look_is_counted(self, desk: Desk):
        """Both take many events, and in one order."""
        for number in range(AGAIN):
            waba = f"{number + 1}00"
            facts = [told("FINISHED", minute, businessAccountId=int(waba)) for minute in range(20)]
            facts.sort(key=lambda fact: fact.digest)
            for fact in reversed(facts):  # the last in the batch's order has the first id
                await desk.keep(fact)
            onboarding_id = await desk.started(f"client-{number}", waba)
            await asyncio.gather(
                desk.keep(*facts), desk.look(onboarding_id), desk.keep(*reversed(facts))
            )
            async with desk.ledger.begin() as session:
                query = select(EventRow.times_received).where(EventRow.waba_id == waba)
                assert set(await session.scalars(query)) == {3}


class TestTelling:
    """What the provider's own system is told, in which order."""

    async def test_times_do_not_run_backwards_against_the_sequence(self, desk: Desk):
        """Though the clock of the machine that tells next is behind."""
        onboarding_id = await desk.started(minute=10)
        async with desk.ledger.begin() as session:
            await put(session, onboarding_id, "sender.live", {}, at(9))
            await put(session, onboarding_id, "sender.live", {}, at(11))
        async with desk.ledger.begin() as session:
            rows = await session.scalars(
                select(OutboxRow).where(is_not_theirs(OutboxRow)).order_by(OutboxRow.sequence)
            )
            assert [row.created_at for row in rows] == [at(10), at(10), at(11)]

    async def test_each_onboarding_has_its_own_times(self, desk: Desk):
        await desk.started("bakery", "7", minute=10)
        onboarding_id = await desk.started(minute=5)
        async with desk.ledger.begin() as session:
            query = select(OutboxRow.created_at).where(OutboxRow.onboarding_id == onboarding_id)
            assert list(await session.scalars(query)) == [at(5)]


class Lost(Exception):
    """What the driver says of a transaction, with PostgreSQL's word for it."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


class TestLosing:
    """A transaction that was undone because another came first."""

    @pytest.mark.parametrize("word", [DEADLOCK, NOT_SERIALIZABLE, EXISTS])
    async def test_whoever_lost_is_begun_again(self, word: str):
        tries: list[int] = []

        @one_transaction
        async def write(value: int) -> int:
            tries.append(value)
            if len(tries) < TRIES:
                raise DBAPIError("UPDATE", {}, Lost(word))
            return value

        assert await write(7) == 7
        assert tries == [7] * TRIES

    async def test_whoever_loses_for_ever_says_so(self):
        tries: list[int] = []

        @one_transaction
        async def write() -> None:
            tries.append(1)
            raise DBAPIError("UPDATE", {}, Lost(DEADLOCK))

        with pytest.raises(DBAPIError):
            await write()
        assert len(tries) == TRIES

    @pytest.mark.parametrize(
        "error", [DBAPIError("UPDATE", {}, Lost("23514")), ValueError("no"), OSError("gone")]
    )
    async def test_what_is_no_race_is_not_tried_again(self, error: Exception):
        tries: list[int] = []

        @one_transaction
        async def write() -> None:
            tries.append(1)
            raise error

        with pytest.raises(type(error)):
            await write()
        assert len(tries) == 1

    async def test_a_real_deadlock_reaches_nobody(self, desk: Desk):
        """Two that take the same two clients in two orders: one waits, one is done again."""
        one, two = await desk.started("one", "1"), await desk.started("two", "2")
        begun = [asyncio.Event(), asyncio.Event()]

        @one_transaction
        async def take(mine: int, first: str, second: str) -> None:
            async with desk.ledger.begin() as session:
                await hold(session, first)
                begun[mine].set()
                await asyncio.wait([asyncio.create_task(begun[1 - mine].wait())], timeout=0.2)
                await hold(session, second)

        await asyncio.gather(take(0, one, two), take(1, two, one))
