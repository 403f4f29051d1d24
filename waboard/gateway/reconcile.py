"""`/v1/reconcile`: have everyone, or one client, compared with what the providers show."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from tasks.deployments import is_under_way, start_deployment
from waboard.domain.errors import OutOfPlace
from waboard.domain.ids import PlatformId
from waboard.gateway.dependencies import TheClock, TheLedger, authorized
from waboard.gateway.starting import reaching_prefect
from waboard.gateway.views import RunView, run_view
from waboard.ledger.database import Ledger
from waboard.ledger.onboardings import newest_of, read_onboarding

DEPLOYMENT = "reconcile/reconcile"
router = APIRouter(prefix="/v1/reconcile", tags=["operations"], dependencies=[Depends(authorized)])


class ReconcileRequest(BaseModel):
    """Whom to look at, and whether only to look."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_ref: PlatformId | None = Field(default=None, description="Default: everyone.")
    dry_run: bool = Field(default=False, description="Only look.")


@router.post("", status_code=202, responses={409: {"description": "Another one is under way."}})
async def start(
    ledger: TheLedger, clock: TheClock, request: ReconcileRequest | None = None
) -> RunView:
    """Start a reconciliation. 404 when nobody has asked to onboard that client.

    409 while another one is under way, or about to begin, as Prefect would cancel one of the two;
    and for a client that has left. The same request twice in one second is one run.
    """
    asked, now = request or ReconcileRequest(), clock()
    if asked.client_ref is not None:
        await _refuse_left(ledger, asked.client_ref)
    async with reaching_prefect():
        if await is_under_way(DEPLOYMENT, now):
            raise OutOfPlace(
                "A reconciliation is under way.", remedy="Ask again in a moment, when it is over."
            )
        # Two at once both see none: with one key they are one.
        key = f"{asked.model_dump_json()} at {now:%Y-%m-%dT%H:%M:%S}"
        run = await start_deployment(DEPLOYMENT, asked.model_dump(), key=key)
    return run_view(str(run.id))


async def _refuse_left(ledger: Ledger, client_ref: str) -> None:
    async with ledger.read() as session:
        onboarding = await read_onboarding(session, await newest_of(session, client_ref))
    if onboarding.left_at is not None:
        raise OutOfPlace(
            f"{client_ref} has left: nothing of it is kept true.",
            remedy="`waboard status` shows what is left to do.",
        )
