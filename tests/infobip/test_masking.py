"""What may be shown of somebody else's text."""

import pytest

from waboard.domain.masking import mask_digits, scrub


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("no digits", "no digits"),
        ("status 400, code 7034, 123456", "status 400, code 7034, 123456"),
        ("to 1234567", "to …4567"),
        ("447860041117 and 385911234567", "…1117 and …4567"),
        ("+1 313-513-8538 is taken", "…8538 is taken"),
        ("+44 (0) 7860.041117", "…1117"),
        ("on 2026-07-23 at 12:00", "on 2026-07-23 at 12:00"),
        ("id447860041117x", "id…1117x"),
    ],
)
def test_only_the_last_four_digits_of_a_number_are_shown(text, shown):
    """Seven digits or more, or a plus before them; codes and dates stay legible."""
    assert mask_digits(text) == shown


def test_a_text_becomes_one_line_without_control_characters():
    """It goes into logs and states, where a line break could pretend to be another entry."""
    assert scrub(" one\r\n\ttwo\x00\x1b[31m three ") == "one two [31m three"


def test_a_long_text_is_cut_after_it_was_masked():
    """A number across the cut is masked as a whole."""
    text = scrub("x" * 295 + " 447860041117")
    assert text == "x" * 295 + " …11…"[:5]
    assert len(text) <= 300
