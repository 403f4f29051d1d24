"""Senders that are added to a WABA after its signup, each proven by a one-time password.

Source: Infobip OpenAPI whatsapp 3.210.0. How long a password lives, and how a wrong, an old or a
needless one is refused, is inferred; that a second request makes another password is as well.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from waboard.sandbox.errors import Refusal
from waboard.sandbox.fates import added_sender
from waboard.sandbox.registration import add_sender
from waboard.sandbox.sender_books import CODE_LIVES, Proof
from waboard.sandbox.state import Registration
from waboard.sandbox.world import Here, World

router = APIRouter(prefix="/whatsapp/1/embedded-signup/registrations")
verification = "/senders/{sender}/verification"

WabaId = Annotated[str, Path(alias="businessAccountId", pattern="^[0-9]+$")]
Number = Annotated[str, Path(pattern="^[0-9]+$")]


class Part(BaseModel):
    """Written in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class CodeRequest(Part):
    """`OtpRequest`: how the password reaches whoever holds the number. Nothing rings here."""

    type: Literal["EXTERNAL_SMS", "EXTERNAL_VOICE"]
    locale: Annotated[str, Field(min_length=1)]


class NewSender(CodeRequest):
    """`PhoneNumberRequest`."""

    country_code: Annotated[str, Field(pattern=r"^[0-9]{1,3}$")]
    phone_number: Annotated[str, Field(pattern=r"^[0-9]{4,14}$")]
    display_name: Annotated[str, Field(min_length=1)]

    @property
    def number(self) -> str:
        """The digits that name it everywhere else."""
        return self.country_code + self.phone_number


class CodeSubmission(Part):
    """`VerifyCodeRequest`."""

    code: str


@router.post("/business-account/{businessAccountId}/senders", status_code=202)
async def add(waba_id: WabaId, body: NewSender, world: Here) -> dict[str, Any]:
    """A password is sent, but not to a number that was verified before: that one is registered."""
    page = _shared(world, waba_id)
    owned, proof = world.books.senders.get(body.number), world.books.proofs.get(body.number)
    if {each.waba_id for each in (owned, proof) if each} - {waba_id}:
        raise Refusal(400, ("phoneNumber", "Phone number belongs to another account"))
    if owned or (proof and proof.verified):
        _register(world, page, body.number)
        return {"status": "SUBMITTED_FOR_REGISTRATION"}
    proof = proof or Proof(waba_id, body.number)
    proof.display_name = body.display_name
    proof.renew(world.clock())
    world.books.proofs[body.number] = proof
    return {"status": "OTP_REQUESTED"}


@router.put(verification)
async def resend(sender: Number, body: CodeRequest, world: Here) -> Response:
    """Another password; the one before is good for nothing any more."""
    del body  # read for its faults alone
    _unverified(world, sender).renew(world.clock())
    return Response(status_code=202)


@router.post(verification)
async def verify(sender: Number, body: CodeSubmission, world: Here) -> Response:
    """Accepted for registration only; its end is told by an event of the whole WABA."""
    proof = _unverified(world, sender)
    if body.code != proof.code:
        raise Refusal(400, text="Verification code is not correct")
    if world.clock() - proof.sent_at >= CODE_LIVES:
        raise Refusal(400, text="Verification code has expired")
    proof.verified = True
    _register(world, world.books.registration(proof.waba_id), sender)
    return Response(status_code=202)


def _shared(world: World, waba_id: str) -> Registration:
    """Only a WABA that was shared, or that an event told of, is one that Infobip knows."""
    page = world.books.registrations.get(waba_id)
    if page is None or not (page.shares or page.finished_as):
        raise Refusal(404, text="WhatsApp Business Account not found")
    return page


def _unverified(world: World, sender: str) -> Proof:
    proof = world.books.proofs.get(sender)
    if proof is None:
        raise Refusal(404, text="Sender not found")
    if proof.verified:
        raise Refusal(400, text="Sender is already verified")
    return proof


def _register(world: World, page: Registration, number: str) -> None:
    world.tasks.start(add_sender(world, page, added_sender(page.waba_id, number)))
