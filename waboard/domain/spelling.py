"""Two spellings of one subscriber's number.

Some countries have changed how mobile numbers are written, and the upstreams show either form. A
rule here says only that two numbers *may* be one: that they are, an upstream's own word has to say
(one `phoneNumberId`, one numberKey, an answer that is spelled otherwise than the question).
Sources: WA/business-phone-numbers (Mexico, Argentina, Brazil); the numbering plans of ARCEP Benin
(2024-11-30) and ARTCI Ivory Coast (2021-01-31).
"""

import re

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"521(\d{10})", r"52\1"),  # Mexico: the mobile 1
        (r"549(\d{10})", r"54\1"),  # Argentina: the mobile 9
        (r"55(\d{2})9(\d{8})", r"55\1\2"),  # Brazil: the ninth digit
        (r"22901(\d{8})", r"229\1"),  # Benin: ten digits since 2024
        (r"225(?:01|05|07|21|25|27)(\d{8})", r"225\1"),  # Ivory Coast: ten digits since 2021
    )
)


def subscriber(number: str) -> str:
    """Return the one form of all spellings of a number, which are digits without the plus.

    It is for comparing only, and may not be a number that can be called.
    """
    for pattern, plain in _RULES:
        match = pattern.fullmatch(number)
        if match:
            return match.expand(plain)
    return number


def may_be_same(number: str, other: str) -> bool:
    """Whether two numbers are equal, or spellings of what may be one subscriber."""
    return subscriber(number) == subscriber(other)
