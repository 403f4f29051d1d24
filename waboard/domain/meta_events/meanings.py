"""What each documented event of Meta's means here.

Source: WH/account_update (2026-04-20) and the pages of the other fields.
"""

from dataclasses import dataclass
from enum import StrEnum

from waboard.domain.meta_events.restrictions import is_of_messages
from waboard.domain.meta_events.wire import ChangeValue, MetaEvent


class Field(StrEnum):
    """The fields of Meta's webhooks that are read. Of any other only that it came is kept."""

    ACCOUNT_UPDATE = "account_update"
    PARTNER_SOLUTIONS = "partner_solutions"
    ACCOUNT_REVIEW_UPDATE = "account_review_update"
    PHONE_NUMBER_NAME_UPDATE = "phone_number_name_update"
    PHONE_NUMBER_QUALITY_UPDATE = "phone_number_quality_update"
    MESSAGE_TEMPLATE_STATUS_UPDATE = "message_template_status_update"
    BUSINESS_CAPABILITY_UPDATE = "business_capability_update"
    ACCOUNT_ALERTS = "account_alerts"
    SECURITY = "security"


class Meaning(StrEnum):
    """What an event comes to."""

    START = "start"
    """The client has shared the WABA: an onboarding can begin."""
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    RESTRICTED = "restricted"
    BANNED = "banned"
    DELETED = "deleted"
    SUSPENDED = "suspended"
    SOLUTION = "solution"
    """Our partner solution has changed."""
    REVIEWED = "reviewed"
    NAMED = "named"
    """A decision on a number's display name."""
    TEMPLATE = "template"
    LIMIT = "limit"
    """How many new people a number or a business may write to in a day."""
    NOTICE = "notice"
    """Shown to the operator, and of no other consequence."""
    KEPT = "kept"
    """Known, and of no consequence for onboarding."""
    UNKNOWN = "unknown"


_KEPT = (
    "VERIFIED_ACCOUNT",
    "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
    "PARTNER_CLIENT_CERTIFICATION_NEEDED",
    "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
    "AD_ACCOUNT_LINKED",
    "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
    "VOLUME_BASED_PRICING_TIER_UPDATE",
    "MM_LITE_TERMS_SIGNED",
)
_TEMPLATE_EVENTS = (
    "APPROVED",
    "ARCHIVED",
    "UNARCHIVED",
    "DELETED",
    "DISABLED",
    "FLAGGED",
    "IN_APPEAL",
    "LIMIT_EXCEEDED",
    "LOCKED",
    "PAUSED",
    "PENDING",
    "REINSTATED",
    "PENDING_DELETION",
    "REJECTED",
)
_DECISIONS = ("APPROVED", "REJECTED", "PENDING", "DEFERRED")
_QUALITY_EVENTS = (
    "ONBOARDING",
    "THROUGHPUT_UPGRADE",
    "FLAGGED",
    "UNFLAGGED",
    "UPGRADE",
    "DOWNGRADE",
)

MEANINGS: dict[Field, dict[str, Meaning]] = {
    Field.ACCOUNT_UPDATE: {
        "PARTNER_ADDED": Meaning.START,
        "PARTNER_APP_INSTALLED": Meaning.CONNECTED,
        "ACCOUNT_RECONNECTED": Meaning.CONNECTED,
        "PARTNER_REMOVED": Meaning.DISCONNECTED,
        "PARTNER_APP_UNINSTALLED": Meaning.DISCONNECTED,
        "ACCOUNT_DELETED": Meaning.DELETED,
        "ACCOUNT_OFFBOARDED": Meaning.SUSPENDED,
        "ACCOUNT_RESTRICTION": Meaning.RESTRICTED,
        "ACCOUNT_VIOLATION": Meaning.RESTRICTED,
        "DISABLED_UPDATE": Meaning.BANNED,
        **dict.fromkeys(_KEPT, Meaning.KEPT),
    },
    Field.PARTNER_SOLUTIONS: dict.fromkeys(
        ("SOLUTION_CREATED", "SOLUTION_UPDATED"), Meaning.SOLUTION
    ),
    Field.ACCOUNT_REVIEW_UPDATE: dict.fromkeys(_DECISIONS, Meaning.REVIEWED),
    Field.PHONE_NUMBER_NAME_UPDATE: dict.fromkeys(_DECISIONS, Meaning.NAMED),
    Field.PHONE_NUMBER_QUALITY_UPDATE: dict.fromkeys(_QUALITY_EVENTS, Meaning.LIMIT),
    Field.MESSAGE_TEMPLATE_STATUS_UPDATE: dict.fromkeys(_TEMPLATE_EVENTS, Meaning.TEMPLATE),
    Field.BUSINESS_CAPABILITY_UPDATE: {"": Meaning.LIMIT},
    Field.ACCOUNT_ALERTS: {"": Meaning.NOTICE},
    Field.SECURITY: dict.fromkeys(
        ("PIN_CHANGED", "PIN_RESET_REQUEST", "PIN_REQUEST_SUCCESS"), Meaning.NOTICE
    ),
}
"""What each documented event means, by its field; where a field has no events, by `""`.

Those of DISABLED_UPDATE and ACCOUNT_RESTRICTION depend on what they carry.
"""

_BAN_STATES = {
    "DISABLE": Meaning.BANNED,
    "SCHEDULE_FOR_DISABLE": Meaning.RESTRICTED,
    "REINSTATE": Meaning.CONNECTED,
}
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What is ours at Meta, by which others' events are told apart; None where it is not known.

    `template` is the name and the language of the test message's.
    """

    app_id: str | None = None
    portfolio_id: str | None = None
    template: tuple[str, str] | None = None


NOTHING_KNOWN = Ours()


def field_of(event: MetaEvent) -> Field | None:
    """Return the field of an event, where it is one that is read.

    Some of Meta's own samples name it oddly: there the event tells.
    """
    given = Field(event.field) if event.field in set(Field) else None
    if given and (given not in _TOLD_BY_EVENT or event.value.event in MEANINGS[given]):
        return given
    named = (each for each in _TOLD_BY_EVENT if event.value.event in MEANINGS[each])
    return next(named, given)


_TOLD_BY_EVENT = (Field.ACCOUNT_UPDATE, Field.PARTNER_SOLUTIONS, Field.SECURITY)
"""Fields of which each event is of that field alone."""


def meaning_of(event: MetaEvent) -> Meaning:
    """Return what an event comes to."""
    field, value = field_of(event), event.value
    known = MEANINGS[field] if field else {}
    if "" in known:
        return known[""]
    meaning = known.get(value.decision or value.event, Meaning.UNKNOWN)
    if meaning is Meaning.BANNED:
        return _ban(value)
    stops_no_messages = value.restriction_info and not any(
        map(is_of_messages, value.restriction_info)
    )
    return Meaning.NOTICE if meaning is Meaning.RESTRICTED and stops_no_messages else meaning


def _ban(value: ChangeValue) -> Meaning:
    states = value.ban_info.waba_ban_state
    found = (meaning for state, meaning in _BAN_STATES.items() if state in states)
    return next(found, Meaning.UNKNOWN)


def of_others(event: MetaEvent, ours: Ours) -> str | None:
    """Say whose an event is that is about another's app or template; None where it is ours."""
    value = event.value
    app = value.waba_info.partner_app_id
    if value.event.startswith("PARTNER_APP_") and app and ours.app_id not in (None, app):
        return "another app's"
    template = (value.message_template_name, value.message_template_language)
    is_template = meaning_of(event) is Meaning.TEMPLATE
    return "another template's" if is_template and ours.template not in (None, template) else None


def waba_of(event: MetaEvent, ours: Ours = NOTHING_KNOWN) -> str | None:
    """Return the WABA that an event is about. A portfolio's id is never taken for one."""
    value = event.value
    if value.waba_info.waba_id is not None:
        return value.waba_info.waba_id
    if field_of(event) is Field.ACCOUNT_ALERTS and value.entity_id:
        return _alerted(event)
    if field_of(event) is Field.PARTNER_SOLUTIONS or event.entry_id == ours.portfolio_id:
        return None
    if value.event.startswith("PARTNER_") and not _is_of_coexistence(value):
        return None
    return waba_id_in(event.entry_id)


def waba_id_in(text: str) -> str | None:
    """Return an id that can be a WABA's."""
    is_id = text.isascii() and text.isdigit() and text.strip("0") and len(text) <= 20
    return text if is_id else None


def _is_of_coexistence(value: ChangeValue) -> bool:
    # A number that left the WhatsApp Business app's coexistence names itself, and no WABA.
    left = value.disconnection_info
    return value.event == "PARTNER_REMOVED" and bool(value.number or left.reason)


def _alerted(event: MetaEvent) -> str | None:
    value = event.value
    if "WABA" in value.entity_type or "WHATSAPP_BUSINESS_ACCOUNT" in value.entity_type:
        return waba_id_in(value.entity_id)
    return waba_id_in(event.entry_id) if event.entry_id != value.entity_id else None
