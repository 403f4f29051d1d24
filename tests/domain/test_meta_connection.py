"""Whether a WABA is connected: Meta's latest word, and our own last read, whichever counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.meta import word
from tests.domain.samples import at
from waboard.domain.conditions import Status
from waboard.domain.meta_events.connection import (
    REASONS,
    Connection,
    connection_from,
    judge_connection,
    next_end,
)
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.words import OwnRead, Word
from waboard.domain.reasons import Reason
from waboard.domain.subscription import MADE, READ

NOW = at(10_000)
ADDED, REMOVED, BACK = "PARTNER_ADDED", "PARTNER_REMOVED", "ACCOUNT_RECONNECTED"


def said(event: str, minute: float | None, came: float = 5000, **value: Any) -> Word:
    """A word of Meta's of that minute, which came at another."""
    return word(event, None if minute is None else at(minute), at(came), **value)


def restricted(minute: float, until: float | None, kind: str = "RESTRICTED_BIZ_MESSAGING") -> Word:
    """A restriction of that minute, until another."""
    end = int(at(until).timestamp()) if until is not None else None
    info = [{"restriction_type": kind, "expiration": end}]
    return said("ACCOUNT_RESTRICTION", minute, restriction_info=info)


def shown(reason: Reason, minute: float) -> OwnRead:
    """What a look of ours showed at that minute."""
    return OwnRead(_status(reason), reason, "Seen.", READ, at(minute))


def made(minute: float) -> OwnRead:
    """A subscription that we made and read back at that minute."""
    reason = Reason.SUBSCRIPTION_READ_BACK
    return OwnRead(Status.TRUE, reason, "Made.", MADE, at(minute), at(minute))


def _status(reason: Reason) -> Status:
    if reason is Reason.SUBSCRIPTION_READ_BACK:
        return Status.TRUE
    return Status.UNKNOWN if reason is Reason.TOKEN_REFUSED else Status.FALSE


def reason_of(words: Sequence[Word], own: OwnRead | None = None, **how: Any) -> str | None:
    """Why `Connected` is as it is."""
    judged = judge_connection(words, own, how.pop("now", NOW), **how)
    return judged.reason if judged else None


THERE, GONE = Reason.SUBSCRIPTION_READ_BACK, Reason.SUBSCRIPTION_GONE
LEFT, UP = Reason.CLIENT_DISCONNECTED, Reason.PARTNER_ADDED
RESTRICTED, ENDED = Reason.ACCOUNT_RESTRICTED, Reason.RESTRICTION_ENDED

ANSWERS: list[tuple[str, list[Word], OwnRead | None, Reason | None]] = [
    ("nothing is known", [], None, None),
    ("only a read", [], shown(THERE, 5), THERE),
    ("only a word", [said(REMOVED, 5)], None, LEFT),
    ("the latest of words", [said(ADDED, 5), said(REMOVED, 6)], None, LEFT),
    ("words that come late and in order", [said(REMOVED, 6), said(ADDED, 5)], None, LEFT),
    ("the worse of one second", [said(REMOVED, 5), said(ADDED, 5)], None, LEFT),
    ("a word without a time is of its arrival", [said(REMOVED, None), said(ADDED, 9)], None, LEFT),
    ("a word after a read", [said(REMOVED, 6)], shown(THERE, 5), LEFT),
    ("a word before a subscription was made", [said(REMOVED, 4)], made(5), THERE),
    ("a word long before a read", [said(REMOVED, 5)], shown(THERE, 66), THERE),
    ("what is just over may be shown still", [said(REMOVED, 5)], shown(THERE, 64), LEFT),
    ("a read that shows a loss, after a word", [said(ADDED, 5)], shown(GONE, 6), GONE),
    ("a word after a read that showed a loss", [said(ADDED, 7)], shown(GONE, 6), UP),
    ("a loss and a word of one second", [said(ADDED, 6)], shown(GONE, 6), GONE),
    ("a read says more than a good word", [said(ADDED, 9)], shown(THERE, 5), THERE),
    ("what Meta said is lost, no look loses again", [said(REMOVED, 5)], shown(GONE, 9), LEFT),
    ("a restriction is still subscribed", [restricted(5, None)], shown(THERE, 9000), RESTRICTED),
    ("a restriction until later", [restricted(5, 10_001)], shown(THERE, 4), RESTRICTED),
    ("one that has ended uncovers a read", [restricted(5, 9999)], shown(THERE, 4), THERE),
    ("one that has ended uncovers a word", [restricted(5, 9999), said(ADDED, 4)], None, UP),
    ("one that ended before it was heard of", [restricted(5, 9999)], None, None),
    ("one that stops calls", [restricted(5, None, "RESTRICTED_USER_CALLING")], None, None),
    ("an app that is installed again", [said(REMOVED, 5), said(BACK, 6)], None, UP),
]


@pytest.mark.parametrize(("of", "words", "own", "reason"), ANSWERS, ids=[a[0] for a in ANSWERS])
def test_the_latest_evidence_counts_by_its_own_time(
    of: str, words: list[Word], own: OwnRead | None, reason: Reason | None
):
    for some in permutations(words):
        assert reason_of(some, own) == reason, of


def test_a_restriction_ends_by_itself_and_takes_back_what_was_held():
    words = [restricted(5, 100)]
    assert reason_of(words, now=at(99), is_held=True) == RESTRICTED
    assert reason_of(words, now=at(100), is_held=True) == ENDED
    assert (next_end(words, at(99)), next_end(words, at(100))) == (at(100), None)


def test_of_several_restrictions_each_ends_by_itself():
    words = [restricted(5, 100), restricted(6, 200)]
    assert [reason_of(words, now=at(minute)) for minute in (99, 150, 200)] == [
        RESTRICTED,
        RESTRICTED,
        None,
    ]
    both = (
        {"restriction_type": "A", "expiration": int(at(50).timestamp())},
        {"restriction_type": "B"},
    )
    judged = judge_connection([said("ACCOUNT_RESTRICTION", 5, restriction_info=both)], None, NOW)
    assert judged is not None
    assert judged.message == "Meta says: restricted (B)."


@pytest.mark.parametrize("expiration", [None, 0, "", -5, "soon", []])
def test_a_restriction_without_an_end_lasts(expiration: Any):
    info = [{"restriction_type": "RESTRICTED_UTILITY_TEMPLATES", "expiration": expiration}]
    assert reason_of([said("ACCOUNT_RESTRICTION", 5, restriction_info=info)]) == RESTRICTED


def test_what_was_lost_before_the_client_connected_again_is_over():
    words = [said(ADDED, 1), said(REMOVED, 5)]
    assert reason_of(words, since=at(5)) == LEFT
    assert reason_of(words, since=at(6)) == UP


def test_the_message_says_why_a_number_left():
    left = {"reason": "CHANGE_NUMBER", "initiated_by": "USER"}
    judged = judge_connection([said(REMOVED, 5, disconnection_info=left)], None, NOW)
    assert judged is not None
    assert judged.message == "Meta says: disconnected (CHANGE_NUMBER, by USER)."


def test_nobody_said_anything_about_a_connection():
    assert connection_from([]) is None
    assert connection_from([said("VERIFIED_ACCOUNT", 5)]) is None
    assert connection_from([said(ADDED, 5)]) == Connection(Meaning.START, "", at(5))


def test_every_meaning_that_has_to_do_with_it_has_a_reason():
    others = {
        Meaning.SOLUTION,
        Meaning.KEPT,
        Meaning.UNKNOWN,
        Meaning.REVIEWED,
        Meaning.NAMED,
        Meaning.TEMPLATE,
        Meaning.LIMIT,
        Meaning.NOTICE,
    }
    assert set(REASONS) == set(Meaning) - others


# Whatever comes in whatever order

MINUTES = st.integers(0, 300)
EVENTS = st.sampled_from([ADDED, REMOVED, BACK, "ACCOUNT_OFFBOARDED", "ACCOUNT_DELETED"])
WORDS = st.lists(
    st.one_of(
        st.builds(said, EVENTS, st.one_of(st.none(), MINUTES), came=MINUTES),
        st.builds(restricted, MINUTES, st.one_of(st.none(), MINUTES)),
    ),
    max_size=6,
)
READS = st.lists(
    st.one_of(
        st.builds(shown, st.sampled_from([THERE, GONE, LEFT, Reason.TOKEN_REFUSED]), MINUTES),
        st.builds(made, MINUTES),
    ),
    max_size=3,
    unique_by=lambda read: read.at,
)


def own_of(reads: Sequence[OwnRead]) -> OwnRead | None:
    own: OwnRead | None = None
    for read in reads:
        own = read.follow(own)
    return own


@given(WORDS, READS, st.randoms(use_true_random=False), MINUTES)
def test_the_end_depends_on_what_was_said_and_seen_and_not_on_its_order(
    words: list[Word], reads: list[OwnRead], random: Any, minute: int
):
    in_time = sorted(reads, key=lambda read: read.at)
    first = judge_connection(words, own_of(in_time), at(minute))
    random.shuffle(words)
    assert judge_connection(words, own_of(in_time), at(minute)) == first


@given(WORDS, READS, MINUTES)
def test_no_good_word_follows_what_is_said_to_be_lost(
    words: list[Word], reads: list[OwnRead], minute: int
):
    """Where no look of ours speaks, the end is up exactly where the latest word in force is."""
    now = at(minute)
    last = connection_from(words, now)
    judged = judge_connection(words, None, now)
    assert (judged is None) is (last is None)
    if last is not None and judged is not None:
        assert (judged.status is Status.TRUE) is last.is_up
        later = [w for w in words if w.second > last.second and w.meaning in REASONS]
        assert all(_has_ended(w, now) for w in later)


def _has_ended(word: Word, now: datetime) -> bool:
    restrictions = word.event.value.restriction_info
    return bool(restrictions) and all(r.expiration and r.expiration <= now for r in restrictions)


@given(WORDS, MINUTES, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_later_arrival_of_the_same_words_comes_to_the_same(
    words: list[Word], minute: int, late: timedelta
):
    """When we read them is no matter, but for those without a time."""
    dated = [w for w in words if w.event.time is not None]
    again = [Word(w.event, w.at) for w in dated]
    assert judge_connection(again, None, at(minute) + late) == judge_connection(
        list(reversed(dated)), None, at(minute) + late
    )


@pytest.mark.parametrize(("minutes", "reason"), [(59, LEFT), (60, THERE), (61, THERE)])
def test_a_read_outweighs_that_we_were_removed_after_an_hour(minutes: float, reason: Reason):
    assert reason_of([said(REMOVED, 5)], shown(THERE, 5 + minutes)) is reason


GONE_NOW = shown(GONE, 9)


@pytest.mark.parametrize(
    ("before", "now", "made_at"),
    [
        (None, shown(THERE, 5), None),
        (None, made(5), 5),
        (made(5), shown(THERE, 9), 5),
        (made(5), made(9), 9),
        (made(5), GONE_NOW, None),
        (GONE_NOW, made(10), 10),
    ],
)
def test_a_read_that_shows_the_same_keeps_when_it_was_made(
    before: OwnRead | None, now: OwnRead, made_at: float | None
):
    followed = now.follow(before)
    assert (followed.reason, followed.at) == (now.reason, now.at)
    assert followed.made_at == (None if made_at is None else at(made_at))


def test_an_older_read_follows_no_later_one():
    assert shown(THERE, 5).follow(GONE_NOW) is GONE_NOW
    same = shown(THERE, 9)
    assert same.follow(GONE_NOW) == same
