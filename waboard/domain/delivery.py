"""Delivery and seen reports, and what a set of them says about one message.

Shapes: `MessagesApiDeliveryReport` and `MessagesApiSeenReport` of Infobip's OpenAPI messages-api
3.210.0, `DeliveryResult` and `SeenResult` of whatsapp 3.210.0: what is read of them has the same
names in both. Meaning of the status groups: Infobip's page on message status codes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from waboard.domain.clock import ProviderTime
from waboard.domain.conditions import Status
from waboard.domain.reasons import Reason

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
    """A message status, or the error beside it: the provider's id and name for it."""

    id: int
    name: str
    group_id: int
    group_name: str = ""
    description: str | None = None


class DeliveryReport(_Wire):
    """What Infobip says became of one message."""

    message_id: str
    status: ReportStatus
    event: Any = "DELIVERY"
    error: ReportStatus | None = None
    done_at: ProviderTime | None = None
    sent_at: ProviderTime | None = None

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

    message_id: str
    seen_at: ProviderTime
    event: Any = "SEEN"


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
    read_at = min((report.seen_at for report in seen), default=None)
    if read_at is not None:
        said = f"The test message was delivered, and read on {read_at:%Y-%m-%d %H:%M} UTC."
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
        said = f"Infobip does not know the template yet: {describe(report)}."
        return Verdict(Status.UNKNOWN, Reason.TEMPLATE_NOT_SYNCED, said)
    reason = report.failure or Reason.MESSAGE_REJECTED
    return Verdict(Status.FALSE, reason, f"The test message failed: {describe(report)}.")


def describe(report: DeliveryReport) -> str:
    """Name a report by the provider's own codes: `REJECTED_SENDER (13), EC_BAD (7034)`."""
    parts = [report.status]
    if report.error is not None and report.error.id:
        parts.append(report.error)
    return ", ".join(f"{part.name} ({part.id})" for part in parts)
