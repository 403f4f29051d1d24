"""`/v1/onboardings/{id}/senders`: add a sender, give its one-time password, set its profile."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.additions import OneTimePassword, SendAnother, give_code, start_addition
from tasks.profile import start_profile_change
from tasks.timeline import show_decision
from waboard.domain.additions import Addition, CodeBy, SenderRequest
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.errors import FactsDiffer, NotFound, OutOfPlace
from waboard.domain.ids import SenderNumberField, mask_phone
from waboard.domain.onboarding import Onboarding
from waboard.gateway.dependencies import TheClock, TheLedger, TheSettings, authorized
from waboard.gateway.onboardings import shown
from waboard.gateway.starting import reaching_prefect
from waboard.gateway.views import OnboardingView, RunView, run_links, run_view
from waboard.infobip.senders import BusinessInfoChange
from waboard.ledger.additions import additions_of, known_addition, open_addition
from waboard.ledger.database import Ledger
from waboard.ledger.onboardings import read_onboarding
from waboard.operations.assign_sender import assign_sender

router = APIRouter(
    prefix="/v1/onboardings/{onboarding_id}/senders",
    tags=["senders"],
    dependencies=[Depends(authorized)],
)
Number = Annotated[SenderNumberField, Path(description="As `GET /v1/onboardings/{id}` shows it.")]


class CodeRequest(BaseModel):
    """A one-time password, or how another one is to be sent: exactly one of the two."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    code: str | None = Field(default=None, pattern=r"^[0-9]{4,10}$", repr=False)
    send_another: CodeBy | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.code is None) == (self.send_another is None):
            raise ValueError("give either the code or how another is to be sent")
        return self

    def as_input(self) -> OneTimePassword:
        """Return what the run takes."""
        another = SendAnother(self.send_another or "no")
        return OneTimePassword(code=self.code or "", send_another=another)


class AdditionView(BaseModel):
    """A sender that is being added, or was."""

    phone_number: str
    state: str
    detail: str
    asked_at: datetime
    give_up_at: datetime | None
    links: dict[str, str]


@router.post("", status_code=201, responses={200: {"description": "It is added already."}})
async def add(
    onboarding_id: str,
    request: SenderRequest,
    response: Response,
    ledger: TheLedger,
    clock: TheClock,
) -> AdditionView:
    """Add a sender to the WABA: 201, or 200 when that is under way already.

    409 when the number is being added to another client, is a sender of this one, or Meta lets the
    WABA add none.
    """
    onboarding = await _read(ledger, onboarding_id)
    if any(sender.is_called(request.phone_number) for sender in onboarding.senders):
        raise FactsDiffer(
            f"{mask_phone(request.phone_number)} is a sender of {onboarding.client_ref} already.",
            remedy="`waboard status` shows how it stands.",
        )
    _refuse_restricted(onboarding, clock())
    async with reaching_prefect():
        addition, created = await start_addition(ledger, onboarding, request, clock)
    response.status_code = 201 if created else 200
    return _view(addition)


def _refuse_restricted(onboarding: Onboarding, now: datetime) -> None:
    for notice in onboarding.notices:
        if notice.blocks_adding and notice.is_shown(now):
            raise OutOfPlace(
                notice.said,
                remedy="Try again once the restriction has ended; the client sees why, and may "
                "appeal, in Business Support Home.",
            )


@router.get("/additions")
async def additions(onboarding_id: str, ledger: TheLedger) -> list[AdditionView]:
    """List the senders that were added after the signup, the first asked for first."""
    await _read(ledger, onboarding_id)
    async with ledger.read() as session:
        return [_view(addition) for addition in await additions_of(session, onboarding_id)]


@router.post("/{phone_number}/otp", status_code=202)
async def give_otp(
    onboarding_id: str,
    phone_number: Number,
    request: CodeRequest,
    ledger: TheLedger,
    clock: TheClock,
) -> AdditionView:
    """Give the one-time password that the number was sent, or have another one sent.

    404 when nobody adds that number, or its password was taken already; 409 when its run does not
    wait for one.
    """
    async with ledger.read() as session:
        # One that was submitted is known for a while.
        addition = await open_addition(session, phone_number)
        addition = addition or await known_addition(session, phone_number, clock())
    if addition is None or addition.onboarding_id != onboarding_id:
        raise NotFound(
            f"Nobody adds {mask_phone(phone_number)} to this WABA, so it needs no password.",
            remedy="Add the sender first; `waboard sender list` shows those that were added.",
        )
    if addition.ended_at is not None:
        raise NotFound(
            f"Nobody waits for a password of {addition.label} any more: one was taken already.",
            remedy="`waboard sender list` shows how far it is.",
        )
    async with reaching_prefect():
        await give_code(addition, request.as_input())
    return _view(addition)


@router.patch("/{phone_number}/profile", status_code=202)
async def set_profile(
    onboarding_id: str, phone_number: Number, change: BusinessInfoChange, ledger: TheLedger
) -> RunView:
    """Change what people see of the business. What is left out stays as it is."""
    onboarding = await _read(ledger, onboarding_id)
    sender = onboarding.sender(phone_number)
    async with reaching_prefect():
        run_id = await start_profile_change(onboarding, sender.phone_number, change)
    return run_view(run_id)


@router.post("/{phone_number}/assign")
async def assign(
    onboarding_id: str,
    phone_number: Number,
    order: Order,
    ledger: TheLedger,
    settings: TheSettings,
    clock: TheClock,
) -> OnboardingView:
    """Decide that a number belongs to this client, where several clients have it.

    The same request twice is one. 409 where nothing is to be decided. Its run goes on within
    seconds, and associates it.
    """
    found = await assign_sender(ledger, clock, onboarding_id, phone_number, order)
    show_decision(found, DecisionVerb.ASSIGN, order)
    return await shown(onboarding_id, ledger, settings, clock)


async def _read(ledger: Ledger, onboarding_id: str) -> Onboarding:
    async with ledger.read() as session:
        return await read_onboarding(session, onboarding_id)


def _view(addition: Addition) -> AdditionView:
    return AdditionView(
        phone_number=addition.phone_number,
        state=addition.state,
        detail=addition.detail,
        asked_at=addition.asked_at,
        give_up_at=addition.give_up_at,
        links=run_links(addition.id),
    )
