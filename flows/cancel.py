"""Stop bringing a client live. What was done stays done."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from tasks.cancel import cancel_onboarding
from tasks.services import open_services
from waboard.domain.decisions import By, Order, Why
from waboard.domain.errors import WaboardError
from waboard.domain.ids import PlatformId
from waboard.domain.outcome import outcome_of
from waboard.ledger.onboardings import newest_of


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    return f"cancel {given.get('client_ref', '')}"


@flow(name="cancel", flow_run_name=_named, persist_result=False)
async def cancel(client_ref: PlatformId, by: By, why: Why) -> State[None]:
    """Stop an onboarding that is on its way. What was done stays done; `retry` goes on from there.

    Args:
        client_ref: Your own id of the client.
        by: Who wants it: a name that your colleagues know.
        why: Why: whoever looks at it later wants to know.
    """
    async with open_services(beside=True) as services:
        try:
            async with services.ledger.read() as session:
                onboarding_id = await newest_of(session, client_ref)
            order = Order(by=by, why=why)
            ended = await cancel_onboarding(services.ledger, services.clock, onboarding_id, order)
        except WaboardError as error:
            return Failed(name="CancelRefused", message=str(error))
    return Completed(name="Done", message=outcome_of(ended).message)
