"""What the reports of one message come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import STATUSES, at, read_report
from waboard.domain.conditions import Status
from waboard.domain.delivery import (
    AWAITED,
    DeliveryReport,
    ReportStatus,
    SeenReport,
    describe,
    verdict_of,
)
from waboard.domain.reasons import Reason

REPORTS = st.lists(
    st.builds(
        read_report,
        st.sampled_from(sorted(STATUSES)),
        st.integers(0, 5),
        error=st.sampled_from([None, {"id": 7034, "name": "EC_BAD", "groupId": 1}]),
    ),
    max_size=6,
)


def test_without_a_report_the_answer_is_unknown():
    """A 200 on send is no evidence."""
    assert verdict_of([]) == AWAITED
    assert AWAITED.status is Status.UNKNOWN


@pytest.mark.parametrize("what", ["accepted", "pending", "sent", "novel"])
def test_a_report_that_is_not_final_changes_nothing(what):
    """Delivered to the operator is not delivered to the handset; a novel group is not an end."""
    report = read_report(what)
    assert not report.is_delivered
    assert report.failure is None
    assert verdict_of([report]) == AWAITED


def test_a_message_on_the_handset_is_delivered():
    """Group 3 with status 5."""
    verdict = verdict_of([read_report("delivered")])
    assert (verdict.status, verdict.reason) == (Status.TRUE, Reason.MESSAGE_DELIVERED)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("undeliverable", Reason.MESSAGE_UNDELIVERABLE),
        ("expired", Reason.MESSAGE_EXPIRED),
        ("rejected", Reason.MESSAGE_REJECTED),
    ],
)
def test_each_kind_of_failure_has_a_reason_of_its_own(what, reason):
    """One status for six kinds of failure helps nobody."""
    verdict = verdict_of([read_report(what)])
    assert (verdict.status, verdict.reason) == (Status.FALSE, reason)
    assert STATUSES[what]["name"] in verdict.message


@pytest.mark.parametrize("minute", [-9, 9])
def test_one_arrival_outweighs_every_failure(minute):
    """Somebody has it on their phone, whatever is said before or after."""
    verdict = verdict_of([read_report("rejected", minute), read_report("delivered")])
    assert verdict.status is Status.TRUE


def test_of_two_failures_the_later_is_named():
    """It is what the operator would see at the provider's."""
    verdict = verdict_of([read_report("expired", 2), read_report("undeliverable", 1)])
    assert verdict.reason is Reason.MESSAGE_EXPIRED


def test_of_two_failures_the_later_is_named_in_whatever_zones_they_are_written():
    """22:30 UTC is earlier than 23:00 UTC, also when written as half past midnight elsewhere."""
    earlier = read_report("expired", doneAt="2026-01-06T00:30:00.000+0200")
    later = read_report("undeliverable", doneAt="2026-01-05T23:00:00.000+0000")
    assert verdict_of([earlier, later]).reason is Reason.MESSAGE_UNDELIVERABLE


def test_a_failure_without_a_time_of_its_end_is_placed_by_when_it_was_sent():
    """And one without either comes before all others."""
    done = read_report("undeliverable", 1)
    sent = read_report("expired", doneAt=None, sentAt="2026-02-01T00:00:00.000+0000")
    timeless = read_report("rejected", doneAt=None)
    assert verdict_of([sent, done, timeless]).reason is Reason.MESSAGE_EXPIRED
    assert verdict_of([done, timeless]).reason is Reason.MESSAGE_UNDELIVERABLE


def test_a_report_is_described_by_the_provider_s_own_codes():
    """Which is what its support asks for."""
    error = {"id": 7034, "name": "EC_BAD", "groupId": 1}
    assert describe(read_report("rejected", error=error)) == "REJECTED_SENDER (13), EC_BAD (7034)"


@pytest.mark.parametrize("error", [None, {"id": 0, "name": "NO_ERROR", "groupId": 0}])
def test_no_error_is_not_described(error):
    """Infobip sends `NO_ERROR` beside statuses that are bad all the same."""
    assert describe(read_report("rejected", error=error)) == "REJECTED_SENDER (13)"


def test_unknown_fields_of_a_report_are_ignored():
    """New fields are no breaking change."""
    report = read_report("delivered", price={"pricePerMessage": 0.0})
    assert report == read_report("delivered")
    assert isinstance(report, DeliveryReport)


@given(REPORTS, st.randoms(use_true_random=False))
def test_the_verdict_depends_on_the_set_of_reports_alone(reports, random):
    """Neither their order nor their number matters."""
    shuffled = reports * 2
    random.shuffle(shuffled)
    assert verdict_of(shuffled) == verdict_of(reports)


@given(REPORTS, REPORTS)
def test_an_arrival_is_never_taken_back(reports, later):
    """Whatever else is reported."""
    arrived = [*reports, read_report("delivered")]
    assert verdict_of(arrived + later).status is Status.TRUE


@given(REPORTS, st.sampled_from(["accepted", "pending", "sent", "novel"]), st.integers(-9, 9))
def test_a_report_that_is_not_final_never_changes_the_verdict(reports, what, minute):
    """However late it comes."""
    assert verdict_of([*reports, read_report(what, minute)]) == verdict_of(reports)


def read_at(minute: float) -> SeenReport:
    """A report that the message was read."""
    return SeenReport.model_validate({"messageId": "waboard-1", "seenAt": at(minute).isoformat()})


def test_who_has_read_a_message_has_got_it():
    """Whatever else is said of it; the first reading counts."""
    verdict = verdict_of([read_report("undeliverable", 9)], [read_at(31), read_at(30)])
    assert (verdict.status, verdict.reason) == (Status.TRUE, Reason.MESSAGE_DELIVERED)
    assert verdict.message.endswith("read on 2026-01-05 09:30 UTC.")


@pytest.mark.parametrize("code", [7036, 7037])
def test_a_template_that_is_not_synced_yet_decides_nothing(code):
    """It passes by itself: the sender has only just been registered."""
    error = {"id": code, "name": "EC_TEMPLATE_NOT_SYNCED", "groupId": 2}
    verdict = verdict_of([read_report("rejected", error=error)])
    assert (verdict.status, verdict.reason) == (Status.UNKNOWN, Reason.TEMPLATE_NOT_SYNCED)
    assert str(code) in verdict.message


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"groupId": 5, "id": 13, "name": "REJECTED_SENDER"}, "REJECTED_SENDER (13)"),
        ({"groupId": 5, "name": "REJECTED_SENDER"}, "REJECTED_SENDER"),
        ({"groupId": 5, "id": 13}, "13"),
        ({"groupId": 5}, "status group 5"),
    ],
)
def test_a_status_is_named_as_well_as_it_can_be(status, said):
    assert str(ReportStatus.model_validate(status)) == said


def test_one_that_was_read_without_a_time_beside_one_with_is_read_then():
    """Infobip does not always say when."""
    reads = [
        SeenReport.model_validate({"messageId": "m", "seenAt": when})
        for when in (None, at(3).isoformat())
    ]
    verdict = verdict_of([], reads)
    assert verdict.message == "The test message was delivered, and read on 2026-01-05 09:03 UTC."
