"""Share the client's WABA with Infobip."""

from prefect import task

from tasks.services import Services
from tasks.step import STEP, effect, surely_not_done
from waboard.domain.errors import ProviderError
from waboard.domain.onboarding import Onboarding
from waboard.ledger.models import Verb


@task(
    name="share",
    task_run_name="share WABA {onboarding.waba_label}",
    retry_condition_fn=surely_not_done,
    **STEP,
)
async def share_waba(services: Services, onboarding: Onboarding) -> None:
    """Share once. Acceptance means that Infobip will register it, and nothing more.

    No answer is no refusal: then the registration event, or the next sleep's end, decides.
    """
    try:
        async with effect(services, onboarding, Verb.SHARE):
            await services.infobip.share_waba(onboarding.waba_id)
    except ProviderError as error:
        if not error.ambiguous:
            raise
