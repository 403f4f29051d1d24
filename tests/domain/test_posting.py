"""When a message is tried again, and what an answer means."""

from datetime import timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise
from uuid import uuid4

import pytest

from tests.domain.samples import T0
from waboard.domain.conditions import Status
from waboard.domain.posting import (
    LONGEST_PAUSE,
    OF_RECEIVER,
    SCHEDULE,
    SHORTEST_PAUSE,
    MessageState,
    Result,
    next_try,
    notified,
    pause_after,
    read_answer,
    trying_until,
)
from waboard.domain.reasons import GUIDANCE, Reason

IN_CET = timezone(timedelta(hours=1))
FIRST, LAST = "00000000-0000", "ffffffff-ffff"
"""The beginnings of ids that are tried again soonest, and latest."""


def test_a_message_is_tried_ten_times_over_about_three_days():
    waits = [next_try(FIRST, tries) for tries in range(1, 10)]
    seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert waits == [timedelta(seconds=each) for each in seconds]
    assert waits == list(SCHEDULE)
    assert next_try(FIRST, 10) is None
    assert timedelta(days=3) < sum(SCHEDULE, timedelta()) < timedelta(days=3.5)
    assert all(sooner < later for sooner, later in pairwise(SCHEDULE))


@pytest.mark.parametrize("tries", range(1, 10))
def test_not_all_come_again_at_once(tries: int):
    soonest, latest = next_try(FIRST, tries), next_try(LAST, tries)
    assert soonest is not None
    assert latest is not None
    assert soonest < latest <= soonest * 1.2
    assert latest > soonest * 1.19
    one = str(uuid4())
    assert soonest <= (next_try(one, tries) or soonest) <= latest


def test_the_last_try_is_foreseen():
    assert trying_until(10, T0) == T0
    assert trying_until(9, T0) == T0
    assert trying_until(8, T0) == T0 + timedelta(hours=24)
    assert trying_until(7, T0) == T0 + timedelta(hours=44)


def test_a_message_that_was_never_tried_is_as_far_as_after_its_first_try():
    """It may be put off before that."""
    assert next_try(FIRST, 0) == next_try(FIRST, 1) == timedelta(seconds=5)


def test_a_receiver_that_is_away_is_left_alone_ever_longer():
    assert [pause_after(n).total_seconds() for n in range(1, 9)] == [
        5,
        10,
        20,
        40,
        80,
        160,
        300,
        300,
    ]
    pauses = [pause_after(failures) for failures in range(1, 2000)]
    assert pauses[0] == SHORTEST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("status", "result"),
    [
        *((status, Result.TAKEN) for status in (200, 201, 204, 299)),
        *((status, Result.REFUSED) for status in (400, 406, 409, 413, 415, 422)),
        *(
            (status, Result.AWAY)
            for status in (199, 300, 301, 401, 403, 404, 408, 411, 429, 500, 503)
        ),
        (410, Result.GONE),
    ],
)
def test_an_answer_is_about_the_message_or_about_the_receiver(status: int, result: Result):
    answer = read_answer(status, None, T0)
    assert (answer.result, answer.words) == (result, f"HTTP {status}")
    assert answer.again_after == timedelta()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (format_datetime(T0 + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime((T0 + timedelta(minutes=5)).astimezone(IN_CET)), 300),
        (format_datetime(T0 - timedelta(minutes=5), usegmt=True), 0),
        ("99999999999999999999", 24 * 3600),
        *((nonsense, 0) for nonsense in ("", "-5", "soon", "1e9", "²", "Mon, 99 Foo 2026")),
    ],
)
def test_it_is_tried_again_when_the_receiver_asks(header: str, seconds: float):
    assert read_answer(503, header, T0).again_after == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("state", "stopped", "status", "reason"),
    [
        ("delivered", False, Status.TRUE, Reason.EVERYBODY_TOLD),
        ("delivered", True, Status.TRUE, Reason.EVERYBODY_TOLD),
        ("pending", False, Status.UNKNOWN, Reason.RECEIVER_AWAITED),
        ("pending", True, Status.UNKNOWN, Reason.RECEIVER_STOPPED),
        ("given-up", False, Status.UNKNOWN, Reason.RECEIVER_GIVEN_UP),
        ("dropped", False, Status.UNKNOWN, Reason.NO_RECEIVER),
    ],
)
def test_whether_somebody_was_told_follows_from_the_message(
    state: str, stopped: bool, status: Status, reason: Reason
):
    verdict = notified("Live", MessageState(state), "HTTP 503", T0, stopped=stopped)
    assert (verdict.status, verdict.reason) == (status, reason)
    assert status is Status.TRUE or reason in GUIDANCE


def test_what_goes_on_says_until_when():
    verdict = notified("Live", MessageState.PENDING, "HTTP 503", T0)
    assert "HTTP 503" in verdict.message
    assert "until about 2026-01-05 09:00 UTC" in verdict.message


@pytest.mark.parametrize(
    ("state", "stopped", "said"),
    [
        ("delivered", False, "Told of Live."),
        ("dropped", False, "There is nobody to tell."),
        (
            "given-up",
            True,
            "Could not tell the provider's system: HTTP 503. It was tried for three days.",
        ),
        ("pending", True, "The provider's system has said that it wants no more messages."),
    ],
)
def test_what_became_of_the_message_is_said_in_words(state: str, stopped: bool, said: str):
    verdict = notified("Live", MessageState(state), "HTTP 503", T0, stopped=stopped)
    assert verdict.message == said


def test_what_was_not_tried_yet_says_so():
    assert "it was not tried yet" in notified("Live", MessageState.PENDING, "", T0).message


def test_these_reasons_end_when_the_receiver_takes_it_after_all():
    assert set(OF_RECEIVER) == {
        Reason.NO_RECEIVER,
        Reason.RECEIVER_AWAITED,
        Reason.RECEIVER_STOPPED,
        Reason.RECEIVER_GIVEN_UP,
    }
