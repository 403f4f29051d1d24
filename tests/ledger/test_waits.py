"""Waits: which run sleeps for what, since when, and when somebody should look at it."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from tests.domain.samples import BAD, GOOD, at
from tests.ledger.desk import connected, open_as, reported, told
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.ledger.look import look
from waboard.ledger.models import EffectStatus, Verb, WaitRow
from waboard.ledger.waits import (
    DueWait,
    claim_due,
    hurry,
    last_slept,
    open_wait,
    open_wait_of,
    satisfy_wait,
    waited_for,
)


@pytest.fixture
async def onboarding_id(desk) -> str:
    return await desk.started()


async def waiting(desk, onboarding_id) -> tuple[WaitKind, datetime, datetime] | None:
    """What for, since when, and until when."""
    async with desk.ledger.begin() as session:
        wait = await open_wait_of(session, onboarding_id)
    return (wait.kind, wait.since, wait.give_up_at) if wait else None


async def shared(desk, onboarding_id: str, status: EffectStatus, minute: float = 0) -> None:
    """Share the WABA, with this for an answer."""
    await desk.end(await desk.begin(onboarding_id, Verb.SHARE, minute=minute), status)


async def test_a_wait_says_what_for_since_when_and_until_when(desk, onboarding_id):
    """It is given up an hour after it began."""
    await desk.sleep(onboarding_id, minute=3)
    assert await waiting(desk, onboarding_id) == (WaitKind.REGISTRATION, at(3), at(63))


async def test_whoever_is_awake_waits_for_nothing(desk, onboarding_id):
    """Before the first sleep, and after each."""
    assert await waiting(desk, onboarding_id) is None
    await desk.sleep(onboarding_id)
    await desk.wake(onboarding_id, 5)
    assert await waiting(desk, onboarding_id) is None


async def test_a_wait_is_due_at_its_nudge(desk, onboarding_id):
    """Ten minutes later, and not before."""
    await desk.sleep(onboarding_id, pause_key="sleep 1")
    assert await desk.claim(9.9) == []
    assert await desk.claim(10) == [
        DueWait(onboarding_id, f"run of {onboarding_id[:8]}", "sleep 1")
    ]


async def test_the_last_sleep_ends_when_the_wait_is_given_up(desk, onboarding_id):
    """Sooner than the next nudge would come."""
    await desk.sleep(onboarding_id)
    await desk.sleep(onboarding_id, minute=55, pause_key="sleep 2")
    assert await desk.claim(59.9) == []
    assert [due.pause_key for due in await desk.claim(60)] == ["sleep 2"]


async def test_a_wait_began_with_its_first_sleep(desk, onboarding_id):
    """However often it was slept and woken since: the end does not move away."""
    for minute in (0, 10, 20):
        await desk.sleep(onboarding_id, minute=minute)
        await desk.wake(onboarding_id, minute + 9)
    await desk.sleep(onboarding_id, minute=30)
    assert await waiting(desk, onboarding_id) == (WaitKind.REGISTRATION, at(0), at(60))


async def test_each_kind_of_wait_has_its_own_beginning(desk, onboarding_id):
    """Having waited for a registration takes nothing from the time for a delivery."""
    await desk.sleep(onboarding_id)
    await desk.wake(onboarding_id, 30)
    await desk.sleep(onboarding_id, WaitKind.DELIVERY, minute=40)
    assert await waiting(desk, onboarding_id) == (WaitKind.DELIVERY, at(40), at(100))
    async with desk.ledger.begin() as session:
        assert await waited_for(session, onboarding_id) == {
            WaitKind.REGISTRATION: at(60),
            WaitKind.DELIVERY: at(100),
        }


async def test_the_patience_for_a_registration_begins_anew_when_a_repeated_share_is_taken(
    desk, onboarding_id
):
    """What was not shared until now cannot have been registered."""
    await shared(desk, onboarding_id, EffectStatus.AMBIGUOUS)
    await desk.sleep(onboarding_id, minute=1)
    await desk.wake(onboarding_id, 50)
    await shared(desk, onboarding_id, EffectStatus.DONE, minute=50)
    async with desk.ledger.begin() as session:
        assert await waited_for(session, onboarding_id) == {}
    await desk.sleep(onboarding_id, minute=51)
    assert await waiting(desk, onboarding_id) == (WaitKind.REGISTRATION, at(51), at(111))


async def test_the_patience_goes_on_when_a_repeated_share_is_not_answered_either(
    desk, onboarding_id
):
    """Else an onboarding whose shares are never answered would never end."""
    await shared(desk, onboarding_id, EffectStatus.AMBIGUOUS)
    await desk.sleep(onboarding_id, minute=1)
    await shared(desk, onboarding_id, EffectStatus.AMBIGUOUS, minute=50)
    await desk.sleep(onboarding_id, minute=51)
    assert await waiting(desk, onboarding_id) == (WaitKind.REGISTRATION, at(1), at(61))


async def test_a_share_that_is_taken_takes_nothing_from_what_was_waited_for_elsewhere(
    desk, onboarding_id
):
    """The place in the queue of the week was waited for before it."""
    await desk.sleep(onboarding_id, WaitKind.SLOT)
    await shared(desk, onboarding_id, EffectStatus.DONE, minute=5)
    async with desk.ledger.begin() as session:
        assert await waited_for(session, onboarding_id) == {WaitKind.SLOT: at(60)}


async def test_an_onboarding_that_never_slept_has_waited_for_nothing(desk, onboarding_id):
    """Nothing is given up yet."""
    async with desk.ledger.begin() as session:
        assert await waited_for(session, onboarding_id) == {}


async def test_a_new_sleep_closes_the_one_before(desk, onboarding_id):
    """A run that died awake left it open; an onboarding sleeps once at a time."""
    await desk.sleep(onboarding_id, pause_key="sleep 1")
    await desk.sleep(onboarding_id, WaitKind.DELIVERY, minute=5, pause_key="sleep 2")
    async with desk.ledger.begin() as session:
        query = select(WaitRow).where(WaitRow.onboarding_id == onboarding_id)
        rows = (await session.scalars(query.order_by(WaitRow.id))).all()
    assert [(row.pause_key, row.closed_at) for row in rows] == [
        ("sleep 1", at(5)),
        ("sleep 2", None),
    ]


async def test_a_satisfied_wait_is_due_at_once(desk, onboarding_id):
    """Nobody sleeps until the nudge."""
    await desk.sleep(onboarding_id)
    async with desk.ledger.begin() as session:
        await satisfy_wait(session, onboarding_id, at(1))
    assert [due.onboarding_id for due in await desk.claim(1)] == [onboarding_id]


async def test_only_its_own_wait_is_satisfied_and_closed(desk, onboarding_id):
    """Another onboarding sleeps on."""
    globex = await desk.started("globex", "102384266223094")
    await desk.sleep(onboarding_id)
    await desk.sleep(globex)
    async with desk.ledger.begin() as session:
        await satisfy_wait(session, onboarding_id, at(1))
    assert [due.onboarding_id for due in await desk.claim(1)] == [onboarding_id]
    await desk.wake(onboarding_id, 2)
    assert await waiting(desk, globex) is not None


async def test_a_closed_wait_is_never_due(desk, onboarding_id):
    """Its run is awake."""
    await desk.sleep(onboarding_id)
    await desk.wake(onboarding_id, 1)
    async with desk.ledger.begin() as session:
        await satisfy_wait(session, onboarding_id, at(2))
    assert await desk.claim(999) == []


async def test_what_was_claimed_is_not_due_while_the_lease_lasts(desk, onboarding_id):
    """And is due again after it: whoever claimed it may have died."""
    await desk.sleep(onboarding_id)
    assert len(await desk.claim(10)) == 1
    assert await desk.claim(10.9) == []
    assert len(await desk.claim(11)) == 1


async def test_what_was_claimed_is_not_due_again_for_more_of_the_same(desk, onboarding_id):
    """One event or five: a run is woken once for what it waits for."""
    await desk.sleep(onboarding_id)
    await desk.hear(onboarding_id, told(), minute=2)
    assert len(await desk.claim(2)) == 1
    await desk.hear(onboarding_id, told(lastModifiedAt="2026-09-01T10:00:00.000+0000"), minute=2)
    assert await desk.claim(2) == []
    assert len(await desk.claim(3)) == 1


@pytest.mark.parametrize("claimers", [2, 10])
async def test_claimers_in_the_same_instant_get_each_wait_once(desk, other_desk, claimers):
    """A run is not woken twice."""
    sleeping = {await desk.started(f"client-{i}", f"10238426622{i:04}") for i in range(8)}
    for onboarding_id in sleeping:
        await desk.sleep(onboarding_id)
    desks = [desk, other_desk] * (claimers // 2)
    claimed = await asyncio.gather(*(d.claim(10) for d in desks))
    ids = [due.onboarding_id for some in claimed for due in some]
    assert len(ids) == len(sleeping)
    assert set(ids) == sleeping


# No wake-up is lost


async def test_an_event_after_the_wait_was_opened_makes_it_due(desk, onboarding_id):
    """Whoever takes it up sees the wait."""
    await desk.sleep(onboarding_id)
    await desk.hear(onboarding_id, told(), minute=2)
    assert [due.onboarding_id for due in await desk.claim(2)] == [onboarding_id]


async def test_an_event_before_the_wait_was_opened_is_seen_by_the_look_after(desk, onboarding_id):
    """Whoever is about to sleep looks once more."""
    await desk.keep(told())
    onboarding = await desk.fall_asleep(onboarding_id, 1)
    assert onboarding.registration.is_settled
    assert [due.onboarding_id for due in await desk.claim(1)] == [onboarding_id]


async def test_an_event_while_a_run_is_falling_asleep_waits_for_it(desk, other_desk, onboarding_id):
    """After the run's last look, before its wait is there for others to see."""
    async with desk.ledger.begin() as session:
        await open_as(session, onboarding_id)
        assert not (await look(session, onboarding_id, at(0))).registration.is_settled
        event = asyncio.create_task(other_desk.hear(onboarding_id, told()))
        await asyncio.wait([event], timeout=0.3)  # it gets as far as it can
    await event
    assert len(await desk.claim(0)) == 1


@pytest.mark.parametrize("slept_before", [False, True])
async def test_an_event_and_a_run_that_falls_asleep_never_miss_each_other(
    desk, other_desk, slept_before
):
    """Whoever comes second sees the first; also when an earlier wait was left open."""
    wabas = [f"10238426622{i:04}" for i in range(8)]
    ids = [await desk.started(f"client-{waba}", waba) for waba in wabas]
    if slept_before:
        for one in ids:
            await desk.sleep(one)
    runs = [desk.fall_asleep(one) for one in ids]
    facts = [told(businessAccountId=waba) for waba in wabas]
    events = [other_desk.hear(one, fact) for one, fact in zip(ids, facts, strict=True)]
    await asyncio.gather(*(work for pair in zip(runs, events, strict=True) for work in pair))
    assert {due.onboarding_id for due in await desk.claim(0)} == set(ids)


async def test_an_event_that_ends_nothing_leaves_the_wait_alone(desk, onboarding_id):
    """A registration in progress is no reason to wake."""
    await desk.sleep(onboarding_id)
    await desk.hear(onboarding_id, told("IN_PROGRESS", senders={GOOD: "IN_PROGRESS"}), minute=2)
    assert await desk.claim(9.9) == []


async def test_a_look_does_not_put_off_a_nudge(desk, onboarding_id):
    """Looking is free."""
    await desk.sleep(onboarding_id)
    await desk.look(onboarding_id, 9)
    assert len(await desk.claim(10)) == 1


async def test_a_connected_number_ends_a_wait_for_it(desk):
    """The webhook was lost; the quality endpoint shows it."""
    onboarding_id = await desk.started(phone_numbers=(GOOD,))
    await desk.sleep(onboarding_id)
    await desk.hear(onboarding_id, connected(GOOD), minute=2)
    assert len(await desk.claim(2)) == 1


async def test_the_last_report_ends_a_wait_for_deliveries(desk, onboarding_id):
    """And no sooner one does."""
    await desk.hear(onboarding_id, told(senders={GOOD: "FINISHED", BAD: "FINISHED"}))
    await desk.associate(onboarding_id, GOOD, BAD)
    messages = [await desk.send(onboarding_id, number) for number in (GOOD, BAD)]
    await desk.look(onboarding_id)
    await desk.sleep(onboarding_id, WaitKind.DELIVERY)
    await desk.hear(onboarding_id, reported("delivered", message_id=messages[0]), minute=1)
    assert await desk.claim(1) == []
    await desk.hear(onboarding_id, reported("rejected", message_id=messages[1]), minute=2)
    assert len(await desk.claim(2)) == 1


async def test_a_wait_whose_end_is_known_is_looked_at_then_and_not_before(desk, onboarding_id):
    async with desk.ledger.begin() as session:
        await open_wait(
            session,
            onboarding_id,
            WaitKind.SLOT,
            flow_run_id="run",
            pause_key="key",
            plan=WaitPlan(timedelta(minutes=10), timedelta(hours=9)),
            now=at(0),
            until=at(90),
        )
        wait = await open_wait_of(session, onboarding_id)
    assert wait is not None
    assert wait.due_at == at(90)
    async with desk.ledger.begin() as session:
        assert await claim_due(session, at(89), timedelta(minutes=1)) == []
        assert len(await claim_due(session, at(90), timedelta(minutes=1))) == 1


@pytest.mark.alone
async def test_all_who_wait_for_one_kind_of_thing_can_be_hurried(desk, onboarding_id):
    await desk.sleep(onboarding_id, minute=0)
    async with desk.ledger.begin() as session:
        await hurry(session, WaitKind.SOLUTION, at(1))
        assert await claim_due(session, at(1), timedelta(minutes=1)) == []
        await hurry(session, WaitKind.REGISTRATION, at(1))
        assert len(await claim_due(session, at(1), timedelta(minutes=1))) == 1


async def test_whoever_is_woken_is_told_why(desk, onboarding_id):
    """It is time to look, it has waited long enough, or what it waits for has come."""
    await desk.sleep(onboarding_id)
    assert [due.why for due in await desk.claim(10)] == ["It is time to look."]
    assert [due.why for due in await desk.claim(60)] == ["It has waited long enough."]
    await desk.keep(told())
    await desk.look(onboarding_id, 70)
    assert [due.why for due in await desk.claim(70)] == ["What it waited for has come."]


async def test_each_kind_has_a_last_sleep_of_its_own(desk, onboarding_id):
    """Only one that it woke from counts."""
    await desk.sleep(onboarding_id, WaitKind.REGISTRATION, minute=1)
    await desk.sleep(onboarding_id, WaitKind.DELIVERY, minute=5)
    async with desk.ledger.read() as session:
        slept = [await last_slept(session, onboarding_id, kind) for kind in WaitKind]
    by_kind = dict(zip(WaitKind, slept, strict=True))
    assert by_kind.pop(WaitKind.REGISTRATION) == at(1)
    assert set(by_kind.values()) == {None}


async def test_a_sleep_for_one_thing_is_not_slept_on_by_a_sleep_for_another(desk, onboarding_id):
    """Though both began at the same moment."""
    for kind in (WaitKind.REGISTRATION, WaitKind.DELIVERY):
        await desk.sleep(onboarding_id, kind, minute=1)
    async with desk.ledger.read() as session:
        query = select(WaitRow.slept_on).where(WaitRow.onboarding_id == onboarding_id)
        assert list(await session.scalars(query)) == [False, False]
