"""Awaiting registration: what we can ask ourselves, and when it is enough."""

import httpx
import pytest

from flows.onboard import await_registration
from tasks.await_registration import look_for_registration
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import GIVE_UP, GOOD, NUDGE, OTHER, QUALITY, Bench, condition, sender_fate
from waboard.domain.conditions import ConditionType
from waboard.domain.onboarding import Onboarding
from waboard.domain.steps import registration_is_over
from waboard.domain.waits import WaitKind
from waboard.infobip import InfobipError

REGISTERED = ConditionType.REGISTERED


async def without_webhook(bench: Bench, *numbers: str, **fate: str) -> Onboarding:
    """Numbers that we know of, registered at Infobip; its webhook never comes."""
    senders = [sender_fate(number, **fate) for number in numbers or (GOOD,)]
    await bench.sandbox.decide(DOCUMENTED, senders=senders, silent=True)
    onboarding = await bench.start(phone_numbers=list(numbers or (GOOD,)))
    await bench.sandbox.share()
    return onboarding


async def look(bench: Bench, onboarding: Onboarding) -> Onboarding:
    await look_for_registration.fn(bench.services, onboarding)
    return await bench.look()


async def test_before_the_first_sleep_nothing_is_asked(bench: Bench):
    onboarding = await without_webhook(bench)
    assert await look(bench, onboarding) == onboarding
    assert bench.calls("GET", QUALITY) == 0


async def test_after_a_sleep_a_connected_number_counts_as_registered(bench: Bench):
    await without_webhook(bench)
    onboarding = await look(bench, await bench.slept(WaitKind.REGISTRATION))
    assert bench.calls("GET", QUALITY) == 1
    assert onboarding.sender(GOOD).holds(REGISTERED)
    assert registration_is_over(onboarding)


async def test_a_connected_number_proves_that_the_waba_is_shared(bench: Bench):
    await without_webhook(bench)
    onboarding = await look(bench, await bench.slept(WaitKind.REGISTRATION))
    assert condition(onboarding, ConditionType.SHARED) == ("True", "RegistrationSeen")


@pytest.mark.parametrize("status", ["PENDING", "DISCONNECTED", "BANNED", "ON_THE_MOON"])
async def test_no_other_status_counts(bench: Bench, status: str):
    await without_webhook(bench, connection_status=status)
    onboarding = await look(bench, await bench.slept(WaitKind.REGISTRATION))
    found = condition(onboarding.sender(GOOD), REGISTERED)
    assert found == ("Unknown", "RegistrationInProgress")
    assert not registration_is_over(onboarding)


async def test_all_known_numbers_are_asked_for_at_once(bench: Bench):
    await without_webhook(bench, GOOD, OTHER)
    onboarding = await look(bench, await bench.slept(WaitKind.REGISTRATION))
    assert bench.calls("GET", QUALITY) == 1
    assert [sender.holds(REGISTERED) for sender in onboarding.senders] == [True, True]


async def test_with_one_of_two_connected_it_is_not_over(bench: Bench):
    await bench.sandbox.decide(DOCUMENTED, senders=[sender_fate(GOOD)], silent=True)
    await bench.start(phone_numbers=[GOOD, OTHER])
    await bench.sandbox.share()
    onboarding = await look(bench, await bench.slept(WaitKind.REGISTRATION))
    assert [sender.holds(REGISTERED) for sender in onboarding.senders] == [True, False]
    assert not registration_is_over(onboarding)


async def test_without_known_numbers_there_is_nothing_to_ask(bench: Bench):
    await bench.start()
    onboarding = await look(bench, await bench.slept(WaitKind.REGISTRATION))
    assert bench.calls("GET", QUALITY) == 0
    assert REGISTERED not in onboarding.conditions


async def test_numbers_that_an_event_has_named_are_asked_for_too(bench: Bench):
    """The first event came, the last one did not."""
    senders = [sender_fate(GOOD, status="IN_PROGRESS")]
    await bench.sandbox.decide(DOCUMENTED, senders=senders, status="IN_PROGRESS")
    await bench.start()
    await bench.sandbox.share()
    await bench.hear()
    await bench.sandbox.decide(DOCUMENTED, senders=[sender_fate(GOOD)], silent=True)
    await bench.sandbox.http.post(f"/sandbox/wabas/{DOCUMENTED}/registration-event")
    await bench.sandbox.settled()
    onboarding = await look(bench, await bench.slept(WaitKind.REGISTRATION))
    assert onboarding.sender(GOOD).holds(REGISTERED)


async def test_the_answer_is_kept_as_evidence_once(bench: Bench):
    await without_webhook(bench)
    await look(bench, await bench.slept(WaitKind.REGISTRATION))
    await look(bench, await bench.slept(WaitKind.REGISTRATION))
    (event,) = await bench.events("senders/quality")
    assert (event.phone_number, event.disposition, event.times_received) == (GOOD, "applied", 2)


async def test_an_infobip_that_does_not_answer_is_asked_again(bench: Bench):
    await without_webhook(bench)
    await bench.sandbox.script(path=QUALITY, status=503)
    onboarding = await bench.slept(WaitKind.REGISTRATION)
    with pytest.raises(InfobipError) as error:
        await look(bench, onboarding)
    assert error.value.retryable
    assert (await look(bench, onboarding)).sender(GOOD).holds(REGISTERED)


@pytest.mark.usefixtures("awake")
class TestGivingUp:
    """In a named state, with a remedy."""

    async def test_a_moment_before_the_time_it_goes_on(self, bench: Bench):
        await bench.start()
        await bench.slept(WaitKind.REGISTRATION)
        onboarding = await await_registration(
            bench.services, await bench.later(GIVE_UP - NUDGE - 1)
        )
        assert REGISTERED not in onboarding.conditions
        assert not registration_is_over(onboarding)

    async def test_at_the_time_it_is_given_up(self, bench: Bench):
        await bench.start()
        await bench.slept(WaitKind.REGISTRATION)
        onboarding = await await_registration(bench.services, await bench.later(GIVE_UP - NUDGE))
        assert condition(onboarding, REGISTERED) == ("Unknown", "RegistrationTimedOut")
        assert registration_is_over(onboarding)

    async def test_the_time_counts_from_the_first_sleep(self, bench: Bench):
        await bench.start()
        for _ in range(int(GIVE_UP / NUDGE) - 1):
            onboarding = await await_registration(
                bench.services, await bench.slept(WaitKind.REGISTRATION)
            )
            assert not registration_is_over(onboarding)
        onboarding = await await_registration(
            bench.services, await bench.slept(WaitKind.REGISTRATION)
        )
        assert condition(onboarding, REGISTERED) == ("Unknown", "RegistrationTimedOut")

    async def test_not_when_the_last_look_finds_it_connected(self, bench: Bench):
        await without_webhook(bench)
        await bench.slept(WaitKind.REGISTRATION)
        onboarding = await await_registration(bench.services, await bench.later(GIVE_UP))
        assert REGISTERED not in onboarding.conditions
        assert onboarding.sender(GOOD).holds(REGISTERED)

    async def test_an_event_that_comes_too_late_still_counts(self, bench: Bench):
        await bench.start()
        await bench.slept(WaitKind.REGISTRATION)
        await await_registration(bench.services, await bench.later(GIVE_UP))
        await bench.sandbox.share()
        onboarding = await bench.hear()
        assert onboarding.sender(GOOD).holds(REGISTERED)

    @pytest.mark.parametrize("status", [401, 503])
    async def test_also_when_infobip_does_not_let_us_look(self, bench: Bench, status: int):
        """Or a key that was revoked would keep the run waking for ever."""
        await without_webhook(bench)
        await bench.slept(WaitKind.REGISTRATION)
        onboarding = await bench.later(GIVE_UP)
        refused = httpx.Response(status)
        bench.network.instead("GET", QUALITY, lambda _: refused, always=True)
        onboarding = await await_registration(bench.services, onboarding)
        assert condition(onboarding, REGISTERED) == ("Unknown", "RegistrationTimedOut")
