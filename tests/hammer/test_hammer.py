"""Two processes for some seconds; minutes by command: `python -m tests.hammer`."""

import os
from datetime import timedelta

import pytest

from tests.domain.samples import at
from tests.hammer.judge import _cap_broken, _gaps, _out_of_order
from tests.hammer.strike import strike_ledger
from waboard.ledger.models import AdmissionRow, EffectRow, OutboxRow

POSTGRES = os.environ.get("TEST_POSTGRES_URL")
SECONDS = 5.0


@pytest.mark.skipif(POSTGRES is None, reason="TEST_POSTGRES_URL names no PostgreSQL to hammer on")
def test_whatever_two_processes_do_at_once_what_must_hold_does():
    tally = strike_ledger(POSTGRES or "", processes=2, seconds=SECONDS, seed=1)
    assert tally.faults == []
    assert tally.counts.total() > 0


class TestJudging:
    """It names what does not hold."""

    def test_an_attempt_that_is_missing_is_a_gap(self):
        effects = [
            EffectRow(onboarding_id="1", verb="share", subject="", attempt=number)
            for number in (1, 3)
        ]
        assert _gaps(effects) == ["attempts [1, 3] of ('1', 'share', '')"]
        assert _gaps(effects[:1]) == []

    def test_a_later_message_of_an_earlier_time_is_out_of_order(self):
        messages = [
            OutboxRow(onboarding_id=of, sequence=number, created_at=at(minute))
            for of, number, minute in (("1", 1, 5), ("2", 2, 1), ("1", 3, 4))
        ]
        assert len(_out_of_order(messages)) == 1
        assert _out_of_order(messages[:2]) == []

    def test_one_too_many_in_a_week_breaks_the_cap(self):
        week = timedelta(days=7)
        times = [at(0), at(1), at(0) + week - timedelta(seconds=1)]
        rows = [AdmissionRow(admitted_at=time) for time in times]
        assert len(_cap_broken(rows, 2)) == 1
        assert _cap_broken(rows, 3) == []
        rows[2].admitted_at = at(0) + week
        assert _cap_broken(rows, 2) == []

    def test_who_came_later_is_not_admitted_earlier(self):
        rows = [AdmissionRow(admitted_at=time) for time in (at(5), None, at(4))]
        assert len(_cap_broken(rows, 9)) == 1
