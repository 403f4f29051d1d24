"""Registration events, and what a set of them says, in whatever order and number they came.

The event's fields are those of Infobip's programme page, plus `businessPortfolioId` and
`registrationInfo`, which integrators see since 2026. No OpenAPI document describes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic.alias_generators import to_camel

from waboard.domain.clock import ProviderTime
from waboard.domain.ids import (
    LONGEST_SENDER_NUMBER,
    PhoneNumber,
    PhoneNumberIdField,
    PortfolioId,
    PortfolioIdField,
    WabaIdField,
    digits_of,
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


class SenderEvent(_Wire):
    """One phone number in a registration event. The number comes formatted."""

    phone_number_id: PhoneNumberIdField
    display_phone_number: str
    status: str
    type: str | None = None
    registration_info: str | None = None

    @field_validator("display_phone_number")
    @classmethod
    def _is_a_number(cls, value: str) -> str:
        if not 1 <= len(digits_of(value)) <= LONGEST_SENDER_NUMBER:
            raise ValueError(f"displayPhoneNumber holds 1 to {LONGEST_SENDER_NUMBER} digits")
        return value

    @property
    def phone_number(self) -> PhoneNumber:
        """The number's digits. The provider knows its numbers, so they are not judged here."""
        return PhoneNumber(digits_of(self.display_phone_number))


class RegistrationEvent(_Wire):
    """What Infobip sends when a WABA's registration moves. Source: the programme page."""

    business_account_id: WabaIdField
    status: str
    last_modified_at: ProviderTime
    created_at: ProviderTime | None = None
    senders: tuple[SenderEvent, ...] = ()
    business_portfolio_id: PortfolioIdField | None = None
    registration_info: str | None = None


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
    """What all the evidence about one WABA says together."""

    status: str | None = None
    info: str | None = None
    portfolio_id: PortfolioId | None = None
    senders: dict[PhoneNumber, SenderRegistration] = field(
        default_factory=dict[PhoneNumber, SenderRegistration]
    )

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
    history = sorted(events, key=lambda e: (_rank(e.status, e.last_modified_at), str(e)))
    seen = [_sender_of(event, sender) for event in history for sender in event.senders]
    portfolios = [e.business_portfolio_id for e in history if e.business_portfolio_id]
    return Registration(
        status=history[-1].status if history else None,
        info=history[-1].registration_info if history else None,
        portfolio_id=portfolios[-1] if portfolios else None,
        senders={each.phone_number: each for each in _one_each([*seen, *connected])},
    )


def _sender_of(event: RegistrationEvent, sender: SenderEvent) -> SenderRegistration:
    return SenderRegistration(
        phone_number=sender.phone_number,
        phone_number_id=sender.phone_number_id,
        status=sender.status,
        info=sender.registration_info,
        as_of=event.last_modified_at,
    )


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
    newest = sorted(group, key=lambda s: (s.as_of, str(s)))
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
