"""What people decide: nobody decides without a name and a reason."""

import pytest
from pydantic import ValidationError

from tests.domain.samples import BAD, T0
from waboard.domain.decisions import Decision, DecisionVerb, Order

RETRY, CANCEL = DecisionVerb.RETRY, DecisionVerb.CANCEL
ORDER = Order(by="mia", why="The phone is on.")


@pytest.mark.parametrize("field", ["by", "why"])
@pytest.mark.parametrize("said", ["", "   ", None])
def test_an_order_needs_a_name_and_a_reason(field, said):
    with pytest.raises(ValidationError, match=field):
        Order.model_validate({"by": "mia", "why": "Because."} | {field: said})


@pytest.mark.parametrize(("field", "longest"), [("by", 100), ("why", 1000)])
def test_a_name_and_a_reason_are_of_one_letter_at_least_and_of_so_many_at_most(field, longest):
    given = {"by": "mia", "why": "Because."}
    for length in (1, longest):
        assert getattr(Order.model_validate(given | {field: "x" * length}), field) == "x" * length
    with pytest.raises(ValidationError, match=field):
        Order.model_validate(given | {field: "x" * (longest + 1)})


def test_an_order_holds_nothing_else_and_stays_as_it_is():
    with pytest.raises(ValidationError, match="when"):
        Order.model_validate({"by": "mia", "why": "Because.", "when": "now"})
    with pytest.raises(ValidationError, match="frozen"):
        ORDER.by = "ben"


def test_what_surrounds_a_name_and_a_reason_is_not_kept():
    order = Order(by=" mia ", why="\nThe phone is on. ")
    assert order == ORDER


def test_the_same_order_is_known_again():
    decision = Decision(RETRY, "mia", "The phone is on.", T0)
    assert decision.is_what(RETRY, ORDER)
    assert not decision.is_what(CANCEL, ORDER)
    assert not decision.is_what(RETRY, ORDER, BAD)
    assert not decision.is_what(RETRY, Order(by="ben", why=ORDER.why))


def test_a_sender_is_named_by_its_last_digits():
    assert Decision(RETRY, "mia", "Why.", T0, BAD).subject_label == "…6042"
    assert Decision(RETRY, "mia", "Why.", T0).subject_label == "onboarding"
