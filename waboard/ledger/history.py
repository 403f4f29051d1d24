"""What happened to an onboarding: what became true, what came in, what was done."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Status
from waboard.ledger.models import ConditionChangeRow, EffectRow, EventRow


async def became_true(session: AsyncSession, onboarding_id: str) -> list[ConditionChangeRow]:
    """Return, of each condition of each subject, the first time that it was true, in that order."""
    query = select(ConditionChangeRow).where(
        ConditionChangeRow.onboarding_id == onboarding_id, ConditionChangeRow.status == Status.TRUE
    )
    first: dict[tuple[str, str], ConditionChangeRow] = {}
    for row in await session.scalars(query.order_by(ConditionChangeRow.id)):
        first.setdefault((row.type, row.subject), row)
    return list(first.values())


async def last_events(session: AsyncSession, onboarding_id: str, most: int) -> Sequence[EventRow]:
    """Return the last events that an onboarding has taken up, the newest first."""
    query = select(EventRow).where(EventRow.onboarding_id == onboarding_id)
    return (await session.scalars(query.order_by(EventRow.id.desc()).limit(most))).all()


async def last_effects(session: AsyncSession, onboarding_id: str, most: int) -> Sequence[EffectRow]:
    """Return the last effects of an onboarding, the newest first."""
    query = select(EffectRow).where(EffectRow.onboarding_id == onboarding_id)
    return (await session.scalars(query.order_by(EffectRow.id.desc()).limit(most))).all()
