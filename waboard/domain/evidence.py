"""Everything that was received about one onboarding, and what it shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from waboard.domain.asks import Asks, registration_since
from waboard.domain.clock import LONG_AGO
from waboard.domain.delivery import DeliveryReport, SeenReport, Verdict, describe, verdict_of
from waboard.domain.ids import PhoneNumber
from waboard.domain.inbound import InboundMessage
from waboard.domain.meta_events.saying import what_counts
from waboard.domain.meta_events.words import Word
from waboard.domain.registration import (
    CONNECTED,
    Registration,
    RegistrationEvent,
    SenderRegistration,
    registration_from,
)
from waboard.domain.spelling import may_be_same


@dataclass(frozen=True, slots=True)
class Evidence:
    """Facts about one onboarding. What they show depends on the set of them alone.

    `asks` are when its registration was asked for; without them all words count.
    """

    registrations: tuple[RegistrationEvent, ...] = ()
    reports: tuple[DeliveryReport, ...] = ()
    connected: tuple[SenderRegistration, ...] = ()
    account: tuple[Word, ...] = ()
    seen: tuple[SeenReport, ...] = ()
    inbound: tuple[InboundMessage, ...] = ()
    asks: Asks | None = None

    def shown(self) -> Registration:
        """All that Infobip has shown of the WABA's numbers, whether or not somebody had asked."""
        return registration_from(self.registrations, self.connected)

    def registration(self) -> Registration:
        """Where the WABA's registration stands."""
        if self.asks is None:
            return self.shown()
        return registration_since(self.asks, self.registrations, self.connected)

    def verdict(self, message_id: str, *, last: bool = False) -> Verdict:
        """What became of one message; `last` as `verdict_of` has it."""
        return verdict_of(
            (report for report in self.reports if report.message_id == message_id),
            (report for report in self.seen if report.message_id == message_id),
            last=last,
        )

    def verdicts(self) -> dict[str, Verdict]:
        """What became of each message."""
        told = {report.message_id for report in (*self.reports, *self.seen)}
        return {message_id: self.verdict(message_id) for message_id in told}

    def last_inbound(self, *spellings: str) -> InboundMessage | None:
        """The last message that somebody wrote to a sender, in any spelling of its number."""
        written = (message for message in self.inbound if _is_to(message, spellings))
        return max(written, key=_received_at, default=None)

    def last_writer(self, *spellings: str) -> str | None:
        """Whom to answer of those who wrote to a sender: the last, one with a number first."""
        written = [each for each in self.inbound if _is_to(each, spellings) and each.writer]
        latest = max(written, key=lambda m: (m.writer.isdigit(), _received_at(m)), default=None)
        return latest.writer if latest else None

    def statuses(self) -> frozenset[tuple[str, str]]:
        """Which statuses and errors each message has been seen with."""
        return frozenset((report.message_id, describe(report)) for report in self.reports)

    def plus(self, other: "Evidence") -> "Evidence":
        """Return both together."""
        return Evidence(
            self.registrations + other.registrations,
            self.reports + other.reports,
            self.connected + other.connected,
            self.account + other.account,
            self.seen + other.seen,
            self.inbound + other.inbound,
            self.asks or other.asks,
        )

    def shows_more_than(self, before: "Evidence") -> bool:
        """Whether it changes anything that `before` showed."""
        return (
            self.registration() != before.registration()
            or self.statuses() != before.statuses()
            or self.verdicts() != before.verdicts()
            or what_counts(self.account) != what_counts(before.account)
            or not set(self.inbound) <= set(before.inbound)
        )


def _received_at(message: InboundMessage) -> datetime:
    return message.received_at or LONG_AGO


def _is_to(message: InboundMessage, spellings: Collection[str]) -> bool:
    return any(may_be_same(message.sender, each) for each in spellings)


def quality_evidence(item: dict[str, Any], seen_at: datetime) -> Evidence:
    """Read an entry of Infobip's quality endpoint: CONNECTED proves a registration."""
    if item.get("status") != CONNECTED:
        return Evidence()
    sender = SenderRegistration(
        phone_number=PhoneNumber(str(item["sender"])),
        phone_number_id=None,
        status=CONNECTED,
        info="Infobip's quality endpoint shows it as connected.",
        as_of=seen_at,
    )
    return Evidence(connected=(sender,))


def all_of(parts: Sequence[Evidence]) -> Evidence:
    """Return all parts together."""
    total = Evidence()
    for part in parts:
        total = total.plus(part)
    return total
