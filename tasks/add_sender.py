"""Add a sender to a client's WABA, and pass the one-time password on that proves who holds it."""

from prefect import task
from pydantic import SecretStr

from tasks.services import Services
from tasks.step import STEP, effect, may_repeat, settle_effect, surely_not_done
from waboard.domain.additions import Addition, AdditionState, CodeBy, SenderRequest
from waboard.domain.errors import ProviderError, WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.domain.sentences import sentence
from waboard.infobip.senders import AddedStatus, NewSender
from waboard.infobip.senders import CodeBy as CodeByOnWire
from waboard.ledger.additions import move_addition
from waboard.ledger.effects import UNSURE, find_effect
from waboard.ledger.locks import hold
from waboard.ledger.models import EffectRow, EffectStatus, Verb
from waboard.ledger.races import one_transaction

BY = {CodeBy.SMS: CodeByOnWire.SMS, CodeBy.VOICE: CodeByOnWire.VOICE}
_SENT = "A one-time password is on its way to {label}, by {by}."
_SUBMITTED = "Infobip registers {label}; the client's onboarding goes on with it by itself."


@task(
    name="add sender",
    task_run_name="add sender {addition.label} to WABA {onboarding.waba_label}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def ask_for_sender(
    services: Services, onboarding: Onboarding, addition: Addition, request: SenderRequest
) -> Addition:
    """Ask Infobip for the number, once. What a second time does is not documented.

    So after one that went unanswered, or was answered before, another password is asked for:
    Infobip sends one to a number that it knows and that is not verified, and to no other.
    """
    last = await _last(services, addition, Verb.ADD_SENDER, addition.phone_number)
    may_be_known = last is not None and last.status in {*UNSURE, EffectStatus.DONE}
    if may_be_known and await _is_known(services, onboarding, addition, request):
        await _settle(services, addition, Verb.ADD_SENDER, addition.phone_number)
        return await _move(services, addition, AdditionState.CODE_AWAITED, _sent(addition, request))
    async with effect(services, onboarding, Verb.ADD_SENDER, addition.phone_number):
        status = await services.infobip.senders.add(addition.waba_id, _new(addition, request))
    if status == AddedStatus.OTP_REQUESTED:
        return await _move(services, addition, AdditionState.CODE_AWAITED, _sent(addition, request))
    return await record_submitted(services, addition)


async def _last(
    services: Services, addition: Addition, verb: Verb, subject: str
) -> EffectRow | None:
    async with services.ledger.read() as session:
        return await find_effect(session, addition.onboarding_id, verb, subject)


async def _is_known(
    services: Services, onboarding: Onboarding, addition: Addition, request: SenderRequest
) -> bool:
    try:
        await _send_again(services, onboarding, addition, request.code_by, request.locale)
    except ProviderError as error:
        if error.retryable:
            raise
        return False
    return True


async def _send_again(
    services: Services, onboarding: Onboarding, addition: Addition, by: CodeBy, locale: str
) -> None:
    number = addition.phone_number
    async with effect(services, onboarding, Verb.RESEND_CODE, number):
        await services.infobip.senders.resend_code(number, BY[by], locale)


async def _settle(services: Services, addition: Addition, verb: Verb, subject: str) -> None:
    shown = "Shown by Infobip knowing the number."
    await settle_effect(services, addition.onboarding_id, verb, subject, shown)


def _new(addition: Addition, request: SenderRequest) -> NewSender:
    return NewSender(
        number=addition.phone_number,
        display_name=request.display_name,
        code_by=BY[request.code_by],
        locale=request.locale,
    )


def _sent(addition: Addition, request: SenderRequest) -> str:
    return _SENT.format(label=addition.label, by=request.code_by)


@one_transaction
async def _move(
    services: Services, addition: Addition, state: AdditionState, detail: str
) -> Addition:
    async with services.ledger.begin() as session:
        await hold(session, addition.onboarding_id)
        return await move_addition(session, addition.id, state, detail, services.clock())


async def record_submitted(services: Services, addition: Addition) -> Addition:
    """Write down that Infobip registers the number."""
    said = _SUBMITTED.format(label=addition.label)
    return await _move(services, addition, AdditionState.SUBMITTED, said)


async def record_refused(services: Services, addition: Addition, error: WaboardError) -> Addition:
    """Write down why the number cannot be added."""
    return await _move(services, addition, AdditionState.REFUSED, str(error))


@task(
    name="submit one-time password",
    task_run_name="pass the one-time password of {addition.label} on",
    retry_condition_fn=surely_not_done,
    **STEP,
)
async def submit_code(
    services: Services, onboarding: Onboarding, addition: Addition, code: SecretStr
) -> Addition:
    """Pass a password on, once for each that was given. A wrong one is awaited again.

    How a wrong, an old or a needless one is refused is not documented. So after any refusal we
    look whether Infobip lists the sender: then it was needless.
    """
    verb, subject = Verb.SUBMIT_CODE, f"{addition.phone_number} {addition.pause_key}"
    last = await _last(services, addition, verb, subject)
    if last is not None and last.status == EffectStatus.DONE:
        return await record_submitted(services, addition)
    if last is not None and last.status == EffectStatus.REFUSED:
        return await _after_refusal(services, addition, subject, last.detail)
    if last is not None and last.status in UNSURE:
        said = "It is not known whether it was taken."
        return await _after_refusal(services, addition, subject, said)
    try:
        await _submit(services, onboarding, addition, subject, code)
    except ProviderError as error:
        if error.retryable and not error.ambiguous:
            raise
        return await _after_refusal(services, addition, subject, str(error))
    return await record_submitted(services, addition)


async def _submit(
    services: Services, onboarding: Onboarding, addition: Addition, subject: str, code: SecretStr
) -> None:
    refused: ProviderError | None = None
    async with effect(services, onboarding, Verb.SUBMIT_CODE, subject) as answer:
        try:
            await services.infobip.senders.submit_code(addition.phone_number, code)
        except ProviderError as error:
            if error.retryable:
                raise
            refused = error
            answer.refuse(str(error))
    if refused is not None:
        raise refused


async def _after_refusal(
    services: Services, addition: Addition, subject: str, said: str
) -> Addition:
    listed = await services.infobip.sender_quality([addition.phone_number])
    if any(each.sender == addition.phone_number for each in listed):
        await _settle(services, addition, Verb.SUBMIT_CODE, subject)
        return await record_submitted(services, addition)
    detail = sentence(f"The last one-time password did not get through: {said}")
    return await _move(services, addition, AdditionState.CODE_AWAITED, detail)


@task(
    name="send another one-time password",
    task_run_name="have another one-time password sent to {addition.label}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def send_another(
    services: Services, onboarding: Onboarding, addition: Addition, by: CodeBy, locale: str
) -> Addition:
    """Have Infobip send another password; the one before is good for nothing any more."""
    await _send_again(services, onboarding, addition, by, locale)
    said = _SENT.format(label=addition.label, by=by)
    return await _move(services, addition, AdditionState.CODE_AWAITED, said)


async def record_not_sent(services: Services, addition: Addition, error: WaboardError) -> Addition:
    """Write down that something did not get through while the password is awaited."""
    return await _move(services, addition, AdditionState.CODE_AWAITED, str(error))
