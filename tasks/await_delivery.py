"""Find out whether the test messages have arrived, and stop waiting for those that have not."""

from prefect import task

from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import NotFound
from waboard.domain.facts import Fact, canonical, delivery_facts
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.reasons import Reason
from waboard.ledger.effects import find_effect
from waboard.ledger.events import receive
from waboard.ledger.locks import hold
from waboard.ledger.models import Verb
from waboard.ledger.races import one_transaction


@task(
    name="await delivery",
    task_run_name="await delivery to the test recipient of {onboarding.client_ref}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def look_for_delivery(services: Services, onboarding: Onboarding) -> None:
    """Pull reports ourselves: a sleep brought none."""
    for sender in onboarding.senders:
        if sender.is_awaiting_report:
            await _pull_report(services, onboarding, sender)


async def _pull_report(services: Services, onboarding: Onboarding, sender: Sender) -> None:
    # Each report is handed out once, so it is kept before anything else.
    message_id = await _message_id(services, onboarding, sender)
    reports = await services.infobip.delivery_reports(message_id=message_id)
    facts = delivery_facts(canonical({"results": reports}).encode())
    await _keep_reports(services, onboarding.id, list(facts))


@one_transaction
async def _keep_reports(services: Services, onboarding_id: str, facts: list[Fact]) -> None:
    # Also in a leg that may not act any more: nobody is handed them again.
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        await receive(session, facts, "messages-api/reports", services.clock())


async def give_up_delivery(services: Services, onboarding: Onboarding) -> None:
    """Write down whose report has not come in the time that we wait for it."""
    for sender in onboarding.senders:
        if sender.is_still_tested:
            message_id = await _message_id(services, onboarding, sender)
            await services.write(
                onboarding.id,
                sender.phone_number,
                ConditionType.VERIFIED,
                Status.FALSE,
                Reason.NO_REPORT,
                f"No final report of message {message_id} in the time that we wait for one.",
                "the clock",
            )


async def _message_id(services: Services, onboarding: Onboarding, sender: Sender) -> str:
    async with services.ledger.read() as session:
        sent = await find_effect(
            session, onboarding.id, Verb.SEND_TEST_MESSAGE, sender.phone_number
        )
    if sent is None or sent.external_id is None:
        raise NotFound(
            f"No test message of {sender.label} is written down.",
            remedy="Retry the run in the Prefect UI.",
        )
    return sent.external_id
