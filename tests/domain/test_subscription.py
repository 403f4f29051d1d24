"""Our subscription at Meta: what a look shows, and what follows."""

import pytest

from tests.domain.samples import T0, WABA
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.ids import WabaId
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer
from waboard.domain.subscription import (
    MOST_REFUSED,
    Seen,
    Shown,
    WatchedWaba,
    compare_subscription,
    is_our_own_trouble,
    is_to_be_made_again,
    read_of,
    refusal_of,
)

GONE, THERE, REMOVED = Seen(Shown.GONE), Seen(Shown.THERE), Seen(Shown.REMOVED)
REFUSED, UNSEEN = Seen(Shown.TOKEN_REFUSED), Seen(Shown.UNSEEN, "Meta did not answer.")


def waba(reason: Reason | None, status: Status = Status.FALSE) -> WatchedWaba:
    """One of which this is held of our subscription."""
    held = reason and Condition(ConditionType.CONNECTED, status, reason, "", "test", T0)
    conditions = {ConditionType.CONNECTED: held} if held else {}
    return WatchedWaba("1", "acme", WabaId(WABA), None, conditions, {})


UP = waba(Reason.SUBSCRIPTION_READ_BACK, Status.TRUE)


@pytest.mark.parametrize(
    ("code", "subcode", "shown"),
    [
        (190, 463, Shown.TOKEN_REFUSED),
        (0, None, Shown.TOKEN_REFUSED),
        (10, None, Shown.REMOVED),
        (200, None, Shown.REMOVED),
        (299, None, Shown.REMOVED),
        (33, None, Shown.REMOVED),
        (9, None, Shown.UNSEEN),
        (11, None, Shown.UNSEEN),
        (199, None, Shown.UNSEEN),
        (300, None, Shown.UNSEEN),
        (1, None, Shown.UNSEEN),
        (190, None, Shown.TOKEN_REFUSED),
        (100, 34, Shown.UNSEEN),
        (100, 33, Shown.REMOVED),
        (100, None, Shown.UNSEEN),
        (80007, None, Shown.UNSEEN),
        (2, None, Shown.UNSEEN),
        (None, None, Shown.UNSEEN),
    ],
)
def test_a_refusal_shows_by_its_code_what_became_of_us(
    code: int | None, subcode: int | None, shown: Shown
):
    assert refusal_of(code, subcode) is shown


@pytest.mark.parametrize(
    ("held", "seen", "reason"),
    [
        (UP, THERE, Reason.SUBSCRIPTION_READ_BACK),
        (UP, GONE, Reason.SUBSCRIPTION_GONE),
        (UP, REMOVED, Reason.CLIENT_DISCONNECTED),
        (UP, REFUSED, Reason.TOKEN_REFUSED),
        (UP, UNSEEN, None),
        (waba(None), THERE, Reason.SUBSCRIPTION_READ_BACK),
        (waba(None), GONE, Reason.SUBSCRIPTION_GONE),
        (waba(None), REMOVED, None),
        (waba(None), REFUSED, None),
        (waba(None), UNSEEN, None),
    ],
)
def test_what_a_look_shows(held: WatchedWaba, seen: Seen, reason: Reason | None):
    """Of a client of which nothing is held, that we cannot get at its WABA is no loss."""
    read = read_of(held, seen)
    assert (read.reason if read else None) is reason


@pytest.mark.parametrize(
    ("held", "again"),
    [
        (UP, True),
        (waba(Reason.SUBSCRIPTION_REFUSED, Status.UNKNOWN), True),
        (waba(Reason.ACCOUNT_RESTRICTED), True),
        (waba(Reason.CLIENT_DISCONNECTED), False),
        (waba(Reason.ACCOUNT_SUSPENDED), True),
        (waba(Reason.ACCOUNT_BANNED), False),
        (waba(Reason.ACCOUNT_DELETED), False),
        (waba(None), True),
    ],
)
def test_it_is_made_again_unless_the_client_has_ended_it(held: WatchedWaba, again: bool):
    assert is_to_be_made_again(held, GONE) is again
    assert not is_to_be_made_again(held, THERE)


@pytest.mark.parametrize(
    ("held", "seen", "judged", "answer"),
    [
        (UP, THERE, Status.TRUE, Answer.YES),
        (UP, GONE, Status.FALSE, Answer.NO),
        (UP, REMOVED, Status.FALSE, Answer.NO),
        (UP, REFUSED, Status.UNKNOWN, Answer.NO),
        (UP, UNSEEN, None, Answer.UNKNOWN),
        (waba(Reason.CLIENT_DISCONNECTED), THERE, Status.FALSE, Answer.UNKNOWN),
        (waba(Reason.CLIENT_DISCONNECTED), THERE, Status.TRUE, Answer.YES),
        (waba(Reason.ACCOUNT_RESTRICTED), THERE, Status.FALSE, Answer.YES),
        (waba(None), THERE, Status.TRUE, Answer.YES),
        (waba(None), GONE, Status.FALSE, Answer.NO),
        (waba(None), REMOVED, None, Answer.UNKNOWN),
        (waba(None), REFUSED, None, Answer.UNKNOWN),
    ],
)
def test_a_look_is_an_answer(held: WatchedWaba, seen: Seen, judged: Status | None, answer: Answer):
    assert compare_subscription(held, seen, judged).answer is answer


def test_many_refused_at_once_are_our_own_trouble():
    """The app has lost its permission: its clients have not all left in the same hour."""
    assert not is_our_own_trouble([(UP, REMOVED)] * 4)
    refused = [(UP, REMOVED)] * 5
    assert is_our_own_trouble(refused)
    assert not is_our_own_trouble(refused[1:])
    assert not is_our_own_trouble([*refused, *[(UP, THERE)] * MOST_REFUSED])
    assert is_our_own_trouble([*refused, *[(UP, THERE)] * (MOST_REFUSED - 1)])


@pytest.mark.parametrize(
    ("seen", "ours"), [(REFUSED, True), (REMOVED, True), (GONE, False), (UNSEEN, False)]
)
def test_only_being_refused_is_our_own_trouble(seen: Seen, ours: bool):
    assert is_our_own_trouble([(UP, seen)] * MOST_REFUSED) is ours


def test_those_who_left_before_do_not_count():
    left = waba(Reason.CLIENT_DISCONNECTED)
    assert not is_our_own_trouble([(left, REMOVED)] * 100)
    assert is_our_own_trouble([(left, REMOVED)] * 100 + [(UP, REFUSED)] * MOST_REFUSED)
