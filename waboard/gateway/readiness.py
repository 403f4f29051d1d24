"""`/v1/readiness`: how the provider's own set-up stands, and what people confirm of it."""

from datetime import datetime

import httpx
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from waboard.domain.clock import Clock
from waboard.domain.errors import NotFound
from waboard.domain.readiness import ITEMS, Check, checklist, is_ready
from waboard.gateway.dependencies import TheClock, TheLedger, TheSettings, authorized
from waboard.infobip.client import InfobipClient
from waboard.ledger.confirmations import confirm, confirmations
from waboard.ledger.database import Ledger
from waboard.ledger.races import one_transaction
from waboard.readiness import gather_facts

router = APIRouter(prefix="/v1/readiness", tags=["readiness"], dependencies=[Depends(authorized)])


class CheckView(BaseModel):
    """One item: whether it holds (null is not known), on what evidence, and what to do if not."""

    key: str
    title: str
    needed: bool
    holds: bool | None
    evidence: str
    awaiting: str
    where: str
    usually: str
    by_person: bool


class ReadinessView(BaseModel):
    """The whole checklist, in the order in which it is worked through."""

    ready: bool
    at: datetime
    checks: list[CheckView]


class ConfirmationRequest(BaseModel):
    """What a person says of an item that only a person can see."""

    model_config = ConfigDict(extra="forbid")

    who: str = Field(min_length=1, max_length=255)
    holds: bool = True
    note: str = Field(default="", max_length=1000)


@router.get("")
async def show(
    request: Request, settings: TheSettings, ledger: TheLedger, clock: TheClock
) -> ReadinessView:
    """Ask the providers, and judge every item."""
    graph = request.app.state.door.graph if request.app.state.door else None
    key = settings.infobip_api_key or SecretStr("")
    timeout = httpx.Timeout(settings.infobip_timeout)
    async with InfobipClient(str(settings.infobip_base_url), key, timeout=timeout) as infobip:
        facts = await gather_facts(settings.setup, graph, infobip, ledger, clock)
    async with ledger.read() as session:
        checks = checklist(facts, await confirmations(session))
    return ReadinessView(ready=is_ready(checks), at=clock(), checks=[_view(c) for c in checks])


@router.post("/{key}", status_code=204)
async def confirm_item(
    key: str, said: ConfirmationRequest, ledger: TheLedger, clock: TheClock
) -> None:
    """Write down what a person says, with who and when. It is asked again when it is old."""
    if not any(item.key == key and item.judge is None for item in ITEMS):
        asked = ", ".join(item.key for item in ITEMS if item.judge is None)
        raise NotFound(f"Nobody is asked about {key!r}.", remedy=f"People are asked about {asked}.")
    await _note_confirmed(ledger, key, said, clock)


@one_transaction
async def _note_confirmed(
    ledger: Ledger, key: str, said: ConfirmationRequest, clock: Clock
) -> None:
    async with ledger.begin() as session:
        await confirm(session, key, holds=said.holds, who=said.who, note=said.note, now=clock())


def _view(check: Check) -> CheckView:
    item = check.item
    return CheckView(
        key=item.key,
        title=item.title,
        needed=item.needed,
        holds=check.answer.holds,
        evidence=check.answer.said,
        awaiting=item.awaiting if check.is_open else "",
        where=item.where,
        usually=item.usually,
        by_person=item.judge is None,
    )
