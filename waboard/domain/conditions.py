"""What is true of an onboarding or a sender, since when, and on what evidence."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class ConditionType(StrEnum):
    """What can be true of an onboarding or of a sender, in the order of the work.

    Of an onboarding are the first four, TemplateReady, Notified and the last four, which are those
    of a client that leaves; Healthy is of both, all else of senders. Its own `Registered` is
    written only when its registration was given up; otherwise its registration is what its senders
    say.
    """

    SOLUTION_USABLE = "SolutionUsable"
    ADMITTED = "Admitted"
    CONNECTED = "Connected"
    SHARED = "Shared"
    REGISTERED = "Registered"
    OWNED = "Owned"
    ASSOCIATED = "Associated"
    TEMPLATE_READY = "TemplateReady"
    RECEIVES = "Receives"
    VERIFIED = "Verified"
    USABLE = "Usable"
    HEALTHY = "Healthy"
    NAME_APPROVED = "NameApproved"
    NOTIFIED = "Notified"
    RELEASED = "Released"
    DEREGISTERED = "Deregistered"
    UNSHARED = "Unshared"
    PARTNER_REMOVED = "PartnerRemoved"


class Status(StrEnum):
    """True and False need evidence; without it the answer is Unknown."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One answer. `reason` is a member of `waboard.domain.reasons.Reason`.

    `changed_at` is when the *status* last changed; `evidence` names what it stands on
    ("event 12", "effect 7", "GET associations").
    """

    type: ConditionType
    status: Status
    reason: str
    message: str
    evidence: str
    changed_at: datetime

    @property
    def is_true(self) -> bool:
        """Whether it is known to be true."""
        return self.status is Status.TRUE

    @property
    def is_decided(self) -> bool:
        """Whether it is known either way."""
        return self.status is not Status.UNKNOWN


def succeed(old: Condition | None, new: Condition) -> Condition | None:
    """Return what to write when `new` follows `old`, or None when nothing changed.

    The time of the last change of status survives a new reason or message.
    """
    if old is None or old.status is not new.status:
        return new
    kept = replace(new, changed_at=old.changed_at)
    same = replace(kept, evidence=old.evidence) == old
    return None if same else kept
