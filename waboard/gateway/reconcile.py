"""`/v1/reconcile`: have everyone, or one client, compared with what the providers show."""

from uuid import uuid4

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from tasks.deployments import start_deployment
from waboard.domain.ids import PlatformId
from waboard.gateway.dependencies import TheLedger, authorized
from waboard.gateway.starting import reaching_prefect
from waboard.gateway.views import RunView, run_view
from waboard.ledger.onboardings import newest_of

DEPLOYMENT = "reconcile/reconcile"
router = APIRouter(prefix="/v1/reconcile", tags=["operations"], dependencies=[Depends(authorized)])


class ReconcileRequest(BaseModel):
    """Whom to look at, and whether only to look."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_ref: PlatformId | None = Field(default=None, description="Default: everyone.")
    dry_run: bool = Field(default=False, description="Only look.")


@router.post("", status_code=202)
async def start(request: ReconcileRequest, ledger: TheLedger) -> RunView:
    """Start a reconciliation. 404 when nobody has asked to onboard that client."""
    if request.client_ref is not None:
        async with ledger.begin() as session:
            await newest_of(session, request.client_ref)
    async with reaching_prefect():
        run = await start_deployment(DEPLOYMENT, request.model_dump(), key=str(uuid4()))
    return run_view(str(run.id))
