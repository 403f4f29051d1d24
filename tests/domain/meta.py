"""Webhooks of Meta's to test with: changes, bodies, and every documented sample."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.domain.samples import T0, WABA
from waboard.domain.facts import meta_facts
from waboard.domain.meta_events.meanings import Meaning, Ours
from waboard.domain.meta_events.wire import MetaEvent
from waboard.domain.meta_events.words import Word, word_of

PORTFOLIO, OUR_PORTFOLIO = "506914307656634", "700000000000001"
OUR_APP, OTHER_APP = "600000000000001", "600000000000009"
TEMPLATE = ("waboard_verification", "en")
OURS = Ours(OUR_APP, OUR_PORTFOLIO, TEMPLATE)
NUMBER = "13135138538"
SHOWN_NUMBER = "+1 313-513-8538"


def change(
    event: str,
    time: Any = 100,
    entry: Any = OUR_PORTFOLIO,
    field: str = "account_update",
    **value: Any,
) -> dict[str, Any]:
    """One entry with one change."""
    named = {"event": event, **value} if event else value
    return {"id": entry, "time": time, "changes": [{"field": field, "value": named}]}


def body(*entries: dict[str, Any]) -> bytes:
    """A webhook's body."""
    return json.dumps({"object": "whatsapp_business_account", "entry": list(entries)}).encode()


def info(waba_id: Any = WABA, **more: Any) -> dict[str, Any]:
    """What a partner's event names."""
    return {"waba_id": waba_id, "owner_business_id": PORTFOLIO, **more}


def read(*entries: dict[str, Any], received_at: datetime = T0) -> list[Word]:
    """What these say to whoever gets them then."""
    facts = meta_facts(body(*entries))
    return [word_of(MetaEvent.model_validate_json(fact.body), received_at) for fact in facts]


def word(event: str, at: datetime | None = None, received_at: datetime = T0, **value: Any) -> Word:
    """One event about the WABA, of some time."""
    value = {"waba_info": info(), **value}
    time = int(at.timestamp()) if at else None
    (found,) = read(change(event, time, WABA, **value), received_at=received_at)
    return found


@dataclass(frozen=True)
class Sample:
    """A documented change, and what it means here. `waba_id` is None where it names no WABA."""

    field: str
    value: dict[str, Any]
    meaning: Meaning
    entry: str = WABA
    waba_id: str | None = WABA

    @property
    def name(self) -> str:
        """What it is called in a list of tests."""
        kind = self.value.get("event") or self.value.get("decision") or ""
        return f"{self.field} {kind}".strip()

    def entry_at(self, time: Any) -> dict[str, Any]:
        """The entry that holds it."""
        changes = [{"field": self.field, "value": self.value}]
        return {"id": self.entry, "time": time, "changes": changes}


def _account(meaning: Meaning, event: str, entry: str = WABA, **value: Any) -> Sample:
    waba_id = WABA if entry == WABA or "waba_info" in value else None
    return Sample("account_update", {"event": event, **value}, meaning, entry, waba_id)


def _partner(meaning: Meaning, event: str, **value: Any) -> Sample:
    return _account(meaning, event, OUR_PORTFOLIO, **value)


def _restriction(kind: str, meaning: Meaning = Meaning.RESTRICTED) -> Sample:
    restriction = {"restriction_type": kind, "expiration": 1_796_052_000, "remediation": "Wait."}
    return _account(meaning, "ACCOUNT_RESTRICTION", restriction_info=[restriction])


def _ban(meaning: Meaning, state: Any) -> Sample:
    info = {"waba_ban_state": state, "waba_ban_date": "2026-11-30"}
    return _account(meaning, "DISABLED_UPDATE", ban_info=info)


_CERTIFICATION = {
    "client_business_id": PORTFOLIO,
    "status": "FAILED",
    "rejection_reasons": ["NONE"],
}
_TEMPLATE = {
    "message_template_id": 1_689_556_908_129_832,
    "message_template_name": TEMPLATE[0],
    "message_template_language": TEMPLATE[1],
    "message_template_category": "UTILITY",
    "reason": "NONE",
}
_ALERT = {
    "alert_severity": "WARNING",
    "alert_status": "ACTIVE",
    "alert_type": "OBA_REJECTED",
    "alert_description": "The official business account was not granted.",
}
_NAME = {"display_phone_number": NUMBER, "requested_verified_name": "Acme"}

SAMPLES: list[Sample] = [
    _partner(Meaning.START, "PARTNER_ADDED", waba_info=info(solution_id="900000000000001")),
    _partner(Meaning.DISCONNECTED, "PARTNER_REMOVED", waba_info=info()),
    _account(
        Meaning.DISCONNECTED,
        "PARTNER_REMOVED",
        phone_number=NUMBER,
        disconnection_info={"reason": "PRIMARY_INACTIVITY", "initiated_by": "SYSTEM"},
    ),
    _partner(Meaning.CONNECTED, "PARTNER_APP_INSTALLED", waba_info=info(partner_app_id=OUR_APP)),
    _partner(
        Meaning.DISCONNECTED, "PARTNER_APP_UNINSTALLED", waba_info=info(partner_app_id=OUR_APP)
    ),
    _account(Meaning.DELETED, "ACCOUNT_DELETED"),
    _account(Meaning.SUSPENDED, "ACCOUNT_OFFBOARDED"),
    _account(Meaning.CONNECTED, "ACCOUNT_RECONNECTED"),
    _ban(Meaning.BANNED, "DISABLE"),
    _ban(Meaning.CONNECTED, "REINSTATE"),
    _ban(Meaning.RESTRICTED, "SCHEDULE_FOR_DISABLE"),
    _ban(Meaning.BANNED, ["disable"]),
    _restriction("RESTRICTED_ADD_PHONE_NUMBER_ACTION", Meaning.NOTICE),
    _restriction("RESTRICTED_BIZ_INITIATED_MESSAGING"),
    _restriction("RESTRICTED_CUSTOMER_INITIATED_MESSAGING"),
    _restriction("RESTRICTED_UTILITY_TEMPLATES"),
    _restriction("RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES"),
    _restriction("RESTRICTED_BUSINESS_INITIATED_CALLING", Meaning.NOTICE),
    _restriction("RESTRICTED_USER_INITIATED_CALLING", Meaning.NOTICE),
    _account(Meaning.RESTRICTED, "ACCOUNT_VIOLATION", violation_info={"violation_type": "SPAM"}),
    _account(Meaning.KEPT, "VERIFIED_ACCOUNT"),
    _partner(
        Meaning.KEPT,
        "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
        partner_client_certification_info=_CERTIFICATION,
    ),
    _partner(Meaning.KEPT, "PARTNER_CLIENT_CERTIFICATION_NEEDED"),
    _account(Meaning.KEPT, "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", country="US"),
    _account(Meaning.KEPT, "AD_ACCOUNT_LINKED", waba_info=info(ad_account_linked="1")),
    _account(Meaning.KEPT, "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE"),
    _account(Meaning.KEPT, "VOLUME_BASED_PRICING_TIER_UPDATE"),
    _account(Meaning.KEPT, "MM_LITE_TERMS_SIGNED"),
    *(
        Sample("account_review_update", {"decision": decision}, Meaning.REVIEWED)
        for decision in ("APPROVED", "REJECTED", "PENDING", "DEFERRED")
    ),
    *(
        Sample("phone_number_name_update", {**_NAME, "decision": decision}, Meaning.NAMED)
        for decision in ("APPROVED", "DEFERRED", "PENDING")
    ),
    *(
        Sample(
            "phone_number_name_update",
            {**_NAME, "decision": "REJECTED", "rejection_reason": reason},
            Meaning.NAMED,
        )
        for reason in (
            "NAME_EMPLOYEE_ISSUE",
            "NAME_ENDCLIENT_NOTRELATED",
            "NAME_FORMAT_UNACCEPTABLE",
            "NAME_INDIVIDUAL_ISSUE",
            "NAME_NOT_CONSISTENT",
            "UNKNOWN",
            None,
        )
    ),
    *(
        Sample(
            "phone_number_quality_update",
            {
                "display_phone_number": NUMBER,
                "event": event,
                "current_limit": "TIER_1K",
                "old_limit": "TIER_250",
                "max_daily_conversations_per_business": "TIER_1K",
            },
            Meaning.LIMIT,
        )
        for event in (
            "ONBOARDING",
            "THROUGHPUT_UPGRADE",
            "FLAGGED",
            "UNFLAGGED",
            "UPGRADE",
            "DOWNGRADE",
        )
    ),
    Sample(
        "business_capability_update",
        {
            "max_daily_conversations_per_business": "TIER_10K",
            "max_phone_numbers_per_business": 20,
            "max_phone_numbers_per_waba": 20,
        },
        Meaning.LIMIT,
    ),
    Sample(
        "business_capability_update",
        {"max_daily_conversation_per_phone": 1000, "max_phone_numbers_per_business": 2},
        Meaning.LIMIT,
    ),
    *(
        Sample("message_template_status_update", {**_TEMPLATE, "event": event}, Meaning.TEMPLATE)
        for event in (
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
    ),
    Sample(
        "message_template_status_update",
        {
            **_TEMPLATE,
            "event": "REJECTED",
            "reason": "INVALID_FORMAT",
            "disable_info": {"disable_date": 1_751_234_563},
            "other_info": {"title": "FIRST_PAUSE", "description": "It was paused."},
            "rejection_info": {"reason": "Two variables meet.", "recommendation": "Part them."},
        },
        Meaning.TEMPLATE,
    ),
    Sample(
        "account_alerts",
        {"entity_type": "WABA", "entity_id": WABA, "alert_info": _ALERT},
        Meaning.NOTICE,
    ),
    Sample(
        "account_alerts",
        {"entity_type": "PHONE_NUMBER", "entity_id": "122098754222007518", "alert_info": _ALERT},
        Meaning.NOTICE,
    ),
    Sample(
        "account_alerts",
        {"entity_type": "BUSINESS", "entity_id": PORTFOLIO, **_ALERT},
        Meaning.NOTICE,
        entry=PORTFOLIO,
        waba_id=None,
    ),
    *(
        Sample(
            "security",
            {"display_phone_number": NUMBER, "event": event, "requester": "61555822107539"},
            Meaning.NOTICE,
        )
        for event in ("PIN_CHANGED", "PIN_RESET_REQUEST", "PIN_REQUEST_SUCCESS")
    ),
    *(
        Sample(
            "partner_solutions",
            {"event": event, "solution_id": "900000000000001", "solution_status": status},
            Meaning.SOLUTION,
            OUR_PORTFOLIO,
            None,
        )
        for event, status in (("SOLUTION_CREATED", "DRAFT"), ("SOLUTION_UPDATED", "ACTIVE"))
    ),
]
"""Every change that Meta documents of the fields that are read: WH/*, of 2026-04-20 and later."""


def at_second(second: int) -> datetime:
    """A time of Meta's clock."""
    return datetime.fromtimestamp(second, UTC)
