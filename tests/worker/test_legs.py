"""A leg has a thread and an event loop of its own. What it runs is a stand-in for a flow here."""

import asyncio

import pytest
from prefect.exceptions import Pause

from tests.worker.yard import ENTRYPOINT, PATIENCE, Yard
from waboard.rest import rest
from waboard.worker.legs import Leg


async def test_one_that_blocks_holds_up_nobody_else(yard: Yard):
    blocked = yard.start(yard.blocks)
    assert await yard.start(yard.is_quick).ended(within=PATIENCE)
    assert not await blocked.ended(within=0)


async def test_one_that_is_cancelled_stops_at_its_next_await(yard: Yard):
    leg = yard.start(yard.waits)
    assert not await leg.ended(within=0.05)
    leg.cancel()
    assert await leg.ended(within=PATIENCE)


async def test_one_that_blocks_cannot_be_stopped_and_is_not_waited_for(yard: Yard):
    leg = yard.start(yard.blocks)
    assert yard.blocked.wait(PATIENCE)
    leg.cancel()
    assert not await leg.ended(within=0.05)


async def test_to_cancel_one_that_has_ended_does_nothing(yard: Yard):
    leg = yard.start(yard.is_quick)
    assert await leg.ended(within=PATIENCE)
    leg.cancel()
    assert await leg.ended(within=0)


async def test_one_that_is_cancelled_before_it_begins_does_nothing(yard: Yard):
    ran: list[str] = []

    async def works() -> None:
        ran.append("it ran")

    leg = Leg(yard.flow_run(works), ENTRYPOINT, print)
    assert leg.whereabouts() == "not begun"
    leg.cancel()
    leg.start()
    assert await leg.ended(within=PATIENCE)
    assert ran == []


@pytest.mark.parametrize("how", [Pause(), RuntimeError("broken"), SystemExit(1)])
async def test_however_it_ends_it_has_ended(yard: Yard, how: BaseException):
    async def ends() -> None:
        raise how

    assert await yard.start(ends).ended(within=PATIENCE)


async def test_it_can_be_asked_where_it_is(yard: Yard):
    leg = yard.start(yard.waits)
    assert not await leg.ended(within=0.05)
    assert "Yard.waits" in leg.whereabouts()
    leg.cancel()


async def test_one_that_broke_off_says_so_in_the_log(yard: Yard, caplog: pytest.LogCaptureFixture):
    async def breaks() -> None:
        raise RuntimeError("the server answered 500")

    assert await yard.start(breaks).ended(within=PATIENCE)
    assert "The leg of a leg broke off: RuntimeError('the server answered 500')" in caplog.text


async def test_one_that_goes_to_sleep_says_nothing(yard: Yard, caplog: pytest.LogCaptureFixture):
    async def sleeps() -> None:
        raise Pause

    assert await yard.start(sleeps).ended(within=PATIENCE)
    assert caplog.text == ""


async def test_that_it_rests_is_heard_and_that_it_goes_on_again(yard: Yard):
    """Once, however many turns it waits for at a time; a moment is no rest."""
    heard: list[bool] = []

    async def rests() -> None:
        await rest(0)
        resting = [asyncio.create_task(rest(3600)) for _ in range(3)]
        await asyncio.sleep(0)
        for each in resting:
            each.cancel()
        await asyncio.gather(*resting, return_exceptions=True)

    assert await yard.start(rests, heard.append).ended(PATIENCE)
    assert heard == [True, False]
