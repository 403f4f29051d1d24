"""What Meta's words and our own reads come to: the conditions that both speak of."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.delivery import Verdict
from waboard.domain.health import NumberHealth, WabaHealth
from waboard.domain.meta_events.connection import judge_connection, next_end
from waboard.domain.meta_events.names import judge_name
from waboard.domain.meta_events.review import judge_review
from waboard.domain.meta_events.saying import about_number
from waboard.domain.meta_events.template import judge_template
from waboard.domain.meta_events.words import BY_META, Judgement, OwnRead, Word
from waboard.domain.reasons import Reason
from waboard.ledger.conditions import write_condition
from waboard.ledger.evidence import received_about
from waboard.ledger.models import OnboardingRow, SenderRow
from waboard.ledger.own_reads import SPOKEN_OF, keep_own_read, own_read_of
from waboard.ledger.senders import sender_rows
from waboard.ledger.subject import Seen, Subject


async def write_what_meta_says(subject: Subject, row: OnboardingRow, words: Sequence[Word]) -> None:
    """Write what Meta says of the WABA, its numbers and the template, by all the evidence."""
    await _write_spoken_of(subject, row, words)
    review, healthy = "", ConditionType.HEALTHY
    shown = WabaHealth(**row.health) if row.health else None
    verdict = judge_review(words, shown, row.health_at, await subject.held(review, healthy))
    if verdict is not None:
        await subject.write(review, healthy, verdict, "Meta's review")
    for sender in await sender_rows(subject.session, subject.onboarding_id):
        await _write_name(subject, sender, words)


async def _write_spoken_of(subject: Subject, row: OnboardingRow, words: Sequence[Word]) -> None:
    connected, template = ConditionType.CONNECTED, ConditionType.TEMPLATE_READY
    is_held = await subject.held("", connected) is not None
    own, now, since = own_read_of(row, connected), subject.now, row.reconnected_at
    judged = judge_connection(words, own, now, since=since, is_held=is_held)
    await _write(subject, connected, judged)
    await _write(subject, template, judge_template(words, own_read_of(row, template)))
    row.look_at = next_end(words, subject.now)


async def _write(subject: Subject, kind: ConditionType, judged: Judgement | None) -> None:
    if judged is not None:
        verdict = Verdict(judged.status, Reason(judged.reason), judged.message)
        await subject.write("", kind, verdict, judged.evidence)


async def _write_name(subject: Subject, sender: SenderRow, words: Sequence[Word]) -> None:
    number, kind = sender.phone_number, ConditionType.NAME_APPROVED
    shown = NumberHealth(**sender.health) if sender.health else None
    said, held = about_number(words, number), await subject.held(number, kind)
    verdict = judge_name(said, shown, sender.health_at, held)
    if verdict is not None:
        await subject.write(number, kind, verdict, BY_META)


async def record(session: AsyncSession, onboarding_id: str, subject: str, seen: Condition) -> None:
    """Write down what we saw ourselves. Whoever calls holds the onboarding's row.

    Where Meta's webhooks speak of it as well, the condition is what both come to.
    """
    row = await session.get(OnboardingRow, onboarding_id)
    if row is None or subject or seen.type not in SPOKEN_OF or row.leaving_at is not None:
        await write_condition(session, onboarding_id, subject, seen)
        return
    keep_own_read(row, seen)
    words = (await received_about(session, onboarding_id)).account
    await _write_spoken_of(Subject(session, onboarding_id, seen.changed_at, Seen()), row, words)


async def connection_after(
    session: AsyncSession, onboarding_id: str, read: OwnRead
) -> Judgement | None:
    """Return what `Connected` would be after a read, which is written nowhere."""
    row = await session.get_one(OnboardingRow, onboarding_id)
    words = (await received_about(session, onboarding_id)).account
    own = read.follow(own_read_of(row, ConditionType.CONNECTED))
    return judge_connection(words, own, read.at, since=row.reconnected_at)


async def due_for_a_look(session: AsyncSession, now: datetime) -> list[str]:
    """Return onboardings whose `look_at` has come: time itself has changed what is true of them."""
    query = select(OnboardingRow.id).where(
        OnboardingRow.look_at <= now, OnboardingRow.leaving_at.is_(None)
    )
    return list(await session.scalars(query))
