"""The template of the test message: found on the client's WABA, or made there."""

from prefect import task

from tasks.services import Services
from tasks.step import STEP, effect, may_repeat, settle_effect
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import ProviderError, StepRefused
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.sentences import sentence
from waboard.domain.template import HOPELESS, USABLE
from waboard.infobip.templates import NewTemplate, Template, TemplateCategory
from waboard.ledger.events import why_rejected
from waboard.ledger.models import Verb


@task(
    name="prepare template",
    task_run_name="find or make the template of the test message of {onboarding.client_ref}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def look_for_template(services: Services, onboarding: Onboarding) -> None:
    """Find the template by name and language, or make it; write down how it stands.

    Templates are the WABA's: what one sender shows holds for all. Reading comes first, so that
    this can be repeated from anywhere.
    """
    sender = _any_registered(onboarding)
    found = await _find(services, sender)
    if found is None:
        found = await _make(services, onboarding, sender)
    else:
        verb, shown = Verb.CREATE_TEMPLATE, "Shown by reading it."
        await settle_effect(services, onboarding.id, verb, _subject(services), shown)
    await _record(services, onboarding, found)


def _any_registered(onboarding: Onboarding) -> PhoneNumber:
    registered = ConditionType.REGISTERED
    return next(s.phone_number for s in onboarding.senders if s.holds(registered))


async def _find(services: Services, sender: PhoneNumber) -> Template | None:
    wanted = (services.verification.template_name, services.verification.language)
    templates = await services.infobip.templates.of(sender)
    if templates is None:
        return None
    # One that cannot be read may be this one: then none is made beside it.
    return templates.find(lambda each: (each.name, each.language) == wanted)


async def _make(services: Services, onboarding: Onboarding, sender: PhoneNumber) -> Template:
    verification = services.verification
    template = NewTemplate(
        name=verification.template_name,
        language=verification.language,
        category=TemplateCategory.UTILITY,
        body=verification.text,
    )
    try:
        async with effect(services, onboarding, Verb.CREATE_TEMPLATE, _subject(services)):
            return await services.infobip.templates.create(sender, template)
    except ProviderError as error:
        if error.retryable:
            raise
        raise StepRefused(str(error), reason=Reason.TEMPLATE_REJECTED) from None


def _subject(services: Services) -> str:
    return f"{services.verification.template_name}:{services.verification.language}"


async def _record(services: Services, onboarding: Onboarding, found: Template) -> None:
    where = f"Template {found.name} ({found.language})"
    if found.status in USABLE:
        status, reason, message = Status.TRUE, Reason.TEMPLATE_APPROVED, f"{where} is approved."
    elif found.status in HOPELESS:
        async with services.ledger.read() as session:
            why = await why_rejected(session, found.id or "")
        status, reason = Status.FALSE, Reason.TEMPLATE_REJECTED
        message = sentence(f"{where} is {found.status}: {why}")
    else:
        status, reason = Status.UNKNOWN, Reason.TEMPLATE_PENDING
        message = f"{where} is {found.status}: Meta has not decided."
    await _write(services, onboarding, status, reason, message, f"template {found.id}")


async def give_up_template(services: Services, onboarding: Onboarding) -> None:
    """Write down that Meta has not decided in the time that we wait for it."""
    message = "Meta has not reviewed the template in the time that we wait for it."
    reason = Reason.TEMPLATE_TIMED_OUT
    await _write(services, onboarding, Status.UNKNOWN, reason, message, "the clock")


async def _write(
    services: Services,
    onboarding: Onboarding,
    status: Status,
    reason: Reason,
    message: str,
    evidence: str,
) -> None:
    kind = ConditionType.TEMPLATE_READY
    await services.write(onboarding.id, "", kind, status, reason, message, evidence)
