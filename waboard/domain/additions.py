"""Adding a sender to a client's WABA after its signup: how far it is.

Whoever holds the number gets a one-time password, and gives it back to us.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from waboard.domain.ids import PhoneNumber, PhoneNumberField, WabaId, mask_phone


class CodeBy(StrEnum):
    """How the one-time password reaches whoever holds the number."""

    SMS = "sms"
    VOICE = "voice"


class AdditionState(StrEnum):
    """How far the addition of a sender is. `submitted` means that Infobip registers it."""

    ASKED = "asked"
    CODE_AWAITED = "code-awaited"
    SUBMITTED = "submitted"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self not in {AdditionState.ASKED, AdditionState.CODE_AWAITED}


class SenderRequest(BaseModel):
    """A number that shall become a sender of a client's WABA. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    phone_number: PhoneNumberField = Field(description="In international form.", repr=False)
    display_name: str = Field(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="What people see.",
    )
    code_by: CodeBy = Field(default=CodeBy.SMS, description="How its password is sent.")
    locale: str = Field(
        default="en_US", pattern=r"^[A-Za-z_]{2,12}$", description="The password's language."
    )


@dataclass(frozen=True, slots=True)
class Addition:
    """A sender that is added, by one run of `add-sender`, whose id it has.

    `detail` says what happened last; `pause_key` names the sleep in which the password is awaited,
    `give_up_at` is until when.
    """

    id: str
    onboarding_id: str
    waba_id: WabaId
    phone_number: PhoneNumber
    state: AdditionState
    detail: str
    pause_key: str | None
    asked_at: datetime
    give_up_at: datetime | None
    ended_at: datetime | None

    @property
    def label(self) -> str:
        """How the number is shown to people."""
        return mask_phone(self.phone_number)
