"""What an onboarding sleeps for, and for how long."""

from datetime import timedelta

import pytest

from tests.domain.samples import T0, at
from waboard.domain.parties import Party
from waboard.domain.waits import WORDS, WaitKind, WaitPlan

PLAN = WaitPlan(nudge=timedelta(minutes=10), give_up=timedelta(minutes=25))


@pytest.mark.parametrize("kind", WaitKind)
def test_every_wait_has_words(kind: WaitKind):
    """Its state's name says what for; its remedy what to do meanwhile."""
    words = WORDS[kind]
    assert words.state.startswith("Awaiting")
    assert words.message.endswith(".")
    assert words.remedy.endswith(".")


def test_what_we_wait_for_of_whom():
    """A place in the queue is nobody's fault; a solution that is not usable is the operator's."""
    assert {kind: words.awaiting for kind, words in WORDS.items()} == {
        WaitKind.SOLUTION: Party.OPERATOR,
        WaitKind.SLOT: Party.US,
        WaitKind.REGISTRATION: Party.INFOBIP,
        WaitKind.TEMPLATE: Party.META,
        WaitKind.DELIVERY: Party.INFOBIP,
        WaitKind.INBOUND: Party.CLIENT,
    }


def test_each_wait_has_a_name_of_its_own():
    """An operator filters by it."""
    assert len({words.state for words in WORDS.values()}) == len(WaitKind)


def test_a_wait_ends_a_fixed_time_after_it_began():
    """However often it was slept meanwhile."""
    assert PLAN.give_up_at(T0) == at(25)


@pytest.mark.parametrize(("now", "wake"), [(0, 10), (10, 20), (14.9, 24.9), (15, 25), (20, 25)])
def test_a_sleep_lasts_until_the_next_nudge_or_the_end(now: float, wake: float):
    """Whichever comes first."""
    assert PLAN.wake_at(T0, at(now)) == at(wake)


def test_a_sleep_that_begins_after_the_end_is_due_at_once():
    """Its time has passed already."""
    assert PLAN.wake_at(T0, at(40)) == at(25)


@pytest.mark.parametrize("now", [0, 10, 24.9, 25])
def test_a_wait_without_nudges_sleeps_to_its_end(now: float):
    """As the one for a place in the queue does, unless it is told when that frees."""
    plan = WaitPlan(nudge=PLAN.give_up, give_up=PLAN.give_up)
    assert plan.wake_at(T0, at(now)) == at(25)
