"""What gathers while a batch is acted on is the next batch; and gateways that share a ledger."""

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.domain.samples import DOCUMENTED, registration
from tests.gateway.desk import REGISTRATION, Desk, FakePrefect, desk_settings
from waboard.domain.clock import Clock
from waboard.domain.facts import Fact, registration_facts
from waboard.domain.waits import WaitKind
from waboard.gateway import inbox
from waboard.gateway.waker import wake_due
from waboard.ledger.database import Ledger


class Slow:
    """Acts on a batch when the test lets it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()

    async def act_on(self, _ledger: Ledger, event_ids: Collection[int], _clock: Clock) -> None:
        self.batches.append(sorted(event_ids))
        await self.go.wait()


async def test_what_comes_while_a_batch_is_acted_on_is_the_next_batch(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """A flood costs few looks, and nobody queues up for one of his own."""
    slow = Slow()
    monkeypatch.setattr(inbox, "act_on", slow.act_on)
    await desk.inbox.keep(registration_facts(DOCUMENTED))
    (first,) = await desk.events()
    acting = asyncio.create_task(desk.inbox.act())
    await asyncio.sleep(0)
    for minute in range(3):
        await desk.hook(REGISTRATION, registration(minute=minute))
    assert slow.batches == [[first["id"]]]
    slow.go.set()
    await acting
    *others, _ = [event["id"] for event in await desk.events()]
    assert slow.batches == [[first["id"]], others[::-1]]


async def test_a_batch_that_cannot_be_acted_on_does_not_stop_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Its events are parked, and the waker takes them up."""
    await desk.asked()

    async def fails(*_: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "act_on", fails)
        await desk.inbox.keep(registration_facts(DOCUMENTED))
        with pytest.raises(OSError, match="no"):
            await desk.inbox.act()
    await desk.hook(REGISTRATION, registration(minute=1))
    assert {event["disposition"] for event in await desk.events()} == {"applied"}


async def test_a_change_that_all_wait_for_wakes_them_though_its_gateway_died_before_it_acted(
    desk: Desk, prefect: FakePrefect
):
    """It is about no onboarding, so nothing is parked that would tell of it."""
    waiting = await desk.asked()
    await desk.sleeps(waiting["id"], WaitKind.TEMPLATE, nudge=60)
    await desk.inbox.keep([Fact("template", "{}", settled="APPROVED")])
    await wake_due(desk.ledger, desk.now)
    assert prefect.woken == [waiting["id"]]


async def test_such_a_change_that_is_replayed_wakes_them_again(desk: Desk, prefect: FakePrefect):
    (receipt,) = await desk.inbox.keep([Fact("template", "{}", settled="APPROVED")])
    waiting = await desk.asked()
    await desk.sleeps(waiting["id"], WaitKind.TEMPLATE, nudge=60)
    await inbox.replay(desk.ledger, receipt.event_id, desk.now)
    assert prefect.woken == [waiting["id"]]


async def test_the_same_event_to_two_gateways_in_the_same_instant_is_one_event(
    shared_url: str, prefect: FakePrefect
):
    """One row, counted; the run that waits for it is woken once."""
    settings = [desk_settings(Path("unused"), database_url=shared_url) for _ in range(2)]
    async with Desk(settings[0]).opened() as one, Desk(settings[1]).opened() as other:
        onboarding = await one.asked()
        await one.sleeps(onboarding["id"])
        hooks = [each.hook(REGISTRATION, DOCUMENTED) for each in (one, other) * 5]
        answers = await asyncio.gather(*hooks)
        assert sorted(answer.json()["duplicates"] for answer in answers) == [0] + [1] * 9
        [event] = await other.events()
        assert (event["times_received"], event["disposition"]) == (10, "applied")
        assert prefect.woken == [onboarding["id"]]
