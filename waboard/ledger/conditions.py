"""Writing down what is true: only what changed, each change into the history and to be told."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status, succeed
from waboard.domain.reasons import Reason
from waboard.ledger.models import ConditionChangeRow, ConditionRow, OnboardingRow
from waboard.ledger.outbox import tell_turn
from waboard.ledger.own_reads import restate_own_read
from waboard.ledger.sender_names import current_spelling
from waboard.ledger.showing import show_soon


async def write_condition(
    session: AsyncSession, onboarding_id: str, subject: str, new: Condition
) -> bool:
    """Write a condition of the onboarding (`subject` empty) or of a sender (its number).

    Of a sender that is spelled otherwise by now, it is written under the new spelling. Returns
    whether anything changed.
    """
    row = await session.get(ConditionRow, (onboarding_id, subject, new.type))
    if row is None and subject:
        subject = await current_spelling(session, onboarding_id, subject)
        row = await session.get(ConditionRow, (onboarding_id, subject, new.type))
    before = None if row is None else condition_of(row)
    written = succeed(before, new)
    if written is None:
        return False
    session.add(_change(onboarding_id, subject, before.status if before else None, written, new))
    if row is None:
        row = ConditionRow(onboarding_id=onboarding_id, subject=subject, type=new.type)
        session.add(row)
    row.status, row.reason, row.message = written.status, written.reason, written.message
    row.evidence, row.changed_at = written.evidence, written.changed_at
    await show_soon(session, onboarding_id, new.changed_at)
    await session.flush()
    await tell_turn(session, onboarding_id, subject, before, written, new.changed_at)
    return True


async def give_up_upstream(session: AsyncSession, onboarding_id: str, before: datetime) -> None:
    """Write down of what an upstream has kept back since before that time that it is given up.

    Whoever does holds the onboarding's row.
    """
    for row in await condition_rows(session, onboarding_id):
        if row.reason == Reason.PROVIDER_UNAVAILABLE and row.changed_at < before:
            given_up = replace(condition_of(row), reason=Reason.UPSTREAM_GIVEN_UP)
            await write_condition(session, onboarding_id, row.subject, given_up)
            onboarding = await session.get_one(OnboardingRow, onboarding_id)
            restate_own_read(onboarding, given_up.type, given_up.reason)


def _change(
    onboarding_id: str, subject: str, before: str | None, written: Condition, new: Condition
) -> ConditionChangeRow:
    return ConditionChangeRow(
        onboarding_id=onboarding_id,
        subject=subject,
        type=written.type,
        status_before=before,
        status=written.status,
        reason=written.reason,
        message=written.message,
        evidence=written.evidence,
        at=new.changed_at,
    )


async def conditions_of(
    session: AsyncSession, onboarding_id: str
) -> dict[str, dict[ConditionType, Condition]]:
    """Return all conditions of an onboarding by subject."""
    found: dict[str, dict[ConditionType, Condition]] = {}
    for row in await condition_rows(session, onboarding_id):
        found.setdefault(row.subject, {})[ConditionType(row.type)] = condition_of(row)
    return found


async def condition_rows(session: AsyncSession, onboarding_id: str) -> list[ConditionRow]:
    """Return all rows. As long as they are held, `session.get` has each without a question."""
    query = select(ConditionRow).where(ConditionRow.onboarding_id == onboarding_id)
    return list(await session.scalars(query))


def condition_of(row: ConditionRow) -> Condition:
    """Read a row."""
    return Condition(
        type=ConditionType(row.type),
        status=Status(row.status),
        reason=row.reason,
        message=row.message,
        evidence=row.evidence,
        changed_at=row.changed_at,
    )
