"""`/v1/onboardings`: start them, see how they stand."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from waboard.domain.clock import Clock
from waboard.domain.outcome import OutcomeName, Stage, stage_of
from waboard.domain.requests import OnboardingRequest
from waboard.gateway.dependencies import TheClock, TheLedger, TheSettings, authorized
from waboard.gateway.starting import catch_up, run_is_started
from waboard.gateway.views import OnboardingView, onboarding_view, run_links
from waboard.ledger.clients import start_onboarding, would_start
from waboard.ledger.clocks import read_clocks
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import decisions_about, decisions_of
from waboard.ledger.departures import runs_that_ask
from waboard.ledger.duties import open_duties
from waboard.ledger.onboardings import find_onboardings, read_onboarding
from waboard.settings import Settings

router = APIRouter(
    prefix="/v1/onboardings", tags=["onboardings"], dependencies=[Depends(authorized)]
)
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Asked for before."},
    202: {"description": "Kept; its run starts as soon as Prefect can."},
    204: {"description": "Only with `dry_run`: it would be new."},
}


@router.post("", status_code=201, responses=ANSWERS, response_model=OnboardingView)
async def start(
    request: OnboardingRequest,
    response: Response,
    ledger: TheLedger,
    settings: TheSettings,
    clock: TheClock,
    dry_run: bool = False,
) -> OnboardingView | Response:
    """Start an onboarding: 201 the first time, 200 when the same was asked for before.

    202 when Prefect cannot start its run now: it is kept, and starts as soon as Prefect can.
    `Location` is there when this request made it. 409 names the difference when the client or the
    WABA is known with other facts, and says what to do for a client that has left. With `dry_run`
    nothing is done: 204 where it would be new, else the same answers.
    """
    if dry_run:
        return await _tried_out(request, response, ledger, settings, clock)
    started = await start_onboarding(ledger, request, settings.defaults, clock)
    onboarding = await catch_up(ledger, started.onboarding_id, clock)
    response.status_code = 200
    if started.created:
        response.status_code = 201
        response.headers["Location"] = f"{router.prefix}/{onboarding.id}"
    if onboarding.flow_run_id is None and not await run_is_started(ledger, onboarding):
        response.status_code = 202
    return await shown(onboarding.id, ledger, settings, clock)


async def _tried_out(
    request: OnboardingRequest,
    response: Response,
    ledger: Ledger,
    settings: Settings,
    clock: Clock,
) -> OnboardingView | Response:
    found = await would_start(ledger, request)
    if found is None:
        return Response(status_code=204)
    response.status_code = 200
    return await shown(found, ledger, settings, clock)


@router.get("/{onboarding_id}")
async def show(
    onboarding_id: str, ledger: TheLedger, settings: TheSettings, clock: TheClock
) -> OnboardingView:
    """Show one onboarding: conditions, what is needed and from whom, senders, links."""
    return await shown(onboarding_id, ledger, settings, clock)


async def shown(
    onboarding_id: str, ledger: Ledger, settings: Settings, clock: Clock
) -> OnboardingView:
    """Return one onboarding as callers are shown it. Raises NotFound."""
    async with ledger.read() as session:
        onboarding, now = await read_onboarding(session, onboarding_id), clock()
        kinds = [onboarding.wait.kind] if onboarding.wait else []
        clocks = await read_clocks(session, settings.reminders, now, kinds)
        decided = await decisions_of(session, onboarding_id)
        asking = await runs_that_ask(session)
        duties = await open_duties(session, [onboarding_id])
    view = onboarding_view(onboarding, clocks, now, decided, duties[onboarding_id])
    return _with_form(view, asking)


def _with_form(view: OnboardingView, asking: Mapping[str, str]) -> OnboardingView:
    if view.id in asking:
        links = run_links(asking[view.id])
        view.links |= {f"offboarding_{kind}": url for kind, url in links.items()}
    return view


@router.get("")
async def search(
    ledger: TheLedger,
    settings: TheSettings,
    clock: TheClock,
    client_ref: str | None = None,
    stage: Stage | OutcomeName | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[OnboardingView]:
    """List onboardings, the newest first: of each WABA the newest, of one client all."""
    async with ledger.read() as session:
        # A stage is worked out and not stored, so all are read before they are counted off.
        most = limit if stage is None else None
        ids = await find_onboardings(session, client_ref=client_ref, limit=most)
        found = [await read_onboarding(session, onboarding_id) for onboarding_id in ids]
        kept = [o for o in found if stage is None or stage_of(o) == stage][:limit]
        decided = await decisions_about(session, [each.id for each in kept])
        clocks = await read_clocks(session, settings.reminders, clock())
        asking = await runs_that_ask(session)
        duties = await open_duties(session, [each.id for each in kept])
    now = clock()
    views = [onboarding_view(o, clocks, now, decided[o.id], duties[o.id]) for o in kept]
    return [_with_form(view, asking) for view in views]
