"""What a caller asks for: one client's WABA is to go live, or a client is to sign itself up."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from waboard.domain.decisions import Order
from waboard.domain.ids import PhoneNumberField, PlatformId, SolutionIdField, WabaIdField
from waboard.domain.onboarding import VerifyBy


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for an onboarding whose request does not say."""

    application_id: str
    verify_by: VerifyBy = VerifyBy.TEMPLATE


class OnboardingRequest(BaseModel):
    """The facts of one onboarding. Unknown fields are refused: a misspelt one would be lost.

    `client_ref` is the caller's own id of the client. It is also the entity id at Infobip unless
    `entity_id` names another; the application is the provider's own unless `application_id` does.
    `phone_numbers`, when known, are looked up at Infobip should the registration webhook be lost.
    `again` is no fact: it says who begins anew with a client that has left, and why.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_ref: PlatformId = Field(description="Your own id of the client; URL-safe.")
    waba_id: WabaIdField = Field(description="The client's WhatsApp Business Account id.")
    client_name: str | None = Field(
        default=None, min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$"
    )
    application_id: PlatformId | None = Field(default=None, description="Default: the setting.")
    entity_id: PlatformId | None = Field(default=None, description="Default: client_ref.")
    solution_id: SolutionIdField | None = Field(default=None, description="Default: the setting.")
    phone_numbers: tuple[PhoneNumberField, ...] = Field(default=(), max_length=100)
    verify_by: VerifyBy | None = Field(default=None, description="Default: the setting.")
    again: Order | None = Field(
        default=None, description="Needed to begin anew with a client that has left."
    )


Language = Literal["en", "es", "pt", "ja"]
"""The languages that a client is spoken to in."""


class SignupRequest(BaseModel):
    """The facts of one signup link: whose it is, and what the onboarding is to be filed under.

    `prefill` goes into the `setup` of the embedded signup as it is (ES/pre-filled-data): what the
    client would have to type, such as `{"business": {"name": "Acme"}}`. Without a `language` the
    client's browser decides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_ref: PlatformId = Field(description="Your own id of the client; URL-safe.")
    client_name: str | None = Field(
        default=None, min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$"
    )
    application_id: PlatformId | None = Field(default=None, description="Default: the setting.")
    entity_id: PlatformId | None = Field(default=None, description="Default: client_ref.")
    solution_id: SolutionIdField | None = Field(default=None, description="Default: the setting.")
    verify_by: VerifyBy | None = Field(default=None, description="Default: the setting.")
    prefill: dict[str, Any] = Field(default_factory=dict, description="For Meta's own form.")
    language: Language | None = Field(default=None, description="Default: the browser's.")

    def onboarding_of(self, waba_id: WabaIdField, again: Order | None = None) -> OnboardingRequest:
        """Return the request for an onboarding that this link leads to."""
        return OnboardingRequest(
            client_ref=self.client_ref,
            waba_id=waba_id,
            client_name=self.client_name,
            application_id=self.application_id,
            entity_id=self.entity_id,
            solution_id=self.solution_id,
            verify_by=self.verify_by,
            again=again,
        )
