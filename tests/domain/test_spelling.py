"""Two spellings of one subscriber's number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waboard.domain.ids import parse_phone_number, parse_sender_number
from waboard.domain.spelling import asked_for, may_be_same, other_spellings, subscriber

PAIRS = [
    ("5215512345678", "525512345678"),
    ("5491123456789", "541123456789"),
    ("5511987654321", "551187654321"),
    ("2290197555501", "22997555501"),
    ("2250707123456", "22507123456"),
]
ANY_NUMBER = st.text("0123456789", min_size=1, max_size=20)


@pytest.mark.parametrize(("long", "short"), PAIRS)
def test_the_two_forms_of_a_country_may_be_one(long, short):
    assert may_be_same(long, short)
    assert subscriber(long) == subscriber(short) == short


@pytest.mark.parametrize(
    ("number", "other"),
    [
        ("12024560981", "12024560982"),
        ("5215512345678", "525512345679"),
        ("22997555501", "22997555502"),
        ("549112345678", "54112345678"),  # too short for either form
    ],
)
def test_other_numbers_are_others(number, other):
    assert not may_be_same(number, other)


@given(ANY_NUMBER)
def test_the_one_form_of_a_number_is_its_own(number):
    """So that comparing is an equivalence: symmetric and transitive."""
    assert subscriber(subscriber(number)) == subscriber(number)


@given(ANY_NUMBER)
def test_how_else_a_number_is_spelled_may_be_the_same(number):
    """And is never the number itself."""
    others = other_spellings(number)
    assert all(may_be_same(number, each) for each in others)
    assert number not in others


@pytest.mark.parametrize(("long", "short"), PAIRS)
def test_an_answer_in_another_spelling_is_about_the_number_that_was_asked_for(long, short):
    assert asked_for(short, ["12024560981", long]) == long
    assert asked_for(long, [short, "12024560981"]) == short


def test_an_answer_that_may_be_about_two_is_about_neither():
    """But one that was asked for in so many digits is about that."""
    assert asked_for("2250107123456", ["2250507123456", "2250707123456"]) is None
    assert asked_for("22507123456", ["22507123456", "2250707123456"]) == "22507123456"
    assert asked_for("12024560981", ["12024560982"]) is None


@pytest.mark.parametrize("number", [each for pair in PAIRS for each in pair])
def test_either_form_can_be_typed_in(number):
    """Upstreams show both, whatever a phone library thinks of the older."""
    assert parse_phone_number(f"+{number}") == number


@pytest.mark.parametrize("number", ["+1", "+999", "12", "+52155123456789", "hello"])
def test_what_cannot_be_a_number_is_refused(number):
    with pytest.raises(ValueError, match="international form"):
        parse_phone_number(number)


@given(ANY_NUMBER.filter(lambda number: not number.startswith("0")))
def test_whatever_an_upstream_shows_as_a_sender_can_be_named(digits):
    """Formatted or not."""
    assert parse_sender_number(digits) == digits
    assert parse_sender_number(f"+{digits[:2]} ({digits[2:4]}) {digits[4:]}") == digits


@pytest.mark.parametrize(
    "text", ["", "+-", "²", "1" * 21, "12a", "07860099311", None, True, 1.5, ["1"]]
)
def test_what_is_no_number_names_no_sender(text):
    with pytest.raises(ValueError, match="digits"):
        parse_sender_number(text)
