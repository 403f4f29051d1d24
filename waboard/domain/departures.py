"""A client leaves: how far it is, what is then left for people, and what it came to.

What has no API is a condition of its own, which somebody says is done.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.ids import WabaId
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason, guidance_for


class DepartureState(StrEnum):
    """How far a departure is. `leaving` means that it was approved, and is not over."""

    APPROVAL_AWAITED = "approval-awaited"
    LEAVING = "leaving"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether its run has nothing more to do."""
        return self not in {DepartureState.APPROVAL_AWAITED, DepartureState.LEAVING}


class Handwork(StrEnum):
    """What only people can do when a client leaves, since no provider has an API for it."""

    DEREGISTERED = "deregistered"
    UNSHARED = "unshared"
    PARTNER_REMOVED = "partner-removed"

    @property
    def condition(self) -> ConditionType:
        """The condition that says whether it is done."""
        return _CONDITIONS[self]


_CONDITIONS = {
    Handwork.DEREGISTERED: ConditionType.DEREGISTERED,
    Handwork.UNSHARED: ConditionType.UNSHARED,
    Handwork.PARTNER_REMOVED: ConditionType.PARTNER_REMOVED,
}


def open_handwork(left: Onboarding) -> list[Handwork]:
    """List what people have still to do for a client that has left."""
    return [work for work in Handwork if left.lacks(work.condition)]


@dataclass(frozen=True, slots=True)
class OffboardingDuty:
    """What people have still to do for a client that has left, as another onboarding sees it.

    `is_back` says that this other onboarding is of the same WABA, and has not left.
    """

    onboarding_id: str
    client_ref: str
    waba_id: WabaId
    condition: Condition
    is_back: bool

    @property
    def awaiting(self) -> Party:
        """Whose turn it is."""
        if self.is_back:
            return Party.OPERATOR
        return guidance_for(self.condition.reason, self.condition.message).awaiting

    @property
    def remedy(self) -> str:
        """What to do: leave the WABA alone once it is onboarded again, else finish."""
        work = next(work for work in Handwork if work.condition == self.condition.type)
        command = f"`waboard offboard {self.client_ref} --done {work}`"
        if self.is_back:
            return (
                "This WABA is onboarded again: withdraw what you have asked for, and say that "
                f"nothing is left to do: {command}."
            )
        remedy = guidance_for(self.condition.reason, self.condition.message).remedy
        return remedy.replace("CLIENT_REF", self.client_ref)


@dataclass(frozen=True, slots=True)
class Departure:
    """A client that is to leave, asked for by one run of `offboard`, whose id it has.

    `by` and `why` are of whoever asked; `detail` says what happened last; `pause_key` names the
    sleep in which the approval is awaited, `give_up_at` is until when.
    """

    id: str
    onboarding_id: str
    state: DepartureState
    by: str
    why: str
    detail: str
    pause_key: str | None
    asked_at: datetime
    give_up_at: datetime | None
    ended_at: datetime | None

    @property
    def request(self) -> str:
        """Who asks for what, and why, in their own words."""
        return f"{self.by} wants this client to leave: {self.why}"


def handwork_of(onboarding: Onboarding, now: datetime) -> list[Condition]:
    """List what is left for people once a client has left; nothing that never was there."""
    numbers = [s.label for s in onboarding.senders if s.holds(ConditionType.REGISTERED)]
    left = [_partner(onboarding, now)]
    if ConditionType.SHARED in onboarding.conditions or numbers:
        waba = f"WABA {onboarding.waba_label} is shared with Infobip."
        left.insert(0, _to_do(ConditionType.UNSHARED, Reason.TO_BE_UNSHARED, waba, now))
    if numbers:
        said = f"{', '.join(numbers)}: registered at Infobip."
        left.insert(0, _to_do(ConditionType.DEREGISTERED, Reason.TO_BE_DEREGISTERED, said, now))
    return left


def _partner(onboarding: Onboarding, now: datetime) -> Condition:
    kind = ConditionType.PARTNER_REMOVED
    connected = onboarding.conditions.get(ConditionType.CONNECTED)
    if connected is not None and connected.reason == Reason.CLIENT_DISCONNECTED:
        said = "Meta says that the client has removed us as a partner."
        return Condition(
            kind, Status.TRUE, Reason.CLIENT_DISCONNECTED, said, connected.evidence, now
        )
    said = f"The client may still have us as a partner of WABA {onboarding.waba_label}."
    return _to_do(kind, Reason.PARTNER_TO_BE_REMOVED, said, now)


def _to_do(kind: ConditionType, reason: Reason, said: str, now: datetime) -> Condition:
    return Condition(kind, Status.UNKNOWN, reason, said, "no API shows it", now)


def why_kept(hanging: Collection[str], shared_with: Collection[str], *, ours: bool) -> str:
    """Say why an entity is left; empty when nothing speaks against deleting it.

    Deleting one resets without a word whatever hangs on it (Infobip OpenAPI application-entity
    3.210.0), so in doubt it is left. `hanging` are the resources that are filed under it,
    `shared_with` the clients that use the id as well, `ours` whether we have made it.
    """
    if hanging:
        return f"{len(hanging)} other resources are filed under it"
    if shared_with:
        return f"{', '.join(sorted(shared_with))} use it as well"
    return "" if ours else "it was there before us"
