"""Senders that are added later: one run for each number, and how far it is."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.domain.samples import BAD, GOOD, WABA, at, not_true, true
from tests.ledger.desk import Desk
from waboard.domain.additions import Addition, AdditionState, SenderRequest
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import FactsDiffer
from waboard.domain.ids import PhoneNumber
from waboard.domain.reasons import Reason
from waboard.ledger.additions import (
    SETTLES_IN,
    additions_of,
    begin_anew,
    known_addition,
    move_addition,
    note_addition,
    open_addition,
    open_additions,
    record_sleep,
    registered_of,
    times_added,
)
from waboard.ledger.models import AdditionRow
from waboard.ledger.onboardings import runs_not_asleep

ASKED, CODE_AWAITED, SUBMITTED, REFUSED, TIMED_OUT, CANCELLED = AdditionState
FIRST, SECOND, THIRD = (f"{n}1111111-0000-4000-8000-000000000001" for n in (1, 2, 3))

every_end = pytest.mark.parametrize("end", [SUBMITTED, REFUSED, TIMED_OUT, CANCELLED])
every_vain_end = pytest.mark.parametrize("end", [REFUSED, TIMED_OUT, CANCELLED])


@pytest.fixture
async def onboarding_id(desk: Desk) -> str:
    return await desk.started()


async def note(
    desk: Desk, onboarding_id: str, run: str = FIRST, number: str = GOOD, minute: float = 0
) -> tuple[Addition, bool]:
    """Write down what a run is to add; how it is, and whether it was not written down."""
    request = SenderRequest(phone_number=PhoneNumber(number), display_name="Acme")
    async with desk.ledger.begin() as session:
        return await note_addition(session, run, onboarding_id, request, at(minute))


async def begin(
    desk: Desk, onboarding_id: str, run: str = FIRST, number: str = GOOD, minute: float = 0
) -> Addition:
    """Do what each leg of a run begins with."""
    await note(desk, onboarding_id, run, number, minute)
    async with desk.ledger.begin() as session:
        return await begin_anew(session, run, at(minute))


async def move(
    desk: Desk, state: AdditionState, detail: str = "So.", run: str = FIRST, minute: float = 1
) -> Addition:
    async with desk.ledger.begin() as session:
        return await move_addition(session, run, state, detail, at(minute))


async def sleep(desk: Desk, key: str, give_up: float, run: str = FIRST) -> Addition:
    """Write down that a run awaits the password; returns how it then is."""
    async with desk.ledger.begin() as session:
        await record_sleep(session, run, key, at(give_up))
    return await read(desk, run)


async def read(desk: Desk, run: str = FIRST) -> Addition:
    async with desk.ledger.begin() as session:
        row = await session.get_one(AdditionRow, run)
        all_of_them = await additions_of(session, row.onboarding_id)
    return next(each for each in all_of_them if each.id == run)


async def times(desk: Desk, run: str = FIRST) -> tuple[datetime, datetime, datetime | None]:
    """When it was asked for, last moved, and over."""
    async with desk.ledger.begin() as session:
        row = await session.get_one(AdditionRow, run)
        return row.asked_at, row.changed_at, row.ended_at


class TestBeginning:
    """A number is added by one run at a time, and a run begins once."""

    async def test_it_is_read_as_it_was_begun(self, desk: Desk, onboarding_id: str):
        begun = await begin(desk, onboarding_id, minute=3)
        assert begun == await read(desk)
        assert begun == Addition(
            FIRST, onboarding_id, WABA, GOOD, ASKED, "Asked for.", None, at(3), None, None
        )

    async def test_a_second_begin_of_the_same_run_changes_nothing(
        self, desk: Desk, onboarding_id: str
    ):
        """Every leg begins at the top."""
        first = await begin(desk, onboarding_id)
        assert await begin(desk, onboarding_id, minute=5) == first
        assert await times(desk) == (at(0), at(0), None)
        assert await desk.count(AdditionRow) == 1

    async def test_a_leg_that_wakes_up_finds_what_the_last_has_written(
        self, desk: Desk, onboarding_id: str
    ):
        await begin(desk, onboarding_id)
        await move(desk, CODE_AWAITED, "On its way.")
        asleep = await sleep(desk, "sleep 1", 60)
        assert await begin(desk, onboarding_id, minute=9) == asleep
        assert (asleep.state, asleep.detail, asleep.pause_key) == (
            CODE_AWAITED,
            "On its way.",
            "sleep 1",
        )

    async def test_what_was_submitted_stays_so(self, desk: Desk, onboarding_id: str):
        """Infobip registers that number: there is nothing to begin."""
        await begin(desk, onboarding_id)
        ended = await move(desk, SUBMITTED)
        assert await begin(desk, onboarding_id, minute=9) == ended
        assert await times(desk) == (at(0), at(1), at(1))

    @every_vain_end
    async def test_what_came_to_nothing_is_begun_anew_with_all_its_patience(
        self, desk: Desk, onboarding_id: str, end: AdditionState
    ):
        """Somebody retried its run."""
        await begin(desk, onboarding_id)
        await sleep(desk, "sleep 1", 60)
        await move(desk, end)
        again = await begin(desk, onboarding_id, minute=90)
        assert (again.state, again.detail) == (ASKED, "Asked for again.")
        assert (again.pause_key, again.give_up_at) == (None, None)
        assert await times(desk) == (at(0), at(90), None)
        assert (await sleep(desk, "sleep 2", 150)).give_up_at == at(150)

    async def test_two_runs_do_not_add_the_same_number(self, desk: Desk, onboarding_id: str):
        """The second is told whose turn it is, and is not written down."""
        await begin(desk, onboarding_id)
        with pytest.raises(FactsDiffer, match="…8538 already") as refused:
            await begin(desk, onboarding_id, SECOND)
        assert GOOD not in str(refused.value)
        assert "Prefect UI" in refused.value.remedy
        assert await desk.count(AdditionRow) == 1

    async def test_neither_do_two_clients(self, desk: Desk, onboarding_id: str):
        other = await desk.started("globex", "102384266223094")
        await begin(desk, onboarding_id)
        with pytest.raises(FactsDiffer):
            await begin(desk, other, SECOND)

    async def test_another_number_is_added_beside_it(self, desk: Desk, onboarding_id: str):
        await begin(desk, onboarding_id)
        await begin(desk, onboarding_id, SECOND, BAD)
        assert await desk.count(AdditionRow) == 2

    @every_end
    async def test_another_run_may_add_it_once_the_first_is_over(
        self, desk: Desk, onboarding_id: str, end: AdditionState
    ):
        await begin(desk, onboarding_id)
        ended = await move(desk, end)
        assert (await begin(desk, onboarding_id, SECOND)).state is ASKED
        assert await read(desk) == ended

    @every_vain_end
    async def test_a_retry_is_refused_while_another_run_adds_the_number(
        self, desk: Desk, onboarding_id: str, end: AdditionState
    ):
        """It stays as it ended."""
        await begin(desk, onboarding_id)
        ended = await move(desk, end)
        await begin(desk, onboarding_id, SECOND)
        with pytest.raises(FactsDiffer):
            await begin(desk, onboarding_id, minute=9)
        assert await read(desk) == ended

    async def test_of_two_runs_in_the_same_instant_one_adds_it(
        self, desk: Desk, other_desk: Desk, onboarding_id: str
    ):
        answers = await asyncio.gather(
            begin(desk, onboarding_id),
            begin(other_desk, onboarding_id, SECOND),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in answers) == ["Addition", "FactsDiffer"]
        assert await desk.count(AdditionRow) == 1

    async def test_a_run_and_whoever_started_it_may_write_it_down_in_the_same_instant(
        self, desk: Desk, other_desk: Desk, onboarding_id: str
    ):
        """It is the same run: neither is told of another, and one of them was first."""
        noted = await asyncio.gather(note(desk, onboarding_id), note(other_desk, onboarding_id))
        assert [addition for addition, _ in noted] == [await read(desk)] * 2
        assert sorted(first for _, first in noted) == [False, True]
        assert await desk.count(AdditionRow) == 1

    @every_end
    async def test_only_a_run_itself_begins_anew(
        self, desk: Desk, onboarding_id: str, end: AdditionState
    ):
        """Whoever started it may write it down when it is over already."""
        assert (await note(desk, onboarding_id))[1]
        ended = await move(desk, end)
        assert await note(desk, onboarding_id, minute=9) == (ended, False)

    async def test_a_begin_that_is_refused_spoils_nothing_else_of_its_transaction(
        self, desk: Desk, onboarding_id: str
    ):
        await begin(desk, onboarding_id)
        request = SenderRequest(phone_number=GOOD, display_name="Acme")
        async with desk.ledger.begin() as session:
            await move_addition(session, FIRST, CODE_AWAITED, "On its way.", at(1))
            with pytest.raises(FactsDiffer):
                await note_addition(session, SECOND, onboarding_id, request, at(1))
        assert (await read(desk)).state is CODE_AWAITED


class TestMoving:
    """How far it is, until it is over."""

    async def test_each_move_says_what_happened_last(self, desk: Desk, onboarding_id: str):
        await begin(desk, onboarding_id)
        for minute, detail in enumerate(["On its way.", "That was wrong."], start=1):
            moved = await move(desk, CODE_AWAITED, detail, minute=minute)
            assert (moved.state, moved.detail) == (CODE_AWAITED, detail)
            assert await times(desk) == (at(0), at(minute), None)
            assert await read(desk) == moved

    @every_end
    async def test_an_end_is_written_with_its_time(
        self, desk: Desk, onboarding_id: str, end: AdditionState
    ):
        await begin(desk, onboarding_id)
        await sleep(desk, "sleep 1", 60)
        ended = await move(desk, end, "Over.", minute=7)
        assert (ended.state, ended.detail, ended.give_up_at) == (end, "Over.", at(60))
        assert await times(desk) == (at(0), at(7), at(7))

    @every_end
    @pytest.mark.parametrize("late", AdditionState)
    async def test_what_is_over_stays_as_it_ended(
        self, desk: Desk, onboarding_id: str, end: AdditionState, late: AdditionState
    ):
        """Whoever comes second is told how."""
        await begin(desk, onboarding_id)
        ended = await move(desk, end, "Over.")
        assert await move(desk, late, "Late.", minute=9) == ended
        assert await times(desk) == (at(0), at(1), at(1))

    async def test_a_sleep_is_known_by_its_key_and_the_end_of_the_first_stands(
        self, desk: Desk, onboarding_id: str
    ):
        """A wrong password makes nobody more patient."""
        await begin(desk, onboarding_id)
        first = await sleep(desk, "sleep 1", 60)
        second = await sleep(desk, "sleep 2", 90)
        assert (first.pause_key, first.give_up_at) == ("sleep 1", at(60))
        assert (second.pause_key, second.give_up_at) == ("sleep 2", at(60))


class TestFinding:
    """Which there are, and which are registered by now."""

    async def test_the_open_ones_are_those_that_are_not_over(self, desk: Desk, onboarding_id: str):
        await begin(desk, onboarding_id, FIRST, GOOD)
        await begin(desk, onboarding_id, SECOND, BAD)
        await move(desk, CODE_AWAITED, run=SECOND)
        async with desk.ledger.begin() as session:
            assert {each.id for each in await open_additions(session)} == {FIRST, SECOND}
        await move(desk, REFUSED)
        async with desk.ledger.begin() as session:
            assert [each.id for each in await open_additions(session)] == [SECOND]

    async def test_that_of_a_number_is_found_while_it_is_not_over(
        self, desk: Desk, onboarding_id: str
    ):
        async def found() -> Addition | None:
            async with desk.ledger.begin() as session:
                assert await open_addition(session, BAD) is None
                return await open_addition(session, GOOD)

        assert await found() is None
        begun = await begin(desk, onboarding_id)
        assert await found() == begun
        await move(desk, SUBMITTED)
        assert await found() is None
        again = await begin(desk, onboarding_id, SECOND)
        assert await found() == again

    async def test_what_is_under_way_is_not_to_be_asked_for_again(
        self, desk: Desk, onboarding_id: str
    ):
        assert await known_at(desk, 0) is None
        await begin(desk, onboarding_id, SECOND, BAD)
        assert await known_at(desk, 0) is None
        begun = await begin(desk, onboarding_id)
        assert await known_at(desk, 10_000) == begun

    async def test_neither_is_for_a_day_what_infobip_registers(
        self, desk: Desk, onboarding_id: str
    ):
        """Its registration is on its way."""
        await begin(desk, onboarding_id)
        ended = await move(desk, SUBMITTED, minute=5)
        day = SETTLES_IN.total_seconds() / 60
        assert await known_at(desk, 5 + day - 1) == ended
        assert await known_at(desk, 5 + day) is None

    @every_vain_end
    async def test_what_came_to_nothing_may_be_asked_for_again(
        self, desk: Desk, onboarding_id: str, end: AdditionState
    ):
        await begin(desk, onboarding_id)
        await move(desk, end)
        assert await known_at(desk, 1) is None
        again = await begin(desk, onboarding_id, SECOND, minute=2)
        assert await known_at(desk, 2) == again

    async def test_a_number_is_counted_however_each_ended_and_wherever(
        self, desk: Desk, onboarding_id: str
    ):
        async def times_asked() -> int:
            async with desk.ledger.begin() as session:
                return await times_added(session, GOOD)

        other = await desk.started("globex", "102384266223094")
        await begin(desk, other, THIRD, BAD)
        assert await times_asked() == 0
        for count, (run, where) in enumerate([(FIRST, onboarding_id), (SECOND, other)], start=1):
            await begin(desk, where, run)
            await begin(desk, where, run)
            assert await times_asked() == count
            await move(desk, CANCELLED, run=run)

    async def test_a_run_that_broke_off_is_taken_up_until_it_is_over(
        self, desk: Desk, onboarding_id: str
    ):
        async def taken_up() -> set[str]:
            async with desk.ledger.begin() as session:
                return await runs_not_asleep(session, [FIRST, THIRD], at(0))

        await begin(desk, onboarding_id, FIRST, GOOD)
        await begin(desk, onboarding_id, SECOND, BAD)
        assert await taken_up() == {FIRST}
        await move(desk, REFUSED)
        assert await taken_up() == set()

    async def test_those_of_an_onboarding_are_listed_as_they_were_asked_for(
        self, desk: Desk, onboarding_id: str
    ):
        """With those that are over, and without those of others."""
        other = await desk.started("globex", "102384266223094")
        await begin(desk, onboarding_id, THIRD, GOOD, minute=1)
        await move(desk, CANCELLED, run=THIRD)
        await begin(desk, onboarding_id, FIRST, GOOD, minute=2)
        await begin(desk, other, SECOND, BAD, minute=3)
        async with desk.ledger.begin() as session:
            mine = await additions_of(session, onboarding_id)
            theirs = await additions_of(session, other)
        assert [each.id for each in mine] == [THIRD, FIRST]
        assert [each.id for each in theirs] == [SECOND]

    async def test_a_registered_one_is_one_whose_number_is_registered_on_its_own_waba(
        self, desk: Desk, onboarding_id: str
    ):
        other = await desk.started("globex", "102384266223094")
        registered = true(ConditionType.REGISTERED)
        additions = [await begin(desk, onboarding_id), await begin(desk, other, SECOND, BAD)]
        for where, subject in [(onboarding_id, BAD), (other, GOOD), (onboarding_id, "")]:
            await desk.write(where, registered, subject)
        await desk.write(onboarding_id, true(ConditionType.ASSOCIATED), GOOD)
        assert await ids_registered(desk, additions) == set()
        await desk.write(onboarding_id, registered, GOOD)
        assert await ids_registered(desk, additions) == {FIRST}
        assert await ids_registered(desk, additions[1:]) == set()

    @pytest.mark.parametrize(
        ("reason", "status"),
        [
            (Reason.REGISTRATION_IN_PROGRESS, Status.UNKNOWN),
            (Reason.REGISTRATION_FAILED, Status.FALSE),
        ],
    )
    async def test_one_that_is_not_known_to_be_registered_is_not(
        self, desk: Desk, onboarding_id: str, reason: Reason, status: Status
    ):
        additions = [await begin(desk, onboarding_id)]
        await desk.write(onboarding_id, not_true(ConditionType.REGISTERED, reason, status), GOOD)
        assert await ids_registered(desk, additions) == set()

    async def test_of_none_none_is_registered(self, desk: Desk):
        assert await ids_registered(desk, []) == set()


async def ids_registered(desk: Desk, additions: Sequence[Addition]) -> set[str]:
    async with desk.ledger.begin() as session:
        return await registered_of(session, additions)


async def known_at(desk: Desk, minute: float) -> Addition | None:
    """Because of which addition the number is not to be asked for then."""
    async with desk.ledger.begin() as session:
        return await known_addition(session, GOOD, at(minute))
