"""`/v1/onboardings/{id}/retry`, `/cancel`: what people have done to an onboarding.

Each is written down with who wants it and why before it is done. What Prefect cannot do now is
done by the waker later.
"""

import asyncio
import logging

from fastapi import APIRouter, Depends, Response
from httpx import HTTPError
from prefect.exceptions import PrefectException
from pydantic import Field

from tasks.cancel import finish_cancelling, note_cancelled
from tasks.retry import begin_again
from waboard.domain.clock import Clock
from waboard.domain.decisions import Order
from waboard.domain.ids import SenderNumberField
from waboard.gateway.dependencies import TheClock, TheLedger, TheSettings, authorized
from waboard.gateway.onboardings import shown
from waboard.gateway.starting import PATIENCE, reaching_prefect, run_is_started
from waboard.gateway.views import OnboardingView
from waboard.ledger.database import Ledger

logger = logging.getLogger(__name__)
router = APIRouter(
    prefix="/v1/onboardings/{onboarding_id}",
    tags=["verbs"],
    dependencies=[Depends(authorized)],
    responses={
        202: {"description": "Written down; it is done as soon as Prefect can."},
        409: {"description": "It does not fit how the onboarding stands."},
    },
)


class RetryOrder(Order):
    """Who wants a new attempt, and why."""

    sender: SenderNumberField | None = Field(
        default=None, description="Try again only what this sender failed at."
    )


@router.post("/retry")
async def retry(
    onboarding_id: str,
    request: RetryOrder,
    response: Response,
    ledger: TheLedger,
    settings: TheSettings,
    clock: TheClock,
) -> OnboardingView:
    """Begin a new attempt, which keeps what is true. The same request twice is one attempt.

    202 when Prefect cannot start its run now. 409 while it is on its way, and when nothing is left
    to retry.
    """
    order = Order(by=request.by, why=request.why)
    async with reaching_prefect():
        onboarding = await begin_again(ledger, clock, onboarding_id, order, request.sender)
    if onboarding.flow_run_id is None and not await run_is_started(ledger, onboarding):
        response.status_code = 202
    return await shown(onboarding_id, ledger, settings, clock)


@router.post("/cancel")
async def cancel(
    onboarding_id: str,
    request: Order,
    response: Response,
    ledger: TheLedger,
    settings: TheSettings,
    clock: TheClock,
) -> OnboardingView:
    """Cancel an onboarding that is on its way. The same request twice is one.

    202 when its run has not stopped yet: it is at work, or Prefect does not answer. 409 when it
    has ended, or somebody else has cancelled it.
    """
    await note_cancelled(ledger, clock, onboarding_id, request)
    if not await _has_stopped(ledger, clock, onboarding_id):
        response.status_code = 202
    return await shown(onboarding_id, ledger, settings, clock)


async def _has_stopped(ledger: Ledger, clock: Clock, onboarding_id: str) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            return await finish_cancelling(ledger, clock, onboarding_id)
    except (HTTPError, PrefectException, TimeoutError) as error:
        logger.warning("A cancelled run is stopped later: %s", type(error).__name__)
        return False
