"""What becomes of a WABA once it is shared, and the registration event that tells of it.

Source of the event: the provider's programme page (docs/infobip.md); it is in no OpenAPI
document. `registrationInfo` and `businessPortfolioId` are reported by integrators (`newer`).
"""

import hashlib
import re
from typing import Any, Literal

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field

from waboard.sandbox.hostility import Mischief

DOCUMENTED_WABA = "102384266223093"
DEFAULT_TEMPLATES = ("waboard_verification:en",)

Reason = Literal[
    "ABUSIVE_CONTENT", "INCORRECT_CATEGORY", "INVALID_FORMAT", "NONE", "SCAM", "UNKNOWN"
]
CanSend = Literal["AVAILABLE", "LIMITED", "BLOCKED"]
Delivery = Literal["delivered", "undeliverable", "rejected", "expired", "silent"]

# Area codes of populous states; any of them makes a number that libphonenumber calls valid.
_AREA_CODES = ("201", "202", "203", "205", "206", "208", "209", "210", "212", "213", "214", "215")


class SenderFate(BaseModel):
    """One phone number of a WABA: how its registration ends, and what its messages meet."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    display_phone_number: str
    type: str = "CLOUD"
    status: str = "FINISHED"
    registration_info: str | None = None
    connection_status: str = "CONNECTED"
    """What `senders/quality` says of it."""
    delivery: Delivery = "delivered"
    lost_push: bool = False
    """The delivery report is never pushed; it waits on the pull queue."""
    templates_not_synced: int = Field(default=0, ge=0)
    """So many templates are sent in vain at first: a new sender does not know them yet."""
    seen: bool = False
    """Whoever gets a message of it looks at it."""
    meta_status: str = "CONNECTED"
    """What Meta says of it once it is registered."""
    quality_rating: str = "GREEN"
    name_status: str = "APPROVED"
    can_send: CanSend = "AVAILABLE"
    """Whether Meta lets it send."""
    auto_associated_entity: str | None = None
    """The provider creates this entity and associates the number with it by itself."""

    @property
    def number(self) -> str:
        """The digits of the display number, which is the sender on the wire."""
        return re.sub(r"\D", "", self.display_phone_number)


class TemplateFate(BaseModel):
    """What Meta makes of a template; `DELETED` takes it away."""

    model_config = ConfigDict(extra="forbid")

    status: Literal[
        "APPROVED",
        "FIRST_PAUSED",
        "SECOND_PAUSED",
        "FLAGGED",
        "DISABLED",
        "REJECTED",
        "DELETED",
    ]


class Fate(BaseModel):
    """What happens to one WABA after share-waba."""

    model_config = ConfigDict(extra="forbid")

    status: str = "FINISHED"
    registration_info: str | None = None
    registration_delay: float | None = Field(default=None, ge=0)
    senders: list[SenderFate] = Field(default_factory=list[SenderFate])
    business_portfolio_id: int | None = None
    in_progress_first: bool = True
    in_solution: bool = False
    """The partner solution hands out its client's token, though it never signed up by a link."""
    silent: bool = False
    """No registration event is ever sent; the senders finish all the same."""
    newer: bool = True
    """The event carries `registrationInfo` and `businessPortfolioId`."""
    repeat_registers: bool = False
    """A repeated share runs the registration again instead of being a no-op."""
    templates: list[str] = Field(default_factory=lambda: list(DEFAULT_TEMPLATES))
    """`name:language` of each approved template of the WABA."""
    template_review_delay: float | None = Field(default=None, ge=0)
    template_verdict: Literal["APPROVED", "REJECTED", "PENDING"] = "APPROVED"
    """How the review of a new template ends; `PENDING` never does."""
    template_reason: Reason = "INVALID_FORMAT"
    """Why it is rejected."""
    mischief: list[Mischief] = Field(default_factory=list[Mischief])
    """What goes wrong with this WABA for certain, once each.

    An answer goes wrong at the first request that names the WABA or one of its senders.
    """
    partner: bool = True
    """Whether the client lets the provider in at Meta; without it, its tokens open nothing."""
    review: str = "APPROVED"
    """Meta's review of the WABA."""
    can_send: CanSend = "AVAILABLE"
    """Whether Meta lets the WABA, and so all its numbers, send."""
    created_at: str | None = None
    last_modified_at: str | None = None
    """Fixed times of the event; the clock's otherwise."""


def default_fate(waba_id: str) -> Fate:
    """The documented example for its own WABA, two finished senders for any other."""
    if waba_id == DOCUMENTED_WABA:
        return _documented_fate()
    return Fate(
        senders=[_derived_sender(waba_id, index) for index in (1, 2)],
        business_portfolio_id=_digits(f"{waba_id}:portfolio", 15),
    )


def fate_from(waba_id: str, given: Fate) -> Fate:
    """The default fate with what was given put over it; its times are the clock's again."""
    changed = given.model_dump(exclude_unset=True)
    timeless = default_fate(waba_id).model_dump(exclude={"created_at", "last_modified_at"})
    return Fate.model_validate({**timeless, **changed})


def _documented_fate() -> Fate:
    return Fate(
        registration_info="Registration finished with failed senders",
        senders=[
            SenderFate(
                phone_number_id="122098754222007518",
                display_phone_number="+1 313-513-8538",
                registration_info="Sender registered",
            ),
            SenderFate(
                phone_number_id="119302867930080",
                display_phone_number="+1 213-218-6042",
                status="FAILED",
                registration_info="Two-step verification is enabled on this number",
            ),
        ],
        business_portfolio_id=506914307656634,
    )


def _derived_sender(waba_id: str, index: int) -> SenderFate:
    """A sender that is always the same for this WABA, and practically never another's."""
    seed = _digits(f"{waba_id}:{index}", 18)
    area = _AREA_CODES[seed % len(_AREA_CODES)]
    # 220..899 without the N11 service codes; an even or odd last digit keeps the two apart.
    exchange = 220 + seed // 100 % 680
    exchange += exchange % 100 == 11
    line = seed // 100_000 % 5_000 * 2 + index % 2
    return SenderFate(
        phone_number_id=str(_digits(f"{waba_id}:{index}:id", 15)),
        display_phone_number=f"+1 {area}-{exchange}-{line:04d}",
    )


def added_sender(waba_id: str, number: str) -> SenderFate:
    """A good sender with a number of somebody's choice."""
    try:
        parsed = phonenumbers.parse(f"+{number}")
        shown = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        shown = f"+{number}"
    phone_number_id = str(_digits(f"{waba_id}:{number}:id", 15))
    return SenderFate(phone_number_id=phone_number_id, display_phone_number=shown)


def _digits(seed: str, length: int) -> int:
    """A number of exactly `length` digits that depends on nothing but the seed."""
    first = 10 ** (length - 1)
    return first + int(hashlib.sha256(seed.encode()).hexdigest(), 16) % (9 * first)


def registration_event(
    waba_id: str, fate: Fate, *, created_at: str, modified_at: str, in_progress: bool = False
) -> dict[str, Any]:
    """The event as Infobip posts it; `in_progress` gives the one that comes before the end."""
    event: dict[str, Any] = {
        "businessAccountId": int(waba_id),
        "status": "IN_PROGRESS" if in_progress else fate.status,
        "createdAt": created_at,
        "lastModifiedAt": modified_at,
        "senders": [_sender_event(each, fate.newer, in_progress) for each in fate.senders],
    }
    if fate.newer:
        if fate.business_portfolio_id is not None:
            event["businessPortfolioId"] = fate.business_portfolio_id
        event["registrationInfo"] = _account_info(fate, in_progress)
    return event


def _sender_event(sender: SenderFate, newer: bool, in_progress: bool) -> dict[str, Any]:
    status = "IN_PROGRESS" if in_progress else sender.status
    event = {
        "phoneNumberId": sender.phone_number_id,
        "displayPhoneNumber": sender.display_phone_number,
        "type": sender.type,
        "status": status,
    }
    if newer:
        told = None if in_progress else sender.registration_info
        event["registrationInfo"] = told or _SENDER_INFO.get(status, "Unknown")
    return event


_SENDER_INFO = {
    "FINISHED": "Sender registered",
    "FAILED": "Sender registration failed",
    "IN_PROGRESS": "Sender registration in progress",
}


def _account_info(fate: Fate, in_progress: bool) -> str:
    if in_progress or fate.status == "IN_PROGRESS":
        return "Registration in progress"
    if fate.registration_info:
        return fate.registration_info
    if fate.status == "FAILED":
        return "Registration failed"
    failed = any(sender.status == "FAILED" for sender in fate.senders)
    return "Registration finished with failed senders" if failed else "Registration finished"
