"""What an onboarding still needs: of whom, since when, by when, and how it is given."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.ids import mask_phone
from waboard.domain.onboarding import Conditions, Onboarding, Sender, in_order
from waboard.domain.parties import Party
from waboard.domain.reasons import ORDINARY, Reason, Situation, guidance_for
from waboard.domain.waits import WORDS, WRITE_BY_PAGE, OpenWait, WaitKind

CONDITIONS: dict[WaitKind, ConditionType] = {
    WaitKind.SOLUTION: ConditionType.SOLUTION_USABLE,
    WaitKind.SLOT: ConditionType.ADMITTED,
    WaitKind.REGISTRATION: ConditionType.REGISTERED,
    WaitKind.TEMPLATE: ConditionType.TEMPLATE_READY,
    WaitKind.DELIVERY: ConditionType.VERIFIED,
    WaitKind.INBOUND: ConditionType.RECEIVES,
}
"""Which condition each kind of wait is for."""


OF_LEAVING = frozenset(
    {
        ConditionType.RELEASED,
        ConditionType.DEREGISTERED,
        ConditionType.UNSHARED,
        ConditionType.PARTNER_REMOVED,
        ConditionType.NOTIFIED,
    }
)
"""Conditions of a client that leaves; nothing else of it is needed any more."""


NOBODYS = frozenset({Reason.NO_RECEIVER})
"""Reasons that no onboarding waits for: that there is nobody to tell is how waboard is set up."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What is still needed: which condition of what, from whom, since when, by when, and how."""

    condition: ConditionType
    subject: str
    reason: str
    message: str
    awaiting: Party
    remedy: str
    since: datetime
    by: datetime | None = None

    @property
    def subject_label(self) -> str:
        """The sender's last digits, or nothing when it is about the whole onboarding."""
        return f"{mask_phone(self.subject)}:" if self.subject else ""


def requirements_of(onboarding: Onboarding) -> list[Requirement]:
    """List what is still needed, the onboarding's own first, then one for each sender not live.

    Of one that was cancelled nobody needs anything; of a client that leaves, what leaving needs.
    """
    if onboarding.leaving is not None:
        known = onboarding.conditions
        needed = needs_of({kind: known[kind] for kind in known if kind in OF_LEAVING}, (), None)
        return [each for each in needed if each.reason != Reason.NO_RECEIVER]
    if onboarding.cancelled is not None:
        return []
    situation = onboarding.situation
    return needs_of(onboarding.conditions, onboarding.senders, onboarding.wait, situation)


def needs_of(
    conditions: Conditions,
    senders: Iterable[Sender],
    wait: OpenWait | None,
    situation: Situation = ORDINARY,
) -> list[Requirement]:
    """List the same of an onboarding of which no more is known than this."""
    # Where the condition itself says what is missing, it says more than the wait for it.
    said = conditions.get(CONDITIONS[wait.kind]) if wait is not None else None
    says_itself = said is not None and not said.is_true
    needed = [_from_wait(wait, situation)] if wait is not None and not says_itself else []
    needed += [_from_condition(c, "", situation) for c in in_order(conditions) if not c.is_true]
    needed += [
        _from_condition(sender.trouble, sender.phone_number, situation)
        for sender in senders
        if sender.trouble is not None
    ]
    return needed


def _from_wait(wait: OpenWait, situation: Situation) -> Requirement:
    words = WORDS[wait.kind]
    return Requirement(
        condition=CONDITIONS[wait.kind],
        subject="",
        reason=words.state,
        message=words.message,
        awaiting=words.awaiting,
        remedy=remedy_of(wait.kind, situation),
        since=wait.since,
        by=wait.give_up_at,
    )


def remedy_of(kind: WaitKind, situation: Situation) -> str:
    """Return what whoever is awaited does while a run waits."""
    by_page = kind is WaitKind.INBOUND and situation.has_page
    return WRITE_BY_PAGE if by_page else WORDS[kind].remedy


def _from_condition(condition: Condition, subject: str, situation: Situation) -> Requirement:
    guidance = guidance_for(condition.reason, condition.message, situation)
    return Requirement(
        condition=condition.type,
        subject=subject,
        reason=condition.reason,
        message=condition.message,
        awaiting=guidance.awaiting,
        remedy=guidance.remedy,
        since=condition.changed_at,
    )
