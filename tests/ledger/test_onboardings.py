"""Reading onboardings, and writing down what carries and ends them."""

import pytest

from tests.domain.samples import BAD, GOOD, WABA, at, not_true, true
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import NotFound
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.onboardings import (
    end_onboarding,
    find_onboardings,
    read_onboarding,
    record_run,
    without_run,
)
from waboard.ledger.senders import record_number_key

RUN = "11111111-0000-4000-8000-000000000001"


@pytest.fixture
async def onboarding_id(desk) -> str:
    return await desk.started(phone_numbers=(GOOD, BAD))


async def read(desk, onboarding_id):
    async with desk.ledger.begin() as session:
        return await read_onboarding(session, onboarding_id)


async def test_an_onboarding_is_read_with_its_senders_in_the_order_they_appeared(
    desk, onboarding_id
):
    """Each with its conditions."""
    found = await read(desk, onboarding_id)
    assert (found.id, found.waba_id, found.created_at) == (onboarding_id, WABA, at(0))
    assert [sender.phone_number for sender in found.senders] == [GOOD, BAD]
    assert all(sender.number_key is None for sender in found.senders)


async def test_an_unknown_onboarding_is_not_found(desk):
    """And the error says where to look."""
    with pytest.raises(NotFound, match="waboard status"):
        await read(desk, "nobody's")


@pytest.mark.alone
async def test_onboardings_are_found_newest_first(desk):
    """All of them, one client's, or up to a limit."""
    ids = [await desk.started(f"client-{i}", f"10238426622{i:04}", minute=i) for i in range(3)]
    async with desk.ledger.begin() as session:
        assert await find_onboardings(session) == ids[::-1]
        assert await find_onboardings(session, limit=1) == ids[2:]
        assert await find_onboardings(session, client_ref="client-1") == [ids[1]]
        assert await find_onboardings(session, client_ref="client-9") == []


async def test_an_onboarding_without_a_run_is_found_until_one_carries_it(desk, onboarding_id):
    """Whoever was to start it died in between."""
    async with desk.ledger.begin() as session:
        assert await without_run(session) == [onboarding_id]
        await record_run(session, onboarding_id, RUN)
    async with desk.ledger.begin() as session:
        assert await without_run(session) == []
    assert (await read(desk, onboarding_id)).flow_run_id == RUN


async def test_an_ended_onboarding_needs_no_run(desk, onboarding_id):
    """It is over."""
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(1))
    async with desk.ledger.begin() as session:
        assert await without_run(session) == []


async def end(desk, onboarding_id, minute):
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(minute))


async def reopen(desk, onboarding_id, minute):
    async with desk.ledger.begin() as session:
        await reopen_onboarding(session, onboarding_id, at(minute))


async def test_an_end_is_written_once(desk, onboarding_id):
    """The first time stands."""
    await end(desk, onboarding_id, 5)
    await end(desk, onboarding_id, 9)
    assert (await read(desk, onboarding_id)).ended_at == at(5)


async def test_a_retry_opens_an_attempt_again(desk, onboarding_id):
    """It is the same attempt, and it ends anew."""
    await end(desk, onboarding_id, 5)
    await reopen(desk, onboarding_id, 6)
    assert (await read(desk, onboarding_id)).ended_at is None
    await end(desk, onboarding_id, 9)
    assert (await read(desk, onboarding_id)).ended_at == at(9)


async def test_an_attempt_that_goes_on_is_not_opened_again(desk, onboarding_id):
    """A run that wakes up is no retry: what was decided stays decided."""
    rejected = not_true(ConditionType.VERIFIED, Reason.MESSAGE_REJECTED)
    timed_out = not_true(ConditionType.REGISTERED, Reason.REGISTRATION_TIMED_OUT, Status.UNKNOWN)
    await desk.write(onboarding_id, rejected, GOOD)
    await desk.write(onboarding_id, timed_out)
    before = await read(desk, onboarding_id)
    await reopen(desk, onboarding_id, 6)
    assert await read(desk, onboarding_id) == before


async def test_a_retry_waits_again_for_a_registration_that_was_given_up(desk, onboarding_id):
    """With all its patience; what is known of each sender stays known."""
    timed_out = not_true(ConditionType.REGISTERED, Reason.REGISTRATION_TIMED_OUT, Status.UNKNOWN)
    await desk.sleep(onboarding_id)
    await desk.wake(onboarding_id, 60)
    await desk.write(onboarding_id, timed_out)
    await end(desk, onboarding_id, 61)
    await reopen(desk, onboarding_id, 70)
    found = await read(desk, onboarding_id)
    assert ConditionType.REGISTERED not in found.conditions
    assert ConditionType.REGISTERED in found.sender(GOOD).conditions
    assert found.waited_for == {}
    await desk.sleep(onboarding_id, minute=71)
    wait = (await read(desk, onboarding_id)).wait
    assert wait is not None
    assert (wait.kind, wait.since, wait.give_up_at) == (WaitKind.REGISTRATION, at(71), at(131))


async def test_a_retry_tests_again_what_had_failed(desk, onboarding_id):
    """And it alone: one that is verified stays verified."""
    await desk.write(onboarding_id, true(ConditionType.VERIFIED), GOOD)
    await desk.write(onboarding_id, not_true(ConditionType.VERIFIED, Reason.NO_REPORT), BAD)
    await end(desk, onboarding_id, 5)
    await reopen(desk, onboarding_id, 6)
    found = await read(desk, onboarding_id)
    assert found.sender(GOOD).holds(ConditionType.VERIFIED)
    assert not found.sender(GOOD).may_be_tested_again
    assert found.sender(BAD).may_be_tested_again
    assert not found.sender(BAD).has_been_tested
    last = (await desk.history(onboarding_id))[-1]
    assert (last.subject, last.status_before, last.reason) == (BAD, "False", Reason.RETRY_ASKED)


async def test_the_provider_s_key_of_a_number_is_remembered(desk, onboarding_id):
    """For that number alone."""
    async with desk.ledger.begin() as session:
        await record_number_key(session, onboarding_id, GOOD, "6FED0BC540BFADD9B05ED7D89AAC22FA")
    found = await read(desk, onboarding_id)
    assert found.sender(GOOD).number_key == "6FED0BC540BFADD9B05ED7D89AAC22FA"
    assert found.sender(BAD).number_key is None
