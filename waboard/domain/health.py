"""How a WABA and its numbers stand at Meta, and which of it is a loss.

Meta says who lets messages through: the number, its WABA, its business, and the app that asks.
Ours is not the app that sends where the partner alone does, so what Meta says of it counts not.
Source: WA/support/health-status (2026-06-17), SP/manage-phone-numbers, Meta's OpenAPI v23.0.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from waboard.domain.conditions import Status
from waboard.domain.delivery import Verdict
from waboard.domain.reasons import Reason
from waboard.domain.sentences import sentences

_SEVERITY = ("AVAILABLE", "LIMITED", "BLOCKED")
_BLOCKED_STATUSES = frozenset({"BANNED", "RESTRICTED"})
_BLOCKED_REVIEWS = frozenset({"REJECTED", "RESTRICTED"})


@dataclass(frozen=True, slots=True)
class Entity:
    """One of those who let messages through: its kind, `can_send_message`, and Meta's words."""

    kind: str
    can_send: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Sendability:
    """Whether Meta lets send: `AVAILABLE`, `LIMITED`, `BLOCKED`, or empty where it does not say.

    `by` is the kind of entity that limits it, and `said` Meta's errors with its remedies.
    """

    can_send: str = ""
    by: str = ""
    said: str = ""


def sendability(overall: str, entities: Iterable[Entity]) -> Sendability:
    """Return what the worst of them says, our own app left out; without any, the overall word."""
    listed = list(entities)
    known = [e for e in listed if e.kind != "APP" and e.can_send in _SEVERITY]
    if not known:
        return Sendability() if listed else Sendability(overall)
    worst = max(known, key=lambda each: _SEVERITY.index(each.can_send))
    said = sentences(*(e.said for e in known if e.can_send != "AVAILABLE"))
    by = "" if worst.can_send == "AVAILABLE" else worst.kind
    return Sendability(worst.can_send, by, said)


@dataclass(frozen=True, slots=True)
class NumberHealth:
    """How a number stands at Meta, in Meta's words."""

    status: str = ""
    quality_rating: str = ""
    name_status: str = ""
    can_send: str = ""
    blocked_by: str = ""
    said: str = ""

    def __str__(self) -> str:
        shown = [
            self.status or "no status",
            f"quality {self.quality_rating or 'not shown'}",
            f"name {self.name_status or 'not shown'}",
            f"may send: {self.can_send or 'not shown'}",
        ]
        return sentences(f"Meta shows it as {', '.join(shown)}", self.said)


@dataclass(frozen=True, slots=True)
class WabaHealth:
    """How a WABA stands at Meta, in Meta's words. `review` is its `account_review_status`."""

    review: str = ""
    can_send: str = ""
    said: str = ""

    def __str__(self) -> str:
        shown = f"review {self.review or 'not shown'}, may send: {self.can_send or 'not shown'}"
        return sentences(f"Meta shows it with {shown}", self.said)


def verdict_on_number(number: NumberHealth) -> Verdict | None:
    """Judge a number. What is limited is no loss; None where Meta does not say enough."""
    blocked = number.can_send == "BLOCKED"
    if number.status in _BLOCKED_STATUSES or blocked:
        of_waba = blocked and number.blocked_by in {"WABA", "BUSINESS"}
        reason = Reason.WABA_BLOCKED if of_waba else Reason.NUMBER_BLOCKED
        return Verdict(Status.FALSE, reason, str(number))
    silent = not number.can_send and number.status != "CONNECTED"
    if silent or number.can_send not in ("", *_SEVERITY):
        return None
    return Verdict(Status.TRUE, Reason.META_LETS_SEND, str(number))


def verdict_on_waba(waba: WabaHealth) -> Verdict | None:
    """Judge a WABA by its review alone: what blocks it blocks its numbers, which say so.

    None where the review says nothing of it, such as PENDING.
    """
    if waba.review in _BLOCKED_REVIEWS:
        return Verdict(Status.FALSE, Reason.WABA_BLOCKED, str(waba))
    if waba.review == "APPROVED":
        return Verdict(Status.TRUE, Reason.META_LETS_SEND, str(waba))
    return None


def is_news(verdict: Verdict | None, held: bool | None) -> bool:
    """Whether a verdict changes what is held for true. What was never lost is held, and is None."""
    return verdict is not None and (verdict.status is Status.TRUE) is (held is False)
