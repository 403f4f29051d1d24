"""The ids of three companies, each with a type of its own, so that none is taken for another.

On the wire a WABA id is a JSON number or a string; in here it is always a decimal string.
"""

from typing import Annotated, NewType

import phonenumbers
from pydantic import BeforeValidator, StringConstraints

from waboard.domain.spelling import other_spellings

WabaId = NewType("WabaId", str)
"""A WhatsApp Business Account at Meta, which Infobip calls `businessAccountId`."""
PortfolioId = NewType("PortfolioId", str)
"""A Meta business portfolio, Infobip's default for an entity id. Never a WABA id."""
PhoneNumberId = NewType("PhoneNumberId", str)
"""Meta's id of one phone number of a WABA."""
PhoneNumber = NewType("PhoneNumber", str)
"""E.164 digits without the plus, which is how Infobip names a sender."""
SolutionId = NewType("SolutionId", str)
"""A partner solution at Meta, which the provider and Infobip share."""
NumberKey = NewType("NumberKey", str)
"""Infobip's id of a number, which its associations are made with."""


def _decimal(value: object, what: str) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 20:
        raise ValueError(f"{what} is 1 to 20 decimal digits, as Meta shows it")
    return text


def parse_waba_id(value: object) -> WabaId:
    """Read a WABA id from a JSON number or a string of digits. Raises ValueError."""
    return WabaId(_decimal(value, "a WABA id"))


def parse_portfolio_id(value: object) -> PortfolioId:
    """Read a portfolio id from a JSON number or a string of digits. Raises ValueError."""
    return PortfolioId(_decimal(value, "a portfolio id"))


def parse_solution_id(value: object) -> SolutionId:
    """Read a partner solution's id from a JSON number or a string of digits. Raises ValueError."""
    return SolutionId(_decimal(value, "a solution id"))


def parse_phone_number_id(value: object) -> PhoneNumberId:
    """Read Meta's id of a phone number. Raises ValueError."""
    return PhoneNumberId(_decimal(value, "a phone number id"))


def parse_phone_number(value: object) -> PhoneNumber:
    """Read a phone number in international form, formatted ("+1 313-513-8538") or bare digits.

    One in a spelling that its country has given up (Mexico's 52 1) is left as it is: upstreams show
    such numbers. Raises ValueError when it cannot be a number that somebody has.
    """
    text = str(value).strip()
    found = _possible(text if text.startswith("+") else f"+{text}")
    if found is None and any(_possible(f"+{each}") for each in other_spellings(digits_of(text))):
        found = digits_of(text)
    if found is None:
        raise ValueError("a phone number is written in international form, such as +44 7860 041117")
    return PhoneNumber(found)


def _possible(international: str) -> str | None:
    """Return the digits of a number that can exist; None for any other."""
    try:
        number = phonenumbers.parse(international)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


LONGEST_SENDER_NUMBER = 20
"""Digits; E.164 allows 15."""


def digits_of(text: object) -> str:
    """Return the ASCII digits of a text, such as a formatted phone number."""
    return "".join(each for each in str(text) if each.isascii() and each.isdigit())


def parse_sender_number(value: object) -> PhoneNumber:
    """Read the number of a sender that an upstream shows, formatted or not.

    Not every number that Meta has registered passes a phone library's check, so none is asked.
    Raises ValueError for what holds no digits, or too many, or letters, or is in a national form.
    """
    text = value if isinstance(value, str) else str(value) if type(value) is int else ""
    digits = digits_of(text)
    fits = 1 <= len(digits) <= LONGEST_SENDER_NUMBER and not digits.startswith("0")
    if not fits or any(each.isalpha() for each in text):
        longest = LONGEST_SENDER_NUMBER
        raise ValueError(f"a sender's number is 1 to {longest} digits, its country's code first")
    return PhoneNumber(digits)


def mask_phone(number: str) -> str:
    """Show a phone number so that its owner recognises it and nobody else does: `…8538`."""
    return f"…{number[-4:]}"


def mask_waba(waba_id: str) -> str:
    """Show the end of a WABA id, as run names do: `…3093`."""
    return f"…{waba_id[-4:]}"


WabaIdField = Annotated[WabaId, BeforeValidator(parse_waba_id)]
PortfolioIdField = Annotated[PortfolioId, BeforeValidator(parse_portfolio_id)]
SolutionIdField = Annotated[SolutionId, BeforeValidator(parse_solution_id)]
PhoneNumberIdField = Annotated[PhoneNumberId, BeforeValidator(parse_phone_number_id)]
PhoneNumberField = Annotated[PhoneNumber, BeforeValidator(parse_phone_number)]
"""A number that somebody types in: it must be one that can exist."""
SenderNumberField = Annotated[PhoneNumber, BeforeValidator(parse_sender_number)]
"""The number of a sender that exists, in any spelling that an upstream has shown."""
PlatformId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,254}$")]
"""An application or entity id at Infobip: it becomes a URL path segment there."""
