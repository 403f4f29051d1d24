"""Every error that reaches a person says what happened, what to do, and whose turn it is."""

import pytest

from waboard.domain import errors
from waboard.domain.errors import (
    BadInput,
    FactsDiffer,
    LinkClosed,
    NotFound,
    ProviderError,
    StepRefused,
    WaboardError,
)
from waboard.domain.parties import Party
from waboard.domain.reasons import GUIDANCE, Reason


def test_an_error_reads_as_what_happened_and_what_to_do():
    """The operator acts, unless it says otherwise."""
    error = WaboardError("It broke.", remedy="Mend it.")
    assert str(error) == "It broke. Mend it."
    assert (error.awaiting, error.reason) == (Party.OPERATOR, None)


def test_an_error_that_needs_nothing_ends_where_its_message_does():
    """Without a space behind it."""
    assert str(WaboardError("It broke.", remedy="")) == "It broke."


def test_bad_input_names_the_field():
    """Or the setting."""
    error = BadInput("waba_id", "is not a WABA id.", remedy="Copy it from Meta.")
    assert error.field == "waba_id"
    assert str(error) == "waba_id: is not a WABA id. Copy it from Meta."


@pytest.mark.parametrize("reason", sorted(GUIDANCE))
def test_a_refused_step_takes_its_remedy_from_its_reason(reason):
    """So that the error and the condition say the same."""
    error = StepRefused("No.", reason=reason)
    assert error.reason is reason
    assert (error.awaiting, error.remedy) == (GUIDANCE[reason].awaiting, GUIDANCE[reason].remedy)


def test_a_provider_s_error_says_whether_to_repeat_and_whether_it_may_have_acted():
    """Two different questions: a timeout after sending is both."""
    error = ProviderError(
        "Timed out.", remedy="Look.", awaiting=Party.INFOBIP, retryable=True, ambiguous=False
    )
    assert (error.retryable, error.ambiguous, error.awaiting) == (True, False, Party.INFOBIP)


@pytest.mark.parametrize("kind", [BadInput, FactsDiffer, NotFound, ProviderError, StepRefused])
def test_all_errors_are_of_one_tree(kind):
    """Whoever shows errors to people catches one."""
    assert issubclass(kind, WaboardError)


def test_every_error_of_the_module_is_drawn_in_its_tree():
    """The docstring shows them all."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    defined = {kind.__name__ for kind in kinds if issubclass(kind, WaboardError)}
    assert {name for name in defined if name not in (errors.__doc__ or "")} == set()


def test_a_reason_of_a_refused_step_is_one_that_needs_somebody():
    """A step is not refused for a reason that proves its success."""
    with pytest.raises(KeyError):
        StepRefused("No.", reason=Reason.MESSAGE_DELIVERED)


def test_a_closed_link_names_the_text_that_its_client_is_shown():
    error = LinkClosed("expired", "This link has expired.")
    assert (error.why, error.message) == ("expired", "This link has expired.")
    assert error.remedy == "Ask your provider for a new link."
