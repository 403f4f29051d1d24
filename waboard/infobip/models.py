"""What goes to Infobip and what comes back, under Infobip's own names on the wire.

Readers are tolerant, as Infobip asks for (new fields and new enum values are no breaking change):
unknown fields are ignored, and a value that may get new members is a `str`, with an enum of the
known ones beside it. Phone numbers are left out of `repr`, so that no log line shows one.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from waboard.domain.ids import NumberKey, PhoneNumber, PlatformId
from waboard.domain.masking import scrub

UNKNOWN = "UNKNOWN"


def digits(number: object) -> str:
    """Take the formatting off a phone number, and leave anything else as it is."""
    return re.sub(r"[\s()+.\-]", "", str(number))


def given(**fields: object) -> dict[str, Any]:
    """Give a body without what is None: Infobip takes a missing property for its default."""
    return {name: value for name, value in fields.items() if value is not None}


def _word(value: object) -> str:
    return UNKNOWN if value is None else str(value)


def _shown(value: object) -> str:
    return "" if value is None else scrub(str(value))


def _many(value: object) -> object:
    return () if value is None else value


_T = TypeVar("_T")
Many = Annotated[tuple[_T, ...], BeforeValidator(_many)]
"""A list that may be null or missing."""
Word = Annotated[str, BeforeValidator(_word)]
"""A value of a provider's enum: kept as it came, `UNKNOWN` when it did not come."""
Shown = Annotated[str, BeforeValidator(_shown)]
"""A provider's text, made fit to be shown."""
Sender = Annotated[PhoneNumber, BeforeValidator(digits), Field(repr=False)]


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
    last_updated: str | None = None


class Application(Wire):
    """An application at Infobip. The name is null when it was created without one."""

    application_id: str
    application_name: str | None = None


class Entity(Wire):
    """An entity at Infobip. The name is null when it was created without one."""

    entity_id: str
    entity_name: str | None = None


class OwnedNumber(Wire):
    """A number of the account (`GET /numbers/1/numbers`)."""

    number_key: NumberKey
    number: Sender
    type: Word = UNKNOWN
    capabilities: tuple[str, ...] | None = None
    application_id: str | None = None
    entity_id: str | None = None


class Association(Wire):
    """A link of a number to an application and an entity, for one channel."""

    application_id: str
    entity_id: str | None = None
    resource_id: NumberKey
    resource_type: Word = "NUMBER"
    channel: Word = "WHATSAPP"

    def to_wire(self) -> dict[str, Any]:
        """Give the body of a POST or DELETE. A missing entity is sent as null, as documented."""
        return self.model_dump(by_alias=True)


class Paging(Wire):
    """Where in a list a page is (OpenAPI application-entity 3.210.0), as far as we need it."""

    total_results: int | None = None


class Listed(Wire):
    """A page of a list: only how much the whole list holds, where Infobip says it."""

    paging: Paging | None = None

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
    violations: tuple[Violation, ...] = ()
    description: Shown = ""
    action: Shown = ""


class MessageStatus(Wire):
    """Where a message stands. Groups: 1 pending, 3 delivered; 2, 4 and 5 are final failures."""

    group_id: int | None = None
    group_name: Word = UNKNOWN
    id: int | None = None
    name: Word = UNKNOWN
    description: Shown = ""


class SentMessage(Wire):
    """What Infobip says on taking a message. It is acceptance only, never delivery."""

    message_id: str
    status: MessageStatus = MessageStatus()

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
