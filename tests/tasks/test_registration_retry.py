"""A registration that failed and is retried: looked for, asked for again, and awaited anew."""

from typing import Any

import httpx
import pytest

from flows import onboard
from tasks.retry import begin_again
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import (
    GIVE_UP,
    GOOD,
    OTHER,
    QUALITY,
    SHARE,
    Bench,
    condition,
    sender_fate,
    timed_out,
    unreachable,
)
from waboard.domain.conditions import ConditionType
from waboard.domain.decisions import Order
from waboard.domain.facts import registration_facts
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import OutcomeName, outcome_of
from waboard.domain.steps import registration_is_over, share_is_due
from waboard.domain.waits import WaitKind
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.events import receive
from waboard.ledger.onboardings import end_onboarding, read_onboarding

SHARED, REGISTERED = ConditionType.SHARED, ConditionType.REGISTERED
MENDED = Order(by="mia", why="Two-step verification is off.")
pytestmark = pytest.mark.usefixtures("awake")


async def shared(bench: Bench) -> Onboarding:
    """What the run does until the registration is over, or awaited; what came of it is heard."""
    await onboard.share(bench.services, await bench.look())
    await bench.hear()
    await onboard.await_registration(bench.services, await bench.look())
    return await bench.hear()


async def fails(bench: Bench, *good: str, number: str = GOOD, **fate: Any) -> Onboarding:
    """An onboarding that has ended: this number has failed, `good` ones are registered."""
    senders = [sender_fate(number, status="FAILED", registration_info="Two-step is on")]
    senders += [sender_fate(each) for each in good]
    status = "FINISHED" if good else "FAILED"
    await bench.sandbox.decide(senders=senders, status=status, repeat_registers=True, **fate)
    await bench.start()
    onboarding = await shared(bench)
    assert registration_is_over(onboarding)
    await end(bench)
    return await bench.later(1)


async def end(bench: Bench) -> None:
    async with bench.ledger.begin() as session:
        onboarding = await read_onboarding(session, bench.id)
        await end_onboarding(session, bench.id, bench.now, outcome_of(onboarding).name)


async def retried(bench: Bench, number: str | None = None) -> Onboarding:
    sender = PhoneNumber(number) if number else None
    await begin_again(bench.ledger, lambda: bench.now, bench.id, MENDED, sender)
    return await bench.later(1)


async def mended(bench: Bench, *numbers: str, **fate: Any) -> None:
    """From now on these numbers register."""
    senders = [sender_fate(each) for each in numbers or (GOOD,)]
    given = {"status": "FINISHED", "repeat_registers": True, **fate}
    await bench.sandbox.decide(senders=senders, **given)


def shares(bench: Bench) -> int:
    return bench.calls("POST", SHARE)


async def test_the_number_is_asked_for_anew(bench: Bench):
    failed = await fails(bench)
    assert outcome_of(failed).name is OutcomeName.REGISTRATION_FAILED
    onboarding = await retried(bench)
    assert condition(onboarding, SHARED) == ("Unknown", "RegistrationRetryRequested")
    assert condition(onboarding.sender(GOOD), REGISTERED) == (
        "Unknown",
        "RegistrationRetryRequested",
    )
    assert share_is_due(onboarding)
    assert not registration_is_over(onboarding)


async def test_what_is_mended_registers_by_another_share(bench: Bench):
    await fails(bench)
    await mended(bench)
    await retried(bench)
    onboarding = await shared(bench)
    assert shares(bench) == 2
    assert onboarding.sender(GOOD).holds(REGISTERED)
    assert registration_is_over(onboarding)


async def test_retry_in_the_prefect_ui_does_the_same(bench: Bench):
    await fails(bench)
    await mended(bench)
    async with bench.ledger.begin() as session:
        await reopen_onboarding(session, bench.id, bench.now)
    onboarding = await shared(bench)
    assert shares(bench) == 2
    assert onboarding.sender(GOOD).holds(REGISTERED)


async def test_what_is_connected_by_now_needs_no_share(bench: Bench):
    """Its event was lost: the quality endpoint is asked first."""
    await fails(bench)
    await mended(bench, silent=True)
    await bench.sandbox.http.post(f"/sandbox/wabas/{DOCUMENTED}/registration-event")
    await bench.sandbox.settled()
    await retried(bench)
    onboarding = await shared(bench)
    assert (shares(bench), bench.calls("GET", QUALITY)) == (1, 1)
    assert onboarding.sender(GOOD).holds(REGISTERED)
    assert onboarding.holds(SHARED)
    assert registration_is_over(onboarding)


async def test_what_is_on_its_way_again_needs_no_share(bench: Bench):
    """Somebody had Infobip register it before he retried."""
    await fails(bench)
    await bench.later(60)
    told = registration_facts(
        b'{"businessAccountId": %s, "status": "IN_PROGRESS", "lastModifiedAt": "%s", "senders": '
        b'[{"phoneNumberId": "1", "displayPhoneNumber": "+%s", "status": "IN_PROGRESS"}]}'
        % (DOCUMENTED.encode(), bench.now.isoformat().encode(), GOOD.encode())
    )
    async with bench.ledger.begin() as session:
        await receive(session, told, "webhook", bench.now)
    await bench.later(60)
    onboarding = await retried(bench)
    assert not share_is_due(onboarding)
    assert condition(onboarding.sender(GOOD), REGISTERED)[1] == "RegistrationInProgress"
    assert not registration_is_over(onboarding)


async def test_while_it_is_awaited_the_failure_of_before_is_shown(bench: Bench):
    await fails(bench)
    await mended(bench, silent=True, registration_delay=0)
    await bench.sandbox.decide(senders=[sender_fate(GOOD, status="FAILED")], silent=True)
    await retried(bench)
    onboarding = await shared(bench)
    said = onboarding.sender(GOOD).conditions[REGISTERED]
    assert (said.status, said.reason) == ("Unknown", "RegistrationInProgress")
    assert "It failed before, on 2026-01-05 09:00 UTC: Two-step is on." in said.message
    assert condition(onboarding, SHARED) == ("True", "ShareAccepted")
    assert not registration_is_over(onboarding)


async def test_it_is_awaited_with_new_patience(bench: Bench):
    await fails(bench)
    await bench.sandbox.decide(senders=[sender_fate(GOOD, status="FAILED")], silent=True)
    await bench.later(GIVE_UP * 3)
    await retried(bench)
    await shared(bench)
    await bench.slept(WaitKind.REGISTRATION)
    onboarding = await onboard.await_registration(bench.services, await bench.look())
    assert not registration_is_over(onboarding)
    onboarding = await onboard.await_registration(bench.services, await bench.later(GIVE_UP))
    assert outcome_of(onboarding).name is OutcomeName.REGISTRATION_TIMED_OUT


async def test_what_fails_again_has_failed(bench: Bench):
    await fails(bench)
    await bench.later(60)
    await retried(bench)
    onboarding = await shared(bench)
    assert shares(bench) == 2
    assert condition(onboarding.sender(GOOD), REGISTERED) == ("False", "RegistrationFailed")
    assert registration_is_over(onboarding)


async def test_a_share_that_is_refused_is_the_outcome(bench: Bench):
    await fails(bench)
    await retried(bench)
    await bench.sandbox.script(path=SHARE, status=409)
    onboarding = await shared(bench)
    assert outcome_of(onboarding).name is OutcomeName.SHARE_REFUSED
    assert condition(onboarding.sender(GOOD), REGISTERED)[1] == "RegistrationFailedBefore"
    assert onboard.ends_at_share(onboarding)
    await end(bench)
    await bench.later(1)
    assert share_is_due(await retried(bench))


async def test_a_share_that_does_not_get_through_is_tried_at_the_next_look(bench: Bench):
    await fails(bench)
    await retried(bench)
    bench.network.cut_before("POST", SHARE, unreachable())
    onboarding = await shared(bench)
    assert condition(onboarding, SHARED) == ("Unknown", "ProviderUnavailable")
    assert share_is_due(onboarding)


async def test_one_that_is_not_answered_is_repeated_after_a_sleep_alone(bench: Bench):
    """The old share that was taken does not show that this one was."""
    await fails(bench)
    await bench.sandbox.decide(senders=[sender_fate(GOOD, status="FAILED")], silent=True)
    await retried(bench)
    bench.network.cut_before("POST", SHARE, timed_out())
    onboarding = await shared(bench)
    assert condition(onboarding, SHARED) == ("Unknown", "ShareNotAnswered")
    assert not share_is_due(onboarding)
    assert share_is_due(await bench.slept(WaitKind.REGISTRATION))


class TestBesideOthers:
    """One number of a client has failed, and another has not."""

    async def test_it_is_awaited_and_the_other_stays(self, bench: Bench):
        await fails(bench, OTHER)
        await bench.sandbox.decide(senders=[sender_fate(GOOD, status="FAILED")], silent=True)
        await retried(bench)
        onboarding = await shared(bench)
        assert shares(bench) == 2
        assert onboarding.sender(OTHER).holds(REGISTERED)
        assert not registration_is_over(onboarding)

    async def test_with_the_other_alone_it_is_not_asked_for(self, bench: Bench):
        """What somebody retries of another number is that number's."""
        await fails(bench, OTHER)
        onboarding = await retried(bench, OTHER)
        assert condition(onboarding.sender(GOOD), REGISTERED) == ("False", "RegistrationFailed")
        assert not share_is_due(onboarding)

    async def test_with_it_alone_it_is_asked_for(self, bench: Bench):
        await fails(bench, OTHER)
        await mended(bench, GOOD, OTHER)
        assert share_is_due(await retried(bench, GOOD))
        onboarding = await shared(bench)
        assert all(sender.holds(REGISTERED) for sender in onboarding.senders)

    async def test_of_two_that_failed_one_alone_is_asked_for(self, bench: Bench):
        senders = [sender_fate(each, status="FAILED") for each in (GOOD, OTHER)]
        await fails(bench)
        await bench.sandbox.decide(senders=senders, status="FAILED", repeat_registers=True)
        await retried(bench)
        await shared(bench)
        await end(bench)
        await bench.later(120)
        await bench.sandbox.decide(senders=senders, silent=True)
        onboarding = await retried(bench, GOOD)
        assert condition(onboarding.sender(GOOD), REGISTERED)[0] == "Unknown"
        assert condition(onboarding.sender(OTHER), REGISTERED) == ("False", "RegistrationFailed")
        assert not registration_is_over(await shared(bench))

    async def test_a_refused_share_stops_nothing_of_the_other(self, bench: Bench):
        await fails(bench, OTHER)
        await retried(bench)
        await bench.sandbox.script(path=SHARE, status=409)
        onboarding = await shared(bench)
        assert condition(onboarding, SHARED) == ("Unknown", "ShareRefused")
        assert onboarding.sender(OTHER).holds(REGISTERED)
        assert registration_is_over(onboarding)
        assert not onboard.ends_at_share(onboarding)


class TestBeforeAnybodyAsked:
    """Infobip had spoken of the WABA before its onboarding was asked for."""

    async def parked(self, bench: Bench, status: str) -> Onboarding:
        """It speaks; nobody asks for an hour."""
        senders = [sender_fate(GOOD, status=status, registration_info="Two-step is on")]
        given = {"status": status, "senders": senders, "repeat_registers": True}
        await bench.sandbox.decide(**given)
        await bench.sandbox.share()
        await bench.keep_posted()
        bench.set_clock(bench.now.replace(hour=10))
        return await bench.start()

    async def test_a_failure_is_shown_and_the_waba_shared(self, bench: Bench):
        onboarding = await self.parked(bench, "FAILED")
        assert SHARED not in onboarding.conditions
        said = onboarding.sender(GOOD).conditions[REGISTERED]
        assert (said.status, said.reason) == ("Unknown", "RegistrationInProgress")
        assert "It failed before, on 2026-01-05 09:00 UTC: Two-step is on." in said.message
        before = shares(bench)
        await mended(bench)
        onboarding = await shared(bench)
        assert shares(bench) == before + 1
        assert onboarding.sender(GOOD).holds(REGISTERED)

    async def test_what_finished_is_not_shared_again(self, bench: Bench):
        onboarding = await self.parked(bench, "FINISHED")
        assert condition(onboarding, SHARED) == ("True", "RegistrationSeen")
        assert onboarding.sender(GOOD).holds(REGISTERED)
        assert registration_is_over(onboarding)


async def test_quality_that_cannot_be_read_keeps_nobody_from_sharing(bench: Bench):
    await fails(bench)
    await mended(bench)
    await retried(bench)
    bench.network.instead("GET", QUALITY, lambda _: httpx.Response(403, json={}), always=True)
    onboarding = await shared(bench)
    assert shares(bench) == 2
    assert onboarding.sender(GOOD).holds(REGISTERED)
