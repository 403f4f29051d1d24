"""When a verb of an operator fits how an onboarding stands, and what a refusal says."""

import pytest

from tests.domain.samples import (
    BAD,
    FAILED,
    GOOD,
    NO_RECEIVER,
    T0,
    at,
    holding,
    live_sender,
    not_true,
    onboarding,
    sender,
    true,
)
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import Decision, DecisionVerb, Order
from waboard.domain.departures import Handwork
from waboard.domain.errors import NotFound, OutOfPlace
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.requests import OnboardingRequest
from waboard.domain.verbs import (
    is_retriable,
    refuse_assign,
    refuse_cancel,
    refuse_done,
    refuse_offboard,
    refuse_once_leaving,
    refuse_reconnect,
    refuse_retry,
    refuse_same_words,
    refuse_unasked_return,
)

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


def test_what_has_ended_may_be_retried_although_its_last_leg_still_runs():
    refuse_retry(LIMITED, None, run_lives=True)


def test_that_a_dead_run_had_only_to_tell_of_it_is_no_reason_to_leave_it():
    """All its senders are live, and it has not ended: nobody else would end it."""
    refuse_retry(onboarding(senders=(live_sender(),)), None, run_lives=False)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ConditionType.NOTIFIED, Reason.NO_RECEIVER),
        (ConditionType.RELEASED, Reason.APPROVAL_AWAITED),
        (ConditionType.RELEASED, Reason.RELEASE_FAILED),
    ],
)
def test_what_is_missing_beside_the_senders_is_nothing_to_retry(
    kind: ConditionType, reason: Reason
):
    beside = holding(not_true(kind, reason, Status.UNKNOWN))
    assert not is_retriable(onboarding(senders=(live_sender(),), conditions=beside))
    other = holding(not_true(kind, Reason.RECEIVER_STOPPED, Status.UNKNOWN))
    assert is_retriable(onboarding(senders=(live_sender(),), conditions=other))


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


# A client that leaves

BY_NOOR = Decision(DecisionVerb.APPROVE, "noor", "Moves to Europe.", T0)
LEAVING = onboarding(senders=(live_sender(),), leaving=BY_NOOR, ended_at=T0)
LEFT = onboarding(senders=(live_sender(),), leaving=BY_NOOR, ended_at=T0, left_at=at(3))
VERBS = {
    "retry": lambda each: refuse_retry(each, None, run_lives=False),
    "assign": lambda each: refuse_assign(each, each.senders[0], is_shared=True),
    "cancel": refuse_cancel,
    "reconnect": refuse_reconnect,
    "anything": refuse_once_leaving,
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("left", "said", "remedy"),
    [
        (LEAVING, "acme is leaving.", "Wait until it has left"),
        (LEFT, "acme has left.", "waboard onboard CLIENT_REF WABA_ID --again"),
    ],
    ids=["leaving", "left"],
)
def test_for_a_client_that_leaves_nothing_more_is_done(
    verb: str, left: Onboarding, said: str, remedy: str
):
    with pytest.raises(OutOfPlace) as caught:
        VERBS[verb](left)
    assert (caught.value.message, remedy in caught.value.remedy) == (said, True)


def test_a_client_that_stays_may_be_worked_on():
    for each in (ON_THE_WAY, LIMITED, LIVE, CANCELLED):
        refuse_once_leaving(each)


def test_a_client_may_go_on_leaving_until_it_has_left():
    for each in (ON_THE_WAY, LIVE, LEAVING):
        refuse_offboard(each)
    with pytest.raises(OutOfPlace, match="acme has left already"):
        refuse_offboard(LEFT)


def test_only_what_people_are_asked_for_can_be_said_to_be_done():
    undone = not_true(ConditionType.UNSHARED, Reason.TO_BE_UNSHARED, Status.UNKNOWN)
    left = onboarding(leaving=BY_NOOR, left_at=at(3), conditions=holding(undone))
    refuse_done(left, Handwork.UNSHARED)
    with pytest.raises(OutOfPlace, match="Nobody is asked for this of acme: deregistered"):
        refuse_done(left, Handwork.DEREGISTERED)


BACK = Order(by="mia", why="It has signed again.")


def test_who_says_so_begins_anew_with_a_client_that_has_left():
    asked = OnboardingRequest(client_ref="acme", waba_id=LEFT.waba_id, again=BACK)
    assert refuse_unasked_return(LEFT, asked) == BACK


@pytest.mark.parametrize(
    ("client_ref", "whose"),
    [("acme", "acme has left, on"), ("bakery", "WABA …3093 was acme's, which has left, on")],
)
def test_without_that_word_a_return_is_refused_and_says_how_it_left(client_ref: str, whose: str):
    asked = OnboardingRequest(client_ref=client_ref, waba_id=LEFT.waba_id)
    with pytest.raises(OutOfPlace) as caught:
        refuse_unasked_return(LEFT, asked)
    assert caught.value.message == (
        f"{whose} 2026-01-05 at 09:03 UTC, as noor approved: Moves to Europe."
    )
    assert f"`waboard onboard {client_ref} {LEFT.waba_id} --again" in caught.value.remedy


def test_a_refused_return_lists_what_is_left_to_do():
    undone = not_true(ConditionType.UNSHARED, Reason.TO_BE_UNSHARED, Status.UNKNOWN)
    left = onboarding(leaving=BY_NOOR, left_at=at(3), conditions=holding(undone))
    asked = OnboardingRequest(client_ref="acme", waba_id=left.waba_id)
    with pytest.raises(OutOfPlace, match=r"Moves to Europe\. Left to do: unshared\."):
        refuse_unasked_return(left, asked)


def test_the_same_words_bring_nobody_back_twice():
    taken = Decision(DecisionVerb.AGAIN, BACK.by, BACK.why, at(9))
    refuse_same_words(BACK, [])
    refuse_same_words(Order(by="mia", why="It pays again."), [taken])
    refuse_same_words(BACK, [Decision(DecisionVerb.RETRY, BACK.by, BACK.why, at(9))])
    with pytest.raises(OutOfPlace, match="in the same words, on 2026-01-05 at 09:09 UTC"):
        refuse_same_words(BACK, [taken])


# Who connects again, and whose a number is


def test_a_client_may_connect_again_unless_its_run_is_being_stopped():
    for each in (ON_THE_WAY, LIVE, CANCELLED):
        refuse_reconnect(each)
    with pytest.raises(OutOfPlace, match="is being cancelled: its run has not stopped yet"):
        refuse_reconnect(onboarding(cancelled=BY_MIA))


MOVED = not_true(ConditionType.OWNED, Reason.NUMBER_MOVED)
UNCLEAR = not_true(ConditionType.OWNED, Reason.OWNER_UNCLEAR, Status.UNKNOWN)
HELD = not_true(ConditionType.ASSOCIATED, Reason.HELD_BY_ANOTHER_CLIENT)


@pytest.mark.parametrize("owned", [MOVED, UNCLEAR])
def test_a_sender_that_another_client_has_is_decided_upon_and_not_retried(owned):
    theirs = onboarding(senders=(sender(GOOD, owned), sender(BAD, FAILED)), ended_at=T0)
    with pytest.raises(OutOfPlace) as caught:
        refuse_retry(theirs, GOOD, run_lives=False)
    assert (caught.value.message, "waboard sender assign" in caught.value.remedy) == (
        "…8538: No.",
        True,
    )
    refuse_retry(theirs, BAD, run_lives=False)


def test_a_sender_that_is_its_own_may_be_retried():
    own = onboarding(senders=(sender(GOOD, ConditionType.OWNED, FAILED),), ended_at=T0)
    refuse_retry(own, GOOD, run_lives=False)


@pytest.mark.parametrize("owned", [MOVED, UNCLEAR])
def test_that_a_number_is_somebody_elses_is_nothing_to_retry(owned):
    theirs = (live_sender(BAD), sender(GOOD, ConditionType.REGISTERED, owned))
    with pytest.raises(OutOfPlace, match="nothing to retry"):
        refuse_retry(onboarding(senders=theirs, ended_at=T0), None, run_lives=False)


def assign(*conditions, is_shared: bool) -> None:
    one = sender(GOOD, *conditions)
    refuse_assign(onboarding(senders=(one,)), one, is_shared=is_shared)


def test_a_number_is_assigned_when_another_client_has_it_too():
    assign(MOVED, is_shared=True)
    assign(is_shared=True)
    assign(HELD, is_shared=False)


@pytest.mark.parametrize("associated", [true(ConditionType.ASSOCIATED), None])
def test_a_number_that_nobody_else_has_needs_no_decision(associated):
    with pytest.raises(OutOfPlace, match="No other client has …8538 of acme"):
        assign(*filter(None, [associated]), is_shared=False)


def test_a_number_that_is_its_own_needs_no_decision_either():
    with pytest.raises(OutOfPlace, match="…8538 belongs to acme already"):
        assign(ConditionType.OWNED, is_shared=True)
