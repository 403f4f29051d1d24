"""Compare whose a number is with what is written, where several of our clients have it.

Each look at an onboarding rules it anew; this is the net under the looks, for what a crash left.
"""

from prefect import task

from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.watched import with_shared_numbers


@task(
    name="compare owners",
    task_run_name="compare whose numbers are that several clients have",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_owners(services: Services, client_ref: str | None, *, dry: bool) -> list[Finding]:
    """Rule anew whose each shared number is, and say where a person has to decide."""
    async with services.ledger.read() as session:
        concerned = await with_shared_numbers(session, client_ref)
    findings: list[Finding] = []
    for onboarding_id in concerned:
        onboarding = await _read(services, onboarding_id, dry=dry)
        findings += [found for sender in onboarding.senders for found in _find(onboarding, sender)]
    return findings


async def _read(services: Services, onboarding_id: str, *, dry: bool) -> Onboarding:
    if not dry:
        return await services.look(onboarding_id)
    async with services.ledger.read() as session:
        return await read_onboarding(session, onboarding_id)


def _find(onboarding: Onboarding, sender: Sender) -> list[Finding]:
    owned = sender.conditions.get(ConditionType.OWNED)
    if owned is None:
        return []
    ref, number = onboarding.client_ref, sender.phone_number
    return [Finding(onboarding.id, ref, number, Aspect.OWNER, _answer(owned), owned.message)]


def _answer(owned: Condition) -> Answer:
    # A number that moved is in order: it is known whose it is.
    return Answer.YES if owned.is_decided else Answer.NO
