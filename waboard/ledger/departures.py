"""Clients that leave: what was asked for, how far each is, and what leaving changes."""

from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.decisions import Order
from waboard.domain.departures import Departure, DepartureState, handwork_of
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import OutcomeName
from waboard.domain.reasons import Reason
from waboard.ledger.conditions import write_condition
from waboard.ledger.models import (
    AdditionRow,
    ClientRow,
    ConditionRow,
    DepartureRow,
    EffectRow,
    EffectStatus,
    OnboardingRow,
    SenderRow,
    SignupRow,
    Verb,
)
from waboard.ledger.showing import show_soon
from waboard.ledger.tokens import destroy_tokens
from waboard.ledger.waits import close_waits


async def note_departure(
    session: AsyncSession, run_id: str, onboarding: Onboarding, order: Order, now: datetime
) -> tuple[Departure, bool]:
    """Write down that a run is to ask for a departure, unless one does: that one is returned.

    Returns also whether this run had not been noted. One that was approved before, and broke off,
    needs no other approval.
    """
    known = await session.get(DepartureRow, run_id)
    if known is not None:
        return _read(known), False
    begun = onboarding.leaving is not None
    row = DepartureRow(
        id=run_id,
        onboarding_id=onboarding.id,
        state=DepartureState.LEAVING if begun else DepartureState.APPROVAL_AWAITED,
        by=order.by,
        why=order.why,
        detail="It goes on." if begun else "Its approval is awaited.",
        asked_at=now,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        found = await open_departure(session, onboarding.id)
        return found or _read(await session.get_one(DepartureRow, run_id)), False
    return _read(row), True


async def begin_anew(session: AsyncSession, onboarding: Onboarding, run_id: str) -> Departure:
    """Ask once more, or go on with what was approved: somebody retried its run.

    One that is done, or not over, stays as it is.
    """
    row = await session.get_one(DepartureRow, run_id)
    if row.ended_at is None or row.state == DepartureState.DONE:
        return _read(row)
    other = await open_departure(session, onboarding.id)
    if other is not None:
        return other
    begun = onboarding.leaving is not None or row.state == DepartureState.FAILED
    row.state = DepartureState.LEAVING if begun else DepartureState.APPROVAL_AWAITED
    row.pause_key = row.give_up_at = row.ended_at = None
    row.detail = "It goes on." if begun else "Asked for again."
    return _read(row)


def _read(row: DepartureRow) -> Departure:
    return Departure(
        id=row.id,
        onboarding_id=row.onboarding_id,
        state=DepartureState(row.state),
        by=row.by,
        why=row.why,
        detail=row.detail,
        pause_key=row.pause_key,
        asked_at=row.asked_at,
        give_up_at=row.give_up_at,
        ended_at=row.ended_at,
    )


async def read_departure(session: AsyncSession, run_id: str) -> Departure:
    """Return a departure as it stands."""
    return _read(await session.get_one(DepartureRow, run_id))


async def move_departure(
    session: AsyncSession, run_id: str, state: DepartureState, detail: str, now: datetime
) -> Departure:
    """Write down how far a departure is. One that is over stays as it ended."""
    row = await session.get_one(DepartureRow, run_id)
    if row.ended_at is None:
        row.state, row.detail = state, detail
        row.ended_at = now if state.is_over else None
    return _read(row)


async def note_approval_asked(
    session: AsyncSession, departure: Departure, pause_key: str, give_up_at: datetime, now: datetime
) -> None:
    """Write down that a run waits for the approval; it gives up as it first said."""
    row = await session.get_one(DepartureRow, departure.id)
    row.pause_key, row.give_up_at = pause_key, row.give_up_at or give_up_at
    reason = Reason.APPROVAL_AWAITED
    await _released(session, row.onboarding_id, reason, departure.request, now)


async def forget_question(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Take back that an approval is needed: nobody is asked any more."""
    key = (onboarding_id, "", ConditionType.RELEASED)
    row = await session.get(ConditionRow, key)
    if row is not None and row.reason == Reason.APPROVAL_AWAITED:
        await session.delete(row)
        await show_soon(session, onboarding_id, now)


async def open_departures(session: AsyncSession) -> list[Departure]:
    """Return the departures that are not over."""
    rows = await session.scalars(select(DepartureRow).where(DepartureRow.ended_at.is_(None)))
    return [_read(row) for row in rows]


async def runs_that_ask(session: AsyncSession) -> dict[str, str]:
    """Return, by onboarding, the run in which a client leaves, or may: it has the form."""
    query = select(DepartureRow.onboarding_id, DepartureRow.id)
    rows = await session.execute(query.where(DepartureRow.ended_at.is_(None)))
    return {row.onboarding_id: row.id for row in rows}


async def open_departure(session: AsyncSession, onboarding_id: str) -> Departure | None:
    """Return an onboarding's departure that is not over, if there is one."""
    query = select(DepartureRow).where(
        DepartureRow.onboarding_id == onboarding_id, DepartureRow.ended_at.is_(None)
    )
    row = (await session.scalars(query)).one_or_none()
    return _read(row) if row else None


async def times_asked(session: AsyncSession, onboarding_id: str) -> int:
    """Return how often it was asked for that a client leaves."""
    query = select(func.count()).where(DepartureRow.onboarding_id == onboarding_id)
    return await session.scalar(query) or 0


async def begin_leaving(session: AsyncSession, onboarding_id: str, now: datetime) -> bool:
    """Mark an onboarding as leaving: nothing wakes it, changes it, or goes on with it.

    Whoever does holds its row. False while it has not ended: it is cancelled first.
    """
    row = await session.get_one(OnboardingRow, onboarding_id)
    if row.ended_at is None:
        return False
    row.leaving_at, row.leg, row.news_at = row.leaving_at or now, None, None
    await close_waits(session, onboarding_id, now)
    adding = update(AdditionRow).where(
        AdditionRow.onboarding_id == onboarding_id, AdditionRow.ended_at.is_(None)
    )
    await session.execute(adding.values(give_up_at=now))
    said = "What is ours is given back."
    await _released(session, onboarding_id, Reason.APPROVAL_GIVEN, said, now)
    return True


async def note_trouble(
    session: AsyncSession, onboarding_id: str, problem: str, now: datetime
) -> None:
    """Write down what keeps a client that leaves from having left."""
    await _released(session, onboarding_id, Reason.RELEASE_FAILED, problem, now)


async def finish_leaving(
    session: AsyncSession, onboarding: Onboarding, said: str, now: datetime
) -> None:
    """Write down that a client has left, and what is left for people; destroy what opens its data.

    Its records are kept.
    """
    row = await session.get_one(OnboardingRow, onboarding.id)
    if row.left_at is not None:
        return
    row.left_at, row.ended_as = now, OutcomeName.OFFBOARDED
    destroyed = await _forget_client(session, onboarding, now)
    for condition in handwork_of(onboarding, now):
        await write_condition(session, onboarding.id, "", condition)
    told = await session.get(ConditionRow, (onboarding.id, "", ConditionType.NOTIFIED))
    if told is not None:
        await session.delete(told)
    said = f"{said} {destroyed}"
    await _released(session, onboarding.id, Reason.ALL_RELEASED, said, now, Status.TRUE)


async def _forget_client(session: AsyncSession, onboarding: Onboarding, now: datetime) -> str:
    others = (
        select(func.count())
        .select_from(OnboardingRow)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(
            ClientRow.client_ref == onboarding.client_ref,
            OnboardingRow.id != onboarding.id,
            OnboardingRow.left_at.is_(None),
        )
    )
    if await session.scalar(others):
        return "The client has another WABA here, so its token is kept."
    links = update(SignupRow).where(
        SignupRow.client_ref == onboarding.client_ref,
        SignupRow.revoked_at.is_(None),
        SignupRow.onboarding_id.is_(None),
    )
    await session.execute(links.values(revoked_at=now))
    there_was = await destroy_tokens(session, onboarding.client_ref)
    return "Its token is destroyed." if there_was else "There was no token of it."


async def _released(
    session: AsyncSession,
    onboarding_id: str,
    reason: Reason,
    said: str,
    now: datetime,
    status: Status = Status.UNKNOWN,
) -> None:
    kind = ConditionType.RELEASED
    condition = Condition(kind, status, reason, said, "departure", now)
    await write_condition(session, onboarding_id, "", condition)


async def clients_filed_under(
    session: AsyncSession, entity_id: str, onboarding_id: str
) -> list[str]:
    """Return the other clients here that use an entity id, and have not left."""
    query = (
        select(ClientRow.client_ref)
        .join(OnboardingRow, OnboardingRow.client_id == ClientRow.id)
        .outerjoin(SenderRow, SenderRow.onboarding_id == OnboardingRow.id)
        .where(
            OnboardingRow.id != onboarding_id,
            OnboardingRow.left_at.is_(None),
            or_(OnboardingRow.entity_id == entity_id, SenderRow.entity_id == entity_id),
        )
    )
    return sorted(set(await session.scalars(query)))


async def was_made_here(session: AsyncSession, entity_id: str) -> bool:
    """Whether it was us who made an entity."""
    query = select(func.count()).where(
        EffectRow.verb == Verb.CREATE_ENTITY,
        EffectRow.subject == entity_id,
        EffectRow.status == EffectStatus.DONE,
    )
    return bool(await session.scalar(query))
