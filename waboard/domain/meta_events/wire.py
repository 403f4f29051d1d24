"""The shape of a webhook of Meta's. Any member may be null, blank, absent or of another type."""

from datetime import UTC, datetime
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from waboard.domain.ids import PortfolioIdField, SolutionIdField, WabaIdField
from waboard.domain.json_values import as_list, as_object, objects_in
from waboard.domain.lenient import (
    Lenient,
    LenientItems,
    LenientText,
    LenientTextOrDigits,
    unreadable_as,
)

LATEST = 32_503_680_000
"""The year 3000 in seconds: a time beyond it is in milliseconds."""
MAX_DEPTH = 8
"""Levels of a change that are kept; the deepest that is documented has four."""


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


def _moment(value: object) -> object:
    # 0 and null stand for no time at all; a negative one cannot be meant.
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    seconds = value / 1000 if value > LATEST else value
    return datetime.fromtimestamp(int(seconds), UTC) if seconds <= LATEST else None


def _name(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _one_or_more(value: object) -> object:
    return as_list(cast("object", value)) if isinstance(value, list) else [value]


Moment = Annotated[datetime | None, BeforeValidator(_moment), unreadable_as(None)]
"""A time in seconds since the epoch. None where there is none."""
Name = Annotated[str, BeforeValidator(_name), unreadable_as("")]
"""One of Meta's own names, such as `PARTNER_ADDED`."""
Names = Annotated[LenientItems[Name], BeforeValidator(_one_or_more)]
"""One such name, or a list of them."""


class WabaInfo(_Wire):
    """The WABA that a partner's event is about."""

    waba_id: Lenient[WabaIdField] = None
    owner_business_id: Lenient[PortfolioIdField] = None
    solution_id: Lenient[SolutionIdField] = None
    partner_app_id: LenientTextOrDigits = ""


class BanInfo(_Wire):
    """How far a ban is."""

    waba_ban_state: Names = ()


class Restriction(_Wire):
    """One thing that a WABA may not do, and until when; without an end it lasts."""

    restriction_type: Name = ""
    expiration: Moment = None


class Violation(_Wire):
    """Which of Meta's policies was violated."""

    violation_type: LenientText = ""


class Disconnection(_Wire):
    """Why a number left the WhatsApp Business app's coexistence."""

    reason: Name = ""
    initiated_by: Name = ""


class Alert(_Wire):
    """What Meta warns of."""

    alert_severity: Name = ""
    alert_status: Name = ""
    alert_type: Name = ""
    alert_description: LenientText = ""


class Rejection(_Wire):
    """Why a template was rejected, in words."""

    reason: LenientText = ""


class TitledInfo(_Wire):
    """What happened to a template that was paused or locked."""

    title: Name = ""


class ChangeValue(_Wire):
    """The `value` of one change, as far as it is read."""

    event: Name = ""
    decision: Name = ""
    waba_info: Annotated[WabaInfo, unreadable_as(WabaInfo())] = WabaInfo()
    ban_info: Annotated[BanInfo, unreadable_as(BanInfo())] = BanInfo()
    restriction_info: Annotated[LenientItems[Restriction], BeforeValidator(_one_or_more)] = ()
    violation_info: Annotated[Violation, unreadable_as(Violation())] = Violation()
    disconnection_info: Annotated[Disconnection, unreadable_as(Disconnection())] = Disconnection()
    solution_id: Lenient[SolutionIdField] = None
    solution_status: Name = ""
    phone_number: LenientTextOrDigits = ""
    display_phone_number: LenientTextOrDigits = ""
    requested_verified_name: LenientText = ""
    rejection_reason: Name = ""
    current_limit: LenientTextOrDigits = ""
    max_daily_conversations_per_business: LenientTextOrDigits = ""
    max_daily_conversation_per_phone: LenientTextOrDigits = ""
    message_template_name: LenientText = ""
    message_template_language: LenientText = ""
    reason: LenientText = ""
    rejection_info: Annotated[Rejection, unreadable_as(Rejection())] = Rejection()
    other_info: Annotated[TitledInfo, unreadable_as(TitledInfo())] = TitledInfo()
    entity_type: Name = ""
    entity_id: LenientTextOrDigits = ""
    alert_info: Annotated[Alert, unreadable_as(Alert())] = Alert()

    @model_validator(mode="before")
    @classmethod
    def _alert_beside(cls, value: object) -> object:
        # Older pages show what an alert says beside its entity, not below `alert_info`.
        given = as_object(value)
        return {"alert_info": given, **given} if given else value

    @property
    def number(self) -> str:
        """The digits of the number that it is about; empty where it names none."""
        shown = self.display_phone_number or self.phone_number
        return "".join(each for each in shown if each.isascii() and each.isdigit())


class MetaEvent(_Wire):
    """One change of one entry of a webhook, as it is kept.

    `entry_id` is the WABA's id, except where the event is about a partner or a solution: there it
    is a portfolio's.
    """

    entry_id: LenientTextOrDigits = ""
    time: Moment = None
    field: LenientText = ""
    value: Annotated[ChangeValue, unreadable_as(ChangeValue())] = ChangeValue()


def changes_in(body: Any) -> list[dict[str, Any]]:
    """Take a webhook apart: one change each. Raises ValueError for what is no such webhook.

    Meta's own samples sometimes leave `field` out or put it oddly, so only what is needed is.
    """
    entries = _objects(as_object(body).get("entry"))
    if not entries and not isinstance(as_object(body).get("entry"), list):
        raise ValueError("entry is a list")
    return [
        {
            "entry_id": _text(entry.get("id")),
            "time": shallow(entry.get("time"), 1),
            "field": _text(change.get("field", entry.get("field"))),
            "value": as_object(change.get("value")),
        }
        for entry in entries
        for change in _objects(entry.get("changes"))
    ]


def _objects(value: object) -> list[dict[str, Any]]:
    return objects_in(_one_or_more(value))


def _text(value: object) -> str:
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value).strip() if is_id else ""


def shallow(value: object, depth: int = MAX_DEPTH) -> object:
    """Cut off what lies deeper than anything documented: not every reader of JSON gets there."""
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        return None
    if isinstance(value, list):
        return [shallow(each, depth - 1) for each in as_list(cast("object", value))]
    return {key: shallow(each, depth - 1) for key, each in as_object(cast("object", value)).items()}
