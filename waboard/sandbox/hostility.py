"""What goes wrong by itself: each mischief with a chance of its own, or for a given WABA.

Whether one strikes follows from the seed, its name, whom it would strike and how often it could
have: the same in every run, whatever happens at the same time.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Mischief(StrEnum):
    """One thing that can go wrong."""

    RATE_LIMITED = "rate-limited"
    RATE_LIMITED_RETRY_AFTER = "rate-limited-retry-after"
    ERROR_BEFORE = "error-before"
    ERROR_AFTER = "error-after"
    TIMEOUT_AFTER = "timeout-after"
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    SLOW = "slow"
    NOT_JSON = "not-json"
    WEBHOOK_TWICE = "webhook-twice"
    WEBHOOK_REORDERED = "webhook-reordered"
    WEBHOOK_LATE = "webhook-late"
    WEBHOOK_LOST = "webhook-lost"
    WEBHOOK_MALFORMED = "webhook-malformed"
    WEBHOOK_EARLY = "webhook-early"
    SENDERS_LATE = "senders-late"
    FAILS_THEN_FINISHES = "fails-then-finishes"
    ASSOCIATED_ELSEWHERE = "associated-elsewhere"
    STALE_ASSOCIATION = "stale-association"
    REPORT_TWICE = "report-twice"
    REPORT_NEVER = "report-never"


Profile = Literal["calm", "hostile"]
FEW_PER_CENT = 0.03


class Hostility(BaseModel):
    """How often each mischief strikes, and its tempo in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    chances: dict[Mischief, float] = Field(default_factory=dict[Mischief, float])
    slow: float = Field(default=1.0, ge=0)
    hang: float = Field(default=60.0, ge=0)
    late: float = Field(default=2.0, ge=0)
    stale: float = Field(default=2.0, ge=0)


def hostility(profile: Profile, seed: int) -> Hostility:
    """Return a profile: `calm` has no mischief, `hostile` all of it at a few per cent."""
    chance = FEW_PER_CENT if profile == "hostile" else 0.0
    return Hostility(seed=seed, chances=dict.fromkeys(Mischief, chance))


class Mischiefs:
    """Decides whether a mischief strikes, and notes it."""

    def __init__(self, hostility: Hostility, now: Callable[[], str]) -> None:
        self.hostility = hostility
        self.struck: list[dict[str, Any]] = []
        self._now = now
        self._chances: Counter[tuple[Mischief, str]] = Counter()
        self._ordered: set[tuple[Mischief, str]] = set()

    def order(self, waba_id: str, mischiefs: list[Mischief]) -> None:
        """Let these strike a WABA for certain, once each."""
        self._ordered |= {(mischief, waba_id) for mischief in mischiefs}

    @property
    def waiting_for(self) -> list[str]:
        """The WABAs that something shall still strike."""
        return sorted({waba_id for _, waba_id in self._ordered})

    def strikes(self, mischief: Mischief, subject: str, waba_id: str = "") -> bool:
        """Whether it strikes this time. `subject` is whom or what, `waba_id` whose if known."""
        chance = self.hostility.chances.get(mischief, 0.0)
        drawn = self._draw(mischief, subject)
        ordered = (mischief, waba_id) in self._ordered
        if not ordered and drawn >= chance:
            return False
        self._ordered.discard((mischief, waba_id))
        self.struck.append(
            {"at": self._now(), "mischief": mischief, "subject": subject, "waba_id": waba_id}
        )
        return True

    def _draw(self, mischief: Mischief, subject: str) -> float:
        self._chances[mischief, subject] += 1
        drawn = f"{self.hostility.seed}:{mischief}:{subject}:{self._chances[mischief, subject]}"
        return int.from_bytes(hashlib.sha256(drawn.encode()).digest()[:8]) / 2**64
