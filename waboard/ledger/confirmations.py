"""What people have confirmed of the provider's set-up."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.readiness import Confirmation
from waboard.ledger.models import ConfirmationRow


async def confirmations(session: AsyncSession) -> dict[str, Confirmation]:
    """Return the latest that was said of each item."""
    rows = await session.scalars(select(ConfirmationRow))
    return {row.item: Confirmation(row.holds, row.who, row.at, row.note) for row in rows}


async def confirm(
    session: AsyncSession, item: str, *, holds: bool, who: str, note: str, now: datetime
) -> None:
    """Write down what somebody says of an item."""
    row = await session.get(ConfirmationRow, item)
    if row is None:
        row = ConfirmationRow(item=item)
        session.add(row)
    row.holds, row.who, row.note, row.at = holds, who, note, now
