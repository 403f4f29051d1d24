"""Under which ids a sender is filed, and what each policy does about those that are not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waboard.domain.errors import StepRefused
from waboard.domain.filing import Filing, ForeignFiling, filing_for
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason

MOVE, ADOPT, REFUSE = ForeignFiling

OURS = Filing("waboard", "acme")
BARE = Filing("waboard", None)
PORTFOLIO = Filing("default", "506914307656634")
STALE = Filing("waboard", "old")
LOST = Filing("default", None)

every_policy = pytest.mark.parametrize("policy", ForeignFiling)


def test_ids_are_told_in_one_line():
    assert str(OURS) == "waboard / acme"
    assert str(LOST) == "default / no entity"


@every_policy
@pytest.mark.parametrize("found", [[], [OURS], [BARE], [BARE, OURS]])
def test_whoever_is_filed_nowhere_else_gets_our_ids(found: list[Filing], policy: ForeignFiling):
    """Our application without an entity is nobody else's."""
    assert filing_for(OURS, found, policy) == OURS


@pytest.mark.parametrize("found", [[PORTFOLIO], [LOST], [STALE, PORTFOLIO], [OURS, PORTFOLIO]])
def test_to_move_is_to_get_our_ids_wherever_it_is_filed(found: list[Filing]):
    assert filing_for(OURS, found, MOVE) == OURS


@pytest.mark.parametrize("found", [[PORTFOLIO], [BARE, PORTFOLIO], [PORTFOLIO, BARE]])
def test_to_adopt_is_to_keep_the_ids_that_it_has(found: list[Filing]):
    assert filing_for(OURS, found, ADOPT) == PORTFOLIO


@pytest.mark.parametrize("found", [[OURS, PORTFOLIO], [STALE, OURS, PORTFOLIO]])
def test_nothing_is_adopted_where_our_ids_are_among_those_found(found: list[Filing]):
    assert filing_for(OURS, found, ADOPT) == OURS


@pytest.mark.parametrize("found", [[LOST], [STALE, PORTFOLIO], [BARE, LOST]])
def test_what_cannot_be_adopted_is_left_to_a_person(found: list[Filing]):
    """Messages carry an entity, and of two nobody knows which."""
    with pytest.raises(StepRefused):
        filing_for(OURS, found, ADOPT)


@pytest.mark.parametrize("found", [[PORTFOLIO], [LOST], [OURS, PORTFOLIO], [BARE, STALE]])
def test_to_refuse_is_to_leave_every_other_filing_to_a_person(found: list[Filing]):
    with pytest.raises(StepRefused):
        filing_for(OURS, found, REFUSE)


def test_the_refusal_names_where_it_is_filed_and_who_decides():
    """What is ours is not named, and the order is always the same."""
    with pytest.raises(StepRefused) as refused:
        filing_for(OURS, [STALE, BARE, OURS, LOST], REFUSE)
    error = refused.value
    where = "default / no entity and waboard / old"
    assert error.message == f"The sender is filed under {where}."
    assert (error.reason, error.awaiting) == (Reason.FILED_ELSEWHERE, Party.OPERATOR)
    assert "WABOARD_FOREIGN_FILING" in error.remedy


filings = st.sampled_from([OURS, BARE, PORTFOLIO, STALE, LOST])


@given(found=st.lists(filings, unique=True), policy=st.sampled_from(ForeignFiling))
def test_the_answer_is_ours_or_was_found_and_its_order_does_not_matter(
    found: list[Filing], policy: ForeignFiling
):
    def answer(listed: list[Filing]) -> Filing | None:
        try:
            return filing_for(OURS, listed, policy)
        except StepRefused:
            return None

    given_back = answer(found)
    assert given_back in {None, OURS, *found}
    assert given_back != BARE
    assert given_back == answer(found[::-1])
