"""A share of the limits, for whoever is in no hurry."""

import pytest

from waboard.infobip.limits import Share


class Clock:
    """Time that passes only in sleep, and a limiter that lets everybody through."""

    def __init__(self) -> None:
        self.time = 100.0
        self.acquired: list[tuple[str, float]] = []
        self.held: list[tuple[str, float]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    async def acquire(self, bucket: str) -> None:
        self.acquired.append((bucket, round(self.time - 100.0, 6)))

    async def hold(self, bucket: str, seconds: float) -> None:
        self.held.append((bucket, seconds))


def share(clock: Clock, part: float) -> Share:
    return Share(clock, {"provisioning": 1.0}, part, now=clock.now, sleep=clock.sleep)


@pytest.mark.parametrize(("part", "apart"), [(1.0, 1.0), (0.5, 2.0), (0.1, 10.0)])
async def test_calls_are_as_far_apart_as_the_share_says(part: float, apart: float):
    clock = Clock()
    shared = share(clock, part)
    for _ in range(3):
        await shared.acquire("provisioning")
    assert clock.acquired == [("provisioning", n * apart) for n in range(3)]


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
