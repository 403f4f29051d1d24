"""Which of several onboardings owns a number."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import at
from waboard.domain.conditions import Status
from waboard.domain.ownership import (
    Assignment,
    Claim,
    Listing,
    Ruling,
    counts_as_connected,
    rule,
    verdict_for,
)
from waboard.domain.reasons import Reason

A, B, C = (Claim(f"id-{name}", f"left-{name}", f"740{n}") for n, name in enumerate("abc", 1))
TIME = st.none() | st.integers(0, 3).map(at)
LISTING = st.none() | st.builds(Listing, st.booleans(), st.integers(0, 5).map(at))


def claims(*of: Claim) -> st.SearchStrategy[list[Claim]]:
    """Any evidence for each of these."""
    each = [
        st.builds(
            replace,
            st.just(claim),
            named_at=TIME,
            is_connected=st.booleans(),
            removed_at=TIME,
            listing=LISTING,
        )
        for claim in of
    ]
    return st.tuples(*each).map(list)


def owner(*of: Claim, assignment: Assignment | None = None) -> str | None:
    ruling = rule(of, assignment)
    return ruling.owner.onboarding_id if ruling and ruling.owner else None


def test_nobody_owns_what_nobody_can_show_anything_for():
    assert rule([A, B]) is None


def test_the_one_that_infobip_named_last_owns_it():
    assert owner(replace(A, named_at=at(1)), replace(B, named_at=at(2))) == B.onboarding_id


def test_who_was_removed_at_meta_does_not():
    removed = replace(B, named_at=at(2), removed_at=at(3))
    assert owner(replace(A, named_at=at(1)), removed) == A.onboarding_id


def test_that_all_were_removed_tells_them_not_apart():
    one, other = (replace(c, named_at=at(n), removed_at=at(4)) for n, c in enumerate((A, B)))
    assert owner(one, other) == B.onboarding_id


def test_meta_s_list_decides_where_infobip_does_not():
    listed = replace(A, named_at=at(1), listing=Listing(True, at(2)))
    unlisted = replace(B, named_at=at(1), listing=Listing(False, at(2)))
    assert owner(listed, unlisted) == A.onboarding_id


def test_a_list_that_was_read_before_the_last_registration_says_nothing():
    listed = replace(A, named_at=at(1), listing=Listing(True, at(2)))
    unlisted = replace(B, named_at=at(3), listing=Listing(False, at(2)))
    assert owner(listed, unlisted) == B.onboarding_id


def test_a_list_of_one_waba_alone_does_not_decide():
    """The account model lets one number stand under two."""
    both = [replace(c, named_at=at(1), listing=Listing(True, at(2))) for c in (A, B)]
    half = [replace(both[0]), replace(both[1], listing=None)]
    assert (owner(*both), owner(*half)) == (None, None)


def test_where_the_two_upstreams_contradict_each_other_nobody_owns_it():
    listed = replace(A, named_at=at(1), listing=Listing(True, at(9)))
    named = replace(B, named_at=at(2), listing=Listing(False, at(9)))
    ruling = rule([listed, named])
    assert ruling is not None
    assert (ruling.owner, ruling.rivals) == (None, (listed, named))
    assert "contradict" in ruling.because


def test_that_it_works_counts_only_where_infobip_named_nobody_who_still_has_it():
    working = replace(B, is_connected=True)
    named = replace(A, named_at=at(1), is_connected=True)
    assert owner(named, working) == A.onboarding_id
    assert not counts_as_connected([named, working], B.onboarding_id)
    assert counts_as_connected([replace(named, removed_at=at(2)), working], B.onboarding_id)
    assert counts_as_connected([named, working], A.onboarding_id)


def test_of_two_that_only_work_nobody_owns_it():
    assert owner(*(replace(c, is_connected=True) for c in (A, B))) is None


class TestAPersonsDecision:
    """It stands until an upstream says something later, by the same clock."""

    TO_A = Assignment(A.onboarding_id, "mia", at(50), named_at=at(2), removed_at=None)

    def test_it_decides_against_the_evidence_of_then(self):
        known = [replace(A, named_at=at(1)), replace(B, named_at=at(2))]
        assert owner(*known, assignment=self.TO_A) == A.onboarding_id

    def test_evidence_that_comes_late_and_is_older_does_not_overrule_it(self):
        known = [replace(A, named_at=at(1)), replace(C, named_at=at(2))]
        assert owner(*known, assignment=self.TO_A) == A.onboarding_id

    @pytest.mark.parametrize(
        "later", [replace(B, named_at=at(3)), replace(B, named_at=at(2), removed_at=at(0))]
    )
    def test_anything_that_an_upstream_says_later_overrules_it(self, later):
        known = [replace(A, named_at=at(1)), later]
        assert owner(*known, assignment=self.TO_A) == owner(*known)

    def test_it_ends_with_the_client_that_it_was_for(self):
        known = [replace(B, named_at=at(1)), replace(C, named_at=at(2))]
        assert owner(*known, assignment=self.TO_A) == C.onboarding_id


@given(claims(A, B, C), st.randoms())
def test_the_order_of_the_claims_changes_nothing(known, random):
    shuffled = random.sample(known, len(known))
    assert rule(known) == rule(shuffled)


@given(claims(A, B, C))
def test_no_two_are_told_that_it_is_their_own(known):
    ruling = rule(known)
    if ruling is None:
        return
    told = [verdict_for(each, ruling) for each in known]
    owners = [each for each in told if each.status is Status.TRUE]
    assert len(owners) == (ruling.owner is not None)


@given(claims(A, B))
def test_an_owner_has_something_to_show(known):
    ruling = rule(known)
    if ruling is not None and ruling.owner is not None:
        assert ruling.owner.named_at or ruling.owner.is_connected


@given(claims(A, B))
def test_where_nobody_owns_it_each_rival_hears_of_the_others(known):
    ruling = rule(known)
    if ruling is not None and ruling.owner is None:
        for rival in ruling.rivals:
            others = [each.client_ref for each in ruling.rivals if each is not rival]
            told = verdict_for(rival, ruling)
            assert (told.status, told.reason) == (Status.UNKNOWN, Reason.OWNER_UNCLEAR)
            assert all(ref in told.message for ref in others)


def test_the_loser_is_told_where_it_went_since_when_and_why():
    told = verdict_for(A, Ruling(B, "Infobip registered it there last", at(0)))
    assert told.message == (
        "The number moved to left-b (WABA …7402) since 2026-01-05 09:00 UTC: Infobip registered it "
        "there last."
    )


def test_a_rival_is_told_of_the_others_and_not_of_itself():
    told = verdict_for(B, Ruling(None, "nobody knows", None, (A, B)))
    assert told.message == "left-a (WABA …7401) claims the number too, and nobody knows."
    told = verdict_for(B, Ruling(None, "nobody knows", None, (A, B, C)))
    assert told.message == (
        "left-a (WABA …7401) and left-c (WABA …7403) claim the number too, and nobody knows."
    )


def test_the_owner_is_told_since_when_and_why():
    told = verdict_for(B, Ruling(B, "Infobip registered it there last", at(0)))
    assert (told.status, told.reason) == (Status.TRUE, Reason.NUMBER_OWNED)
    assert told.message == (
        "The number belongs to this client since 2026-01-05 09:00 UTC: Infobip registered it there "
        "last."
    )
    assert "since" not in verdict_for(B, Ruling(B, "nobody else has it", None)).message
