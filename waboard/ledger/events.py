"""Events: kept before they are answered, each with a disposition that is never empty.

A new event is `parked` until an onboarding takes it up, so a crash between keeping and acting
loses nothing: the next look takes it up.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, and_, bindparam, false, func, or_, select, text, union
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import NotFound
from waboard.domain.facts import Fact
from waboard.domain.spelling import other_spellings
from waboard.domain.template import TemplateUpdate
from waboard.domain.waits import WaitKind
from waboard.ledger.locks import hold_events
from waboard.ledger.models import (
    ConditionRow,
    Disposition,
    EffectRow,
    EventKind,
    EventRow,
    OnboardingRow,
    SenderNameRow,
    SenderRow,
    UtcDateTime,
)
from waboard.ledger.waits import hurry

FOR_ALL = {WaitKind.SOLUTION: EventKind.META, WaitKind.TEMPLATE: EventKind.TEMPLATE}
"""Waits for what an event tells that names no WABA: all who wait so look again."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a fact was kept, and whether it was known already."""

    event_id: int
    duplicate: bool


async def receive(
    session: AsyncSession, facts: Iterable[Fact], source: str, now: datetime
) -> list[Receipt]:
    """Keep facts. One that is known is counted, not kept twice; receipts are in the facts' order.

    Two deliveries of the same fact in the same instant meet at the unique digest: the second waits
    for the first and then counts it. Whoever waits for what concerns all is due at once: who keeps
    a fact may die before it can wake anybody.
    """
    batch = list(enumerate(facts))
    # All in the same order: else two batches with the same facts could wait for each other.
    in_order = sorted(batch, key=lambda each: each[1].digest)
    receipts = {place: await _keep(session, fact, source, now) for place, fact in in_order}
    await hurry_for_all(session, {fact.kind for _, fact in batch if fact.settled is not None}, now)
    return [receipts[place] for place, _ in batch]


async def hurry_for_all(session: AsyncSession, kinds: Collection[str], now: datetime) -> None:
    """Let all who wait for something of these kinds be due now."""
    for wait, kind in FOR_ALL.items():
        if kind in kinds:
            await hurry(session, wait, now)


async def only_awaited(session: AsyncSession, facts: Iterable[Fact]) -> list[Fact]:
    """Leave out messages to senders that are not on their way to live: they are others' business.

    All of a client's traffic comes this way, where the account is set up so. A message to another
    spelling of an awaited number is about that number.
    """
    listed = list(facts)
    numbers = {f.phone_number for f in listed if f.kind == EventKind.INBOUND and f.phone_number}
    if not numbers:
        return listed
    spelled = {number: (number, *other_spellings(number)) for number in numbers}
    query = (
        select(SenderNameRow.name)
        .join(OnboardingRow, SenderNameRow.onboarding_id == OnboardingRow.id)
        .where(
            SenderNameRow.name.in_({each for spellings in spelled.values() for each in spellings}),
            OnboardingRow.ended_at.is_(None),
        )
    )
    awaited = set(await session.scalars(query))
    known = {n: next((s for s in spelled[n] if s in awaited), None) for n in numbers}
    named = (
        replace(f, phone_number=known[f.phone_number])
        if f.kind == EventKind.INBOUND and f.phone_number
        else f
        for f in listed
    )
    # Without a number it could not be read, and is kept as invalid.
    return [f for f in named if f.kind != EventKind.INBOUND or f.phone_number or f.problem]


async def _keep(session: AsyncSession, fact: Fact, source: str, now: datetime) -> Receipt:
    disposition, detail = _first_disposition(fact)
    values = {
        "digest": fact.digest,
        "kind": fact.kind,
        "source": source,
        "body": fact.body,
        "waba_id": fact.waba_id,
        "message_id": fact.message_id,
        "phone_number": fact.phone_number,
        "disposition": disposition,
        "detail": detail,
        "now": now,
    }
    await session.flush()
    kept = await session.execute(_INSERT_OR_COUNT, values)
    event_id, times = kept.one()
    return Receipt(event_id, duplicate=times > 1)


# As text, since SQLAlchemy compiles an `on_conflict_do_update` anew each time, which took a sixth
# of a webhook's time.
_INSERT_OR_COUNT = text(
    """
    INSERT INTO events (
        digest, kind, source, body, waba_id, message_id, phone_number, disposition, detail,
        times_received, received_at, last_received_at
    )
    VALUES (
        :digest, :kind, :source, :body, :waba_id, :message_id, :phone_number, :disposition, :detail,
        1, :now, :now
    )
    ON CONFLICT (digest) DO UPDATE SET
        times_received = events.times_received + 1,
        last_received_at = excluded.last_received_at
    RETURNING id, times_received
    """
).bindparams(bindparam("now", type_=UtcDateTime()))


_NOTE = " Note: "


def conclude(event: EventRow, disposition: Disposition, said: str) -> None:
    """Say what became of a parked event. What was noted when it was kept stays beside that."""
    _, marker, note = event.detail.partition(_NOTE)
    event.disposition, event.detail = disposition, f"{said}{marker}{note}"


def _first_disposition(fact: Fact) -> tuple[Disposition, str]:
    disposition, said = _disposition_of(fact)
    return disposition, f"{said}{_NOTE}{fact.note}" if fact.note else said


def _disposition_of(fact: Fact) -> tuple[Disposition, str]:
    if fact.problem is not None:
        return Disposition.INVALID, fact.problem
    if fact.unsupported is not None:
        return Disposition.UNSUPPORTED, fact.unsupported
    if fact.settled is not None:
        return Disposition.APPLIED, fact.settled
    return Disposition.PARKED, "Nobody has asked about this yet."


async def read_event(session: AsyncSession, event_id: int) -> EventRow:
    """Return one event. Raises NotFound."""
    row = await session.get(EventRow, event_id)
    if row is None:
        raise NotFound(f"There is no event {event_id}.", remedy="See `waboard events list`.")
    return row


async def list_events(
    session: AsyncSession, *, disposition: str | None = None, limit: int = 50
) -> list[EventRow]:
    """Return the newest events first."""
    query = select(EventRow).order_by(EventRow.id.desc()).limit(limit)
    if disposition is not None:
        query = query.where(EventRow.disposition == disposition)
    return list(await session.scalars(query))


async def onboarding_for(session: AsyncSession, event: EventRow) -> str | None:
    """Return the onboarding that an event is about.

    That is the one that sent its message, the newest attempt for its WABA, or the one that has its
    number: none that leaves before one that stays, none that it moved away from before one that has
    it, and then the newest.
    """
    if event.message_id is not None:
        query = select(EffectRow.onboarding_id).where(EffectRow.external_id == event.message_id)
    elif event.waba_id is not None:
        query = (
            select(OnboardingRow.id)
            .where(OnboardingRow.waba_id == event.waba_id)
            .order_by(OnboardingRow.attempt.desc())
        )
    else:
        query = _who_has(event.phone_number)
    return await session.scalar(query.limit(1))


def _who_has(number: str | None) -> Select[tuple[str]]:
    moved = and_(
        ConditionRow.onboarding_id == SenderRow.onboarding_id,
        ConditionRow.subject == SenderRow.phone_number,
        ConditionRow.type == ConditionType.OWNED,
        ConditionRow.status == Status.FALSE,
    )
    return (
        select(OnboardingRow.id)
        .join(SenderNameRow, SenderNameRow.onboarding_id == OnboardingRow.id)
        .join(SenderRow, SenderRow.id == SenderNameRow.sender_id)
        .outerjoin(ConditionRow, moved)
        .where(SenderNameRow.name == number)
        .order_by(
            OnboardingRow.leaving_at.is_not(None),
            ConditionRow.type.is_not(None),
            OnboardingRow.created_at.desc(),
        )
    )


async def parked_for(session: AsyncSession, onboarding_id: str) -> list[EventRow]:
    """Return the parked events that are about this onboarding, in the order they came.

    They are held: a webhook that counts one of them again waits.
    """
    wabas = select(OnboardingRow.waba_id).where(OnboardingRow.id == onboarding_id)
    messages = select(EffectRow.external_id).where(EffectRow.onboarding_id == onboarding_id)
    numbers = select(SenderNameRow.name).where(SenderNameRow.onboarding_id == onboarding_id)
    query = (
        select(EventRow)
        .where(
            EventRow.disposition == Disposition.PARKED,
            or_(
                EventRow.waba_id.in_(wabas),
                EventRow.message_id.in_(messages),
                and_(EventRow.phone_number.is_not(None), EventRow.phone_number.in_(numbers)),
            ),
        )
        .order_by(EventRow.id)
    )
    rows = list(await session.scalars(query))
    ours = [row.id for row in rows if await onboarding_for(session, row) == onboarding_id]
    held = await hold_events(session, ours) if ours else []
    parked = (row for row in held if row.disposition == Disposition.PARKED)
    return sorted(parked, key=lambda row: row.id)


async def adopted_by(session: AsyncSession, onboarding_id: str) -> list[EventRow]:
    """Return all events that an onboarding has taken up, in the order they came."""
    query = select(EventRow).where(EventRow.onboarding_id == onboarding_id).order_by(EventRow.id)
    return list(await session.scalars(query))


async def quality_about(session: AsyncSession, onboarding_id: str) -> list[EventRow]:
    """Return what Infobip has said of how an onboarding's numbers stand, since it began."""
    query = (
        select(EventRow)
        .join(SenderNameRow, SenderNameRow.name == EventRow.phone_number)
        .join(OnboardingRow, OnboardingRow.id == SenderNameRow.onboarding_id)
        .where(
            SenderNameRow.onboarding_id == onboarding_id,
            EventRow.kind == EventKind.QUALITY,
            EventRow.disposition != Disposition.PARKED,
            EventRow.last_received_at >= OnboardingRow.created_at,
        )
        .order_by(EventRow.id)
    )
    return list(await session.scalars(query))


async def concerned_by(
    session: AsyncSession, event_ids: Collection[int] | None = None
) -> list[str]:
    """Return the onboardings that events are about, in an order that is always the same.

    Without ids, those that parked events are about: somebody died before acting on them.
    """
    parked = EventRow.disposition == Disposition.PARKED
    meant = parked if event_ids is None else EventRow.id.in_(event_ids)
    by_waba = select(OnboardingRow.id).join(EventRow, EventRow.waba_id == OnboardingRow.waba_id)
    by_message = select(EffectRow.onboarding_id).join(
        EventRow, EventRow.message_id == EffectRow.external_id
    )
    by_number = select(SenderNameRow.onboarding_id).join(
        EventRow, EventRow.phone_number == SenderNameRow.name
    )
    query = union(*(each.where(meant) for each in (by_waba, by_message, by_number)))
    return sorted(await session.scalars(query))


async def settled_kinds(session: AsyncSession, event_ids: Collection[int]) -> set[str]:
    """Return the kinds of those of these events that are about no onboarding in particular."""
    query = select(EventRow.kind).where(
        EventRow.id.in_(event_ids),
        EventRow.disposition == Disposition.APPLIED,
        EventRow.onboarding_id.is_(None),
    )
    return set(await session.scalars(query.distinct()))


async def why_rejected(session: AsyncSession, template_id: str) -> str | None:
    """Return the reason that Infobip last gave for a template's change; reading it gives none."""
    # What is kept is canonical JSON, so an exact part of it can be looked for: a text or a number.
    forms = (f'"{template_id}"', f"{template_id},", f"{template_id}}}") if template_id else ()
    told = [
        EventRow.body.contains(f'"messageTemplateId":{form}', autoescape=True) for form in forms
    ]
    query = select(EventRow.body).where(EventRow.kind == EventKind.TEMPLATE, or_(false(), *told))
    body = await session.scalar(query.order_by(EventRow.id.desc()).limit(1))
    return (TemplateUpdate.model_validate_json(body).change.reason or None) if body else None


async def came_for_all(session: AsyncSession, kind: WaitKind, since: datetime) -> bool:
    """Whether something came, at that time or later, because of which all look again that wait."""
    query = select(EventRow.id).where(
        EventRow.kind == FOR_ALL[kind],
        EventRow.disposition == Disposition.APPLIED,
        EventRow.onboarding_id.is_(None),
        EventRow.last_received_at >= since,
    )
    return await session.scalar(query.limit(1)) is not None


async def last_received(session: AsyncSession, kind: str, source: str) -> datetime | None:
    """Return when something of that kind last came from there."""
    query = select(func.max(EventRow.last_received_at)).where(
        EventRow.kind == kind, EventRow.source == source
    )
    return await session.scalar(query)


async def parked_of(session: AsyncSession, kind: str) -> list[EventRow]:
    """Return the parked events of a kind, in the order they came."""
    query = select(EventRow).where(
        EventRow.kind == kind, EventRow.disposition == Disposition.PARKED
    )
    return list(await session.scalars(query.order_by(EventRow.id)))
