"""What may be shown of a text that somebody else wrote."""

import re

_PHONE_LIKE = re.compile(r"\+\d[\d\s().\-\u2010-\u2015]{5,}\d|\d{7,}")
_SHOWN_DIGITS = 4
LONGEST = 300
"""Characters of a provider's text that are shown."""


def mask_digits(text: str) -> str:
    """Show only the last four digits of whatever may be a phone number.

    That is a run of seven digits or more, and a formatted number that starts with a plus.
    """
    return _PHONE_LIKE.sub(_last_four, text)


def _last_four(match: re.Match[str]) -> str:
    return "…" + re.sub(r"\D", "", match[0])[-_SHOWN_DIGITS:]


def scrub(text: str) -> str:
    """Make a provider's text fit to be shown: one line, no phone numbers, 300 characters."""
    line = mask_digits(" ".join("".join(c if c.isprintable() else " " for c in text).split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
