"""Find out whether the registration is over, and stop waiting for one that does not end."""

from collections.abc import Sequence

from prefect import task

from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.facts import Fact, quality_fact
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.spelling import asked_for
from waboard.domain.waits import WaitKind
from waboard.ledger.events import receive
from waboard.ledger.races import one_transaction


@task(
    name="await registration",
    task_run_name="await registration of WABA {onboarding.waba_label}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def look_for_registration(services: Services, onboarding: Onboarding) -> None:
    """Look for evidence ourselves when a sleep brought none, and when somebody has retried.

    There is no GET for a registration. What can be asked is how known numbers stand.
    """
    slept = WaitKind.REGISTRATION in onboarding.waited_for
    if slept or onboarding.was_retried or onboarding.registration.failed_before:
        await _ask_for_quality(services, onboarding)


async def _ask_for_quality(services: Services, onboarding: Onboarding) -> None:
    numbers = [sender.phone_number for sender in onboarding.senders]
    if numbers:
        await keep_quality(services, numbers)


async def keep_quality(services: Services, numbers: Sequence[PhoneNumber]) -> list[int]:
    """Keep what Infobip says of up to 100 numbers as events; return their ids.

    An answer in another spelling is about the number that was asked for.
    """
    answers = await services.infobip.sender_quality(numbers)
    about = [
        (each, PhoneNumber(asked_for(each.sender, numbers) or each.sender)) for each in answers
    ]
    facts = [quality_fact(a.model_dump(by_alias=True, mode="json"), number) for a, number in about]
    return await _keep_answers(services, facts)


@one_transaction
async def _keep_answers(services: Services, facts: Sequence[Fact]) -> list[int]:
    async with services.ledger.begin() as session:
        receipts = await receive(session, facts, "senders/quality", services.clock())
        return [receipt.event_id for receipt in receipts]


async def give_up_registration(services: Services, onboarding: Onboarding) -> None:
    """Write down that no end of the registration was seen in the time that we wait for one."""
    await services.write(
        onboarding.id,
        "",
        ConditionType.REGISTERED,
        Status.UNKNOWN,
        Reason.REGISTRATION_TIMED_OUT,
        "No end of the registration was seen in the time that we wait for one.",
        "the clock",
    )
