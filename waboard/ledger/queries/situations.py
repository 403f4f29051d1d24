"""What remedies depend on: whether a client has a signup page, and how its senders are proven."""

from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.onboarding import VerifyBy
from waboard.domain.reasons import ORDINARY, Situation
from waboard.ledger.models import OnboardingRow, SignupRow


def has_page() -> ColumnElement[bool]:
    """Say which onboardings' clients came by a signup link."""
    return exists().where(SignupRow.onboarding_id == OnboardingRow.id)


async def situation_of(session: AsyncSession, row: OnboardingRow) -> Situation:
    """Return the situation of an onboarding. Where only templates prove, a page matters nothing."""
    if row.verify_by == VerifyBy.TEMPLATE:
        return ORDINARY
    found = await session.execute(_query().where(OnboardingRow.id == row.id))
    return _situation(*found.one()[1:])


async def situations(session: AsyncSession) -> dict[str, Situation]:
    """Return the situations of all onboardings; one that is not among them is an ordinary one."""
    query = _query().where(OnboardingRow.verify_by != VerifyBy.TEMPLATE)
    return {row[0]: _situation(*row[1:]) for row in await session.execute(query)}


def _query() -> Any:
    return select(OnboardingRow.id, OnboardingRow.verify_by, has_page())


def _situation(verify_by: str, page: bool) -> Situation:
    return Situation(has_page=page, replies=verify_by == VerifyBy.INBOUND)
