"""The provider's rate limits: kept by all processes together."""

import asyncio
import heapq
import time
from itertools import count, pairwise

import pytest

from tests.counts import counting
from waboard.ledger.rate_limits import LedgerLimiter

START = 1_700_000_000.0
LIMITS = {"provisioning": 1.0, "quality": 0.25}


class Callers:
    """Processes that make calls, in a time that is set by hand and passes while all of them sleep.

    Of those that sleep, one wakes at a time: the one whose sleep ends first.
    """

    def __init__(self, *ledgers) -> None:
        self.time = START
        self.limiters = [
            LedgerLimiter(ledger, LIMITS, now=lambda: self.time, sleep=self._sleep)
            for ledger in ledgers
        ]
        self._awake = 0
        self._asleep: list[tuple[float, int, asyncio.Future[None]]] = []
        self._naps = count()

    async def _sleep(self, seconds: float) -> None:
        alarm = asyncio.get_running_loop().create_future()
        heapq.heappush(self._asleep, (self.time + seconds, next(self._naps), alarm))
        self._rests()
        await alarm

    def _rests(self) -> None:
        self._awake -= 1
        if self._awake == 0 and self._asleep:
            self.time, _, alarm = heapq.heappop(self._asleep)
            self._awake += 1
            alarm.set_result(None)

    async def call(self, bucket: str = "provisioning", process: int = 0) -> float:
        """Acquire, and return when the call was made."""
        self._awake += 1
        await self.limiters[process].acquire(bucket)
        made = self.time
        self._rests()
        return made

    async def calls(self, number: int, bucket: str = "provisioning") -> list[float]:
        """So many calls at once, spread over the processes; when they were made, in order."""
        processes = len(self.limiters)
        made = (self.call(bucket, i % processes) for i in range(number))
        return sorted(await asyncio.gather(*made))


@pytest.fixture
def callers(ledger, other) -> Callers:
    return Callers(ledger, other)


async def test_the_first_call_is_made_at_once(callers):
    """Nobody was there before."""
    assert await callers.call() == START


async def test_fifty_calls_at_once_are_made_at_the_limit_and_never_over_it(callers):
    """By two processes: exactly the interval apart, so not one is closer and none is wasted."""
    made = await callers.calls(50)
    assert made == [START + i for i in range(50)]


async def test_a_fast_bucket_has_its_own_interval(callers):
    """And buckets do not wait for each other."""
    slow, fast = await asyncio.gather(callers.calls(5), callers.calls(9, "quality"))
    assert slow == [START + i for i in range(5)]
    assert fast == [START + i * 0.25 for i in range(9)]


async def test_calls_that_come_slowly_do_not_wait(callers):
    """The limit is long past."""
    await callers.call()
    callers.time += 5
    assert await callers.call(process=1) == START + 5


async def test_unused_time_is_not_saved_up(callers):
    """After a pause calls are as far apart as ever."""
    await callers.call()
    callers.time += 1000
    made = await callers.calls(10)
    assert all(later - sooner >= 1.0 for sooner, later in pairwise(made))


async def test_calls_that_keep_coming_stay_apart(callers):
    """While time goes on by odd steps."""
    made = list[float]()
    for step in (0.0, 0.3, 0.9, 0.1, 2.7, 0.0, 0.0, 1.0, 0.5):
        callers.time += step
        made += await callers.calls(2)
    gaps = [later - sooner for sooner, later in pairwise(sorted(made))]
    assert min(gaps) >= 1.0


async def test_a_bucket_that_is_not_listed_is_free(callers):
    """Nothing is known to limit it."""
    assert await callers.calls(9, "unlisted") == [START] * 9


async def test_a_hold_pushes_everyone_also_where_no_limit_is_listed(callers):
    """In every process, and those after it leave at once again."""
    await callers.limiters[0].hold("unlisted", 30)
    assert await callers.call("unlisted", process=1) == START + 30
    assert await callers.calls(4, "unlisted") == [START + 30] * 4


async def test_a_longer_hold_pushes_those_who_wait_for_the_end_of_another(ledger):
    """Also where no limit is listed: the upstream said no once more."""
    clock, holds = [START], [30.0]

    async def sleep(seconds: float) -> None:
        clock[0] += seconds
        if holds:
            await limiter.hold("unlisted", holds.pop())

    limiter = LedgerLimiter(ledger, LIMITS, now=lambda: clock[0], sleep=sleep)
    await limiter.hold("unlisted", 5)
    await limiter.acquire("unlisted")
    assert clock[0] == START + 5 + 30


async def test_a_hold_pushes_everyone(callers):
    """The provider said when to come again."""
    await callers.limiters[0].hold("provisioning", 30)
    made = await callers.calls(3)
    assert made == [START + 30, START + 31, START + 32]


async def test_a_hold_is_for_its_bucket_alone(callers):
    """Another goes on."""
    await callers.limiters[0].hold("provisioning", 30)
    assert await callers.call("quality") == START


async def test_a_short_hold_takes_nothing_from_a_long_one(callers):
    """Nor from those who wait already."""
    await callers.limiters[0].hold("provisioning", 30)
    await callers.limiters[1].hold("provisioning", 2)
    assert await callers.call() == START + 30


async def test_a_hold_that_is_over_pushes_nobody(callers):
    """Its time is past."""
    await callers.limiters[0].hold("provisioning", 30)
    callers.time += 31
    assert await callers.call() == START + 31


async def test_a_hold_pushes_those_who_wait_already(ledger):
    """Their turn had been given out before the provider said no: they come after it as well."""
    clock = [START]
    holds = [30.0]

    async def sleep(seconds: float) -> None:
        clock[0] += seconds
        if holds:
            await limiter.hold("provisioning", holds.pop())

    limiter = LedgerLimiter(ledger, LIMITS, now=lambda: clock[0], sleep=sleep)
    await limiter.acquire("provisioning")
    await limiter.acquire("provisioning")
    assert clock[0] >= START + 1 + 30


async def test_the_seconds_that_calls_wait_are_counted_by_their_bucket(callers):
    """Three at once wait 0, 1 and 2 seconds."""
    with counting(3, "waboard_rate_limit_wait_seconds_total", bucket="provisioning"):
        await callers.calls(3)
    with counting(0, "waboard_rate_limit_wait_seconds_total", bucket="unlisted"):
        await callers.calls(3, "unlisted")


async def test_on_a_real_clock_no_call_is_made_before_its_turn(ledger, other):
    """Two processes, twenty calls, each in the next fiftieth of a second."""
    interval = 0.02
    made: list[float] = []

    async def call(limiter: LedgerLimiter) -> None:
        await limiter.acquire("provisioning")
        made.append(time.time())

    limiters = [LedgerLimiter(one, {"provisioning": interval}) for one in (ledger, other)]
    start = time.time()
    await asyncio.gather(*(call(limiter) for limiter in limiters * 10))
    late = 0.002  # clocks of the loop and of the day may differ by a little
    assert all(at - start >= turn * interval - late for turn, at in enumerate(sorted(made)))
    assert len(made) == 20
