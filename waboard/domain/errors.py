"""Every error that reaches a person.

WaboardError              something a person has to know: who must act, and how
├── BadInput              what was given cannot be used; names the field or the setting
├── NotFound              there is no such onboarding or event
├── FactsDiffer           the same client or WABA was asked for with other facts
├── OutOfPlace            what was asked for does not fit how the onboarding stands
├── LinkClosed            a signup link that was withdrawn or has expired
├── Superseded            this leg of a run was given up, and another has taken over
├── StepRefused           a step found something that repeating cannot mend
└── ProviderError         a provider refused, failed, or did not answer
    └── InfobipError      (waboard.infobip.errors) with Infobip's status, code, text, request id
"""

from typing import Any

from waboard.domain.parties import Party
from waboard.domain.reasons import Reason, guidance_for
from waboard.domain.sentences import sentences


class WaboardError(Exception):
    """Something went wrong in a way that a person can act on.

    `message` says what was being done and what happened; `remedy` says what to do about it, and
    `awaiting` whose turn it is. None of them holds a secret or a whole phone number. `reason` is
    set where the error is a reason of its own for a condition not to be true.
    """

    reason: Reason | None = None

    def __init__(self, message: str, *, remedy: str, awaiting: Party = Party.OPERATOR) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.awaiting = awaiting

    def __str__(self) -> str:
        return sentences(self.message, self.remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        # Prefect may carry an error to another process, and keyword-only arguments do not travel.
        return _blank, (type(self), self.args), self.__dict__


def _blank(kind: type[WaboardError], args: tuple[Any, ...]) -> WaboardError:
    return kind.__new__(kind, *args)


class BadInput(WaboardError):
    """What was given cannot be used. `field` names the field or the setting."""

    def __init__(self, field: str, message: str, *, remedy: str) -> None:
        super().__init__(f"{field}: {message}", remedy=remedy)
        self.field = field


class NotFound(WaboardError):
    """There is no such onboarding, event or client."""


class FactsDiffer(WaboardError):
    """The same client or WABA is already onboarded, or being onboarded, with other facts."""


class OutOfPlace(WaboardError):
    """What was asked for does not fit how the onboarding stands, such as ending what has ended."""


class LinkClosed(WaboardError):
    """A signup link that cannot be used any more. `why` names the text that the client is shown."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message, remedy="Ask your provider for a new link.")
        self.why = why


class Superseded(WaboardError):
    """A leg was given up for dead and another took over, so it must not act any more."""

    def __init__(self) -> None:
        super().__init__("Another leg of this run has taken over.", remedy="Nothing to do.")


class StepRefused(WaboardError):
    """A step found something that repeating it cannot mend. `reason` names it for good."""

    def __init__(self, message: str, *, reason: Reason) -> None:
        guidance = guidance_for(reason, message)
        super().__init__(message, remedy=guidance.remedy, awaiting=guidance.awaiting)
        self.reason = reason


class ProviderError(WaboardError):
    """A provider refused, failed, or did not answer.

    `retryable`: the same call may succeed later. `ambiguous`: the provider may have acted although
    we saw no success (a timeout after sending, a 5xx): look before repeating.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str,
        awaiting: Party,
        retryable: bool,
        ambiguous: bool,
    ) -> None:
        super().__init__(message, remedy=remedy, awaiting=awaiting)
        self.retryable = retryable
        self.ambiguous = ambiguous
