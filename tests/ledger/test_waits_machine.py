"""Any history of sleeps: each wake-up is handed out once a lease, and none is lost.

The model keeps a row for each sleep, in plain Python, and foretells the table and every answer.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.domain.samples import WABA, at
from tests.ledger.databases import Databases
from tests.ledger.desk import LEASE, PLAN, Desk
from tests.machine import Act, Machine, act, acts, play
from waboard.domain.waits import OpenWait, WaitKind, WaitPlan
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold
from waboard.ledger.models import EffectStatus, Verb, WaitRow
from waboard.ledger.onboardings import end_onboarding
from waboard.ledger.waits import (
    DueWait,
    claim_due,
    close_waits,
    hurry,
    last_slept,
    open_wait,
    open_wait_of,
    put_off,
    satisfy_wait,
    waited_for,
)

KINDS = (WaitKind.REGISTRATION, WaitKind.SLOT)
WHO = st.integers(0, 2)
KIND = st.sampled_from(KINDS)
ANSWER = st.sampled_from([EffectStatus.DONE, EffectStatus.DONE, EffectStatus.AMBIGUOUS])
MINUTES = st.sampled_from([0, 0, 1, 4, 10, 25])
"""The lease is a minute, the nudge ten, and all is given up after an hour."""
LONGER = WaitPlan(timedelta(minutes=5), timedelta(minutes=90))
"""As after somebody has changed the settings."""
SLEEP = {
    "who": WHO,
    "kind": KIND,
    "until": st.none() | st.none() | st.sampled_from([3, 30, 90]),
    "plan": st.sampled_from([PLAN, PLAN, LONGER]),
    "after": MINUTES,
}
ACT = st.one_of(
    *acts(3, "a_run_falls_asleep", **SLEEP),
    act("a_run_wakes", who=WHO, after=MINUTES),
    act("a_run_ends_and_is_retried", who=WHO, after=MINUTES),
    *acts(2, "a_share_is_made", who=WHO, status=st.none() | ANSWER, after=MINUTES),
    act("a_share_is_answered", who=WHO, status=ANSWER),
    *acts(2, "what_it_waits_for_comes", who=WHO, after=MINUTES),
    act("what_all_of_a_kind_wait_for_may_have_come", kind=KIND, after=MINUTES),
    act(
        "one_wakes_what_is_due",
        process=st.integers(0, 1),
        most=st.sampled_from([1, 2, 50]),
        after=MINUTES,
    ),
    act("two_wake_what_is_due_at_once", after=MINUTES),
    act("a_wake_up_is_put_off", place=st.integers(0, 3), minutes=st.sampled_from([0, 1, 5])),
    act("somebody_asks", who=WHO),
)
COLUMNS = (
    "kind",
    "since",
    "opened_at",
    "wake_at",
    "give_up_at",
    "satisfied_at",
    "closed_at",
    "slept_on",
)


@dataclass
class Sleep:
    """What is known of one sleep; all but `key` as the table has it."""

    who: int
    key: str
    kind: WaitKind
    since: datetime
    opened_at: datetime
    wake_at: datetime
    give_up_at: datetime
    satisfied_at: datetime | None = None
    closed_at: datetime | None = None
    slept_on: bool = False
    handed_out_until: datetime | None = None
    """The end of the last lease, unless the sleep was made due anew within it."""

    @property
    def is_open(self) -> bool:
        """Whether its run sleeps."""
        return self.closed_at is None


@dataclass
class Onboarding:
    """What the patience of one depends on."""

    id: str
    reopened_at: datetime | None = None
    shares: list[tuple[int, datetime]] = field(default_factory=list)
    """Those that have no answer yet, and when they were begun."""
    taken_at: datetime | None = None


class Waits(Machine):
    """Three onboardings sleep and wake, and two processes wake them."""

    def __init__(self, databases: Databases) -> None:
        super().__init__(databases)
        self.ledgers = [Ledger(self.url) for _ in range(2)]
        self.desk = Desk(self.ledgers[0])
        self.minute = 0
        self.sleeps: list[Sleep] = []
        self.claimed: list[DueWait] = []
        self.known: list[Onboarding] = []

    async def close(self) -> None:
        for ledger in self.ledgers:
            await ledger.close()

    @property
    def now(self) -> datetime:
        """The time, in whole minutes."""
        return at(self.minute)

    def open_of(self, who: int) -> Sleep | None:
        """The sleep that holds an onboarding."""
        found = [sleep for sleep in self.sleeps if sleep.who == who and sleep.is_open]
        assert len(found) <= 1
        return found[0] if found else None

    def counted(self, who: int) -> list[Sleep]:
        """The sleeps that its patience is counted from."""
        one = self.known[who]
        return [
            sleep
            for sleep in self.sleeps
            if sleep.who == who
            and not (one.reopened_at and sleep.opened_at < one.reopened_at)
            and not (
                sleep.kind is WaitKind.REGISTRATION
                and one.taken_at
                and sleep.opened_at < one.taken_at
            )
        ]

    @initialize()
    def begin(self) -> None:
        """All three are asked for, and sleep."""
        for who in range(3):
            onboarding_id = self.run(self.desk.started(f"client-{who}", f"{WABA[:-1]}{who}"))
            self.known.append(Onboarding(onboarding_id))
            self.a_run_falls_asleep(who, WaitKind.REGISTRATION, None, PLAN, after=0)

    @rule(act=ACT)
    def something_happens(self, act: Act) -> None:
        """Any of what follows."""
        self.do(act)

    # Runs

    def a_run_falls_asleep(
        self, who: int, kind: WaitKind, until: int | None, plan: WaitPlan, after: int
    ) -> None:
        """Whether or not it has written down that it had woken."""
        self.minute += after
        ends = at(self.minute + until) if until else None
        self.model_closes(who)
        since = min((s.since for s in self.counted(who) if s.kind is kind), default=self.now)
        for sleep in self.sleeps:
            if (sleep.who, sleep.kind, sleep.since) == (who, kind, since):
                sleep.slept_on = True
        give_up = since + plan.give_up
        wake_at = min(ends or self.now + plan.nudge, give_up)
        key = f"sleep {len(self.sleeps)}"
        self.sleeps.append(Sleep(who, key, kind, since, self.now, wake_at, give_up))
        self.run(self._open(self.sleeps[-1], plan, ends))

    async def _open(self, sleep: Sleep, plan: WaitPlan, until: datetime | None) -> None:
        onboarding_id = self.known[sleep.who].id
        async with self.desk.ledger.begin() as session:
            await hold(session, onboarding_id)
            await open_wait(
                session,
                onboarding_id,
                sleep.kind,
                flow_run_id=f"run {sleep.who}",
                pause_key=sleep.key,
                plan=plan,
                now=self.now,
                until=until,
            )

    def a_run_wakes(self, who: int, after: int) -> None:
        """Whatever woke it."""
        self.minute += after
        self.model_closes(who)
        self.run(self.desk.wake(self.known[who].id, self.minute))

    def model_closes(self, who: int) -> None:
        """Its sleep is over, if it slept."""
        if sleep := self.open_of(who):
            sleep.closed_at = self.now

    def a_run_ends_and_is_retried(self, who: int, after: int) -> None:
        """Its patience begins anew."""
        self.minute += after
        self.model_closes(who)
        self.known[who].reopened_at = self.now
        self.run(self._retry(self.known[who].id))

    async def _retry(self, onboarding_id: str) -> None:
        async with self.desk.ledger.begin() as session:
            await hold(session, onboarding_id)
            await close_waits(session, onboarding_id, self.now)
            await end_onboarding(session, onboarding_id, self.now)
            await reopen_onboarding(session, onboarding_id, self.now)

    def a_share_is_made(self, who: int, status: EffectStatus | None, after: int) -> None:
        """Its answer may come later, or never."""
        self.minute += after
        one = self.known[who]
        effect = self.run(self.desk.begin(one.id, Verb.SHARE, minute=self.minute))
        one.shares.append((effect, self.now))
        if status is not None:
            self.a_share_is_answered(who, status)

    def a_share_is_answered(self, who: int, status: EffectStatus) -> None:
        """If one is on its way. The patience for its registration begins when it was begun."""
        one = self.known[who]
        if not one.shares:
            return
        effect, begun = one.shares.pop()
        if status is EffectStatus.DONE:
            one.taken_at = max(begun, one.taken_at or begun)
        self.run(self.desk.end(effect, status, minute=self.minute))

    # What wakes them

    def what_it_waits_for_comes(self, who: int, after: int) -> None:
        """Once, whatever else comes."""
        self.minute += after
        sleep = self.open_of(who)
        if sleep and sleep.satisfied_at is None:
            sleep.satisfied_at = sleep.wake_at = self.now
            sleep.handed_out_until = None
        self.run(self._in(lambda session: satisfy_wait(session, self.known[who].id, self.now)))

    def what_all_of_a_kind_wait_for_may_have_come(self, kind: WaitKind, after: int) -> None:
        """Also those that are being woken; those that are due stay so since when they are."""
        self.minute += after
        for sleep in self.sleeps:
            if sleep.is_open and sleep.kind is kind and sleep.wake_at > self.now:
                sleep.wake_at, sleep.handed_out_until = self.now, None
        self.run(self._in(lambda session: hurry(session, kind, self.now)))

    def one_wakes_what_is_due(self, process: int, most: int, after: int) -> None:
        """The longest due first; of those due at the same time, any."""
        self.minute += after
        due = self.due()
        got = self.run(self._claim(process, most))
        chosen = self.take_over(got)
        assert [s.wake_at for s in chosen] == [s.wake_at for s in due[:most]]
        self.model_hands_out(chosen)

    def two_wake_what_is_due_at_once(self, after: int) -> None:
        """Each gets what the other does not."""
        self.minute += after
        due = self.due()
        both = self.run(self._claim_at_once())
        chosen = self.take_over([wait for got in both for wait in got])
        assert sorted(s.key for s in chosen) == sorted(s.key for s in due)
        self.model_hands_out(chosen)

    def due(self) -> list[Sleep]:
        """What is due, the longest first."""
        due = [sleep for sleep in self.sleeps if sleep.is_open and sleep.wake_at <= self.now]
        return sorted(due, key=attrgetter("wake_at"))

    def take_over(self, got: list[DueWait]) -> list[Sleep]:
        """The sleeps that were handed out, each said to be what it is; the longest due first."""
        by_key = {sleep.key: sleep for sleep in self.sleeps}
        for wait in got:
            sleep = by_key[wait.pause_key]
            run = f"run {sleep.who}"
            assert (wait.onboarding_id, wait.flow_run_id) == (self.known[sleep.who].id, run)
            assert wait.why == self.why(sleep)
        self.claimed += got
        return sorted((by_key[wait.pause_key] for wait in got), key=attrgetter("wake_at"))

    def why(self, sleep: Sleep) -> str:
        """What people are told of a wake-up."""
        if sleep.satisfied_at:
            return "What it waited for has come."
        too_long = self.now >= sleep.give_up_at
        return "It has waited long enough." if too_long else "It is time to look."

    def model_hands_out(self, chosen: list[Sleep]) -> None:
        """Nobody else gets them while the lease lasts, unless they are made due anew."""
        for sleep in chosen:
            assert sleep.handed_out_until is None or sleep.handed_out_until <= self.now
            sleep.wake_at = sleep.handed_out_until = self.now + LEASE

    def a_wake_up_is_put_off(self, place: int, minutes: int) -> None:
        """Also one of a sleep that is over since."""
        if not self.claimed:
            return
        wait = self.claimed[-4:][place % len(self.claimed[-4:])]
        until = at(self.minute + minutes)
        for sleep in self.sleeps:
            if sleep.key == wait.pause_key and sleep.is_open:
                sleep.wake_at, sleep.handed_out_until = until, None
        self.run(self._in(lambda session: put_off(session, wait, until)))

    async def _in(self, work) -> object:
        async with self.desk.ledger.begin() as session:
            return await work(session)

    async def _claim(self, process: int, most: int) -> list[DueWait]:
        async with self.ledgers[process].begin() as session:
            return await claim_due(session, self.now, LEASE, most)

    async def _claim_at_once(self) -> list[list[DueWait]]:
        return await asyncio.gather(*(self._claim(process, 50) for process in range(2)))

    def somebody_asks(self, who: int) -> None:
        """What an onboarding waits for, and what it has waited for."""
        self.run(self._in(lambda session: self._ask(session, who)))

    async def _ask(self, session: AsyncSession, who: int) -> None:
        one = self.known[who]
        assert await open_wait_of(session, one.id) == self.shown(self.open_of(who))
        assert await waited_for(session, one.id) == self.ends(who)
        for kind in KINDS:
            assert await last_slept(session, one.id, kind) == self.last(who, kind)

    # What must be

    @invariant()
    def the_ledger_is_as_foretold(self) -> None:
        """Every time of every sleep."""
        self.run(self._in(self._compare))

    async def _compare(self, session: AsyncSession) -> None:
        rows = (await session.scalars(select(WaitRow).order_by(WaitRow.id))).all()
        for row, sleep in zip(rows, self.sleeps, strict=True):
            assert (row.onboarding_id, row.pause_key) == (self.known[sleep.who].id, sleep.key)
            for name in COLUMNS:
                assert getattr(row, name) == getattr(sleep, name), (name, row.pause_key)

    def shown(self, sleep: Sleep | None) -> OpenWait | None:
        """What is said of a sleep that lasts."""
        return sleep and OpenWait(sleep.kind, sleep.since, sleep.wake_at, sleep.give_up_at)

    def ends(self, who: int) -> dict[WaitKind, datetime]:
        """When each kind is given up of which its patience began."""
        counted = self.counted(who)
        kinds = {sleep.kind for sleep in counted}
        return {kind: min(s.give_up_at for s in counted if s.kind is kind) for kind in kinds}

    def last(self, who: int, kind: WaitKind) -> datetime | None:
        """When it last fell asleep for this and woke again."""
        slept = [s for s in self.sleeps if (s.who, s.kind) == (who, kind) and not s.is_open]
        return max((s.opened_at for s in slept), default=None)


@pytest.mark.timeout(300)
def test_no_history_of_sleeps_loses_a_wake_up_or_hands_one_out_twice(databases: Databases):
    """The machine above, over many histories."""
    play(Waits, databases, examples=15, steps=50)
