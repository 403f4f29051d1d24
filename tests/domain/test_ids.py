"""Ids of three companies, read from the wire."""

import pytest

from waboard.domain.ids import (
    mask_phone,
    mask_waba,
    parse_phone_number,
    parse_phone_number_id,
    parse_portfolio_id,
    parse_waba_id,
)

PARSERS = [parse_waba_id, parse_portfolio_id, parse_phone_number_id]


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("value", [102384266223093, "102384266223093"])
def test_an_id_may_be_a_number_or_a_string_on_the_wire(parse, value):
    """Inside it is a decimal string."""
    assert parse(value) == "102384266223093"


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "value", ["", "12a", "-1", -1, 1.0, True, None, [1], "1" * 21, 10**20, " 1", "١٢٣", "²"]
)
def test_what_is_no_id_is_refused(parse, value):
    """With a sentence that says what one looks like."""
    with pytest.raises(ValueError, match="1 to 20 decimal digits"):
        parse(value)


@pytest.mark.parametrize("parse", PARSERS)
def test_an_id_has_twenty_digits_at_most(parse):
    """That is as many as the ledger keeps."""
    assert parse("9" * 20) == "9" * 20


@pytest.mark.parametrize(
    "text", ["+1 313-513-8538", "13135138538", " +1 (313) 513 8538 ", "1-313-513-8538", 13135138538]
)
def test_a_phone_number_may_be_formatted(text):
    """Inside it is its E.164 digits, which is how Infobip names a sender."""
    assert parse_phone_number(text) == "13135138538"


@pytest.mark.parametrize("text", ["", "+", "hello", "12", "+999 123 456 789", "9" * 30, None])
def test_what_nobody_can_have_is_no_phone_number(text):
    """With a sentence that shows one."""
    with pytest.raises(ValueError, match="international form"):
        parse_phone_number(text)


def test_a_phone_number_is_shown_by_its_last_four_digits():
    """Its owner recognises it and nobody else does."""
    assert mask_phone("13135138538") == "…8538"


def test_a_waba_is_shown_by_its_last_four_digits():
    """As in the names of runs."""
    assert mask_waba("102384266223093") == "…3093"
