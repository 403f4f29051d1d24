"""Change what people see of a client's business in WhatsApp."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from tasks.profile import change_profile, run_name
from tasks.services import open_services
from tasks.step import failure_of
from waboard.domain.errors import NotFound
from waboard.domain.ids import PlatformId, SenderNumberField
from waboard.infobip.senders import BusinessInfoChange
from waboard.ledger.onboardings import newest_of, read_onboarding


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    return run_name(str(given.get("phone_number", "")), str(given.get("client_ref", "")))


@flow(name="set-profile", flow_run_name=_named, persist_result=False)
async def set_profile(
    client_ref: PlatformId, phone_number: SenderNumberField, profile: BusinessInfoChange
) -> State[None]:
    """Set a sender's business profile. What is left out stays as it is.

    Args:
        client_ref: Your own id of the client.
        phone_number: One of its senders.
        profile: What shall be different.
    """
    async with open_services(beside=True) as services:
        try:
            async with services.ledger.read() as session:
                onboarding = await read_onboarding(session, await newest_of(session, client_ref))
            onboarding.sender(phone_number)
        except NotFound as error:
            return Failed(name="ProfileRefused", message=str(error))
        error = await failure_of(change_profile, services, onboarding, phone_number, profile)
    if error:
        return Failed(name="ProfileRefused", message=str(error))
    return Completed(name="ProfileSet", message="Changed, and read back.")
