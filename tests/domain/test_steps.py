"""What is next: which step an onboarding is due for, and which wait of it is over."""

from dataclasses import replace

import pytest

from tests.domain.samples import (
    ASSOCIATED,
    BAD,
    DONE,
    FAILED,
    GIVEN_UP,
    GOOD,
    NO_REPORT,
    ON_ITS_WAY,
    OWNED,
    RECEIVES,
    REFUSED,
    REGISTERED,
    REJECTED,
    REPORT_AWAITED,
    SEND_UNANSWERED,
    SHARED,
    TEMPLATE,
    UNANSWERED,
    UNASSOCIATED,
    UNDER_WAY,
    at,
    event,
    holding,
    live_sender,
    not_true,
    onboarding,
    sender,
    true,
)
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.onboarding import VerifyBy
from waboard.domain.reasons import Reason
from waboard.domain.registration import Registration, registration_from
from waboard.domain.standing import Profile, Standing
from waboard.domain.steps import (
    delivery_is_over,
    ends_at_share,
    facts_are_due,
    inbound_is_over,
    is_kept_out,
    is_over,
    is_past_the_door,
    is_to_be_connected,
    may_be_tested,
    quality_comes_first,
    registration_is_over,
    reports_are_due,
    senders_to_associate,
    senders_to_be_written_to,
    senders_to_test,
    share_is_due,
    share_was_refused,
    template_is_needed,
    template_is_over,
)
from waboard.domain.waits import WaitKind

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


@pytest.mark.parametrize(
    ("slept", "verified", "due"),
    [
        ({WaitKind.DELIVERY: at(60)}, [REPORT_AWAITED], True),
        ({WaitKind.DELIVERY: at(60)}, [NO_REPORT], False),
        ({}, [REPORT_AWAITED], False),
        ({WaitKind.REGISTRATION: at(60)}, [REPORT_AWAITED], False),
    ],
)
def test_reports_are_pulled_when_a_sleep_for_them_brought_not_all(slept, verified, due):
    """Infobip pushes them: before the first sleep there is nothing to ask for."""
    waiting = onboarding(senders=(sender(GOOD, *verified),), waited_for=slept)
    assert reports_are_due(waiting) is due


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


KNOWN = Standing("CONNECTED", "HIGH", "LIMIT_1K", at(0))
SHOWN = Profile({}, at(0))
ALL_KNOWN = replace(sender(GOOD, REGISTERED), standing=KNOWN, profile=SHOWN)


@pytest.mark.parametrize(
    ("senders", "due"),
    [
        ((), False),
        ((sender(GOOD, ON_ITS_WAY),), False),
        ((sender(GOOD, FAILED),), False),
        ((sender(GOOD, REGISTERED),), True),
        ((replace(sender(GOOD, REGISTERED), standing=KNOWN),), True),
        ((ALL_KNOWN,), False),
        (
            (
                replace(sender(GOOD, REGISTERED), standing=KNOWN, profile=SHOWN),
                sender(BAD, REGISTERED),
            ),
            True,
        ),
        ((replace(live_sender(GOOD), standing=KNOWN, profile=SHOWN), sender(BAD, FAILED)), False),
    ],
    ids=[
        "no sender",
        "on its way",
        "failed",
        "registered",
        "half known",
        "known",
        "one unknown",
        "one failed",
    ],
)
def test_infobip_is_asked_how_senders_stand_while_one_is_registered_and_unknown(senders, due):
    """It can say nothing of the others."""
    assert facts_are_due(onboarding(senders=senders)) is due


SEEN = replace(true(REGISTERED), reason=Reason.SENDER_CONNECTED)


@pytest.mark.parametrize(
    ("senders", "over"),
    [
        ((sender(GOOD, SEEN),), True),
        ((sender(GOOD, SEEN), sender(BAD, FAILED)), True),
        ((sender(GOOD, SEEN), sender(BAD, ON_ITS_WAY)), False),
        ((sender(GOOD, REGISTERED),), False),
        ((), False),
    ],
    ids=["connected", "the other failed", "the other is on its way", "only an event", "nobody"],
)
def test_a_registration_whose_last_event_was_lost_is_over_when_all_are_seen(senders, over):
    """Asking by number showed how they stand; by an event alone, more may be to come."""
    under_way = onboarding(registration=UNDER_WAY, senders=senders)
    assert registration_is_over(under_way) is over


# At the door

SOLUTION, ADMITTED = ConditionType.SOLUTION_USABLE, ConditionType.ADMITTED
CONNECTED = ConditionType.CONNECTED
NO_SOLUTION = not_true(SOLUTION, Reason.SOLUTION_NOT_ACTIVE)
QUEUED = not_true(ADMITTED, Reason.SLOT_AWAITED, Status.UNKNOWN)


@pytest.mark.parametrize(
    ("conditions", "kept_out"),
    [
        ((), False),
        ((SOLUTION, ADMITTED), False),
        ((NO_SOLUTION,), True),
        ((SOLUTION, QUEUED), True),
        ((NO_SOLUTION, SHARED), False),
        ((QUEUED, REFUSED), False),
    ],
)
def test_who_lacks_a_solution_or_a_slot_is_kept_out_until_it_is_shared(conditions, kept_out):
    """What was tried at Infobip is past the door, however it went."""
    at_the_door = onboarding(conditions=holding(*conditions))
    assert is_kept_out(at_the_door) is kept_out
    past = SHARED in at_the_door.conditions
    assert is_past_the_door(at_the_door) is past


@pytest.mark.parametrize(
    ("reason", "status", "again"),
    [
        (Reason.PARTNER_ADDED, Status.TRUE, True),
        (Reason.RESTRICTION_ENDED, Status.TRUE, True),
        (Reason.SUBSCRIPTION_GONE, Status.FALSE, True),
        (Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN, True),
        (Reason.SUBSCRIPTION_READ_BACK, Status.TRUE, False),
        (Reason.SUBSCRIPTION_REFUSED, Status.UNKNOWN, False),
        (Reason.CLIENT_DISCONNECTED, Status.FALSE, False),
        (Reason.TOKEN_REFUSED, Status.UNKNOWN, False),
    ],
)
def test_a_client_is_connected_while_our_subscription_is_not_seen(reason, status, again):
    """That Meta says it is connected does not say that we are subscribed."""
    known = onboarding(conditions=holding(not_true(CONNECTED, reason, status)))
    assert is_to_be_connected(known) is again


def test_a_client_of_which_nothing_is_known_is_connected():
    assert is_to_be_connected(onboarding())


@pytest.mark.parametrize(
    ("reason", "status", "due"),
    [
        (Reason.REGISTRATION_RETRY_REQUESTED, Status.UNKNOWN, True),
        (Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN, True),
        (Reason.UPSTREAM_GIVEN_UP, Status.UNKNOWN, True),
        (Reason.SHARE_REFUSED, Status.FALSE, True),
        (Reason.SHARE_NOT_ANSWERED, Status.UNKNOWN, False),
    ],
)
def test_a_share_that_was_certainly_not_taken_is_repeated(reason, status, due):
    assert share_is_due(onboarding(conditions=holding(not_true(SHARED, reason, status)))) is due


BEFORE = registration_from([event("FAILED", 0, {GOOD: "FAILED"})]).senders


@pytest.mark.parametrize(
    ("conditions", "registration", "first"),
    [
        ((), Registration(failed_before=BEFORE), True),
        ((), Registration(unanswered=frozenset({GOOD})), True),
        ((), Registration(), False),
        ((SHARED,), Registration(failed_before=BEFORE), False),
    ],
)
def test_a_number_that_failed_before_is_looked_at_before_it_is_shared(
    conditions, registration, first
):
    """It may be registered by now."""
    found = onboarding(conditions=holding(*conditions), registration=registration)
    assert quality_comes_first(found) is first


@pytest.mark.parametrize(
    ("conditions", "senders", "ends"),
    [
        ((REFUSED,), (), True),
        ((REFUSED,), (sender(GOOD, FAILED),), True),
        ((REFUSED,), (sender(GOOD, REGISTERED),), False),
        ((SHARED,), (), False),
        ((UNANSWERED,), (), False),
        ((), (), False),
    ],
)
def test_a_refused_share_is_the_end_where_nothing_is_registered(conditions, senders, ends):
    assert ends_at_share(onboarding(conditions=holding(*conditions), senders=senders)) is ends


def test_a_number_that_was_asked_for_anew_is_waited_for():
    """Whatever is known of the others; but not once it was refused or given up."""
    asked_anew = replace(DONE, unanswered=frozenset({BAD}))
    assert not registration_is_over(onboarding(registration=asked_anew))
    for conditions in (holding(REFUSED), holding(GIVEN_UP)):
        assert registration_is_over(onboarding(registration=asked_anew, conditions=conditions))


# The template


MOVED = not_true(OWNED, Reason.NUMBER_MOVED)


@pytest.mark.parametrize(
    ("senders", "verify_by", "needed"),
    [
        ((sender(GOOD, REGISTERED),), VerifyBy.TEMPLATE, True),
        ((sender(GOOD, REGISTERED),), VerifyBy.BOTH, True),
        ((sender(GOOD, REGISTERED),), VerifyBy.INBOUND, False),
        ((), VerifyBy.TEMPLATE, False),
        ((sender(GOOD, FAILED),), VerifyBy.TEMPLATE, False),
        ((sender(GOOD, REGISTERED, MOVED),), VerifyBy.TEMPLATE, False),
        ((sender(GOOD, REGISTERED, REPORT_AWAITED),), VerifyBy.TEMPLATE, False),
        ((sender(GOOD, REGISTERED, REJECTED), sender(BAD, REGISTERED)), VerifyBy.TEMPLATE, True),
    ],
)
def test_a_template_is_needed_while_a_registered_sender_is_untested(senders, verify_by, needed):
    assert template_is_needed(onboarding(senders=senders, verify_by=verify_by)) is needed


@pytest.mark.parametrize(
    ("template", "over", "testable"),
    [
        (None, False, True),
        (true(TEMPLATE), True, True),
        (not_true(TEMPLATE, Reason.TEMPLATE_PENDING, Status.UNKNOWN), False, False),
        (not_true(TEMPLATE, Reason.TEMPLATE_REJECTED), True, False),
        (not_true(TEMPLATE, Reason.TEMPLATE_TIMED_OUT), True, False),
        (not_true(TEMPLATE, Reason.TEMPLATE_UNREADABLE, Status.UNKNOWN), True, True),
    ],
)
def test_a_template_that_is_known_not_to_be_usable_keeps_test_messages_back(
    template, over, testable
):
    """One that cannot be seen does not: it may be there."""
    one = sender(GOOD, REGISTERED, ASSOCIATED)
    conditions = holding(template) if template else {}
    waiting = onboarding(senders=(one,), conditions=conditions)
    assert template_is_over(waiting) is over
    assert is_over(waiting, WaitKind.TEMPLATE) is over
    assert may_be_tested(waiting, one) is testable
    assert bool(senders_to_test(waiting)) is testable


def test_a_template_that_nobody_needs_is_not_waited_for():
    assert template_is_over(onboarding(senders=(live_sender(),)))


# Who is written to

AWAITED = not_true(RECEIVES, Reason.INBOUND_AWAITED, Status.UNKNOWN)
SILENT = not_true(RECEIVES, Reason.NO_INBOUND)


@pytest.mark.parametrize(
    ("one", "is_waited_for"),
    [
        (sender(GOOD, REGISTERED, ASSOCIATED, AWAITED), True),
        (sender(GOOD, REGISTERED, AWAITED), False),
        (sender(GOOD, REGISTERED, ASSOCIATED, AWAITED, MOVED), False),
        (sender(GOOD, REGISTERED, ASSOCIATED), False),
        (sender(GOOD, REGISTERED, ASSOCIATED, RECEIVES), False),
        (sender(GOOD, REGISTERED, ASSOCIATED, SILENT), False),
    ],
)
def test_somebody_is_to_write_to_senders_that_have_not_proven_that_they_receive(one, is_waited_for):
    waiting = onboarding(senders=(one, live_sender(BAD)), verify_by=VerifyBy.BOTH)
    assert senders_to_be_written_to(waiting) == ([one] if is_waited_for else [])
    assert inbound_is_over(waiting) is not is_waited_for
    assert is_over(waiting, WaitKind.INBOUND) is not is_waited_for


@pytest.mark.parametrize(
    ("one", "replies"),
    [
        (sender(GOOD, REGISTERED, ASSOCIATED, RECEIVES), True),
        (sender(GOOD, REGISTERED, ASSOCIATED, AWAITED), False),
        (sender(GOOD, REGISTERED, RECEIVES), False),
        (sender(GOOD, REGISTERED, ASSOCIATED, RECEIVES, MOVED), False),
        (sender(GOOD, REGISTERED, ASSOCIATED, RECEIVES, REPORT_AWAITED), False),
    ],
)
def test_whoever_was_written_to_replies_although_another_still_waits(one, replies):
    """A reply needs no template, whatever becomes of it."""
    pending = not_true(TEMPLATE, Reason.TEMPLATE_REJECTED)
    still = sender(BAD, REGISTERED, ASSOCIATED, AWAITED)
    waiting = onboarding(
        senders=(one, still), verify_by=VerifyBy.INBOUND, conditions=holding(pending)
    )
    assert (one in senders_to_test(waiting)) is replies
    assert inbound_is_over(waiting) is replies


@pytest.mark.parametrize(
    ("kind", "condition", "lacking"),
    [(WaitKind.SOLUTION, SOLUTION, NO_SOLUTION), (WaitKind.SLOT, ADMITTED, QUEUED)],
)
def test_a_wait_at_the_door_is_over_once_it_is_let_in(kind, condition, lacking):
    assert is_over(onboarding(conditions=holding(condition)), kind)
    assert not is_over(onboarding(conditions=holding(lacking)), kind)
    assert not is_over(onboarding(), kind)
