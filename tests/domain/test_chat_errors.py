"""Every chat error has a name, a kind, a party and a remedy."""

import re

import pytest

from waboard.domain.chat_errors import CHAT_ERRORS, ChatError
from waboard.domain.parties import Party
from waboard.settings import Settings, setting_name

TEMPORARY = {7012, 7013, 7014, 7017, 7024, 7035, 7036, 7037, 7050, 7051}
DOCUMENTED = {
    *range(7001, 7028),
    *range(7029, 7039),
    *range(7050, 7053),
    *range(7080, 7085),
    7102,
    7201,
    7280,
    7281,
}
EVERY = pytest.mark.parametrize("error", CHAT_ERRORS.values(), ids=lambda each: each.name)


def test_every_documented_code_is_there_and_no_other():
    """49 of them; 7028 was never given out."""
    assert set(CHAT_ERRORS) == DOCUMENTED
    assert len(DOCUMENTED) == 49


def test_the_temporary_ones_are_those_of_the_page():
    """The same message may arrive later: nothing to give up for."""
    assert {code for code, each in CHAT_ERRORS.items() if not each.permanent} == TEMPORARY


def test_no_name_is_given_twice():
    """A name is as good as a code."""
    assert len({each.name for each in CHAT_ERRORS.values()}) == len(CHAT_ERRORS)


@EVERY
def test_a_name_is_the_one_on_the_wire(error: ChatError):
    """So that it is found in a report, and in the provider's pages."""
    assert re.fullmatch(r"EC_[A-Z_]+", error.name)


@EVERY
def test_a_remedy_is_a_sentence_of_one_line(error: ChatError):
    """It stands in tables and states."""
    assert re.fullmatch(r"[A-Z][^\n]{10,250}\.", error.remedy)


@EVERY
def test_a_remedy_names_only_settings_that_exist(error: ChatError):
    """Whoever follows it finds them."""
    known = {setting_name(field) for field in Settings.model_fields}
    assert set(re.findall(r"WABOARD_\w+", error.remedy)) <= known


@pytest.mark.parametrize(
    ("code", "party"),
    [
        (7002, Party.OPERATOR),
        (7011, Party.CLIENT),
        (7019, Party.INFOBIP),
        (7034, Party.INFOBIP),
        (7036, Party.OPERATOR),  # the last of our messages: no other goes out by itself
        (7083, Party.INFOBIP),
        (7280, Party.US),
    ],
)
def test_those_that_onboarding_meets_await_somebody_in_particular(code: int, party: Party):
    """Waiting for somebody else is not the same as being broken."""
    assert CHAT_ERRORS[code].awaiting is party


def test_an_unknown_code_is_not_there():
    """It is shown as it came."""
    assert 7999 not in CHAT_ERRORS
