"""Tell the operator, once a day and in one message, who needs a person and what has ended."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.digest import draw_up_digest, tell_digest
from tasks.services import open_services


@flow(name="digest", flow_run_name="digest", persist_result=False)
async def digest() -> State[None]:
    """Tell the operator what has happened since the last digest, and who needs a person now."""
    async with open_services(beside=True) as services:
        digest_id, drawn = await draw_up_digest(services)
        sent = await tell_digest(services, digest_id, drawn)
    return Completed(name="Told" if sent else "NothingTold", message=drawn.subject)
