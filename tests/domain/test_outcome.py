"""What an onboarding came to, and how far it is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import (
    ASSOCIATED,
    BAD,
    DONE,
    FAILED,
    GIVEN_UP,
    GOOD,
    NAMED,
    NO_RECEIVER,
    NO_REPORT,
    ON_ITS_WAY,
    OWNED,
    RECEIVES,
    REFUSED,
    REGISTERED,
    REJECTED,
    REPORT_AWAITED,
    SHARED,
    T0,
    TEMPLATE,
    UNANSWERED,
    UNASSOCIATED,
    VERIFIED,
    at,
    event,
    holding,
    live_sender,
    not_true,
    onboarding,
    sender,
    true,
)
from tests.domain.test_delivery import REPORTS
from tests.domain.test_registration import EVENTS
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.decisions import Decision, DecisionVerb
from waboard.domain.evidence import Evidence
from waboard.domain.onboarding import Onboarding, VerifyBy
from waboard.domain.outcome import (
    Outcome,
    OutcomeName,
    Stage,
    came_meanwhile,
    has_news,
    outcome_of,
    stage_of,
)
from waboard.domain.reasons import Reason
from waboard.domain.registration import registration_from
from waboard.domain.requirements import requirements_of
from waboard.domain.waits import OpenWait, WaitKind

# What it came to


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"senders": (live_sender(),)}, OutcomeName.LIVE),
        ({"senders": (live_sender(), live_sender(BAD))}, OutcomeName.LIVE),
        ({"senders": (live_sender(), sender(BAD, FAILED))}, OutcomeName.LIVE_LIMITED),
        ({"conditions": holding(REFUSED)}, OutcomeName.SHARE_REFUSED),
        ({}, OutcomeName.REGISTRATION_FAILED),
        ({"senders": (sender(GOOD, FAILED),)}, OutcomeName.REGISTRATION_FAILED),
        (
            {"senders": (sender(GOOD, ON_ITS_WAY),), "conditions": holding(GIVEN_UP)},
            OutcomeName.REGISTRATION_TIMED_OUT,
        ),
        ({"senders": (sender(GOOD, REGISTERED, UNASSOCIATED),)}, OutcomeName.ASSOCIATION_FAILED),
        (
            {"senders": (sender(GOOD, REGISTERED, UNASSOCIATED), sender(BAD, FAILED))},
            OutcomeName.ASSOCIATION_FAILED,
        ),
        (
            {"senders": (sender(GOOD, REGISTERED, ASSOCIATED, REJECTED),)},
            OutcomeName.VERIFICATION_FAILED,
        ),
        (
            {"senders": (sender(GOOD, REGISTERED, ASSOCIATED, NO_REPORT), sender(BAD, FAILED))},
            OutcomeName.VERIFICATION_FAILED,
        ),
    ],
)
def test_the_outcome_is_named_for_how_far_the_best_sender_came(facts, name):
    """It is worked out from the senders and never stored beside them."""
    outcome = outcome_of(onboarding(**facts))
    assert outcome.name is name
    assert outcome.is_live is (name in {OutcomeName.LIVE, OutcomeName.LIVE_LIMITED})


AWAY = not_true(ASSOCIATED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN)
NOT_SENT = not_true(VERIFIED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN)
NOT_SHARED = not_true(SHARED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN)


@pytest.mark.parametrize(
    "facts",
    [
        {"senders": (sender(GOOD, REGISTERED, AWAY),)},
        {"senders": (sender(GOOD, REGISTERED, ASSOCIATED, NOT_SENT),)},
        {"senders": (sender(GOOD, FAILED), sender(BAD, REGISTERED, AWAY))},
        {"conditions": holding(NOT_SHARED, GIVEN_UP)},
    ],
)
def test_what_an_upstream_that_is_away_keeps_back_is_no_failure(facts):
    """It goes on by itself, and says since when and until when."""
    outcome = outcome_of(onboarding(**facts))
    assert (outcome.name, outcome.told_as) == (OutcomeName.AWAITING_UPSTREAM, "delayed")
    assert not outcome.is_failure
    assert not outcome.is_live
    assert outcome.since == T0
    assert "since 2026-01-05 09:00 UTC" in outcome.message
    assert "given up on 2026-01-08 09:00 UTC" in outcome.message


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"senders": (live_sender(), sender(BAD, REGISTERED, AWAY))}, OutcomeName.LIVE_LIMITED),
        (
            {
                "senders": (sender(GOOD, FAILED),),
                "conditions": holding(
                    not_true(ConditionType.CONNECTED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN)
                ),
            },
            OutcomeName.REGISTRATION_FAILED,
        ),
        (
            {
                "senders": (
                    sender(
                        GOOD,
                        REGISTERED,
                        not_true(ASSOCIATED, Reason.UPSTREAM_GIVEN_UP, Status.UNKNOWN),
                    ),
                )
            },
            OutcomeName.ASSOCIATION_FAILED,
        ),
    ],
)
def test_an_outage_that_keeps_nothing_back_or_was_given_up_delays_nothing(facts, name):
    """What is live is live, and what failed for good has failed."""
    assert outcome_of(onboarding(**facts)).name is name


def test_of_all_outcomes_those_are_failures_that_need_a_person():
    """Nothing of them goes on by itself, and nobody wanted them."""
    named = {name for name in OutcomeName if Outcome(name, "").is_failure}
    assert named == {
        OutcomeName.SOLUTION_NOT_USABLE,
        OutcomeName.NO_SLOT,
        OutcomeName.SHARE_REFUSED,
        OutcomeName.REGISTRATION_FAILED,
        OutcomeName.REGISTRATION_TIMED_OUT,
        OutcomeName.ASSOCIATION_FAILED,
        OutcomeName.VERIFICATION_FAILED,
        OutcomeName.SENDERS_LOST,
    }


def test_a_given_up_registration_with_a_live_sender_is_live():
    """What arrives, arrives."""
    found = outcome_of(onboarding(senders=(live_sender(),), conditions=holding(GIVEN_UP)))
    assert found.name is OutcomeName.LIVE


def test_a_failed_notification_makes_no_sender_less_live():
    """Nor does the outcome speak of it: it is what the notification says."""
    told = outcome_of(onboarding(senders=(live_sender(),), conditions=holding(SHARED, NO_RECEIVER)))
    assert (told.name, told.message) == (OutcomeName.LIVE, "1 of 1 senders live.")


def test_an_outcome_says_what_is_live_what_is_not_and_what_to_do():
    """Whole phone numbers are not in it."""
    two_step = not_true(REGISTERED, Reason.REGISTRATION_FAILED, message="Two-step is on.")
    message = outcome_of(onboarding(senders=(live_sender(), sender(BAD, two_step)))).message
    assert message.startswith("1 of 2 senders live. …6042: Two-step is on. Awaiting client: ")
    assert BAD not in message


def test_an_outcome_without_senders_says_so():
    """And repeats what the provider said, fit to be shown."""
    said = registration_from([event("FAILED", senders={}, registrationInfo="Not 12132186042\n!")])
    assert outcome_of(onboarding()).message == "Infobip names no sender."
    told = outcome_of(onboarding(registration=said)).message
    assert told == "Infobip names no sender: Not …6042!"


# What comes after the end

REVIEWED = not_true(NAMED, Reason.NAME_IN_REVIEW, Status.UNKNOWN)


@pytest.mark.parametrize(
    ("facts", "news"),
    [
        ({"ended_at": None, "ended_as": None}, False),
        ({"ended_as": None}, False),
        ({"ended_as": "Live"}, False),
        ({"ended_as": "LiveLimited"}, True),
        ({"ended_as": "VerificationFailed"}, True),
    ],
)
def test_what_came_after_an_end_is_news_when_it_changes_what_was_told(facts, news):
    """A delivery report that was late, and a registration that was mended."""
    assert has_news(onboarding(**{"senders": (live_sender(),), "ended_at": at(9)} | facts)) is news


@pytest.mark.parametrize(("minute", "news"), [(8, False), (9, False), (10, True)])
def test_a_sender_that_is_registered_after_the_end_is_news(minute, news):
    """Although what it comes to is the same until it is associated and tested."""
    late = replace(true(REGISTERED), changed_at=at(minute))
    both = (live_sender(), sender(BAD, late))
    ended = onboarding(senders=both, ended_at=at(9), ended_as=OutcomeName.LIVE_LIMITED)
    assert has_news(ended) is news


# Where it is


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        ({}, Stage.SHARING),
        ({"conditions": holding(SHARED)}, Stage.AWAITING_REGISTRATION),
        ({"conditions": holding(UNANSWERED)}, Stage.AWAITING_REGISTRATION),
        ({"conditions": holding(REFUSED)}, Stage.NOTIFYING),
        (
            {
                "conditions": holding(SHARED),
                "registration": DONE,
                "senders": (sender(GOOD, REGISTERED),),
            },
            Stage.ASSOCIATING,
        ),
        (
            {
                "conditions": holding(SHARED),
                "registration": DONE,
                "senders": (sender(GOOD, REGISTERED, ASSOCIATED),),
            },
            Stage.VERIFYING,
        ),
        (
            {
                "conditions": holding(SHARED),
                "registration": DONE,
                "senders": (sender(GOOD, REGISTERED, ASSOCIATED, REPORT_AWAITED),),
            },
            Stage.AWAITING_DELIVERY,
        ),
        (
            {"conditions": holding(SHARED), "registration": DONE, "senders": (live_sender(),)},
            Stage.NOTIFYING,
        ),
        ({"ended_at": T0, "senders": (live_sender(),)}, OutcomeName.LIVE),
        ({"ended_at": T0, "conditions": holding(REFUSED)}, OutcomeName.SHARE_REFUSED),
    ],
)
def test_the_stage_says_where_in_the_sentence_an_onboarding_is(facts, stage):
    """Share, await, associate, verify, notify; then what it came to."""
    assert stage_of(onboarding(**facts)) == stage


# Only the set of evidence matters


def standing(evidence: Evidence) -> Onboarding:
    """An onboarding whose senders are what the evidence says, and associated."""
    registered = evidence.registration()
    verdict = evidence.verdict("waboard-1")
    verified = Condition(
        VERIFIED, verdict.status, verdict.reason, verdict.message, "message waboard-1", T0
    )
    answers = {"FINISHED": true(REGISTERED), "FAILED": FAILED}
    senders = tuple(
        sender(number, answers.get(found.status, ON_ITS_WAY), ASSOCIATED, verified)
        for number, found in registered.senders.items()
    )
    return onboarding(conditions=holding(SHARED), registration=registered, senders=senders)


@given(EVENTS, REPORTS, st.randoms(use_true_random=False))
def test_outcome_stage_and_needs_depend_on_the_set_of_evidence_alone(events, reports, random):
    """Whatever came first, or twice."""
    once = standing(Evidence(tuple(events), tuple(reports)))
    events, reports = events * 2, reports * 2
    random.shuffle(events)
    random.shuffle(reports)
    again = standing(Evidence(tuple(events), tuple(reports)))
    assert outcome_of(again) == outcome_of(once)
    assert stage_of(again) == stage_of(once)
    assert requirements_of(again) == requirements_of(once)


@given(EVENTS, REPORTS, st.integers(0, 9))
def test_a_live_onboarding_is_not_moved_backwards_by_what_is_not_an_ending(events, reports, minute):
    """Nor by another failure of a message that has arrived."""
    late = event("IN_PROGRESS", minute, {GOOD: "IN_PROGRESS", BAD: "IN_PROGRESS"})
    before = standing(Evidence(tuple(events), tuple(reports)))
    after = standing(Evidence((*events, late), tuple(reports)))
    live = {s.phone_number for s in before.senders if s.is_live}
    assert live <= {s.phone_number for s in after.senders if s.is_live}


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        (WaitKind.SOLUTION, Stage.AWAITING_SOLUTION),
        (WaitKind.SLOT, Stage.AWAITING_SLOT),
        (WaitKind.REGISTRATION, Stage.SHARING),
    ],
)
def test_at_the_door_it_is_sharing_unless_it_waits_to_be_let_in(kind, stage):
    assert stage_of(onboarding(wait=OpenWait(kind, T0, at(5), at(9)))) == stage


WRITTEN_TO = not_true(RECEIVES, Reason.INBOUND_AWAITED, Status.UNKNOWN)


@pytest.mark.parametrize(
    ("senders", "verify_by", "stage"),
    [
        ((sender(GOOD, REGISTERED, ASSOCIATED),), VerifyBy.TEMPLATE, Stage.AWAITING_TEMPLATE),
        ((sender(GOOD, REGISTERED, ASSOCIATED),), VerifyBy.INBOUND, Stage.NOTIFYING),
        (
            (sender(GOOD, REGISTERED, ASSOCIATED, WRITTEN_TO),),
            VerifyBy.INBOUND,
            Stage.AWAITING_INBOUND,
        ),
        (
            (sender(GOOD, REGISTERED, ASSOCIATED, VERIFIED, WRITTEN_TO),),
            VerifyBy.BOTH,
            Stage.AWAITING_INBOUND,
        ),
        ((live_sender(),), VerifyBy.TEMPLATE, Stage.NOTIFYING),
    ],
)
def test_the_proof_waits_for_the_template_or_for_somebody_to_write(senders, verify_by, stage):
    pending = not_true(TEMPLATE, Reason.TEMPLATE_PENDING, Status.UNKNOWN)
    proving = onboarding(
        senders=senders,
        verify_by=verify_by,
        conditions=holding(SHARED, pending),
        registration=DONE,
    )
    assert stage_of(proving) == stage


# Who is kept out, or lost what was live


@pytest.mark.parametrize(
    ("conditions", "name"),
    [
        (
            (not_true(ConditionType.SOLUTION_USABLE, Reason.SOLUTION_NOT_ACTIVE),),
            OutcomeName.SOLUTION_NOT_USABLE,
        ),
        (
            (ConditionType.SOLUTION_USABLE, not_true(ConditionType.ADMITTED, Reason.SLOT_AWAITED)),
            OutcomeName.NO_SLOT,
        ),
    ],
)
def test_who_is_kept_out_at_the_door_ends_as_what_kept_it(conditions, name):
    assert outcome_of(onboarding(conditions=holding(*conditions))).name is name


@pytest.mark.parametrize(
    "lost",
    [
        not_true(ConditionType.USABLE, Reason.SENDER_BANNED),
        not_true(ConditionType.HEALTHY, Reason.NUMBER_BLOCKED),
        not_true(NAMED, Reason.NAME_DECLINED),
    ],
)
def test_a_proven_sender_that_is_kept_from_sending_is_lost(lost):
    proven = (REGISTERED, ASSOCIATED, VERIFIED)
    assert outcome_of(onboarding(senders=(sender(GOOD, *proven, lost),))).name is (
        OutcomeName.SENDERS_LOST
    )
    unproven = outcome_of(onboarding(senders=(sender(GOOD, REGISTERED, ASSOCIATED, lost),)))
    assert unproven.name is OutcomeName.VERIFICATION_FAILED


def test_numbers_that_are_all_another_clients_are_lost():
    moved = not_true(OWNED, Reason.NUMBER_MOVED)
    both = (sender(GOOD, REGISTERED, moved), sender(BAD, FAILED))
    assert outcome_of(onboarding(senders=both)).name is OutcomeName.SENDERS_LOST
    one_left = (*both, sender("12", REGISTERED, UNASSOCIATED))
    assert outcome_of(onboarding(senders=one_left)).name is OutcomeName.ASSOCIATION_FAILED


def test_an_outage_is_told_since_it_began_and_only_where_nobody_is_live():
    later = replace(AWAY, changed_at=at(30))
    both = (sender(GOOD, REGISTERED, later), sender(BAD, REGISTERED, AWAY))
    assert outcome_of(onboarding(senders=both)).since == T0
    live = outcome_of(onboarding(senders=(live_sender(), sender(BAD, REGISTERED, AWAY))))
    assert live.since is None
    assert "Infobip or Meta is away" not in live.message


# A client that leaves

BY_NOOR = Decision(DecisionVerb.APPROVE, "noor", "Call +1 202-456-1111.", T0)
KEPT = not_true(ConditionType.RELEASED, Reason.RELEASE_FAILED, message="Two are kept.")


def test_a_client_that_leaves_is_offboarded_whatever_it_came_to():
    leaving = onboarding(leaving=BY_NOOR, senders=(live_sender(),), cancelled=BY_NOOR, ended_at=T0)
    told = outcome_of(leaving)
    assert (told.name, told.told_as, told.is_live) == (OutcomeName.OFFBOARDED, "offboarded", False)
    assert told.message == "Is leaving, as noor approved: Call …1111."
    assert stage_of(leaving) == Stage.LEAVING


def test_a_client_that_has_left_says_what_was_given_back_and_what_is_left():
    left = onboarding(leaving=BY_NOOR, left_at=at(3), ended_at=T0, conditions=holding(KEPT))
    told = outcome_of(left)
    assert told.message.startswith("Has left, as noor approved: Call …1111. Two are kept. Awaiting")
    assert stage_of(left) == OutcomeName.OFFBOARDED


@pytest.mark.parametrize(
    ("name", "told_as"),
    [
        (OutcomeName.LIVE, "live"),
        (OutcomeName.LIVE_LIMITED, "live"),
        (OutcomeName.AWAITING_UPSTREAM, "delayed"),
        (OutcomeName.CANCELLED, "cancelled"),
        (OutcomeName.OFFBOARDED, "offboarded"),
        (OutcomeName.NO_SLOT, "failed"),
    ],
)
def test_each_outcome_is_told_under_a_word(name, told_as):
    assert Outcome(name, "").told_as == told_as


def test_nothing_is_news_to_a_client_that_leaves():
    ended = {"ended_at": T0, "ended_as": OutcomeName.LIVE}
    assert not has_news(onboarding(leaving=BY_NOOR, senders=(live_sender(),), **ended))


@pytest.mark.parametrize(("minute", "news"), [(9, False), (10, True)])
def test_a_number_that_turns_out_to_be_its_own_after_the_end_is_news(minute, news):
    own = replace(true(OWNED), changed_at=at(minute))
    both = (live_sender(), sender(BAD, REGISTERED, own))
    ended = onboarding(senders=both, ended_at=at(9), ended_as=OutcomeName.LIVE_LIMITED)
    assert has_news(ended) is news


def test_that_a_sender_failed_after_the_end_is_no_news():
    late = replace(FAILED, changed_at=at(10))
    both = (live_sender(), sender(BAD, late, replace(true(OWNED), changed_at=at(1))))
    ended = onboarding(senders=both, ended_at=at(9), ended_as=OutcomeName.LIVE_LIMITED)
    assert not has_news(ended)
    lost = sender(BAD, REGISTERED, replace(REVIEWED, changed_at=at(10)))
    ended = onboarding(
        senders=(live_sender(), lost), ended_at=at(9), ended_as=OutcomeName.LIVE_LIMITED
    )
    assert not has_news(ended)


def test_a_number_that_is_anothers_is_no_news():
    late = replace(true(REGISTERED), changed_at=at(10))
    moved = sender(BAD, late, not_true(OWNED, Reason.NUMBER_MOVED))
    ended = onboarding(
        senders=(live_sender(), moved), ended_at=at(9), ended_as=OutcomeName.LIVE_LIMITED
    )
    assert not has_news(ended)


BY_MIA = Decision(DecisionVerb.CANCEL, "mia", "Call +1 202-456-1111 first.", T0)
HALF = (live_sender(), sender(BAD, FAILED))


def test_what_was_cancelled_says_by_whom_why_and_what_stays():
    told = outcome_of(onboarding(cancelled=BY_MIA, senders=HALF, conditions=holding(SHARED)))
    assert (told.name, told.is_live) == (OutcomeName.CANCELLED, False)
    assert told.message == (
        "Cancelled by mia: Call …1111 first. 1 of 2 senders live. What was done stays done: "
        "Shared, Registered …8538, Associated …8538, Verified …8538. "
        "`waboard retry` goes on from here."
    )


def test_what_was_under_way_when_it_was_cancelled_is_neither_done_nor_undone():
    waiting = (sender(GOOD, REGISTERED, ASSOCIATED, REPORT_AWAITED),)
    told = outcome_of(onboarding(cancelled=BY_MIA, senders=waiting, conditions=holding(UNANSWERED)))
    assert "Nobody knows yet whether it was done: Shared, Verified …8538." in told.message


def test_what_was_cancelled_at_the_door_had_done_nothing():
    told = outcome_of(onboarding(cancelled=BY_MIA))
    assert "Nothing had been done." in told.message


def test_what_was_cancelled_is_so_at_once_and_needs_nobody():
    cancelled = onboarding(cancelled=BY_MIA, senders=HALF)
    assert stage_of(cancelled) == OutcomeName.CANCELLED
    assert requirements_of(cancelled) == []


def test_nothing_is_news_to_what_was_cancelled():
    ended = {"ended_at": T0, "ended_as": OutcomeName.CANCELLED}
    assert not has_news(onboarding(cancelled=BY_MIA, senders=(live_sender(),), **ended))


MOVED = not_true(OWNED, Reason.NUMBER_MOVED)


@pytest.mark.parametrize(
    ("before", "after", "came"),
    [
        (sender(BAD, FAILED), sender(BAD, REGISTERED), True),
        (None, sender(BAD, REGISTERED), True),
        (sender(BAD, REGISTERED), sender(BAD, REGISTERED), False),
        (sender(BAD, REGISTERED), live_sender(BAD), False),
        (sender(BAD), sender(BAD, FAILED), False),
        (sender(BAD, REGISTERED), replace(sender("999", REGISTERED), spellings={BAD}), False),
        (sender(BAD, REGISTERED), sender(BAD, FAILED), False),
        (
            sender(BAD, REGISTERED, MOVED),
            sender(BAD, REGISTERED, OWNED),
            True,
        ),
        (sender(BAD, FAILED), sender(BAD, REGISTERED, MOVED), False),
    ],
)
def test_work_came_meanwhile_where_a_sender_became_one_to_bring_live(before, after, came: bool):
    """Since everybody was told of the onboarding as it was then."""
    told = onboarding(senders=(live_sender(), *([before] if before else [])))
    assert came_meanwhile(told, onboarding(senders=(live_sender(), after))) is came
