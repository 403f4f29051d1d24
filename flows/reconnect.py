"""Make the link with which a client connects again the WABA that it has disconnected."""

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_link_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from tasks.reconnect import make_way_back
from tasks.services import Services, open_services
from waboard.domain.decisions import By, Order, Why
from waboard.domain.errors import NotFound, WaboardError
from waboard.domain.ids import PlatformId
from waboard.ledger.onboardings import newest_of

ARTIFACT = "reconnect-link"
"""The key of the artifact that holds the link."""


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    return f"reconnect {given.get('client_ref', '')}"


@flow(name="reconnect", flow_run_name=_named, persist_result=False)
async def reconnect(client_ref: PlatformId, by: By, why: Why) -> State[None]:
    """Make a signup link with which a client connects its WABA again, and no other.

    Args:
        client_ref: Your own id of the client.
        by: Who wants it: a name that your colleagues know.
        why: Why: that the client has removed us as a partner, say.
    """
    async with open_services(beside=True) as services:
        try:
            url = await make_link(services, client_ref, Order(by=by, why=why))
        except WaboardError as error:
            return Failed(name="ReconnectRefused", message=str(error))
    # In an artifact and not in the state's message: that one is logged, and the link is a secret.
    said = f"For {client_ref}, once: send it to the client."
    await acreate_link_artifact(link=url, link_text=url, key=ARTIFACT, description=said)
    return Completed(name="LinkMade", message="The link is among the artifacts of this run.")


async def make_link(services: Services, client_ref: str, order: Order) -> str:
    """Make the link, and return its address."""
    if services.meta is None:
        raise NotFound(
            "Clients cannot sign themselves up here: Meta's side is not set up.",
            remedy="Set the WABOARD_META_… settings; docs/signup.md says which.",
        )
    account = services.meta.account
    async with services.ledger.read() as session:
        onboarding_id = await newest_of(session, client_ref)
    lasts = timedelta(seconds=account.link_lasts)
    new = await make_way_back(services.ledger, services.clock, onboarding_id, order, lasts)
    return f"{account.public_url}/signup/{new.token}"
