"""Asking for a registration anew, where it had failed and somebody retries it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.ids import PhoneNumber
from waboard.domain.reasons import Reason
from waboard.domain.registration import TERMINAL, Registration, RegistrationStatus
from waboard.ledger.claims import evidence_of
from waboard.ledger.conditions import write_condition
from waboard.ledger.models import ConditionRow, OnboardingRow
from waboard.ledger.senders import sender_rows


async def ask_anew(
    session: AsyncSession, onboarding_id: str, now: datetime, phone_number: str = ""
) -> None:
    """Note that a registration that failed is asked for anew, with `phone_number` of that alone.

    From then on what was said of it before is no answer, and its run asks Infobip again. Does
    nothing where none has failed.
    """
    registration = (await evidence_of(session, onboarding_id)).registration()
    rows = {row.phone_number: row for row in await sender_rows(session, onboarding_id)}
    failed = {n for n in rows if has_failed(registration, PhoneNumber(n))}
    asked = failed & {phone_number} if phone_number else failed
    if not asked and (failed or not _came_to_nothing(registration)):
        return
    row = await session.get_one(OnboardingRow, onboarding_id)
    row.registration_retried_at = now
    registered, shared = (
        _retried(k, now) for k in (ConditionType.REGISTERED, ConditionType.SHARED)
    )
    for number in asked:
        rows[number].registration_retried_at = now
        await write_condition(session, onboarding_id, number, registered)
    if await session.get(ConditionRow, (onboarding_id, "", ConditionType.SHARED)) is not None:
        await write_condition(session, onboarding_id, "", shared)
    await session.flush()


def has_failed(registration: Registration, number: PhoneNumber) -> bool:
    """Whether a number failed to register, also when all has ended and it was never named."""
    said = registration.senders.get(number)
    if said is None:
        return number in registration.failed_before or _came_to_nothing(registration)
    return said.status == RegistrationStatus.FAILED


def _came_to_nothing(registration: Registration) -> bool:
    said = registration.senders.values()
    nobody = all(sender.status == RegistrationStatus.FAILED for sender in said)
    return registration.status in TERMINAL and nobody


def _retried(kind: ConditionType, now: datetime) -> Condition:
    return Condition(
        type=kind,
        status=Status.UNKNOWN,
        reason=Reason.REGISTRATION_RETRY_REQUESTED,
        message="The registration failed, and somebody retried it.",
        evidence="retry",
        changed_at=now,
    )
