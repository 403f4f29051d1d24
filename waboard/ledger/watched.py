"""Whom a reconciliation looks at: read in a few queries, however many there are."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from waboard.domain.conditions import ConditionType, Status
from waboard.domain.filing import Filing
from waboard.domain.ids import NumberKey, PhoneNumber
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Watched, is_looked_for
from waboard.ledger.database import Ledger
from waboard.ledger.models import (
    ClientRow,
    ConditionRow,
    OnboardingRow,
    SenderNameRow,
    SenderRow,
)
from waboard.ledger.queries.counted import newest_onboardings

PAGE = 1000
"""Senders read at a time."""


async def registered_senders(
    ledger: Ledger, client_ref: str | None = None
) -> AsyncGenerator[list[Watched]]:
    """Read the registered senders of the newest onboarding of every WABA, or of one client.

    They come a thousand at a time, so that whoever asks a provider about them can begin at once.
    What was cancelled is kept true by nobody, nor is what is of a client that leaves, nor a number
    that belongs to another client, or may.
    """
    query = _registered().order_by(SenderRow.id).limit(PAGE)
    if client_ref is not None:
        query = query.where(ClientRow.client_ref == client_ref)
    last, is_full = 0, True
    while is_full:
        async with ledger.read() as session:
            rows = (await session.execute(query.where(SenderRow.id > last))).all()
        yield [_watched(*row[1:]) for row in rows]
        last, is_full = (rows[-1][0] if rows else last), len(rows) == PAGE


async def registered_sender(
    session: AsyncSession, onboarding_id: str, number: PhoneNumber
) -> Watched | None:
    """Return one of them as it is now; None where it is none of them any more."""
    query = _registered().where(
        SenderRow.onboarding_id == onboarding_id, SenderRow.phone_number == number
    )
    row = (await session.execute(query)).first()
    return None if row is None else _watched(*row[1:])


def _registered() -> Select[Any]:
    # Columns, not objects: ten thousand of those would take ten times the memory, and the time.
    registered, associated, usable, owned = (aliased(ConditionRow) for _ in range(4))
    return (
        select(
            SenderRow.id,
            SenderRow.onboarding_id,
            ClientRow.client_ref,
            SenderRow.phone_number,
            SenderRow.number_key,
            SenderRow.application_id,
            SenderRow.entity_id,
            OnboardingRow.application_id,
            OnboardingRow.entity_id,
            registered.changed_at,
            associated.status,
            usable.status,
        )
        .join(OnboardingRow, OnboardingRow.id == SenderRow.onboarding_id)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .join(registered, _condition(registered, ConditionType.REGISTERED))
        .outerjoin(associated, _condition(associated, ConditionType.ASSOCIATED))
        .outerjoin(usable, _condition(usable, ConditionType.USABLE))
        .outerjoin(owned, _condition(owned, ConditionType.OWNED))
        .where(
            registered.status == Status.TRUE,
            or_(owned.status.is_(None), owned.status == Status.TRUE),
            OnboardingRow.cancelled_at.is_(None),
            OnboardingRow.leaving_at.is_(None),
            OnboardingRow.id.in_(newest_onboardings()),
        )
    )


def _condition(row: type[ConditionRow], kind: ConditionType) -> ColumnElement[bool]:
    return and_(
        row.onboarding_id == SenderRow.onboarding_id,
        row.subject == SenderRow.phone_number,
        row.type == kind,
    )


def _watched(
    onboarding_id: str,
    client_ref: str,
    phone_number: str,
    number_key: str | None,
    adopted_application: str | None,
    adopted_entity: str | None,
    application_id: str,
    entity_id: str,
    registered_at: datetime,
    associated: str | None,
    usable: str | None,
) -> Watched:
    filing = Filing(application_id, entity_id)
    if adopted_application is not None:
        filing = Filing(adopted_application, adopted_entity)
    return Watched(
        onboarding_id=onboarding_id,
        client_ref=client_ref,
        phone_number=PhoneNumber(phone_number),
        number_key=NumberKey(number_key) if number_key else None,
        filing=filing if associated == Status.TRUE else None,
        usable=None if usable is None else usable == Status.TRUE,
        registered_at=registered_at,
    )


async def awaited_numbers(
    session: AsyncSession, client_ref: str | None = None
) -> list[PhoneNumber]:
    """Return every number whose registration is awaited by a run.

    Those that failed, or that no run awaits any more: `unregistered_senders`.
    """
    registered = aliased(ConditionRow)
    query = (
        select(SenderRow.phone_number)
        .join(OnboardingRow, OnboardingRow.id == SenderRow.onboarding_id)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .outerjoin(registered, _condition(registered, ConditionType.REGISTERED))
        .where(
            OnboardingRow.ended_at.is_(None),
            OnboardingRow.cancelled_at.is_(None),
            OnboardingRow.leaving_at.is_(None),
            or_(registered.status.is_(None), registered.status == Status.UNKNOWN),
        )
    )
    if client_ref is not None:
        query = query.where(ClientRow.client_ref == client_ref)
    return sorted({PhoneNumber(number) for number in await session.scalars(query)})


async def with_shared_numbers(session: AsyncSession, client_ref: str | None = None) -> list[str]:
    """Return the onboardings that have a number which another of ours has, too, or had."""
    mine, theirs, owner = aliased(SenderNameRow), aliased(SenderNameRow), aliased(OnboardingRow)
    shared = (
        select(mine.onboarding_id)
        .join(theirs, theirs.name == mine.name)
        .join(owner, owner.id == theirs.onboarding_id)
        .where(theirs.onboarding_id != mine.onboarding_id, owner.leaving_at.is_(None))
    )
    ruled = select(ConditionRow.onboarding_id).where(
        ConditionRow.type == ConditionType.OWNED, ConditionRow.status != Status.TRUE
    )
    query = (
        select(OnboardingRow.id)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(
            or_(OnboardingRow.id.in_(shared), OnboardingRow.id.in_(ruled)),
            OnboardingRow.leaving_at.is_(None),
        )
        .order_by(OnboardingRow.id)
    )
    if client_ref is not None:
        query = query.where(ClientRow.client_ref == client_ref)
    return list(await session.scalars(query))


@dataclass(frozen=True, slots=True)
class Unregistered:
    """A number that is not registered, and that no run awaits: since when, and when looked for."""

    row_id: int
    phone_number: PhoneNumber
    since: datetime
    looked_for_at: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether to look for it now."""
        return is_looked_for(self.since, self.looked_for_at, now)


async def unregistered_senders(
    session: AsyncSession, client_ref: str | None = None
) -> list[Unregistered]:
    """Return every number that failed to register, or whose onboarding ended without it.

    Of the newest onboarding of every WABA, not of one that was cancelled nor of a client that
    leaves.
    """
    registered = aliased(ConditionRow)
    failed = registered.status == Status.FALSE
    undecided = or_(registered.status.is_(None), registered.status == Status.UNKNOWN)
    since = case((failed, registered.changed_at), else_=OnboardingRow.ended_at)
    query = (
        select(SenderRow.id, SenderRow.phone_number, since, SenderRow.looked_for_at)
        .join(OnboardingRow, OnboardingRow.id == SenderRow.onboarding_id)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .outerjoin(registered, _condition(registered, ConditionType.REGISTERED))
        .where(
            OnboardingRow.cancelled_at.is_(None),
            OnboardingRow.leaving_at.is_(None),
            OnboardingRow.id.in_(newest_onboardings()),
            or_(failed, and_(undecided, OnboardingRow.ended_at.is_not(None))),
        )
        .order_by(SenderRow.id)
    )
    if client_ref is not None:
        query = query.where(ClientRow.client_ref == client_ref)
    return [
        Unregistered(row_id, PhoneNumber(number), at, looked_for_at)
        for row_id, number, at, looked_for_at in await session.execute(query)
    ]


async def note_looked_for(
    session: AsyncSession, senders: Collection[Unregistered], now: datetime
) -> None:
    """Write down that Infobip was asked for these."""
    ids = [each.row_id for each in senders]
    if not ids:
        return
    # Locked in one order, so that two who write of the same senders wait, and for each other never.
    lock = select(SenderRow.id).where(SenderRow.id.in_(ids)).order_by(SenderRow.id)
    await session.execute(lock.with_for_update())
    await session.execute(update(SenderRow).where(SenderRow.id.in_(ids)).values(looked_for_at=now))


@dataclass(frozen=True, slots=True)
class LeftUndone:
    """A step that did not get through, of an onboarding or of one of its senders."""

    onboarding_id: str
    client_ref: str
    phone_number: str
    reason: str


async def left_undone(
    session: AsyncSession, since: datetime, client_ref: str | None = None
) -> list[LeftUndone]:
    """Return what kept an onboarding that has ended from more: a provider was away, or a receiver.

    Only where that began at that time or later: what lasts longer is for a person.
    """
    query = _undone(client_ref).where(
        ConditionRow.reason.in_((Reason.PROVIDER_UNAVAILABLE, Reason.RECEIVER_FAILED)),
        ConditionRow.changed_at >= since,
    )
    return [LeftUndone(*row) for row in await session.execute(query)]


async def given_up(
    session: AsyncSession, since: datetime, client_ref: str | None = None
) -> list[str]:
    """Return onboardings that a provider has kept from more since before that time."""
    query = _undone(client_ref).where(
        ConditionRow.reason == Reason.PROVIDER_UNAVAILABLE, ConditionRow.changed_at < since
    )
    return sorted({row[0] for row in await session.execute(query)})


def _undone(client_ref: str | None) -> Select[Any]:
    query = (
        select(OnboardingRow.id, ClientRow.client_ref, ConditionRow.subject, ConditionRow.reason)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .join(ConditionRow, ConditionRow.onboarding_id == OnboardingRow.id)
        .where(
            OnboardingRow.ended_at.is_not(None),
            OnboardingRow.cancelled_at.is_(None),
            OnboardingRow.leaving_at.is_(None),
            ConditionRow.status != Status.TRUE,
        )
        .order_by(ClientRow.client_ref)
    )
    return query if client_ref is None else query.where(ClientRow.client_ref == client_ref)


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """An onboarding that has not ended, and its run."""

    onboarding_id: str
    client_ref: str
    flow_run_id: str | None


async def on_the_way(session: AsyncSession, client_ref: str | None = None) -> list[OnTheWay]:
    """Return every onboarding that has not ended, and is not about to as cancelled."""
    query = (
        select(OnboardingRow.id, ClientRow.client_ref, OnboardingRow.flow_run_id)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(OnboardingRow.ended_at.is_(None), OnboardingRow.cancelled_at.is_(None))
        .order_by(ClientRow.client_ref)
    )
    if client_ref is not None:
        query = query.where(ClientRow.client_ref == client_ref)
    return [OnTheWay(row[0], row[1], row[2]) for row in await session.execute(query)]
