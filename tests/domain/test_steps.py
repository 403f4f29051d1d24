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
    REFUSED,
    REGISTERED,
    REJECTED,
    REPORT_AWAITED,
    SEND_UNANSWERED,
    SHARED,
    UNANSWERED,
    UNASSOCIATED,
    UNDER_WAY,
    at,
    event,
    holding,
    live_sender,
    onboarding,
    sender,
    true,
)
from waboard.domain.reasons import Reason
from waboard.domain.registration import registration_from
from waboard.domain.standing import Profile, Standing
from waboard.domain.steps import (
    delivery_is_over,
    facts_are_due,
    is_over,
    registration_is_over,
    reports_are_due,
    senders_to_associate,
    senders_to_test,
    share_is_due,
    share_was_refused,
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
