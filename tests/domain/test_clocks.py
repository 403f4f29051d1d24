"""Stage clocks: how long, whom for, what is usual, and what is late."""

from datetime import timedelta

import pytest

from tests.domain.samples import FAILED, T0, at, not_true
from waboard.domain.clock import span
from waboard.domain.clocks import (
    OF_THE_FIELD,
    Clocks,
    StageClock,
    Usual,
    usual_of,
)
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.requirements import needs_of
from waboard.domain.waits import OpenWait, WaitKind

REGISTRATION = WaitKind.REGISTRATION
USUAL = Usual(timedelta(hours=2), timedelta(hours=24), 31)
HOUR = 60


def wait(kind: WaitKind = REGISTRATION) -> OpenWait:
    return OpenWait(kind, T0, at(15), at(14 * 24 * HOUR))


def clock(
    kind: WaitKind = REGISTRATION, usual: Usual = USUAL, remind: timedelta | None = None
) -> StageClock:
    """The clock of a wait that began at T0."""
    return Clocks({kind: usual}, {kind: remind} if remind else {}).of(wait(kind))


def test_it_says_for_whom_for_how_long_and_what_is_usual():
    assert clock().said(at(3 * HOUR)) == "Waiting for Infobip for 3 h, usually under 24 h."


def test_what_lasts_longer_than_is_usual_is_late():
    late = clock().said(at(26 * HOUR))
    assert late == "Late: waiting for Infobip for 26 h, usually under 24 h."


def test_what_is_kept_while_it_lasts_says_since_when():
    """The message of a run's state is written once."""
    kept = "Waiting for Infobip since 2026-01-05 09:00 UTC, usually under 24 h."
    assert clock().kept(at(3 * HOUR)) == kept


@pytest.mark.parametrize("kind", WaitKind)
def test_every_wait_has_somebody_who_is_awaited_and_a_usual_time(kind: WaitKind):
    usual = OF_THE_FIELD[kind]
    assert timedelta() < usual.median < usual.most
    assert usual.count == 0
    assert clock(kind, usual).said(T0).startswith("Waiting for ")


def test_a_place_in_the_queue_is_its_turn_and_nobodys_fault():
    assert clock(WaitKind.SLOT).said(at(HOUR)).startswith("Waiting for its turn for 60 min")


def test_it_is_late_from_the_very_moment():
    """95 of a hundred took no longer."""
    assert not clock().is_late(at(24 * HOUR) - timedelta(microseconds=1))
    assert clock().is_late(at(24 * HOUR))


def test_what_is_set_outweighs_what_is_usual():
    """Sooner and later."""
    for hours in (1, 48):
        assert clock(remind=timedelta(hours=hours)).late_at == at(hours * HOUR)


def test_what_is_usually_over_in_seconds_is_not_late_at_once():
    quick = Usual(timedelta(seconds=1), timedelta(seconds=3), 50)
    assert clock(usual=quick).late_at == at(15)


def test_what_is_set_may_be_shorter_than_that():
    assert clock(remind=timedelta(seconds=5)).late_at == T0 + timedelta(seconds=5)


def test_few_waits_of_our_own_say_nothing():
    minute = timedelta(minutes=1)
    assert usual_of(REGISTRATION, [minute] * 19) == OF_THE_FIELD[REGISTRATION]
    assert usual_of(REGISTRATION, [minute] * 20) == Usual(minute, minute, 20)


@pytest.mark.parametrize(
    ("kind", "median", "most"),
    [
        (WaitKind.SOLUTION, "4 h", "3 d"),
        (WaitKind.SLOT, "3 d", "7 d"),
        (WaitKind.REGISTRATION, "10 min", "24 h"),
        (WaitKind.TEMPLATE, "10 min", "24 h"),
        (WaitKind.DELIVERY, "10 s", "15 min"),
        (WaitKind.INBOUND, "4 h", "3 d"),
    ],
)
def test_what_is_usual_of_the_field_is_said_until_we_know_better(
    kind: WaitKind, median: str, most: str
):
    usual = usual_of(kind, [])
    assert (span(usual.median), span(usual.most)) == (median, most)


def test_enough_waits_of_our_own_say_what_is_usual():
    """In any order; one that took for ever does not count for more than one."""
    took = [timedelta(minutes=m) for m in (*range(39, 0, -1), 100_000)]
    assert usual_of(REGISTRATION, took) == Usual(timedelta(minutes=20), timedelta(minutes=38), 40)


def test_what_a_wait_is_about_is_what_is_needed_of_whom_it_waits_for():
    """A sender whose registration goes on; not one whose registration failed."""
    going = not_true(ConditionType.REGISTERED, Reason.REGISTRATION_IN_PROGRESS, Status.UNKNOWN)
    (itself,) = needs_of({}, [], wait())
    (of_sender,) = needs_of({ConditionType.REGISTERED: going}, [], None)
    (failed,) = needs_of({ConditionType.REGISTERED: FAILED}, [], None)
    assert [clock().is_about(each) for each in (itself, of_sender, failed)] == [True, True, False]
    assert clock().awaiting is Party.INFOBIP
