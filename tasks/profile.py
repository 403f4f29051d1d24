"""Change what people see of a client's business in WhatsApp, and start runs that do."""

from typing import Any
from uuid import uuid4

from prefect import task

from tasks.deployments import start_deployment
from tasks.facts import keep_profile
from tasks.services import Services
from tasks.step import STEP, effect, may_repeat
from waboard.domain.ids import PhoneNumber, mask_phone
from waboard.domain.onboarding import Onboarding
from waboard.infobip.senders import BusinessInfoChange
from waboard.ledger.models import Verb

DEPLOYMENT = "set-profile/set-profile"


def run_name(number: str, client_ref: str) -> str:
    """Name the row of a run in the Prefect UI."""
    return f"{client_ref} · profile of {mask_phone(number)}"


async def start_profile_change(
    onboarding: Onboarding, number: PhoneNumber, change: BusinessInfoChange
) -> str:
    """Start the run that changes a sender's business profile; return the run's id."""
    parameters: dict[str, Any] = {
        "client_ref": onboarding.client_ref,
        "phone_number": number,
        # Prefect knows a field by the name in the schema of the flow, which is its alias.
        "profile": change.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    name, tags = run_name(number, onboarding.client_ref), onboarding.tags
    run = await start_deployment(DEPLOYMENT, parameters, run_name=name, tags=tags, key=str(uuid4()))
    return str(run.id)


@task(
    name="change profile",
    task_run_name="change the business profile of {onboarding.client_ref}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def change_profile(
    services: Services, onboarding: Onboarding, number: PhoneNumber, change: BusinessInfoChange
) -> None:
    """Change it, read it back and keep it. Changing it twice does no harm."""
    async with effect(services, onboarding, Verb.CHANGE_PROFILE, number):
        await services.infobip.senders.change_business_info(number, change)
    await keep_profile(services, onboarding, number)
