"""Adding a sender after the signup: what may be asked for, and when it is over."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.domain.samples import GOOD, T0, WABA
from waboard.domain.additions import Addition, AdditionState, CodeBy, SenderRequest
from waboard.domain.ids import WabaId

ASKED: dict[str, Any] = {"phone_number": "+1 313-513-8538", "display_name": "Acme"}


def test_a_number_and_a_name_are_enough():
    """The password comes as a text message, in English."""
    request = SenderRequest.model_validate(ASKED)
    assert (request.phone_number, request.display_name) == (GOOD, "Acme")
    assert (request.code_by, request.locale) == (CodeBy.SMS, "en_US")


@pytest.mark.parametrize("locale", ["de", "pt_BR", "zh_Hant_HK"])
def test_the_password_may_be_told_in_another_way_and_language(locale: str):
    request = SenderRequest.model_validate({**ASKED, "code_by": "voice", "locale": locale})
    assert (request.code_by, request.locale) == (CodeBy.VOICE, locale)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone_number", "12"),
        ("phone_number", "acme"),
        ("display_name", ""),
        ("display_name", "n" * 256),
        ("display_name", "Acme\nLtd"),
        ("display_name", "Acme\x00"),
        ("display_name", "Acme\x7f"),
        ("code_by", "pigeon"),
        ("locale", ""),
        ("locale", "e"),
        ("locale", "en-US"),
        ("locale", "a" * 13),
        ("code", "123456"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(field: str, value: Any):
    """And a field that would be lost as well."""
    with pytest.raises(ValidationError) as caught:
        SenderRequest.model_validate({**ASKED, field: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


@pytest.mark.parametrize("missing", ["phone_number", "display_name"])
def test_neither_the_number_nor_the_name_can_be_guessed(missing: str):
    with pytest.raises(ValidationError, match=missing):
        SenderRequest.model_validate({k: v for k, v in ASKED.items() if k != missing})


def test_a_request_cannot_be_changed():
    """What was asked for is a fact."""
    request = SenderRequest.model_validate(ASKED)
    with pytest.raises(ValidationError):
        request.display_name = "Other"


def test_a_request_shows_its_number_to_nobody():
    """Neither in a log line nor in an error."""
    assert GOOD not in repr(SenderRequest.model_validate(ASKED))
    with pytest.raises(ValidationError) as caught:
        SenderRequest.model_validate({"phone_number": f"+{GOOD}0000000", "display_name": "Acme"})
    assert GOOD not in str(caught.value)


@pytest.mark.parametrize(
    ("state", "over"),
    [
        (AdditionState.ASKED, False),
        (AdditionState.CODE_AWAITED, False),
        (AdditionState.SUBMITTED, True),
        (AdditionState.REFUSED, True),
        (AdditionState.TIMED_OUT, True),
        (AdditionState.CANCELLED, True),
    ],
)
def test_an_addition_is_over_unless_infobip_or_the_password_is_awaited(
    state: AdditionState, over: bool
):
    assert state.is_over is over


def test_an_addition_shows_its_number_by_its_last_digits():
    """As senders do: a run's name is seen by everybody who sees the UI."""
    addition = Addition(
        id="11111111-0000-4000-8000-000000000001",
        onboarding_id="0b0e0000-0000-4000-8000-000000000001",
        waba_id=WabaId(WABA),
        phone_number=GOOD,
        state=AdditionState.ASKED,
        detail="Asked for.",
        pause_key=None,
        asked_at=T0,
        give_up_at=None,
        ended_at=None,
    )
    assert addition.label == "…8538"
