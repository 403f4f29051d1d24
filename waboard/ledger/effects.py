"""Effects: written down before they are done, and again with their answer.

An effect that was started and has no answer (a crash) is as unsure as an ambiguous one: it is
resolved by looking, never by doing it again blindly.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.ledger.models import EffectRow, EffectStatus, Verb

UNSURE = frozenset({EffectStatus.STARTED, EffectStatus.AMBIGUOUS})


async def find_effect(
    session: AsyncSession, onboarding_id: str, verb: Verb, subject: str = ""
) -> EffectRow | None:
    """Return the latest attempt at an effect."""
    query = (
        select(EffectRow)
        .where(
            EffectRow.onboarding_id == onboarding_id,
            EffectRow.verb == verb,
            EffectRow.subject == subject,
        )
        .order_by(EffectRow.attempt.desc())
        .limit(1)
    )
    return (await session.scalars(query)).first()


async def last_effects(
    session: AsyncSession, onboarding_id: str, verb: Verb
) -> dict[str, EffectRow]:
    """Return the latest attempt at each effect of a verb, by what it is about."""
    query = (
        select(EffectRow)
        .where(EffectRow.onboarding_id == onboarding_id, EffectRow.verb == verb)
        .order_by(EffectRow.attempt)
    )
    return {row.subject: row for row in await session.scalars(query)}


async def begin_effect(
    session: AsyncSession,
    onboarding_id: str,
    verb: Verb,
    subject: str,
    now: datetime,
    *,
    external_id: str | None = None,
    why: str = "",
) -> EffectRow:
    """Write down that an effect is about to be done, and why. The caller commits before doing it.

    An attempt that certainly failed is taken up again under its own key; anything else is a new
    attempt.
    """
    last = await find_effect(session, onboarding_id, verb, subject)
    if last is not None and last.status == EffectStatus.FAILED:
        last.status, last.started_at, last.ended_at = EffectStatus.STARTED, now, None
        last.detail = why
        return last
    effect = EffectRow(
        onboarding_id=onboarding_id,
        verb=verb,
        subject=subject,
        attempt=1 if last is None else last.attempt + 1,
        status=EffectStatus.STARTED,
        external_id=external_id,
        detail=why,
        started_at=now,
    )
    session.add(effect)
    await session.flush()
    return effect


async def end_effect(
    session: AsyncSession, effect_id: int, status: EffectStatus, detail: str, now: datetime
) -> None:
    """Write down how an effect went. Why it was done stays written."""
    effect = await session.get_one(EffectRow, effect_id)
    effect.detail = f"{effect.detail} {detail}".strip()
    effect.status, effect.ended_at = status, now


async def resolve_effect(
    session: AsyncSession, onboarding_id: str, verb: Verb, subject: str, shown: str, now: datetime
) -> None:
    """Write down that what may have been done was done. `shown` says by what."""
    last = await find_effect(session, onboarding_id, verb, subject)
    if last is not None:
        resolve(last, shown, now)


async def confirm_effects(
    session: AsyncSession, onboarding_id: str, verb: Verb, subjects: Collection[str], now: datetime
) -> None:
    """Write down that the results of effects were read back: what reads otherwise later is undone.

    What may have been done was done, as this shows.
    """
    for subject, effect in (await last_effects(session, onboarding_id, verb)).items():
        if subject in subjects and effect.status in {EffectStatus.DONE, *UNSURE}:
            resolve(effect, "Shown by reading it back.", now)
            effect.confirmed_at = effect.confirmed_at or now


def resolve(effect: EffectRow, shown: str, now: datetime) -> None:
    """Write down that an effect was done, if that is not sure yet."""
    if effect.status in UNSURE:
        effect.status, effect.detail, effect.ended_at = EffectStatus.DONE, shown, now


async def effects_of(session: AsyncSession, onboarding_id: str) -> list[EffectRow]:
    """Return all effects of an onboarding, in the order they were begun."""
    query = select(EffectRow).where(EffectRow.onboarding_id == onboarding_id).order_by(EffectRow.id)
    return list(await session.scalars(query))
