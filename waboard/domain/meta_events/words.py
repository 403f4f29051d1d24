"""Meta's words and our own reads: the two kinds of evidence, each as of its own time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from waboard.domain.conditions import Condition, Status
from waboard.domain.meta_events.meanings import Meaning, meaning_of
from waboard.domain.meta_events.wire import MetaEvent

AHEAD = timedelta(days=1)
"""How far Meta's clock may be ahead of ours; a time beyond that cannot be meant."""


@dataclass(frozen=True, slots=True)
class Word:
    """An event, and when Meta said it."""

    event: MetaEvent
    at: datetime

    @property
    def meaning(self) -> Meaning:
        """What it comes to."""
        return meaning_of(self.event)

    @property
    def second(self) -> int:
        """When it was said. Meta writes whole seconds."""
        return int(self.at.timestamp())


def word_of(event: MetaEvent, received_at: datetime) -> Word:
    """Return what an event says, and when: one without a time is of its arrival."""
    said_at = event.time
    usable = said_at is not None and said_at <= received_at + AHEAD
    return Word(event, said_at if said_at is not None and usable else received_at)


@dataclass(frozen=True, slots=True)
class OwnRead:
    """What we last saw or did ourselves of a condition, as of `at`.

    `made_at` is when we last did it and read it back: that no older word takes back, while what is
    only shown may be what is just over.
    """

    status: Status
    reason: str
    message: str
    evidence: str
    at: datetime
    made_at: datetime | None = None

    @property
    def second(self) -> int:
        """When it was, as Meta counts."""
        return int(self.at.timestamp())

    def follow(self, before: "OwnRead | None") -> "OwnRead":
        """Return the later of two reads; one that shows the same keeps that it was made."""
        if before is None:
            return self
        if before.at > self.at:
            return before
        made_at = self.made_at or (before.made_at if self.status is Status.TRUE else None)
        return OwnRead(self.status, self.reason, self.message, self.evidence, self.at, made_at)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a condition is by all the evidence, and on which of it that stands."""

    status: Status
    reason: str
    message: str
    evidence: str

    @staticmethod
    def by(own: OwnRead) -> "Judgement":
        """Return what our own read says."""
        return Judgement(own.status, own.reason, own.message, own.evidence)


BY_META = "webhook of Meta's"
"""The evidence of what Meta said."""
_T = TypeVar("_T")


def latest(items: Iterable[_T], rank: Callable[[_T], Any]) -> _T | None:
    """Return the item of the highest rank, which is its time first."""
    return max(items, key=rank, default=None)


def is_known_false(condition: Condition | None) -> bool:
    """Whether a condition is held to be lost."""
    return condition is not None and condition.status is Status.FALSE
