"""Awaiting delivery: reports are pulled by our own id, kept before they are read, and given up."""

import httpx
import pytest

from flows.onboard import await_delivery
from tasks.await_delivery import look_for_delivery
from tasks.verify import message_id_for, send_test_message
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import (
    GIVE_UP,
    GOOD,
    NUDGE,
    OTHER,
    REPORTS,
    SEND,
    Bench,
    Crash,
    condition,
    sender_fate,
    timed_out,
)
from waboard.domain.conditions import ConditionType
from waboard.domain.onboarding import Onboarding
from waboard.domain.steps import delivery_is_over
from waboard.domain.waits import WaitKind
from waboard.infobip import InfobipError

VERIFIED = ConditionType.VERIFIED
SOURCE = "messages-api/reports"


async def sent(bench: Bench, *numbers: str, **fate: str) -> Onboarding:
    """Test messages are out, and what becomes of them has happened."""
    onboarding = await bench.registered(*numbers, **fate)
    for sender in onboarding.senders:
        await send_test_message.fn(bench.services, onboarding, sender)
    await bench.sandbox.settled()
    return await bench.look()


async def look(bench: Bench, onboarding: Onboarding) -> Onboarding:
    await look_for_delivery.fn(bench.services, onboarding)
    return await bench.look()


def verified(onboarding: Onboarding, number: str = GOOD) -> tuple[str, str]:
    return condition(onboarding.sender(number), VERIFIED)


async def test_after_a_sleep_the_report_is_pulled(pull_bench: Bench):
    await sent(pull_bench)
    onboarding = await look(pull_bench, await pull_bench.slept(WaitKind.DELIVERY))
    assert verified(onboarding) == ("True", "MessageDelivered")
    assert delivery_is_over(onboarding)


async def test_a_report_whose_push_was_lost_is_pulled(bench: Bench):
    await sent(bench, lost_push=True)
    assert verified(await bench.hear()) == ("Unknown", "ReportAwaited")
    onboarding = await look(bench, await bench.slept(WaitKind.DELIVERY))
    assert verified(onboarding) == ("True", "MessageDelivered")


async def test_a_message_that_was_not_answered_is_found_by_its_report(pull_bench: Bench):
    onboarding = await pull_bench.registered()
    pull_bench.network.cut_after("POST", SEND, timed_out())
    await send_test_message.fn(pull_bench.services, onboarding, onboarding.sender(GOOD))
    await pull_bench.sandbox.settled()
    onboarding = await look(pull_bench, await pull_bench.slept(WaitKind.DELIVERY))
    assert verified(onboarding) == ("True", "MessageDelivered")


async def test_other_messages_reports_are_left_to_their_owners(pull_bench: Bench):
    await sent(pull_bench)
    await pull_bench.sandbox.send()
    await look(pull_bench, await pull_bench.slept(WaitKind.DELIVERY))
    left = [report["messageId"] for _, report in pull_bench.books.reports]
    assert left == ["message-1"]


async def test_only_senders_that_await_a_report_are_asked_for(pull_bench: Bench):
    await sent(pull_bench, GOOD, OTHER)
    onboarding = await look(pull_bench, await pull_bench.slept(WaitKind.DELIVERY))
    assert pull_bench.calls("GET", REPORTS) == 2
    await look(pull_bench, onboarding)
    assert pull_bench.calls("GET", REPORTS) == 2


async def test_a_sender_that_failed_on_the_spot_is_not_asked_for(pull_bench: Bench):
    senders = [sender_fate(GOOD), sender_fate(OTHER, delivery="silent")]
    await pull_bench.start()
    await pull_bench.sandbox.decide(DOCUMENTED, senders=senders)
    await pull_bench.sandbox.share()
    onboarding = await pull_bench.hear()
    await send_test_message.fn(pull_bench.services, onboarding, onboarding.sender(OTHER))
    await look(pull_bench, await pull_bench.slept(WaitKind.DELIVERY))
    assert pull_bench.calls("GET", REPORTS) == 1


class TestKeeping:
    """Each report is handed out once, so it is kept before anything else."""

    async def test_a_report_outlives_a_crash_right_after_it_was_pulled(
        self, pull_bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        await sent(pull_bench)
        onboarding = await pull_bench.slept(WaitKind.DELIVERY)

        async def die(_: str) -> Onboarding:
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr(pull_bench.services, "look", die)
            with pytest.raises(Crash):
                await look(pull_bench, onboarding)
        assert pull_bench.books.reports == []
        assert [event.disposition for event in await pull_bench.events(SOURCE)] == ["parked"]
        assert verified(await pull_bench.look()) == ("True", "MessageDelivered")

    async def test_the_first_senders_report_outlives_the_seconds_failure(self, pull_bench: Bench):
        await sent(pull_bench, GOOD, OTHER)
        onboarding = await pull_bench.slept(WaitKind.DELIVERY)
        pulled = []

        async def only_once(request: httpx.Request) -> httpx.Response:
            pulled.append(request.url.params["messageId"])
            if len(pulled) > 1:
                return httpx.Response(503)
            return await pull_bench.network.carry(request)

        pull_bench.network.instead("GET", REPORTS, only_once, always=True)
        with pytest.raises(InfobipError) as error:
            await look(pull_bench, onboarding)
        assert error.value.retryable
        first = onboarding.senders[0]
        assert pulled[0] == message_id_for(onboarding, first)
        now = await pull_bench.look()
        assert verified(now, first.phone_number) == ("True", "MessageDelivered")

    async def test_a_report_that_is_not_final_is_kept_and_waited_on(self, pull_bench: Bench):
        onboarding = await sent(pull_bench, delivery="silent")
        report = {
            "messageId": message_id_for(onboarding, onboarding.sender(GOOD)),
            "status": {"id": 7, "name": "PENDING_ENROUTE", "groupId": 1, "groupName": "PENDING"},
        }
        await pull_bench.sandbox.script(path=REPORTS, status=200, body={"results": [report]})
        onboarding = await look(pull_bench, await pull_bench.slept(WaitKind.DELIVERY))
        assert verified(onboarding) == ("Unknown", "ReportAwaited")
        assert len(await pull_bench.events(SOURCE)) == 1

    async def test_a_report_that_cannot_be_read_is_kept_and_breaks_nothing(self, pull_bench: Bench):
        await sent(pull_bench, delivery="silent")
        await pull_bench.sandbox.script(path=REPORTS, status=200, body={"results": [{"odd": 1}]})
        onboarding = await look(pull_bench, await pull_bench.slept(WaitKind.DELIVERY))
        assert verified(onboarding) == ("Unknown", "ReportAwaited")
        assert [event.disposition for event in await pull_bench.events(SOURCE)] == ["invalid"]


@pytest.mark.usefixtures("awake")
class TestGivingUp:
    """In a named state, with a remedy."""

    async def test_a_moment_before_the_time_it_goes_on(self, pull_bench: Bench):
        await sent(pull_bench, delivery="silent")
        await pull_bench.slept(WaitKind.DELIVERY)
        onboarding = await await_delivery(
            pull_bench.services, await pull_bench.later(GIVE_UP - NUDGE - 1)
        )
        assert verified(onboarding) == ("Unknown", "ReportAwaited")

    async def test_at_the_time_the_report_is_given_up_by_the_messages_id(self, pull_bench: Bench):
        await sent(pull_bench, delivery="silent")
        await pull_bench.slept(WaitKind.DELIVERY)
        onboarding = await await_delivery(
            pull_bench.services, await pull_bench.later(GIVE_UP - NUDGE)
        )
        assert verified(onboarding) == ("False", "NoReport")
        assert delivery_is_over(onboarding)
        sender = onboarding.sender(GOOD)
        assert message_id_for(onboarding, sender) in sender.conditions[VERIFIED].message

    async def test_not_when_the_last_pull_finds_it_delivered(self, pull_bench: Bench):
        await sent(pull_bench)
        await pull_bench.slept(WaitKind.DELIVERY)
        onboarding = await await_delivery(pull_bench.services, await pull_bench.later(GIVE_UP))
        assert verified(onboarding) == ("True", "MessageDelivered")

    async def test_only_for_those_who_have_none(self, pull_bench: Bench):
        await pull_bench.start()
        senders = [sender_fate(GOOD), sender_fate(OTHER, delivery="silent")]
        await pull_bench.sandbox.decide(DOCUMENTED, senders=senders)
        await pull_bench.sandbox.share()
        onboarding = await pull_bench.hear()
        for sender in onboarding.senders:
            await send_test_message.fn(pull_bench.services, onboarding, sender)
        await pull_bench.slept(WaitKind.DELIVERY)
        onboarding = await await_delivery(pull_bench.services, await pull_bench.later(GIVE_UP))
        assert verified(onboarding, GOOD) == ("True", "MessageDelivered")
        assert verified(onboarding, OTHER) == ("False", "NoReport")

    async def test_a_report_that_comes_too_late_still_proves_it(self, bench: Bench):
        await sent(bench)
        await bench.slept(WaitKind.DELIVERY)
        onboarding = await await_delivery(bench.services, await bench.later(GIVE_UP))
        assert verified(onboarding) == ("False", "NoReport")
        assert verified(await bench.hear()) == ("True", "MessageDelivered")

    async def test_a_pull_that_fails_is_tried_again_before_that(self, pull_bench: Bench):
        """The report may wait there: the step raises, and Prefect tries it five times."""
        await sent(pull_bench)
        await pull_bench.slept(WaitKind.DELIVERY)
        onboarding = await pull_bench.later(GIVE_UP)
        await pull_bench.sandbox.script(path=REPORTS, status=503)
        with pytest.raises(InfobipError):
            await look(pull_bench, onboarding)
        assert verified(await look(pull_bench, onboarding)) == ("True", "MessageDelivered")

    @pytest.mark.parametrize("status", [401, 503])
    async def test_also_when_infobip_does_not_let_us_look(self, pull_bench: Bench, status: int):
        """Or a key that was revoked would keep the run waking for ever."""
        await sent(pull_bench, delivery="silent")
        await pull_bench.slept(WaitKind.DELIVERY)
        onboarding = await pull_bench.later(GIVE_UP)
        refused = httpx.Response(status)
        pull_bench.network.instead("GET", REPORTS, lambda _: refused, always=True)
        onboarding = await await_delivery(pull_bench.services, onboarding)
        assert verified(onboarding) == ("False", "NoReport")
