"""What Meta's webhooks say of a client's WABA and of our partner solution, and what it means here.

Meta promises no order and no event id. So an event is identified by its content and time, and what
holds is what the latest of them says.
Source: WH/account_update (2026-04-20), WH/partner_solutions, WA/webhooks/overview.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from waboard.domain.ids import PortfolioIdField, SolutionIdField, WabaIdField
from waboard.domain.json_values import as_object, objects_in
from waboard.domain.reasons import Reason


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
    KEPT = "kept"
    """Known, and of no consequence for onboarding."""
    UNKNOWN = "unknown"


MEANINGS: dict[str, Meaning] = {
    "PARTNER_ADDED": Meaning.START,
    "PARTNER_APP_INSTALLED": Meaning.CONNECTED,
    "ACCOUNT_RECONNECTED": Meaning.CONNECTED,
    "PARTNER_REMOVED": Meaning.DISCONNECTED,
    "PARTNER_APP_UNINSTALLED": Meaning.DISCONNECTED,
    "ACCOUNT_DELETED": Meaning.DELETED,
    "ACCOUNT_OFFBOARDED": Meaning.SUSPENDED,
    "ACCOUNT_RESTRICTION": Meaning.RESTRICTED,
    "ACCOUNT_VIOLATION": Meaning.RESTRICTED,
    "SOLUTION_CREATED": Meaning.SOLUTION,
    "SOLUTION_UPDATED": Meaning.SOLUTION,
    **dict.fromkeys(
        (
            "VERIFIED_ACCOUNT",
            "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
            "PARTNER_CLIENT_CERTIFICATION_NEEDED",
            "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
            "AD_ACCOUNT_LINKED",
            "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
            "VOLUME_BASED_PRICING_TIER_UPDATE",
            "MM_LITE_TERMS_SIGNED",
        ),
        Meaning.KEPT,
    ),
}
"""What each documented event means. DISABLED_UPDATE depends on what it carries."""

_BAN_STATES = {
    "DISABLE": Meaning.BANNED,
    "SCHEDULE_FOR_DISABLE": Meaning.RESTRICTED,
    "REINSTATE": Meaning.CONNECTED,
}

REASONS: dict[Meaning, Reason] = {
    Meaning.START: Reason.PARTNER_ADDED,
    Meaning.CONNECTED: Reason.PARTNER_ADDED,
    Meaning.DISCONNECTED: Reason.CLIENT_DISCONNECTED,
    Meaning.RESTRICTED: Reason.ACCOUNT_RESTRICTED,
    Meaning.BANNED: Reason.ACCOUNT_BANNED,
    Meaning.DELETED: Reason.ACCOUNT_DELETED,
    Meaning.SUSPENDED: Reason.ACCOUNT_SUSPENDED,
}
"""The reason of the condition `Connected` after each meaning that has to do with it."""


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _WabaInfo(_Wire):
    waba_id: WabaIdField | None = None
    owner_business_id: PortfolioIdField | None = None
    solution_id: SolutionIdField | None = None


class _BanInfo(_Wire):
    waba_ban_state: str | None = None


class _Restriction(_Wire):
    restriction_type: str = ""


class _Violation(_Wire):
    violation_type: str = ""


class _Disconnection(_Wire):
    reason: str = ""
    initiated_by: str = ""


class ChangeValue(_Wire):
    """The `value` of one change, as far as it is read."""

    event: str = ""
    waba_info: _WabaInfo = _WabaInfo()
    ban_info: _BanInfo = _BanInfo()
    restriction_info: tuple[_Restriction, ...] = ()
    violation_info: _Violation = _Violation()
    disconnection_info: _Disconnection = _Disconnection()
    solution_id: SolutionIdField | None = None
    solution_status: str | None = None


def _seconds(value: object) -> object:
    # Meta writes seconds; a time in milliseconds would be thousands of years away.
    if isinstance(value, int) and value > _LATEST:
        return value // 1000
    return value


_LATEST = 32_503_680_000  # the year 3000
Seconds = Annotated[int, BeforeValidator(_seconds), Field(ge=0, le=_LATEST)]


class MetaEvent(_Wire):
    """One change of one entry of a webhook of Meta's, as it is kept.

    `entry_id` is the WABA's id, except where the event is about a partner or a solution: there it
    is our own portfolio's. `time` is seconds since the epoch.
    """

    entry_id: str
    time: Seconds = 0
    field: str = ""
    value: ChangeValue = ChangeValue()

    @property
    def at(self) -> datetime:
        """When Meta says that it happened."""
        return datetime.fromtimestamp(self.time, UTC)

    @property
    def meaning(self) -> Meaning:
        """What it comes to."""
        if self.value.event == "DISABLED_UPDATE":
            return _BAN_STATES.get(self.value.ban_info.waba_ban_state or "", Meaning.UNKNOWN)
        return MEANINGS.get(self.value.event, Meaning.UNKNOWN)

    @property
    def waba_id(self) -> str | None:
        """The WABA that it is about. A portfolio's id is never taken for one."""
        if self.value.waba_info.waba_id is not None:
            return self.value.waba_info.waba_id
        if self.field == "partner_solutions" or self.value.event.startswith("PARTNER_"):
            return None
        return self.entry_id if self.entry_id.isdigit() and self.entry_id != "0" else None

    @property
    def detail(self) -> str:
        """What it says more closely, in Meta's own names."""
        value = self.value
        said = (
            *(r.restriction_type for r in value.restriction_info),
            value.violation_info.violation_type,
            value.disconnection_info.reason,
            value.ban_info.waba_ban_state or "",
            value.solution_status or "",
        )
        return ", ".join(filter(None, said))


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether a WABA is connected to us, by the latest event that says so."""

    meaning: Meaning
    detail: str
    at: datetime

    @property
    def is_up(self) -> bool:
        """Whether it can be worked with."""
        return self.meaning in {Meaning.START, Meaning.CONNECTED}


def connection_from(events: Iterable[MetaEvent]) -> Connection | None:
    """Work out a WABA's connection from a set of events: neither order nor number matters.

    Of two events of the same second the worse counts: better to look in vain than to call a dead
    number live.
    """
    said = [event for event in events if event.meaning in REASONS]
    if not said:
        return None
    last = max(said, key=lambda e: (e.time, not _is_up(e), e.value.event, e.detail))
    return Connection(last.meaning, last.detail, last.at)


def _is_up(event: MetaEvent) -> bool:
    return event.meaning in {Meaning.START, Meaning.CONNECTED}


def changes_in(body: Any) -> list[dict[str, Any]]:
    """Take a webhook apart: one change each. Raises ValueError for what is no such webhook.

    Meta's own samples sometimes leave `field` out or put it oddly, so only what is needed is.
    """
    entries = as_object(body).get("entry")
    if not isinstance(entries, list):
        raise ValueError("entry is a list")
    return [
        {
            "entry_id": str(entry.get("id", "")),
            "time": entry.get("time", 0),
            "field": change.get("field", entry.get("field", "")),
            "value": change.get("value", {}),
        }
        for entry in objects_in(cast("object", entries))
        for change in objects_in(entry.get("changes"))
    ]
