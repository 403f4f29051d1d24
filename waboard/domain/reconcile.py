"""What a reconciliation finds: is it still so, and what follows.

It never acts on what it cannot see. The statuses of a sender are those of `senders/quality`
(Infobip OpenAPI whatsapp 3.210.0).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from waboard.domain.conditions import Status
from waboard.domain.delivery import Verdict
from waboard.domain.filing import Filing
from waboard.domain.ids import NumberKey, PhoneNumber, mask_phone
from waboard.domain.reasons import Reason

TABLE = "reconcile"
"""The key of the table of what was found: the Prefect UI keeps its versions under it."""


def table_of(client_ref: str | None, *, dry: bool) -> str:
    """Under which key the table of a reconciliation is kept.

    A dry run has one of its own, so that the next real one is not compared with that.
    """
    if dry:
        return f"{TABLE}-dry-run"
    return TABLE if client_ref is None else f"{TABLE}-one-client"


class Aspect(StrEnum):
    """What is compared with what the providers show."""

    STANDING = "standing"
    FILING = "filing"
    RUN = "run"
    STEP = "step"
    CLOCK = "clock"
    SUBSCRIPTION = "subscription"
    HEALTH = "health"
    SOLUTION = "solution"
    TEMPLATE = "template"
    OWNER = "owner"


class Answer(StrEnum):
    """Whether it is as it should be. Unknown is never acted on."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer about one client, or one of its senders, and what was done because of it."""

    onboarding_id: str
    client_ref: str
    phone_number: str
    aspect: Aspect
    answer: Answer
    said: str
    done: str = ""

    @property
    def label(self) -> str:
        """The sender's last digits; empty where it is about the whole client."""
        return mask_phone(self.phone_number) if self.phone_number else ""


@dataclass(frozen=True, slots=True)
class Watched:
    """A registered sender that is compared: what we hold for true of it.

    `usable` is None while it was never lost; `number_key` and `filing` are None until it is
    associated.
    """

    onboarding_id: str
    client_ref: str
    phone_number: PhoneNumber
    number_key: NumberKey | None
    filing: Filing | None
    usable: bool | None
    registered_at: datetime


USABLE = frozenset({"CONNECTED", "FLAGGED", "RATE_LIMITED"})
"""Statuses of a sender that can send, if not always as much as it would."""
_LOST: dict[str, Reason] = {
    "BANNED": Reason.SENDER_BANNED,
    "RESTRICTED": Reason.SENDER_BANNED,
    "DISCONNECTED": Reason.SENDER_DISCONNECTED,
    "PENDING": Reason.SENDER_DISCONNECTED,
    "UNVERIFIED": Reason.SENDER_DISCONNECTED,
    "DELETED": Reason.SENDER_GONE,
    "MIGRATED": Reason.SENDER_GONE,
}
_LOST_AT_ONCE = frozenset({"BANNED", "RESTRICTED"})
SETTLES_IN = timedelta(hours=1)
"""How long one may be registered and not be listed, or connected, yet. Nothing is published."""
MISSING = "not listed"
"""What is said of a sender that Infobip does not list: it lists all that the account owns."""


def standing_of(status: str) -> Verdict | None:
    """Judge a sender's status, as on the wire or `MISSING`. None for one that says nothing."""
    if status in USABLE:
        return Verdict(Status.TRUE, Reason.SENDER_USABLE, f"Infobip shows it as {status}.")
    if status == MISSING:
        return Verdict(Status.FALSE, Reason.SENDER_GONE, "Infobip does not list it any more.")
    reason = _LOST.get(status)
    return Verdict(Status.FALSE, reason, f"Infobip shows it as {status}.") if reason else None


def verdict_on(sender: Watched, status: str, now: datetime) -> Verdict | None:
    """Judge a sender by its status. None where that says nothing, or nothing yet."""
    verdict = standing_of(status)
    is_new = now - sender.registered_at < SETTLES_IN
    lost = verdict is not None and verdict.status is not Status.TRUE
    return None if lost and is_new and status not in _LOST_AT_ONCE else verdict


def news_of(sender: Watched, status: str, now: datetime) -> Verdict | None:
    """Return what a status changes of what we hold for true; None where it changes nothing."""
    verdict = verdict_on(sender, status, now)
    held = sender.usable is not False
    is_news = verdict is not None and (verdict.status is Status.TRUE) is not held
    return verdict if is_news else None


def compare_standing(sender: Watched, status: str, now: datetime) -> Finding:
    """Compare a sender with how Infobip shows it."""
    verdict = verdict_on(sender, status, now)
    answer = Answer.UNKNOWN
    if verdict is not None:
        answer = Answer.YES if verdict.status is Status.TRUE else Answer.NO
    said = verdict.message if verdict else f"Infobip shows it as {status}: that says nothing now."
    return _finding(sender, Aspect.STANDING, answer, said)


def compare_filing(sender: Watched, found: Collection[Filing]) -> Finding:
    """Compare how a sender is filed with how it should be."""
    if list(found) == [sender.filing]:
        return _finding(sender, Aspect.FILING, Answer.YES, "Filed under the ids that it should be.")
    where = " and ".join(sorted(map(str, found))) or "nothing"
    said = f"Filed under {where}, not under {sender.filing}."
    return _finding(sender, Aspect.FILING, Answer.NO, said)


def unseen(sender: Watched, aspect: Aspect, said: str) -> Finding:
    """Say why it could not be seen of a sender how it is."""
    return _finding(sender, aspect, Answer.UNKNOWN, said)


def _finding(sender: Watched, aspect: Aspect, answer: Answer, said: str) -> Finding:
    return Finding(
        sender.onboarding_id, sender.client_ref, sender.phone_number, aspect, answer, said
    )


LOOKED_FOR_AT_MOST, LOOKED_FOR_AT_LEAST = timedelta(minutes=15), timedelta(days=1)
"""How long Infobip is not asked again for a number that failed to register, at least and at most.

In between it is a tenth of the time since: what has not been mended for a month hardly is today.
"""


def is_looked_for(since: datetime, looked_for_at: datetime | None, now: datetime) -> bool:
    """Whether to ask Infobip for a number that failed to register at `since`."""
    pause = min(max((now - since) / 10, LOOKED_FOR_AT_MOST), LOOKED_FOR_AT_LEAST)
    return now - max(since, looked_for_at or since) >= pause
