"""Any history of calls under a rate limit: never two too close, none while held, none for ever.

Two processes call, wake late, die in their queue and start anew; the upstream answers 429. Time is
set by hand: it passes while all that call are asleep. The model foretells who leaves when.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.ledger.databases import Databases
from tests.machine import Act, Machine, act, acts, play
from waboard.ledger.database import Ledger
from waboard.ledger.rate_limits import LedgerLimiter

START = 1_700_000_000.0
LIMITS = {"provisioning": 1.0, "quality": 0.25}
BUCKETS = (*LIMITS, "unlisted")
BUCKET = st.sampled_from(["provisioning", "unlisted", *BUCKETS])
"""Mostly the same, so that callers meet."""
PROCESS = st.integers(0, 1)
SECONDS = st.sampled_from([0.125, 0.25, 0.5, 1.0, 2.5])
"""Of all of them, sums and differences are exact."""

HOLDS = st.sampled_from([0.5, 1.0, 3.0])
ACT = st.one_of(
    *acts(4, "one_calls", process=PROCESS, bucket=BUCKET),
    act("two_call_at_once", bucket=BUCKET),
    *acts(2, "time_goes_on", seconds=SECONDS),
    act("the_machine_stands_still", seconds=SECONDS),
    *acts(2, "the_upstream_says_no", process=PROCESS, bucket=BUCKET, seconds=HOLDS),
    act("one_dies", place=st.integers(0, 9)),
    act("a_process_starts_anew", process=PROCESS),
    act("all_are_waited_for"),
)


@dataclass(eq=False)
class Caller:
    """A call: its place in the queue, and how long it sleeps by the model and in truth."""

    process: int
    bucket: str
    slot: float = 0.0
    until: float | None = None
    alarm: asyncio.Future[None] | None = None
    sleeps_until: float | None = None
    task: asyncio.Task[None] | None = None
    rests: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while it sleeps, and when it has left."""

    @property
    def waits(self) -> bool:
        """Whether it has not left yet."""
        return self.until is not None


@dataclass
class Bucket:
    """What the model knows of a bucket."""

    interval: float | None
    next_at: float = 0.0
    """The next place in the queue."""
    opens_at: float = 0.0
    """Nobody leaves before."""
    held_until: float = 0.0
    """The end of what the upstream asked for."""
    left: list[float] = field(default_factory=list)

    def comes(self, caller: Caller, now: float) -> None:
        """Somebody wants to leave."""
        if self.interval is not None:
            self.takes_place(caller, now, self.interval)
        elif self.opens_at > now:
            caller.until = self.opens_at
        if caller.until is None or caller.until <= now:
            self.wakes(caller, now)

    def takes_place(self, caller: Caller, now: float, interval: float) -> None:
        """At the end of the queue."""
        caller.until = caller.slot = max(now, self.next_at, self.opens_at)
        self.next_at = caller.slot + interval

    def wakes(self, caller: Caller, now: float) -> None:
        """It leaves if the bucket is open, and closes it for an interval."""
        if self.opens_at <= now:
            caller.until = None
            self.left.append(now)
            if self.interval is not None:
                late = now - max(caller.slot, self.opens_at)
                self.opens_at = now + self.interval
                self.next_at = max(self.next_at + late, self.opens_at)
        elif self.interval is None or self.opens_at - caller.slot < self.interval:
            caller.until = self.opens_at  # somebody was late, or has to wait longer
        else:
            self.takes_place(caller, now, self.interval)


class Limits(Machine):
    """Two processes call; what each does next is the model's to say."""

    def __init__(self, databases: Databases) -> None:
        super().__init__(databases)
        self.time = START
        self.ledgers = [Ledger(self.url) for _ in range(2)]
        self.limiters = [self.limiter(process) for process in range(2)]
        self.buckets = {name: Bucket(LIMITS.get(name)) for name in BUCKETS}
        self.callers: list[Caller] = []
        """Those that have neither left nor died, as they came."""
        self.left: defaultdict[str, list[float]] = defaultdict(list)

    async def close(self) -> None:
        """Nobody is left asleep."""
        for caller in self.callers:
            await self._dies(caller)
        for ledger in self.ledgers:
            await ledger.close()

    def limiter(self, process: int) -> LedgerLimiter:
        """What a process has when it starts."""
        return LedgerLimiter(
            self.ledgers[process], LIMITS, now=lambda: self.time, sleep=self._sleep
        )

    # How callers are run

    async def _sleep(self, seconds: float) -> None:
        caller = next(c for c in self.callers if c.task is asyncio.current_task())
        caller.sleeps_until = self.time + seconds
        caller.alarm = asyncio.get_running_loop().create_future()
        caller.rests.set()
        await caller.alarm

    async def _call(self, caller: Caller) -> None:
        await self.limiters[caller.process].acquire(caller.bucket)
        self.left[caller.bucket].append(self.time)
        assert self.time >= self.buckets[caller.bucket].held_until

    async def _starts(self, *callers: Caller) -> None:
        self.callers += callers
        for caller in callers:
            caller.task = asyncio.create_task(self._call(caller))
            caller.task.add_done_callback(lambda _, rests=caller.rests: rests.set())
        await asyncio.gather(*map(self._rests, callers))

    async def _wakes(self, caller: Caller) -> None:
        assert caller.alarm is not None
        caller.rests.clear()
        caller.alarm.set_result(None)
        caller.alarm = caller.sleeps_until = None
        await self._rests(caller)

    async def _rests(self, caller: Caller) -> None:
        await caller.rests.wait()
        assert caller.task is not None
        if caller.task.done():
            await caller.task

    async def _dies(self, caller: Caller) -> None:
        assert caller.task is not None
        caller.task.cancel()
        await asyncio.gather(caller.task, return_exceptions=True)

    # What happens

    @rule(act=ACT)
    def something_happens(self, act: Act) -> None:
        """Any of what follows."""
        self.do(act)

    def one_calls(self, process: int, bucket: str) -> None:
        """It leaves at once, or takes a place in the queue."""
        caller = Caller(process, bucket)
        self.buckets[bucket].comes(caller, self.time)
        self.run(self._starts(caller))
        self.as_foretold(caller)

    def two_call_at_once(self, bucket: str) -> None:
        """One in each process: it is as if one had been first."""
        callers = [Caller(process, bucket) for process in range(2)]
        self.run(self._starts(*callers))
        for caller in sorted(callers, key=lambda caller: caller.sleeps_until or 0.0):
            self.buckets[bucket].comes(caller, self.time)
        self.as_foretold(*callers)

    def time_goes_on(self, seconds: float) -> None:
        """And whoever sleeps wakes when it meant to."""
        ends = self.time + seconds
        while (caller := self.next_to_wake()) and caller.sleeps_until <= ends:
            self.time = max(self.time, caller.sleeps_until)
            self.wake(caller)
        self.time = ends

    def the_machine_stands_still(self, seconds: float) -> None:
        """And whoever should have woken meanwhile wakes late, in turn."""
        self.time += seconds
        late = [c for c in self.callers if c.sleeps_until and c.sleeps_until <= self.time]
        for caller in sorted(late, key=attrgetter("sleeps_until")):
            self.wake(caller)

    def next_to_wake(self) -> Caller | None:
        """The one whose sleep ends first."""
        return min(self.callers, key=attrgetter("sleeps_until"), default=None)

    def wake(self, caller: Caller) -> None:
        """It leaves or sleeps on."""
        self.buckets[caller.bucket].wakes(caller, self.time)
        self.run(self._wakes(caller))
        self.as_foretold(caller)

    def as_foretold(self, *callers: Caller) -> None:
        """They have left, or sleep until they are to."""
        for caller in callers:
            assert caller.sleeps_until == caller.until
            assert caller.task is not None
            assert caller.task.done() is not caller.waits
        self.callers = [caller for caller in self.callers if caller.waits]

    def the_upstream_says_no(self, process: int, bucket: str, seconds: float) -> None:
        """And when to come again."""
        one, ends = self.buckets[bucket], self.time + seconds
        one.opens_at, one.held_until = max(one.opens_at, ends), max(one.held_until, ends)
        self.run(self.limiters[process].hold(bucket, seconds))

    def one_dies(self, place: int) -> None:
        """Between taking its place and leaving: its place is lost, and nobody else's."""
        if self.callers:
            caller = self.callers.pop(place % len(self.callers))
            self.run(self._dies(caller))

    def a_process_starts_anew(self, process: int) -> None:
        """All that called from it are gone, and what they had said of a hold is not."""
        for caller in [each for each in self.callers if each.process == process]:
            self.callers.remove(caller)
            self.run(self._dies(caller))
        self.run(self.ledgers[process].close())
        self.ledgers[process] = Ledger(self.url)
        self.limiters[process] = self.limiter(process)

    def all_are_waited_for(self) -> None:
        """Whoever lives leaves, and at most once each to the end of the queue before that."""
        turns = 2 * len(self.callers) + 1
        known = self.buckets.values()
        free_at = max([self.time, *(max(each.opens_at, each.next_at) for each in known)])
        while caller := self.next_to_wake():
            self.time = max(self.time, caller.sleeps_until)
            self.wake(caller)
        assert self.time <= free_at + turns * max(LIMITS.values())

    # What must be

    @invariant()
    def they_left_as_foretold_and_far_enough_apart(self) -> None:
        """By the model, and by the limit."""
        for name, bucket in self.buckets.items():
            left = self.left[name]
            assert left == bucket.left
            assert all(b - a >= LIMITS.get(name, 0.0) for a, b in pairwise(left))


@pytest.mark.timeout(300)
def test_no_history_of_calls_goes_over_the_limit_or_leaves_one_waiting(databases: Databases):
    """The machine above, over many histories."""
    play(Limits, databases, examples=20, steps=50)
