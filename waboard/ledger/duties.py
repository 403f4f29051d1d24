"""What people have still to do for clients that have left, seen from the onboardings after them."""

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from waboard.domain.conditions import Status
from waboard.domain.departures import Handwork, OffboardingDuty
from waboard.domain.ids import WabaId
from waboard.ledger.conditions import condition_of
from waboard.ledger.models import ClientRow, ConditionRow, OnboardingRow

_KINDS = [work.condition for work in Handwork]


async def open_duties(
    session: AsyncSession, onboarding_ids: Collection[str]
) -> dict[str, list[OffboardingDuty]]:
    """Return, by onboarding, what is still to do of others that have left.

    Others of the same client count, and others of the same WABA: who left last comes first.
    """
    found: dict[str, list[OffboardingDuty]] = {each: [] for each in onboarding_ids}
    seen, left = aliased(OnboardingRow), aliased(OnboardingRow)
    query = (
        select(seen, left, ClientRow.client_ref, ConditionRow)
        .join(left, or_(left.client_id == seen.client_id, left.waba_id == seen.waba_id))
        .join(ClientRow, ClientRow.id == left.client_id)
        .join(ConditionRow, ConditionRow.onboarding_id == left.id)
        .where(
            seen.id.in_(onboarding_ids),
            left.id != seen.id,
            left.left_at.is_not(None),
            ConditionRow.type.in_(_KINDS),
            ConditionRow.status != Status.TRUE,
        )
        .order_by(left.left_at.desc(), ConditionRow.type)
    )
    for row in await session.execute(query):
        found[row[0].id].append(_duty(*row))
    return found


def _duty(
    seen: OnboardingRow, left: OnboardingRow, client_ref: str, condition: ConditionRow
) -> OffboardingDuty:
    return OffboardingDuty(
        onboarding_id=left.id,
        client_ref=client_ref,
        waba_id=WabaId(left.waba_id),
        condition=condition_of(condition),
        is_back=seen.waba_id == left.waba_id and seen.left_at is None,
    )
