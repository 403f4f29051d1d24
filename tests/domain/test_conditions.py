"""What is true, and what is written when a new answer follows an old one."""

from dataclasses import replace

import pytest

from tests.domain.samples import at, not_true, true
from waboard.domain.conditions import ConditionType, Status, succeed
from waboard.domain.reasons import Reason

OLD = not_true(ConditionType.REGISTERED, Reason.REGISTRATION_IN_PROGRESS, Status.UNKNOWN)


def test_a_first_answer_is_written_as_it_is():
    """Nothing was known before."""
    assert succeed(None, OLD) is OLD


def test_a_new_status_brings_its_own_time():
    """`changed_at` is when the status last changed."""
    new = replace(true(ConditionType.REGISTERED), changed_at=at(5))
    assert succeed(OLD, new) is new


@pytest.mark.parametrize("change", [{"message": "Halfway."}, {"reason": Reason.REPORT_AWAITED}])
def test_a_new_message_or_reason_keeps_the_time_of_the_status(change):
    """It is unknown since then, whatever is said about it since."""
    new = replace(OLD, changed_at=at(5), evidence="event 2", **change)
    assert succeed(OLD, new) == replace(new, changed_at=OLD.changed_at)


def test_the_same_answer_again_is_nothing_to_write():
    """Neither a later time nor other evidence for the same answer is a change."""
    assert succeed(OLD, replace(OLD, changed_at=at(5), evidence="event 2")) is None


@pytest.mark.parametrize(
    ("status", "is_true", "is_decided"),
    [(Status.TRUE, True, True), (Status.FALSE, False, True), (Status.UNKNOWN, False, False)],
)
def test_only_unknown_is_undecided_and_only_true_is_true(status, is_true, is_decided):
    """Without evidence the answer is unknown, which is neither."""
    condition = replace(OLD, status=status)
    assert condition.is_true is is_true
    assert condition.is_decided is is_decided
