"""Two clients side by side: what one of them has, does and is told is never the other's.

The neighbours that live in every ledger have other numbers than a test's client, and nothing
happens to them in its time; these two share both.
"""

import pytest
from sqlalchemy import select

from tests.domain.samples import BAD, GOOD, WABA, at, not_true, true
from tests.ledger.desk import Desk, connected, told
from waboard.domain.additions import SenderRequest
from waboard.domain.conditions import ConditionType
from waboard.domain.decisions import Order
from waboard.domain.ids import NumberKey, PhoneNumber
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.ledger.additions import (
    additions_of,
    known_addition,
    note_addition,
    open_addition,
    registered_of,
)
from waboard.ledger.admissions import admit, cap_use, leave_queue
from waboard.ledger.conditions import conditions_of
from waboard.ledger.departures import begin_leaving, note_departure
from waboard.ledger.effects import effects_of
from waboard.ledger.events import quality_about
from waboard.ledger.evidence import received_about
from waboard.ledger.models import EffectStatus, Verb, WaitRow
from waboard.ledger.onboardings import (
    client_of,
    end_onboarding,
    read_onboarding,
    record_run,
    runs_not_asleep,
)
from waboard.ledger.outbox import tried_since
from waboard.ledger.sender_names import current_spelling, note_names, numbers_named
from waboard.ledger.senders import (
    expect_sender,
    record_number_key,
    sender_row,
    sender_rows,
)
from waboard.ledger.showing import SOON, note_shown, show_soon, shown_of
from waboard.ledger.waits import waited_for
from waboard.ledger.watched import (
    given_up,
    left_undone,
    registered_sender,
    with_shared_numbers,
)
from waboard.ledger.watched_wabas import LookAt, next_turn, solutions_in_use

AWAY = not_true(ConditionType.ASSOCIATED, Reason.PROVIDER_UNAVAILABLE)
OTHER_WABA = "102384266223094"
LONG, SHORT = "5215512345678", "525512345678"
"""Two spellings of what may be one subscriber."""


@pytest.fixture
async def ours(desk: Desk) -> str:
    return await desk.started("acme", WABA)


@pytest.fixture
async def other(desk: Desk) -> str:
    return await desk.started("bolt", OTHER_WABA)


async def adds(desk: Desk, run_id: str, onboarding_id: str, number: str) -> None:
    request = SenderRequest(phone_number=PhoneNumber(number), display_name="Bolt")
    async with desk.ledger.begin() as session:
        await note_addition(session, run_id, onboarding_id, request, at(0))


async def is_asked_to_leave(desk: Desk, run_id: str, onboarding_id: str) -> None:
    async with desk.ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding_id)
        await note_departure(session, run_id, onboarding, Order(by="noor", why="Yes."), at(0))


async def ends(desk: Desk, onboarding_id: str) -> None:
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(0), "Live")


class TestWaiting:
    """Sleeps, runs and queues."""

    async def test_the_share_of_another_takes_nothing_from_what_we_have_waited(
        self, desk: Desk, ours: str, other: str
    ):
        await desk.sleep(ours)
        share = await desk.begin(other, Verb.SHARE, minute=5)
        await desk.end(share, EffectStatus.DONE, minute=6)
        async with desk.ledger.begin() as session:
            assert await waited_for(session, ours) == {WaitKind.REGISTRATION: at(60)}

    async def test_a_second_sleep_says_nothing_of_anothers_that_began_in_the_same_instant(
        self, desk: Desk, ours: str, other: str
    ):
        await desk.sleep(ours)
        await desk.sleep(other, pause_key="sleep of the other")
        await desk.sleep(ours, minute=5, pause_key="sleep 2")
        async with desk.ledger.begin() as session:
            query = select(WaitRow.slept_on).where(WaitRow.onboarding_id == other)
            assert (await session.scalars(query)).all() == [False]

    async def test_runs_of_others_that_are_awake_are_not_among_those_that_were_asked_for(
        self, desk: Desk, ours: str, other: str
    ):
        async with desk.ledger.begin() as session:
            await record_run(session, ours, "run of ours")
            await record_run(session, other, "run of the other")
        await adds(desk, "adds to the other", other, BAD)
        await is_asked_to_leave(desk, "asks the other", other)
        async with desk.ledger.begin() as session:
            assert await runs_not_asleep(session, ["run of ours"], at(0)) == {"run of ours"}
        await desk.sleep(ours)
        async with desk.ledger.begin() as session:
            assert await runs_not_asleep(session, ["run of ours"], at(0)) == set()

    async def test_who_leaves_the_queue_of_the_week_leaves_the_others_in_it(
        self, desk: Desk, ours: str, other: str
    ):
        third = await desk.started("corp", "102384266223095")
        async with desk.ledger.begin() as session:
            for each in (third, ours, other):
                await admit(session, await client_of(session, each), 1, at(0))
            assert await leave_queue(session, await client_of(session, ours))
            assert (await cap_use(session, 1, at(0))).queued == 1


class TestDoing:
    """What was done, asked for and shown."""

    async def test_what_is_done_for_another_is_no_try_of_ours(
        self, desk: Desk, ours: str, other: str
    ):
        await desk.begin(other, Verb.ASSOCIATE, BAD, minute=5)
        async with desk.ledger.begin() as session:
            assert not await tried_since(session, ours, at(1))
            assert await tried_since(session, other, at(1))

    async def test_what_another_waits_for_is_no_try_of_ours(
        self, desk: Desk, ours: str, other: str
    ):
        await desk.sleep(other, minute=5)
        async with desk.ledger.begin() as session:
            assert not await tried_since(session, ours, at(1))
            assert await tried_since(session, other, at(1))

    async def test_the_share_of_another_is_nothing_that_we_have_asked_for(
        self, desk: Desk, ours: str, other: str
    ):
        await desk.begin(other, Verb.SHARE, minute=5)
        async with desk.ledger.begin() as session:
            asks = (await received_about(session, ours)).asks
        assert asks is not None
        assert asks.shares == ()

    async def test_the_number_that_another_has_retried_was_not_asked_for_anew_by_us(
        self, desk: Desk, ours: str, other: str
    ):
        for each in (ours, other):
            async with desk.ledger.begin() as session:
                await expect_sender(session, each, GOOD, "request", at(0))
        async with desk.ledger.begin() as session:
            (row,) = await sender_rows(session, other)
            row.registration_retried_at = at(5)
        async with desk.ledger.begin() as session:
            asks = (await received_about(session, ours)).asks
        assert asks is not None
        assert asks.numbers == {}

    async def test_what_is_shown_of_one_is_not_shown_of_another_that_changed_with_it(
        self, desk: Desk, ours: str, other: str
    ):
        async with desk.ledger.begin() as session:
            for each in (ours, other):
                await show_soon(session, each, at(1))
            await note_shown(session, ours, await shown_of(session, ours))
        async with desk.ledger.begin() as session:
            assert (await shown_of(session, other)).due == at(1) + SOON
            assert (await shown_of(session, ours)).due is None


class TestAdding:
    """Senders that come later."""

    async def test_the_addition_of_another_number_is_not_the_one_that_was_asked_for(
        self, desk: Desk, other: str
    ):
        await adds(desk, "adds to the other", other, BAD)
        async with desk.ledger.begin() as session:
            assert await open_addition(session, GOOD) is None
            assert await known_addition(session, GOOD, at(1)) is None

    async def test_only_those_that_were_asked_for_are_said_to_be_registered(
        self, desk: Desk, ours: str, other: str
    ):
        for number, each in ((GOOD, ours), (BAD, other)):
            await adds(desk, f"adds {number}", each, number)
            await desk.write(each, true(ConditionType.REGISTERED), number)
        async with desk.ledger.begin() as session:
            additions = await additions_of(session, ours)
            assert await registered_of(session, additions) == {f"adds {GOOD}"}

    async def test_who_leaves_ends_the_patience_of_no_other_clients_addition(
        self, desk: Desk, ours: str, other: str
    ):
        await adds(desk, "adds to ours", ours, GOOD)
        await adds(desk, "adds to the other", other, BAD)
        async with desk.ledger.begin() as session:
            await end_onboarding(session, ours, at(1))
            assert await begin_leaving(session, ours, at(2))
        async with desk.ledger.begin() as session:
            (mine,) = await additions_of(session, ours)
            (theirs,) = await additions_of(session, other)
        assert (mine.give_up_at, theirs.give_up_at) == (at(2), None)


class TestNames:
    """Both have the number, which each knows by names of its own."""

    async def test_another_clients_spelling_of_a_number_is_not_ours(
        self, desk: Desk, ours: str, other: str
    ):
        async with desk.ledger.begin() as session:
            row = await expect_sender(session, other, LONG, "request", at(0))
            await note_names(session, row, {SHORT})
            assert await current_spelling(session, ours, SHORT) == SHORT
            assert await current_spelling(session, other, SHORT) == LONG
            assert await numbers_named(session, ours) == {}
            assert await sender_row(session, ours, {SHORT}) is None

    async def test_infobips_key_of_a_number_makes_no_sender_of_two_clients_one(
        self, desk: Desk, ours: str, other: str
    ):
        key = NumberKey("9A31E0")
        for each in (other, ours):
            async with desk.ledger.begin() as session:
                await expect_sender(session, each, GOOD, "request", at(0))
                await record_number_key(session, each, GOOD, key)
        async with desk.ledger.begin() as session:
            senders = [row for each in (ours, other) for row in await sender_rows(session, each)]
        assert [(row.phone_number, row.number_key) for row in senders] == [(GOOD, key)] * 2

    async def test_a_number_that_is_spelled_anew_keeps_its_spelling_at_another_client(
        self, desk: Desk, ours: str, other: str
    ):
        for each in (ours, other):
            async with desk.ledger.begin() as session:
                await expect_sender(session, each, SHORT, "request", at(0))
            await desk.begin(each, Verb.ASSOCIATE, SHORT)
        await desk.hear(ours, told(senders={LONG: "FINISHED"}))
        async with desk.ledger.begin() as session:
            mine, theirs = [await effects_of(session, each) for each in (ours, other)]
            (sender,) = (await read_onboarding(session, other)).senders
        assert [row.subject for row in mine] == [LONG]
        assert [row.subject for row in theirs] == [SHORT]
        assert sender.phone_number == SHORT
        assert ConditionType.REGISTERED in sender.conditions

    async def test_a_registered_sender_is_the_one_of_that_client_and_number(
        self, desk: Desk, ours: str, other: str
    ):
        await desk.hear(ours, told(senders={GOOD: "FINISHED", SHORT: "FINISHED"}))
        await desk.hear(other, told(senders={BAD: "FINISHED"}, businessAccountId=int(OTHER_WABA)))
        async with desk.ledger.begin() as session:
            found = await registered_sender(session, ours, PhoneNumber(SHORT))
            assert found is not None
            assert found.phone_number == SHORT
            assert await registered_sender(session, ours, BAD) is None


class TestComparing:
    """A reconciliation of one client looks at that one alone."""

    async def test_what_was_left_undone_is_told_of_the_client_that_was_asked_for(
        self, desk: Desk, ours: str, other: str
    ):
        for each in (ours, other):
            await desk.write(each, AWAY, GOOD)
            await ends(desk, each)
        async with desk.ledger.begin() as session:
            (left,) = await left_undone(session, at(0), "acme")
            assert left.onboarding_id == ours
            assert await given_up(session, at(1), "bolt") == [other]

    async def test_numbers_that_are_shared_or_were_are_looked_for_at_who_has_them(
        self, desk: Desk, ours: str, other: str
    ):
        moved = await desk.started("corp", "102384266223095")
        await desk.write(moved, not_true(ConditionType.OWNED, Reason.NUMBER_MOVED), BAD)
        async with desk.ledger.begin() as session:
            for each in (ours, other):
                await expect_sender(session, each, GOOD, "request", at(0))
        async with desk.ledger.begin() as session:
            assert await with_shared_numbers(session) == sorted([ours, other, moved])
            assert await with_shared_numbers(session, "acme") == [ours]

    async def test_it_is_the_turn_of_the_client_that_was_asked_for(
        self, desk: Desk, ours: str, other: str
    ):
        for each in (ours, other):
            await desk.write(each, true(ConditionType.REGISTERED), GOOD)
            await ends(desk, each)
        async with desk.ledger.begin() as session:
            turn = await next_turn(session, LookAt.META, (), "acme")
            assert [each.onboarding_id for each in turn.wabas] == [ours]
            assert await solutions_in_use(session) == {None: 2}
            assert await solutions_in_use(session, "acme") == {None: 1}

    async def test_what_was_ruled_of_anothers_number_is_not_written_of_ours(
        self, desk: Desk, ours: str, other: str
    ):
        await desk.write(other, not_true(ConditionType.OWNED, Reason.NUMBER_MOVED), BAD)
        await desk.look(ours, 1)
        async with desk.ledger.begin() as session:
            assert BAD not in await conditions_of(session, ours)

    async def test_how_the_numbers_of_others_stand_says_nothing_of_ours(
        self, desk: Desk, ours: str, other: str
    ):
        async with desk.ledger.begin() as session:
            await expect_sender(session, other, BAD, "request", at(0))
        await desk.hear(other, connected(BAD), minute=1)
        async with desk.ledger.begin() as session:
            assert await quality_about(session, ours) == []
            assert len(await quality_about(session, other)) == 1
