"""Attempts: cancelled, begun anew, and who may act; also when two decide at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tasks.cancel import note_cancelled
from tasks.retry import begin_again
from tests.domain.samples import BAD, GOOD, at, not_true, true
from tests.ledger.desk import Desk, reported, told
from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.errors import OutOfPlace, Superseded
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.ledger.admissions import admit, used
from waboard.ledger.attempts import (
    begin_attempt,
    begin_leg,
    being_cancelled,
    call_off,
    carried_by,
    end_cancelled,
    refuse_stopped,
    reopen_onboarding,
)
from waboard.ledger.decisions import decisions_of, record_decision, was_left_behind
from waboard.ledger.locks import hold
from waboard.ledger.models import OnboardingRow
from waboard.ledger.onboardings import (
    client_of,
    end_onboarding,
    go_on_soon,
    read_onboarding,
    record_card,
    record_run,
    runs_not_asleep,
    with_news,
    without_run,
)
from waboard.ledger.own_reads import keep_own_read, own_read_of
from waboard.ledger.watched import left_undone, on_the_way, registered_senders

RUN, NEXT_RUN = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
MIA, BEN = Order(by="mia", why="The phone is on."), Order(by="ben", why="It is mended.")
Begin = Callable[[AsyncSession, str, datetime], Awaitable[None]]
REGISTERED, VERIFIED = ConditionType.REGISTERED, ConditionType.VERIFIED
NO_REPORT = not_true(VERIFIED, Reason.NO_REPORT)


@pytest.fixture
async def onboarding_id(desk: Desk) -> str:
    """One that a run carries."""
    started = await desk.started(phone_numbers=(GOOD, BAD))
    async with desk.ledger.begin() as session:
        await record_run(session, started, RUN)
    return started


async def read(desk: Desk, onboarding_id: str) -> Onboarding:
    async with desk.ledger.begin() as session:
        return await read_onboarding(session, onboarding_id)


async def end(desk: Desk, onboarding_id: str, minute: float, outcome: str = "LiveLimited") -> None:
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(minute), outcome)


async def cancel(desk: Desk, onboarding_id: str, minute: float, order: Order = MIA) -> None:
    """Cancel it, as far as the ledger goes."""
    await note_cancelled(desk.ledger, lambda: at(minute), onboarding_id, order)


async def stopped(desk: Desk, onboarding_id: str, minute: float) -> None:
    """Its run has stopped."""
    async with desk.ledger.begin() as session:
        await end_cancelled(session, onboarding_id, at(minute))


async def retry(
    desk: Desk, onboarding_id: str, minute: float, order: Order = MIA, **sender: str
) -> Onboarding:
    return await begin_again(desk.ledger, lambda: at(minute), onboarding_id, order, **sender)  # pyright: ignore[reportArgumentType]


class TestCancelled:
    """Nothing of it goes on."""

    async def test_it_is_known_who_cancelled_it_and_why(self, desk: Desk, onboarding_id: str):
        await cancel(desk, onboarding_id, 5)
        decision = (await read(desk, onboarding_id)).cancelled
        assert decision is not None
        assert (decision.by, decision.why, decision.at) == (MIA.by, MIA.why, at(5))

    async def test_it_ends_once_its_run_has_stopped(self, desk: Desk, onboarding_id: str):
        await cancel(desk, onboarding_id, 5)
        async with desk.ledger.begin() as session:
            assert await being_cancelled(session) == [onboarding_id]
        assert (await read(desk, onboarding_id)).ended_at is None
        await stopped(desk, onboarding_id, 6)
        ended = await read(desk, onboarding_id)
        assert (ended.ended_at, ended.ended_as) == (at(6), "Cancelled")
        async with desk.ledger.begin() as session:
            assert await being_cancelled(session) == []

    async def test_only_what_is_cancelled_and_has_not_stopped_is_being_cancelled(
        self, desk: Desk, onboarding_id: str
    ):
        await desk.started("globex", "102384266223094")
        async with desk.ledger.begin() as session:
            assert await being_cancelled(session) == []
        await cancel(desk, onboarding_id, 5)
        async with desk.ledger.begin() as session:
            assert await being_cancelled(session) == [onboarding_id]

    async def test_it_ends_once_and_at_the_first_time(self, desk: Desk, onboarding_id: str):
        await cancel(desk, onboarding_id, 5)
        for minute, ends in ((6, True), (7, False)):
            async with desk.ledger.begin() as session:
                assert await end_cancelled(session, onboarding_id, at(minute)) is ends
        assert (await read(desk, onboarding_id)).ended_at == at(6)

    async def test_no_leg_may_act_although_its_run_has_stopped_already(
        self, desk: Desk, onboarding_id: str
    ):
        """Only a retry lets it go on, and a leg that comes late is none."""
        await cancel(desk, onboarding_id, 5)
        await stopped(desk, onboarding_id, 6)
        with pytest.raises(Superseded):
            async with desk.ledger.begin() as session:
                await begin_leg(session, onboarding_id, RUN, "late")

    async def test_a_run_of_which_no_onboarding_is_known_is_stopped_by_nobody(self, desk: Desk):
        async with desk.ledger.begin() as session:
            await refuse_stopped(session, "none", RUN)

    async def test_which_leg_acts_is_written_down(self, desk: Desk, onboarding_id: str):
        async with desk.ledger.begin() as session:
            await begin_leg(session, onboarding_id, NEXT_RUN, "leg")
        async with desk.ledger.begin() as session:
            await hold(session, onboarding_id, "leg")
        assert (await read(desk, onboarding_id)).flow_run_id == NEXT_RUN
        with pytest.raises(Superseded):
            async with desk.ledger.begin() as session:
                await hold(session, onboarding_id, "another")

    async def test_what_nobody_cancelled_is_not_ended_so(self, desk: Desk, onboarding_id: str):
        await stopped(desk, onboarding_id, 6)
        assert (await read(desk, onboarding_id)).ended_at is None

    async def test_nobody_wakes_it(self, desk: Desk, onboarding_id: str):
        await desk.sleep(onboarding_id)
        await cancel(desk, onboarding_id, 5)
        assert await desk.claim(1000) == []
        assert (await read(desk, onboarding_id)).wait is None

    async def test_no_leg_of_it_may_act(self, desk: Desk, onboarding_id: str):
        async with desk.ledger.begin() as session:
            await begin_leg(session, onboarding_id, RUN, "leg")
        await cancel(desk, onboarding_id, 5)
        for act in (
            lambda session: hold(session, onboarding_id, "leg"),
            lambda session: refuse_stopped(session, onboarding_id, RUN),
            lambda session: begin_leg(session, onboarding_id, RUN, "another"),
        ):
            with pytest.raises(Superseded):
                async with desk.ledger.begin() as session:
                    await act(session)

    async def test_its_place_in_the_queue_is_given_back(self, desk: Desk, onboarding_id: str):
        ahead = await desk.started("ahead", "102384266220000")
        behind = await desk.started("behind", "102384266220001")
        async with desk.ledger.begin() as session:
            for each in (ahead, onboarding_id, behind):
                await admit(session, await client_of(session, each), 1, at(0))
        await desk.sleep(behind, WaitKind.SLOT)
        await cancel(desk, onboarding_id, 5)
        assert [due.onboarding_id for due in await desk.claim(5)] == [behind]
        async with desk.ledger.begin() as session:
            assert await admit(session, await client_of(session, behind), 2, at(6)) is None

    async def test_a_place_that_was_taken_stays_taken(self, desk: Desk, onboarding_id: str):
        async with desk.ledger.begin() as session:
            await admit(session, await client_of(session, onboarding_id), 1, at(0))
        await cancel(desk, onboarding_id, 5)
        async with desk.ledger.begin() as session:
            assert await used(session, at(5)) == 1

    async def test_what_comes_later_is_kept_and_changes_nothing(
        self, desk: Desk, onboarding_id: str
    ):
        await cancel(desk, onboarding_id, 5)
        await stopped(desk, onboarding_id, 6)
        after = await desk.hear(onboarding_id, told("FINISHED", 7, {GOOD: "FINISHED"}), minute=7)
        assert after.sender(GOOD).holds(REGISTERED)
        assert (await desk.events())[-1].disposition == "applied"
        async with desk.ledger.begin() as session:
            await go_on_soon(session, onboarding_id, at(8))
            assert await with_news(session) == []

    async def test_nothing_takes_it_up_again(self, desk: Desk, onboarding_id: str):
        await desk.write(onboarding_id, true(REGISTERED), GOOD)
        away = not_true(ConditionType.CONNECTED, Reason.PROVIDER_UNAVAILABLE)
        await desk.write(onboarding_id, away)
        await cancel(desk, onboarding_id, 5)
        async with desk.ledger.begin() as session:
            assert await on_the_way(session, "acme") == []
            assert await carried_by(session, [RUN]) == []
        await stopped(desk, onboarding_id, 6)
        async with desk.ledger.begin() as session:
            assert await runs_not_asleep(session, [RUN], at(0)) == set()
            assert await left_undone(session, at(-60)) == []
        assert [page async for page in registered_senders(desk.ledger)] == [[]]

    async def test_one_whose_run_was_about_to_start_is_not_started(self, desk: Desk):
        fresh = await desk.started()
        await cancel(desk, fresh, 5)
        async with desk.ledger.begin() as session:
            assert await without_run(session) == []

    async def test_a_run_that_has_stopped_may_be_retried(self, desk: Desk, onboarding_id: str):
        await cancel(desk, onboarding_id, 5)
        await stopped(desk, onboarding_id, 6)
        async with desk.ledger.begin() as session:
            await refuse_stopped(session, onboarding_id, RUN)

    async def test_a_retry_of_its_run_lets_it_go_on(self, desk: Desk, onboarding_id: str):
        await cancel(desk, onboarding_id, 5)
        await stopped(desk, onboarding_id, 6)
        async with desk.ledger.begin() as session:
            await reopen_onboarding(session, onboarding_id, at(7))
            await begin_leg(session, onboarding_id, RUN, "leg")
        again = await read(desk, onboarding_id)
        assert (again.cancelled, again.ended_at, again.attempt) == (None, None, 1)

    async def test_the_same_order_twice_is_one(self, desk: Desk, onboarding_id: str):
        await cancel(desk, onboarding_id, 5)
        await cancel(desk, onboarding_id, 6)
        await stopped(desk, onboarding_id, 7)
        await cancel(desk, onboarding_id, 8)
        async with desk.ledger.begin() as session:
            assert [d.at for d in await decisions_of(session, onboarding_id)] == [at(5)]

    async def test_what_somebody_else_has_cancelled_is_not_cancelled_twice(
        self, desk: Desk, onboarding_id: str
    ):
        await cancel(desk, onboarding_id, 5)
        with pytest.raises(OutOfPlace, match="cancelled already, by mia"):
            await cancel(desk, onboarding_id, 6, BEN)


class TestBegunAnew:
    """A new attempt keeps what is true."""

    async def test_it_is_the_next_attempt_and_needs_a_run(self, desk: Desk, onboarding_id: str):
        await end(desk, onboarding_id, 5)
        begun = await retry(desk, onboarding_id, 6)
        assert (begun.attempt, begun.flow_run_id, begun.ended_at) == (2, None, None)
        assert begun.run_name.endswith("attempt 2")
        async with desk.ledger.begin() as session:
            assert await without_run(session) == [onboarding_id]

    async def test_what_failed_is_tried_again_and_what_is_true_stays(
        self, desk: Desk, onboarding_id: str
    ):
        await desk.write(onboarding_id, true(VERIFIED), GOOD)
        await desk.write(onboarding_id, NO_REPORT, BAD)
        await desk.write(onboarding_id, not_true(REGISTERED, Reason.REGISTRATION_TIMED_OUT))
        await end(desk, onboarding_id, 5)
        begun = await retry(desk, onboarding_id, 6)
        assert begun.sender(GOOD).holds(VERIFIED)
        assert begun.sender(BAD).may_be_tested_again
        assert REGISTERED not in begun.conditions

    async def test_with_a_sender_the_others_keep_what_they_failed_at(
        self, desk: Desk, onboarding_id: str
    ):
        for number in (GOOD, BAD):
            await desk.write(onboarding_id, true(REGISTERED), number)
            await desk.write(onboarding_id, NO_REPORT, number)
        rejected = not_true(ConditionType.TEMPLATE_READY, Reason.TEMPLATE_REJECTED)
        unsubscribed = not_true(ConditionType.CONNECTED, Reason.SUBSCRIPTION_REFUSED)
        gave_up = not_true(REGISTERED, Reason.REGISTRATION_TIMED_OUT)
        for condition in (rejected, unsubscribed, gave_up):
            await desk.write(onboarding_id, condition)
        await end(desk, onboarding_id, 5)
        begun = await retry(desk, onboarding_id, 6, phone_number=BAD)
        assert begun.sender(BAD).may_be_tested_again
        assert begun.sender(GOOD).conditions[VERIFIED].reason == Reason.NO_REPORT
        assert set(begun.conditions) == {ConditionType.CONNECTED, REGISTERED}

    @pytest.mark.parametrize(
        ("condition", "number", "is_forgotten"),
        [
            (not_true(ConditionType.SHARED, Reason.PROVIDER_UNAVAILABLE), "", False),
            (not_true(ConditionType.SHARED, Reason.SHARE_REFUSED), "", False),
            (not_true(ConditionType.ASSOCIATED, Reason.PROVIDER_UNAVAILABLE), GOOD, True),
            (not_true(ConditionType.ASSOCIATED, Reason.ASSOCIATION_REFUSED), GOOD, False),
            (not_true(VERIFIED, Reason.PROVIDER_UNAVAILABLE), GOOD, True),
            (not_true(REGISTERED, Reason.REGISTRATION_TIMED_OUT), "", True),
            (not_true(ConditionType.RECEIVES, Reason.NO_INBOUND), GOOD, True),
            (not_true(ConditionType.CONNECTED, Reason.SUBSCRIPTION_REFUSED), "", True),
            (not_true(ConditionType.TEMPLATE_READY, Reason.TEMPLATE_REJECTED), "", True),
            (true(ConditionType.CONNECTED), "", False),
            (true(ConditionType.RECEIVES), GOOD, False),
        ],
        ids=lambda given: f"{given.type} {given.reason}" if hasattr(given, "reason") else None,
    )
    async def test_what_was_given_up_or_kept_back_by_an_outage_is_looked_for_anew(
        self, desk: Desk, onboarding_id: str, condition: Condition, number: str, is_forgotten: bool
    ):
        """Not that it was shared, which keeps it from standing at the door again."""
        await desk.write(onboarding_id, condition, number)
        await end(desk, onboarding_id, 5)
        begun = await retry(desk, onboarding_id, 6)
        held = begun.sender(GOOD).conditions if number else begun.conditions
        assert (condition.type not in held) is is_forgotten

    async def test_what_a_sender_failed_at_says_whether_its_own_registration_is_awaited(
        self, desk: Desk, onboarding_id: str
    ):
        """Not what else is true of it, nor that another is registered."""
        await desk.write(onboarding_id, true(REGISTERED), GOOD)
        await desk.write(onboarding_id, true(ConditionType.ASSOCIATED), BAD)
        await desk.write(onboarding_id, not_true(REGISTERED, Reason.REGISTRATION_TIMED_OUT))
        await end(desk, onboarding_id, 5)
        begun = await retry(desk, onboarding_id, 6, phone_number=BAD)
        assert REGISTERED not in begun.conditions

    async def test_nothing_that_failed_but_the_test_message_is_asked_for_anew(
        self, desk: Desk, onboarding_id: str
    ):
        refused = not_true(ConditionType.ASSOCIATED, Reason.ASSOCIATION_REFUSED)
        await desk.write(onboarding_id, refused, GOOD)
        await end(desk, onboarding_id, 5)
        begun = await retry(desk, onboarding_id, 6)
        assert VERIFIED not in begun.sender(GOOD).conditions

    @pytest.mark.parametrize("begin", [begin_attempt, reopen_onboarding])
    async def test_a_message_that_had_failed_by_then_does_not_fail_the_retry(
        self, desk: Desk, onboarding_id: str, begin: Begin
    ):
        """Its report is still there, and is looked at again."""
        message_id = await desk.send(onboarding_id, GOOD)
        await desk.hear(onboarding_id, reported("rejected", 3, message_id), minute=3)
        await end(desk, onboarding_id, 5)
        async with desk.ledger.begin() as session:
            await begin(session, onboarding_id, at(6))
        assert (await desk.look(onboarding_id, 7)).sender(GOOD).may_be_tested_again

    async def test_its_last_run_sleeps_no_more(self, desk: Desk, onboarding_id: str):
        await desk.sleep(onboarding_id)
        async with desk.ledger.begin() as session:
            await begin_attempt(session, onboarding_id, at(6))
        assert (await read(desk, onboarding_id)).wait is None
        assert await desk.claim(1000) == []

    async def test_what_we_saw_ourselves_is_looked_at_anew(self, desk: Desk, onboarding_id: str):
        """Else the next word of Meta's would be weighed against it."""
        refused = not_true(ConditionType.CONNECTED, Reason.SUBSCRIPTION_REFUSED)
        await desk.write(onboarding_id, refused)
        async with desk.ledger.begin() as session:
            row = await session.get_one(OnboardingRow, onboarding_id)
            keep_own_read(row, refused)
        await end(desk, onboarding_id, 5)
        await retry(desk, onboarding_id, 6)
        async with desk.ledger.begin() as session:
            row = await session.get_one(OnboardingRow, onboarding_id)
            assert own_read_of(row, ConditionType.CONNECTED) is None

    async def test_what_came_before_a_retry_is_of_before_it(self, desk: Desk, onboarding_id: str):
        """It was kept, and nobody had looked: no answer to what is asked for now."""
        await end(desk, onboarding_id, 5)
        await desk.keep(told("FAILED", 4, {GOOD: "FAILED"}), minute=5)
        async with desk.ledger.begin() as session:
            await begin_attempt(session, onboarding_id, at(6))
        assert (await desk.events())[-1].disposition == "applied"

    async def test_a_sender_that_is_not_registered_has_its_registration_awaited_again(
        self, desk: Desk, onboarding_id: str
    ):
        await desk.write(onboarding_id, not_true(REGISTERED, Reason.REGISTRATION_TIMED_OUT))
        await end(desk, onboarding_id, 5)
        begun = await retry(desk, onboarding_id, 6, phone_number=BAD)
        assert REGISTERED not in begun.conditions

    async def test_whether_the_last_attempt_was_told_says_nothing_of_this_one(
        self, desk: Desk, onboarding_id: str
    ):
        await desk.write(onboarding_id, true(ConditionType.NOTIFIED))
        await end(desk, onboarding_id, 5)
        begun = await retry(desk, onboarding_id, 6)
        assert ConditionType.NOTIFIED not in begun.conditions
        assert begun.ended_as is None

    async def test_the_run_of_the_last_attempt_may_not_act(self, desk: Desk, onboarding_id: str):
        await end(desk, onboarding_id, 5)
        await retry(desk, onboarding_id, 6)
        async with desk.ledger.begin() as session:
            assert await was_left_behind(session, onboarding_id, RUN)
            await begin_leg(session, onboarding_id, NEXT_RUN, "leg")
        with pytest.raises(Superseded):
            async with desk.ledger.begin() as session:
                await begin_leg(session, onboarding_id, RUN, "old")
        assert (await read(desk, onboarding_id)).flow_run_id == NEXT_RUN

    async def test_what_the_last_attempt_still_writes_down_does_not_count(
        self, desk: Desk, onboarding_id: str
    ):
        """Its starter and its last leg were slow."""
        await end(desk, onboarding_id, 5)
        await retry(desk, onboarding_id, 6)
        async with desk.ledger.begin() as session:
            await record_run(session, onboarding_id, RUN, 1)
            await record_card(session, onboarding_id, "card", 1)
        assert (await read(desk, onboarding_id)).flow_run_id is None

    async def test_a_message_that_is_on_its_way_still_counts(self, desk: Desk, onboarding_id: str):
        """It was cancelled while a report was awaited, which comes in the next attempt."""
        message_id = await desk.send(onboarding_id, GOOD)
        await desk.look(onboarding_id)
        await cancel(desk, onboarding_id, 5)
        await stopped(desk, onboarding_id, 6)
        await retry(desk, onboarding_id, 7)
        after = await desk.hear(onboarding_id, reported("expired", 8, message_id), minute=8)
        assert after.sender(GOOD).conditions[VERIFIED].reason == Reason.MESSAGE_EXPIRED

    async def test_a_cancelled_one_goes_on(self, desk: Desk, onboarding_id: str):
        await cancel(desk, onboarding_id, 5)
        await stopped(desk, onboarding_id, 6)
        begun = await retry(desk, onboarding_id, 7)
        assert (begun.cancelled, begun.attempt) == (None, 2)

    async def test_the_same_order_twice_is_one_attempt(self, desk: Desk, onboarding_id: str):
        await end(desk, onboarding_id, 5)
        await retry(desk, onboarding_id, 6)
        assert (await retry(desk, onboarding_id, 7)).attempt == 2

    async def test_another_order_finds_it_on_its_way(self, desk: Desk, onboarding_id: str):
        await end(desk, onboarding_id, 5)
        await retry(desk, onboarding_id, 6)
        with pytest.raises(OutOfPlace, match="on its way, as attempt 2"):
            await retry(desk, onboarding_id, 7, BEN)

    async def test_the_same_order_after_its_end_is_another_attempt(
        self, desk: Desk, onboarding_id: str
    ):
        await end(desk, onboarding_id, 5)
        await retry(desk, onboarding_id, 6)
        await end(desk, onboarding_id, 7)
        assert (await retry(desk, onboarding_id, 8)).attempt == 3

    async def test_what_is_refused_is_not_written_down(self, desk: Desk, onboarding_id: str):
        for number in (GOOD, BAD):
            for kind in (REGISTERED, ConditionType.ASSOCIATED, VERIFIED):
                await desk.write(onboarding_id, true(kind), number)
        await end(desk, onboarding_id, 5, "Live")
        with pytest.raises(OutOfPlace, match="nothing to retry"):
            await retry(desk, onboarding_id, 6)
        async with desk.ledger.begin() as session:
            assert await decisions_of(session, onboarding_id) == []


class TestTwoAtOnce:
    """Whoever holds the onboarding first decides; the other sees it."""

    async def test_one_order_that_comes_twice_is_one_attempt(
        self, desk: Desk, other_desk: Desk, onboarding_id: str
    ):
        await end(desk, onboarding_id, 5)
        both = await asyncio.gather(*(retry(d, onboarding_id, 6) for d in (desk, other_desk)))
        assert [each.attempt for each in both] == [2, 2]
        async with desk.ledger.begin() as session:
            assert len(await decisions_of(session, onboarding_id)) == 1

    async def test_of_two_orders_one_is_refused(
        self, desk: Desk, other_desk: Desk, onboarding_id: str
    ):
        await end(desk, onboarding_id, 5)
        both = await asyncio.gather(
            retry(desk, onboarding_id, 6, MIA),
            retry(other_desk, onboarding_id, 6, BEN),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in both) == ["Onboarding", "OutOfPlace"]
        assert (await read(desk, onboarding_id)).attempt == 2

    async def test_of_two_who_cancel_one_is_refused(
        self, desk: Desk, other_desk: Desk, onboarding_id: str
    ):
        both = await asyncio.gather(
            cancel(desk, onboarding_id, 5, MIA),
            cancel(other_desk, onboarding_id, 5, BEN),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in both) == ["NoneType", "OutOfPlace"]

    async def test_a_leg_that_ends_and_somebody_who_cancels_agree(
        self, desk: Desk, other_desk: Desk, onboarding_id: str
    ):
        """Either it has ended and is not cancelled, or the leg finds that it may not end it."""
        async with desk.ledger.begin() as session:
            await begin_leg(session, onboarding_id, RUN, "leg")

        async def ends() -> None:
            async with other_desk.ledger.begin() as session:
                await hold(session, onboarding_id, "leg")
                await end_onboarding(session, onboarding_id, at(5), "LiveLimited")

        both = await asyncio.gather(ends(), cancel(desk, onboarding_id, 5), return_exceptions=True)
        after = await read(desk, onboarding_id)
        (lost,) = [each for each in both if each is not None]
        won = OutOfPlace if after.cancelled is None else Superseded
        assert isinstance(lost, won)

    async def test_an_attempt_that_begins_while_it_is_cancelled_waits_or_is_refused(
        self, desk: Desk, other_desk: Desk, onboarding_id: str
    ):
        await end(desk, onboarding_id, 5)
        both = await asyncio.gather(
            retry(desk, onboarding_id, 6),
            cancel(other_desk, onboarding_id, 6),
            return_exceptions=True,
        )
        after = await read(desk, onboarding_id)
        assert after.attempt == 2
        assert (after.cancelled is not None) == (not isinstance(both[1], OutOfPlace))


async def test_a_decision_is_kept_word_for_word(desk: Desk, onboarding_id: str):
    async with desk.ledger.begin() as session:
        await record_decision(session, onboarding_id, DecisionVerb.RETRY, MIA, at(5), BAD)
        await begin_attempt(session, onboarding_id, at(5), BAD)
        await call_off(session, onboarding_id, at(6))
        (kept,) = await decisions_of(session, onboarding_id)
    assert (kept.verb, kept.by, kept.why, kept.phone_number) == ("retry", MIA.by, MIA.why, BAD)
