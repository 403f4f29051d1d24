"""What there is to tell in a digest, and up to when the operator knows."""

from dataclasses import replace

import pytest

from tests.domain.samples import FAILED, GOOD, T0, at, not_true
from tests.ledger.desk import Desk
from waboard.domain.clocks import OF_THE_FIELD, Clocks
from waboard.domain.conditions import ConditionType
from waboard.domain.digest import Matter
from waboard.domain.reasons import Reason
from waboard.ledger.digests import begin_digest, end_digest, matters, told_until
from waboard.ledger.models import OnboardingRow
from waboard.ledger.onboardings import end_onboarding, record_run

DAY = 24 * 60


async def told(desk: Desk, since: float = 0, now: float = 60) -> dict[str, Matter]:
    """The matters, by client."""
    async with desk.ledger.begin() as session:
        found = await matters(session, Clocks(OF_THE_FIELD, {}), at(since), at(now))
    return {each.client_ref: each for each in found}


async def end(desk: Desk, onboarding_id: str, minute: float) -> None:
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(minute), "RegistrationFailed")


async def test_who_is_on_the_way_is_a_matter_with_its_run_needs_and_clock(desk: Desk):
    acme = await desk.started()
    await desk.write(acme, FAILED, GOOD)
    await desk.sleep(acme, minute=5)
    async with desk.ledger.begin() as session:
        await record_run(session, acme, "run 1")
    matter = (await told(desk))["acme"]
    assert matter.run_id == "run 1"
    assert Reason.REGISTRATION_FAILED in [need.reason for need in matter.needs]
    assert matter.clock is not None
    assert matter.clock.since == at(5)


@pytest.mark.alone
async def test_who_ended_lately_and_needs_somebody_is_told_for_a_week(desk: Desk):
    acme = await desk.started()
    await desk.write(acme, FAILED, GOOD)
    await end(desk, acme, 10)
    week = 7 * DAY
    matter = (await told(desk, since=week - 60, now=week))["acme"]
    assert (matter.ended_at, matter.ended_as) == (at(10), "RegistrationFailed")
    assert [need.reason for need in matter.needs] == [Reason.REGISTRATION_FAILED]
    assert await told(desk, since=week, now=week + 60) == {}


@pytest.mark.alone
async def test_what_is_needed_of_one_long_live_is_told_for_a_week(desk: Desk):
    """Such as a client that removed the provider a month after it went live."""
    acme, month, week = await desk.started(), 30 * DAY, 7 * DAY
    await end(desk, acme, 10)
    gone = replace(
        not_true(ConditionType.CONNECTED, Reason.CLIENT_DISCONNECTED), changed_at=at(month)
    )
    await desk.write(acme, gone)
    matter = (await told(desk, since=month, now=month + 60))["acme"]
    assert [need.reason for need in matter.needs] == [Reason.CLIENT_DISCONNECTED]
    assert await told(desk, since=month + week, now=month + week + 60) == {}


async def test_nothing_that_ended_since_the_last_digest_is_left_out(desk: Desk):
    """However long that is ago."""
    await end(desk, await desk.started(), 10)
    assert "acme" in await told(desk, since=5, now=30 * DAY)


async def test_an_attempt_that_another_followed_is_no_matter(desk: Desk):
    first = await desk.started()
    await desk.write(first, FAILED, GOOD)
    await end(desk, first, 10)
    async with desk.ledger.begin() as session:
        row = await session.get_one(OnboardingRow, first)
        facts = {name: getattr(row, name) for name in row.__table__.columns.keys()}  # noqa: SIM118
        row.leaving_at = row.left_at = at(15)
        await session.flush()
        again = {**facts, "id": "second", "attempt": 2, "ended_at": at(20), "ended_as": "Live"}
        session.add(OnboardingRow(**again))
    assert (await told(desk))["acme"].ended_as == "Live"


async def test_up_to_when_the_operator_knows_is_the_last_digest_that_was_told(desk: Desk):
    """One that was begun and not told, by a crash, tells nothing."""
    async with desk.ledger.begin() as session:
        first = await begin_digest(session, T0)
        await end_digest(session, first, at(1))
        await begin_digest(session, at(DAY))
        assert await told_until(session, at(2 * DAY)) == T0


async def test_the_first_looks_back_a_day_and_so_does_its_next_try(desk: Desk):
    async with desk.ledger.begin() as session:
        assert await told_until(session, T0) == at(-DAY)
        await begin_digest(session, T0)
        assert await told_until(session, at(DAY)) == at(-DAY)
