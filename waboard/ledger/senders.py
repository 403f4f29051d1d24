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
from waboard.domain.registration import SenderRegistration
from waboard.domain.standing import Profile, Standing
from waboard.ledger.conditions import write_condition
from waboard.ledger.models import ConditionRow, EffectRow, SenderNameRow, SenderRow
from waboard.ledger.sender_names import (
    note_names,
    numbers_named,
    sender_named,
    senders_with_key,
)


async def senders_of(
    session: AsyncSession,
    onboarding_id: str,
    conditions: Mapping[str, dict[ConditionType, Condition]],
) -> tuple[Sender, ...]:
    """Return an onboarding's senders, the first known first."""
    query = (
        select(SenderRow, SenderNameRow.name)
        .outerjoin(SenderNameRow, SenderNameRow.sender_id == SenderRow.id)
        .where(SenderRow.onboarding_id == onboarding_id)
        .order_by(SenderRow.id)
    )
    names: dict[int, tuple[SenderRow, set[PhoneNumber]]] = {}
    for row, name in (await session.execute(query)).tuples():
        _, spellings = names.setdefault(row.id, (row, {PhoneNumber(row.phone_number)}))
        if name and name.isdigit():
            spellings.add(PhoneNumber(name))
    return tuple(
        _sender(row, frozenset(spellings), conditions.get(row.phone_number, {}))
        for row, spellings in names.values()
    )


def _sender(
    row: SenderRow,
    spellings: frozenset[PhoneNumber],
    conditions: dict[ConditionType, Condition],
) -> Sender:
    return Sender(
        phone_number=PhoneNumber(row.phone_number),
        spellings=spellings,
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


async def sender_rows(session: AsyncSession, onboarding_id: str) -> list[SenderRow]:
    """Return an onboarding's senders, as they are kept."""
    query = select(SenderRow).where(SenderRow.onboarding_id == onboarding_id)
    return list(await session.scalars(query.order_by(SenderRow.id)))


async def _row(session: AsyncSession, onboarding_id: str, number: PhoneNumber) -> SenderRow:
    query = select(SenderRow).where(
        SenderRow.onboarding_id == onboarding_id, SenderRow.phone_number == number
    )
    return (await session.scalars(query)).one()


async def record_number_key(
    session: AsyncSession, onboarding_id: str, number: PhoneNumber, key: NumberKey
) -> None:
    """Write down Infobip's key of a sender's number."""
    row = await _row(session, onboarding_id, number)
    for other in await senders_with_key(session, onboarding_id, key):
        if other.id != row.id:
            await _absorb(session, row, other)
    row.number_key = key
    await note_names(session, row)


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
    """Note the numbers that Meta lists on the WABA, each with Meta's id.

    With them the registration can be asked for by number, should its webhook be lost.
    """
    listed = list(numbers)
    for number, phone_number_id in listed:
        row = await sender_row(session, onboarding_id, {number}, phone_number_id)
        if row is None:
            row = await expect_sender(session, onboarding_id, number, "Meta", now)
        row.phone_number_id = row.phone_number_id or phone_number_id
        await note_names(session, row, {number})
    await record_listed(session, onboarding_id, {number for number, _ in listed}, now)


async def record_listed(
    session: AsyncSession, onboarding_id: str, numbers: Collection[str], now: datetime
) -> None:
    """Write down which of an onboarding's numbers Meta's list of the WABA showed, and which not."""
    named = await numbers_named(session, onboarding_id)
    shown = {named[each] for each in numbers if each in named}
    query = select(SenderRow).where(SenderRow.onboarding_id == onboarding_id)
    for row in await session.scalars(query):
        row.is_listed, row.listed_at = row.phone_number in shown, now


async def expect_sender(
    session: AsyncSession, onboarding_id: str, number: str, evidence: str, now: datetime
) -> SenderRow:
    """Note a number whose registration is yet to be seen."""
    row = SenderRow(onboarding_id=onboarding_id, phone_number=number)
    session.add(row)
    await note_names(session, row)
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


async def note_registering(
    session: AsyncSession, onboarding_id: str, shown: SenderRegistration
) -> SenderRow:
    """Keep the number that Infobip registers, with all its names, under Infobip's last spelling."""
    found = shown.phone_number_id
    row = await sender_row(session, onboarding_id, shown.spellings, found)
    if row is None:
        row = SenderRow(onboarding_id=onboarding_id, phone_number=shown.phone_number)
        session.add(row)
    row.phone_number_id = found or row.phone_number_id
    if row.phone_number != shown.phone_number:
        await _respell(session, row, shown.phone_number)
    await note_names(session, row, shown.spellings)
    return row


async def sender_row(
    session: AsyncSession,
    onboarding_id: str,
    spellings: Collection[str],
    phone_number_id: str | None = None,
) -> SenderRow | None:
    """Return the sender of these names, if there is one. Two that turn out to be one become one."""
    named = await sender_named(session, onboarding_id, spellings, phone_number_id)
    if not named:
        return None
    kept, *others = named
    for other in others:
        await _absorb(session, kept, other)
    return kept


_OUT_OF_THE_WAY = 1_000_000
"""More attempts than there ever are."""


async def _absorb(session: AsyncSession, kept: SenderRow, other: SenderRow) -> None:
    """Let one sender be known by the names of another that is the same number, and drop that."""
    names = update(SenderNameRow).where(SenderNameRow.sender_id == other.id)
    await session.execute(names.values(sender_id=kept.id))
    kept.phone_number_id = kept.phone_number_id or other.phone_number_id
    kept.number_key = kept.number_key or other.number_key
    for condition in await _conditions(session, other):
        await session.delete(condition)
    await _move_effects(session, kept.onboarding_id, other.phone_number, kept.phone_number)
    await session.delete(other)
    await session.flush()


async def _respell(session: AsyncSession, row: SenderRow, number: PhoneNumber) -> None:
    """Call a sender by another spelling: what is true of it and was done to it goes along."""
    for condition in await _conditions(session, row):
        condition.subject = number
    await _move_effects(session, row.onboarding_id, row.phone_number, number)
    row.phone_number = number
    await session.flush()


async def _move_effects(session: AsyncSession, onboarding_id: str, old: str, new: str) -> None:
    """Let what was done to one spelling have been done to another, in the order it was done.

    Of a verb that was done to both, the attempts are counted anew.
    """
    query = select(EffectRow).where(
        EffectRow.onboarding_id == onboarding_id, EffectRow.subject.in_((old, new))
    )
    done = list(await session.scalars(query.order_by(EffectRow.started_at, EffectRow.id)))
    if all(effect.subject == new for effect in done):
        return
    counted: dict[str, int] = defaultdict(int)
    for effect in done:
        counted[effect.verb] += 1
        effect.subject, effect.attempt = new, _OUT_OF_THE_WAY + counted[effect.verb]
    await session.flush()  # not for a moment may two have the same number
    for effect in done:
        effect.attempt -= _OUT_OF_THE_WAY
    await session.flush()


async def _conditions(session: AsyncSession, row: SenderRow) -> list[ConditionRow]:
    query = select(ConditionRow).where(
        ConditionRow.onboarding_id == row.onboarding_id, ConditionRow.subject == row.phone_number
    )
    return list(await session.scalars(query))
