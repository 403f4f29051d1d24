"""Decide to whom a number belongs that several clients have."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from tasks.services import open_services
from tasks.timeline import show_decision
from waboard.domain.decisions import By, DecisionVerb, Order, Why
from waboard.domain.errors import WaboardError
from waboard.domain.ids import PlatformId, SenderNumberField, mask_phone
from waboard.ledger.onboardings import newest_of
from waboard.operations.assign_sender import assign_sender


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    number = mask_phone(str(given.get("phone_number", "")))
    return f"assign {number} to {given.get('client_ref', '')}"


@flow(name="assign-sender", flow_run_name=_named, persist_result=False)
async def assign_a_sender(
    client_ref: PlatformId, phone_number: SenderNumberField, by: By, why: Why
) -> State[None]:
    """Decide that a number belongs to this client, where several clients have it.

    Its association moves here with the client's run; the other client is told that it moved.

    Args:
        client_ref: Your own id of the client that the number belongs to.
        phone_number: The number, as `waboard status` shows it.
        by: Who decides: a name that your colleagues know.
        why: Why: what the two clients said, say.
    """
    order = Order(by=by, why=why)
    async with open_services(beside=True) as services:
        ledger, clock = services.ledger, services.clock
        try:
            async with ledger.read() as session:
                onboarding_id = await newest_of(session, client_ref)
            found = await assign_sender(ledger, clock, onboarding_id, phone_number, order)
        except WaboardError as error:
            return Failed(name="AssignmentRefused", message=str(error))
        show_decision(found, DecisionVerb.ASSIGN, order)
    label = mask_phone(phone_number)
    return Completed(name="SenderAssigned", message=f"{label} belongs to {client_ref} now.")
