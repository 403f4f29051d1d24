"""An onboarding as it stands, and what follows from that. The sender is the unit of success."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.ids import (
    NumberKey,
    PhoneNumber,
    SolutionId,
    WabaId,
    mask_phone,
    mask_waba,
)
from waboard.domain.masking import scrub
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason, guidance_for
from waboard.domain.registration import Registration
from waboard.domain.waits import WORDS, OpenWait, WaitKind

Conditions = dict[ConditionType, Condition]
ON_THE_WAY = frozenset({Reason.REPORT_AWAITED, Reason.SEND_NOT_ANSWERED})
TEST_AGAIN = frozenset({Reason.RETRY_ASKED, Reason.TEMPLATE_NOT_SYNCED})


class VerifyBy(StrEnum):
    """How a sender is proven to work.

    `template`: a template message to the test recipient arrives. `inbound`: somebody writes to the
    sender, and the reply arrives, which needs no template. `both`: the first, and somebody writes.
    """

    TEMPLATE = "template"
    INBOUND = "inbound"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Sender:
    """One phone number of the WABA."""

    phone_number: PhoneNumber
    phone_number_id: str | None
    number_key: NumberKey | None
    conditions: Conditions

    @property
    def label(self) -> str:
        """How it is shown to people: its last four digits."""
        return mask_phone(self.phone_number)

    def holds(self, kind: ConditionType) -> bool:
        """Whether a condition is known to be true."""
        condition = self.conditions.get(kind)
        return condition is not None and condition.is_true

    def lacks(self, kind: ConditionType) -> bool:
        """Whether a condition was looked for and is not true."""
        return kind in self.conditions and not self.holds(kind)

    def decided(self, kind: ConditionType) -> bool:
        """Whether a condition is known either way."""
        condition = self.conditions.get(kind)
        return condition is not None and condition.is_decided

    @property
    def is_live(self) -> bool:
        """Whether messages really arrive from it, under the client's own ids.

        That it receives is needed only where somebody has asked for the proof.
        """
        needed = (ConditionType.REGISTERED, ConditionType.ASSOCIATED, ConditionType.VERIFIED)
        return all(map(self.holds, needed)) and not self.lacks(ConditionType.RECEIVES)

    @property
    def has_been_tested(self) -> bool:
        """Whether a test message went out, or may have."""
        return self.decided(ConditionType.VERIFIED) or self.is_awaiting_report

    @property
    def may_be_tested_again(self) -> bool:
        """Whether another test message may follow the last, which failed."""
        verified = self.conditions.get(ConditionType.VERIFIED)
        return verified is not None and verified.reason in TEST_AGAIN

    @property
    def is_awaiting_report(self) -> bool:
        """Whether a test message is, or may be, on its way."""
        verified = self.conditions.get(ConditionType.VERIFIED)
        return verified is not None and verified.reason in ON_THE_WAY

    @property
    def is_still_tested(self) -> bool:
        """Whether a test message is on its way, or goes out again in a while."""
        verified = self.conditions.get(ConditionType.VERIFIED)
        not_synced = verified is not None and verified.reason == Reason.TEMPLATE_NOT_SYNCED
        return self.is_awaiting_report or not_synced

    @property
    def trouble(self) -> Condition | None:
        """The first condition, in the order of the work, that is not true."""
        return next((c for c in _in_order(self.conditions) if not c.is_true), None)


@dataclass(frozen=True, slots=True)
class Onboarding:
    """One attempt to bring one WABA of one client live, as the ledger knows it.

    `wait` is what its run sleeps for now; `waited_for` holds when each kind of wait that it has
    ever slept for is given up; `slept_since_share` is whether it slept since its last share began.
    `ended_as` is the outcome that was told at its last end.
    """

    id: str
    client_ref: str
    client_name: str
    waba_id: WabaId
    attempt: int
    application_id: str
    entity_id: str
    solution_id: SolutionId | None
    phone_numbers: tuple[PhoneNumber, ...]
    flow_run_id: str | None
    created_at: datetime
    ended_at: datetime | None
    conditions: Conditions
    registration: Registration
    senders: tuple[Sender, ...]
    wait: OpenWait | None
    waited_for: Mapping[WaitKind, datetime]
    slept_since_share: bool = False
    verify_by: VerifyBy = VerifyBy.TEMPLATE
    ended_as: str | None = None

    @property
    def waba_label(self) -> str:
        """How its WABA is shown to people: the last four digits."""
        return mask_waba(self.waba_id)

    @property
    def run_name(self) -> str:
        """The name of its row in the Prefect UI."""
        return f"{self.client_ref} · WABA {self.waba_label} · attempt {self.attempt}"

    @property
    def tags(self) -> list[str]:
        """What its run can be found by in the Prefect UI."""
        solution = [f"solution:{self.solution_id}"] if self.solution_id else []
        return [f"client:{self.client_ref}", f"waba:{self.waba_id}", *solution]

    def holds(self, kind: ConditionType) -> bool:
        """Whether a condition of the onboarding itself is known to be true."""
        condition = self.conditions.get(kind)
        return condition is not None and condition.is_true

    def lacks(self, kind: ConditionType) -> bool:
        """Whether a condition of the onboarding itself was looked for and is not true."""
        return kind in self.conditions and not self.holds(kind)

    def sender(self, number: PhoneNumber) -> Sender:
        """Return one of its senders."""
        return next(s for s in self.senders if s.phone_number == number)


def _in_order(conditions: Conditions) -> list[Condition]:
    return [conditions[kind] for kind in ConditionType if kind in conditions]


def is_past_the_door(onboarding: Onboarding) -> bool:
    """Whether the work at Infobip has begun, so that nothing keeps it waiting at the door."""
    return ConditionType.SHARED in onboarding.conditions


def is_to_be_connected(onboarding: Onboarding) -> bool:
    """Whether nothing but Meta's word of the beginning is known of our subscription."""
    connected = onboarding.conditions.get(ConditionType.CONNECTED)
    return connected is None or connected.reason == Reason.PARTNER_ADDED


def is_kept_out(onboarding: Onboarding) -> bool:
    """Whether it does not get past the door: no usable solution, or no place in the queue."""
    needed = (ConditionType.SOLUTION_USABLE, ConditionType.ADMITTED)
    return not is_past_the_door(onboarding) and any(map(onboarding.lacks, needed))


def share_is_due(onboarding: Onboarding) -> bool:
    """Whether to share now.

    That is when nobody has, when Infobip refused before (this run is somebody's retry), and when a
    share went unanswered and a whole sleep has brought no evidence of it.
    """
    shared = onboarding.conditions.get(ConditionType.SHARED)
    if shared is None:
        return True
    return not shared.is_true and (onboarding.slept_since_share or share_was_refused(onboarding))


def share_was_refused(onboarding: Onboarding) -> bool:
    """Whether Infobip said no, so that nothing more can follow."""
    shared = onboarding.conditions.get(ConditionType.SHARED)
    return shared is not None and shared.reason == Reason.SHARE_REFUSED


def registration_is_over(onboarding: Onboarding) -> bool:
    """Whether there is nothing more to wait for: settled, all asked-for numbers done, given up."""
    registration = onboarding.registration
    asked = onboarding.phone_numbers
    known = registration.senders
    all_asked_done = bool(asked) and all(n in known and known[n].is_terminal for n in asked)
    return registration.is_settled or all_asked_done or _gave_up_registration(onboarding)


def _gave_up_registration(onboarding: Onboarding) -> bool:
    return ConditionType.REGISTERED in onboarding.conditions


def senders_to_associate(onboarding: Onboarding) -> list[Sender]:
    """Return registered senders that are not yet known to be associated."""
    return [
        sender
        for sender in onboarding.senders
        if sender.holds(ConditionType.REGISTERED) and not sender.holds(ConditionType.ASSOCIATED)
    ]


def template_is_needed(onboarding: Onboarding) -> bool:
    """Whether a template message is still to be sent from a registered sender."""
    by_template = onboarding.verify_by is not VerifyBy.INBOUND
    return by_template and any(
        sender.holds(ConditionType.REGISTERED) and not sender.has_been_tested
        for sender in onboarding.senders
    )


def template_is_settled(onboarding: Onboarding) -> bool:
    """Whether Meta's review of the template is not awaited: it is over, or cannot be seen."""
    template = onboarding.conditions.get(ConditionType.TEMPLATE_READY)
    return template is not None and template.reason != Reason.TEMPLATE_PENDING


def senders_to_test(onboarding: Onboarding) -> list[Sender]:
    """Return associated senders from which a test message can go out, and none has."""
    return [
        sender
        for sender in onboarding.senders
        if sender.holds(ConditionType.ASSOCIATED) and may_be_tested(onboarding, sender)
    ]


def may_be_tested(onboarding: Onboarding, sender: Sender) -> bool:
    """Whether nothing but its association may keep a sender's test message back.

    A reply goes out to whoever has written. A template that is known not to be usable keeps all
    others back; one that cannot be seen does not, as it may be there.
    """
    if sender.has_been_tested:
        return False
    if onboarding.verify_by is VerifyBy.INBOUND:
        return sender.holds(ConditionType.RECEIVES)
    template = onboarding.conditions.get(ConditionType.TEMPLATE_READY)
    return template is None or template.reason not in _NO_TEMPLATE


_NO_TEMPLATE = frozenset(
    {Reason.TEMPLATE_PENDING, Reason.TEMPLATE_REJECTED, Reason.TEMPLATE_TIMED_OUT}
)


def delivery_is_over(onboarding: Onboarding) -> bool:
    """Whether no test message is still on its way, or to be sent again in a while."""
    return not any(sender.is_still_tested for sender in onboarding.senders)


def senders_to_be_written_to(onboarding: Onboarding) -> list[Sender]:
    """Return associated senders that are to prove that they receive, and have not."""
    return [
        sender
        for sender in onboarding.senders
        if sender.holds(ConditionType.ASSOCIATED)
        and ConditionType.RECEIVES in sender.conditions
        and not sender.decided(ConditionType.RECEIVES)
    ]


def inbound_is_over(onboarding: Onboarding) -> bool:
    """Whether no sender waits to be written to, or there is one to reply from."""
    by_reply = onboarding.verify_by is VerifyBy.INBOUND
    reply_is_due = by_reply and bool(senders_to_test(onboarding))
    return reply_is_due or not senders_to_be_written_to(onboarding)


def is_over(onboarding: Onboarding, kind: WaitKind) -> bool:
    """Whether what a wait of this kind waits for has come."""
    return _OVER[kind](onboarding)


_OVER: dict[WaitKind, Callable[[Onboarding], bool]] = {
    WaitKind.SOLUTION: lambda onboarding: onboarding.holds(ConditionType.SOLUTION_USABLE),
    WaitKind.SLOT: lambda onboarding: onboarding.holds(ConditionType.ADMITTED),
    WaitKind.REGISTRATION: registration_is_over,
    WaitKind.TEMPLATE: template_is_settled,
    WaitKind.DELIVERY: delivery_is_over,
    WaitKind.INBOUND: inbound_is_over,
}
_CONDITIONS: dict[WaitKind, ConditionType] = {
    WaitKind.SOLUTION: ConditionType.SOLUTION_USABLE,
    WaitKind.SLOT: ConditionType.ADMITTED,
    WaitKind.REGISTRATION: ConditionType.REGISTERED,
    WaitKind.TEMPLATE: ConditionType.TEMPLATE_READY,
    WaitKind.DELIVERY: ConditionType.VERIFIED,
    WaitKind.INBOUND: ConditionType.RECEIVES,
}
"""Which condition each kind of wait is for."""


class OutcomeName(StrEnum):
    """How an onboarding ends, as its run's final state is named."""

    LIVE = "Live"
    LIVE_LIMITED = "LiveLimited"
    SOLUTION_NOT_USABLE = "SolutionNotUsable"
    NO_SLOT = "NoSlot"
    SHARE_REFUSED = "ShareRefused"
    REGISTRATION_FAILED = "RegistrationFailed"
    REGISTRATION_TIMED_OUT = "RegistrationTimedOut"
    ASSOCIATION_FAILED = "AssociationFailed"
    VERIFICATION_FAILED = "VerificationFailed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an onboarding came to. `message` says what is live, what is not, and what to do."""

    name: OutcomeName
    message: str

    @property
    def is_live(self) -> bool:
        """Whether at least one sender is live."""
        return self.name in {OutcomeName.LIVE, OutcomeName.LIVE_LIMITED}


def outcome_of(onboarding: Onboarding) -> Outcome:
    """Work out the outcome from the senders; it is never stored beside them."""
    return Outcome(_outcome_name(onboarding), _outcome_message(onboarding))


def _outcome_name(onboarding: Onboarding) -> OutcomeName:
    senders = onboarding.senders
    live = [sender for sender in senders if sender.is_live]
    if live:
        return OutcomeName.LIVE if len(live) == len(senders) else OutcomeName.LIVE_LIMITED
    if is_kept_out(onboarding):
        no_solution = onboarding.lacks(ConditionType.SOLUTION_USABLE)
        return OutcomeName.SOLUTION_NOT_USABLE if no_solution else OutcomeName.NO_SLOT
    if share_was_refused(onboarding):
        return OutcomeName.SHARE_REFUSED
    if not any(s.holds(ConditionType.REGISTERED) for s in senders):
        timed_out = _gave_up_registration(onboarding)
        return OutcomeName.REGISTRATION_TIMED_OUT if timed_out else OutcomeName.REGISTRATION_FAILED
    if not any(s.holds(ConditionType.ASSOCIATED) for s in senders):
        return OutcomeName.ASSOCIATION_FAILED
    return OutcomeName.VERIFICATION_FAILED


def _outcome_message(onboarding: Onboarding) -> str:
    senders = onboarding.senders
    live = sum(sender.is_live for sender in senders)
    lines = [f"{live} of {len(senders)} senders live." if senders else _no_senders(onboarding)]
    lines += [
        f"{r.subject_label} {r.message} Awaiting {r.awaiting}: {r.remedy}"
        for r in requirements_of(onboarding)
        if r.condition is not ConditionType.NOTIFIED
    ]
    return " ".join(line.strip() for line in lines)


def _no_senders(onboarding: Onboarding) -> str:
    said = onboarding.registration.info
    return f"Infobip names no sender{f': {scrub(said)}' if said else ''}."


def has_news(onboarding: Onboarding) -> bool:
    """Whether what came after its end changes what was told, or is a sender to bring live."""
    ended_at = onboarding.ended_at
    if ended_at is None or onboarding.ended_as is None:
        return False
    registered = (s.conditions.get(ConditionType.REGISTERED) for s in onboarding.senders)
    late = any(c and c.is_true and c.changed_at > ended_at for c in registered)
    return late or outcome_of(onboarding).name != onboarding.ended_as


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


def stage_of(onboarding: Onboarding) -> str:
    """Name the stage for people and filters: a `Stage`, or an `OutcomeName` once ended."""
    if onboarding.ended_at is not None:
        return outcome_of(onboarding).name
    if not is_past_the_door(onboarding):
        return _stage_at_the_door(onboarding)
    if not registration_is_over(onboarding) and not share_was_refused(onboarding):
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
    """List what is still needed, the onboarding's own first, then one for each sender not live."""
    wait = onboarding.wait
    # Where the condition itself says what is missing, it says more than the wait for it.
    says_itself = wait is not None and onboarding.lacks(_CONDITIONS[wait.kind])
    needed = [_from_wait(wait)] if wait is not None and not says_itself else []
    needed += [_from_condition(c, "") for c in _in_order(onboarding.conditions) if not c.is_true]
    needed += [
        _from_condition(sender.trouble, sender.phone_number)
        for sender in onboarding.senders
        if sender.trouble is not None
    ]
    return needed


def _from_wait(wait: OpenWait) -> Requirement:
    words = WORDS[wait.kind]
    return Requirement(
        condition=_CONDITIONS[wait.kind],
        subject="",
        reason=words.state,
        message=words.message,
        awaiting=words.awaiting,
        remedy=words.remedy,
        since=wait.since,
        by=wait.give_up_at,
    )


def _from_condition(condition: Condition, subject: str) -> Requirement:
    guidance = guidance_for(condition.reason, condition.message)
    return Requirement(
        condition=condition.type,
        subject=subject,
        reason=condition.reason,
        message=condition.message,
        awaiting=guidance.awaiting,
        remedy=guidance.remedy,
        since=condition.changed_at,
    )
