"""What the ledger knows in numbers."""

from datetime import datetime

import pytest
from sqlalchemy import event

from tests.domain.samples import BAD, GOOD, T0, at
from tests.ledger.desk import Desk, connected, told
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.ledger.admissions import admit
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.models import Disposition, EventKind
from waboard.ledger.onboardings import client_of, end_onboarding
from waboard.ledger.tally import Group, Tally, take_tally

pytestmark = pytest.mark.alone

FAILED = Condition(
    ConditionType.REGISTERED,
    Status.FALSE,
    Reason.REGISTRATION_FAILED,
    "Two-step verification is on.",
    "event 1",
    T0,
)
SHARED = Condition(
    ConditionType.SHARED, Status.TRUE, Reason.SHARE_ACCEPTED, "Accepted.", "effect 1", T0
)


async def tally(desk: Desk, minute: float = 0) -> Tally:
    async with desk.ledger.begin() as session:
        return await take_tally(session, at(minute))


async def several(desk: Desk, number: int) -> list[str]:
    return [await desk.started(f"client-{i}", str(10_000 + i)) for i in range(number)]


async def end(desk: Desk, onboarding_id: str, as_what: str | None) -> None:
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, T0, as_what)


async def test_an_empty_ledger_has_nothing_to_count(desk: Desk):
    assert await tally(desk) == Tally({}, {}, {}, {}, 0)


async def test_an_onboarding_runs_until_it_sleeps_and_again_once_it_is_woken(desk: Desk):
    onboarding = await desk.started()
    assert (await tally(desk)).stages == {"Running": 1}
    await desk.sleep(onboarding)
    assert (await tally(desk)).stages == {"AwaitingRegistration": 1}
    await desk.wake(onboarding, 1)
    assert (await tally(desk)).stages == {"Running": 1}


async def test_one_that_has_ended_counts_as_what_it_was_told_to_be(desk: Desk):
    one, two, three, _ = await several(desk, 4)
    await end(desk, one, "Live")
    await end(desk, two, "Live")
    await end(desk, three, None)
    assert (await tally(desk)).stages == {"Live": 2, "Ended": 1, "Running": 1}


async def test_one_that_goes_on_after_its_end_counts_as_what_it_does_now(desk: Desk):
    onboarding = await desk.started()
    await end(desk, onboarding, "RegistrationFailed")
    again = await desk.started("beta", "777")
    await end(desk, again, "RegistrationFailed")
    async with desk.ledger.begin() as session:
        await reopen_onboarding(session, again, at(5))
    await desk.sleep(again, WaitKind.DELIVERY)
    assert (await tally(desk)).stages == {"RegistrationFailed": 1, "AwaitingDelivery": 1}


async def test_waits_count_by_what_for_with_since_when_the_oldest_waits(desk: Desk):
    """Over all sleeps of an onboarding for the same, not since its last nudge."""
    one, two, three = await several(desk, 3)
    await desk.sleep(one, minute=2)
    await desk.sleep(one, minute=20)
    await desk.sleep(two, minute=7)
    await desk.sleep(three, WaitKind.SLOT, minute=9)
    assert (await tally(desk)).waits == {
        WaitKind.REGISTRATION: Group(2, at(2)),
        WaitKind.SLOT: Group(1, at(9)),
    }


async def test_needs_count_onboardings_by_the_condition_that_is_not_true_and_why(desk: Desk):
    """Two senders that need the same are one onboarding that needs it."""
    one, two = await several(desk, 2)
    for onboarding in (one, two):
        await desk.write(onboarding, SHARED)
        await desk.write(onboarding, FAILED, GOOD)
    await desk.write(one, FAILED, BAD)
    assert (await tally(desk)).needs == {("Registered", "RegistrationFailed"): 2}


async def test_events_count_by_kind_and_disposition_with_when_the_first_came(desk: Desk):
    await desk.keep(told(minute=2), minute=1)
    await desk.keep(told(minute=3), minute=4)
    await desk.keep(connected(GOOD), minute=6)
    found = await tally(desk)
    assert found.events == {
        (EventKind.REGISTRATION, Disposition.PARKED): Group(2, at(1)),
        (EventKind.QUALITY, Disposition.PARKED): Group(1, at(6)),
    }
    assert found.oldest_parked(EventKind.QUALITY) == at(6)
    assert found.oldest_parked(EventKind.META) is None


async def test_an_event_that_is_taken_up_is_parked_no_more(desk: Desk):
    onboarding = await desk.started()
    await desk.hear(onboarding, told(), minute=1)
    found = await tally(desk)
    assert {disposition for _, disposition in found.events} == {Disposition.APPLIED}
    assert found.oldest_parked(EventKind.REGISTRATION) is None


@pytest.mark.parametrize(("now", "used"), [(at(60), 1), (at(60 * 24 * 7), 0)])
async def test_the_weekly_cap_counts_who_was_let_in_in_the_last_seven_days(
    desk: Desk, now: datetime, used: int
):
    onboardings = await several(desk, 2)
    async with desk.ledger.begin() as session:
        for onboarding in onboardings:
            await admit(session, await client_of(session, onboarding), 1, T0)
    async with desk.ledger.begin() as session:
        assert (await take_tally(session, now)).admitted == used


async def test_a_tally_takes_as_many_queries_for_many_as_for_one(desk: Desk):
    """It costs no more than it must while there are thousands."""
    statements: list[str] = []
    await desk.started()
    event.listen(
        desk.ledger.engine.sync_engine,
        "before_cursor_execute",
        lambda *args: statements.append(args[2]),
    )
    await tally(desk)
    for_one = len(statements)
    for onboarding in await several(desk, 5):
        await desk.sleep(onboarding)
    statements.clear()
    await tally(desk)
    assert len(statements) == for_one <= 7
