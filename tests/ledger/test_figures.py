"""What a report is drawn up from, as the ledger has it."""

from dataclasses import replace

import pytest

from tests.domain.samples import BAD, FAILED, GOOD, ON_ITS_WAY, T0, at, true
from tests.ledger.desk import Desk
from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.report import Milestone, Way
from waboard.domain.requirements import requirements_of
from waboard.ledger.admissions import admit, cap_use
from waboard.ledger.attempts import call_off, end_cancelled
from waboard.ledger.departures import begin_leaving
from waboard.ledger.figures import ways_since
from waboard.ledger.onboardings import client_of, end_onboarding

pytestmark = pytest.mark.alone

SHARED, REGISTERED = ConditionType.SHARED, ConditionType.REGISTERED
ASSOCIATED, VERIFIED = ConditionType.ASSOCIATED, ConditionType.VERIFIED


async def ways(desk: Desk, minute: float = 0) -> list[Way]:
    async with desk.ledger.begin() as session:
        return await ways_since(session, at(minute))


async def end(desk: Desk, onboarding_id: str, minute: float) -> None:
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(minute))


def become(kind: ConditionType, minute: float) -> Condition:
    """A condition that becomes true."""
    return replace(true(kind), changed_at=at(minute))


async def test_a_new_onboarding_has_only_been_asked_for(desk: Desk):
    await desk.start(minute=3)
    assert await ways(desk) == [Way("acme", None, {Milestone.ASKED_FOR: at(3)}, [])]


async def test_what_became_true_is_told_with_its_time(desk: Desk):
    """Of the onboarding, and of its senders with the first of them."""
    acme = await desk.started()
    await desk.write(acme, become(SHARED, 1))
    for number, minutes in ((BAD, (5, 6, 7)), (GOOD, (2, 3, 9))):
        for kind, minute in zip((REGISTERED, ASSOCIATED, VERIFIED), minutes, strict=True):
            await desk.write(acme, become(kind, minute), number)
    (way,) = await ways(desk)
    assert way.reached == {
        Milestone.ASKED_FOR: T0,
        Milestone.SHARED: at(1),
        Milestone.REGISTERED: at(2),
        Milestone.ASSOCIATED: at(3),
        Milestone.VERIFIED: at(7),
        Milestone.LIVE: at(7),
    }


async def test_the_first_time_counts_whatever_became_of_it(desk: Desk):
    """What was reached and lost was reached."""
    acme = await desk.started()
    await desk.write(acme, become(REGISTERED, 2), GOOD)
    await desk.write(acme, replace(FAILED, changed_at=at(3)), GOOD)
    await desk.write(acme, become(REGISTERED, 9), GOOD)
    (way,) = await ways(desk)
    assert way.reached[Milestone.REGISTERED] == at(2)


async def test_what_was_never_true_was_not_reached(desk: Desk):
    acme = await desk.started()
    await desk.write(acme, FAILED, GOOD)
    (way,) = await ways(desk)
    assert Milestone.REGISTERED not in way.reached


async def test_who_had_ended_before_is_left_out(desk: Desk):
    for client_ref, waba, minute in (("before", "1", 4), ("after", "2", 6)):
        await end(desk, await desk.started(client_ref, waba), minute)
    await desk.start("going", "3")
    found = await ways(desk, minute=5)
    assert sorted(way.client_ref for way in found) == ["after", "going"]
    assert {way.client_ref: way.ended_at for way in found} == {"after": at(6), "going": None}


async def test_what_is_needed_is_what_the_onboarding_itself_says(desk: Desk):
    """A sender that failed, one that is awaited, and what its run sleeps for."""
    acme = await desk.started(phone_numbers=[GOOD, BAD])
    await desk.write(acme, FAILED, GOOD)
    await desk.write(acme, replace(ON_ITS_WAY, changed_at=at(1)), BAD)
    await desk.sleep(acme, minute=2)
    (way,) = await ways(desk)
    expected = requirements_of(await desk.look(acme))
    assert {need.awaiting for need in expected} == {Party.OPERATOR, Party.INFOBIP}
    assert sorted(way.needs, key=str) == sorted(expected, key=str)


async def test_of_one_that_was_cancelled_nobody_needs_anything(desk: Desk):
    acme = await desk.started()
    await desk.write(acme, FAILED, GOOD)
    async with desk.ledger.begin() as session:
        await call_off(session, acme, at(4))
        await end_cancelled(session, acme, at(5))
    (way,) = await ways(desk)
    assert way.needs == []


async def test_of_a_client_that_leaves_only_that_is_needed(desk: Desk):
    acme = await desk.started()
    await desk.write(acme, FAILED, GOOD)
    await end(desk, acme, 5)
    async with desk.ledger.begin() as session:
        assert await begin_leaving(session, acme, at(6))
    (way,) = await ways(desk)
    assert [need.condition for need in way.needs] == [ConditionType.RELEASED]


async def test_each_onboarding_has_its_own(desk: Desk):
    acme, other = await desk.started(), await desk.started("other", "2")
    await desk.write(acme, FAILED, GOOD)
    await desk.write(other, become(REGISTERED, 2), GOOD)
    needs = {way.client_ref: [n.reason for n in way.needs] for way in await ways(desk)}
    assert needs == {"acme": [Reason.REGISTRATION_FAILED], "other": []}


async def test_the_cap_is_as_the_queue_has_it(desk: Desk):
    for client_ref, waba in (("first", "1"), ("second", "2"), ("third", "3")):
        onboarding_id = await desk.started(client_ref, waba)
        async with desk.ledger.begin() as session:
            await admit(session, await client_of(session, onboarding_id), 2, T0)
    async with desk.ledger.begin() as session:
        use = await cap_use(session, 2, at(1))
    assert (use.used, use.free, use.queued, use.frees_at) == (2, 0, 1, at(7 * 24 * 60))
