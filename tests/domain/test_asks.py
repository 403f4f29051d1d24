"""Words from before the ask are context, whatever order they come in."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.samples import BAD, GOOD, at, event
from waboard.domain.asks import (
    UNFINISHED_COUNTS_FOR,
    UPSTREAM_CLOCK_SKEW,
    Ask,
    Asks,
    registration_since,
    unanswered,
)
from waboard.domain.registration import (
    CONNECTED,
    RegistrationEvent,
    SenderRegistration,
    registration_from,
)

ASKED = Asks(at(0))
SHARED = Asks(at(0), shares=(at(10),))
RETRIED = Asks(at(-60), at(0), {GOOD: at(0)}, shares=(at(-50),))
SHARED_AGAIN = replace(RETRIED, shares=(at(-50), at(1)))
DAY = 24 * 60


def heard(
    status: str, said: float, received: float | None = None, number: str = GOOD
) -> RegistrationEvent:
    """A word about the account and one number, received as it was said unless told otherwise."""
    told = event(status, said, {number: status})
    return told.model_copy(update={"received_at": at(said if received is None else received)})


def connected(minute: float) -> SenderRegistration:
    return SenderRegistration(GOOD, None, CONNECTED, None, at(minute))


def standing(asks: Asks, *events: RegistrationEvent) -> tuple[str | None, str | None, bool]:
    """How account and number stand, and whether Infobip is known to have taken a share."""
    found = registration_since(asks, events)
    said = found.senders.get(GOOD)
    return found.status, said.status if said else None, found.shows_share


ANSWERED, NOTHING = ("FAILED", "FAILED", True), (None, None, False)


@pytest.mark.parametrize(
    ("asks", "said", "received", "expected"),
    [
        (ASKED, 5, 5, ANSWERED),
        (ASKED, -0.5, 1, ANSWERED),  # the clocks may differ, by a minute
        (ASKED, -1, 1, ANSWERED),
        (ASKED, -1.1, 1, NOTHING),
        (ASKED, -2, 1, NOTHING),
        (ASKED, -0.5, -0.5, NOTHING),  # it was here before anybody asked
        (ASKED, 5, -1, NOTHING),  # whatever its clock says
        (SHARED, 11, 11, ANSWERED),
        (SHARED, 5, 5, NOTHING),
        (SHARED, 5, 11, NOTHING),
        (SHARED, 9.5, 11, ANSWERED),
        (RETRIED, -5, -5, NOTHING),
        (RETRIED, 0.5, 0.5, NOTHING),  # nobody has asked Infobip again yet
        (RETRIED, 5, 5, ANSWERED),  # somebody else did
        (SHARED_AGAIN, -5, -5, NOTHING),
        (SHARED_AGAIN, -0.1, -0.1, NOTHING),  # what made somebody retry
        (SHARED_AGAIN, 1.1, 1.1, ANSWERED),
    ],
)
def test_a_failure_counts_when_it_answers_the_ask(asks, said, received, expected):
    """Not when it lies clearly before, by their clock, or came before it, by ours."""
    assert standing(asks, heard("FAILED", said, received)) == expected


def test_a_failure_from_before_is_known_all_the_same():
    """With when and why, so that it can be shown."""
    failed = heard("FAILED", -60)
    found = registration_since(ASKED, [failed])
    assert found.failed_before == registration_from([failed]).senders


def test_our_own_machines_may_differ_a_little_at_a_share():
    """An answer can be stamped before what it answers; what was there at the retry cannot."""
    just = 2 / 60
    assert standing(SHARED, heard("FAILED", 10, 10 - just)) == ANSWERED
    assert standing(SHARED, heard("FAILED", 10, 10 - 2 * just)) == NOTHING
    assert standing(Asks(at(10)), heard("FAILED", 10, 10 - just)) == NOTHING


@pytest.mark.parametrize("asks", [ASKED, SHARED, RETRIED, SHARED_AGAIN])
@pytest.mark.parametrize("said", [-100 * DAY, -100, 5, 100])
def test_what_finished_is_registered_whenever_it_was_said(asks, said):
    """What ended well stays, and needs no other ask."""
    found = registration_since(asks, [heard("FINISHED", said)])
    assert found.senders[GOOD].status == "FINISHED"
    assert (found.status, found.shows_share, found.unanswered) == ("FINISHED", True, frozenset())


def test_what_finished_and_failed_later_is_not_registered():
    """A retry brings no old success back."""
    lost = [heard("FINISHED", -100), heard("FAILED", -50)]
    assert standing(RETRIED, *lost) == NOTHING
    assert standing(ASKED, *lost) == NOTHING


def test_what_failed_and_is_connected_since_is_registered():
    """Also where that was seen before the ask."""
    for minute in (-10, 10):
        found = registration_since(RETRIED, [heard("FAILED", -50)], [connected(minute)])
        assert found.senders[GOOD].status == CONNECTED
        assert found.unanswered == frozenset()


@pytest.mark.parametrize(
    ("said", "counts"),
    [(5, True), (-60, True), (-DAY + 1, True), (-DAY - 1, False), (-100 * DAY, False)],
)
def test_on_its_way_before_the_ask_counts_for_a_day(said, counts):
    """What was on its way for longer has most likely ended unheard."""
    assert timedelta(minutes=DAY) == UNFINISHED_COUNTS_FOR
    expected = ("IN_PROGRESS", "IN_PROGRESS", True) if counts else NOTHING
    assert standing(ASKED, heard("IN_PROGRESS", said)) == expected


def test_on_its_way_counts_not_when_it_failed_after():
    """Nor is a failure undone by it, but where it began anew after."""
    before, after = heard("IN_PROGRESS", -100), heard("IN_PROGRESS", -20)
    failed = heard("FAILED", -50)
    assert standing(RETRIED, before, failed) == NOTHING
    assert standing(RETRIED, before, failed, after) == ("IN_PROGRESS", "IN_PROGRESS", True)


def test_an_account_that_finished_before_with_failed_numbers_proves_no_share():
    """Its own end says nothing: it brought nobody."""
    told = event("FINISHED", -60, {GOOD: "FAILED"}).model_copy(update={"received_at": at(-60)})
    assert standing(ASKED, told) == NOTHING
    assert standing(ASKED, event("FINISHED", -60, {})) == NOTHING


def test_an_account_that_ended_before_with_a_good_number_is_settled():
    """Nobody waits for another end, and the number that failed is known to have."""
    told = event("FAILED", -60, {GOOD: "FINISHED", BAD: "FAILED"})
    found = registration_since(ASKED, [told])
    assert found.is_settled
    assert found.shows_share
    assert (set(found.senders), set(found.failed_before)) == ({GOOD}, {BAD})


def test_a_number_that_was_asked_for_anew_is_unanswered_until_something_is_said():
    """Of itself, or of the account's end."""
    assert registration_since(SHARED_AGAIN, [heard("FAILED", -5)]).unanswered == {GOOD}
    for answer in (
        heard("IN_PROGRESS", 2),
        heard("FAILED", 2),
        heard("FINISHED", 2),
        heard("FAILED", 2, number=BAD),
    ):
        found = registration_since(SHARED_AGAIN, [heard("FAILED", -5), answer])
        assert found.unanswered == frozenset()
    still = registration_since(
        SHARED_AGAIN, [heard("FAILED", -5), heard("IN_PROGRESS", 2, number=BAD)]
    )
    assert still.unanswered == {GOOD}


def test_with_one_number_retried_the_failure_of_another_stands():
    """Nobody has asked for that one again."""
    failed = [heard("FAILED", -5), heard("FAILED", -5, number=BAD)]
    found = registration_since(SHARED_AGAIN, failed)
    assert {n: s.status for n, s in found.senders.items()} == {BAD: "FAILED"}
    assert set(found.failed_before) == found.unanswered == {GOOD}
    assert not found.shows_share


def test_a_repeated_share_belongs_to_the_ask_of_the_first():
    """An answer that came between the two, and was heard late, answers the first."""
    asks = Asks(at(0), shares=(at(1), at(20)))
    assert asks.of_waba == Ask(at(0), shared_at=at(1))
    assert standing(asks, heard("FAILED", 5, 25)) == ANSWERED


def test_a_portfolio_is_known_from_whatever_was_said():
    """It is no answer, but who the client is."""
    told = event("FAILED", -60, businessPortfolioId=7)
    assert registration_since(ASKED, [told]).portfolio_id == "7"


@pytest.mark.parametrize(
    ("ask", "stays", "reason"),
    [
        (Ask(at(0)), False, "RegistrationInProgress"),
        (Ask(at(0), shared_at=at(1)), False, "RegistrationInProgress"),
        (Ask(at(0), shared_at=at(1)), True, "RegistrationInProgress"),
        (Ask(at(0), retried=True), False, "RegistrationRetryRequested"),
        (Ask(at(0), retried=True), True, "RegistrationFailedBefore"),
        (Ask(at(0)), True, "RegistrationFailedBefore"),
    ],
)
def test_of_a_number_without_an_answer_it_is_said_whose_turn_it_is(ask, stays, reason):
    """And that it failed before, with when and why."""
    failure = SenderRegistration(BAD, None, "FAILED", "Two-step is on.", at(-60))
    said = unanswered(BAD, ask, failure, stays=stays)
    assert (said.status, said.reason) == ("Unknown", reason)
    assert said.message.endswith("It failed before, on 2026-01-05 08:00 UTC: Two-step is on.")
    assert BAD not in said.message


# Whatever is said, and in whatever order

STATUS = st.sampled_from(["IN_PROGRESS", "FAILED", "FINISHED", "ON_HOLD"])
MINUTE = st.integers(-4, 8)


@st.composite
def words(draw: st.DrawFn) -> RegistrationEvent:
    """A word about some numbers, received when it was said or later."""
    said = draw(MINUTE)
    told = event(draw(STATUS), said, draw(st.dictionaries(st.sampled_from([GOOD, BAD]), STATUS)))
    return told.model_copy(update={"received_at": at(said + draw(st.integers(0, 6)))})


@dataclass(frozen=True)
class Case:
    """Asks, and what was said."""

    asks: Asks
    events: list[RegistrationEvent]
    seen: list[SenderRegistration]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any story: asked at 0, perhaps shared, perhaps retried for one number or for both."""
    retried = draw(st.sampled_from([(), (GOOD,), (GOOD, BAD)]))
    asks = Asks(
        at(0),
        at(3) if retried else None,
        dict.fromkeys(retried, at(3)),
        tuple(map(at, draw(st.sets(st.sampled_from([1, 2, 4, 5]))))),
    )
    seen = draw(st.lists(MINUTE.map(connected), max_size=1))
    return Case(asks, draw(st.lists(words(), max_size=6)), seen)


@given(cases(), st.randoms(use_true_random=False))
def test_an_answer_depends_on_the_set_of_words_alone(case, random):
    """Neither order nor repetition matters."""
    shuffled, seen = case.events * 2, case.seen * 2
    random.shuffle(shuffled)
    found = registration_since(case.asks, shuffled, seen)
    assert found == registration_since(case.asks, case.events, case.seen)


@given(cases())
def test_only_a_word_that_answers_lets_a_number_fail(case):
    """Named here by hand: after the ask of that number, by their clock and by ours."""
    found = registration_since(case.asks, case.events, case.seen)
    for number, sender in found.senders.items():
        ask = case.asks.of(number)
        if sender.status == "FAILED":
            assert sender.as_of >= ask.at - UPSTREAM_CLOCK_SKEW
            assert any(
                each.received_at and each.received_at >= ask.since
                for each in case.events
                if each.last_modified_at == sender.as_of
            )


@given(cases())
def test_what_was_said_of_a_number_is_never_forgotten(case):
    """It is an answer, or it failed before; only what was on its way for too long is neither."""
    found = registration_since(case.asks, case.events, case.seen)
    named = {s.phone_number for e in case.events for s in e.senders}
    old = {
        s.phone_number
        for e in case.events
        for s in e.senders
        if s.status not in {"FAILED", "FINISHED"}
    }
    assert named - set(found.senders) - set(found.failed_before) <= old
    assert not set(found.senders) & set(found.failed_before)


@given(cases(), MINUTE)
def test_more_words_from_before_the_ask_never_end_a_wait(case, minute):
    """An old failure of the account and of its numbers changes nothing that is awaited."""
    before = registration_since(case.asks, case.events, case.seen)
    old = event("FAILED", -10, {GOOD: "FAILED", BAD: "FAILED"}).model_copy(
        update={"received_at": at(-10 - abs(minute))}
    )
    after = registration_since(case.asks, [*case.events, old], case.seen)
    assert after.unanswered == before.unanswered
    assert after.shows_share == before.shows_share
    assert {n: s.status for n, s in after.senders.items()} == {
        n: s.status for n, s in before.senders.items()
    }
    assert after.is_settled <= before.is_settled or before.senders


@given(cases())
def test_without_anything_from_before_every_word_counts(case):
    """Then it is what it was without an ask."""
    fresh = [e for e in case.events if e.last_modified_at >= at(0) and e.received_at >= at(0)]
    asks = Asks(at(0))
    found = registration_since(asks, fresh, case.seen)
    plain = registration_from(fresh, case.seen)
    assert (found.status, found.senders) == (plain.status, plain.senders)


def test_what_is_on_its_way_counts_for_so_long_to_the_second():
    """Of one that has not ended, a word from before the ask is not too old at the limit."""
    limit = -DAY
    assert standing(ASKED, heard("IN_PROGRESS", limit))[1] == "IN_PROGRESS"
    assert standing(ASKED, heard("IN_PROGRESS", limit - 1))[1] is None


def test_a_number_that_was_asked_for_in_another_spelling_is_answered():
    """Mexican mobile numbers are written with a 1 and without."""
    asked = Asks(at(-60), at(0), {"525512345678": at(0)}, shares=(at(-50), at(1)))
    failed = heard("FAILED", 5, number="5215512345678")
    found = registration_since(asked, [failed])
    assert [each.status for each in found.senders.values()] == ["FAILED"]
    assert found.unanswered == frozenset()
    before = heard("FAILED", -55, number="5215512345678")
    assert registration_since(asked, [before]).senders == {}
    assert len(registration_since(asked, [before]).unanswered) == 1


def test_the_id_of_a_number_is_known_from_before_the_ask():
    """Although nothing else of that counts."""
    named = heard("FAILED", -10)
    (sender_then,) = named.senders
    answer = heard("FINISHED", 5)
    nameless = answer.model_copy(
        update={"senders": (answer.senders[0].model_copy(update={"phone_number_id": None}),)}
    )
    found = registration_since(ASKED, [named, nameless]).senders[GOOD]
    assert (found.status, found.phone_number_id) == ("FINISHED", sender_then.phone_number_id)
    assert registration_since(ASKED, [nameless]).senders[GOOD].phone_number_id is None
