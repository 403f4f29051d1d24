"""How long waits took, and who waits now, as the ledger has it."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.domain.samples import T0, at
from tests.ledger.desk import Desk
from waboard.domain.clocks import ENOUGH, LOOKED_BACK, OF_THE_FIELD, Usual
from waboard.domain.waits import WaitKind
from waboard.ledger.clocks import LAST, read_clocks, sleepers
from waboard.ledger.models import OnboardingRow, WaitRow

pytestmark = pytest.mark.alone

REGISTRATION = WaitKind.REGISTRATION


async def usual(desk: Desk, kind: WaitKind = REGISTRATION, **later: float) -> Usual:
    async with desk.ledger.begin() as session:
        clocks = await read_clocks(session, {}, T0 + timedelta(**later), [kind])
    return clocks.usual[kind]


async def waited(desk: Desk, *sleeps: tuple[float, float]) -> str:
    """An onboarding that slept for its registration from and to these minutes."""
    number = await desk.count(OnboardingRow)
    onboarding_id = await desk.started(f"client-{number}", f"{1000 + number}")
    for begin, end in sleeps:
        await desk.sleep(onboarding_id, minute=begin)
        await desk.wake(onboarding_id, end)
    return onboarding_id


async def test_before_anybody_has_waited_it_is_what_is_known_of_the_field(desk: Desk):
    assert await usual(desk) == OF_THE_FIELD[REGISTRATION]


async def test_what_our_own_waits_took_is_usual_once_they_are_enough(desk: Desk):
    """19 of them are not."""
    for minutes in range(1, ENOUGH):
        await waited(desk, (0, minutes))
    assert (await usual(desk, hours=1)).count == 0
    await waited(desk, (0, ENOUGH))
    own = Usual(timedelta(minutes=10), timedelta(minutes=19), ENOUGH)
    assert await usual(desk, hours=1) == own


async def test_a_wait_counts_once_from_its_first_sleep_to_its_last(desk: Desk):
    """However often it was looked at in between."""
    for _ in range(ENOUGH):
        await waited(desk, (0, 10), (10, 20), (20, 33))
    own = await usual(desk, hours=1)
    assert (own.median, own.most, own.count) == (timedelta(minutes=33),) * 2 + (ENOUGH,)


async def test_a_wait_that_was_given_up_does_not_count(desk: Desk):
    """It says how patient we are: here an hour."""
    for _ in range(ENOUGH):
        await waited(desk, (0, 60))
    assert (await usual(desk, hours=2)).count == 0


async def test_a_wait_that_goes_on_does_not_count(desk: Desk):
    for _ in range(ENOUGH - 1):
        await waited(desk, (0, 5))
    await desk.sleep(await waited(desk, (0, 5)), minute=6)
    assert (await usual(desk, hours=1)).count == 0


async def test_what_was_long_ago_does_not_count(desk: Desk):
    for _ in range(ENOUGH):
        await waited(desk, (0, 5))
    days = LOOKED_BACK / timedelta(days=1)
    assert (await usual(desk, days=days)).count == ENOUGH
    assert (await usual(desk, days=days + 1)).count == 0


async def test_each_kind_has_its_own_usual_time(desk: Desk):
    for _ in range(ENOUGH):
        await waited(desk, (0, 5))
    async with desk.ledger.begin() as session:
        clocks = await read_clocks(session, {}, at(60))
    assert {kind for kind in WaitKind if clocks.usual[kind].count} == {REGISTRATION}


async def test_the_time_that_counts_is_when_it_came_and_not_when_somebody_woke(desk: Desk):
    """The worker may have been away."""
    for _ in range(ENOUGH):
        onboarding_id = await waited(desk)
        await desk.sleep(onboarding_id)
        async with desk.ledger.begin() as session:
            row = (await session.scalars(select(WaitRow).order_by(WaitRow.id.desc()))).first()
            assert row is not None
            row.satisfied_at = at(2)
        await desk.wake(onboarding_id, 50)
    assert (await usual(desk, hours=1)).most == timedelta(minutes=2)


async def test_the_last_of_many_count(desk: Desk):
    """So that reading them costs the same, however many there are."""
    onboarding_id = await waited(desk)
    async with desk.ledger.begin() as session:
        for n in range(LAST + ENOUGH):
            took = timedelta(minutes=50 if n < ENOUGH else 5)
            session.add(
                WaitRow(
                    onboarding_id=onboarding_id,
                    kind=REGISTRATION,
                    flow_run_id="run",
                    pause_key=f"key {n}",
                    since=at(n) - took,
                    opened_at=at(n) - took,
                    wake_at=at(n),
                    give_up_at=at(n + 1),
                    closed_at=at(n),
                )
            )
    assert await usual(desk, days=1) == Usual(timedelta(minutes=5), timedelta(minutes=5), LAST)


async def test_only_the_last_sleep_of_a_wait_is_not_slept_on(desk: Desk):
    await waited(desk, (0, 10), (10, 20), (20, 33))
    async with desk.ledger.begin() as session:
        query = select(func.count()).where(WaitRow.slept_on.is_(False))
        assert await session.scalar(query) == 1


async def test_who_waits_is_listed_with_what_for_and_since_when(desk: Desk):
    """All, or one client; whoever is awake is not in it."""
    for number, client_ref in enumerate(("acme", "bakery", "awake")):
        onboarding_id = await desk.started(client_ref, str(number))
        if client_ref != "awake":
            await desk.sleep(onboarding_id, minute=number, pause_key=client_ref)
    async with desk.ledger.begin() as session:
        everyone, one = await sleepers(session), await sleepers(session, "bakery")
    assert [(each.client_ref, each.wait.since) for each in everyone] == [
        ("acme", at(0)),
        ("bakery", at(1)),
    ]
    assert [each.client_ref for each in one] == ["bakery"]
