"""See to it that the client's application and entity exist at Infobip, under the right names."""

from collections.abc import Awaitable, Callable

from prefect import task

from tasks.services import Services
from tasks.step import STEP, effect, may_repeat, settle_effect
from waboard.domain.errors import StepRefused
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.infobip.client import InfobipClient
from waboard.ledger.models import Verb


@task(
    name="prepare ids",
    task_run_name="prepare application and entity of {onboarding.client_ref}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def prepare_tenant(services: Services, onboarding: Onboarding) -> None:
    """Make the application and the entity if they are missing, and read them back."""
    infobip = services.infobip
    application_id, entity_id = onboarding.application_id, onboarding.entity_id
    await _prepare(
        services,
        onboarding,
        Verb.CREATE_APPLICATION,
        application_id,
        services.account.application_name,
        read=lambda: _application_name(infobip, application_id),
        create=lambda name: infobip.create_application(application_id, name),
        rename=lambda name: infobip.rename_application(application_id, name),
    )
    await _prepare(
        services,
        onboarding,
        Verb.CREATE_ENTITY,
        entity_id,
        onboarding.client_name,
        read=lambda: _entity_name(infobip, entity_id),
        create=lambda name: infobip.create_entity(entity_id, name),
        rename=lambda name: infobip.rename_entity(entity_id, name),
    )


async def _prepare(
    services: Services,
    onboarding: Onboarding,
    verb: Verb,
    subject: str,
    name: str,
    *,
    read: Callable[[], Awaitable[str | None]],
    create: Callable[[str], Awaitable[bool]],
    rename: Callable[[str], Awaitable[None]],
) -> None:
    if await read():
        # It is there, and a name that a person gave it is theirs.
        shown = "Shown by reading it back."
        await settle_effect(services, onboarding.id, verb, subject, shown)
        return
    async with effect(services, onboarding, verb, subject):
        created = await create(name)
    # Infobip takes a wrong key for the name without a word and leaves it empty, so it is read.
    if (found := await read()) and (found == name or not created):
        return
    await rename(name)
    if await read() != name:
        message = f"{subject} has no name although it was given one."
        raise StepRefused(message, reason=Reason.ASSOCIATION_REFUSED)


async def _application_name(infobip: InfobipClient, application_id: str) -> str | None:
    application = await infobip.get_application(application_id)
    return application.application_name if application else None


async def _entity_name(infobip: InfobipClient, entity_id: str) -> str | None:
    entity = await infobip.get_entity(entity_id)
    return entity.entity_name if entity else None
