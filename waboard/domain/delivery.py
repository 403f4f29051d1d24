"""Delivery and seen reports, and what a set of them says about one message.

Shapes: `MessagesApiDeliveryReport` and `MessagesApiSeenReport` of Infobip's OpenAPI messages-api
3.210.0, `DeliveryResult` and `SeenResult` of whatsapp 3.210.0: what is read of them has the same
names in both. Meaning of the status groups: Infobip's page on message status codes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from waboard.domain.clock import ProviderTime
from waboard.domain.conditions import Status
from waboard.domain.lenient import (
    Lenient,
    LenientText,
    RequiredTextOrDigits,
    WholeNumber,
)
from waboard.domain.masking import scrub
from waboard.domain.reasons import Reason
from waboard.domain.sentences import sentence

DELIVERED_TO_HANDSET = 5
NOT_SYNCED = frozenset({7036, 7037})
"""Errors that pass by themselves, within minutes: Meta has not made a new template ready yet
(TEMPLATE_NOT_SYNCED, TEMPLATE_NOT_AVAILABLE). That a new sender meets them too is inferred."""
MOST_TESTS = 5
"""Messages that are sent while a template is not ready, until that is taken for its last word."""


class StatusGroup(IntEnum):
    """Infobip's groups of message statuses. Groups 2, 4 and 5 are final; 3 only with status 5."""

    ACCEPTED = 0
    PENDING = 1
    UNDELIVERABLE = 2
    DELIVERED = 3
    EXPIRED = 4
    REJECTED = 5


FAILURES: dict[int, Reason] = {
    StatusGroup.UNDELIVERABLE: Reason.MESSAGE_UNDELIVERABLE,
    StatusGroup.EXPIRED: Reason.MESSAGE_EXPIRED,
    StatusGroup.REJECTED: Reason.MESSAGE_REJECTED,
}


class _Wire(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )


class ReportStatus(_Wire):
    """A message status. Its group decides, and in the group DELIVERED its id as well."""

    group_id: WholeNumber
    id: Lenient[WholeNumber] = Field(default=None, validate_default=True)
    name: LenientText = ""

    @field_validator("id")
    @classmethod
    def _tells_delivered_from_sent(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None and info.data.get("group_id") == StatusGroup.DELIVERED:
            raise ValueError("a status of the group DELIVERED has an id")
        return value

    def __str__(self) -> str:
        return _named(self.name, self.id) or f"status group {self.group_id}"


class ReportError(_Wire):
    """The error beside a status: 0 or nothing is none."""

    id: Lenient[WholeNumber] = None
    name: LenientText = ""

    def __str__(self) -> str:
        return _named(self.name, self.id)


def _named(name: str, number: int | None) -> str:
    name = scrub(name)
    if number is None:
        return name
    return f"{name} ({number})" if name else str(number)


class DeliveryReport(_Wire):
    """What Infobip says became of one message."""

    message_id: RequiredTextOrDigits
    status: ReportStatus
    event: LenientText = ""
    error: Lenient[ReportError] = None
    done_at: Lenient[ProviderTime] = None
    sent_at: Lenient[ProviderTime] = None

    def as_of(self, received_at: datetime) -> Self:
        """Return it with a time: its own, or else that of its arrival."""
        if self.done_at or self.sent_at:
            return self
        return self.model_copy(update={"done_at": received_at})

    @property
    def is_delivered(self) -> bool:
        """Whether the message reached the handset."""
        return (
            self.status.group_id == StatusGroup.DELIVERED and self.status.id == DELIVERED_TO_HANDSET
        )

    @property
    def is_not_synced(self) -> bool:
        """Whether it failed only because the templates are not known yet."""
        return self.error is not None and self.error.id in NOT_SYNCED

    @property
    def failure(self) -> Reason | None:
        """Why the message will never arrive, or None while it still may."""
        return FAILURES.get(self.status.group_id)


class SeenReport(_Wire):
    """What Infobip says of a message that was read. Nobody is obliged to let others see that."""

    message_id: RequiredTextOrDigits
    seen_at: Lenient[ProviderTime] = None
    event: LenientText = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the reports of one message come to."""

    status: Status
    reason: Reason
    message: str


AWAITED = Verdict(Status.UNKNOWN, Reason.REPORT_AWAITED, "No final delivery report yet.")


def verdict_of(
    reports: Iterable[DeliveryReport], seen: Iterable[SeenReport] = (), *, last: bool = False
) -> Verdict:
    """Judge one message by all its reports, whatever their order and number.

    `last` is whether no other follows, should the template not be ready.

    One arrival is an arrival: a delivered report outweighs every other, and who has read a message
    has got it. Of several failures the latest is named.
    """
    was_read = list(seen)
    if was_read:
        read_at = min((report.seen_at for report in was_read if report.seen_at), default=None)
        when = f" on {read_at:%Y-%m-%d %H:%M} UTC" if read_at else ""
        said = f"The test message was delivered, and read{when}."
        return Verdict(Status.TRUE, Reason.MESSAGE_DELIVERED, said)
    final = [r for r in reports if r.is_delivered or r.failure]
    if any(r.is_delivered for r in final):
        return Verdict(Status.TRUE, Reason.MESSAGE_DELIVERED, "The test message was delivered.")
    if not final:
        return AWAITED
    latest = max(final, key=lambda r: (str(r.done_at or r.sent_at or ""), str(r)))
    return _failed(latest, last=last)


def _failed(report: DeliveryReport, *, last: bool) -> Verdict:
    if report.is_not_synced and not last:
        said = sentence(f"Infobip does not know the template yet: {describe(report)}")
        return Verdict(Status.UNKNOWN, Reason.TEMPLATE_NOT_SYNCED, said)
    reason = report.failure or Reason.MESSAGE_REJECTED
    said = sentence(f"The test message failed: {describe(report)}")
    return Verdict(Status.FALSE, reason, said)


def describe(report: DeliveryReport) -> str:
    """Name a report by the provider's own codes: `REJECTED_SENDER (13), EC_BAD (7034)`."""
    parts = [str(report.status)]
    if report.error is not None and report.error.id:
        parts.append(str(report.error))
    return ", ".join(parts)
