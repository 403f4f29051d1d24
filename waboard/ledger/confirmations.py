"""What people have confirmed of the provider's set-up."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.readiness import Confirmation
from waboard.ledger.database import dialect_of, insert_into
from waboard.ledger.models import ConfirmationRow


async def confirmations(session: AsyncSession) -> dict[str, Confirmation]:
    """Return the latest that was said of each item."""
    rows = await session.scalars(select(ConfirmationRow))
    return {row.item: Confirmation(row.holds, row.who, row.at, row.note) for row in rows}


async def confirm(
    session: AsyncSession, item: str, *, holds: bool, who: str, note: str, now: datetime
) -> None:
    """Write down what somebody says of an item."""
    said = {"holds": holds, "who": who, "note": note, "at": now}
    kept = insert_into(dialect_of(session), ConfirmationRow).values(item=item, **said)
    await session.execute(kept.on_conflict_do_update(index_elements=["item"], set_=said))
