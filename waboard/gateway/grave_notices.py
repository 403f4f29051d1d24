"""What of Meta's notices cannot wait: the operator is told of each, once.

A changed PIN, and what Meta calls critical. The others are shown where the onboarding is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clock import Clock
from waboard.domain.meta_events.saying import grave_notices
from waboard.ledger.database import Ledger
from waboard.ledger.effects import begin_effect, end_effect, find_effect
from waboard.ledger.evidence import evidence_in
from waboard.ledger.locks import hold
from waboard.ledger.models import (
    ClientRow,
    Disposition,
    EffectStatus,
    EventKind,
    EventRow,
    OnboardingRow,
    Verb,
)

TOLD_WITHIN = timedelta(days=1)
"""How old an event may be that is told: beyond that a message comes too late to help."""


@dataclass(frozen=True)
class GraveNotices:
    """Tells the operator a subject and a text, of each event once."""

    ledger: Ledger
    clock: Clock
    tell: Callable[[str, str], Awaitable[None]]

    async def tidy(self) -> None:
        """Tell what was not told yet."""
        async with self.ledger.begin() as session:
            events = await _grave(session, self.clock() - TOLD_WITHIN)
        for event_id in events:
            await self._tell_of(event_id)

    async def _tell_of(self, event_id: int) -> None:
        subject, now = f"event {event_id}", self.clock()
        async with self.ledger.begin() as session:
            event = await session.get_one(EventRow, event_id)
            of = event.onboarding_id or ""
            await hold(session, of)
            if await find_effect(session, of, Verb.NOTIFY_OPERATOR, subject) is not None:
                return
            client_ref = await _client_of(session, of)
            said = " ".join(grave_notices(evidence_in(event).account))
            effect = await begin_effect(session, of, Verb.NOTIFY_OPERATOR, subject, now)
            effect_id = effect.id
        if said:
            await self.tell(f"{client_ref}: Meta warns", said)
        async with self.ledger.begin() as session:
            await end_effect(session, effect_id, EffectStatus.DONE, said, self.clock())


async def _grave(session: AsyncSession, since: datetime) -> list[int]:
    # What is kept is canonical JSON, so an exact part of it can be looked for.
    words = ('"PIN_CHANGED"', '"CRITICAL"')
    query = select(EventRow.id).where(
        EventRow.kind == EventKind.META,
        EventRow.disposition == Disposition.APPLIED,
        EventRow.received_at >= since,
        EventRow.onboarding_id.is_not(None),
        or_(*(EventRow.body.contains(word, autoescape=True) for word in words)),
    )
    return list(await session.scalars(query.order_by(EventRow.id)))


async def _client_of(session: AsyncSession, onboarding_id: str) -> str:
    query = (
        select(ClientRow.client_ref)
        .join(OnboardingRow, OnboardingRow.client_id == ClientRow.id)
        .where(OnboardingRow.id == onboarding_id)
    )
    return (await session.execute(query)).scalar_one()
