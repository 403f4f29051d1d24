"""Calls of a bucket never leave too close together, whatever the machine does to those who call.

The limiter's own code runs here on a row in memory, in a time that passes only in sleep: a step may
take as long as it likes, and a caller may die at any moment.
"""

import asyncio
import copy
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.virtual_time import now, run
from waboard.infobip.limits import Limiter, Share
from waboard.ledger.models import RateLimitRow
from waboard.ledger.rate_limits import LedgerLimiter

BUCKET, INTERVAL = "provisioning", 1.0
ROUNDING = 1e-6


class Caller(NamedTuple):
    """Calls once, at some time; `dies_at` some time, unless it has left."""

    arrives_at: float
    dies_at: float | None = None


class Hold(NamedTuple):
    """The upstream says at some time that nobody is to call for so long."""

    at: float
    seconds: float


class Row:
    """The bucket's row, as a ledger keeps it: locked by one, changed at the end or not at all."""

    def __init__(self, steps: Iterator[float]) -> None:
        self.steps = steps
        self.lock = asyncio.Lock()
        self.transactions = 0
        self.kept = RateLimitRow(bucket=BUCKET, next_at=0.0, held_until=0.0)

    async def step(self) -> None:
        if seconds := next(self.steps):
            await asyncio.sleep(seconds)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[RateLimitRow]:
        await self.step()
        async with self.lock:
            await self.step()
            row = copy.copy(self.kept)
            yield row
            await self.step()
            self.kept = row
            self.transactions += 1
        await self.step()


class InMemory(LedgerLimiter):
    """The limiter of one process."""

    def __init__(self, row: Row, late: Iterator[float]) -> None:
        async def sleep(seconds: float) -> None:
            await asyncio.sleep(seconds + next(late))

        ledger: Any = row
        super().__init__(ledger, {BUCKET: INTERVAL}, now=now, sleep=sleep)

    async def _locked(self, session: Any, bucket: str) -> RateLimitRow:
        return session


class Departed(NamedTuple):
    """Who left, and when, and after how many transactions of all callers together."""

    at: float
    caller: Caller
    process: int
    transactions: int


def departures(
    callers: Sequence[Caller],
    holds: Sequence[Hold] = (),
    late: Sequence[float] = (0.0,),
    steps: Sequence[float] = (0.0,),
    wrap: Callable[[Limiter], Limiter] = lambda limiter: limiter,
    processes: int = 3,
) -> list[Departed]:
    """Let all of them call, and return who left when, in order."""

    async def everything() -> list[Departed]:
        row, lateness = Row(cycle(steps)), cycle(late)
        limiters = [wrap(InMemory(row, lateness)) for _ in range(processes)]
        left: list[Departed] = []

        async def call(index: int, caller: Caller) -> None:
            await asyncio.sleep(caller.arrives_at)
            await limiters[index % processes].acquire(BUCKET)
            left.append(Departed(now(), caller, index % processes, row.transactions))

        async def hold(said: Hold) -> None:
            await asyncio.sleep(said.at)
            await limiters[0].hold(BUCKET, said.seconds)

        tasks = [asyncio.create_task(call(*each)) for each in enumerate(callers)]
        for task, caller in zip(tasks, callers, strict=True):
            if caller.dies_at is not None:
                asyncio.get_running_loop().call_at(caller.dies_at, task.cancel)
        await asyncio.gather(*tasks, *map(hold, holds), return_exceptions=True)
        return left

    return run(everything())


def shortest_gap(left: Sequence[Departed]) -> float:
    return min((b.at - a.at for a, b in pairwise(left)), default=float("inf"))


TIMES = st.floats(0, 6, allow_nan=False)
CALLERS = st.lists(
    st.builds(Caller, TIMES, st.none() | st.none() | st.floats(0, 9, allow_nan=False)), max_size=9
)
HOLDS = st.lists(st.builds(Hold, TIMES, st.floats(0, 5, allow_nan=False)), max_size=2)
LATE = st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.3, 0.9, 1.0, 2.5]), min_size=1, max_size=13)
STEPS = st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.02, 0.2, 1.5]), min_size=1, max_size=13)


@settings(max_examples=400, deadline=None)
@given(CALLERS, HOLDS, LATE, STEPS)
def test_no_two_calls_leave_closer_together_than_the_interval(callers, holds, late, steps):
    """However late they wake, however long a transaction takes, and whoever dies when."""
    assert shortest_gap(departures(callers, holds, late, steps)) >= INTERVAL - ROUNDING


@settings(max_examples=400, deadline=None)
@given(CALLERS, HOLDS, LATE, STEPS)
def test_everybody_who_lives_leaves_in_a_bounded_time(callers, holds, late, steps):
    """In turn, once the last hold is over: no dead caller and no late one stops the others."""
    left = departures(callers, holds, late, steps)
    assert Counter(callers) - Counter(each.caller for each in left) == Counter(
        caller for caller in callers if caller.dies_at is not None
    ) - Counter(each.caller for each in left)
    ends = [each.at + each.seconds for each in holds]
    free_at = max([*ends, *(each.arrives_at for each in callers), 0.0])
    turn = INTERVAL + 4 * (max(late) + 4 * max(steps))
    assert all(each.at <= free_at + (2 * len(callers) + 1) * turn for each in left)


@settings(max_examples=200, deadline=None)
@given(CALLERS, HOLDS)
def test_nobody_leaves_while_the_bucket_is_held(callers, holds):
    """Those who had their slot before the upstream spoke wait as well."""
    for each in departures(callers, holds):
        assert not any(
            held.at + ROUNDING < each.at < held.at + held.seconds - ROUNDING for held in holds
        )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(TIMES, max_size=9, unique=True),
    st.lists(st.floats(0, 0.05), min_size=1, max_size=13),
    st.lists(st.floats(0, 0.01), min_size=1, max_size=13),
)
def test_calls_leave_in_the_order_in_which_they_came(times, late, steps):
    """Also when each of them wakes a little late."""
    asked = sorted(Caller(round(at, 1)) for at in set(times))
    left = [each.caller for each in departures(asked, late=late, steps=steps)]
    assert left == sorted(left)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 9), st.data())
def test_a_caller_that_dies_holds_nobody_up(number, data):
    """Its slot is lost, and all others leave in theirs."""
    dying = data.draw(st.integers(0, number - 1))
    dies_at = data.draw(st.floats(0, number, allow_nan=False))
    callers = [Caller(turn / 1000, dies_at if turn == dying else None) for turn in range(number)]
    left = departures(callers)
    assert len(left) >= number - 1
    for each in left:
        assert each.at <= each.caller.arrives_at * 1000 * INTERVAL + ROUNDING


def test_without_trouble_calls_leave_exactly_at_the_limit():
    left = departures([Caller(0.0)] * 30)
    assert [each.at for each in left] == pytest.approx([turn * INTERVAL for turn in range(30)])


def test_one_that_is_late_delays_those_behind_it_by_as_much_and_no_more():
    """The first leaves at once, the second wakes half a second late, and the others on time."""
    left = departures([Caller(0.0)] * 4, late=[0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert [each.at for each in left] == pytest.approx([0.0, 1.5, 2.5, 3.5], abs=1e-5)


def test_a_long_queue_keeps_its_order_while_every_other_one_wakes_late():
    """New callers start where the queue really ends, not where it would end without delays."""
    asked = [Caller(turn * 0.9) for turn in range(200)]
    assert [each.caller for each in departures(asked, late=[0.0, 0.06])] == asked


def test_each_call_takes_two_short_transactions_and_one_more_after_a_hold():
    """Those whose slot has passed do not all come back at once."""
    asked = [Caller(turn / 1000) for turn in range(12)]
    assert departures(asked)[-1].transactions <= 2 * 12
    held = departures(asked, [Hold(0.5, 20.0)])
    assert held[-1].transactions <= 3 * 12 + 1
    assert [each.caller for each in held] == asked


@settings(max_examples=200, deadline=None)
@given(CALLERS, HOLDS, LATE, STEPS, st.sampled_from([0.1, 0.4, 0.9, 1.0]))
def test_a_share_keeps_both_its_own_distance_and_the_limits(callers, holds, late, steps, share):
    """Each process by itself, and all of them together."""

    def shared(limiter: Limiter) -> Limiter:
        return Share(limiter, {BUCKET: INTERVAL}, share, now=now)

    left = departures(callers, holds, late, steps, wrap=shared)
    assert shortest_gap(left) >= INTERVAL - ROUNDING
    by_process: defaultdict[int, list[Departed]] = defaultdict(list)
    for each in left:
        by_process[each.process].append(each)
    for each in by_process.values():
        assert shortest_gap(each) >= INTERVAL / share - ROUNDING
    living = [caller for caller in callers if caller.dies_at is None]
    assert len([each for each in left if each.caller.dies_at is None]) == len(living)
