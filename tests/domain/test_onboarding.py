"""An onboarding as it stands: what is next, what it came to, and what is still needed of whom."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import (
    BAD,
    GOOD,
    T0,
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
from waboard.domain.evidence import Evidence
from waboard.domain.onboarding import (
    Onboarding,
    OutcomeName,
    Stage,
    delivery_is_over,
    has_news,
    is_over,
    outcome_of,
    registration_is_over,
    requirements_of,
    senders_to_associate,
    senders_to_test,
    share_is_due,
    share_was_refused,
    stage_of,
)
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.registration import registration_from
from waboard.domain.waits import WORDS, OpenWait, WaitKind

SHARED, REGISTERED, ASSOCIATED, TEMPLATE, RECEIVES, VERIFIED, NOTIFIED = list(ConditionType)[-7:]

REFUSED = not_true(SHARED, Reason.SHARE_REFUSED)
UNANSWERED = not_true(SHARED, Reason.SHARE_NOT_ANSWERED, Status.UNKNOWN)
GIVEN_UP = not_true(REGISTERED, Reason.REGISTRATION_TIMED_OUT, Status.UNKNOWN)
ON_ITS_WAY = not_true(REGISTERED, Reason.REGISTRATION_IN_PROGRESS, Status.UNKNOWN)
FAILED = not_true(REGISTERED, Reason.REGISTRATION_FAILED)
UNASSOCIATED = not_true(ASSOCIATED, Reason.ASSOCIATION_REFUSED)
REPORT_AWAITED = not_true(VERIFIED, Reason.REPORT_AWAITED, Status.UNKNOWN)
SEND_UNANSWERED = not_true(VERIFIED, Reason.SEND_NOT_ANSWERED, Status.UNKNOWN)
REJECTED = not_true(VERIFIED, Reason.MESSAGE_REJECTED)
NO_REPORT = not_true(VERIFIED, Reason.NO_REPORT)
RETRY_ASKED = not_true(VERIFIED, Reason.RETRY_ASKED, Status.UNKNOWN)
NO_RECEIVER = not_true(NOTIFIED, Reason.NO_RECEIVER)

DONE = registration_from([event("FINISHED", 0, {GOOD: "FINISHED"})])
UNDER_WAY = registration_from([event("IN_PROGRESS", 0, {GOOD: "IN_PROGRESS"})])


# A sender


def test_a_sender_is_live_when_it_is_registered_associated_and_verified():
    """All three, each on evidence."""
    assert live_sender().is_live


@pytest.mark.parametrize("missing", [REGISTERED, ASSOCIATED, VERIFIED])
def test_a_sender_that_lacks_one_of_the_three_is_not_live(missing):
    """Connected without evidence is how the second number was dead."""
    held = {kind: c for kind, c in live_sender().conditions.items() if kind is not missing}
    assert not replace(live_sender(), conditions=held).is_live
    unsure = not_true(missing, Reason.REPORT_AWAITED, Status.UNKNOWN)
    assert not replace(live_sender(), conditions={**held, missing: unsure}).is_live


def test_what_is_not_known_of_a_sender_neither_holds_nor_is_decided():
    """Nobody has looked yet."""
    assert not sender().holds(REGISTERED)
    assert not sender().decided(REGISTERED)


def test_what_is_known_to_be_false_is_decided_and_does_not_hold():
    """And what is unknown is neither."""
    assert sender(GOOD, FAILED).decided(REGISTERED)
    assert not sender(GOOD, FAILED).holds(REGISTERED)
    assert not sender(GOOD, ON_ITS_WAY).decided(REGISTERED)


@pytest.mark.parametrize(
    ("verified", "tested", "awaiting"),
    [
        (None, False, False),
        (REPORT_AWAITED, True, True),
        (SEND_UNANSWERED, True, True),
        (REJECTED, True, False),
        (true(VERIFIED), True, False),
        (not_true(VERIFIED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN), False, False),
    ],
)
def test_a_sender_is_tested_once_a_message_may_have_gone_out(verified, tested, awaiting):
    """A send that was not answered is not sent again; one that never left is."""
    tried = sender(GOOD, *([verified] if verified else []))
    assert (tried.has_been_tested, tried.is_awaiting_report) == (tested, awaiting)


@pytest.mark.parametrize(
    ("verified", "again"),
    [(None, False), (REJECTED, False), (NO_REPORT, False), (RETRY_ASKED, True)],
)
def test_a_sender_is_tested_again_when_somebody_asked_for_it(verified, again):
    """And not because its test failed."""
    tried = sender(GOOD, REGISTERED, ASSOCIATED, *([verified] if verified else []))
    assert tried.may_be_tested_again is again
    if again:
        assert senders_to_test(onboarding(senders=(tried,))) == [tried]


def test_the_trouble_of_a_sender_is_the_first_in_the_order_of_the_work():
    """What comes after it cannot be mended before."""
    troubled = sender(GOOD, REJECTED, UNASSOCIATED, true(REGISTERED))
    assert troubled.trouble == UNASSOCIATED


def test_a_live_sender_has_no_trouble():
    """Nothing is needed of anybody."""
    assert live_sender().trouble is None


# What comes after the end


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


# What is shown


def test_an_onboarding_shows_its_waba_and_numbers_by_their_last_digits():
    """A run's name is seen by everybody who sees the UI."""
    acme = onboarding(senders=(sender(),))
    assert acme.run_name == "acme · WABA …3093 · attempt 1"
    assert acme.waba_label == "…3093"
    assert acme.sender(GOOD).label == "…8538"
    assert GOOD not in acme.run_name


def test_a_sender_is_found_by_its_number():
    """Among the others of the WABA."""
    acme = onboarding(senders=(sender(GOOD), sender(BAD, FAILED)))
    assert acme.sender(BAD).decided(REGISTERED)


def test_a_run_can_be_found_by_its_client_and_its_waba():
    """Tags are searched for, not read."""
    assert onboarding().tags == ["client:acme", "waba:102384266223093"]


def test_a_condition_of_the_onboarding_holds_when_it_is_true():
    """Unknown or refused is not enough."""
    assert onboarding(conditions=holding(SHARED)).holds(SHARED)
    assert not onboarding(conditions=holding(UNANSWERED)).holds(SHARED)
    assert not onboarding().holds(SHARED)


# Sharing


def test_a_new_onboarding_is_to_be_shared():
    """Nobody has yet."""
    assert share_is_due(onboarding())


def test_what_is_shared_is_not_shared_again():
    """Neither before a sleep nor after."""
    slept = {WaitKind.REGISTRATION: at(9)}
    assert not share_is_due(onboarding(conditions=holding(SHARED)))
    assert not share_is_due(onboarding(conditions=holding(SHARED), waited_for=slept))


def test_a_refused_share_is_repeated_when_somebody_retries():
    """They have mended what was wrong."""
    refused = onboarding(conditions=holding(REFUSED))
    assert share_was_refused(refused)
    assert share_is_due(refused)


def test_an_unanswered_share_is_repeated_only_when_a_sleep_brought_no_evidence():
    """A timeout is not a no."""
    unanswered = onboarding(conditions=holding(UNANSWERED))
    assert not share_was_refused(unanswered)
    assert not share_is_due(unanswered)
    assert share_is_due(replace(unanswered, slept_since_share=True))


# Waiting


@pytest.mark.parametrize(
    ("facts", "over"),
    [
        ({}, False),
        ({"registration": UNDER_WAY}, False),
        ({"registration": DONE}, True),
        ({"conditions": holding(GIVEN_UP)}, True),
        ({"phone_numbers": (GOOD,)}, False),
        ({"phone_numbers": (GOOD,), "registration": UNDER_WAY}, False),
        (
            {
                "phone_numbers": (GOOD,),
                "registration": registration_from([event("IN_PROGRESS", 0, {GOOD: "FINISHED"})]),
            },
            True,
        ),
        (
            {
                "phone_numbers": (GOOD, BAD),
                "registration": registration_from([event("IN_PROGRESS", 0, {GOOD: "FINISHED"})]),
            },
            False,
        ),
    ],
)
def test_a_registration_is_over_when_settled_or_all_asked_for_are_done_or_given_up(facts, over):
    """The provider may never tell that the whole is finished."""
    assert registration_is_over(onboarding(**facts)) is over
    assert is_over(onboarding(**facts), WaitKind.REGISTRATION) is over


@pytest.mark.parametrize(
    ("verified", "over"),
    [([], True), ([REPORT_AWAITED], False), ([SEND_UNANSWERED], False), ([NO_REPORT], True)],
)
def test_a_delivery_is_over_when_no_message_is_on_its_way(verified, over):
    """One that may have gone out is on its way."""
    waiting = onboarding(senders=(live_sender(BAD), sender(GOOD, *verified)))
    assert delivery_is_over(waiting) is over
    assert is_over(waiting, WaitKind.DELIVERY) is over


# Who is next


def test_registered_senders_are_associated_once():
    """Those that failed, wait, or are associated are left alone; a refused one is tried again."""
    again = sender("4", REGISTERED, UNASSOCIATED)
    senders = (
        sender("1", REGISTERED),
        sender("2", FAILED),
        sender("3", REGISTERED, ASSOCIATED),
        again,
        sender("5", ON_ITS_WAY),
    )
    found = senders_to_associate(onboarding(senders=senders))
    assert [s.phone_number for s in found] == ["1", "4"]


def test_associated_senders_are_tested_once():
    """A test message is never sent twice because we were unsure."""
    senders = (
        sender("1", REGISTERED, ASSOCIATED),
        sender("2", REGISTERED),
        sender("3", REGISTERED, ASSOCIATED, SEND_UNANSWERED),
        sender("4", REGISTERED, ASSOCIATED, REJECTED),
        live_sender("5"),
    )
    found = senders_to_test(onboarding(senders=senders))
    assert [s.phone_number for s in found] == ["1"]


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
    assert told == "Infobip names no sender: Not …6042 !."


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


# What is still needed


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
