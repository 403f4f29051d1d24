"""What an onboarding still needs: of whom, since when, and until when."""

import pytest

from tests.domain.samples import (
    ASSOCIATED,
    BAD,
    GOOD,
    NO_RECEIVER,
    NOTIFIED,
    ON_ITS_WAY,
    REGISTERED,
    REJECTED,
    SHARED,
    T0,
    UNANSWERED,
    UNASSOCIATED,
    VERIFIED,
    at,
    holding,
    live_sender,
    onboarding,
    sender,
)
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.decisions import Decision, DecisionVerb
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.requirements import OF_LEAVING, requirements_of
from waboard.domain.waits import WORDS, OpenWait, WaitKind


def test_a_new_onboarding_needs_nothing_of_anybody_but_us():
    """Nobody else's turn is named before we have done anything."""
    assert requirements_of(onboarding()) == []


@pytest.mark.parametrize(
    ("kind", "condition"), [(WaitKind.REGISTRATION, REGISTERED), (WaitKind.DELIVERY, VERIFIED)]
)
def test_a_wait_says_what_for_of_whom_since_when_and_until_when(kind, condition):
    """Waiting for somebody else is not the same as being broken."""
    (needed,) = requirements_of(onboarding(wait=OpenWait(kind, at(1), at(5), at(9))))
    assert (needed.condition, needed.reason) == (condition, WORDS[kind].state)
    assert (needed.awaiting, needed.remedy) == (Party.INFOBIP, WORDS[kind].remedy)
    assert (needed.since, needed.by, needed.subject_label) == (at(1), at(9), "")


def test_each_sender_that_is_not_live_needs_one_thing():
    """The first in the order of the work; a live one needs nothing."""
    senders = (sender(BAD, UNASSOCIATED, REGISTERED, REJECTED), live_sender())
    (needed,) = requirements_of(onboarding(senders=senders))
    assert (needed.subject, needed.subject_label) == (BAD, "…6042:")
    assert (needed.condition, needed.reason) == (ASSOCIATED, Reason.ASSOCIATION_REFUSED)
    assert (needed.awaiting, needed.since, needed.by) == (Party.OPERATOR, T0, None)


def test_what_the_onboarding_needs_comes_before_what_its_senders_need():
    """In the order of the work, the wait first."""
    needing = onboarding(
        wait=OpenWait(WaitKind.REGISTRATION, T0, at(5), at(9)),
        conditions=holding(NO_RECEIVER, UNANSWERED),
        senders=(sender(GOOD, ON_ITS_WAY),),
    )
    found = [(needed.condition, needed.subject) for needed in requirements_of(needing)]
    assert found == [(REGISTERED, ""), (SHARED, ""), (NOTIFIED, ""), (REGISTERED, GOOD)]


def test_what_holds_is_no_longer_needed():
    """Nothing is left of a live onboarding."""
    done = onboarding(conditions=holding(SHARED, NOTIFIED), senders=(live_sender(),))
    assert requirements_of(done) == []


@pytest.mark.parametrize("kind", sorted(OF_LEAVING - {ConditionType.NOTIFIED}))
def test_of_a_client_that_leaves_everything_that_leaving_needs_is_needed(kind: ConditionType):
    open_ = Condition(kind, Status.FALSE, Reason.TO_BE_UNSHARED, "To be done.", "", at(1))
    order = Decision(DecisionVerb.APPROVE, "noor", "They leave.", at(0))
    (needed,) = requirements_of(onboarding(conditions={kind: open_}, leaving=order, ended_at=T0))
    assert needed.condition == kind
