"""Registration events, and what a set of them says, in whatever order and number they came.

The event's fields are those of Infobip's programme page, plus `businessPortfolioId` and
`registrationInfo`, which integrators see since 2026. No OpenAPI document describes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from waboard.domain.clock import LONG_AGO, ProviderTime
from waboard.domain.ids import (
    LONGEST_SENDER_NUMBER,
    PhoneNumber,
    PhoneNumberIdField,
    PortfolioId,
    PortfolioIdField,
    WabaIdField,
    digits_of,
)
from waboard.domain.lenient import (
    Lenient,
    LenientItems,
    LenientText,
    RequiredText,
    RequiredTextOrDigits,
)
from waboard.domain.spelling import may_be_same


class RegistrationStatus(StrEnum):
    """The statuses that the programme page documents; any other is kept and shown."""

    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"
    FINISHED = "FINISHED"


CONNECTED = "CONNECTED"
"""What the quality endpoint says of a sender that works: it is registered, event or no event."""
TERMINAL = frozenset({RegistrationStatus.FAILED, RegistrationStatus.FINISHED, CONNECTED})


class _Wire(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )


def _with_digits(value: str) -> str:
    if not 1 <= len(digits_of(value)) <= LONGEST_SENDER_NUMBER:
        raise ValueError
    return value


_DisplayNumber = Annotated[RequiredTextOrDigits, AfterValidator(_with_digits)]


class SenderEvent(_Wire):
    """One phone number in a registration event. The number comes formatted.

    Either it or its id identifies the sender: one that failed may come without the id.
    """

    phone_number_id: Lenient[PhoneNumberIdField] = None
    display_phone_number: Lenient[_DisplayNumber] = Field(default=None, validate_default=True)
    status: RequiredText
    type: LenientText = ""
    registration_info: LenientText = ""

    @field_validator("display_phone_number")
    @classmethod
    def _identifies_it_without_an_id(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("phone_number_id") is None:
            raise ValueError(
                f"it holds 1 to {LONGEST_SENDER_NUMBER} digits where phoneNumberId is none"
            )
        return value

    @property
    def phone_number(self) -> PhoneNumber | None:
        """The number's digits. The provider knows its numbers, so they are not judged here."""
        if self.display_phone_number is None:
            return None
        return PhoneNumber(digits_of(self.display_phone_number))


class RegistrationEvent(_Wire):
    """What Infobip sends when a WABA's registration moves. Source: the programme page.

    Nothing describes its form, so only the account and the status are relied on. `received_at` is
    ours, and never read from what was sent.
    """

    business_account_id: WabaIdField
    status: RequiredText
    last_modified_at: Lenient[ProviderTime] = None
    created_at: Lenient[ProviderTime] = None
    senders: LenientItems[SenderEvent] = ()
    business_portfolio_id: Lenient[PortfolioIdField] = None
    registration_info: LenientText = ""
    received_at: Annotated[datetime | None, BeforeValidator(lambda _: None)] = None

    @property
    def modified_at(self) -> datetime:
        """When it was so; before everything else where neither it nor its arrival says when."""
        return self.last_modified_at or LONG_AGO

    def as_of(self, received_at: datetime) -> Self:
        """Return it with the time of its arrival, which counts where it has none of its own."""
        said_at = self.last_modified_at or received_at
        return self.model_copy(update={"last_modified_at": said_at, "received_at": received_at})


@dataclass(frozen=True, slots=True)
class SenderRegistration:
    """Where one number's registration stands, and since which evidence.

    `phone_number` is as Infobip spelled it last, `other_spellings` how else it was shown.
    `named_at` is when Infobip, by its own clock, last said that this WABA has the number: None when
    no event did, or its last word is that the registration failed.
    """

    phone_number: PhoneNumber
    phone_number_id: str | None
    status: str
    info: str | None
    as_of: datetime
    other_spellings: frozenset[PhoneNumber] = frozenset()
    named_at: datetime | None = None

    @property
    def spellings(self) -> frozenset[PhoneNumber]:
        """Every spelling in which the number was shown."""
        return self.other_spellings | {self.phone_number}

    @property
    def is_terminal(self) -> bool:
        """Whether Infobip has finished with it, for better or worse."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class Registration:
    """What all the evidence about one WABA says together.

    `failed_before` are numbers of which nothing is known but that they failed before anybody asked
    for them, `unanswered` those that were asked for anew and of which nothing was said since.
    """

    status: str | None = None
    info: str | None = None
    portfolio_id: PortfolioId | None = None
    senders: dict[PhoneNumber, SenderRegistration] = field(
        default_factory=dict[PhoneNumber, SenderRegistration]
    )
    failed_before: dict[PhoneNumber, SenderRegistration] = field(
        default_factory=dict[PhoneNumber, SenderRegistration]
    )
    unanswered: frozenset[PhoneNumber] = frozenset()

    @property
    def shows_share(self) -> bool:
        """Whether it could not be as it is, had Infobip not taken a share."""
        return not self.unanswered and (self.status is not None or bool(self.senders))

    @property
    def is_settled(self) -> bool:
        """Whether the account's registration ended and no number is still on its way."""
        return self.status in TERMINAL and all(s.is_terminal for s in self.senders.values())

    def of(self, number: str) -> SenderRegistration | None:
        """Return the registration of a number in any spelling; None where there is not just one."""
        exact = [each for each in self.senders.values() if number in each.spellings]
        alike = [each for each in self.senders.values() if may_be_same(number, each.phone_number)]
        found = exact or alike
        return found[0] if len(found) == 1 else None


def _rank(status: str, as_of: datetime) -> tuple[bool, datetime, bool, str]:
    # What ended stays ended, whatever a late "in progress" says; of two endings the later wins;
    # at the same instant success does, since somebody saw it.
    return (status in TERMINAL, as_of, status == RegistrationStatus.FINISHED, status)


def registration_from(
    events: Iterable[RegistrationEvent], connected: Iterable[SenderRegistration] = ()
) -> Registration:
    """Work out a WABA's registration from a set of events: neither order nor number matters.

    `connected` are numbers that the provider's quality endpoint showed as CONNECTED, which is
    evidence as good as a FINISHED of their own.
    """
    history = sorted(events, key=lambda e: (_rank(e.status, e.modified_at), str(e)))
    numbers = _numbers_by_id(history)
    seen = [
        sender_of(event, sender, number)
        for event in history
        for sender in event.senders
        if (number := sender.phone_number or numbers.get(sender.phone_number_id)) is not None
    ]
    portfolios = [e.business_portfolio_id for e in history if e.business_portfolio_id]
    return Registration(
        status=history[-1].status if history else None,
        info=(history[-1].registration_info or None) if history else None,
        portfolio_id=portfolios[-1] if portfolios else None,
        senders={each.phone_number: each for each in _one_each([*seen, *connected])},
    )


def sender_of(
    event: RegistrationEvent, sender: SenderEvent, number: PhoneNumber
) -> SenderRegistration:
    """Return what an event says of one of its numbers."""
    return SenderRegistration(
        phone_number=number,
        phone_number_id=sender.phone_number_id,
        status=sender.status,
        info=sender.registration_info or None,
        as_of=event.modified_at,
    )


def _numbers_by_id(history: Iterable[RegistrationEvent]) -> dict[str | None, PhoneNumber]:
    """Return the numbers that were shown with an id, for senders that come with the id alone."""
    return {
        sender.phone_number_id: sender.phone_number
        for event in sorted(history, key=lambda e: (e.modified_at, str(e)))
        for sender in event.senders
        if sender.phone_number is not None and sender.phone_number_id is not None
    }


@dataclass(frozen=True, slots=True)
class OneSpelling:
    """Evidence in which each number is spelled in one way only, as it was last.

    `known` are all numbers that it shows, by that spelling.
    """

    events: tuple[RegistrationEvent, ...]
    connected: tuple[SenderRegistration, ...]
    known: dict[PhoneNumber, SenderRegistration]

    def spelled(self, number: PhoneNumber) -> PhoneNumber:
        """Return how a number is spelled in it."""
        of = (each for each in self.known.values() if number in each.spellings)
        return next((each.phone_number for each in of), number)


def in_one_spelling(
    events: Iterable[RegistrationEvent], connected: Iterable[SenderRegistration]
) -> OneSpelling:
    """Spell each number as it was last; a sender that nothing names yet is left out."""
    told, seen = tuple(events), tuple(connected)
    known = OneSpelling(told, seen, registration_from(told, seen).senders)
    numbers = _numbers_by_id(told)
    return OneSpelling(
        tuple(_respelled(event, known, numbers) for event in told),
        tuple(
            replace(each, phone_number=known.spelled(each.phone_number), other_spellings=_NONE)
            for each in seen
        ),
        known.known,
    )


_NONE: frozenset[PhoneNumber] = frozenset()


def _respelled(
    event: RegistrationEvent, known: OneSpelling, numbers: Mapping[str | None, PhoneNumber]
) -> RegistrationEvent:
    named = (
        (each, each.phone_number or numbers.get(each.phone_number_id)) for each in event.senders
    )
    senders = tuple(
        each.model_copy(update={"display_phone_number": f"+{known.spelled(number)}"})
        for each, number in named
        if number is not None
    )
    return event.model_copy(update={"senders": senders})


def _one_each(seen: Iterable[SenderRegistration]) -> list[SenderRegistration]:
    groups: list[list[SenderRegistration]] = []
    for each in seen:
        same = [group for group in groups if any(is_same_number(each, one) for one in group)]
        groups = [group for group in groups if group not in same]
        groups.append([each, *(one for group in same for one in group)])
    return sorted(map(_best_of, groups), key=lambda each: each.phone_number)


def is_same_number(one: SenderRegistration, other: SenderRegistration) -> bool:
    """Whether two words are about one number, by what the upstream itself said of it.

    Equal digits or one `phoneNumberId` say so. Where one of them has no id, it was Infobip's answer
    about this WABA in another spelling of what may be one subscriber.
    """
    if one.phone_number == other.phone_number:
        return True
    ids = {one.phone_number_id, other.phone_number_id}
    if None not in ids:
        return len(ids) == 1
    return may_be_same(one.phone_number, other.phone_number)


def _best_of(group: list[SenderRegistration]) -> SenderRegistration:
    best = max(group, key=lambda s: (_rank(s.status, s.as_of), s.info or "", str(s)))
    newest = sorted(group, key=lambda s: (s.as_of, s.is_terminal, str(s)))
    ids = [each.phone_number_id for each in newest if each.phone_number_id]
    number = newest[-1].phone_number
    return replace(
        best,
        phone_number=number,
        phone_number_id=best.phone_number_id or (ids[-1] if ids else None),
        other_spellings=frozenset(each.phone_number for each in group) - {number},
        named_at=_named_at(group),
    )


def _named_at(group: list[SenderRegistration]) -> datetime | None:
    # The quality endpoint names a number alone, and so no WABA that has it.
    ended = [each for each in group if each.is_terminal and each.status != CONNECTED]
    last = max(ended, key=lambda s: _rank(s.status, s.as_of), default=None)
    return last.as_of if last and last.status == RegistrationStatus.FINISHED else None
