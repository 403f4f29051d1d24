"""Starting an onboarding's run, without keeping the caller waiting for Prefect."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from httpx import HTTPError
from prefect.exceptions import PrefectException

from tasks.runs import start_run
from waboard.domain.clock import Clock
from waboard.domain.errors import NotFound, WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold
from waboard.ledger.look import look
from waboard.ledger.races import one_transaction
from waboard.log_ids import about

PATIENCE = 10.0
"""Seconds that a caller is kept waiting for Prefect, whose own client would try for minutes."""
logger = logging.getLogger(__name__)


@one_transaction
async def catch_up(ledger: Ledger, onboarding_id: str, clock: Clock) -> Onboarding:
    """Let an onboarding take up what came before anybody asked for it."""
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        return await look(session, onboarding_id, clock())


@asynccontextmanager
async def reaching_prefect() -> AsyncGenerator[None]:
    """Raise WaboardError, and soon, when Prefect does not answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except (HTTPError, PrefectException, TimeoutError) as error:
        raise WaboardError(
            f"Prefect does not answer: {type(error).__name__}.",
            remedy="Nothing was done; try again once `GET /readyz` answers 200.",
        ) from None


async def run_is_started(ledger: Ledger, onboarding: Onboarding) -> bool:
    """Start the run; False when Prefect cannot now. It is kept, and the waker starts it later."""
    try:
        async with asyncio.timeout(PATIENCE):
            await start_run(ledger, onboarding)
    except (NotFound, HTTPError, PrefectException, TimeoutError) as error:
        with about(onboarding.id):
            logger.warning("Onboarding %s is kept; its run starts later: %s", onboarding.id, error)
        return False
    return True
