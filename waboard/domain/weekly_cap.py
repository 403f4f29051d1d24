"""How many new clients may be onboarded in any seven days, and when the next one may.

Meta lets a tech provider onboard 10 new clients in a rolling week, 200 once it is verified. Neither
provider shows the counter, so waboard keeps its own. Source: ES/overview (2026-06-28).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CapUse:
    """How much of the cap is used now, how many stand in the queue, and when it next frees.

    `frees_at` is None while no slot is taken: there is none to free.
    """

    cap: int
    used: int
    queued: int
    frees_at: datetime | None

    @property
    def free(self) -> int:
        """How many may be admitted now."""
        return max(self.cap - self.used, 0)


def use_of(admitted: Sequence[datetime], queued: int, cap: int, now: datetime) -> CapUse:
    """Say how the cap stands; `admitted` is as `next_slot` takes it."""
    used = len(admitted)
    # Whoever came after all that are free now would get the slot that frees next.
    frees_at = next_slot(admitted, max(cap - used, 0), cap, now) if admitted else None
    return CapUse(cap, used, queued, frees_at)


def next_slot(admitted: Sequence[datetime], ahead: int, cap: int, now: datetime) -> datetime | None:
    """Return when the next in the queue may be admitted; None when that is now.

    `admitted` are the times of the admissions in the window that ends now, the oldest first;
    `ahead` is how many wait in front. Whoever is admitted when a slot frees takes it for a week of
    its own, so the queue moves by whole weeks.
    """
    inside = [at for at in admitted if at > now - WINDOW]
    free = max(cap - len(inside), 0)
    if ahead < free:
        return None
    # Whoever waits in front takes what is free now. From then on `cap` slots are taken, and they
    # free in the order they were taken in, again and again.
    taken = [*inside, *[now] * free][-cap:]
    weeks, place = divmod(ahead - free, cap)
    return taken[place] + WINDOW * (weeks + 1)
