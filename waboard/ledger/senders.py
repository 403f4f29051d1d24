"""The senders of an onboarding: which there are, and what is known of each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.filing import Filing
from waboard.domain.health import NumberHealth
from waboard.domain.ids import NumberKey, PhoneNumber, mask_phone
from waboard.domain.onboarding import Sender
from waboard.domain.reasons import Reason
from waboard.domain.standing import Profile, Standing
from waboard.ledger.conditions import write_condition
from waboard.ledger.models import SenderRow


async def senders_of(
    session: AsyncSession,
    onboarding_id: str,
    conditions: Mapping[str, dict[ConditionType, Condition]],
) -> tuple[Sender, ...]:
    """Return an onboarding's senders, the first known first."""
    query = select(SenderRow).where(SenderRow.onboarding_id == onboarding_id).order_by(SenderRow.id)
    rows = await session.scalars(query)
    return tuple(_sender(row, conditions.get(row.phone_number, {})) for row in rows)


def _sender(row: SenderRow, conditions: dict[ConditionType, Condition]) -> Sender:
    return Sender(
        phone_number=PhoneNumber(row.phone_number),
        phone_number_id=row.phone_number_id,
        number_key=NumberKey(row.number_key) if row.number_key else None,
        conditions=conditions,
        adopted=Filing(row.application_id, row.entity_id) if row.application_id else None,
        standing=Standing(**row.standing, read_at=row.standing_at)
        if row.standing and row.standing_at
        else None,
        profile=Profile(row.profile or {}, row.profile_at) if row.profile_at else None,
        health=NumberHealth(**row.health) if row.health else None,
        health_at=row.health_at,
    )


async def sender_rows(session: AsyncSession, onboarding_id: str) -> dict[str, SenderRow]:
    """Return an onboarding's senders by their number, as they are kept."""
    query = select(SenderRow).where(SenderRow.onboarding_id == onboarding_id)
    return {row.phone_number: row for row in await session.scalars(query)}


async def _row(session: AsyncSession, onboarding_id: str, number: PhoneNumber) -> SenderRow:
    query = select(SenderRow).where(
        SenderRow.onboarding_id == onboarding_id, SenderRow.phone_number == number
    )
    return (await session.scalars(query)).one()


async def record_number_key(
    session: AsyncSession, onboarding_id: str, number: PhoneNumber, key: NumberKey
) -> None:
    """Write down Infobip's key of a sender's number."""
    (await _row(session, onboarding_id, number)).number_key = key


async def record_adopted(
    session: AsyncSession, onboarding_id: str, number: PhoneNumber, filing: Filing | None
) -> None:
    """Write down which ids a sender works with; None when they are its onboarding's own."""
    row = await _row(session, onboarding_id, number)
    row.application_id = filing.application_id if filing else None
    row.entity_id = filing.entity_id if filing else None


async def record_standing(
    session: AsyncSession, onboarding_id: str, number: PhoneNumber, standing: Standing
) -> None:
    """Write down how a sender stands."""
    row = await _row(session, onboarding_id, number)
    said = asdict(standing)
    row.standing_at = said.pop("read_at")
    row.standing = said


async def record_standings(
    session: AsyncSession, shown: Sequence[tuple[str, PhoneNumber, Standing]]
) -> None:
    """Write down how up to some hundred senders stand: in full only of whom something changed."""
    told = {(of, number): standing for of, number, standing in shown}
    changed: list[dict[str, Any]] = []
    same: dict[datetime, list[int]] = defaultdict(list)
    for row_id, whose, before in await _standings(session, {of for of, _ in told}):
        if whose in told:
            said = asdict(told[whose])
            at = said.pop("read_at")
            if said == before:
                same[at].append(row_id)
            else:
                changed.append({"id": row_id, "standing": said, "standing_at": at})
    if changed:
        await session.execute(update(SenderRow), changed)
    for at, ids in same.items():
        read_again = update(SenderRow).where(SenderRow.id.in_(ids)).values(standing_at=at)
        await session.execute(read_again, execution_options={"synchronize_session": False})


async def _standings(
    session: AsyncSession, onboarding_ids: Collection[str]
) -> list[tuple[int, tuple[str, PhoneNumber], dict[str, Any] | None]]:
    # Locked in one order, so that two who write of the same senders wait, and for each other never.
    columns = SenderRow.id, SenderRow.onboarding_id, SenderRow.phone_number, SenderRow.standing
    query = (
        select(*columns)
        .where(SenderRow.onboarding_id.in_(onboarding_ids))
        .order_by(SenderRow.id)
        .with_for_update()
    )
    rows = await session.execute(query)
    return [(row_id, (of, PhoneNumber(no)), standing) for row_id, of, no, standing in rows.tuples()]


async def record_profile(
    session: AsyncSession, onboarding_id: str, number: PhoneNumber, profile: Profile
) -> None:
    """Write down what people see of a sender's business."""
    row = await _row(session, onboarding_id, number)
    row.profile, row.profile_at = profile.info, profile.read_at


async def expect_numbers(
    session: AsyncSession, onboarding_id: str, numbers: Iterable[tuple[str, str]], now: datetime
) -> None:
    """Note numbers that Meta shows on the WABA, each with Meta's id, unless they are known.

    With them the registration can be asked for by number, should its webhook be lost.
    """
    known = await sender_rows(session, onboarding_id)
    for number, phone_number_id in numbers:
        row = known.get(number)
        if row is None:
            row = await expect_sender(session, onboarding_id, number, "Meta", now)
        row.phone_number_id = row.phone_number_id or phone_number_id


async def expect_sender(
    session: AsyncSession, onboarding_id: str, number: str, evidence: str, now: datetime
) -> SenderRow:
    """Note a number whose registration is yet to be seen."""
    row = SenderRow(onboarding_id=onboarding_id, phone_number=number)
    session.add(row)
    awaited = Condition(
        type=ConditionType.REGISTERED,
        status=Status.UNKNOWN,
        reason=Reason.REGISTRATION_IN_PROGRESS,
        message=f"No evidence of {mask_phone(number)} being registered yet.",
        evidence=evidence,
        changed_at=now,
    )
    await write_condition(session, onboarding_id, number, awaited)
    return row
