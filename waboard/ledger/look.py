"""Looking again: take up what was received, work out what is true now, write what changed.

An event only says "look again". The order, number and time of events do not matter to the end,
since every look computes from all of them.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.asks import unanswered
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.delivery import MOST_TESTS, Verdict
from waboard.domain.evidence import Evidence
from waboard.domain.ids import PhoneNumber
from waboard.domain.inbound import InboundMessage
from waboard.domain.masking import scrub
from waboard.domain.meta_events.meanings import Meaning, meaning_of
from waboard.domain.meta_events.saying import said_by
from waboard.domain.meta_events.wire import MetaEvent
from waboard.domain.onboarding import ON_THE_WAY, Onboarding, VerifyBy
from waboard.domain.outcome import has_news
from waboard.domain.reasons import Reason
from waboard.domain.registration import (
    CONNECTED,
    Registration,
    RegistrationStatus,
    SenderRegistration,
)
from waboard.domain.sentences import sentence, sentences
from waboard.domain.steps import is_over
from waboard.ledger.claims import SharedNumber, evidence_of, shared_numbers, without_others
from waboard.ledger.conditions import condition_rows
from waboard.ledger.effects import UNSURE, find_effect, last_effects, resolve
from waboard.ledger.events import conclude, parked_for
from waboard.ledger.evidence import evidence_in, received_about
from waboard.ledger.locks import are_held, hold
from waboard.ledger.meta_words import record, write_what_meta_says
from waboard.ledger.models import (
    ConditionRow,
    Disposition,
    EffectRow,
    EffectStatus,
    EventKind,
    EventRow,
    OnboardingRow,
    Verb,
)
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.ownership import write_owners
from waboard.ledger.sender_names import claimants_of, numbers_named
from waboard.ledger.senders import note_registering
from waboard.ledger.subject import Seen, Subject
from waboard.ledger.waits import satisfy_wait


async def look(
    session: AsyncSession, onboarding_id: str, now: datetime, seen: Seen | None = None
) -> Onboarding:
    """Bring an onboarding up to date with everything received, and return it.

    Whoever looks holds the onboarding's row, so that a run that is about to sleep and an event
    that is about to wake it cannot miss each other. What it took up and changed goes into `seen`.
    """
    row = await hold(session, onboarding_id)
    subject = Subject(session, onboarding_id, now, seen or Seen())
    if row is not None and row.leaving_at is not None:
        await _set_aside(subject)
        return await read_onboarding(session, onboarding_id)
    await _take_up_parked(subject)
    evidence = await received_about(session, onboarding_id)
    _held = await condition_rows(session, onboarding_id)  # each is asked for by itself below
    await _note_senders(subject, evidence)
    if row is not None:
        await write_what_meta_says(subject, row, evidence.account)
    shared = await _shared_numbers(subject)
    evidence = without_others(evidence, shared, onboarding_id)
    await _write_registration(subject, evidence)
    if row is not None:
        await _write_owners(subject, row, shared)
    await _write_share(subject, evidence)
    await _write_receiving(subject, evidence)
    await _write_verdicts(subject, evidence)
    await session.flush()
    return await _act_on(session, onboarding_id, now, evidence)


async def _act_on(
    session: AsyncSession, onboarding_id: str, now: datetime, evidence: Evidence | None = None
) -> Onboarding:
    """Wake the run of an onboarding whose wait is over, and let one that has ended go on."""
    onboarding = await read_onboarding(session, onboarding_id, evidence)
    if onboarding.wait is not None and is_over(onboarding, onboarding.wait.kind):
        await satisfy_wait(session, onboarding_id, now)
    if has_news(onboarding):
        row = await session.get_one(OnboardingRow, onboarding_id)
        row.news_at = row.news_at or now
    return onboarding


async def learn(
    session: AsyncSession, onboarding_id: str, subject: str, new: Condition
) -> Onboarding:
    """Write down what was seen of an onboarding or a sender, and look again: both or neither.

    Whoever wrote and died before it looked would leave what nobody acts on: it is no news any more.
    """
    await hold(session, onboarding_id)
    await record(session, onboarding_id, subject, new)
    return await look(session, onboarding_id, new.changed_at)


async def _set_aside(subject: Subject) -> None:
    for event in await parked_for(subject.session, subject.onboarding_id):
        if _may_begin_anew(event):
            continue
        event.onboarding_id = subject.onboarding_id
        conclude(event, Disposition.STALE, "The client leaves, or has left.")
    await subject.session.flush()


def _may_begin_anew(event: EventRow) -> bool:
    # Meta's word that a WABA was shared: should the client come back, it is about that.
    is_of_meta = event.kind == EventKind.META
    return is_of_meta and meaning_of(_meta_event(event)) is Meaning.START


def _meta_event(event: EventRow) -> MetaEvent:
    return MetaEvent.model_validate_json(event.body)


async def _take_up_parked(subject: Subject) -> None:
    parked = await parked_for(subject.session, subject.onboarding_id)
    if not parked:
        return
    known = await evidence_of(subject.session, subject.onboarding_id)
    for event in parked:
        known = _take_up(event, subject.onboarding_id, known)
        subject.seen.events.append(event)
    await subject.session.flush()


def _take_up(event: EventRow, onboarding_id: str, known: Evidence) -> Evidence:
    total = known.plus(evidence_in(event))
    event.onboarding_id = onboarding_id
    if total.shows_more_than(known):
        disposition, came_to = Disposition.APPLIED, "It changed what is known."
    else:
        disposition, came_to = Disposition.STALE, "Nothing new: more is known already."
    said = f"{said_by(_meta_event(event))} " if event.kind == EventKind.META else ""
    conclude(event, disposition, f"{said}{came_to}")
    return total


async def _note_senders(subject: Subject, evidence: Evidence) -> None:
    shown = evidence.shown().senders.values()
    known = await numbers_named(subject.session, subject.onboarding_id) if shown else {}
    for sender in shown:
        names = {*sender.spellings, *([f"id:{i}"] if (i := sender.phone_number_id) else [])}
        if any(known.get(name) != sender.phone_number for name in names):
            await note_registering(subject.session, subject.onboarding_id, sender)


async def _shared_numbers(subject: Subject) -> list[SharedNumber]:
    if not await claimants_of(subject.session, subject.onboarding_id):
        return []
    return await shared_numbers(subject.session, subject.onboarding_id)


async def _write_owners(subject: Subject, row: OnboardingRow, shared: list[SharedNumber]) -> None:
    session, now = subject.session, subject.now
    rivals = {of for number in shared for of in number.claims} - {subject.onboarding_id}
    if not await are_held(session, rivals):
        # Somebody is at one of them, and may wait for us: it is ruled at the next look.
        row.look_at = now
        return
    changes = await write_owners(session, subject.onboarding_id, shared, now)
    subject.seen.changes += changes.pop(subject.onboarding_id, [])
    for other in sorted(changes):
        await session.flush()
        await _act_on(session, other, now)


async def _write_registration(subject: Subject, evidence: Evidence) -> None:
    registration = evidence.registration()
    if registration.shows_share:
        seen = Verdict(Status.TRUE, Reason.REGISTRATION_SEEN, "Infobip registers this WABA.")
        await _write_shared(subject, seen)
    for sender in registration.senders.values():
        await subject.write(
            sender.phone_number,
            ConditionType.REGISTERED,
            _registered(sender),
            f"registration as of {sender.as_of.isoformat()}",
        )
    await _write_unanswered(subject, evidence, registration)


async def _write_unanswered(
    subject: Subject, evidence: Evidence, registration: Registration
) -> None:
    # Of these nothing was said since they were asked for. Who failed before is known all the same.
    failed = registration.failed_before
    silent = sorted(failed.keys() | registration.unanswered)
    if not silent:
        return
    stays = registration.shows_share or await _was_refused(subject)
    for number in silent:
        ask = evidence.asks.of(number) if evidence.asks else None
        verdict = unanswered(number, ask, failed.get(number), stays=stays)
        await subject.write(number, ConditionType.REGISTERED, verdict, "no word since it was asked")


async def _was_refused(subject: Subject) -> bool:
    key = (subject.onboarding_id, "", ConditionType.SHARED)
    shared = await subject.session.get(ConditionRow, key)
    return shared is not None and shared.reason == Reason.SHARE_REFUSED


async def _write_shared(subject: Subject, seen: Verdict) -> None:
    key = (subject.onboarding_id, "", ConditionType.SHARED)
    known = await subject.session.get(ConditionRow, key)
    if known is None or known.status != Status.TRUE:
        await subject.write("", ConditionType.SHARED, seen, "registration event")


async def _write_share(subject: Subject, evidence: Evidence) -> None:
    effect = await find_effect(subject.session, subject.onboarding_id, Verb.SHARE)
    if effect is None or _belongs_to_an_older_ask(effect, evidence):
        return
    key = (subject.onboarding_id, "", ConditionType.SHARED)
    known = await subject.session.get(ConditionRow, key)
    if known is not None and known.status == Status.TRUE:
        resolve(effect, f"Shown by {known.evidence}.", subject.now)
    elif effect.status == EffectStatus.DONE:
        await subject.write("", ConditionType.SHARED, _ACCEPTED, f"effect {effect.id}")
    elif effect.status in UNSURE:
        await subject.write("", ConditionType.SHARED, _NOT_ANSWERED, f"effect {effect.id}")


def _belongs_to_an_older_ask(effect: EffectRow, evidence: Evidence) -> bool:
    return evidence.asks is not None and effect.started_at < evidence.asks.of_waba.since


_ACCEPTED = Verdict(
    Status.TRUE, Reason.SHARE_ACCEPTED, "Infobip accepted the WABA for registration."
)
# A share that was begun and never answered, by a crash or the network, may have been taken.
_NOT_ANSWERED = Verdict(
    Status.UNKNOWN, Reason.SHARE_NOT_ANSWERED, "Infobip did not answer whether it took the WABA."
)


def _registered(sender: SenderRegistration) -> Verdict:
    said = sentence(scrub(sender.info or ""))
    if sender.status == RegistrationStatus.FINISHED:
        return Verdict(Status.TRUE, Reason.REGISTRATION_FINISHED, said or "Registered.")
    if sender.status == CONNECTED:
        return Verdict(Status.TRUE, Reason.SENDER_CONNECTED, said or "Connected.")
    if sender.status == RegistrationStatus.FAILED:
        message = f"Registration failed: {said or 'Infobip gave no reason.'}"
        return Verdict(Status.FALSE, Reason.REGISTRATION_FAILED, message)
    message = sentences(f"Registration is {scrub(sender.status)}", said)
    return Verdict(Status.UNKNOWN, Reason.REGISTRATION_IN_PROGRESS, message)


async def _write_receiving(subject: Subject, evidence: Evidence) -> None:
    onboarding = await subject.session.get(OnboardingRow, subject.onboarding_id)
    if onboarding is None or onboarding.verify_by == VerifyBy.TEMPLATE:
        return
    await subject.session.flush()
    query = select(ConditionRow.subject).where(
        ConditionRow.onboarding_id == subject.onboarding_id,
        ConditionRow.type == ConditionType.REGISTERED,
        ConditionRow.status == Status.TRUE,
        ConditionRow.subject != "",
    )
    named = await numbers_named(subject.session, subject.onboarding_id)
    for number in await subject.session.scalars(query):
        spellings = [name for name, of in named.items() if of == number]
        await _write_received(subject, number, evidence.last_inbound(*spellings))


async def _write_received(subject: Subject, number: str, last: InboundMessage | None) -> None:
    known = await subject.session.get(
        ConditionRow, (subject.onboarding_id, number, ConditionType.RECEIVES)
    )
    if known is None:
        await subject.write(number, ConditionType.RECEIVES, _NOT_WRITTEN_TO, "no inbound event")
    if last is not None and (known is None or known.status != Status.TRUE):
        arrived = Verdict(
            Status.TRUE,
            Reason.INBOUND_ARRIVED,
            f"Somebody wrote to it{_on(last.received_at)}.",
        )
        await subject.write(number, ConditionType.RECEIVES, arrived, "inbound event")


def _on(time: datetime | None) -> str:
    return f" on {time:%Y-%m-%d %H:%M} UTC" if time else ""


_NOT_WRITTEN_TO = Verdict(
    Status.UNKNOWN, Reason.INBOUND_AWAITED, "Nobody has written to this number yet."
)


async def _write_verdicts(subject: Subject, evidence: Evidence) -> None:
    tests = await last_effects(subject.session, subject.onboarding_id, Verb.SEND_TEST_MESSAGE)
    for number, effect in tests.items():
        await _write_verdict(subject, PhoneNumber(number), effect, evidence)


async def _write_verdict(
    subject: Subject, number: PhoneNumber, effect: EffectRow, evidence: Evidence
) -> None:
    last = effect.attempt >= MOST_TESTS
    verdict = evidence.verdict(effect.external_id or "", last=last)
    if verdict.reason is not Reason.REPORT_AWAITED:
        resolve(effect, "Shown by its report.", subject.now)
    elif effect.status == EffectStatus.REFUSED:
        verdict = Verdict(Status.FALSE, Reason.MESSAGE_REJECTED, sentence(effect.detail))
    known = await subject.session.get(
        ConditionRow, (subject.onboarding_id, number, ConditionType.VERIFIED)
    )
    awaited = known is not None and known.reason in ON_THE_WAY
    if verdict.status is not Status.TRUE and not awaited and await _is_superseded(subject, effect):
        return
    if verdict.status is Status.UNKNOWN:
        decided = known is not None and known.status != Status.UNKNOWN
        if decided or effect.status == EffectStatus.FAILED:
            return
        if effect.status in UNSURE and verdict.reason is Reason.REPORT_AWAITED:
            verdict = Verdict(
                Status.UNKNOWN,
                Reason.SEND_NOT_ANSWERED,
                "Infobip did not answer whether it took the test message.",
            )
    await subject.write(number, ConditionType.VERIFIED, verdict, f"message {effect.external_id}")


async def _is_superseded(subject: Subject, effect: EffectRow) -> bool:
    # Somebody retried the run after this message had failed: its failure counts no more.
    onboarding = await subject.session.get_one(OnboardingRow, subject.onboarding_id)
    return onboarding.reopened_at is not None and effect.started_at < onboarding.reopened_at
