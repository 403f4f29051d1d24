"""What may be shown of somebody else's text, whatever is in it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from waboard.domain.masking import LONGEST, mask_digits, scrub

WORDS = st.sampled_from(["sender", "failed", "±", "\n", "\x00", "131", "code 7034", ", ", "—"])
NUMBERS = st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True)


@given(NUMBERS, WORDS, WORDS)
def test_no_whole_phone_number_is_shown(number, before, after):
    """Bare digits, wherever in a text they stand."""
    shown = scrub(f"{before} {number} {after}")
    assert number not in shown
    assert f"…{number[-4:]}" in shown


@given(NUMBERS, st.integers(1, 4), st.sampled_from([" ", "-", ".", " (", ") "]))
def test_no_formatted_phone_number_is_shown(number, country, gap):
    """One that starts with a plus, with the usual marks between its digits."""
    written = f"+{number[:country]}{gap}{number[country:-3]}{gap}{number[-3:]}"
    shown = mask_digits(f"for {written}.")
    assert re.findall(r"\d+", shown) == [number[-4:]]


@given(st.text(max_size=700))
def test_whatever_is_shown_is_one_short_line_of_printable_characters(text):
    """It goes into logs, states and artifacts."""
    shown = scrub(text)
    assert len(shown) <= LONGEST
    assert shown.isprintable()
    assert shown == shown.strip()


@given(st.text(max_size=400))
def test_what_was_scrubbed_stays_as_it_is(text):
    """A text may be scrubbed where it is kept and again where it is shown."""
    assert scrub(scrub(text)) == scrub(text)


def test_a_text_that_just_fits_is_not_cut():
    """One that is longer ends in an ellipsis."""
    assert scrub("x" * 300) == "x" * 300
    assert scrub("x" * 301) == "x" * 299 + "…"
