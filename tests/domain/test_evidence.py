"""Everything received about one onboarding, and what it shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.meta import change, info, read
from tests.domain.samples import BAD, GOOD, T0, WABA, at, event, read_report
from tests.domain.test_delivery import REPORTS
from tests.domain.test_registration import EVENTS
from waboard.domain.asks import Asks
from waboard.domain.conditions import Status
from waboard.domain.delivery import AWAITED
from waboard.domain.evidence import Evidence, all_of, quality_evidence
from waboard.domain.meta_events.connection import connection_from
from waboard.domain.meta_events.saying import what_counts
from waboard.domain.meta_events.words import Word

ADDED = read(change("PARTNER_ADDED", 100, waba_info=info()))
REMOVED = read(change("PARTNER_REMOVED", 200, waba_info=info()))


def said(name: str, time: int) -> Word:
    """What Meta says of the account at some time."""
    return read(change(name, time, WABA, waba_info=info()))[0]


NAMES = st.sampled_from(["PARTNER_ADDED", "PARTNER_REMOVED", "ACCOUNT_VIOLATION", "NEW"])
ACCOUNT = st.lists(st.builds(said, NAMES, st.integers(0, 3)), max_size=4)
EVIDENCE = st.builds(Evidence, EVENTS.map(tuple), REPORTS.map(tuple), account=ACCOUNT.map(tuple))


def test_a_connected_number_is_registered():
    """The quality endpoint says so, as of when we asked."""
    found = quality_evidence({"sender": GOOD, "status": "CONNECTED"}, T0).registration()
    assert (found.senders[GOOD].status, found.senders[GOOD].as_of) == ("CONNECTED", T0)
    assert found.senders[GOOD].is_terminal
    assert found.status is None


@pytest.mark.parametrize("status", ["DISCONNECTED", "FLAGGED", "PENDING", None, "ON_THE_MOON"])
def test_any_other_quality_status_proves_nothing(status: str | None):
    """Known or not."""
    assert quality_evidence({"sender": GOOD, "status": status}, T0) == Evidence()


def test_a_message_is_judged_by_its_own_reports():
    """Another message's arrival is none of its own."""
    evidence = Evidence(reports=(read_report("delivered", message_id="waboard-2"),))
    assert evidence.verdict("waboard-1") == AWAITED
    assert evidence.verdict("waboard-2").status is Status.TRUE


def test_all_evidence_is_put_together():
    """Nothing is the start."""
    parts = [
        Evidence(registrations=(event(),)),
        Evidence(reports=(read_report("sent"),)),
        quality_evidence({"sender": BAD, "status": "CONNECTED"}, T0),
        Evidence(account=tuple(ADDED)),
    ]
    total = all_of(parts)
    assert total.account == tuple(ADDED)
    assert set(total.registration().senders) == {GOOD, BAD}
    assert total.statuses() == {("waboard-1", "DELIVERED_TO_OPERATOR (2)")}
    assert all_of([]) == Evidence()


@pytest.mark.parametrize(
    "more",
    [
        Evidence(),
        Evidence(registrations=(event(),)),
        Evidence(registrations=(event("IN_PROGRESS", -5, {GOOD: "IN_PROGRESS"}),)),
        Evidence(registrations=(event("IN_PROGRESS", 5, {GOOD: "IN_PROGRESS"}),)),
        Evidence(reports=(read_report("sent"),)),
    ],
)
def test_what_is_known_already_shows_nothing_more(more: Evidence):
    """A repetition, a late event, one that cannot undo an ending."""
    known = Evidence(registrations=(event(),), reports=(read_report("sent"),))
    assert not known.plus(more).shows_more_than(known)


@pytest.mark.parametrize(
    "more",
    [
        Evidence(registrations=(event("FAILED", 5, {GOOD: "FAILED"}),)),
        Evidence(registrations=(event("IN_PROGRESS", -5, {BAD: "IN_PROGRESS"}),)),
        Evidence(registrations=(event("FINISHED", -5, {}, businessPortfolioId=1),)),
        Evidence(reports=(read_report("delivered"),)),
        Evidence(reports=(read_report("pending"),)),
        Evidence(reports=(read_report("sent", message_id="waboard-2"),)),
    ],
)
def test_what_was_not_known_shows_more(more: Evidence):
    """A later ending, a new number, the portfolio, a message's next status."""
    known = Evidence(registrations=(event(),), reports=(read_report("sent"),))
    assert known.plus(more).shows_more_than(known)


@pytest.mark.parametrize(
    ("known", "more", "is_news"),
    [
        ([], ADDED, True),
        (ADDED, ADDED, False),
        (ADDED, REMOVED, True),
        (REMOVED, ADDED, False),
        (ADDED, read(change("ACCOUNT_RECONNECTED", 300, WABA)), True),
        (ADDED, read(change("VERIFIED_ACCOUNT", 300, WABA)), False),
        (ADDED, read(change("SOMETHING_NEW", 300, WABA)), False),
    ],
)
def test_what_meta_says_of_the_account_is_news_when_it_is_the_latest(
    known: list[Word], more: list[Word], is_news: bool
):
    """And when it has to do with whether the client is connected to us."""
    before = Evidence(registrations=(event(),), account=tuple(known))
    assert before.plus(Evidence(account=tuple(more))).shows_more_than(before) is is_news


@given(EVIDENCE, EVIDENCE)
def test_what_shows_nothing_more_changes_no_verdict(known: Evidence, more: Evidence):
    """Whatever is recorded as stale has really changed nothing."""
    total = known.plus(more)
    if not total.shows_more_than(known):
        assert total.registration() == known.registration()
        assert total.verdict("waboard-1") == known.verdict("waboard-1")
        assert connection_from(total.account) == connection_from(known.account)


def test_an_old_failure_told_again_later_shows_more():
    """Of several failures the latest is named, so that it is another now."""
    known = Evidence(reports=(read_report("expired", 1), read_report("undeliverable", 0)))
    assert known.plus(Evidence(reports=(read_report("undeliverable", 2),))).shows_more_than(known)


def test_the_same_failure_with_another_error_shows_more():
    """It names another error to mend, and that is what the operator then sees."""
    first = Evidence(reports=(read_report("rejected", error={"id": 1, "name": "A", "groupId": 1}),))
    then = Evidence(
        reports=(read_report("rejected", 1, error={"id": 2, "name": "B", "groupId": 1}),)
    )
    assert first.plus(then).verdict("waboard-1") != first.verdict("waboard-1")
    assert first.plus(then).shows_more_than(first)


@given(EVIDENCE, EVIDENCE)
def test_which_part_came_first_does_not_matter(one: Evidence, other: Evidence):
    """What evidence shows depends on the set of it alone."""
    this, that = one.plus(other), other.plus(one)
    assert this.registration() == that.registration()
    assert this.verdict("waboard-1") == that.verdict("waboard-1")
    assert this.statuses() == that.statuses()
    assert what_counts(this.account) == what_counts(that.account)


def test_what_was_asked_for_is_known_from_whichever_part_says_it():
    """The first that does: an onboarding's asks are in one part."""
    asked, later = Asks(at(0)), Asks(at(5))
    for parts in ([Evidence(asks=asked), Evidence()], [Evidence(), Evidence(asks=asked)]):
        assert all_of(parts).asks == asked
    assert all_of([Evidence(asks=asked), Evidence(asks=later)]).asks == asked
    assert all_of([]).asks is None


def test_all_parts_are_there_in_the_whole():
    first = Evidence((event("FINISHED", 1),), (read_report("sent"),))
    second = Evidence((event("FAILED", 2),), (read_report("delivered"),))
    assert all_of([first, second]) == Evidence(
        (*first.registrations, *second.registrations), (*first.reports, *second.reports)
    )
