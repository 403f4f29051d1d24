"""Writing down what is true: only what changed, and each change into the history."""

from dataclasses import replace

import pytest

from tests.domain.samples import GOOD, at, not_true, true
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.reasons import Reason
from waboard.ledger.conditions import conditions_of

AWAITED = not_true(ConditionType.REGISTERED, Reason.REGISTRATION_IN_PROGRESS, Status.UNKNOWN)
DONE = replace(true(ConditionType.REGISTERED), changed_at=at(5), evidence="event 2")


@pytest.fixture
async def onboarding_id(desk) -> str:
    return await desk.started()


async def known(desk, onboarding_id):
    async with desk.ledger.begin() as session:
        return await conditions_of(session, onboarding_id)


async def test_a_condition_is_written_about_the_onboarding_or_a_sender(desk, onboarding_id):
    """Each has its own."""
    assert await desk.write(onboarding_id, true(ConditionType.SHARED))
    assert await desk.write(onboarding_id, AWAITED, GOOD)
    assert await known(desk, onboarding_id) == {
        "": {ConditionType.SHARED: true(ConditionType.SHARED)},
        GOOD: {ConditionType.REGISTERED: AWAITED},
    }


async def test_the_same_again_is_not_written(desk, onboarding_id):
    """A look that finds nothing new leaves no trace."""
    await desk.write(onboarding_id, AWAITED, GOOD)
    assert not await desk.write(onboarding_id, replace(AWAITED, changed_at=at(9)), GOOD)
    assert len(await desk.history(onboarding_id)) == 1


async def test_a_new_status_is_a_line_of_history(desk, onboarding_id):
    """With what was before, why, on what evidence, and when."""
    await desk.write(onboarding_id, AWAITED, GOOD)
    await desk.write(onboarding_id, DONE, GOOD)
    first, second = await desk.history(onboarding_id)
    assert (first.status_before, first.status, first.at) == (None, "Unknown", at(0))
    assert (second.status_before, second.status, second.at) == ("Unknown", "True", at(5))
    assert (second.subject, second.type) == (GOOD, "Registered")
    assert (second.reason, second.message) == (Reason.REGISTRATION_FINISHED, "Yes.")
    assert second.evidence == "event 2"
    assert (await known(desk, onboarding_id))[GOOD] == {ConditionType.REGISTERED: DONE}


async def test_a_new_message_is_a_line_of_history_and_keeps_the_time_of_the_status(
    desk, onboarding_id
):
    """It has been unknown since then."""
    await desk.write(onboarding_id, AWAITED, GOOD)
    halfway = replace(AWAITED, message="Halfway.", changed_at=at(7), evidence="event 3")
    assert await desk.write(onboarding_id, halfway, GOOD)
    assert (await known(desk, onboarding_id))[GOOD] == {
        ConditionType.REGISTERED: replace(halfway, changed_at=at(0))
    }
    last = (await desk.history(onboarding_id))[-1]
    assert (last.status_before, last.status, last.message) == ("Unknown", "Unknown", "Halfway.")
    assert last.at == at(7)


async def test_a_status_that_comes_back_has_the_time_of_its_return(desk, onboarding_id):
    """Not that of its first time."""
    for condition in (AWAITED, DONE, replace(AWAITED, changed_at=at(8))):
        await desk.write(onboarding_id, condition, GOOD)
    found = (await known(desk, onboarding_id))[GOOD][ConditionType.REGISTERED]
    assert (found.status, found.changed_at) == (Status.UNKNOWN, at(8))
    assert len(await desk.history(onboarding_id)) == 3


async def test_of_an_onboarding_without_conditions_nothing_is_known(desk, onboarding_id):
    """Not even as false."""
    assert await known(desk, onboarding_id) == {}
