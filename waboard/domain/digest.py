"""The daily digest: who needs a person, which person, and what ended since the last one.

Phone numbers are masked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from waboard.domain.clock import span
from waboard.domain.clocks import StageClock
from waboard.domain.parties import Party
from waboard.domain.requirements import NOBODYS, Requirement
from waboard.domain.sentences import sentences

STILL = timedelta(days=7)
"""How long an onboarding that has ended, and needs a person, is told of each day."""
MOST = 30
"""Lines under one heading: the message has to go through chats and mails."""
_PEOPLE = {Party.OPERATOR: "Needs the operator", Party.CLIENT: "Needs the client"}


@dataclass(frozen=True, slots=True)
class Matter:
    """One onboarding as a digest sees it. `clock` is that of its wait, where it waits.

    `ended_at` is when it came to its outcome: None while it is on the way, or its client leaves.
    """

    client_ref: str
    run_id: str | None
    ended_at: datetime | None
    ended_as: str | None
    needs: Sequence[Requirement]
    clock: StageClock | None = None
    onboarding_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of it, the run that it is about, and the onboarding."""

    text: str
    run_id: str | None
    onboarding_id: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """Headings with their lines; those without lines are left out."""

    since: datetime
    parts: Sequence[tuple[str, Sequence[Line]]]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not self.parts

    @property
    def subject(self) -> str:
        """What it comes to: how many onboardings stand under each heading."""
        counts = [
            f"{heading[0].lower()}{heading[1:]}: {len({line.onboarding_id for line in lines})}"
            for heading, lines in self.parts
        ]
        return f"waboard: {', '.join(counts) or 'nothing needs a person'}"


def digest_of(matters: Sequence[Matter], since: datetime, now: datetime) -> Digest:
    """Draw the digest up. `since` is up to when the last one told."""
    parts = [(heading, _needed_of(matters, party, now)) for party, heading in _PEOPLE.items()]
    late = [m for m in matters if m.clock is not None and m.clock.is_late(now)]
    ended = [m for m in matters if m.ended_at is not None and m.ended_at > since]
    parts += [
        ("Late", [_line(_late(each, now), each) for each in late]),
        ("Ended", [_line(f"{each.client_ref}: {each.ended_as}", each) for each in ended]),
    ]
    return Digest(since, [(heading, lines) for heading, lines in parts if lines])


def _line(text: str, matter: Matter) -> Line:
    return Line(text, matter.run_id, matter.onboarding_id)


def _needed_of(matters: Iterable[Matter], party: Party, now: datetime) -> list[Line]:
    needed = [
        (need, matter)
        for matter in matters
        for need in matter.needs
        if need.awaiting is party and need.reason not in NOBODYS
    ]
    needed.sort(key=lambda each: each[0].since)
    return [_line(_need(need, matter, now), matter) for need, matter in needed]


def _need(need: Requirement, matter: Matter, now: datetime) -> str:
    whose = f"{matter.client_ref} {need.subject_label}".rstrip(":").strip()
    since = f"since {need.since:%Y-%m-%d %H:%M} UTC ({span(now - need.since)})"
    return sentences(f"{whose}: {need.reason}, {since}", need.remedy)


def _late(matter: Matter, now: datetime) -> str:
    return f"{matter.client_ref}: {matter.clock.said(now) if matter.clock else ''}"
