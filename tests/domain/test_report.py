"""How it goes: worked out from when what first became true, and from what is still needed."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import BAD, FAILED, GOOD, NO_RECEIVER, T0, UNASSOCIATED, at, holding
from tests.domain.samples import sender as sample_sender
from waboard.domain.conditions import ConditionType
from waboard.domain.onboarding import VerifyBy
from waboard.domain.outcome import OutcomeName, Stage
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.report import (
    Failure,
    Milestone,
    Report,
    Stretch,
    Turn,
    Waiter,
    Way,
    milestones_of,
    percentile,
    report_of,
    said,
    stands,
)
from waboard.domain.requirements import Requirement, needs_of
from waboard.domain.waits import OpenWait, WaitKind
from waboard.domain.weekly_cap import CapUse

SINCE, NOW = T0 - timedelta(days=7), at(600)
CAP = CapUse(cap=10, used=3, queued=0, frees_at=None)
MINUTE = timedelta(minutes=1)
R, A, V = ConditionType.REGISTERED, ConditionType.ASSOCIATED, ConditionType.VERIFIED
RECEIVES = ConditionType.RECEIVES
AWAITED = OpenWait(WaitKind.REGISTRATION, at(2), at(9), at(99))


def way(
    client_ref: str = "acme",
    *minutes: float,
    ended: float | None = None,
    needs: list[Requirement] | None = None,
) -> Way:
    """An onboarding that came to one milestone after the other at these minutes."""
    reached = dict(zip(Milestone, map(at, minutes or (0,)), strict=False))
    return Way(client_ref, None if ended is None else at(ended), reached, needs or [])


def drawn(*ways: Way, since: datetime = SINCE) -> Report:
    return report_of(ways, CAP, since, NOW)


def stretch(report: Report, begin: Milestone, end: Milestone) -> Stretch:
    return next(each for each in report.stretches if (each.begin, each.end) == (begin, end))


def turn(report: Report, party: Party) -> Turn:
    return next(each for each in report.turns if each.party is party)


class TestMilestones:
    """When an onboarding first reached what."""

    def test_a_new_one_has_been_asked_for_and_no_more(self):
        assert milestones_of(T0, VerifyBy.TEMPLATE, {}) == {Milestone.ASKED_FOR: T0}

    def test_what_is_of_senders_is_reached_with_the_first_of_them(self):
        first = {"": {ConditionType.SHARED: at(1)}, GOOD: {R: at(5)}, BAD: {R: at(3)}}
        reached = milestones_of(T0, VerifyBy.TEMPLATE, first)
        assert reached[Milestone.SHARED] == at(1)
        assert reached[Milestone.REGISTERED] == at(3)

    def test_one_sender_must_hold_everything_to_be_live(self):
        """Two that hold a part each are none."""
        parts = {GOOD: {R: at(1), A: at(2)}, BAD: {R: at(1), V: at(3)}}
        assert Milestone.LIVE not in milestones_of(T0, VerifyBy.TEMPLATE, parts)
        whole = {**parts, GOOD: {R: at(1), A: at(2), V: at(7)}}
        assert milestones_of(T0, VerifyBy.TEMPLATE, whole)[Milestone.LIVE] == at(7)

    def test_who_is_to_prove_that_it_receives_is_live_only_then(self):
        tested = {GOOD: {R: at(1), A: at(2), V: at(7)}}
        assert Milestone.LIVE not in milestones_of(T0, VerifyBy.BOTH, tested)
        written_to = {GOOD: {**tested[GOOD], RECEIVES: at(8)}}
        assert milestones_of(T0, VerifyBy.BOTH, written_to)[Milestone.LIVE] == at(8)


class TestFunnel:
    """How far those came that were asked for in the time of the report."""

    def test_each_milestone_counts_those_that_reached_it(self):
        funnel = drawn(way("a"), way("b", 0, 1, 2), way("c", 0, 1, 2, 3)).funnel
        assert list(funnel.values()) == [3, 2, 2, 1, 0, 0, 0]

    def test_who_was_asked_for_before_is_not_in_it(self):
        assert drawn(way("a", 0, 1), since=at(0.5)).funnel[Milestone.ASKED_FOR] == 0

    def test_whoever_reached_a_later_one_has_passed_those_before(self):
        """What was not written down is no hole in the funnel."""
        registered = Way("a", None, {Milestone.ASKED_FOR: T0, Milestone.REGISTERED: at(3)})
        assert list(drawn(registered).funnel.values()) == [1, 1, 1, 1, 0, 0, 0]

    @given(st.lists(st.sets(st.sampled_from(Milestone))))
    def test_it_never_widens(self, everyone: list[set[Milestone]]):
        ways = [Way("a", None, {Milestone.ASKED_FOR: T0, **dict.fromkeys(r, T0)}) for r in everyone]
        assert all(a >= b for a, b in pairwise(drawn(*ways).funnel.values()))


class TestStretches:
    """How long it took, and who waits longest."""

    def test_half_were_as_quick_as_the_median(self):
        ways = [way(str(i), 0, minutes) for i, minutes in enumerate((1, 2, 30))]
        first = stretch(drawn(*ways), Milestone.ASKED_FOR, Milestone.ADMITTED)
        assert (first.count, first.median, first.most) == (3, 2 * MINUTE, 30 * MINUTE)

    def test_the_time_from_beginning_to_end_is_told_as_well(self):
        whole = stretch(drawn(way("a", 0, 1, 2, 3, 4, 5, 6)), Milestone.ASKED_FOR, Milestone.LIVE)
        assert whole.median == 6 * MINUTE

    def test_only_what_came_to_its_end_in_this_time_counts(self):
        """However long ago it began."""
        report = drawn(way("a", 0, 10, 20), since=at(15))
        assert stretch(report, Milestone.ASKED_FOR, Milestone.ADMITTED).count == 0
        assert stretch(report, Milestone.ADMITTED, Milestone.SHARED).median == 10 * MINUTE

    def test_what_came_in_another_order_took_no_time(self):
        report = drawn(way("a", 0, 5, 3))
        assert stretch(report, Milestone.ADMITTED, Milestone.SHARED).median == timedelta()

    def test_with_nobody_there_it_has_no_times(self):
        last = stretch(drawn(), Milestone.VERIFIED, Milestone.LIVE)
        assert last == Stretch(Milestone.VERIFIED, Milestone.LIVE, 0, None, None, None)

    def test_who_has_waited_longest_is_named(self):
        report = drawn(way("late", 0, 9), way("early", 0, 4), way("past", 0, 1, 2))
        waiting = stretch(report, Milestone.ADMITTED, Milestone.SHARED).oldest
        assert waiting == Waiter("early", at(4))

    def test_each_waits_in_one_stretch_and_in_the_whole(self):
        report = drawn(way("a", 0, 1, 2))
        begun = [each.begin for each in report.stretches if each.oldest]
        assert begun == [Milestone.SHARED, Milestone.ASKED_FOR]

    def test_who_has_ended_waits_no_more(self):
        assert not any(each.oldest for each in drawn(way("a", 0, 1, ended=5)).stretches)

    def test_who_is_live_and_has_not_ended_waits_in_none(self):
        assert not any(each.oldest for each in drawn(way("a", *range(7))).stretches)

    @given(st.lists(st.integers(0, 10_000), min_size=1))
    def test_so_many_of_a_hundred_lie_within_a_percentile(self, minutes: list[int]):
        """And no shorter time has as many within."""
        ordered = sorted(MINUTE * each for each in minutes)
        found = percentile(ordered, 95)
        assert sum(each <= found for each in ordered) * 100 >= 95 * len(ordered)
        assert sum(each < found for each in ordered) * 100 < 95 * len(ordered)


class TestFailures:
    """What was not true at the end."""

    def test_they_are_counted_by_reason_the_most_frequent_first(self):
        failed = needs_of({}, [sample_sender(GOOD, FAILED), sample_sender(BAD, FAILED)], None)
        refused = needs_of({}, [sample_sender(GOOD, UNASSOCIATED)], None)
        report = drawn(way("a", ended=5, needs=refused), way("b", ended=5, needs=failed))
        assert [(f.reason, f.count) for f in report.failures] == [
            (Reason.REGISTRATION_FAILED, 2),
            (Reason.ASSOCIATION_REFUSED, 1),
        ]

    def test_each_says_whose_turn_it_is_what_to_do_and_whom_it_came_to_last(self):
        (need,) = needs_of({}, [sample_sender(GOOD, FAILED)], None)
        later = Requirement(
            need.condition, BAD, need.reason, "No.", need.awaiting, need.remedy, at(9)
        )
        ways = way("later", ended=9, needs=[later]), way("sooner", ended=5, needs=[need])
        assert drawn(*ways).failures == [
            Failure(need.reason, Party.OPERATOR, need.remedy, 2, "later")
        ]

    def test_what_has_not_ended_has_not_failed(self):
        needs = needs_of({}, [sample_sender(GOOD, FAILED)], None)
        assert drawn(way("a", needs=needs)).failures == []

    def test_that_there_is_nobody_to_tell_is_no_failure(self):
        needs = needs_of(holding(NO_RECEIVER), [], None)
        assert drawn(way("a", ended=5, needs=needs)).failures == []


class TestTurns:
    """Who is awaited now."""

    def test_there_is_an_answer_for_everybody(self):
        turns = drawn(way()).turns
        assert turns == [Turn(party, 0, {}, None) for party in Party]

    def test_it_counts_onboardings_and_names_what_they_wait_for(self):
        """An onboarding with two such senders is one."""
        twice = [sample_sender(GOOD, FAILED), sample_sender(BAD, FAILED)]
        once = [sample_sender(GOOD, UNASSOCIATED)]
        report = drawn(way(needs=needs_of({}, twice, None)), way(needs=needs_of({}, once, None)))
        operator = turn(report, Party.OPERATOR)
        assert operator.count == 2
        assert operator.reasons == {Reason.REGISTRATION_FAILED: 1, Reason.ASSOCIATION_REFUSED: 1}

    def test_one_may_wait_for_two_at_once(self):
        report = drawn(way(needs=needs_of({}, [sample_sender(GOOD, FAILED)], AWAITED)))
        assert turn(report, Party.OPERATOR).count == turn(report, Party.INFOBIP).count == 1
        assert turn(report, Party.INFOBIP).oldest == Waiter("acme", at(2))

    def test_who_has_ended_and_still_needs_somebody_waits_too(self):
        """As the digest tells it each day, and `waboard status` shows it."""
        needs = needs_of({}, [sample_sender(GOOD, FAILED)], None)
        assert turn(drawn(way(ended=5, needs=needs)), Party.OPERATOR).count == 1

    def test_that_there_is_nobody_to_tell_is_nobody_s_turn(self):
        needs = needs_of(holding(NO_RECEIVER), [], None)
        assert turn(drawn(way(needs=needs)), Party.OPERATOR).count == 0


class TestStands:
    """How many came to what."""

    def test_all_stages_before_an_outcome_are_one(self):
        counted = stands({"Running": 1, "AwaitingSlot": 2, "Live": 3, "Leaving": 1})
        assert counted == {"on the way": 3, "Leaving": 1, "Live": 3}
        assert said(counted) == "7 onboardings: on the way 3, Leaving 1, Live 3."

    def test_none_are_none(self):
        assert said(stands({})) == "0 onboardings."

    @given(st.dictionaries(st.sampled_from([*Stage, *OutcomeName, "Running"]), st.integers(1, 99)))
    def test_none_is_lost(self, stages: dict[str, int]):
        assert sum(stands(stages).values()) == sum(stages.values())


def test_all_of_it_is_said_in_a_sentence():
    needs = needs_of({}, [sample_sender(GOOD, FAILED)], None)
    report = drawn(way("a", *range(7), ended=8), way("b", ended=9, needs=needs), way("c"))
    said = "3 asked for in 7 days, 1 of them came live. Failures: 1. On the way now: 1."
    assert report.summary == said


def test_a_day_is_one_day():
    assert drawn(since=NOW - timedelta(days=1)).length == "1 day"
