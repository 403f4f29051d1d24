"""Stop waiting for somebody to write to senders that are to prove that they receive."""

from tasks.services import Services
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.steps import senders_to_be_written_to


async def give_up_inbound(services: Services, onboarding: Onboarding) -> None:
    """Write down which senders nobody has written to in the time that we wait for it.

    No task of Prefect's: it calls nobody.
    """
    for sender in senders_to_be_written_to(onboarding):
        await services.write(
            onboarding.id,
            sender.phone_number,
            ConditionType.RECEIVES,
            Status.FALSE,
            Reason.NO_INBOUND,
            "Nobody has written to this number in the time that we wait for it.",
            "the clock",
        )
