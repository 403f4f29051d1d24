"""Tags: the list of runs alone says who needs whom."""

from dataclasses import replace
from datetime import timedelta

from tests.domain.samples import GOOD, T0, at, live_sender, not_true, onboarding, sender
from waboard.domain.clocks import StageClock, Usual
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.tags import tags_of, tags_of_sleep
from waboard.domain.waits import WaitKind

USUAL = Usual(timedelta(hours=2), timedelta(hours=24), 31)
CLOCK = StageClock(WaitKind.REGISTRATION, Party.INFOBIP, T0, USUAL, at(60))
DAY = 24 * 60
OWN = ["client:acme", "waba:102384266223093"]
FAILED = not_true(ConditionType.REGISTERED, Reason.REGISTRATION_FAILED)


def test_one_that_is_on_its_way_says_only_whose_it_is():
    assert tags_of(onboarding(senders=[sender(GOOD, FAILED)]), None, T0) == OWN


def test_one_that_sleeps_says_what_for_whom_for_and_since_when():
    asleep = ["waiting:registration", "awaiting:infobip", "since:2026-01-05"]
    assert tags_of(onboarding(), CLOCK, T0) == [*OWN, *asleep]
    assert tags_of(onboarding(), CLOCK, at(60)) == [*OWN, *asleep, "late"]


def test_one_that_has_ended_says_who_is_needed_still():
    limited = onboarding(senders=[live_sender(), sender("12", FAILED)], ended_at=at(5))
    assert tags_of(limited, None, at(9)) == [*OWN, "awaiting:operator", "since:2026-01-05"]


def test_one_that_is_live_needs_nobody():
    assert tags_of(onboarding(senders=[live_sender()], ended_at=at(5)), None, at(9)) == OWN


def test_that_nobody_is_there_to_be_told_needs_nobody():
    unheard = not_true(ConditionType.NOTIFIED, Reason.NO_RECEIVER)
    conditions = {unheard.type: unheard}
    live = onboarding(senders=[live_sender()], conditions=conditions, ended_at=at(5))
    assert tags_of(live, None, at(9)) == OWN


def test_a_question_to_a_person_says_it_in_the_same_way():
    told = ["waiting:approval", "awaiting:operator", "since:2026-01-05"]
    assert tags_of_sleep("approval", Party.OPERATOR, T0) == told


def test_it_is_needed_since_the_first_of_what_is_missing():
    """Each party is named once."""
    later = replace(FAILED, changed_at=at(2 * DAY))
    both = [sender("12", later), sender("13", FAILED)]
    ended = onboarding(senders=both, ended_at=at(3 * DAY))
    assert tags_of(ended, None, at(3 * DAY)) == [*OWN, "awaiting:operator", "since:2026-01-05"]


def test_all_who_are_needed_are_named_in_order():
    pending = not_true(ConditionType.TEMPLATE_READY, Reason.TEMPLATE_PENDING, Status.UNKNOWN)
    conditions = {pending.type: pending}
    ended = onboarding(senders=[sender("12", FAILED)], conditions=conditions, ended_at=at(5))
    parties = ["awaiting:meta", "awaiting:operator"]
    assert tags_of(ended, None, at(9)) == [*OWN, *parties, "since:2026-01-05"]


def test_a_receiver_that_is_away_is_waited_for():
    """That somebody is there and cannot be told needs somebody, as no receiver does not."""
    stopped = not_true(ConditionType.NOTIFIED, Reason.RECEIVER_STOPPED, Status.UNKNOWN)
    conditions = {stopped.type: stopped}
    live = onboarding(senders=[live_sender()], conditions=conditions, ended_at=at(5))
    assert tags_of(live, None, at(9))[2:] == ["awaiting:operator", "since:2026-01-05"]
