"""How it goes: how far onboardings come, how long it takes, what fails, and who is awaited.

Worked out from when what first became true, and from what is still needed. No phone number comes
in here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from math import ceil

from waboard.domain.conditions import ConditionType
from waboard.domain.onboarding import LIVE_WITH, VerifyBy
from waboard.domain.outcome import RUNNING, OutcomeName, Stage
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.requirements import NOBODYS, Requirement
from waboard.domain.weekly_cap import CapUse


class Milestone(StrEnum):
    """What an onboarding reaches, in the order of the work.

    Where it is its senders that do, it does so with the first of them.
    """

    ASKED_FOR = "asked for"
    ADMITTED = "admitted"
    SHARED = "shared"
    REGISTERED = "registered"
    ASSOCIATED = "associated"
    VERIFIED = "verified"
    LIVE = "live"


FirstTimes = Mapping[str, Mapping[ConditionType, datetime]]
"""When each condition of each subject was first true; the onboarding itself is the subject ""."""
_ORDER = {milestone: place for place, milestone in enumerate(Milestone)}
_CONDITIONS = {
    Milestone.ADMITTED: ConditionType.ADMITTED,
    Milestone.SHARED: ConditionType.SHARED,
    Milestone.REGISTERED: ConditionType.REGISTERED,
    Milestone.ASSOCIATED: ConditionType.ASSOCIATED,
    Milestone.VERIFIED: ConditionType.VERIFIED,
}


@dataclass(frozen=True, slots=True)
class Way:
    """One onboarding: when it first reached which milestone, and what it still needs.

    `ended_at` is when it came to its outcome: None while it is on the way, or its client `leaves`.
    """

    client_ref: str
    ended_at: datetime | None
    reached: Mapping[Milestone, datetime]
    needs: Sequence[Requirement] = ()
    leaves: bool = False

    @property
    def asked_at(self) -> datetime:
        """When somebody asked for it."""
        return self.reached[Milestone.ASKED_FOR]

    @property
    def is_on_the_way(self) -> bool:
        """Whether it is still to be brought live."""
        return self.ended_at is None and not self.leaves

    def came_to(self, milestone: Milestone) -> bool:
        """Whether it reached a milestone, or a later one, before which it must have."""
        return any(_ORDER[each] >= _ORDER[milestone] for each in self.reached)


def milestones_of(
    asked_at: datetime, verify_by: VerifyBy, first: FirstTimes
) -> dict[Milestone, datetime]:
    """Work out when an onboarding first reached which milestone."""
    times: dict[Milestone, datetime] = {Milestone.ASKED_FOR: asked_at}
    for milestone, kind in _CONDITIONS.items():
        if became := [true[kind] for true in first.values() if kind in true]:
            times[milestone] = min(became)
    to_receive = () if verify_by is VerifyBy.TEMPLATE else (ConditionType.RECEIVES,)
    needed = (*LIVE_WITH, *to_receive)
    complete = [true for true in first.values() if all(kind in true for kind in needed)]
    if complete:
        times[Milestone.LIVE] = min(max(true[kind] for kind in needed) for true in complete)
    return times


@dataclass(frozen=True, slots=True)
class Waiter:
    """A client that waits, and since when."""

    client_ref: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """How long it took from one milestone to another, and who has waited longest on it now.

    `count` are those that came to its end in the time of the report.
    """

    begin: Milestone
    end: Milestone
    count: int
    median: timedelta | None
    most: timedelta | None
    oldest: Waiter | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something was not true of ended onboardings or their senders, and how often.

    `last` is the client that it came to last.
    """

    reason: str
    awaiting: Party
    remedy: str
    count: int
    last: str


@dataclass(frozen=True, slots=True)
class Turn:
    """How many onboardings wait for somebody now, for what, and which has waited longest.

    Whatever has become of them: one that has failed, or is live and disconnected, waits as well.
    """

    party: Party
    count: int
    reasons: Mapping[str, int]
    oldest: Waiter | None


@dataclass(frozen=True, slots=True)
class Report:
    """How it went from `since` to `now`, and how it stands.

    `stands` are all onboardings there are, whenever that was: how many came to what.
    """

    since: datetime
    now: datetime
    funnel: Mapping[Milestone, int]
    on_the_way: int
    stretches: Sequence[Stretch]
    failures: Sequence[Failure]
    turns: Sequence[Turn]
    cap: CapUse
    stands: Mapping[str, int]

    @property
    def length(self) -> str:
        """How long it looks back, in words."""
        days = (self.now - self.since).days
        return "1 day" if days == 1 else f"{days} days"

    @property
    def summary(self) -> str:
        """All of it in a sentence."""
        asked, live = self.funnel[Milestone.ASKED_FOR], self.funnel[Milestone.LIVE]
        failed = sum(failure.count for failure in self.failures)
        return (
            f"{asked} asked for in {self.length}, {live} of them came live. Failures: {failed}. "
            f"On the way now: {self.on_the_way}."
        )


def report_of(
    ways: Sequence[Way],
    cap: CapUse,
    since: datetime,
    now: datetime,
    stages: Mapping[str, int] | None = None,
) -> Report:
    """Draw the report up. `ways` are all of concern since then, `stages` counts everyone's."""
    ended = [way for way in ways if way.ended_at is not None and way.ended_at >= since]
    going = [way for way in ways if way.is_on_the_way]
    pairs = [*pairwise(Milestone), (Milestone.ASKED_FOR, Milestone.LIVE)]
    return Report(
        since=since,
        now=now,
        funnel=_funnel([way for way in ways if way.asked_at >= since]),
        on_the_way=len(going),
        stretches=[_stretch(ways, begin, end, since) for begin, end in pairs],
        failures=_failures(ended),
        turns=[_turn(party, ways) for party in Party],
        cap=cap,
        stands=stands(stages or {}),
    )


ON_THE_WAY = "on the way"


def stands(stages: Mapping[str, int]) -> dict[str, int]:
    """Sum up how many onboardings came to what: the stages before an outcome are one."""
    found: Counter[str] = Counter()
    for stage, number in stages.items():
        found[ON_THE_WAY if stage in _UNFINISHED else stage] += number
    order = (ON_THE_WAY, Stage.LEAVING, *OutcomeName, *sorted(found))
    return {each: found[each] for each in order if found[each]}


def said(counts: Mapping[str, int]) -> str:
    """Say how many onboardings there are, and how many came to what."""
    number = sum(counts.values())
    each = ", ".join(f"{what} {count}" for what, count in counts.items())
    return f"{number} {'onboarding' if number == 1 else 'onboardings'}{each and ': '}{each}."


_UNFINISHED = {*Stage, RUNNING} - {Stage.LEAVING}


def _funnel(ways: Sequence[Way]) -> dict[Milestone, int]:
    return {milestone: sum(way.came_to(milestone) for way in ways) for milestone in Milestone}


def _stretch(ways: Sequence[Way], begin: Milestone, end: Milestone, since: datetime) -> Stretch:
    took = sorted(
        # What came in another order than it was done in took no time.
        max(way.reached[end] - way.reached[begin], timedelta())
        for way in ways
        if begin in way.reached and end in way.reached and way.reached[end] >= since
    )
    waiting = (
        Waiter(way.client_ref, way.reached[begin])
        for way in ways
        if way.is_on_the_way and begin in way.reached and not way.came_to(end)
    )
    return Stretch(
        begin,
        end,
        count=len(took),
        median=percentile(took, 50) if took else None,
        most=percentile(took, 95) if took else None,
        oldest=_oldest(waiting),
    )


def percentile(ordered: Sequence[timedelta], percent: int) -> timedelta:
    """Return the shortest within which so many of a hundred lie; `ordered` is not empty."""
    return ordered[ceil(len(ordered) * percent / 100) - 1]


def _oldest(waiting: Iterable[Waiter]) -> Waiter | None:
    return min(waiting, key=lambda waiter: waiter.since, default=None)


_NO_FAILURE = NOBODYS | {
    Reason.APPROVAL_AWAITED,
    Reason.TO_BE_DEREGISTERED,
    Reason.TO_BE_UNSHARED,
    Reason.PARTNER_TO_BE_REMOVED,
}
"""That a client may leave is a question, and what people do once it has left is work."""


def _failures(ended: Iterable[Way]) -> list[Failure]:
    needs = [
        (need, way.client_ref)
        for way in ended
        for need in way.needs
        if need.reason not in _NO_FAILURE
    ]
    needs.sort(key=lambda each: (*_kind(each[0]), each[0].since))
    grouped = groupby(needs, key=lambda each: _kind(each[0]))
    failures = [_failure([*alike]) for _, alike in grouped]
    return sorted(failures, key=lambda failure: -failure.count)


def _kind(need: Requirement) -> tuple[str, str, str]:
    return need.reason, need.awaiting, need.remedy


def _failure(alike: Sequence[tuple[Requirement, str]]) -> Failure:
    need, client_ref = alike[-1]
    return Failure(need.reason, need.awaiting, need.remedy, len(alike), client_ref)


def _turn(party: Party, ways: Iterable[Way]) -> Turn:
    waiting = [(way, awaited) for way in ways if (awaited := _awaited(way, party))]
    reasons = Counter(reason for _, awaited in waiting for reason in {n.reason for n in awaited})
    waiters = (Waiter(way.client_ref, need.since) for way, awaited in waiting for need in awaited)
    return Turn(party, len(waiting), dict(reasons.most_common()), _oldest(waiters))


def _awaited(way: Way, party: Party) -> list[Requirement]:
    return [need for need in way.needs if need.awaiting is party and need.reason not in NOBODYS]
