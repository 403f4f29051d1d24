"""Look whether clients can be onboarded: the provider's own set-up, item by item."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.readiness import look_at_readiness, show_checklist
from tasks.services import open_services
from tasks.step import failure_of
from tasks.webhooks import mend_webhooks
from waboard.domain.readiness import is_ready


@flow(name="check-readiness", flow_run_name="readiness", persist_result=False)
async def check_readiness() -> State[None]:
    """Ask the providers how the set-up stands, and show what is missing and whose turn it is.

    Webhooks that `waboard deploy --webhooks` has set up are mended before.
    """
    async with open_services() as services:
        await failure_of(mend_webhooks, services)
        checks = await look_at_readiness(services)
        await show_checklist(checks)
    if is_ready(checks):
        return Completed(name="Ready", message="Clients can be onboarded.")
    missing = ", ".join(c.item.title for c in checks if c.is_open and c.item.needed)
    return Failed(name="NotReady", message=f"Open: {missing}. The artifact says what to do.")
