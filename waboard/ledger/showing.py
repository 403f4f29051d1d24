"""What of an onboarding the Prefect UI does not show yet.

A leg shows what it changed by itself, when it sleeps or ends. All else is noted here, and shown by
the gateway's waker: what a webhook, a reconciliation or a person changed meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.ledger.models import OnboardingRow, WaitRow

SOON = timedelta(seconds=5)
"""How long a change waits to be shown: what a leg changes on its way to sleep, it shows itself."""
AGAIN = timedelta(minutes=1)
"""How long what could not be shown waits."""
MOST = 20
"""How many are shown in one turn of the waker, which has other things to do."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The card that an onboarding's attempt has, if any, and when it is `due` to be shown anew."""

    card_id: str | None
    due: datetime | None


async def show_soon(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Note that something about an onboarding has changed. Whoever writes holds its row."""
    row = await session.get(OnboardingRow, onboarding_id)
    if row is not None:
        row.show_at = now + SOON


async def unshown(session: AsyncSession, now: datetime) -> list[str]:
    """Return those that are to be shown anew now, and that no leg is about to show."""
    asleep = exists().where(WaitRow.onboarding_id == OnboardingRow.id, WaitRow.closed_at.is_(None))
    rests = or_(OnboardingRow.ended_at.is_not(None), asleep & OnboardingRow.card_id.is_not(None))
    query = select(OnboardingRow.id).where(OnboardingRow.show_at <= now, rests)
    return list(await session.scalars(query.order_by(OnboardingRow.show_at).limit(MOST)))


async def shown_of(session: AsyncSession, onboarding_id: str) -> Shown:
    """Return how an onboarding stands in the Prefect UI."""
    row = await session.get_one(OnboardingRow, onboarding_id)
    return Shown(row.card_id, row.show_at)


async def note_shown(session: AsyncSession, onboarding_id: str, shown: Shown) -> None:
    """Note that what was due is shown. A change since then is due by itself."""
    query = update(OnboardingRow).where(
        OnboardingRow.id == onboarding_id, OnboardingRow.show_at == shown.due
    )
    await session.execute(query.values(show_at=None))


async def show_later(session: AsyncSession, onboarding_id: str, now: datetime) -> None:
    """Note that an onboarding could not be shown."""
    query = update(OnboardingRow).where(OnboardingRow.id == onboarding_id)
    await session.execute(query.values(show_at=now + AGAIN))
