"""What a reconciliation finds: is it still so, and what follows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.domain.samples import GOOD, T0
from waboard.domain.conditions import Status
from waboard.domain.filing import Filing
from waboard.domain.ids import NumberKey
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import (
    MISSING,
    Answer,
    Aspect,
    Finding,
    Watched,
    compare_filing,
    compare_standing,
    is_looked_for,
    news_of,
    standing_of,
)

OURS, FOREIGN = Filing("waboard", "acme"), Filing("waboard", "506914")
SENDER = Watched("1", "acme", GOOD, NumberKey("key"), OURS, usable=None, registered_at=T0)
LATER = T0 + timedelta(days=1)


@pytest.mark.parametrize("status", ["CONNECTED", "FLAGGED", "RATE_LIMITED"])
def test_a_sender_that_can_send_is_usable(status: str):
    """If not always as much as it would."""
    verdict = standing_of(status)
    assert verdict is not None
    assert (verdict.status, verdict.reason) == (Status.TRUE, Reason.SENDER_USABLE)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("BANNED", Reason.SENDER_BANNED),
        ("RESTRICTED", Reason.SENDER_BANNED),
        ("DISCONNECTED", Reason.SENDER_DISCONNECTED),
        ("PENDING", Reason.SENDER_DISCONNECTED),
        ("UNVERIFIED", Reason.SENDER_DISCONNECTED),
        ("DELETED", Reason.SENDER_GONE),
        ("MIGRATED", Reason.SENDER_GONE),
        (MISSING, Reason.SENDER_GONE),
    ],
)
def test_a_sender_that_is_lost_says_how(status: str, reason: Reason):
    verdict = standing_of(status)
    assert verdict is not None
    assert (verdict.status, verdict.reason) == (Status.FALSE, reason)


@pytest.mark.parametrize("status", ["UNKNOWN", "ON_THE_MOON"])
def test_a_status_that_says_nothing_is_never_acted_on(status: str):
    """One that Infobip may invent is no reason to call a number dead."""
    assert standing_of(status) is None
    assert compare_standing(SENDER, status, LATER).answer is Answer.UNKNOWN


@pytest.mark.parametrize(("status", "answer"), [("CONNECTED", Answer.YES), ("BANNED", Answer.NO)])
def test_a_standing_is_found_in_infobips_own_word(status: str, answer: Answer):
    finding = compare_standing(SENDER, status, LATER)
    assert (finding.aspect, finding.answer) == (Aspect.STANDING, answer)
    assert status in finding.said


def test_one_that_was_just_registered_may_not_be_listed_or_connected_yet():
    """After an hour it is lost; a ban counts at once."""
    soon = T0 + timedelta(minutes=59)
    for status in (MISSING, "PENDING"):
        assert compare_standing(SENDER, status, soon).answer is Answer.UNKNOWN
        assert compare_standing(SENDER, status, T0 + timedelta(hours=1)).answer is Answer.NO
    assert compare_standing(SENDER, "BANNED", soon).answer is Answer.NO
    assert compare_standing(SENDER, "CONNECTED", soon).answer is Answer.YES


def test_a_sender_that_is_filed_as_it_should_be_is_in_order():
    assert compare_filing(SENDER, [OURS]).answer is Answer.YES


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "Filed under nothing, not under waboard / acme."),
        ([FOREIGN], "Filed under waboard / 506914, not under waboard / acme."),
        ([OURS, FOREIGN], "Filed under waboard / 506914 and waboard / acme, not under"),
    ],
)
def test_a_sender_that_is_filed_otherwise_says_how(found: list[Filing], said: str):
    finding = compare_filing(SENDER, found)
    assert finding.answer is Answer.NO
    assert said in finding.said


def test_a_finding_names_a_sender_by_its_last_digits():
    finding = compare_filing(SENDER, [OURS])
    assert finding.label == f"…{GOOD[-4:]}"
    assert Finding("1", "acme", "", Aspect.RUN, Answer.YES, "").label == ""


@pytest.mark.parametrize(
    ("usable", "status", "news"),
    [
        (None, "CONNECTED", None),
        (None, "BANNED", Status.FALSE),
        (True, "CONNECTED", None),
        (True, "BANNED", Status.FALSE),
        (False, "BANNED", None),
        (False, "CONNECTED", Status.TRUE),
        (False, "UNKNOWN", None),
    ],
)
def test_only_what_changes_is_news(usable: bool | None, status: str, news: Status | None):
    """One that was never lost and can be used is as it was."""
    found = news_of(replace(SENDER, usable=usable), status, LATER)
    assert (found and found.status) == news


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "paused", "due"),
    [
        (timedelta(minutes=14), None, False),
        (timedelta(minutes=15), None, True),
        (HOUR, timedelta(minutes=14), False),
        (HOUR, timedelta(minutes=15), True),
        (5 * HOUR, timedelta(minutes=29), False),
        (5 * HOUR, timedelta(minutes=30), True),
        (5 * DAY, 11 * HOUR, False),
        (5 * DAY, 12 * HOUR, True),
        (400 * DAY, 23 * HOUR, False),
        (400 * DAY, DAY, True),
        (HOUR, 2 * HOUR, True),  # it was looked for before it failed again
    ],
)
def test_a_number_that_failed_is_looked_for_at_a_tenth_of_the_time_since(
    since: timedelta, paused: timedelta | None, due: bool
):
    """At least after a quarter of an hour, at most after a day."""
    looked_for_at = None if paused is None else LATER - paused
    assert is_looked_for(LATER - since, looked_for_at, LATER) is due
