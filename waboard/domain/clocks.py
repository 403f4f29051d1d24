"""Stage clocks: how long a wait has lasted, how long such a wait usually does, and what is late.

What is usual is worked out from our own waits; while there are too few, it is what is known of the
field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from waboard.domain.clock import span
from waboard.domain.parties import Party
from waboard.domain.report import percentile
from waboard.domain.requirements import CONDITIONS, Requirement
from waboard.domain.waits import WORDS, OpenWait, WaitKind

ENOUGH = 20
"""How many waits of our own say what is usual. Fewer say nothing."""
LOOKED_BACK = timedelta(days=90)
"""How far back our own waits count."""
AT_LEAST = timedelta(minutes=15)
"""What has lasted less is not late, however quick it usually is, unless it is set so."""
_NAMES = {
    Party.US: "its turn",
    Party.CLIENT: "the client",
    Party.OPERATOR: "the operator",
    Party.INFOBIP: "Infobip",
    Party.META: "Meta",
}


@dataclass(frozen=True, slots=True)
class Usual:
    """How long a wait usually lasts: half end within `median`, 95 of a hundred within `most`.

    `count` are the waits of our own that say so; 0 where it is what is known of the field.
    """

    median: timedelta
    most: timedelta
    count: int = 0


OF_THE_FIELD: dict[WaitKind, Usual] = {
    WaitKind.SOLUTION: Usual(timedelta(hours=4), timedelta(days=3)),
    WaitKind.SLOT: Usual(timedelta(days=3), timedelta(days=7)),
    WaitKind.REGISTRATION: Usual(timedelta(minutes=10), timedelta(hours=24)),
    WaitKind.TEMPLATE: Usual(timedelta(minutes=10), timedelta(hours=24)),
    WaitKind.DELIVERY: Usual(timedelta(seconds=10), timedelta(minutes=15)),
    WaitKind.INBOUND: Usual(timedelta(hours=4), timedelta(days=3)),
}
"""What is usual before we know better.

A registration takes "minutes to days" by Infobip's programme page, which gives no number. Meta
reviews a template within 24 hours (Template review, developers.facebook.com). A place in the weekly
cap frees within seven days. The rest is our own guess: nobody publishes it.
"""


def usual_of(kind: WaitKind, took: Sequence[timedelta]) -> Usual:
    """Work out what is usual from how long waits of a kind took, if these are enough."""
    if len(took) < ENOUGH:
        return OF_THE_FIELD[kind]
    ordered = sorted(took)
    return Usual(percentile(ordered, 50), percentile(ordered, 95), len(ordered))


@dataclass(frozen=True, slots=True)
class StageClock:
    """How an onboarding's wait stands: who is awaited, since when, what is usual, when it is late.

    `late_at` is also when the operator is reminded.
    """

    kind: WaitKind
    awaiting: Party
    since: datetime
    usual: Usual
    late_at: datetime

    def is_late(self, now: datetime) -> bool:
        """Whether it has lasted longer than it should."""
        return now >= self.late_at

    def is_about(self, need: Requirement) -> bool:
        """Whether something that is needed is what this waits for."""
        return need.condition is CONDITIONS[self.kind] and need.awaiting is self.awaiting

    def said(self, now: datetime) -> str:
        """Say it in a sentence that is true now."""
        return self._said(f"for {span(now - self.since)}", now)

    def kept(self, now: datetime) -> str:
        """Say it in a sentence that stays true while the wait lasts."""
        return self._said(f"since {self.since:%Y-%m-%d %H:%M} UTC", now)

    def _said(self, how_long: str, now: datetime) -> str:
        begin = "Late: waiting" if self.is_late(now) else "Waiting"
        usually = f"usually under {span(self.usual.most)}"
        return f"{begin} for {_NAMES[self.awaiting]} {how_long}, {usually}."


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is usual for each kind of wait, and when it is late where somebody has set that."""

    usual: Mapping[WaitKind, Usual]
    remind: Mapping[WaitKind, timedelta]

    def of(self, wait: OpenWait) -> StageClock:
        """Return the clock of a wait."""
        usual = self.usual[wait.kind]
        patience = self.remind.get(wait.kind) or max(usual.most, AT_LEAST)
        awaiting = WORDS[wait.kind].awaiting
        return StageClock(wait.kind, awaiting, wait.since, usual, wait.since + patience)
