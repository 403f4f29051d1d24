"""When an onboarding may be retried or cancelled, and what a refusal says."""

import pytest

from tests.domain.samples import (
    BAD,
    FAILED,
    GOOD,
    NO_RECEIVER,
    T0,
    holding,
    live_sender,
    onboarding,
    sender,
)
from waboard.domain.decisions import Decision, DecisionVerb
from waboard.domain.errors import NotFound, OutOfPlace
from waboard.domain.ids import PhoneNumber
from waboard.domain.verbs import refuse_cancel, refuse_retry

BY_MIA = Decision(DecisionVerb.CANCEL, "mia", "Wrong WABA.", T0)
ON_THE_WAY = onboarding()
LIMITED = onboarding(senders=(live_sender(), sender(BAD, FAILED)), ended_at=T0)
LIVE = onboarding(senders=(live_sender(),), ended_at=T0)
CANCELLED = onboarding(senders=(live_sender(),), cancelled=BY_MIA, ended_at=T0)


def test_what_has_ended_and_lacks_something_may_be_retried():
    refuse_retry(LIMITED, None, run_lives=False)
    refuse_retry(onboarding(ended_at=T0), None, run_lives=False)


def test_what_is_on_its_way_may_be_retried_once_its_run_is_dead():
    with pytest.raises(OutOfPlace, match=r"on its way, as attempt 1.*waboard cancel"):
        refuse_retry(ON_THE_WAY, None, run_lives=True)
    refuse_retry(ON_THE_WAY, None, run_lives=False)


def test_what_is_live_has_nothing_to_retry():
    with pytest.raises(OutOfPlace, match="acme is Live: there is nothing to retry"):
        refuse_retry(LIVE, None, run_lives=False)


def test_that_there_is_nobody_to_tell_is_nothing_to_retry():
    told_nobody = onboarding(senders=(live_sender(),), ended_at=T0, conditions=holding(NO_RECEIVER))
    with pytest.raises(OutOfPlace, match="nothing to retry"):
        refuse_retry(told_nobody, None, run_lives=False)


def test_what_was_cancelled_may_be_retried_once_its_run_has_stopped():
    refuse_retry(CANCELLED, None, run_lives=False)
    with pytest.raises(OutOfPlace, match="its run has not stopped yet"):
        refuse_retry(onboarding(cancelled=BY_MIA), None, run_lives=True)


def test_a_sender_that_is_live_has_nothing_to_retry():
    refuse_retry(LIMITED, BAD, run_lives=False)
    with pytest.raises(OutOfPlace, match="…8538 of acme is live"):
        refuse_retry(LIMITED, GOOD, run_lives=False)


def test_a_sender_of_somebody_else_is_not_found():
    with pytest.raises(NotFound, match="no sender …9999"):
        refuse_retry(LIMITED, PhoneNumber("12025559999"), run_lives=False)


def test_what_is_on_its_way_may_be_cancelled():
    refuse_cancel(ON_THE_WAY)


def test_what_has_ended_cannot_be_cancelled():
    with pytest.raises(OutOfPlace, match="has ended as LiveLimited"):
        refuse_cancel(LIMITED)


def test_who_cancelled_it_before_is_named():
    with pytest.raises(OutOfPlace, match=r"cancelled already, by mia.*waboard retry"):
        refuse_cancel(CANCELLED)
