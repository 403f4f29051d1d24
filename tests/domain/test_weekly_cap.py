"""How many new clients a week, and when the next may come."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import T0
from waboard.domain.weekly_cap import WINDOW, CapUse, next_slot, use_of

DAY = timedelta(days=1)


def days(*ago: float) -> list[datetime]:
    return [T0 - DAY * each for each in ago]


def test_while_there_is_room_the_next_is_admitted_now():
    assert next_slot([], 0, 1, T0) is None
    assert next_slot(days(3, 2), 0, 3, T0) is None
    assert next_slot(days(3), 1, 3, T0) is None


def test_a_slot_frees_seven_days_after_it_was_taken():
    assert next_slot(days(3, 2), 0, 2, T0) == T0 + DAY * 4
    assert next_slot(days(3, 2), 1, 2, T0) == T0 + DAY * 5


def test_an_admission_of_exactly_seven_days_ago_counts_no_more():
    assert next_slot(days(7), 0, 1, T0) is None
    assert next_slot(days(6.9), 0, 1, T0) is not None


def test_who_stands_behind_a_whole_week_waits_a_week_longer():
    assert next_slot(days(3, 2), 2, 2, T0) == T0 + DAY * 11


def test_those_in_front_take_what_is_free_now():
    assert next_slot(days(3), 1, 2, T0) == T0 + DAY * 4
    assert next_slot(days(3), 2, 2, T0) == T0 + DAY * 7


def test_with_nobody_admitted_the_queue_moves_by_whole_weeks():
    assert next_slot([], 2, 2, T0) == T0 + WINDOW
    assert next_slot([], 4, 2, T0) == T0 + WINDOW * 2


def test_a_cap_that_was_lowered_lets_the_older_ones_go_first():
    assert next_slot(days(5, 4, 3), 0, 1, T0) == T0 + DAY * 4


@given(
    st.lists(st.floats(0, 6.9), max_size=12),
    st.integers(0, 30),
    st.integers(1, 10),
)
def test_playing_the_queue_out_gives_the_same_times(ago: list[float], ahead: int, cap: int):
    """Whoever is told a time is admitted at that time when everybody comes in turn."""
    admitted = sorted(days(*ago))
    told, now, past = next_slot(admitted, ahead, cap, T0), T0, list(admitted)
    for _ in range(ahead + 1):
        while (later := next_slot(past, 0, cap, now)) is not None:
            now = later
        past.append(now)
    assert now == (told or T0)


class TestUse:
    """How the cap stands."""

    def test_what_is_not_used_is_free(self):
        assert use_of(days(3, 2), 0, 10, T0).free == 8

    def test_the_next_slot_to_free_is_the_one_taken_first(self):
        """Whether or not others are free."""
        assert use_of(days(3, 2), 0, 10, T0).frees_at == T0 + DAY * 4
        assert use_of(days(3, 2), 5, 2, T0).frees_at == T0 + DAY * 4

    def test_while_none_is_taken_none_frees(self):
        assert use_of([], 0, 10, T0) == CapUse(cap=10, used=0, queued=0, frees_at=None)

    def test_a_cap_that_was_lowered_frees_none_until_enough_have_gone(self):
        lowered = use_of(days(5, 4, 3), 0, 1, T0)
        assert (lowered.free, lowered.frees_at) == (0, T0 + DAY * 4)
