"""Verify a sender: a test message really goes out, and its report proves that it arrived."""

from typing import Any
from uuid import UUID, uuid5

from prefect import task

from tasks.services import Services
from tasks.step import STEP, Answer, effect, surely_not_done
from waboard.domain.errors import ProviderError, StepRefused
from waboard.domain.facts import MESSAGE_ID_PREFIX
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding, Sender, VerifyBy
from waboard.domain.reasons import Reason
from waboard.domain.sentences import sentence
from waboard.infobip.models import SentMessage, TemplateMessage, TextMessage
from waboard.ledger.claims import evidence_of
from waboard.ledger.effects import find_effect
from waboard.ledger.models import EffectRow, EffectStatus, Verb


@task(
    name="verify",
    task_run_name="send test message from {sender.label}",
    retry_condition_fn=surely_not_done,
    **STEP,
)
async def send_test_message(services: Services, onboarding: Onboarding, sender: Sender) -> None:
    """Send one test message, unless one went or may have gone: unsure is never sent twice.

    Another one goes out only when the last had failed and somebody retried the run, or when the
    template was not synced yet.
    """
    last = await _last_message(services, onboarding, sender)
    if last is not None and last.status != EffectStatus.FAILED and not sender.may_be_tested_again:
        return
    message_id = _next_id(onboarding, sender, last)
    message = await test_message(services, onboarding, sender, message_id)
    await _refuse_invalid(services, message)
    try:
        async with effect(
            services,
            onboarding,
            Verb.SEND_TEST_MESSAGE,
            sender.phone_number,
            external_id=message.message_id,
        ) as answer:
            _note_refusal(answer, await _send(services, message))
    except ProviderError as error:
        if not error.ambiguous:
            raise
    await services.look(onboarding.id)


async def _last_message(
    services: Services, onboarding: Onboarding, sender: Sender
) -> EffectRow | None:
    async with services.ledger.read() as session:
        return await find_effect(
            session, onboarding.id, Verb.SEND_TEST_MESSAGE, sender.phone_number
        )


def _next_id(onboarding: Onboarding, sender: Sender, last: EffectRow | None) -> str:
    # One that surely was not sent keeps its id; another message has another.
    if last is not None and last.status == EffectStatus.FAILED and last.external_id:
        return last.external_id
    return message_id_for(onboarding, sender, 1 if last is None else last.attempt + 1)


def message_id_for(onboarding: Onboarding, sender: Sender, attempt: int = 1) -> str:
    """Return the id of a sender's test message, always the same, so that it can be looked up."""
    return f"{MESSAGE_ID_PREFIX}{uuid5(UUID(onboarding.id), f'{sender.phone_number}/{attempt}')}"


async def test_message(
    services: Services, onboarding: Onboarding, sender: Sender, message_id: str
) -> TemplateMessage | TextMessage:
    """Return the message that proves that a sender sends: to the test recipient, or a reply."""
    filing = onboarding.filing_of(sender)
    about: dict[str, Any] = {
        "sender": sender.phone_number,
        "message_id": message_id,
        "application_id": filing.application_id,
        "entity_id": filing.entity_id,
    }
    verification = services.verification
    if onboarding.verify_by is VerifyBy.INBOUND:
        writer = await _last_writer(services, onboarding, sender)
        return TextMessage(to=writer, text=verification.reply, **about)
    return TemplateMessage(
        to=verification.number,
        template_name=verification.template_name,
        language=verification.language,
        **about,
    )


async def _last_writer(services: Services, onboarding: Onboarding, sender: Sender) -> PhoneNumber:
    async with services.ledger.read() as session:
        writer = (await evidence_of(session, onboarding.id)).last_writer(*sender.spellings)
    if writer is None:
        message = f"Nobody has written to {sender.label} whom we could answer."
        raise StepRefused(message, reason=Reason.NO_INBOUND)
    # Infobip takes the business-scoped id of somebody without a number in the same place.
    return PhoneNumber(writer)


async def _send(services: Services, message: TemplateMessage | TextMessage) -> SentMessage:
    traffic = services.traffic
    if isinstance(message, TextMessage):
        return await traffic.send_text(message)
    return await traffic.send_template(message)


async def _refuse_invalid(services: Services, message: TemplateMessage | TextMessage) -> None:
    validation = await services.traffic.validate(message)
    if validation is not None and not validation.ok:
        wrong = "; ".join(map(str, validation.violations)) or validation.description
        said = sentence(f"Infobip finds the test message invalid: {wrong}")
        raise StepRefused(said, reason=Reason.MESSAGE_REFUSED)


def _note_refusal(answer: Answer, sent: SentMessage) -> None:
    # A 200 may hold a refusal. That the id was used before means that our message went out.
    if sent.failed and not sent.already_sent:
        said = f"{sent.status.name} ({sent.status.id}) {sent.status.description}"
        answer.refuse(sentence(f"Infobip rejected the test message: {said}"))
