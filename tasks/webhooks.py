"""Keep Infobip's webhooks as they were set up."""

from prefect import get_run_logger, task

from blocks.infobip_webhooks import InfobipWebhooks
from tasks.services import Services, load_if_there
from tasks.step import STEP, may_repeat
from waboard.domain.webhooks import not_taken
from waboard.webhook_setup import Wanted, repair


@task(
    name="mend webhooks",
    task_run_name="mend Infobip's webhooks",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def mend_webhooks(services: Services) -> None:
    """Bring back what somebody has changed or deleted; nothing where they were never set up."""
    block = await load_if_there(InfobipWebhooks)
    if block is None:
        return
    wanted = Wanted(block.public_url, block.security, services.account.application_id)
    states = await repair(services.infobip.subscriptions, wanted) or []
    mended = [state.hook.value for state in states if state.changed and state.took]
    if mended:
        get_run_logger().warning("Infobip's webhooks were not as they should be: %s", mended)
    if missing := not_taken(states):
        get_run_logger().warning("Infobip does not send us: %s", ", ".join(missing))
