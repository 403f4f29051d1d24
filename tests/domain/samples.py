"""What these tests talk about: one WABA, its numbers, and what was said about them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.delivery import DeliveryReport
from waboard.domain.ids import PhoneNumber, WabaId
from waboard.domain.onboarding import Conditions, Onboarding, Sender
from waboard.domain.reasons import Reason
from waboard.domain.registration import Registration, RegistrationEvent, registration_from

WABA = "102384266223093"
GOOD = PhoneNumber("13135138538")
BAD = PhoneNumber("12132186042")
T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)

DOCUMENTED = b"""
{
  "businessAccountId": 102384266223093,
  "status": "FINISHED",
  "createdAt": "2026-01-05T08:59:37.444+0000",
  "lastModifiedAt": "2026-01-05T09:00:04.904+0000",
  "senders": [
    {
      "phoneNumberId": "122098754222007518",
      "displayPhoneNumber": "+1 313-513-8538",
      "type": "CLOUD",
      "status": "FINISHED"
    },
    {
      "phoneNumberId": "119302867930080",
      "displayPhoneNumber": "+1 213-218-6042",
      "type": "CLOUD",
      "status": "FAILED"
    }
  ]
}
"""
"""The registration event as the provider's programme page documents it: finished, half failed.

But for its times, which are those of these tests: it answers what was asked at their beginning.
"""


def at(minutes: float) -> datetime:
    """So many minutes after the start of the story."""
    return T0 + timedelta(minutes=minutes)


def registration(
    status: str = "FINISHED",
    minute: float = 0,
    senders: Mapping[str, str] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A registration webhook's body: `senders` are statuses by number."""
    listed = {GOOD: "FINISHED"} if senders is None else senders
    return {
        "businessAccountId": int(WABA),
        "status": status,
        "lastModifiedAt": at(minute).isoformat(),
        "senders": [
            {"phoneNumberId": n[:6], "displayPhoneNumber": f"+{n}", "status": s}
            for n, s in listed.items()
        ],
        **fields,
    }


def event(
    status: str = "FINISHED",
    minute: float = 0,
    senders: Mapping[str, str] | None = None,
    **fields: Any,
) -> RegistrationEvent:
    """The same, read."""
    return RegistrationEvent.model_validate(registration(status, minute, senders, **fields))


STATUSES: dict[str, dict[str, Any]] = {
    "delivered": {"id": 5, "name": "DELIVERED_TO_HANDSET", "groupId": 3},
    "sent": {"id": 2, "name": "DELIVERED_TO_OPERATOR", "groupId": 3},
    "pending": {"id": 7, "name": "PENDING_ENROUTE", "groupId": 1},
    "accepted": {"id": 26, "name": "MESSAGE_ACCEPTED", "groupId": 0},
    "undeliverable": {"id": 9, "name": "UNDELIVERABLE_NOT_DELIVERED", "groupId": 2},
    "expired": {"id": 15, "name": "EXPIRED_EXPIRED", "groupId": 4},
    "rejected": {"id": 13, "name": "REJECTED_SENDER", "groupId": 5},
    "novel": {"id": 999, "name": "ON_THE_MOON", "groupId": 77},
}
"""Message statuses of Infobip's, and one that it may invent."""


def report(what: str, minute: float = 0, message_id: str = "waboard-1", **fields: Any) -> Any:
    """A delivery report as it comes."""
    return {
        "messageId": message_id,
        "status": STATUSES[what],
        "doneAt": at(minute).isoformat(),
        **fields,
    }


def read_report(
    what: str, minute: float = 0, message_id: str = "waboard-1", **fields: Any
) -> DeliveryReport:
    """The same, read."""
    return DeliveryReport.model_validate(report(what, minute, message_id, **fields))


PROOFS = {
    ConditionType.SOLUTION_USABLE: Reason.SOLUTION_ACTIVE,
    ConditionType.ADMITTED: Reason.SLOT_TAKEN,
    ConditionType.CONNECTED: Reason.PARTNER_ADDED,
    ConditionType.SHARED: Reason.SHARE_ACCEPTED,
    ConditionType.REGISTERED: Reason.REGISTRATION_FINISHED,
    ConditionType.OWNED: Reason.NUMBER_OWNED,
    ConditionType.ASSOCIATED: Reason.ASSOCIATION_READ_BACK,
    ConditionType.TEMPLATE_READY: Reason.TEMPLATE_APPROVED,
    ConditionType.RECEIVES: Reason.INBOUND_ARRIVED,
    ConditionType.VERIFIED: Reason.MESSAGE_DELIVERED,
    ConditionType.USABLE: Reason.SENDER_USABLE,
    ConditionType.HEALTHY: Reason.META_LETS_SEND,
    ConditionType.NAME_APPROVED: Reason.NAME_APPROVED,
    ConditionType.NOTIFIED: Reason.EVERYBODY_TOLD,
    ConditionType.RELEASED: Reason.ALL_RELEASED,
    ConditionType.DEREGISTERED: Reason.SAID_TO_BE_DONE,
    ConditionType.UNSHARED: Reason.SAID_TO_BE_DONE,
    ConditionType.PARTNER_REMOVED: Reason.SAID_TO_BE_DONE,
}
"""Why each condition is true when it is."""


def true(kind: ConditionType) -> Condition:
    """A condition that holds."""
    return Condition(kind, Status.TRUE, PROOFS[kind], "Yes.", "event 1", T0)


def not_true(
    kind: ConditionType, reason: Reason, status: Status = Status.FALSE, message: str = "No."
) -> Condition:
    """A condition that does not hold, or is not known to."""
    return Condition(kind, status, reason, message, "event 1", T0)


def holding(*conditions: Condition | ConditionType) -> Conditions:
    """Conditions by type; a bare type is a true one."""
    listed = [true(c) if isinstance(c, ConditionType) else c for c in conditions]
    return {condition.type: condition for condition in listed}


def sender(number: str = GOOD, *conditions: Condition | ConditionType) -> Sender:
    """A sender of which these conditions are known."""
    return Sender(PhoneNumber(number), None, None, holding(*conditions))


def live_sender(number: str = GOOD) -> Sender:
    """A sender that messages really arrive from."""
    kinds = (ConditionType.REGISTERED, ConditionType.ASSOCIATED, ConditionType.VERIFIED)
    return sender(number, *kinds)


def onboarding(**facts: Any) -> Onboarding:
    """An onboarding that has just been asked for, but for what is given."""
    asked: dict[str, Any] = {
        "id": "0b0e0000-0000-4000-8000-000000000001",
        "client_ref": "acme",
        "client_name": "Acme",
        "waba_id": WabaId(WABA),
        "attempt": 1,
        "application_id": "waboard",
        "entity_id": "acme",
        "solution_id": None,
        "phone_numbers": (),
        "flow_run_id": None,
        "created_at": T0,
        "ended_at": None,
        "conditions": {},
        "registration": Registration(),
        "senders": (),
        "wait": None,
        "waited_for": {},
    }
    return Onboarding(**{**asked, **facts})


SHARED, REGISTERED, OWNED = ConditionType.SHARED, ConditionType.REGISTERED, ConditionType.OWNED
ASSOCIATED, TEMPLATE = ConditionType.ASSOCIATED, ConditionType.TEMPLATE_READY
RECEIVES, VERIFIED = ConditionType.RECEIVES, ConditionType.VERIFIED
USABLE, HEALTHY = ConditionType.USABLE, ConditionType.HEALTHY
NOTIFIED = ConditionType.NOTIFIED
NAMED = ConditionType.NAME_APPROVED

REFUSED = not_true(SHARED, Reason.SHARE_REFUSED)
UNANSWERED = not_true(SHARED, Reason.SHARE_NOT_ANSWERED, Status.UNKNOWN)
GIVEN_UP = not_true(REGISTERED, Reason.REGISTRATION_TIMED_OUT, Status.UNKNOWN)
ON_ITS_WAY = not_true(REGISTERED, Reason.REGISTRATION_IN_PROGRESS, Status.UNKNOWN)
FAILED = not_true(REGISTERED, Reason.REGISTRATION_FAILED)
UNASSOCIATED = not_true(ASSOCIATED, Reason.ASSOCIATION_REFUSED)
REPORT_AWAITED = not_true(VERIFIED, Reason.REPORT_AWAITED, Status.UNKNOWN)
SEND_UNANSWERED = not_true(VERIFIED, Reason.SEND_NOT_ANSWERED, Status.UNKNOWN)
REJECTED = not_true(VERIFIED, Reason.MESSAGE_REJECTED)
NO_REPORT = not_true(VERIFIED, Reason.NO_REPORT)
RETRY_ASKED = not_true(VERIFIED, Reason.RETRY_ASKED, Status.UNKNOWN)
NO_RECEIVER = not_true(NOTIFIED, Reason.NO_RECEIVER)

DONE = registration_from([event("FINISHED", 0, {GOOD: "FINISHED"})])
UNDER_WAY = registration_from([event("IN_PROGRESS", 0, {GOOD: "IN_PROGRESS"})])
