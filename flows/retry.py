"""Begin a new attempt at bringing a client live, which keeps what is true."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from tasks.retry import begin_again
from tasks.runs import start_run
from tasks.services import open_services
from waboard.domain.decisions import By, Order, Why
from waboard.domain.errors import WaboardError
from waboard.domain.ids import PlatformId, SenderNumberField
from waboard.ledger.onboardings import newest_of


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    return f"retry {given.get('client_ref', '')}"


@flow(name="retry", flow_run_name=_named, persist_result=False)
async def retry(
    client_ref: PlatformId, by: By, why: Why, sender: SenderNumberField | None = None
) -> State[None]:
    """Try again what failed or was given up; what is true stays. The new attempt has its own run.

    Args:
        client_ref: Your own id of the client.
        by: Who wants it: a name that your colleagues know.
        why: Why: what was mended, say.
        sender: Try again only what this phone number failed at. Everything, when it is left out.
    """
    async with open_services(beside=True) as services:
        try:
            async with services.ledger.read() as session:
                onboarding_id = await newest_of(session, client_ref)
            order = Order(by=by, why=why)
            begun = await begin_again(services.ledger, services.clock, onboarding_id, order, sender)
        except WaboardError as error:
            return Failed(name="RetryRefused", message=str(error))
        if begun.flow_run_id is None:
            await start_run(services.ledger, begun)
    return Completed(name="Retried", message=f"{begun.run_name} has begun.")
