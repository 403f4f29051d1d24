"""What of Meta's notices cannot wait: the operator is told of each, once.

A changed PIN, and what Meta calls critical. The others are shown where the onboarding is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

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
from waboard.ledger.races import one_transaction

TOLD_WITHIN = timedelta(days=1)
"""How old an event may be that is told: beyond that a message comes too late to help."""


class _Begun(NamedTuple):
    """What is about to be told, and of whom."""

    effect_id: int
    client_ref: str
    said: str


@dataclass(frozen=True)
class GraveNotices:
    """Tells the operator a subject and a text, of each event once."""

    ledger: Ledger
    clock: Clock
    tell: Callable[[str, str], Awaitable[None]]

    async def tidy(self) -> None:
        """Tell what was not told yet."""
        async with self.ledger.read() as session:
            events = await _grave(session, self.clock() - TOLD_WITHIN)
        for event_id, of in events:
            await self._tell_of(event_id, of)

    async def _tell_of(self, event_id: int, of: str) -> None:
        begun = await self._note_begun(event_id, of)
        if begun is None:
            return
        if begun.said:
            await self.tell(f"{begun.client_ref}: Meta warns", begun.said)
        await self._note_told(of, begun)

    @one_transaction
    async def _note_begun(self, event_id: int, of: str) -> _Begun | None:
        subject = f"event {event_id}"
        async with self.ledger.begin() as session:
            await hold(session, of)
            if await find_effect(session, of, Verb.NOTIFY_OPERATOR, subject) is not None:
                return None
            event = await session.get_one(EventRow, event_id)
            said = " ".join(grave_notices(evidence_in(event).account))
            effect = await begin_effect(session, of, Verb.NOTIFY_OPERATOR, subject, self.clock())
            return _Begun(effect.id, await _client_of(session, of), said)

    @one_transaction
    async def _note_told(self, of: str, begun: _Begun) -> None:
        async with self.ledger.begin() as session:
            await hold(session, of)
            await end_effect(session, begun.effect_id, EffectStatus.DONE, begun.said, self.clock())


async def _grave(session: AsyncSession, since: datetime) -> list[tuple[int, str]]:
    # What is kept is canonical JSON, so an exact part of it can be looked for.
    words = ('"PIN_CHANGED"', '"CRITICAL"')
    query = select(EventRow.id, EventRow.onboarding_id).where(
        EventRow.kind == EventKind.META,
        EventRow.disposition == Disposition.APPLIED,
        EventRow.received_at >= since,
        EventRow.onboarding_id.is_not(None),
        or_(*(EventRow.body.contains(word, autoescape=True) for word in words)),
    )
    found = await session.execute(query.order_by(EventRow.id))
    return [(event_id, of) for event_id, of in found if of is not None]


async def _client_of(session: AsyncSession, onboarding_id: str) -> str:
    query = (
        select(ClientRow.client_ref)
        .join(OnboardingRow, OnboardingRow.client_id == ClientRow.id)
        .where(OnboardingRow.id == onboarding_id)
    )
    return (await session.execute(query)).scalar_one()
