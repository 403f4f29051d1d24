"""A share of the limits, for whoever is in no hurry."""

import asyncio

import pytest

from waboard.infobip.limits import Share


class Clock:
    """Time that passes only in sleep, and a limiter that lets everybody through in the end."""

    def __init__(self) -> None:
        self.time = 100.0
        self.acquired: list[tuple[str, float]] = []
        self.held: list[tuple[str, float]] = []
        self.busy: list[float] = []
        """How long the limiter itself holds up each of the next calls."""

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)

    async def acquire(self, bucket: str) -> None:
        await self.sleep(self.busy.pop(0) if self.busy else 0.0)
        self.acquired.append((bucket, round(self.time - 100.0, 6)))

    async def hold(self, bucket: str, seconds: float) -> None:
        self.held.append((bucket, seconds))


def share(clock: Clock, part: float) -> Share:
    return Share(clock, {"provisioning": 1.0}, part, now=clock.now, sleep=clock.sleep)


@pytest.mark.parametrize(("part", "apart"), [(0.8, 1.25), (0.5, 2.0), (0.1, 10.0)])
async def test_calls_are_as_far_apart_as_the_share_says(part: float, apart: float):
    clock = Clock()
    shared = share(clock, part)
    for _ in range(3):
        await shared.acquire("provisioning")
    assert clock.acquired == [("provisioning", n * apart) for n in range(3)]


async def test_a_whole_share_is_kept_by_the_limit_alone():
    """Its calls take their places in the queue of the limit as they come."""
    clock = Clock()
    shared = share(clock, 1.0)
    for _ in range(2):
        await shared.acquire("provisioning")
    assert clock.acquired == [("provisioning", 0.0)] * 2


async def test_calls_are_apart_from_when_the_last_one_really_left():
    """The limit itself may have held it up, and the others are waiting behind it."""
    clock = Clock()
    clock.busy = [3.0, 0.0, 0.5]
    shared = share(clock, 0.5)
    await asyncio.gather(*(shared.acquire("provisioning") for _ in range(3)))
    assert [at for _, at in clock.acquired] == [3.0, 5.0, 7.5]


async def test_what_has_no_limit_is_not_held_up():
    clock = Clock()
    shared = share(clock, 0.1)
    for _ in range(2):
        await shared.acquire("reports")
    assert clock.acquired == [("reports", 0.0)] * 2


async def test_time_that_was_not_used_is_not_saved_up():
    clock = Clock()
    shared = share(clock, 0.1)
    await shared.acquire("provisioning")
    clock.time += 60
    for _ in range(2):
        await shared.acquire("provisioning")
    assert [at for _, at in clock.acquired] == [0.0, 60.0, 70.0]


async def test_later_is_said_to_everybody():
    """A provider that says when to come again says it to the whole account."""
    clock = Clock()
    await share(clock, 0.1).hold("provisioning", 5.0)
    assert clock.held == [("provisioning", 5.0)]
