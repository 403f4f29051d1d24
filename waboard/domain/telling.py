"""What the provider's own system is told: which messages there are, and what each says.

A message is thin: it says what happened to whom, and bears a `sequence` by which whoever gets it
can order what it gets for one onboarding.
"""

from datetime import datetime
from typing import Any

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import Outcome
from waboard.domain.reasons import ORDINARY, Situation
from waboard.domain.requirements import Requirement, remedy_of, requirements_of
from waboard.domain.waits import UPSTREAM_PATIENCE, WORDS, OpenWait

STARTED, WAITING = "onboarding.started", "onboarding.waiting"
LIVE, FAILED = "onboarding.live", "onboarding.failed"
DELAYED = "onboarding.delayed"
CANCELLED, OFFBOARDED = "onboarding.cancelled", "onboarding.offboarded"
OUTCOMES = (LIVE, FAILED, DELAYED, CANCELLED, OFFBOARDED)
"""The types that tell what an onboarding came to."""

TURNS: dict[ConditionType, tuple[str, str] | None] = {
    ConditionType.SOLUTION_USABLE: ("solution_usable", "solution_unusable"),
    ConditionType.ADMITTED: ("admitted", "queued"),
    ConditionType.CONNECTED: ("connected", "disconnected"),
    ConditionType.SHARED: ("shared", "share_refused"),
    ConditionType.REGISTERED: ("registered", "registration_failed"),
    ConditionType.OWNED: ("owned", "moved"),
    ConditionType.ASSOCIATED: ("associated", "association_lost"),
    ConditionType.TEMPLATE_READY: ("template_ready", "template_rejected"),
    ConditionType.RECEIVES: ("receives", "receives_nothing"),
    ConditionType.VERIFIED: ("verified", "verification_failed"),
    ConditionType.USABLE: ("usable", "unusable"),
    ConditionType.HEALTHY: ("healthy", "unhealthy"),
    ConditionType.NAME_APPROVED: ("name_approved", "name_declined"),
    ConditionType.RELEASED: ("released", "release_failed"),
    ConditionType.DEREGISTERED: ("deregistered", "to_be_deregistered"),
    ConditionType.UNSHARED: ("unshared", "to_be_unshared"),
    ConditionType.PARTNER_REMOVED: ("partner_removed", "partner_to_be_removed"),
    ConditionType.NOTIFIED: None,  # whoever is told knows that it was told
}
"""What a condition's turn to True, and to False, is called. Unknown is told to nobody."""

OF_ONBOARDING = frozenset(
    {
        ConditionType.SOLUTION_USABLE,
        ConditionType.ADMITTED,
        ConditionType.CONNECTED,
        ConditionType.SHARED,
        ConditionType.TEMPLATE_READY,
        ConditionType.HEALTHY,
        ConditionType.RELEASED,
        ConditionType.DEREGISTERED,
        ConditionType.UNSHARED,
        ConditionType.PARTNER_REMOVED,
    }
)
"""What is told of an onboarding; all else is told of its senders."""
OF_BOTH = frozenset({ConditionType.HEALTHY})
"""What is told of senders as well."""


def turn_of(subject: str, before: Condition | None, now: Condition) -> str | None:
    """Return the type of message that a condition's change is, or None when nobody is told.

    Told is each turn to True or False, and a False that has another reason than before: restricted
    is one matter, banned another.
    """
    words = TURNS[now.type]
    if words is None or not now.is_decided:
        return None
    same = before is not None and before.status is now.status
    if same and (now.is_true or before is None or before.reason == now.reason):
        return None
    return f"{'sender' if subject else 'onboarding'}.{words[0 if now.is_true else 1]}"


def turn_data(subject: str, now: Condition) -> dict[str, Any]:
    """Return what a condition's change is told with."""
    return {
        "phone_number": subject or None,
        "status": now.status,
        "reason": now.reason,
        "message": now.message,
    }


def waiting_data(wait: OpenWait, situation: Situation = ORDINARY) -> dict[str, Any]:
    """Return what is told of a wait: for what, from whom, until when at most."""
    words = WORDS[wait.kind]
    return {
        "waits_for": wait.kind,
        "message": words.message,
        "awaiting": words.awaiting,
        "remedy": remedy_of(wait.kind, situation),
        "until": wait.give_up_at.isoformat(),
    }


def outcome_type(outcome: Outcome) -> str:
    """Return the type of message that tells an outcome."""
    return f"onboarding.{outcome.told_as}"


def outcome_data(onboarding: Onboarding, outcome: Outcome) -> dict[str, Any]:
    """Return what an outcome is told with. Numbers are whole: they are the receiver's own."""
    delay = {} if outcome.since is None else _delay_data(outcome.since)
    return {
        "outcome": outcome.name,
        **delay,
        "senders": [
            {
                "phone_number": sender.phone_number,
                "phone_number_id": sender.phone_number_id,
                "live": sender.is_live,
            }
            for sender in onboarding.senders
        ],
        "requirements": [
            _requirement(each)
            for each in requirements_of(onboarding)
            if each.condition is not ConditionType.NOTIFIED  # else telling changes what is told
        ],
    }


def _delay_data(since: datetime) -> dict[str, Any]:
    return {"since": since.isoformat(), "until": (since + UPSTREAM_PATIENCE).isoformat()}


def _requirement(requirement: Requirement) -> dict[str, Any]:
    return {
        "condition": requirement.condition,
        "phone_number": requirement.subject or None,
        "reason": requirement.reason,
        "message": requirement.message,
        "awaiting": requirement.awaiting,
        "remedy": requirement.remedy,
    }


def is_same_end(told: dict[str, Any], data: dict[str, Any]) -> bool:
    """Whether two outcomes tell the same, whatever words a provider used this time."""
    return _gist(told) == _gist(data)


def _gist(data: dict[str, Any]) -> tuple[Any, ...]:
    needed = [(r["condition"], r["phone_number"], r["reason"]) for r in data["requirements"]]
    return data["outcome"], data["senders"], needed


def grammar() -> str:
    """Return all types of messages as the table that docs/telling.md holds."""
    lines = ["| type | when | beside the ids |", "|---|---|---|"]
    lines.append(f"| `{STARTED}` | Somebody asked for the onboarding | nothing |")
    lines += [line for kind in TURNS for line in _lines(kind)]
    fields = ", ".join(f"`{name}`" for name in _WAIT_FIELDS)
    lines.append(f"| `{WAITING}` | Its run sleeps for something, the first time | {fields} |")
    fields = "`outcome`, `senders`, `requirements`"
    ends = (
        (LIVE, "The onboarding has ended with at least one sender live", fields),
        (FAILED, "The onboarding has ended with none", fields),
        (DELAYED, "Infobip or Meta is away; it goes on by itself", f"{fields}, `since`, `until`"),
        (CANCELLED, "The onboarding has ended because somebody cancelled it", fields),
        (OFFBOARDED, "The onboarding has ended because the client has left", fields),
    )
    lines += [f"| `{kind}` | {when} | {beside} |" for kind, when, beside in ends]
    return "\n".join(lines)


_WAIT_FIELDS = ("waits_for", "message", "awaiting", "remedy", "until")
_TURN_FIELDS = "`phone_number`, `status`, `reason`, `message`"


def _lines(kind: ConditionType) -> list[str]:
    words = TURNS[kind]
    if words is None:
        return []
    subjects = ["onboarding"] if kind in OF_ONBOARDING else ["sender"]
    if kind in OF_BOTH:
        subjects.append("sender")
    return [
        f"| `{subject}.{word}` | `{kind}` became `{status}` | {_TURN_FIELDS} |"
        for subject in subjects
        for word, status in zip(words, (Status.TRUE, Status.FALSE), strict=True)
    ]
