"""The books: everything the sandbox knows, in memory, readable as one JSON document."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from waboard.sandbox.account import AccountFacts
from waboard.sandbox.fates import Fate, SenderFate, default_fate
from waboard.sandbox.meta_books import MetaBooks
from waboard.sandbox.sender_books import Proof
from waboard.sandbox.subscription_books import SubscriptionBooks
from waboard.sandbox.template_books import Template, approved_template
from waboard.sandbox.times import stamp

Json = dict[str, Any]

SESSION = 24 * 3600.0
"""How long free text may follow what somebody wrote."""

DEFAULT_APPLICATION = "default"
"""What a number belongs to before it is associated (example of `GET /numbers/1/numbers`)."""


def number_key(number: str) -> str:
    """The numberKey: 32 hex digits that depend on nothing but the number."""
    return hashlib.sha256(number.encode()).hexdigest()[:32].upper()


@dataclass
class Registration:
    """What is known of one WABA."""

    waba_id: str
    fate: Fate
    shares: int = 0
    created_at: str | None = None
    modified_at: str | None = None
    finished_as: Fate | None = None
    """The fate that has come true."""
    kept: dict[tuple[str, str], Template] = field(default_factory=dict[tuple[str, str], Template])
    """Templates that were created, edited or deleted; they go before those of the fate."""

    def names(self) -> set[str]:
        """What requests that are about this WABA name: it, or a sender by its number or key."""
        numbers = {each.number for each in self.fate.senders}
        return {self.waba_id} | numbers | {number_key(each) for each in numbers}

    def keep(self, template: Template) -> None:
        """Note what a template now is."""
        self.kept[template.name, template.language] = template

    def templates(self) -> list[Template]:
        """All that there are: those that the fate brings along, and those made since."""
        brought = [approved_template(self.waba_id, each) for each in self.fate.templates]
        known = {(each.name, each.language): each for each in brought} | self.kept
        return [each for each in known.values() if each.status != "DELETED"]

    def touch(self, moment: float) -> None:
        """Note a change: the first one also creates."""
        now = stamp(moment)
        self.created_at = self.fate.created_at or self.created_at or now
        self.modified_at = self.fate.last_modified_at or now

    def as_json(self) -> Json:
        """For the books and the control API."""
        return {
            "shares": self.shares,
            "createdAt": self.created_at,
            "lastModifiedAt": self.modified_at,
            "fate": self.fate.model_dump(),
            "templates": [each.as_json() for each in self.templates()],
        }


@dataclass(frozen=True)
class RegisteredSender:
    """A number that finished its registration and is now the account's."""

    waba_id: str
    number: str
    since: float

    @property
    def key(self) -> str:
        """The numberKey."""
        return number_key(self.number)


@dataclass(frozen=True)
class Association:
    """A resource, and the application and entity it belongs to."""

    resourceType: str  # noqa: N815 - named as on the wire, so that it is written as it is
    channel: str
    applicationId: str  # noqa: N815
    entityId: str | None  # noqa: N815
    resourceId: str  # noqa: N815

    @property
    def resource(self) -> tuple[str, str, str]:
        """What can be associated only once."""
        return (self.resourceType, self.channel, self.resourceId)

    def as_json(self) -> Json:
        """As the API shows it: a property without a value is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass
class Message:
    """One accepted message to one destination."""

    messageId: str  # noqa: N815
    bulkId: str  # noqa: N815
    sender: str
    to: str
    sentAt: str  # noqa: N815
    platform: Json
    template: str | None
    language: str | None
    callbackData: str | None  # noqa: N815
    campaignReferenceId: str | None  # noqa: N815
    deliveryUrl: str | None  # noqa: N815
    seenUrl: str | None  # noqa: N815
    standalone: bool = False
    """Sent by the standalone API, whose reports look different."""
    status: str = "PENDING"
    """The last status group that was reported."""


@dataclass
class Books:
    """All of it."""

    requests: list[Json] = field(default_factory=list[Json])
    registrations: dict[str, Registration] = field(default_factory=dict[str, Registration])
    senders: dict[str, RegisteredSender] = field(default_factory=dict[str, RegisteredSender])
    proofs: dict[str, Proof] = field(default_factory=dict[str, Proof])
    """By number: the senders that somebody asked to add."""
    business_info: dict[str, Json] = field(default_factory=dict[str, Json])
    """By number: what was changed of it."""
    applications: dict[str, str | None] = field(
        default_factory=lambda: {DEFAULT_APPLICATION: DEFAULT_APPLICATION}
    )
    entities: dict[str, str | None] = field(default_factory=dict[str, str | None])
    associations: dict[tuple[str, str, str], Association] = field(
        default_factory=dict[tuple[str, str, str], Association]
    )
    old_views: dict[tuple[str, str, str], tuple[float, Association | None]] = field(
        default_factory=dict[tuple[str, str, str], tuple[float, Association | None]]
    )
    """What an association still reads back as, and until when."""
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    duplicates: list[str] = field(default_factory=list[str])
    reports: list[tuple[float, Json]] = field(default_factory=list[tuple[float, Json]])
    unsynced: Counter[str] = field(default_factory=Counter[str])
    """How many templates a sender has sent before it knew them."""
    inbound: list[tuple[float, Json]] = field(default_factory=list[tuple[float, Json]])
    sessions: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """When somebody last wrote: to which sender, and who."""
    handed_out: list[str] = field(default_factory=list[str])
    """Ids of the messages whose reports somebody pulled: whoever lost the answer gets no other."""
    webhooks: list[Json] = field(default_factory=list[Json])
    notifications: list[Json] = field(default_factory=list[Json])
    account: AccountFacts = field(default_factory=AccountFacts)
    subscriptions: SubscriptionBooks = field(default_factory=SubscriptionBooks)
    meta: MetaBooks = field(default_factory=MetaBooks)
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def registration(self, waba_id: str) -> Registration:
        """The WABA's page, opened with its default fate when there is none yet."""
        fresh = Registration(waba_id, default_fate(waba_id))
        return self.registrations.setdefault(waba_id, fresh)

    def sender_fate(self, number: str) -> SenderFate | None:
        """What was decided for a registered number, as it stands now."""
        sender = self.senders.get(number)
        if sender is None:
            return None
        fates = self.registration(sender.waba_id).fate.senders
        return next((each for each in fates if each.number == number), None)

    def in_session(self, message: Message, now: float) -> bool:
        """Whether its recipient has written to its sender within the last 24 hours."""
        wrote_at = self.sessions.get((message.sender, message.to.removeprefix("+")))
        return wrote_at is not None and now - wrote_at < SESSION

    def association_of(self, sender: RegisteredSender) -> Association | None:
        """What a WhatsApp number is associated with."""
        return self.associations.get(("NUMBER", "WHATSAPP", sender.key))

    def as_json(self) -> Json:
        """What `GET /sandbox/books` answers."""
        registrations = self.registrations.items()
        return {
            "requests": self.requests,
            "shares": {waba_id: page.shares for waba_id, page in registrations if page.shares},
            "registrations": {waba_id: page.as_json() for waba_id, page in registrations},
            "senders": {number: asdict(each) for number, each in self.senders.items()},
            "business_info": self.business_info,
            "proofs": {number: each.as_json() for number, each in self.proofs.items()},
            "applications": self.applications,
            "entities": self.entities,
            "associations": [asdict(each) for each in self.associations.values()],
            "messages": [asdict(each) for each in self.messages.values()],
            "duplicates": self.duplicates,
            "reports": [report for _, report in self.reports],
            "inbound": [event for _, event in self.inbound],
            "handed_out": self.handed_out,
            "webhooks": self.webhooks,
            "notifications": self.notifications,
            "subscriptions": self.subscriptions.as_json(),
            "meta": self.meta.as_json(),
        }
