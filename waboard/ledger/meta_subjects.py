"""Whom Meta's events concern: the WABA that one does not name, and whose comparison is due."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.facts import NAMES_NO_WABA, Fact
from waboard.ledger.models import EventKind, OnboardingRow, SenderRow, SignupRow


async def find_wabas(session: AsyncSession, facts: Iterable[Fact]) -> list[Fact]:
    """Find the WABAs of events of Meta's that name none, or none that we know.

    By ids that they do name: a WABA's, a phone number's, or a portfolio's with one WABA.
    """
    return [await _with_waba(session, fact) if fact.hints else fact for fact in facts]


async def _with_waba(session: AsyncSession, fact: Fact) -> Fact:
    if fact.waba_id is not None and await _is_known(session, fact.waba_id):
        return fact
    for hint in fact.hints:
        found = await _waba_by(session, hint)
        if found is not None:
            kept = None if fact.unsupported == NAMES_NO_WABA else fact.unsupported
            return replace(fact, waba_id=found, unsupported=kept)
    return fact


async def _is_known(session: AsyncSession, waba_id: str) -> bool:
    query = select(OnboardingRow.id).where(OnboardingRow.waba_id == waba_id).limit(1)
    return await session.scalar(query) is not None


async def _waba_by(session: AsyncSession, hint: str) -> str | None:
    numbers = select(SenderRow.onboarding_id).where(SenderRow.phone_number_id == hint)
    portfolios = select(SignupRow.onboarding_id).where(SignupRow.portfolio_id == hint)
    query = select(OnboardingRow.waba_id).where(
        or_(
            OnboardingRow.waba_id == hint,
            OnboardingRow.id.in_(numbers),
            OnboardingRow.id.in_(portfolios),
        )
    )
    found = list(await session.scalars(query.distinct().limit(2)))
    return found[0] if len(found) == 1 else None


def wabas_of_meta(facts: Iterable[Fact]) -> set[str]:
    """Return the WABAs that Meta has said something of, be it of no use here."""
    of_meta = (EventKind.META, EventKind.UNREAD)
    return {fact.waba_id for fact in facts if fact.kind in of_meta and fact.waba_id}


async def compare_soon(session: AsyncSession, waba_id: str) -> None:
    """Let a WABA be the first that is compared with Meta: something happened there."""
    query = update(OnboardingRow).where(
        OnboardingRow.waba_id == waba_id, OnboardingRow.meta_looked_at.is_not(None)
    )
    await session.execute(query.values(meta_looked_at=None))
