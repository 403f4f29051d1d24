"""`/v1/onboardings/{id}/offboard` and `/reconnect`: who leaves, and who comes back."""

from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from tasks.approval import Approval, Verdict, give_approval
from tasks.departures import start_departure
from tasks.offboard import record_done
from tasks.reconnect import make_way_back
from waboard.domain.decisions import By, Decision, DecisionVerb, Order
from waboard.domain.departures import Departure, DepartureState, Handwork
from waboard.domain.errors import BadInput, OutOfPlace
from waboard.domain.ids import PlatformId
from waboard.domain.masking import scrub
from waboard.domain.onboarding import Onboarding
from waboard.gateway.dependencies import TheClock, TheLedger, TheSettings, authorized
from waboard.gateway.onboardings import shown
from waboard.gateway.signup import LinkView, new_link_view, refuse_without_meta
from waboard.gateway.starting import reaching_prefect
from waboard.gateway.views import OnboardingView, run_links
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import last_decision
from waboard.ledger.departures import open_departure
from waboard.ledger.onboardings import read_onboarding

router = APIRouter(
    prefix="/v1/onboardings/{onboarding_id}",
    tags=["verbs"],
    dependencies=[Depends(authorized)],
    responses={409: {"description": "It does not fit how the onboarding stands."}},
)


class DepartureView(BaseModel):
    """A client that is to leave: how far that is, who wants it, and until when it is asked for."""

    state: str
    by: str
    why: str
    detail: str
    asked_at: datetime
    give_up_at: datetime | None
    links: dict[str, str]


class ApprovalOrder(BaseModel):
    """Who approves that a client leaves, or refuses it. `client_ref` is there to be sure."""

    model_config = {"extra": "forbid", "frozen": True}

    by: By
    verdict: Verdict
    client_ref: PlatformId = Field(description="The client that is meant, once more.")
    why: str = Field(default="", max_length=1000, description="Where there is more to say.")


class DoneOrder(Order):
    """Who has done what has no API, or has seen that it was."""

    what: Handwork


@router.post("/offboard", status_code=202, responses={200: {"description": "Asked for before."}})
async def offboard(
    onboarding_id: str, request: Order, response: Response, ledger: TheLedger, clock: TheClock
) -> DepartureView:
    """Ask that a client leaves: 202, or 200 when that is under way.

    Nothing is done before it is approved; one that was approved and broke off goes on. 409 when
    the client has left.
    """
    onboarding = await _read(ledger, onboarding_id)
    async with reaching_prefect():
        departure, created = await start_departure(ledger, clock, onboarding, request)
    response.status_code = 202 if created else 200
    return _view(departure)


@router.post("/offboard/approval", status_code=202)
async def approve(onboarding_id: str, request: ApprovalOrder, ledger: TheLedger) -> DepartureView:
    """Approve that a client leaves, or refuse it.

    409 when nobody asks for it, or its run does not wait for an answer now.
    """
    onboarding = await _read(ledger, onboarding_id)
    if request.client_ref != onboarding.client_ref:
        raise BadInput(
            "client_ref",
            f"this is the onboarding of {onboarding.client_ref}.",
            remedy="Name the client that is to leave.",
        )
    async with ledger.read() as session:
        departure = await open_departure(session, onboarding_id)
        last = await last_decision(session, onboarding_id)
    if departure is None or departure.state is DepartureState.LEAVING:
        raise _nobody_asks(onboarding, last, approved=departure is not None)
    given = Approval(
        by=request.by, verdict=request.verdict, confirm=request.client_ref, why=request.why
    )
    async with reaching_prefect():
        await give_approval(departure, onboarding.client_ref, given)
    return _view(replace(departure, detail=f"The answer of {request.by} is with its run."))


def _nobody_asks(onboarding: Onboarding, last: Decision | None, *, approved: bool) -> OutOfPlace:
    if approved or onboarding.leaving is not None or onboarding.left_at is not None:
        return OutOfPlace(
            f"That {onboarding.client_ref} leaves is approved already.",
            remedy="`waboard status` shows how far that is.",
        )
    if last is not None and last.verb is DecisionVerb.REFUSE:
        return OutOfPlace(
            f"That {onboarding.client_ref} leaves was refused already, by {scrub(last.by)}.",
            remedy=f"If it is to leave, ask anew: `waboard offboard {onboarding.client_ref} "
            "--why …`.",
        )
    return OutOfPlace(
        f"Nobody has asked that {onboarding.client_ref} leaves.",
        remedy=f"Ask first: `waboard offboard {onboarding.client_ref} --why …`.",
    )


@router.post("/offboard/done")
async def done(
    onboarding_id: str,
    request: DoneOrder,
    ledger: TheLedger,
    settings: TheSettings,
    clock: TheClock,
) -> OnboardingView:
    """Say that somebody has done what has no API. Said twice, it is done once.

    409 when nobody is asked for it.
    """
    order = Order(by=request.by, why=request.why)
    await record_done(ledger, clock, onboarding_id, request.what, order)
    return await shown(onboarding_id, ledger, settings, clock)


@router.post("/reconnect", status_code=201)
async def reconnect(
    onboarding_id: str,
    request: Order,
    ledger: TheLedger,
    settings: TheSettings,
    clock: TheClock,
) -> LinkView:
    """Make a link with which a client connects its WABA again, and no other.

    One that the client had and did not use is withdrawn. 409 for a client that leaves or has left,
    or is finishing with the one that it has.
    """
    refuse_without_meta(settings)
    lasts = settings.signup_link_lasts
    new = await make_way_back(ledger, clock, onboarding_id, request, lasts)
    return await new_link_view(new, ledger, settings, clock)


async def _read(ledger: Ledger, onboarding_id: str) -> Onboarding:
    async with ledger.read() as session:
        return await read_onboarding(session, onboarding_id)


def _view(departure: Departure) -> DepartureView:
    return DepartureView(
        state=departure.state,
        by=departure.by,
        why=departure.why,
        detail=departure.detail,
        asked_at=departure.asked_at,
        give_up_at=departure.give_up_at,
        links=run_links(departure.id),
    )
