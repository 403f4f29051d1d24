"""What goes to Infobip and what comes back, under Infobip's own names on the wire.

Readers are tolerant, as Infobip asks for (new fields and new enum values are no breaking change):
unknown fields are ignored, what is not needed may be anything (see `waboard.domain.lenient`), and a
value that may get new members is a `str`, with an enum of the known ones beside it. Phone numbers
are left out of `repr`, so that no log line shows one.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

from waboard.domain.ids import NumberKey, PhoneNumber, PlatformId
from waboard.domain.lenient import (
    Lenient,
    LenientItems,
    LenientTextOrDigits,
    RequiredTextOrDigits,
    WholeNumber,
    is_blank,
    unreadable_as,
)
from waboard.domain.masking import scrub

UNKNOWN = "UNKNOWN"


def given(**fields: object) -> dict[str, Any]:
    """Give a body without what is None: Infobip takes a missing property for its default."""
    return {name: value for name, value in fields.items() if value is not None}


def _digits(value: object) -> str:
    is_said = isinstance(value, int | str) and not isinstance(value, bool)
    number = re.sub(r"[\s()+.\-]", "", str(value) if is_said else "")
    if not re.fullmatch(r"[0-9]{1,20}", number):
        raise ValueError("a sender has 1 to 20 digits")
    return number


Word = Annotated[str, unreadable_as(UNKNOWN)]
"""A value of a provider's enum: kept as it came, `UNKNOWN` when it did not come."""
Shown = Annotated[LenientTextOrDigits, AfterValidator(scrub)]
"""A provider's text, made fit to be shown."""
Sender = Annotated[PhoneNumber, BeforeValidator(_digits), Field(repr=False)]
"""A sender's digits, without the formatting that it may come with."""
Key = Annotated[NumberKey, StringConstraints(pattern=r"\S")]
"""What Infobip knows a number by. Blank is none."""


class SenderStatus(StrEnum):
    """The known values of `SenderQuality.status` (OpenAPI whatsapp 3.210.0)."""

    BANNED = "BANNED"
    CONNECTED = "CONNECTED"
    DELETED = "DELETED"
    DISCONNECTED = "DISCONNECTED"
    FLAGGED = "FLAGGED"
    MIGRATED = "MIGRATED"
    PENDING = "PENDING"
    RATE_LIMITED = "RATE_LIMITED"
    RESTRICTED = "RESTRICTED"
    UNKNOWN = "UNKNOWN"
    UNVERIFIED = "UNVERIFIED"


class MessageGroup(StrEnum):
    """The groups of message statuses. The last three are final failures (Infobip's STATUS page)."""

    ACCEPTED = "ACCEPTED"
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    UNDELIVERABLE = "UNDELIVERABLE"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


_FAILED_GROUPS = {2, 4, 5}
_DUPLICATE_MESSAGE_ID = 23


class Wire(BaseModel):
    """What all of them share: camelCase on the wire, frozen, tolerant, silent about its input."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class SenderQuality(Wire):
    """What Infobip says about one sender that the account owns (`senders/quality`)."""

    sender: Sender
    status: Word = UNKNOWN
    quality_rating: Word = UNKNOWN
    current_limit: Word = UNKNOWN
    last_updated: Lenient[str] = None


class Application(Wire):
    """An application at Infobip. The name is null when it was created without one."""

    application_id: RequiredTextOrDigits
    application_name: Lenient[str] = None


class Entity(Wire):
    """An entity at Infobip. The name is null when it was created without one."""

    entity_id: RequiredTextOrDigits
    entity_name: Lenient[str] = None


class OwnedNumber(Wire):
    """A number of the account (`GET /numbers/1/numbers`)."""

    number_key: Key
    number: Sender
    type: Word = UNKNOWN
    capabilities: LenientItems[str] = ()
    application_id: Lenient[str] = None
    entity_id: Lenient[str] = None


def _as_asked(value: object) -> object:
    return "WHATSAPP" if is_blank(value) else value


class Association(Wire):
    """A link of a number to an application and an entity, for one channel.

    All of it decides whose the number is, so little of it may be odd. We ask for WhatsApp: without
    a channel it is that.
    """

    application_id: RequiredTextOrDigits
    entity_id: RequiredTextOrDigits | None = None
    resource_id: Key
    resource_type: Annotated[str, unreadable_as("NUMBER")] = "NUMBER"
    channel: Annotated[str, BeforeValidator(_as_asked)] = "WHATSAPP"

    def to_wire(self) -> dict[str, Any]:
        """Give the body of a POST or DELETE. A missing entity is sent as null, as documented."""
        return self.model_dump(by_alias=True)


class Paging(Wire):
    """Where in a list a page is (OpenAPI application-entity 3.210.0), as far as we need it."""

    total_results: Lenient[WholeNumber] = None


class Listed(Wire):
    """A page of a list: only how much the whole list holds, where Infobip says it."""

    paging: Lenient[Paging] = None

    @property
    def total(self) -> int | None:
        """How many there are on all pages."""
        return self.paging.total_results if self.paging else None


@dataclass(frozen=True, slots=True)
class AssociationsPage:
    """Some of all associations; `total` says how many there are, where Infobip says it."""

    found: tuple[Association, ...]
    is_last: bool
    total: int | None


class TemplateMessage(Wire):
    """One WhatsApp template message without parameters, from one sender to one person."""

    sender: PhoneNumber = Field(repr=False)
    to: PhoneNumber = Field(repr=False)
    message_id: str = Field(min_length=1, max_length=200)
    template_name: str = Field(min_length=1, max_length=512)
    language: str = Field(min_length=1)
    application_id: PlatformId
    entity_id: PlatformId


class TextMessage(Wire):
    """One WhatsApp message of free text, from one sender to one person."""

    sender: PhoneNumber = Field(repr=False)
    to: PhoneNumber = Field(repr=False)
    message_id: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=4096, repr=False)
    application_id: PlatformId
    entity_id: PlatformId


class Violation(Wire):
    """What Infobip found wrong with one property of a request, made fit to be shown."""

    property: Shown = ""
    violation: Shown = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.property, self.violation) if part)


class Validation(Wire):
    """What Infobip would say to a message. When `ok`, the violations may be left as they are."""

    ok: bool
    violations: LenientItems[Violation] = ()
    description: Shown = ""
    action: Shown = ""


class MessageStatus(Wire):
    """Where a message stands. Groups: 1 pending, 3 delivered; 2, 4 and 5 are final failures."""

    group_id: Lenient[WholeNumber] = None
    group_name: Word = UNKNOWN
    id: Lenient[WholeNumber] = None
    name: Word = UNKNOWN
    description: Shown = ""


def _status_or_none(value: object) -> object:
    return MessageStatus() if is_blank(value) else value


class SentMessage(Wire):
    """What Infobip says on taking a message. It is acceptance only, never delivery.

    Neither document promises that the message id comes back. A status may be missing; one that
    cannot be read may be a refusal.
    """

    message_id: LenientTextOrDigits = ""
    status: Annotated[MessageStatus, BeforeValidator(_status_or_none)] = MessageStatus()

    @property
    def failed(self) -> bool:
        """Whether the message was refused on the spot: a 200 may hold a rejected message."""
        return self.status.group_id in _FAILED_GROUPS

    @property
    def already_sent(self) -> bool:
        """Whether it was refused because its message id was used before: look for that one's fate.

        The status exists (23, Infobip's STATUS page), but no text promises it for WhatsApp.
        """
        return self.status.id == _DUPLICATE_MESSAGE_ID
