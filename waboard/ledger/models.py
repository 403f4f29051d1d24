"""The tables. Facts only: what was asked, received, done, and what is true because of it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from waboard.domain.additions import AdditionState
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import DecisionVerb
from waboard.domain.departures import DepartureState
from waboard.domain.onboarding import VerifyBy
from waboard.domain.outcome import OutcomeName
from waboard.domain.posting import MessageState
from waboard.domain.signup import CodeState, Ending
from waboard.domain.waits import WaitKind
from waboard.ledger.rules import (
    at_least,
    belongs_to_client,
    digits,
    empty_or_digits,
    holds,
    one_at_most,
    one_of,
    over_when,
    said,
)


class UtcDateTime(TypeDecorator[datetime]):
    """A time with its zone, always UTC. SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone: it would mean something else on every machine."""
        if value is not None and value.tzinfo is None:
            raise ValueError("the ledger takes no time without a zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The ledger's tables, with constraint names that Alembic can drop on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


class Disposition(StrEnum):
    """What became of an event. It is never empty: until somebody asks for it, it is parked.

    A duplicate is no event of its own: it is counted in the first one's `times_received`.
    """

    PARKED = "parked"
    APPLIED = "applied"
    STALE = "stale"
    UNSUPPORTED = "unsupported"
    INVALID = "invalid"


class EventKind(StrEnum):
    """What an event is about."""

    REGISTRATION = "registration"
    DELIVERY = "delivery"
    SEEN = "seen"
    INBOUND = "inbound"
    TEMPLATE = "template"
    ACCOUNT = "account"
    QUALITY = "quality"
    META = "meta"
    SIGNUP = "signup"
    UNREAD = "unread"


class EffectStatus(StrEnum):
    """How far an effect got. `started` without an end is as good as `ambiguous`.

    `refused` was taken and answered with a no, such as a rejected message; `failed` never was.
    """

    STARTED = "started"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"


class Verb(StrEnum):
    """What we do to the outside world."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    SHARE = "share"
    CREATE_APPLICATION = "create-application"
    CREATE_ENTITY = "create-entity"
    DELETE_ENTITY = "delete-entity"
    ASSOCIATE = "associate"
    DISSOCIATE = "dissociate"
    CREATE_TEMPLATE = "create-template"
    SEND_TEST_MESSAGE = "send-test-message"
    ADD_SENDER = "add-sender"
    RESEND_CODE = "resend-code"
    SUBMIT_CODE = "submit-code"
    CHANGE_PROFILE = "change-profile"
    NOTIFY_OPERATOR = "notify-operator"
    NOTIFY_PROVIDER = "notify-provider"
    REMIND_OPERATOR = "remind-operator"


class ClientRow(Base):
    """An end business."""

    __tablename__ = "clients"
    __table_args__ = (*said("client_ref", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    client_ref: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


class OnboardingRow(Base):
    """One attempt to bring one WABA of one client live; at most one unfinished per WABA.

    `reopened_at` is when somebody last retried its run after it had ended: what was waited for or
    tested before that may be waited for or tested again. `leg` is the one leg of its run that may
    still act: a leg that was given up for dead and lives finds another's name here. `ended_as` is
    the outcome that was told at the end, `news_at` when something came that changes it, or gives
    the run something to do: it goes on, and then there is none. `card_id` is its artifact in the
    Prefect UI. `health` is what Meta last said of the WABA; `meta_looked_at` and
    `template_looked_at` are when a reconciliation last tried to look there. `cancelled_at` is when
    somebody cancelled it, from then on no leg may act; it has ended once its run has stopped.
    `leaving_at` is when it was approved that the client leaves, from then on nothing changes it;
    `left_at` is when the client had. `reconnected_at` is when it last came back through a link for
    this WABA: what Meta said before counts no more. `registration_retried_at` is when somebody last
    retried a registration that had failed: what was said of it before that is no answer.
    `own_reads` are what we last saw ourselves of conditions that Meta's webhooks speak of as well,
    by their type; `look_at` is when it must be looked at again though nothing is said: a
    restriction of Meta's ends, or a ruling on who owns a sender was put off until then.
    `show_at` is when the Prefect UI is to show it anew; none while what it shows is true.
    """

    __tablename__ = "onboardings"
    __table_args__ = (
        UniqueConstraint("waba_id", "attempt"),
        one_at_most("onboardings", "waba_id", "left_at IS NULL", "here"),
        one_at_most("onboardings", "client_id", "left_at IS NULL", "here"),
        one_at_most("onboardings", "flow_run_id", "flow_run_id IS NOT NULL", "run"),
        at_least(1, "attempt"),
        digits("waba_id"),
        digits("solution_id", optional=True),
        one_of("verify_by", VerifyBy),
        one_of("ended_as", OutcomeName, optional=True),
        *said("application_id", "entity_id"),
        holds("leg", "leg IS NULL OR flow_run_id IS NOT NULL"),
        holds("leaving", "leaving_at IS NULL OR ended_at IS NOT NULL"),
        holds("left", "left_at IS NULL OR leaving_at IS NOT NULL"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    waba_id: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int] = mapped_column(Integer)
    application_id: Mapped[str] = mapped_column(String(255))
    entity_id: Mapped[str] = mapped_column(String(255))
    solution_id: Mapped[str | None] = mapped_column(String(20))
    verify_by: Mapped[str] = mapped_column(String(10), server_default="template")
    phone_numbers: Mapped[list[str]]
    flow_run_id: Mapped[str | None] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_as: Mapped[str | None] = mapped_column(String(40))
    news_at: Mapped[datetime | None] = mapped_column(index=True)
    reopened_at: Mapped[datetime | None]
    leg: Mapped[str | None] = mapped_column(String(36))
    card_id: Mapped[str | None] = mapped_column(String(36))
    health: Mapped[dict[str, Any] | None]
    health_at: Mapped[datetime | None]
    meta_looked_at: Mapped[datetime | None] = mapped_column(index=True)
    template_looked_at: Mapped[datetime | None] = mapped_column(index=True)
    cancelled_at: Mapped[datetime | None]
    leaving_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    reconnected_at: Mapped[datetime | None]
    registration_retried_at: Mapped[datetime | None]
    own_reads: Mapped[dict[str, Any] | None]
    look_at: Mapped[datetime | None] = mapped_column(index=True)
    show_at: Mapped[datetime | None] = mapped_column(index=True)


class SenderRow(Base):
    """One phone number of an onboarding's WABA.

    `phone_number` is as Infobip spells it; `SenderNameRow` has all its names. `application_id` and
    `entity_id` are the ids that it was found filed under and works with, where they are not the
    onboarding's. `standing` and `profile` are what Infobip last said of it, `health` what Meta did.
    `is_listed` is whether Meta's list of the WABA's numbers showed it at `listed_at`.
    `registration_retried_at` is when somebody last retried its registration, which had failed;
    `looked_for_at` when a reconciliation last asked Infobip whether it is registered after all.
    """

    __tablename__ = "senders"
    __table_args__ = (
        digits("phone_number"),
        digits("phone_number_id", optional=True),
        holds("adopted", "entity_id IS NULL OR application_id IS NOT NULL"),
        holds("listed", "(is_listed IS NULL) = (listed_at IS NULL)"),
        UniqueConstraint("onboarding_id", "phone_number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), index=True)
    phone_number: Mapped[str] = mapped_column(String(20))
    phone_number_id: Mapped[str | None] = mapped_column(String(20))
    number_key: Mapped[str | None] = mapped_column(String(255))
    application_id: Mapped[str | None] = mapped_column(String(255))
    entity_id: Mapped[str | None] = mapped_column(String(255))
    standing: Mapped[dict[str, Any] | None]
    standing_at: Mapped[datetime | None]
    profile: Mapped[dict[str, Any] | None]
    profile_at: Mapped[datetime | None]
    health: Mapped[dict[str, Any] | None]
    health_at: Mapped[datetime | None]
    registration_retried_at: Mapped[datetime | None]
    looked_for_at: Mapped[datetime | None]
    is_listed: Mapped[bool | None]
    listed_at: Mapped[datetime | None]


class SenderNameRow(Base):
    """A name by which an upstream knows a sender; names shared by two senders mean one number.

    `name` is a spelling of its number (digits), or Meta's id of it (`id:…`), or Infobip's numberKey
    (`key:…`).
    """

    __tablename__ = "sender_names"
    __table_args__ = (*said("name"),)

    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(300), primary_key=True, index=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), index=True)


class AdditionRow(Base):
    """A sender that is added to a client's WABA after its signup, one run of `add-sender` each.

    `id` is that run's. `state` is an `AdditionState`; `pause_key` names the sleep in which the run
    waits for the one-time password, until `give_up_at`.
    """

    __tablename__ = "additions"
    __table_args__ = (
        one_at_most("additions", "pause_key", "pause_key IS NOT NULL", "sleep"),
        digits("phone_number"),
        one_of("state", AdditionState),
        over_when("state", (state for state in AdditionState if state.is_over)),
        one_at_most("additions", "phone_number", "ended_at IS NULL", "unfinished"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), index=True)
    phone_number: Mapped[str] = mapped_column(String(20))
    display_name: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(Text, default="")
    pause_key: Mapped[str | None] = mapped_column(String(36))
    asked_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    give_up_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class ConditionRow(Base):
    """What is true now. `subject` is a sender's phone number, or empty for the onboarding."""

    __tablename__ = "conditions"
    __table_args__ = (
        empty_or_digits("subject"),
        one_of("type", ConditionType),
        one_of("status", Status),
        *said("reason"),
    )

    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(20), primary_key=True)
    type: Mapped[str] = mapped_column(String(20), primary_key=True)
    status: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(50))
    message: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(String(255))
    changed_at: Mapped[datetime]


class ConditionChangeRow(Base):
    """The history of a condition: one row for every change of status, reason or message."""

    __tablename__ = "condition_changes"
    __table_args__ = (
        empty_or_digits("subject"),
        one_of("type", ConditionType),
        one_of("status_before", Status, optional=True),
        one_of("status", Status),
        *said("reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), index=True)
    subject: Mapped[str] = mapped_column(String(20))
    type: Mapped[str] = mapped_column(String(20))
    status_before: Mapped[str | None] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(50))
    message: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(String(255))
    at: Mapped[datetime]


class EventRow(Base):
    """Something received, kept as it came before it was answered.

    `digest` identifies the fact: the same fact again is counted in `times_received`, not kept
    twice. `body` is the fact's JSON, or the whole raw body when it could not be read.
    """

    __tablename__ = "events"
    __table_args__ = (
        one_of("kind", EventKind),
        one_of("disposition", Disposition),
        at_least(1, "times_received"),
        # What concerns no onboarding in particular was settled as it came, or when it was replayed.
        holds(
            "applied",
            "disposition <> 'applied' OR onboarding_id IS NOT NULL"
            " OR kind IN ('template', 'meta', 'signup') OR digest LIKE 'replayed %'",
        ),
        # Holds all that is counted of events, which have grown large when there are many.
        Index("ix_events_kind_disposition_received_at", "kind", "disposition", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(20))
    body: Mapped[str] = mapped_column(Text)
    waba_id: Mapped[str | None] = mapped_column(String(20), index=True)
    message_id: Mapped[str | None] = mapped_column(String(255), index=True)
    phone_number: Mapped[str | None] = mapped_column(String(20), index=True)
    onboarding_id: Mapped[str | None] = mapped_column(ForeignKey("onboardings.id"), index=True)
    disposition: Mapped[str] = mapped_column(String(20), index=True)
    detail: Mapped[str] = mapped_column(Text, default="")
    times_received: Mapped[int] = mapped_column(Integer, default=1)
    received_at: Mapped[datetime]
    last_received_at: Mapped[datetime]


class EffectRow(Base):
    """Something done to the outside world, written down before it is done and after.

    `confirmed_at` is when its result was first read back: what reads otherwise later was undone.
    """

    __tablename__ = "effects"
    __table_args__ = (
        one_at_most("effects", "external_id", f"verb = '{Verb.SEND_TEST_MESSAGE}'", "message"),
        one_of("verb", Verb),
        one_of("status", EffectStatus),
        at_least(1, "attempt"),
        holds("ended", "(ended_at IS NULL) = (status = 'started')"),
        holds("confirmed", "confirmed_at IS NULL OR status = 'done'"),
        UniqueConstraint("onboarding_id", "verb", "subject", "attempt"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), index=True)
    verb: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(255))
    attempt: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str | None] = mapped_column(String(255), index=True)
    detail: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]


class WaitRow(Base):
    """A run sleeps until `wake_at`; the first event that satisfies the wait moves it to now.

    `since` is when the onboarding first slept for this kind of thing, over all its sleeps; where
    `slept_on`, it slept for it once more afterwards: this sleep was not the last.
    """

    __tablename__ = "waits"
    __table_args__ = (
        one_at_most("waits", "onboarding_id", "closed_at IS NULL", "open"),
        UniqueConstraint("pause_key"),
        one_of("kind", WaitKind),
        *said("flow_run_id", "pause_key"),
        Index("ix_waits_closed_at_wake_at", "closed_at", "wake_at"),
        # Holds the last sleeps of each kind, the latest of which say how long they usually take.
        Index("ix_waits_kind_slept_on_closed_at", "kind", "slept_on", "closed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    flow_run_id: Mapped[str] = mapped_column(String(36))
    pause_key: Mapped[str] = mapped_column(String(36))
    since: Mapped[datetime]
    opened_at: Mapped[datetime]
    wake_at: Mapped[datetime]
    give_up_at: Mapped[datetime]
    satisfied_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    slept_on: Mapped[bool] = mapped_column(default=False, server_default=false())


class RateLimitRow(Base):
    """When the next call in a bucket may be made, in seconds since the epoch.

    `next_at` is the next free slot. `held_until` is the earliest moment at which any call may
    leave, also one that has its slot: an interval after the last one left, or when the upstream
    told us to come again.
    """

    __tablename__ = "rate_limits"
    __table_args__ = (
        *said("bucket"),
        at_least(0, "next_at"),
        at_least(0, "held_until"),
    )

    bucket: Mapped[str] = mapped_column(String(50), primary_key=True)
    next_at: Mapped[float] = mapped_column(Float)
    held_until: Mapped[float] = mapped_column(Float, default=0.0)


class SignupRow(Base):
    """A signup link, and what came of it.

    Only the hash of its token is stored. `granted` are the WABAs that the client's token names,
    None while no token did; `message` is the window message, word for word. `problem` is what a
    person has to settle. A link is live until it is used, revoked, or expired. One with a `waba_id`
    is for that WABA alone: its client connects it again.
    """

    __tablename__ = "signups"
    __table_args__ = (
        one_at_most(
            "signups", "client_ref", "revoked_at IS NULL AND onboarding_id IS NULL", "live"
        ),
        belongs_to_client(),
        digits("waba_id", optional=True),
        digits("portfolio_id", optional=True),
        one_of("ending", Ending, optional=True),
        one_of("code_state", CodeState, optional=True),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    client_ref: Mapped[str] = mapped_column(String(255))
    waba_id: Mapped[str | None] = mapped_column(String(20))
    facts: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    signalled_at: Mapped[datetime | None] = mapped_column(index=True)
    ending: Mapped[str | None] = mapped_column(String(20))
    ending_detail: Mapped[str] = mapped_column(Text, default="")
    message: Mapped[str | None] = mapped_column(Text)
    code_state: Mapped[str | None] = mapped_column(String(20))
    granted: Mapped[list[str] | None]
    portfolio_id: Mapped[str | None] = mapped_column(String(20), index=True)
    onboarding_id: Mapped[str | None] = mapped_column(ForeignKey("onboardings.id"), index=True)
    problem: Mapped[str | None] = mapped_column(Text)


class BusinessTokenRow(Base):
    """A client's business token, sealed: nobody reads it without the key in the settings."""

    __tablename__ = "business_tokens"
    __table_args__ = (
        belongs_to_client(),
        digits("portfolio_id", optional=True),
        *said("sealed"),
    )

    client_ref: Mapped[str] = mapped_column(String(255), primary_key=True)
    sealed: Mapped[str] = mapped_column(Text)
    portfolio_id: Mapped[str | None] = mapped_column(String(20))
    expires_at: Mapped[datetime | None]
    received_at: Mapped[datetime]


class AdmissionRow(Base):
    """A new client in the queue of the weekly cap, in the order of the ids; admitted, or not yet.

    A client counts once, however many onboardings it has.
    """

    __tablename__ = "admissions"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), unique=True)
    applied_at: Mapped[datetime]
    admitted_at: Mapped[datetime | None] = mapped_column(index=True)


class ConfirmationRow(Base):
    """What a person has confirmed of the provider's own set-up, the latest of each item."""

    __tablename__ = "confirmations"
    __table_args__ = (*said("item", "who"),)

    item: Mapped[str] = mapped_column(String(50), primary_key=True)
    holds: Mapped[bool]
    who: Mapped[str] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]


class DigestRow(Base):
    """A digest for the operator: what had ended since the one before, up to `until`.

    `told_at` is when it was delivered, or there was nothing to say. One that never was is told with
    the next.
    """

    __tablename__ = "digests"

    id: Mapped[int] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    told_at: Mapped[datetime | None]


class DecisionRow(Base):
    """What a person decided about an onboarding, or about one of its senders.

    `left_run_id` is the run that it left behind: another carries the onboarding since. Of the
    assignment of a number, `named_at` and `removed_at` say over which evidence it was decided: the
    latest of Infobip's and of Meta's words, by their own clocks.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        empty_or_digits("phone_number"),
        one_of("verb", DecisionVerb),
        *said("by", "why"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), index=True)
    phone_number: Mapped[str] = mapped_column(String(20))
    verb: Mapped[str] = mapped_column(String(20))
    by: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    left_run_id: Mapped[str | None] = mapped_column(String(36))
    named_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class DepartureRow(Base):
    """A client that is to leave, asked for by one run of `offboard`, whose id it has.

    `state` is a `DepartureState`; `pause_key` names the sleep in which the run waits for the
    approval, until `give_up_at`.
    """

    __tablename__ = "departures"
    __table_args__ = (
        one_at_most("departures", "pause_key", "pause_key IS NOT NULL", "sleep"),
        one_of("state", DepartureState),
        over_when("state", (state for state in DepartureState if state.is_over)),
        *said("by", "why"),
        one_at_most("departures", "onboarding_id", "ended_at IS NULL", "unfinished"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), index=True)
    state: Mapped[str] = mapped_column(String(20))
    by: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text, default="")
    pause_key: Mapped[str | None] = mapped_column(String(36))
    asked_at: Mapped[datetime]
    give_up_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class OutboxRow(Base):
    """A message to the provider's own system, written together with what it tells.

    `id` is its `webhook-id`; `sequence` orders the messages of one onboarding, and is never given
    twice. `client_ref`, `waba_id` and `attempt` are the onboarding's, `payload` is the rest.
    `state` is a `MessageState`; `next_at` is when a pending one is tried next, or when whoever
    tries it now is given up for dead. `answer` is the last that the receiver said.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("state", MessageState),
        *said("type"),
        digits("waba_id"),
        at_least(1, "attempt"),
        at_least(0, "tries"),
        Index("ix_outbox_state_next_at", "state", "next_at"),
        {"sqlite_autoincrement": True},
    )

    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    onboarding_id: Mapped[str] = mapped_column(ForeignKey("onboardings.id"), index=True)
    type: Mapped[str] = mapped_column(String(40))
    client_ref: Mapped[str] = mapped_column(String(255))
    waba_id: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int] = mapped_column(Integer)
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(index=True)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None]


class ReceiverRow(Base):
    """How a receiver of messages stands, by the digest of its address: that may hold a secret.

    It is left alone until `held_until` after so many `failures` in a row, and for good from
    `stopped_at` on, when it has said that it wants no more.
    """

    __tablename__ = "receivers"
    __table_args__ = (at_least(0, "failures"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    held_until: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
