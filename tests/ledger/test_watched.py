"""Whom a reconciliation looks at."""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.domain.samples import BAD, FAILED, GOOD, T0, at, holding, not_true
from tests.ledger.desk import Desk
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.filing import Filing
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Watched
from waboard.domain.standing import Standing
from waboard.ledger import watched
from waboard.ledger.models import OnboardingRow
from waboard.ledger.onboardings import (
    end_onboarding,
    forget_run,
    go_on_soon,
    read_onboarding,
    record_run,
    with_news,
)
from waboard.ledger.senders import record_adopted, record_standings
from waboard.ledger.watched import (
    LeftUndone,
    OnTheWay,
    awaited_numbers,
    left_undone,
    note_looked_for,
    on_the_way,
    registered_senders,
    unregistered_senders,
)

REGISTERED, ASSOCIATED = ConditionType.REGISTERED, ConditionType.ASSOCIATED
AWAY = not_true(ASSOCIATED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN)
OTHER_WABA = "102384266223094"


async def registered(desk: Desk, client_ref: str = "acme", waba_id: str = "1") -> str:
    """An onboarding of two numbers, of which one is registered and associated."""
    onboarding_id = await desk.started(client_ref, waba_id, phone_numbers=(GOOD, BAD))
    for condition in holding(REGISTERED, ASSOCIATED).values():
        await desk.write(onboarding_id, condition, GOOD)
    return onboarding_id


async def end(desk: Desk, onboarding_id: str) -> None:
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(0), "Live")


async def senders(desk: Desk, client_ref: str | None = None) -> list[Watched]:
    pages = registered_senders(desk.ledger, client_ref)
    return [sender async for page in pages for sender in page]


async def undone(desk: Desk, since: datetime = T0) -> list[LeftUndone]:
    async with desk.ledger.begin() as session:
        return await left_undone(session, since)


async def test_registered_senders_are_compared_and_others_are_not(desk: Desk):
    onboarding_id = await registered(desk)
    (found,) = await senders(desk)
    assert (found.onboarding_id, found.phone_number) == (onboarding_id, GOOD)
    assert (found.filing, found.usable) == (Filing("waboard", "acme"), None)


async def test_one_that_was_adopted_is_compared_with_the_ids_that_it_has(desk: Desk):
    onboarding_id = await registered(desk)
    foreign = Filing("default", "506914")
    async with desk.ledger.begin() as session:
        await record_adopted(session, onboarding_id, GOOD, foreign)
    assert [found.filing for found in await senders(desk)] == [foreign]


async def test_one_that_is_not_associated_has_no_filing(desk: Desk):
    onboarding_id = await registered(desk)
    await desk.write(onboarding_id, AWAY, GOOD)
    assert [found.filing for found in await senders(desk)] == [None]


async def test_that_one_was_lost_is_known(desk: Desk):
    onboarding_id = await registered(desk)
    await desk.write(onboarding_id, not_true(ConditionType.USABLE, Reason.SENDER_BANNED), GOOD)
    assert [found.usable for found in await senders(desk)] == [False]


async def test_each_client_can_be_looked_at_alone(desk: Desk):
    await registered(desk)
    await registered(desk, "bakery", OTHER_WABA)
    assert [found.client_ref for found in await senders(desk)] == ["acme", "bakery"]
    assert [found.client_ref for found in await senders(desk, "bakery")] == ["bakery"]
    assert await senders(desk, "nobody") == []


async def test_they_come_in_parts_and_nobody_is_left_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watched, "PAGE", 2)
    for number in range(1, 6):
        await registered(desk, f"client-{number}", f"{number}")
    pages = [page async for page in registered_senders(desk.ledger)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({sender.client_ref for page in pages for sender in page}) == 5


async def test_awaited_are_numbers_of_whom_is_on_the_way_and_not_decided(desk: Desk):
    onboarding_id = await registered(desk)
    async with desk.ledger.begin() as session:
        assert await awaited_numbers(session) == [BAD]
        assert await awaited_numbers(session, "nobody") == []
    await end(desk, onboarding_id)
    async with desk.ledger.begin() as session:
        assert await awaited_numbers(session) == []


async def unregistered(desk: Desk, client_ref: str | None = None) -> list[tuple[str, datetime]]:
    async with desk.ledger.begin() as session:
        found = await unregistered_senders(session, client_ref)
    return [(each.phone_number, each.since) for each in found]


async def test_unregistered_is_who_failed_whether_it_has_ended_or_not(desk: Desk):
    onboarding_id = await registered(desk)
    assert await unregistered(desk) == []
    await desk.write(onboarding_id, replace(FAILED, changed_at=at(5)), BAD)
    assert await unregistered(desk) == [(BAD, at(5))]
    assert await unregistered(desk, "nobody") == []
    await end(desk, onboarding_id)
    assert await unregistered(desk, "acme") == [(BAD, at(5))]


async def test_unregistered_is_who_was_given_up(desk: Desk):
    """Since the end: before, its run awaited it."""
    onboarding_id = await registered(desk)
    async with desk.ledger.begin() as session:
        await end_onboarding(session, onboarding_id, at(9), "LiveLimited")
    assert await unregistered(desk) == [(BAD, at(9))]


@pytest.mark.parametrize("what", ["cancelled_at", "leaving_at"])
async def test_unregistered_is_nobody_of_one_that_was_cancelled_or_leaves(desk: Desk, what: str):
    onboarding_id = await registered(desk)
    await desk.write(onboarding_id, FAILED, BAD)
    async with desk.ledger.begin() as session:
        row = await session.get_one(OnboardingRow, onboarding_id)
        row.ended_at = at(1)
        setattr(row, what, at(1))
    assert await unregistered(desk) == []


async def test_who_was_looked_for_is_known(desk: Desk):
    onboarding_id = await registered(desk)
    await desk.write(onboarding_id, FAILED, BAD)
    async with desk.ledger.begin() as session:
        await note_looked_for(session, await unregistered_senders(session), at(20))
    async with desk.ledger.begin() as session:
        (found,) = await unregistered_senders(session)
    assert found.looked_for_at == at(20)
    assert not found.is_due(at(34))
    assert found.is_due(at(35))


@pytest.mark.alone
async def test_on_the_way_is_who_has_not_ended(desk: Desk):
    onboarding_id = await registered(desk)
    async with desk.ledger.begin() as session:
        await record_run(session, onboarding_id, "run")
        assert await on_the_way(session) == [OnTheWay(onboarding_id, "acme", "run")]
        assert await on_the_way(session, "nobody") == []
        await forget_run(session, onboarding_id)
        assert await on_the_way(session, "acme") == [OnTheWay(onboarding_id, "acme", None)]
    await end(desk, onboarding_id)
    async with desk.ledger.begin() as session:
        assert await on_the_way(session) == []


async def test_left_undone_is_what_a_provider_kept_back_from_one_that_has_ended(desk: Desk):
    onboarding_id = await registered(desk)
    await desk.write(onboarding_id, AWAY, GOOD)
    assert await undone(desk) == []
    await end(desk, onboarding_id)
    left = LeftUndone(onboarding_id, "acme", GOOD, Reason.PROVIDER_UNAVAILABLE)
    assert await undone(desk) == [left]
    assert await undone(desk, since=at(1)) == []


async def test_one_that_goes_on_soon_has_news_and_one_on_the_way_needs_none(desk: Desk):
    onboarding_id = await registered(desk)
    async with desk.ledger.begin() as session:
        await go_on_soon(session, onboarding_id, at(1))
        assert await with_news(session) == []
    await end(desk, onboarding_id)
    async with desk.ledger.begin() as session:
        await go_on_soon(session, onboarding_id, at(1))
        assert await with_news(session) == [onboarding_id]


async def test_how_many_stand_is_written_down_in_one_go(desk: Desk):
    onboarding_id = await registered(desk)
    standings = [
        Standing("CONNECTED", "HIGH", "LIMIT_2K", at(3)),
        Standing("BANNED", "LOW", "LIMIT_250", at(4)),
    ]
    async with desk.ledger.begin() as session:
        pairs = zip((GOOD, BAD), standings, strict=True)
        await record_standings(session, [(onboarding_id, n, s) for n, s in pairs])
        await record_standings(session, [])
    async with desk.ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding_id)
    assert [onboarding.sender(n).standing for n in (GOOD, BAD)] == standings
