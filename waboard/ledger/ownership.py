"""Writing down whose a number is: for all onboardings that have it, in one transaction.

So no two of them count it as live at any time, and both sides say the same.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.ids import mask_phone
from waboard.domain.ownership import Claim, Ruling, rule, verdict_for
from waboard.domain.reasons import Reason
from waboard.ledger.claims import SharedNumber
from waboard.ledger.conditions import write_condition
from waboard.ledger.models import ConditionRow, SenderRow

EVIDENCE = "all clients that have the number"


async def write_owners(
    session: AsyncSession, onboarding_id: str, shared: Collection[SharedNumber], now: datetime
) -> dict[str, list[str]]:
    """Write down whose each number is. Returns, by onboarding, what that changed, for people."""
    changes: dict[str, list[str]] = {}
    for number in shared:
        for of, said in (await _write(session, number, now)).items():
            changes.setdefault(of, []).append(said)
    undisputed = await _no_longer_shared(session, onboarding_id, shared)
    for sender in undisputed:
        alone = Condition(
            ConditionType.OWNED,
            Status.TRUE,
            Reason.NUMBER_OWNED,
            "No other client has this number any more.",
            EVIDENCE,
            now,
        )
        if await write_condition(session, onboarding_id, sender, alone):
            changes.setdefault(onboarding_id, []).append(_said(sender, alone))
    return changes


async def _write(session: AsyncSession, number: SharedNumber, now: datetime) -> dict[str, str]:
    shown = number.shown_for
    ruling = rule(number.claims.values(), number.assignment) if len(shown) > 1 else None
    if ruling is None:
        return {}
    changes: dict[str, str] = {}
    for of, claim in shown.items():
        subject, condition = number.senders[of].phone_number, _condition(claim, ruling, now)
        if await write_condition(session, of, subject, condition):
            changes[of] = _said(subject, condition)
    return changes


def _condition(claim: Claim, ruling: Ruling, now: datetime) -> Condition:
    verdict = verdict_for(claim, ruling)
    return Condition(
        ConditionType.OWNED, verdict.status, verdict.reason, verdict.message, EVIDENCE, now
    )


def _said(number: str, condition: Condition) -> str:
    return f"{condition.type} of {mask_phone(number)}: {condition.status}, {condition.reason}"


async def _no_longer_shared(
    session: AsyncSession, onboarding_id: str, shared: Collection[SharedNumber]
) -> list[str]:
    disputed = {
        number.senders[onboarding_id].phone_number for number in shared if len(number.shown_for) > 1
    }
    query = select(ConditionRow.subject).where(
        ConditionRow.onboarding_id == onboarding_id,
        ConditionRow.type == ConditionType.OWNED,
        ConditionRow.status != Status.TRUE,
    )
    return [each for each in await session.scalars(query) if each not in disputed]


async def is_owned(session: AsyncSession, sender: SenderRow) -> bool:
    """Whether nothing shows that a sender's number belongs to another client, or may."""
    key = (sender.onboarding_id, sender.phone_number, ConditionType.OWNED)
    known = await session.get(ConditionRow, key)
    return known is None or known.status == Status.TRUE
