"""Tags: what a run can be found by, so that the list of runs alone says who needs whom."""

from collections.abc import Collection
from datetime import datetime

from waboard.domain.clocks import StageClock
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.requirements import requirements_of

LATE = "late"
"""The tag of a run whose wait is late."""


def tags_of(onboarding: Onboarding, clock: StageClock | None, now: datetime) -> list[str]:
    """Say whose run it is; while it sleeps (`clock`), and after its end, also who is awaited."""
    if clock is not None:
        asleep = tags_of_sleep(clock.kind, clock.awaiting, clock.since)
        return [*onboarding.tags, *asleep, *([LATE] if clock.is_late(now) else [])]
    return [*onboarding.tags, *(_needs(onboarding) if onboarding.ended_at else [])]


def tags_of_sleep(kind: str, awaiting: Party, since: datetime) -> list[str]:
    """Say what a run sleeps for, whom that is up to, and since when."""
    return [f"waiting:{kind}", *_awaited([awaiting], since)]


def _needs(onboarding: Onboarding) -> list[str]:
    # Who has nobody to be told of it has chosen so.
    needs = [n for n in requirements_of(onboarding) if n.reason != Reason.NO_RECEIVER]
    return _awaited([n.awaiting for n in needs], min(n.since for n in needs)) if needs else []


def _awaited(parties: Collection[Party], since: datetime) -> list[str]:
    return [*(f"awaiting:{each}" for each in sorted(set(parties))), f"since:{since:%Y-%m-%d}"]
