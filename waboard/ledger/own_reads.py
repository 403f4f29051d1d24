"""What we last saw ourselves of conditions that Meta's webhooks speak of as well.

Kept beside the condition: what a word of Meta's covers now may count again once that is over.
"""

from datetime import datetime
from typing import Any

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.meta_events.words import OwnRead
from waboard.domain.subscription import MADE
from waboard.ledger.models import OnboardingRow

SPOKEN_OF = frozenset({ConditionType.CONNECTED, ConditionType.TEMPLATE_READY})
"""Conditions of an onboarding that stand on Meta's words and our own reads together."""


def own_read_of(row: OnboardingRow, kind: ConditionType) -> OwnRead | None:
    """Return our own last read of a condition."""
    kept = (row.own_reads or {}).get(kind)
    return _read(kept) if kept else None


def keep_own_read(row: OnboardingRow, seen: Condition) -> None:
    """Keep what we saw, unless we have seen it later."""
    is_made = seen.evidence == MADE and seen.is_true
    read = OwnRead(
        seen.status,
        seen.reason,
        seen.message,
        seen.evidence,
        seen.changed_at,
        seen.changed_at if is_made else None,
    )
    kept = _kept(read.follow(own_read_of(row, seen.type)))
    row.own_reads = {**(row.own_reads or {}), seen.type: kept}


def restate_own_read(row: OnboardingRow, kind: ConditionType, reason: str) -> None:
    """Give what we saw another reason, and leave when we saw it."""
    kept = (row.own_reads or {}).get(kind)
    if kept:
        row.own_reads = {**(row.own_reads or {}), kind: {**kept, "reason": reason}}


def forget_own_read(row: OnboardingRow, kind: ConditionType) -> None:
    """Forget what we saw: it is to be looked at anew."""
    row.own_reads = {k: read for k, read in (row.own_reads or {}).items() if k != kind}


def _kept(read: OwnRead) -> dict[str, Any]:
    return {
        "status": read.status,
        "reason": read.reason,
        "message": read.message,
        "evidence": read.evidence,
        "at": read.at.isoformat(),
        "made_at": read.made_at.isoformat() if read.made_at else None,
    }


def _read(kept: dict[str, Any]) -> OwnRead:
    made_at = kept["made_at"]
    return OwnRead(
        Status(kept["status"]),
        kept["reason"],
        kept["message"],
        kept["evidence"],
        datetime.fromisoformat(kept["at"]),
        datetime.fromisoformat(made_at) if made_at else None,
    )
