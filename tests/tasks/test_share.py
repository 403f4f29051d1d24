"""Sharing: what was answered, what was not, and what the registration then proves."""

import httpx
import pytest

from tasks.share import share_waba
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import SHARE, Bench, Crash, condition, shown, timed_out, unreachable
from waboard.domain.conditions import ConditionType
from waboard.domain.steps import share_is_due
from waboard.domain.waits import WaitKind
from waboard.infobip import InfobipError
from waboard.ledger.models import Verb


async def test_an_accepted_share_is_known_to_be_shared(bench: Bench):
    onboarding = await bench.start()
    await share_waba.fn(bench.services, onboarding)
    assert condition(await bench.look(), ConditionType.SHARED) == ("True", "ShareAccepted")
    assert [shown(row) for row in await bench.effects()] == [("", 1, "done")]
    assert bench.books.registrations[DOCUMENTED].shares == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
async def test_a_refused_share_is_raised_and_certainly_not_done(bench: Bench, status: int):
    onboarding = await bench.start()
    await bench.sandbox.script(path=SHARE, status=status)
    with pytest.raises(InfobipError) as refusal:
        await share_waba.fn(bench.services, onboarding)
    assert (refusal.value.status, refusal.value.retryable) == (status, False)
    assert [shown(row) for row in await bench.effects()] == [("", 1, "failed")]
    assert ConditionType.SHARED not in (await bench.look()).conditions


async def test_a_refusal_is_kept_with_the_effect_without_the_whole_waba_id(bench: Bench):
    onboarding = await bench.start()
    await bench.sandbox.script(path=SHARE, status=403)
    with pytest.raises(InfobipError):
        await share_waba.fn(bench.services, onboarding)
    (effect,) = await bench.effects()
    assert "403" in effect.detail
    assert DOCUMENTED not in effect.detail


async def test_an_infobip_that_cannot_be_reached_has_surely_not_shared(bench: Bench):
    onboarding = await bench.start()
    bench.network.cut_before("POST", SHARE, unreachable())
    with pytest.raises(InfobipError) as error:
        await share_waba.fn(bench.services, onboarding)
    assert (error.value.retryable, error.value.ambiguous) == (True, False)
    assert [shown(row) for row in await bench.effects()] == [("", 1, "failed")]


async def test_an_infobip_that_is_too_busy_has_surely_not_shared(bench: Bench):
    onboarding = await bench.start()
    await bench.sandbox.script(path=SHARE, status=429)
    with pytest.raises(InfobipError) as error:
        await share_waba.fn(bench.services, onboarding)
    assert (error.value.retryable, error.value.ambiguous) == (True, False)
    assert [shown(row) for row in await bench.effects()] == [("", 1, "failed")]


async def test_what_was_surely_not_done_is_repeated_as_the_same_effect(bench: Bench):
    onboarding = await bench.start()
    bench.network.cut_before("POST", SHARE, unreachable())
    with pytest.raises(InfobipError):
        await share_waba.fn(bench.services, onboarding)
    await share_waba.fn(bench.services, onboarding)
    assert [shown(row) for row in await bench.effects()] == [("", 1, "done")]
    assert condition(await bench.look(), ConditionType.SHARED) == ("True", "ShareAccepted")


LOST_ANSWERS = {
    "a timeout": lambda bench: bench.network.cut_after("POST", SHARE, timed_out()),
    "a broken connection": lambda bench: bench.network.cut_after(
        "POST", SHARE, httpx.RemoteProtocolError("the server hung up")
    ),
    "a bad gateway": lambda bench: bench.network.instead(
        "POST", SHARE, _acting_with(bench, httpx.Response(502))
    ),
}


def _acting_with(bench: Bench, answer: httpx.Response):
    async def act(request: httpx.Request) -> httpx.Response:
        await bench.network.carry(request)
        return answer

    return act


@pytest.mark.parametrize("lost", LOST_ANSWERS)
async def test_a_share_without_an_answer_is_neither_done_nor_refused(bench: Bench, lost: str):
    onboarding = await bench.start()
    LOST_ANSWERS[lost](bench)
    await share_waba.fn(bench.services, onboarding)
    onboarding = await bench.look()
    assert condition(onboarding, ConditionType.SHARED) == ("Unknown", "ShareNotAnswered")
    assert [shown(row) for row in await bench.effects()] == [("", 1, "ambiguous")]
    assert not share_is_due(onboarding)


@pytest.mark.parametrize("lost", LOST_ANSWERS)
async def test_the_registration_proves_a_share_that_was_not_answered(bench: Bench, lost: str):
    onboarding = await bench.start()
    LOST_ANSWERS[lost](bench)
    await share_waba.fn(bench.services, onboarding)
    onboarding = await bench.hear()
    assert condition(onboarding, ConditionType.SHARED) == ("True", "RegistrationSeen")
    assert bench.books.registrations[DOCUMENTED].shares == 1


async def test_a_registration_that_was_faster_than_the_timeout_still_counts(bench: Bench):
    """Its event is heard while the share still hangs; not knowing better does not undo it."""
    onboarding = await bench.start()

    async def slow(request: httpx.Request) -> httpx.Response:
        await bench.network.carry(request)
        heard = await bench.hear()
        assert heard.holds(ConditionType.SHARED)
        raise timed_out()

    bench.network.instead("POST", SHARE, slow)
    await share_waba.fn(bench.services, onboarding)
    assert condition(await bench.look(), ConditionType.SHARED) == ("True", "RegistrationSeen")


async def test_sharing_again_after_silence_is_an_attempt_of_its_own(bench: Bench):
    onboarding = await bench.start()
    bench.network.cut_before("POST", SHARE, timed_out())
    await share_waba.fn(bench.services, onboarding)
    onboarding = await bench.slept(WaitKind.REGISTRATION)
    assert share_is_due(onboarding)
    await share_waba.fn(bench.services, onboarding)
    attempts = [shown(row) for row in await bench.effects(Verb.SHARE)]
    assert attempts == [("", 1, "ambiguous"), ("", 2, "done")]
    assert condition(await bench.look(), ConditionType.SHARED) == ("True", "ShareAccepted")


async def test_a_share_that_a_crash_cut_off_stays_started(bench: Bench):
    onboarding = await bench.start()
    bench.network.cut_after("POST", SHARE, Crash())
    with pytest.raises(Crash):
        await share_waba.fn(bench.services, onboarding)
    assert [shown(row) for row in await bench.effects()] == [("", 1, "started")]


async def test_a_share_that_a_crash_cut_off_is_not_blindly_repeated(bench: Bench):
    """It is as unsure as one without an answer: the next leg looks first."""
    onboarding = await bench.start()
    bench.network.cut_after("POST", SHARE, Crash())
    with pytest.raises(Crash):
        await share_waba.fn(bench.services, onboarding)
    onboarding = await bench.look()
    assert not share_is_due(onboarding)
    assert condition(onboarding, ConditionType.SHARED) == ("Unknown", "ShareNotAnswered")
