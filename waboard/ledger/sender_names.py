"""By which names senders are known, and who else has a number of the same name."""

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from waboard.domain.ids import NumberKey, PhoneNumber
from waboard.domain.spelling import may_be_same
from waboard.ledger.database import dialect_of, insert_into
from waboard.ledger.models import OnboardingRow, SenderNameRow, SenderRow


def names_of(row: SenderRow, spellings: Iterable[str] = ()) -> set[str]:
    """Return the names of a sender, and of how else its number is spelled."""
    found = {row.phone_number, *spellings}
    if row.phone_number_id:
        found.add(f"id:{row.phone_number_id}")
    if row.number_key:
        found.add(f"key:{row.number_key}")
    return found


async def note_names(session: AsyncSession, row: SenderRow, spellings: Iterable[str] = ()) -> None:
    """Write down the names that a sender has now. A name that it has already is no news."""
    await session.flush()
    values = [
        {"onboarding_id": row.onboarding_id, "name": name, "sender_id": row.id}
        for name in sorted(names_of(row, spellings))
    ]
    insert = insert_into(dialect_of(session), SenderNameRow)
    await session.execute(insert.on_conflict_do_nothing(), values)


async def sender_named(
    session: AsyncSession,
    onboarding_id: str,
    spellings: Collection[str],
    phone_number_id: str | None = None,
) -> list[SenderRow]:
    """Return an onboarding's senders with one of these spellings or that id, the first known first.

    Where Meta's id is missing on one side, another spelling of what may be one subscriber counts:
    the upstream has answered about this WABA.
    """
    rows = select(SenderRow).where(SenderRow.onboarding_id == onboarding_id).order_by(SenderRow.id)
    names = {*spellings, *([f"id:{phone_number_id}"] if phone_number_id else [])}
    named = select(SenderNameRow.sender_id).where(
        SenderNameRow.onboarding_id == onboarding_id, SenderNameRow.name.in_(names)
    )
    known = set(await session.scalars(named))
    return [
        row
        for row in await session.scalars(rows)
        if row.id in known or _may_be(row, spellings, phone_number_id)
    ]


def _may_be(row: SenderRow, spellings: Collection[str], phone_number_id: str | None) -> bool:
    lacks_id = row.phone_number_id is None or phone_number_id is None
    return lacks_id and any(may_be_same(row.phone_number, each) for each in spellings)


async def senders_with_key(
    session: AsyncSession, onboarding_id: str, number_key: NumberKey
) -> list[SenderRow]:
    """Return an onboarding's senders whose number Infobip knows by this key."""
    query = (
        select(SenderRow)
        .join(SenderNameRow, SenderNameRow.sender_id == SenderRow.id)
        .where(
            SenderNameRow.onboarding_id == onboarding_id,
            SenderNameRow.name == f"key:{number_key}",
        )
    )
    return list(await session.scalars(query))


async def claimants_of(session: AsyncSession, onboarding_id: str) -> list[str]:
    """Return the other onboardings that have a number of this one, in an order that never changes.

    None whose client leaves, or has left.
    """
    mine, theirs = aliased(SenderNameRow), aliased(SenderNameRow)
    query = (
        select(theirs.onboarding_id)
        .join(mine, mine.name == theirs.name)
        .join(OnboardingRow, OnboardingRow.id == theirs.onboarding_id)
        .where(
            mine.onboarding_id == onboarding_id,
            theirs.onboarding_id != onboarding_id,
            OnboardingRow.leaving_at.is_(None),
        )
    )
    return sorted(set(await session.scalars(query.distinct())))


async def same_number(session: AsyncSession, sender_ids: Collection[int]) -> list[SenderRow]:
    """Return all senders that are one number with these, by any chain of shared names.

    None whose client leaves, or has left.
    """
    found: set[int] = set()
    new = set(sender_ids)
    while new:
        found |= new
        mine, theirs = aliased(SenderNameRow), aliased(SenderNameRow)
        query = (
            select(theirs.sender_id)
            .join(mine, mine.name == theirs.name)
            .join(OnboardingRow, OnboardingRow.id == theirs.onboarding_id)
            .where(mine.sender_id.in_(new), OnboardingRow.leaving_at.is_(None))
        )
        new = set(await session.scalars(query.distinct())) - found
    rows = select(SenderRow).where(SenderRow.id.in_(found)).order_by(SenderRow.onboarding_id)
    return list(await session.scalars(rows))


async def numbers_named(session: AsyncSession, onboarding_id: str) -> dict[str, PhoneNumber]:
    """Return, by each name of an onboarding's senders, the number that the sender has here."""
    query = (
        select(SenderNameRow.name, SenderRow.phone_number)
        .join(SenderRow, SenderRow.id == SenderNameRow.sender_id)
        .where(SenderNameRow.onboarding_id == onboarding_id)
    )
    return {name: PhoneNumber(number) for name, number in await session.execute(query)}


async def current_spelling(session: AsyncSession, onboarding_id: str, number: str) -> str:
    """Return how an onboarding's sender is spelled now; the number itself where it has none."""
    query = (
        select(SenderRow.phone_number)
        .join(SenderNameRow, SenderNameRow.sender_id == SenderRow.id)
        .where(SenderNameRow.onboarding_id == onboarding_id, SenderNameRow.name == number)
    )
    return await session.scalar(query) or number
