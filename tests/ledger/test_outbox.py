"""The outbox: what happened is told, and only that, in the order in which it happened."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.domain.samples import BAD, GOOD, at
from tests.ledger.desk import PLAN, Desk, told
from tests.neighbour import is_not_theirs
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.errors import NotFound
from waboard.domain.outcome import outcome_of
from waboard.domain.posting import SCHEDULE, Answer, MessageState, Result
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.conditions import conditions_of, give_up_upstream, write_condition
from waboard.ledger.database import Ledger
from waboard.ledger.deliveries import LEASE, Letter, claim, claim_due, settle
from waboard.ledger.locks import hold
from waboard.ledger.look import look
from waboard.ledger.models import OutboxRow, Verb
from waboard.ledger.onboardings import end_onboarding
from waboard.ledger.outbox import (
    KEPT_FOR,
    body_of,
    drop_pending,
    forget_old,
    hold_message,
    list_messages,
    read_message,
    replay,
    replay_since,
    tell_outcome,
    tell_wait,
)
from waboard.ledger.waits import open_wait

KEY = "receiver"
TAKEN = Answer(Result.TAKEN, "HTTP 204")
REFUSED = Answer(Result.REFUSED, "HTTP 422")
GONE = Answer(Result.GONE, "HTTP 410")


def shared(status: Status = Status.TRUE, reason: str = Reason.SHARE_ACCEPTED, minute: float = 0):
    return Condition(ConditionType.SHARED, status, reason, "Accepted.", "effect 1", at(minute))


async def messages(desk: Desk) -> Sequence[OutboxRow]:
    """All messages but the neighbours', in their order."""
    async with desk.ledger.begin() as session:
        query = select(OutboxRow).where(is_not_theirs(OutboxRow))
        return (await session.scalars(query.order_by(OutboxRow.sequence))).all()


async def types(desk: Desk) -> list[str]:
    return [row.type for row in await messages(desk)]


async def take(desk: Desk, minute: float = 0, most: int = 8) -> list[Letter]:
    async with desk.ledger.begin() as session:
        return await claim_due(session, KEY, at(minute), most)


async def answered(desk: Desk, letter: Letter, answer: Answer, minute: float = 0) -> OutboxRow:
    async with desk.ledger.begin() as session:
        await settle(session, letter, answer, at(minute))
        return await read_message(session, letter.id)


async def tell_end(desk: Desk, onboarding_id: str, minute: float = 0) -> OutboxRow:
    async with desk.ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await look(session, onboarding_id, at(minute))
        return await tell_outcome(session, onboarding, outcome_of(onboarding), at(minute))


async def registered(desk: Desk) -> str:
    """An onboarding whose two numbers are registered."""
    onboarding_id = await desk.started()
    await desk.hear(onboarding_id, told(senders={GOOD: "FINISHED", BAD: "FINISHED"}))
    return onboarding_id


async def kept_back(desk: Desk, onboarding_id: str, number: str, minute: float) -> None:
    """Infobip was away when this number was to be associated."""
    away = Condition(
        ConditionType.ASSOCIATED,
        Status.UNKNOWN,
        Reason.PROVIDER_UNAVAILABLE,
        "HTTP 503",
        "test",
        at(minute),
    )
    await desk.write(onboarding_id, away, number)


class TestWriting:
    """In the transaction of what it tells."""

    async def test_a_start_is_told_once(self, desk: Desk):
        await desk.start()
        await desk.start()
        (row,) = await messages(desk)
        assert (row.type, row.state, row.tries) == ("onboarding.started", "pending", 0)
        assert (row.created_at, row.next_at) == (at(0), at(0))

    async def test_a_message_says_whom_it_is_about(self, desk: Desk):
        onboarding_id = await desk.started()
        await desk.write(onboarding_id, shared(minute=5))
        first, second = await messages(desk)
        body = body_of(second)
        assert second.sequence > first.sequence
        assert (body["type"], body["timestamp"]) == ("onboarding.shared", at(5).isoformat())
        assert body["data"] == {
            "onboarding_id": onboarding_id,
            "sequence": second.sequence,
            "client_ref": "acme",
            "waba_id": "102384266223093",
            "attempt": 1,
            "phone_number": None,
            "status": "True",
            "reason": "ShareAccepted",
            "message": "Accepted.",
        }

    async def test_what_is_rolled_back_is_told_to_nobody(self, desk: Desk):
        onboarding_id = await desk.started()
        with suppress(ZeroDivisionError):
            async with desk.ledger.begin() as session:
                await write_condition(session, onboarding_id, "", shared())
                raise ZeroDivisionError
        assert await types(desk) == ["onboarding.started"]

    async def test_what_does_not_change_is_not_told_again(self, desk: Desk):
        onboarding_id = await desk.started()
        await desk.write(onboarding_id, shared())
        await desk.write(onboarding_id, shared(minute=1))
        await desk.write(onboarding_id, shared(reason=Reason.REGISTRATION_SEEN, minute=2))
        assert await types(desk) == ["onboarding.started", "onboarding.shared"]

    async def test_what_is_unknown_is_not_told(self, desk: Desk):
        await desk.start(phone_numbers=[f"+{GOOD}"])
        onboarding_id = await desk.started("bolt", "555")
        await desk.write(onboarding_id, shared(Status.UNKNOWN, Reason.SHARE_NOT_ANSWERED))
        assert await types(desk) == ["onboarding.started"] * 2

    async def test_a_registration_is_told_sender_by_sender(self, desk: Desk):
        onboarding_id = await desk.started()
        await desk.hear(onboarding_id, told(senders={GOOD: "FINISHED", BAD: "FAILED"}))
        assert await types(desk) == [
            *("onboarding.started", "onboarding.shared"),
            *("sender.registration_failed", "sender.registered"),
        ]
        assert [row.payload["phone_number"] for row in (await messages(desk))[2:]] == [BAD, GOOD]

    async def test_a_wait_is_told_when_it_begins_and_not_at_each_look(self, desk: Desk):
        onboarding_id = await desk.started()
        for minute in (0, 10, 20):
            async with desk.ledger.begin() as session:
                await hold(session, onboarding_id)
                await open_wait(
                    session,
                    onboarding_id,
                    WaitKind.REGISTRATION,
                    flow_run_id="run",
                    pause_key=f"sleep {minute}",
                    plan=PLAN,
                    now=at(minute),
                )
                wait = (await look(session, onboarding_id, at(minute))).wait
                await tell_wait(session, onboarding_id, wait, at(minute))
        (_, row) = await messages(desk)
        assert row.type == "onboarding.waiting"
        assert (row.payload["waits_for"], row.payload["awaiting"]) == ("registration", "infobip")
        assert row.payload["until"] == at(60).isoformat()

    @pytest.mark.alone
    async def test_a_sequence_is_never_given_twice(self, desk: Desk):
        """Not even when all that bore one are deleted."""
        await desk.start()
        (before,) = await messages(desk)
        async with desk.ledger.begin() as session:
            await forget_old(session, at(0) + KEPT_FOR + timedelta(seconds=1))
        await desk.start("bolt", "555")
        (after,) = await messages(desk)
        assert after.sequence > before.sequence


class TestOutcome:
    """Once an end; again when it is another end."""

    async def test_the_same_end_is_told_once(self, desk: Desk):
        """However often a run crashes between telling and ending."""
        onboarding_id = await desk.started()
        first, second = [await tell_end(desk, onboarding_id) for _ in range(2)]
        assert first.id == second.id
        assert await types(desk) == ["onboarding.started", "onboarding.failed"]

    @pytest.fixture
    async def retried(self, desk: Desk) -> tuple[str, str]:
        """An onboarding that somebody has retried, and the id of what was told before."""
        onboarding_id = await desk.started()
        first = await tell_end(desk, onboarding_id)
        async with desk.ledger.begin() as session:
            await end_onboarding(session, onboarding_id, at(1), "RegistrationFailed")
            await reopen_onboarding(session, onboarding_id, at(2))
        return onboarding_id, first.id

    @pytest.mark.parametrize("tried", ["an effect", "a wait"])
    async def test_a_retry_that_tried_something_and_ends_the_same_way_is_told_again(
        self, desk: Desk, retried: tuple[str, str], tried: str
    ):
        onboarding_id, first = retried
        if tried == "an effect":
            await desk.begin(onboarding_id, Verb.SHARE, minute=2)
        else:
            await desk.sleep(onboarding_id, minute=2)
            await desk.wake(onboarding_id, 3)
        second, third = [await tell_end(desk, onboarding_id, 3) for _ in range(2)]
        assert first != second.id == third.id

    async def test_a_retry_that_tried_nothing_and_ends_the_same_way_is_not_told(
        self, desk: Desk, retried: tuple[str, str]
    ):
        """That somebody was told since is no try."""
        onboarding_id, first = retried
        await desk.begin(onboarding_id, Verb.NOTIFY_OPERATOR, minute=2)
        assert (await tell_end(desk, onboarding_id, 3)).id == first

    async def test_a_retry_that_tried_nothing_and_comes_to_something_else_is_told(
        self, desk: Desk, retried: tuple[str, str]
    ):
        onboarding_id, first = retried
        await desk.hear(onboarding_id, told(senders={GOOD: "FINISHED"}), minute=2)
        assert (await tell_end(desk, onboarding_id, 3)).id != first

    async def test_an_outage_is_told_once_whatever_it_keeps_back_meanwhile(self, desk: Desk):
        onboarding_id = await registered(desk)
        await kept_back(desk, onboarding_id, GOOD, minute=1)
        first = await tell_end(desk, onboarding_id, 1)
        assert first.type == "onboarding.delayed"
        assert (first.payload["since"], first.payload["until"]) == (
            at(1).isoformat(),
            at(1 + 3 * 24 * 60).isoformat(),
        )
        await kept_back(desk, onboarding_id, BAD, minute=15)
        assert (await tell_end(desk, onboarding_id, 15)).id == first.id

    async def test_an_outage_that_began_after_one_was_told_is_told(self, desk: Desk):
        onboarding_id = await registered(desk)
        await kept_back(desk, onboarding_id, GOOD, minute=1)
        first = await tell_end(desk, onboarding_id, 1)
        await desk.associate(onboarding_id, GOOD, minute=15)
        await kept_back(desk, onboarding_id, BAD, minute=16)
        assert (await tell_end(desk, onboarding_id, 16)).id != first.id

    async def test_what_an_outage_comes_to_is_told(self, desk: Desk):
        """One that lasts too long is a failure."""
        onboarding_id = await registered(desk)
        await kept_back(desk, onboarding_id, GOOD, minute=1)
        await tell_end(desk, onboarding_id, 1)
        async with desk.ledger.begin() as session:
            await give_up_upstream(session, onboarding_id, at(2))
        last = await tell_end(desk, onboarding_id, 3)
        assert (last.type, last.payload["outcome"]) == ("onboarding.failed", "AssociationFailed")

    async def test_an_end_that_comes_to_something_else_is_told(self, desk: Desk):
        onboarding_id = await desk.started()
        first = await tell_end(desk, onboarding_id)
        await desk.hear(onboarding_id, told(senders={GOOD: "FAILED"}))
        second = await tell_end(desk, onboarding_id, 1)
        assert first.id != second.id
        assert len(second.payload["senders"]) == 1


class TestClaims:
    """Who sends what."""

    async def test_what_is_due_is_taken_once_until_the_lease_ends(self, desk: Desk):
        await desk.start()
        (letter,) = await take(desk)
        assert letter.body["type"] == "onboarding.started"
        assert await take(desk) == []
        minutes = LEASE.total_seconds() / 60
        assert await take(desk, minutes - 0.001) == []
        (again,) = await take(desk, minutes)
        assert again == letter
        assert [row.tries for row in await messages(desk)] == [2]

    async def test_the_longest_due_is_taken_first_and_so_many_at_most(self, desk: Desk):
        for number in range(3):
            await desk.start(f"c{number}", str(number + 1), minute=number)
        first = await take(desk, 10, most=2)
        assert [letter.body["data"]["client_ref"] for letter in first] == ["c0", "c1"]
        assert len(await take(desk, 10)) == 1

    async def test_several_gateways_share_the_work(self, desk: Desk, other_desk: Desk):
        for number in range(20):
            await desk.start(f"c{number}", str(number + 1))
        parts = await asyncio.gather(*(take(each, 1, 5) for each in (desk, other_desk) * 3))
        ids = [letter.id for part in parts for letter in part]
        assert len(ids) == len(set(ids))
        assert await take(desk, 1) or len(ids) == 20

    async def test_one_message_is_taken_by_whoever_comes_first(self, desk: Desk):
        onboarding_id = await desk.started()
        async with desk.ledger.begin() as session:
            (row,) = await list_messages(session, onboarding_id=onboarding_id)
            assert await claim(session, row, KEY, at(0))
            assert await claim(session, row, KEY, at(0)) is None
            assert await claim(session, row, KEY, at(0), over=True)
        assert await take(desk) == []


class TestSettling:
    """What an answer comes to."""

    async def test_what_was_taken_is_not_sent_again(self, desk: Desk):
        await desk.start()
        (letter,) = await take(desk)
        row = await answered(desk, letter, TAKEN, 1)
        assert (row.state, row.answer, row.answered_at) == ("delivered", "HTTP 204", at(1))
        assert await take(desk, 10_000) == []

    async def test_what_was_not_is_tried_ten_times_and_given_up(self, desk: Desk):
        await desk.start()
        minute, tries = 0.0, 0
        while letters := await take(desk, minute):
            row = await answered(desk, letters[0], REFUSED, minute)
            assert (row.next_at > at(minute)) or row.state == "given-up"
            tries, minute = tries + 1, (row.next_at - at(0)).total_seconds() / 60
        assert (tries, row.state) == (len(SCHEDULE) + 1, "given-up")

    async def test_a_receiver_that_asks_for_time_is_given_it(self, desk: Desk):
        await desk.start()
        (letter,) = await take(desk)
        row = await answered(
            desk, letter, Answer(Result.AWAY, "HTTP 429", timedelta(minutes=30)), 0
        )
        assert row.next_at == at(30)

    async def test_a_message_to_a_receiver_that_wants_no_more_stays_as_it_was(self, desk: Desk):
        await desk.start()
        (letter,) = await take(desk)
        row = await answered(desk, letter, GONE, 1)
        assert (row.state, row.tries, row.next_at) == ("pending", 0, at(1))

    async def test_a_message_that_was_replayed_while_it_was_refused_for_good_is_untried(
        self, desk: Desk
    ):
        """The receiver wants no more, and the try that it said so to counts no longer."""
        await desk.start()
        (letter,) = await take(desk)
        async with desk.ledger.begin() as session:
            await replay(session, letter.id, at(1))
        row = await answered(desk, letter, GONE, 2)
        assert (row.state, row.tries, row.next_at) == ("pending", 0, at(2))

    async def test_what_was_taken_late_outweighs_a_failure(self, desk: Desk):
        """Of two that sent it, the second failed."""
        await desk.start()
        (letter,) = await take(desk)
        await answered(desk, letter, TAKEN)
        assert (await answered(desk, letter, REFUSED)).state == "delivered"

    @pytest.mark.parametrize(
        ("reason", "becomes"),
        [
            (Reason.RECEIVER_AWAITED, Reason.EVERYBODY_TOLD),
            (Reason.RECEIVER_GIVEN_UP, Reason.EVERYBODY_TOLD),
            (Reason.NO_RECEIVER, Reason.EVERYBODY_TOLD),
            (Reason.RECEIVER_FAILED, Reason.RECEIVER_FAILED),
        ],
    )
    async def test_an_outcome_that_gets_through_is_notified(
        self, desk: Desk, reason: Reason, becomes: Reason
    ):
        """Unless it is the operator who could not be told."""
        onboarding_id = await desk.started()
        await tell_end(desk, onboarding_id)
        missing = Condition(ConditionType.NOTIFIED, Status.UNKNOWN, reason, "No.", "test", at(0))
        await desk.write(onboarding_id, missing)
        for letter in await take(desk):
            await answered(desk, letter, TAKEN, 1)
        async with desk.ledger.begin() as session:
            found = (await conditions_of(session, onboarding_id))[""][ConditionType.NOTIFIED]
        assert found.reason == becomes
        assert found.is_true == (becomes is Reason.EVERYBODY_TOLD)

    async def test_an_end_of_before_says_nothing_of_the_last(self, desk: Desk):
        onboarding_id = await desk.started()
        await tell_end(desk, onboarding_id)
        letters = await take(desk)
        await desk.hear(onboarding_id, told(senders={GOOD: "FAILED"}))
        await tell_end(desk, onboarding_id, 1)
        reason = Reason.RECEIVER_AWAITED
        missing = Condition(ConditionType.NOTIFIED, Status.UNKNOWN, reason, "No.", "test", at(1))
        await desk.write(onboarding_id, missing)
        for letter in letters:
            await answered(desk, letter, TAKEN, 2)
        async with desk.ledger.begin() as session:
            found = (await conditions_of(session, onboarding_id))[""][ConditionType.NOTIFIED]
        assert found.reason == reason


@pytest.mark.alone
class TestKeeping:
    """Replayed, dropped, deleted."""

    async def delivered(self, desk: Desk) -> Letter:
        await desk.start()
        (letter,) = await take(desk)
        await answered(desk, letter, TAKEN)
        return letter

    async def test_a_message_is_sent_again_under_the_id_that_it_had(self, desk: Desk):
        letter = await self.delivered(desk)
        async with desk.ledger.begin() as session:
            await replay(session, letter.id, at(9))
        assert await take(desk, 8) == []
        assert await take(desk, 9) == [letter]

    async def test_so_is_one_that_is_just_being_answered(self, desk: Desk, other: Ledger):
        """Its answer is written first, and then the order holds."""
        await desk.start()
        (letter,) = await take(desk)

        async def put_back() -> None:
            async with other.begin() as session:
                await hold_message(session, letter.id)
                await replay(session, letter.id, at(9))

        async with desk.ledger.begin() as session:
            await settle(session, letter, TAKEN, at(0))
            await session.flush()
            ordering = asyncio.create_task(put_back())
            await asyncio.sleep(0.1)  # it is at the row, or waits for its turn
        await ordering
        assert await take(desk, 9) == [letter]

    async def test_all_since_a_time_are_sent_again(self, desk: Desk):
        for minute in (0, 5, 6):
            await desk.start(f"c{minute}", str(minute + 1), minute=minute)
        for letter in await take(desk, 10):
            await answered(desk, letter, TAKEN, 10)
        async with desk.ledger.begin() as session:
            assert await replay_since(session, at(5), at(20)) == 2
        assert len(await take(desk, 20)) == 2

    async def test_a_message_that_is_not_there_is_said(self, desk: Desk):
        with pytest.raises(NotFound, match="no message 7"):
            async with desk.ledger.begin() as session:
                await replay(session, "7", at(0))

    async def test_what_nobody_wants_is_dropped_and_can_be_had_later(self, desk: Desk):
        letter = await self.delivered(desk)
        await desk.start("bolt", "555")
        async with desk.ledger.begin() as session:
            await drop_pending(session)
        assert [row.state for row in await messages(desk)] == ["delivered", "dropped"]
        assert await take(desk, 60) == []
        async with desk.ledger.begin() as session:
            await replay_since(session, at(0), at(60))
        assert letter in await take(desk, 60)

    async def test_messages_are_kept_for_thirty_days(self, desk: Desk):
        await desk.start()
        async with desk.ledger.begin() as session:
            await forget_old(session, at(0) + KEPT_FOR)
        assert len(await messages(desk)) == 1
        async with desk.ledger.begin() as session:
            await forget_old(session, at(0) + KEPT_FOR + timedelta(seconds=1))
        assert await messages(desk) == []

    async def test_messages_are_found_by_what_became_of_them(self, desk: Desk):
        await self.delivered(desk)
        bolt = await desk.started("bolt", "555")
        async with desk.ledger.begin() as session:
            (pending,) = await list_messages(session, state=MessageState.PENDING)
            (of_bolt,) = await list_messages(session, onboarding_id=bolt)
            assert pending.id == of_bolt.id
            assert len(await list_messages(session)) == 2
            assert len(await list_messages(session, limit=1)) == 1
