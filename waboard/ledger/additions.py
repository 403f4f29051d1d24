"""Senders that are added after the signup: what was asked for, and how far each is."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.additions import Addition, AdditionState, SenderRequest
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import FactsDiffer
from waboard.domain.ids import PhoneNumber, WabaId, mask_phone
from waboard.ledger.models import AdditionRow, ConditionRow, OnboardingRow

SETTLES_IN = timedelta(days=1)
"""How long a number that Infobip registers is not asked for again."""


async def note_addition(
    session: AsyncSession, run_id: str, onboarding_id: str, request: SenderRequest, now: datetime
) -> tuple[Addition, bool]:
    """Write down what a run is to add, unless it is; returns also whether it was not.

    Raises FactsDiffer when another run adds that number.
    """
    known = await session.get(AdditionRow, run_id)
    if known is not None:
        return await _read(session, known), False
    row = AdditionRow(
        id=run_id,
        onboarding_id=onboarding_id,
        phone_number=request.phone_number,
        display_name=request.display_name,
        state=AdditionState.ASKED,
        detail="Asked for.",
        asked_at=now,
        changed_at=now,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        known = await session.get(AdditionRow, run_id)
        if known is None:
            raise _is_added_already(request.phone_number) from None
        return await _read(session, known), False
    return await _read(session, row), True


async def begin_anew(session: AsyncSession, addition_id: str, now: datetime) -> Addition:
    """Ask once more for what came to nothing: somebody retried its run.

    Anything else stays as it is. Raises FactsDiffer when another run adds that number by now.
    """
    row = await session.get_one(AdditionRow, addition_id)
    if row.ended_at is not None and row.state != AdditionState.SUBMITTED:
        row.state, row.detail = AdditionState.ASKED, "Asked for again."
        row.pause_key = row.give_up_at = row.ended_at = None
        row.changed_at, number = now, PhoneNumber(row.phone_number)
        try:
            await session.flush()
        except IntegrityError:
            raise _is_added_already(number) from None
    return await _read(session, row)


def _is_added_already(number: PhoneNumber) -> FactsDiffer:
    return FactsDiffer(
        f"Another run adds {mask_phone(number)} already.",
        remedy="Give that one the password, or cancel it in the Prefect UI.",
    )


async def _read(session: AsyncSession, row: AdditionRow) -> Addition:
    onboarding = await session.get_one(OnboardingRow, row.onboarding_id)
    return Addition(
        id=row.id,
        onboarding_id=row.onboarding_id,
        waba_id=WabaId(onboarding.waba_id),
        phone_number=PhoneNumber(row.phone_number),
        state=AdditionState(row.state),
        detail=row.detail,
        pause_key=row.pause_key,
        asked_at=row.asked_at,
        give_up_at=row.give_up_at,
        ended_at=row.ended_at,
    )


async def move_addition(
    session: AsyncSession, addition_id: str, state: AdditionState, detail: str, now: datetime
) -> Addition:
    """Write down how far an addition is. One that is over stays as it ended."""
    row = await session.get_one(AdditionRow, addition_id)
    if row.ended_at is None:
        row.state, row.detail, row.changed_at = state, detail, now
        row.ended_at = now if state.is_over else None
    return await _read(session, row)


async def record_sleep(
    session: AsyncSession, addition_id: str, pause_key: str, give_up_at: datetime
) -> None:
    """Write down that a run waits for the password from now on; it gives up as it first said."""
    row = await session.get_one(AdditionRow, addition_id)
    row.pause_key, row.give_up_at = pause_key, row.give_up_at or give_up_at


async def read_addition(session: AsyncSession, addition_id: str) -> Addition:
    """Return an addition as it stands."""
    return await _read(session, await session.get_one(AdditionRow, addition_id))


async def open_additions(session: AsyncSession) -> list[Addition]:
    """Return the additions that are not over."""
    rows = await session.scalars(select(AdditionRow).where(AdditionRow.ended_at.is_(None)))
    return [await _read(session, row) for row in rows.all()]


async def open_addition(session: AsyncSession, number: PhoneNumber) -> Addition | None:
    """Return the addition of a number that is not over, if there is one."""
    query = select(AdditionRow).where(
        AdditionRow.phone_number == number, AdditionRow.ended_at.is_(None)
    )
    row = (await session.scalars(query)).one_or_none()
    return await _read(session, row) if row else None


async def known_addition(
    session: AsyncSession, number: PhoneNumber, now: datetime
) -> Addition | None:
    """Return the addition because of which a number is not to be asked for again."""
    query = select(AdditionRow).where(
        AdditionRow.phone_number == number,
        or_(
            AdditionRow.ended_at.is_(None),
            (AdditionRow.state == AdditionState.SUBMITTED)
            & (AdditionRow.ended_at > now - SETTLES_IN),
        ),
    )
    row = (await session.scalars(query.order_by(AdditionRow.asked_at.desc()))).first()
    return await _read(session, row) if row else None


async def times_added(session: AsyncSession, number: PhoneNumber) -> int:
    """Return how often a number was asked for so far."""
    query = select(func.count()).where(AdditionRow.phone_number == number)
    return await session.scalar(query) or 0


async def additions_of(session: AsyncSession, onboarding_id: str) -> list[Addition]:
    """Return an onboarding's additions, the first asked for first."""
    query = select(AdditionRow).where(AdditionRow.onboarding_id == onboarding_id)
    rows = await session.scalars(query.order_by(AdditionRow.asked_at, AdditionRow.id))
    return [await _read(session, row) for row in rows.all()]


async def registered_of(session: AsyncSession, additions: Collection[Addition]) -> set[str]:
    """Return the ids of those whose number is known to be registered."""
    registered = (
        (ConditionRow.onboarding_id == AdditionRow.onboarding_id)
        & (ConditionRow.subject == AdditionRow.phone_number)
        & (ConditionRow.type == ConditionType.REGISTERED)
        & (ConditionRow.status == Status.TRUE)
    )
    query = select(AdditionRow.id).join(ConditionRow, registered)
    return set(await session.scalars(query.where(AdditionRow.id.in_([a.id for a in additions]))))
