"""What an onboarding can sleep for, how that shows in the Prefect UI, and how long it lasts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from waboard.domain.parties import Party

UPSTREAM_PATIENCE = timedelta(days=3)
"""How long a step that an upstream, or a receiver, keeps back is taken up again by itself."""


class WaitKind(StrEnum):
    """What a run sleeps for."""

    SOLUTION = "solution"
    SLOT = "slot"
    REGISTRATION = "registration"
    TEMPLATE = "template"
    DELIVERY = "delivery"
    INBOUND = "inbound"


@dataclass(frozen=True, slots=True)
class WaitWords:
    """How a wait is shown: the state's name, its message, and whose turn it is."""

    state: str
    message: str
    awaiting: Party
    remedy: str


WRITE_BY_CARD = (
    "The client writes a WhatsApp message to its number: send it the link or the QR code on the "
    "card of its run."
)
WRITE_BY_PAGE = (
    "The client opens its signup page and writes by the link or the QR code that it shows."
)
"""For a client that came by a signup link."""

WORDS: dict[WaitKind, WaitWords] = {
    WaitKind.SOLUTION: WaitWords(
        "AwaitingSolution",
        "The partner solution is not usable now; it is looked at now and then, and Meta's webhook "
        "wakes this run.",
        Party.OPERATOR,
        "Bring the partner solution to Active: `waboard readiness` says how.",
    ),
    WaitKind.SLOT: WaitWords(
        "AwaitingSlot",
        "This week's new clients are all admitted; this run wakes when its slot frees.",
        Party.US,
        "Nothing to do: clients go in the order in which they came.",
    ),
    WaitKind.REGISTRATION: WaitWords(
        "AwaitingRegistration",
        "Infobip is registering the WABA; its registration webhook wakes this run.",
        Party.INFOBIP,
        "Nothing to do: registration takes minutes to days.",
    ),
    WaitKind.TEMPLATE: WaitWords(
        "AwaitingTemplate",
        "Meta reviews the template of the test message; its webhook wakes this run.",
        Party.META,
        "Nothing to do: the review takes minutes, at times a day.",
    ),
    WaitKind.DELIVERY: WaitWords(
        "AwaitingDelivery",
        "The test messages are sent; their delivery reports wake this run.",
        Party.INFOBIP,
        "Nothing to do: delivery takes seconds while the phone that they go to is online.",
    ),
    WaitKind.INBOUND: WaitWords(
        "AwaitingInbound",
        "The client is to write a message to its number; the message wakes this run.",
        Party.CLIENT,
        WRITE_BY_CARD,
    ),
}


@dataclass(frozen=True, slots=True)
class WaitPlan:
    """How long to sleep before looking for evidence ourselves, and when to give up."""

    nudge: timedelta
    give_up: timedelta

    def give_up_at(self, since: datetime) -> datetime:
        """Return when a wait that began at `since` is given up."""
        return since + self.give_up

    def wake_at(self, since: datetime, now: datetime) -> datetime:
        """Return when to look next: after a nudge, or at the end if that is sooner."""
        return min(now + self.nudge, self.give_up_at(since))


@dataclass(frozen=True, slots=True)
class OpenWait:
    """A wait that holds a run now: since when (over all its sleeps), and until when at most.

    `due_at` is when its run is woken if nothing comes before.
    """

    kind: WaitKind
    since: datetime
    due_at: datetime
    give_up_at: datetime
