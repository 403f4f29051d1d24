"""`/healthz`: the process lives. `/readyz`: it can do its work."""

import asyncio

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from tasks.runs import DEPLOYMENT
from waboard.gateway.dependencies import TheLedger
from waboard.ledger.database import Ledger
from waboard.ledger.failures import ERRORS, is_away, is_crowded
from waboard.ledger.models import ClientRow
from waboard.prefect_client import get_client

router = APIRouter(tags=["health"])


PATIENCE = 5.0
"""Seconds that Prefect has for its answer."""


class Readiness(BaseModel):
    """What the gateway needs, and whether it is there: `ok`, or what to do."""

    ledger: str
    prefect: str


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something is missing."}})
async def readyz(response: Response, ledger: TheLedger) -> Readiness:
    """Say whether onboardings can be started: 200, or 503 with what is missing."""
    readiness = Readiness(ledger=await _ledger(ledger), prefect=await _prefect())
    ready = readiness.ledger == readiness.prefect == "ok"
    response.status_code = 200 if ready else 503
    return readiness


async def _ledger(ledger: Ledger) -> str:
    try:
        async with ledger.read() as session:
            await session.execute(select(ClientRow.id).limit(1))
    except ERRORS as error:
        if is_away(error):
            return "The ledger cannot be reached: check WABOARD_DATABASE_URL."
        if is_crowded(error):
            return "Too many at once are at the ledger: ask again in a second."
        raise  # a fault in here
    return "ok"


async def _prefect() -> str:
    try:
        async with asyncio.timeout(PATIENCE), get_client() as client:
            await client.read_deployment_by_name(DEPLOYMENT)
    except Exception:
        return f"Prefect does not know {DEPLOYMENT}: check PREFECT_API_URL, run `waboard deploy`."
    return "ok"
