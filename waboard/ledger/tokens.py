"""Clients' business tokens, sealed by `waboard.sealing` before they get here."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.ids import PortfolioId
from waboard.domain.meta_events.saying import owner_of_waba
from waboard.ledger.database import dialect_of, insert_into
from waboard.ledger.evidence import received_about
from waboard.ledger.models import BusinessTokenRow, SignupRow


async def keep_token(
    session: AsyncSession,
    client_ref: str,
    sealed: str,
    *,
    portfolio_id: str | None,
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Keep a client's token; the newest replaces the one before."""
    newest = {
        "sealed": sealed,
        "portfolio_id": portfolio_id,
        "expires_at": expires_at,
        "received_at": now,
    }
    kept = insert_into(dialect_of(session), BusinessTokenRow).values(
        client_ref=client_ref, **newest
    )
    await session.execute(kept.on_conflict_do_update(index_elements=["client_ref"], set_=newest))


async def sealed_token(session: AsyncSession, client_ref: str, now: datetime) -> str | None:
    """Return a client's token, sealed; None when there is none that still lives."""
    row = await session.get(BusinessTokenRow, client_ref)
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return row.sealed


async def portfolio_of(session: AsyncSession, onboarding_id: str) -> PortfolioId | None:
    """Return the portfolio of an onboarding's client, where it is known.

    That is the one that it signed up with; else the one that Infobip's registration names, or Meta
    as the owner of the WABA.
    """
    signed_up = await signed_up_with(session, onboarding_id)
    if signed_up is not None:
        return signed_up
    evidence = await received_about(session, onboarding_id)
    return evidence.registration().portfolio_id or owner_of_waba(evidence.account)


async def signed_up_with(session: AsyncSession, onboarding_id: str) -> PortfolioId | None:
    """Return the portfolio that a client signed up with by a link of ours."""
    query = select(SignupRow.portfolio_id).where(
        SignupRow.onboarding_id == onboarding_id, SignupRow.portfolio_id.is_not(None)
    )
    found = await session.scalar(query.order_by(SignupRow.created_at.desc()).limit(1))
    return PortfolioId(found) if found else None


async def tokens_ending(session: AsyncSession, by: datetime) -> int:
    """Return how many clients' tokens have ended, or end by then."""
    query = select(func.count()).where(BusinessTokenRow.expires_at <= by)
    return (await session.execute(query)).scalar_one()


async def destroy_tokens(session: AsyncSession, client_ref: str) -> bool:
    """Destroy a client's token, for good; says whether there was one."""
    row = await session.get(BusinessTokenRow, client_ref)
    if row is None:
        return False
    await session.delete(row)
    return True
