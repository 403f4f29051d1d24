"""Two spellings of one subscriber's number.

Some countries have changed how mobile numbers are written, and the upstreams show either form. A
rule here says only that two numbers *may* be one: that they are, an upstream's own word has to say
(one `phoneNumberId`, one numberKey, an answer that is spelled otherwise than the question).
Sources: WA/business-phone-numbers (Mexico, Argentina, Brazil); the numbering plans of ARCEP Benin
(2024-11-30) and ARTCI Ivory Coast (2021-01-31).
"""

import re
from collections.abc import Iterable

_RULES: tuple[tuple[str, str, str, str], ...] = (
    (r"521(\d{10})", r"52\1", r"52(\d{10})", r"521\1"),  # Mexico: the mobile 1
    (r"549(\d{10})", r"54\1", r"54(\d{10})", r"549\1"),  # Argentina: the mobile 9
    (r"55(\d\d)9(\d{8})", r"55\1\2", r"55(\d\d)(\d{8})", r"55\g<1>9\2"),  # Brazil: the ninth digit
    (r"22901(\d{8})", r"229\1", r"229(\d{8})", r"22901\1"),  # Benin: ten digits since 2024
    # Ivory Coast: ten digits since 2021; which two come first depends on the network.
    (r"225(?:01|05|07|21|25|27)(\d{8})", r"225\1", r"225(\d{8})", r"22507\1"),
)
"""The long form and how it is shortened, the short form and how it is lengthened."""


def subscriber(number: str) -> str:
    """Return the one form of all spellings of a number, which are digits without the plus.

    It is for comparing only, and may not be a number that can be called.
    """
    for long, shorten, _, _ in _RULES:
        if match := re.fullmatch(long, number):
            return match.expand(shorten)
    return number


def may_be_same(number: str, other: str) -> bool:
    """Whether two numbers are equal, or spellings of what may be one subscriber."""
    return subscriber(number) == subscriber(other)


def other_spellings(number: str) -> list[str]:
    """Return how else a number may be spelled; of several longer forms, one."""
    plain = subscriber(number)
    if plain != number:
        return [plain]
    matches = ((re.fullmatch(short, number), lengthen) for _, _, short, lengthen in _RULES)
    return [match.expand(lengthen) for match, lengthen in matches if match]


def asked_for(answered: str, asked: Iterable[str]) -> str | None:
    """Return which of the numbers that were asked for an answer is about, however it spells it."""
    numbers = list(asked)
    alike = [each for each in numbers if may_be_same(each, answered)]
    if answered in numbers:
        return answered
    return alike[0] if len(alike) == 1 else None
