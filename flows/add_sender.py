"""Add a sender to a client's WABA after its signup: add, await the one-time password, submit."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from pydantic import SecretStr

from tasks.add_sender import (
    ask_for_sender,
    record_not_sent,
    record_refused,
    send_another,
    submit_code,
)
from tasks.additions import (
    END_NAMES,
    ask_for_code,
    code_of,
    end_of,
    forget_code,
    run_name,
    wanted,
)
from tasks.runs import tag, was_told_its_end
from tasks.services import Services, open_services
from tasks.step import result_of
from waboard.domain.additions import Addition, AdditionState, CodeBy, SenderRequest
from waboard.domain.errors import WaboardError
from waboard.domain.ids import PhoneNumberField, PlatformId
from waboard.domain.onboarding import Onboarding
from waboard.domain.verbs import refuse_once_leaving
from waboard.ledger.additions import begin_anew, note_addition
from waboard.ledger.locks import hold
from waboard.ledger.onboardings import newest_of, read_onboarding
from waboard.ledger.races import one_transaction


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    return run_name(str(given.get("phone_number", "")), str(given.get("client_ref", "")))


@flow(name="add-sender", flow_run_name=_named, persist_result=False)
async def add_sender(
    client_ref: PlatformId,
    phone_number: PhoneNumberField,
    display_name: str,
    code_by: CodeBy = CodeBy.SMS,
    locale: str = "en_US",
) -> State[None]:
    """Add a phone number to a client's WABA; its one-time password is asked for in the UI.

    Args:
        client_ref: Your own id of the client, whose WABA is shared with Infobip already.
        phone_number: The number, in international form.
        display_name: What people see in WhatsApp.
        code_by: How the one-time password reaches whoever holds the number.
        locale: The language of the password.
    """
    request = SenderRequest(
        phone_number=phone_number, display_name=display_name, code_by=code_by, locale=locale
    )
    async with open_services(beside=True) as services:
        try:
            onboarding, addition = await _begin(services, client_ref, request)
        except WaboardError as error:
            return Failed(name="SenderRefused", message=str(error))
        return await _go_on(services, onboarding, addition, request)


async def _begin(
    services: Services, client_ref: str, request: SenderRequest
) -> tuple[Onboarding, Addition]:
    async with services.ledger.read() as session:
        onboarding_id = await newest_of(session, client_ref)
    run_id = str(flow_run.get_id())
    onboarding, addition = await _note_asked(services, onboarding_id, run_id, request)
    if await was_told_its_end(addition.id, END_NAMES.values(), addition.ended_at):
        addition = await _take_up(services, addition)
    await tag(addition.id, onboarding.tags)
    return onboarding, addition


@one_transaction
async def _note_asked(
    services: Services, onboarding_id: str, run_id: str, request: SenderRequest
) -> tuple[Onboarding, Addition]:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        refuse_once_leaving(onboarding)
        addition, _ = await note_addition(session, run_id, onboarding_id, request, services.clock())
        return onboarding, addition


@one_transaction
async def _take_up(services: Services, addition: Addition) -> Addition:
    async with services.ledger.begin() as session:
        await hold(session, addition.onboarding_id)
        return await begin_anew(session, addition.id, services.clock())


async def _go_on(
    services: Services, onboarding: Onboarding, addition: Addition, request: SenderRequest
) -> State[None]:
    """The whole sentence, from whatever is true already."""
    if addition.state is AdditionState.ASKED:
        addition = await ask(services, onboarding, addition, request)
    elif addition.state is AdditionState.CODE_AWAITED:
        addition = await answer(services, onboarding, addition, request)
    if addition.state is AdditionState.CODE_AWAITED:
        await ask_for_code(services, onboarding, addition)
    return end_of(addition)


async def ask(
    services: Services, onboarding: Onboarding, addition: Addition, request: SenderRequest
) -> Addition:
    """Ask Infobip for the number."""
    result = await result_of(ask_for_sender, services, onboarding, addition, request)
    if isinstance(result, WaboardError):
        return await record_refused(services, addition, result)
    return result


async def answer(
    services: Services, onboarding: Onboarding, addition: Addition, request: SenderRequest
) -> Addition:
    """Pass on what a person gave, if somebody did."""
    given = await code_of(addition)
    if given is None:
        return addition
    by = wanted(given)
    if by is None:
        code = SecretStr(given.code)
        result = await result_of(submit_code, services, onboarding, addition, code)
    else:
        result = await result_of(send_another, services, onboarding, addition, by, request.locale)
    await forget_code(addition)
    if isinstance(result, WaboardError):
        return await record_not_sent(services, addition, result)
    return result
