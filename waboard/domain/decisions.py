"""What people decide about an onboarding: who wants what, of what, why, and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from waboard.domain.ids import mask_phone


class DecisionVerb(StrEnum):
    """What a person can have done to an onboarding."""

    RETRY = "retry"
    CANCEL = "cancel"
    OFFBOARD = "offboard"
    APPROVE = "approve"
    REFUSE = "refuse"
    DONE = "done"
    RECONNECT = "reconnect"
    ASSIGN = "assign"
    AGAIN = "again"


By = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Field(description="Who wants it: a name that your colleagues know."),
]
Why = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    Field(description="Why: whoever looks at it later wants to know."),
]


class Order(BaseModel):
    """Who wants something done, and why. No verb is taken without both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: By
    why: Why


IN_THE_UI = "somebody in the Prefect UI"
"""Who decided what was done to a run by hand: Prefect does not say who it was."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided. `phone_number` is empty where it is about the whole onboarding."""

    verb: DecisionVerb
    by: str
    why: str
    at: datetime
    phone_number: str = ""

    @property
    def subject_label(self) -> str:
        """The sender's last digits, or what else it is about."""
        return mask_phone(self.phone_number) if self.phone_number else "onboarding"

    def is_what(self, verb: DecisionVerb, order: Order, phone_number: str = "") -> bool:
        """Whether just this was asked for: then whoever asks again repeats a request."""
        asked = (verb, order.by, order.why, phone_number)
        return asked == (self.verb, self.by, self.why, self.phone_number)
