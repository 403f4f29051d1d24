"""What a transaction holds until it ends, and the one order in which it takes that.

Whoever takes in this order never waits for somebody who waits for it:

1. an onboarding (`hold`); a second one only where nobody else is at it,
2. a client (`hold_client`),
3. a signup link,
4. events (`hold_events`),
5. the queue of the weekly cap (`hold_queue`),
6. waits: one's own first, then everybody's of a kind (`waboard.ledger.waits.hurry`),
7. the outbox: the receiver, then its messages.

On SQLite a transaction holds everything from its beginning.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.errors import Superseded
from waboard.ledger.database import dialect_of, insert_into
from waboard.ledger.models import ClientRow, EventRow, OnboardingRow

_QUEUE = 8_420_001
"""The advisory lock of the weekly cap's queue on PostgreSQL."""


async def hold(
    session: AsyncSession, onboarding_id: str, leg: str | None = None
) -> OnboardingRow | None:
    """Hold an onboarding, and return it as it is then. Whoever writes about it does so first.

    What the session had read of it before is read again. Raises Superseded when a leg asks that is
    not the one that may act.
    """
    query = select(OnboardingRow).where(OnboardingRow.id == onboarding_id)
    # Its keys never change: so whoever writes a row that refers to it need not wait.
    held = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = (await session.scalars(held)).one_or_none()
    if leg is not None and (row is None or row.leg != leg):
        raise Superseded
    return row


async def are_held(session: AsyncSession, onboarding_ids: Collection[str]) -> bool:
    """Hold further onboardings, where nobody else does; else False.

    Who holds one already never waits for another: two who do that would wait for each other.
    """
    if not onboarding_ids:
        return True
    query = select(OnboardingRow.id).where(OnboardingRow.id.in_(onboarding_ids))
    found = await session.scalars(query.with_for_update(skip_locked=True, key_share=True))
    return set(found) == set(onboarding_ids)


async def hold_client(
    session: AsyncSession, client_ref: str, name: str | None, now: datetime
) -> ClientRow:
    """Hold a client; one that is not known is written down, with that name.

    So all that is asked for one client at once happens one after the other.
    """
    fresh = insert_into(dialect_of(session), ClientRow).values(
        client_ref=client_ref, name=name or client_ref, created_at=now
    )
    # As it is, but held: an `on_conflict_do_nothing` would hold nothing.
    held = fresh.on_conflict_do_update(
        index_elements=[ClientRow.client_ref], set_={"name": ClientRow.name}
    )
    client_id = await session.scalar(held.returning(ClientRow.id))
    query = select(ClientRow).where(ClientRow.id == client_id)
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def hold_events(session: AsyncSession, event_ids: Collection[int]) -> list[EventRow]:
    """Hold events, in the order in which a batch of webhooks counts them; return them in it."""
    query = select(EventRow).where(EventRow.id.in_(event_ids)).order_by(EventRow.digest)
    held = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return list(await session.scalars(held))


async def hold_queue(session: AsyncSession) -> None:
    """Hold the queue of the weekly cap."""
    if dialect_of(session) == "postgresql":
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_QUEUE})"))
