"""What an onboarding came to, and how far it is. Worked out from its senders, never stored.

But for two things that no sender shows: that a person cancelled it, or that the client has left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.decisions import Decision
from waboard.domain.masking import scrub
from waboard.domain.onboarding import ON_THE_WAY, Onboarding, Sender, in_order
from waboard.domain.reasons import Reason
from waboard.domain.requirements import requirements_of
from waboard.domain.sentences import sentence, sentences
from waboard.domain.steps import (
    delivery_is_over,
    ends_at_share,
    inbound_is_over,
    is_kept_out,
    is_past_the_door,
    registration_is_over,
    registration_was_given_up,
    senders_to_associate,
    senders_to_test,
    template_is_needed,
)
from waboard.domain.waits import UPSTREAM_PATIENCE, WaitKind


class OutcomeName(StrEnum):
    """How an onboarding ends, as its run's final state is named."""

    LIVE = "Live"
    LIVE_LIMITED = "LiveLimited"
    SOLUTION_NOT_USABLE = "SolutionNotUsable"
    NO_SLOT = "NoSlot"
    SHARE_REFUSED = "ShareRefused"
    REGISTRATION_FAILED = "RegistrationFailed"
    REGISTRATION_TIMED_OUT = "RegistrationTimedOut"
    AWAITING_UPSTREAM = "AwaitingUpstream"
    ASSOCIATION_FAILED = "AssociationFailed"
    VERIFICATION_FAILED = "VerificationFailed"
    SENDERS_LOST = "SendersLost"
    CANCELLED = "Cancelled"
    OFFBOARDED = "Offboarded"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an onboarding came to. `message` says what is live, what is not, and what to do.

    `since` is when the outage began that keeps it back, where it goes on by itself.
    """

    name: OutcomeName
    message: str
    since: datetime | None = None

    @property
    def is_failure(self) -> bool:
        """Whether it has ended without a live sender, and nothing of it goes on by itself."""
        return not self.is_live and self.name not in _NO_FAILURE

    @property
    def is_live(self) -> bool:
        """Whether at least one sender is live."""
        return self.name in {OutcomeName.LIVE, OutcomeName.LIVE_LIMITED}

    @property
    def told_as(self) -> str:
        """The last word of the type of the message that tells it: `onboarding.live`, say."""
        if self.name in {OutcomeName.OFFBOARDED, OutcomeName.CANCELLED}:
            return self.name.lower()
        if self.name is OutcomeName.AWAITING_UPSTREAM:
            return "delayed"
        return "live" if self.is_live else "failed"


_NO_FAILURE = frozenset(
    {OutcomeName.AWAITING_UPSTREAM, OutcomeName.CANCELLED, OutcomeName.OFFBOARDED}
)


def outcome_of(onboarding: Onboarding) -> Outcome:
    """Work out the outcome from the senders; it is never stored beside them."""
    if onboarding.leaving is not None:
        return Outcome(OutcomeName.OFFBOARDED, _left_message(onboarding, onboarding.leaving))
    if onboarding.cancelled is not None:
        return Outcome(OutcomeName.CANCELLED, _cancelled_message(onboarding, onboarding.cancelled))
    since = kept_back_since(onboarding)
    message = _outcome_message(onboarding)
    if since is None or any(sender.is_live for sender in onboarding.senders):
        return Outcome(_outcome_name(onboarding), message)
    return Outcome(OutcomeName.AWAITING_UPSTREAM, f"{_delay(since)} {message}", since)


def kept_back_since(onboarding: Onboarding) -> datetime | None:
    """Return since when an upstream that is away keeps it from more; None where none does.

    It goes on by itself as soon as the upstream is back, until `UPSTREAM_PATIENCE` is over.
    """
    own = [onboarding.conditions.get(kind) for kind in _OF_THE_DOOR]
    of_senders = [sender.trouble for sender in onboarding.senders if not sender.is_live]
    away = [c for c in (*own, *of_senders) if c and c.reason == Reason.PROVIDER_UNAVAILABLE]
    return min((condition.changed_at for condition in away), default=None)


_OF_THE_DOOR = (ConditionType.SOLUTION_USABLE, ConditionType.SHARED)
"""What all senders need of the whole onboarding."""


def _delay(since: datetime) -> str:
    until = since + UPSTREAM_PATIENCE
    return (
        f"Infobip or Meta is away since {since:%Y-%m-%d %H:%M} UTC: it goes on by itself once both "
        f"answer again, and is given up on {until:%Y-%m-%d %H:%M} UTC."
    )


def _outcome_name(onboarding: Onboarding) -> OutcomeName:
    senders = onboarding.senders
    live = [sender for sender in senders if sender.is_live]
    if live:
        return OutcomeName.LIVE if len(live) == len(senders) else OutcomeName.LIVE_LIMITED
    if is_kept_out(onboarding):
        no_solution = onboarding.lacks(ConditionType.SOLUTION_USABLE)
        return OutcomeName.SOLUTION_NOT_USABLE if no_solution else OutcomeName.NO_SLOT
    if ends_at_share(onboarding):
        return OutcomeName.SHARE_REFUSED
    if not any(s.holds(ConditionType.REGISTERED) for s in senders):
        timed_out = registration_was_given_up(onboarding)
        return OutcomeName.REGISTRATION_TIMED_OUT if timed_out else OutcomeName.REGISTRATION_FAILED
    if not any(s.is_ours_to_work_on for s in senders):
        return OutcomeName.SENDERS_LOST
    if not any(s.holds(ConditionType.ASSOCIATED) for s in senders):
        return OutcomeName.ASSOCIATION_FAILED
    if any(s.holds(ConditionType.VERIFIED) and _is_lost(s) for s in senders):
        return OutcomeName.SENDERS_LOST
    return OutcomeName.VERIFICATION_FAILED


def _is_lost(sender: Sender) -> bool:
    lost = sender.lacks(ConditionType.USABLE) or sender.lacks(ConditionType.HEALTHY)
    return lost or sender.is_nameless


_BESIDE = frozenset({ConditionType.NOTIFIED, ConditionType.RELEASED})
"""Conditions that say nothing of how far its senders are."""


def _outcome_message(onboarding: Onboarding) -> str:
    senders = onboarding.senders
    live = sum(sender.is_live for sender in senders)
    lines = [f"{live} of {len(senders)} senders live." if senders else _no_senders(onboarding)]
    lines += [
        f"{r.subject_label} {sentences(r.message, f'Awaiting {r.awaiting}: {r.remedy}')}"
        for r in requirements_of(onboarding)
        if r.condition not in _BESIDE
    ]
    return " ".join(line.strip() for line in lines)


def _cancelled_message(onboarding: Onboarding, decision: Decision) -> str:
    senders = onboarding.senders
    live = sum(sender.is_live for sender in senders)
    done = _named(onboarding, lambda condition: condition.is_true)
    unsure = _named(onboarding, lambda condition: condition.reason in _UNANSWERED)
    lines = [
        sentence(f"Cancelled by {scrub(decision.by)}: {scrub(decision.why)}"),
        f"{live} of {len(senders)} senders live." if senders else "",
        f"What was done stays done: {', '.join(done)}." if done else "",
        f"Nobody knows yet whether it was done: {', '.join(unsure)}." if unsure else "",
        "" if done or unsure else "Nothing had been done.",
        "`waboard retry` goes on from here.",
    ]
    return " ".join(line for line in lines if line)


_UNANSWERED = frozenset({*ON_THE_WAY, Reason.SHARE_NOT_ANSWERED})


def _left_message(onboarding: Onboarding, decision: Decision) -> str:
    begun = "Has left" if onboarding.left_at else "Is leaving"
    released = onboarding.conditions.get(ConditionType.RELEASED)
    lines = [
        f"{begun}, as {scrub(decision.by)} approved: {scrub(decision.why)}",
        released.message if released else "",
        *(f"Awaiting {r.awaiting}: {r.remedy}" for r in requirements_of(onboarding)),
    ]
    return sentences(*lines)


def _named(onboarding: Onboarding, which: Callable[[Condition], bool]) -> list[str]:
    own = [c.type.value for c in in_order(onboarding.conditions) if which(c)]
    return own + [
        f"{condition.type} {sender.label}"
        for sender in onboarding.senders
        for condition in in_order(sender.conditions)
        if which(condition)
    ]


def _no_senders(onboarding: Onboarding) -> str:
    said = onboarding.registration.info
    return sentence(f"Infobip names no sender: {scrub(said or '')}")


def has_news(onboarding: Onboarding) -> bool:
    """Whether what came after its end changes what was told, or is a sender to bring live.

    Nothing changes what was cancelled, and nothing a client that leaves.
    """
    ended_at = onboarding.ended_at
    stays = onboarding.cancelled is not None or onboarding.leaving is not None
    if ended_at is None or onboarding.ended_as is None or stays:
        return False
    workable = [sender for sender in onboarding.senders if sender.is_ours_to_work_on]
    known = [sender.conditions.get(kind) for sender in workable for kind in _BEGINS_WORK]
    late = any(c and c.is_true and c.changed_at > ended_at for c in known)
    return late or outcome_of(onboarding).name != onboarding.ended_as


def came_meanwhile(told: Onboarding, now: Onboarding) -> bool:
    """Whether a sender has become one to bring live since an onboarding was as it was told of."""
    known = {(name, kind) for sender, kind in _work_of(told) for name in _names_of(sender)}
    return any(
        known.isdisjoint((name, kind) for name in _names_of(sender))
        for sender, kind in _work_of(now)
    )


def _work_of(onboarding: Onboarding) -> list[tuple[Sender, ConditionType]]:
    return [
        (sender, kind)
        for sender in onboarding.senders
        if sender.is_ours_to_work_on
        for kind in _BEGINS_WORK
        if (condition := sender.conditions.get(kind)) is not None and condition.is_true
    ]


def _names_of(sender: Sender) -> set[str]:
    # Infobip may spell it otherwise by now.
    return {sender.phone_number, *sender.spellings}


_BEGINS_WORK = (ConditionType.REGISTERED, ConditionType.OWNED)
"""What lets a sender be brought live, once it turns true."""

RUNNING = "Running"
"""The stage of an unfinished onboarding where no more is known than that its run does not sleep."""


class Stage(StrEnum):
    """Where an unfinished onboarding is in the sentence; a finished one shows its outcome."""

    AWAITING_SOLUTION = "AwaitingSolution"
    AWAITING_SLOT = "AwaitingSlot"
    SHARING = "Sharing"
    AWAITING_REGISTRATION = "AwaitingRegistration"
    ASSOCIATING = "Associating"
    AWAITING_TEMPLATE = "AwaitingTemplate"
    VERIFYING = "Verifying"
    AWAITING_DELIVERY = "AwaitingDelivery"
    AWAITING_INBOUND = "AwaitingInbound"
    NOTIFYING = "Notifying"
    LEAVING = "Leaving"


def stage_of(onboarding: Onboarding) -> str:
    """Name the stage for people and filters: a `Stage`, or an `OutcomeName` once it is decided."""
    if onboarding.leaving is not None and onboarding.left_at is None:
        return Stage.LEAVING
    if onboarding.ended_at is not None or onboarding.cancelled is not None:
        return outcome_of(onboarding).name
    if not is_past_the_door(onboarding):
        return _stage_at_the_door(onboarding)
    if not registration_is_over(onboarding):
        return Stage.AWAITING_REGISTRATION
    if senders_to_associate(onboarding):
        return Stage.ASSOCIATING
    return _stage_of_the_proof(onboarding)


def _stage_of_the_proof(onboarding: Onboarding) -> Stage:
    if template_is_needed(onboarding) and onboarding.lacks(ConditionType.TEMPLATE_READY):
        return Stage.AWAITING_TEMPLATE
    if not delivery_is_over(onboarding):
        return Stage.AWAITING_DELIVERY
    if senders_to_test(onboarding):
        return Stage.VERIFYING
    return Stage.NOTIFYING if inbound_is_over(onboarding) else Stage.AWAITING_INBOUND


def _stage_at_the_door(onboarding: Onboarding) -> Stage:
    wait = onboarding.wait
    if wait is not None and wait.kind is WaitKind.SOLUTION:
        return Stage.AWAITING_SOLUTION
    return Stage.AWAITING_SLOT if wait and wait.kind is WaitKind.SLOT else Stage.SHARING
