"""Registration events, and what a set of them says, in whatever order and number they came.

The event's fields are those of Infobip's programme page, plus `businessPortfolioId` and
`registrationInfo`, which integrators see since 2026. No OpenAPI document describes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic.alias_generators import to_camel

from waboard.domain.clock import ProviderTime
from waboard.domain.ids import (
    PhoneNumber,
    PhoneNumberIdField,
    PortfolioId,
    PortfolioIdField,
    WabaIdField,
)


class RegistrationStatus(StrEnum):
    """The statuses that the programme page documents; any other is kept and shown."""

    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"
    FINISHED = "FINISHED"


CONNECTED = "CONNECTED"
"""What the quality endpoint says of a sender that works: it is registered, event or no event."""
TERMINAL = frozenset({RegistrationStatus.FAILED, RegistrationStatus.FINISHED, CONNECTED})


LONGEST_NUMBER = 20
"""Digits; E.164 allows 15."""


def _is_digit(character: str) -> bool:
    return character.isascii() and character.isdigit()


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
        if not 1 <= sum(map(_is_digit, value)) <= LONGEST_NUMBER:
            raise ValueError(f"displayPhoneNumber holds 1 to {LONGEST_NUMBER} digits")
        return value

    @property
    def phone_number(self) -> PhoneNumber:
        """The number's digits. The provider knows its numbers, so they are not judged here."""
        return PhoneNumber("".join(filter(_is_digit, self.display_phone_number)))


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
    """Where one number's registration stands, and since which evidence."""

    phone_number: PhoneNumber
    phone_number_id: str | None
    status: str
    info: str | None
    as_of: datetime

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
        senders=_best_by_number([*seen, *connected]),
    )


def _sender_of(event: RegistrationEvent, sender: SenderEvent) -> SenderRegistration:
    return SenderRegistration(
        phone_number=sender.phone_number,
        phone_number_id=sender.phone_number_id,
        status=sender.status,
        info=sender.registration_info,
        as_of=event.last_modified_at,
    )


def _best_by_number(
    seen: Iterable[SenderRegistration],
) -> dict[PhoneNumber, SenderRegistration]:
    ladder = sorted(
        seen, key=lambda s: (s.phone_number, _rank(s.status, s.as_of), s.info or "", str(s))
    )
    return {sender.phone_number: sender for sender in ladder}
