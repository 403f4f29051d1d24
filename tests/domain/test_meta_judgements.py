"""What Meta's words and our own reads come to: the name, the review, the template, the limit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.meta import NUMBER, change, read
from tests.domain.samples import NAMED, T0, WABA, at, live_sender, not_true
from waboard.domain.conditions import Condition, Status
from waboard.domain.health import NumberHealth, WabaHealth
from waboard.domain.meta_events.limits import limit_from
from waboard.domain.meta_events.meanings import MEANINGS, Field
from waboard.domain.meta_events.names import judge_name
from waboard.domain.meta_events.notices import Notice, notices_from
from waboard.domain.meta_events.review import judge_review
from waboard.domain.meta_events.saying import about_number
from waboard.domain.meta_events.template import (
    IN_REVIEW,
    LOST,
    NEVER_MADE,
    UNCHANGED,
    USABLE,
    judge_template,
)
from waboard.domain.meta_events.words import OwnRead, Word
from waboard.domain.reasons import Reason

TEMPLATE_FIELD = "message_template_status_update"


def said(minute: float, field: str, event: str = "", **value: Any) -> Word:
    """A word of that minute."""
    time = int(at(minute).timestamp())
    return read(change(event, time, WABA, field, **value), received_at=at(1000))[0]


def named(minute: float, decision: str, **value: Any) -> Word:
    return said(minute, "phone_number_name_update", decision=decision, **value)


def reviewed(minute: float, decision: str) -> Word:
    return said(minute, "account_review_update", decision=decision)


# The display name

OF_NAMES: list[tuple[list[Word], tuple[str, float] | None, Reason | None]] = [
    ([], None, None),
    ([], ("APPROVED", 5), None),
    ([], ("", 5), None),
    ([], ("DECLINED", 5), Reason.NAME_DECLINED),
    ([], ("PENDING_REVIEW", 5), Reason.NAME_IN_REVIEW),
    ([named(5, "APPROVED")], None, Reason.NAME_APPROVED),
    ([named(5, "REJECTED")], None, Reason.NAME_DECLINED),
    ([named(5, "DEFERRED")], None, Reason.NAME_IN_REVIEW),
    ([named(5, "REJECTED"), named(6, "APPROVED")], None, Reason.NAME_APPROVED),
    ([named(5, "REJECTED"), named(5, "APPROVED")], None, Reason.NAME_DECLINED),
    ([named(5, "REJECTED"), named(6, "PENDING")], None, Reason.NAME_DECLINED),
    ([named(5, "APPROVED"), named(6, "PENDING")], None, Reason.NAME_APPROVED),
    ([named(5, "REJECTED")], ("APPROVED", 6), Reason.NAME_APPROVED),
    ([named(5, "REJECTED")], ("APPROVED", 4), Reason.NAME_DECLINED),
    ([named(5, "REJECTED")], ("AVAILABLE_WITHOUT_REVIEW", 6), Reason.NAME_APPROVED),
    ([named(5, "APPROVED")], ("DECLINED", 6), Reason.NAME_DECLINED),
    ([named(5, "REJECTED")], ("NONE", 6), Reason.NAME_DECLINED),
]


@pytest.mark.parametrize(("words", "shown", "reason"), OF_NAMES)
def test_the_latest_decision_on_a_name_counts(
    words: list[Word], shown: tuple[str, float] | None, reason: Reason | None
):
    health = NumberHealth(name_status=shown[0]) if shown else None
    for some in (words, words[::-1]):
        verdict = judge_name(some, health, at(shown[1]) if shown else None, None)
        assert (verdict.reason if verdict else None) is reason


def test_a_name_that_was_never_read_says_nothing():
    """What is shown counts with when it was."""
    assert judge_name([], NumberHealth(name_status="DECLINED"), None, None) is None


def test_a_name_is_judged_in_metas_words():
    (told, shown) = (
        judge_name([named(5, "REJECTED", rejection_reason="NAME_FORMAT")], None, None, None),
        judge_name([], NumberHealth(name_status="DECLINED"), at(5), None),
    )
    assert told is not None
    assert told.message == "Meta's decision on the display name: REJECTED (NAME_FORMAT)."
    assert shown is not None
    assert shown.message == "Meta shows the display name as DECLINED."


def test_a_name_that_was_lost_is_held_until_it_is_approved():
    lost = not_true(NAMED, Reason.NAME_DECLINED)
    verdict = judge_name([], NumberHealth(name_status="APPROVED"), at(5), lost)
    assert verdict is not None
    assert verdict.status is Status.TRUE


@pytest.mark.parametrize(
    ("status", "reason", "is_live"),
    [
        (Status.FALSE, Reason.NAME_DECLINED, False),
        (Status.UNKNOWN, Reason.NAME_IN_REVIEW, True),
        (Status.TRUE, Reason.NAME_APPROVED, True),
    ],
)
def test_only_a_declined_name_keeps_a_sender_from_being_live(
    status: Status, reason: Reason, is_live: bool
):
    name = Condition(NAMED, status, reason, "", "webhook of Meta's", T0)
    sender = live_sender()
    sender.conditions[NAMED] = name
    assert sender.is_live is is_live


def test_a_name_is_of_the_number_with_its_digits():
    words = [named(5, "REJECTED", display_phone_number="+1 (313) 513-8538")]
    assert about_number(words, NUMBER) == words
    assert about_number(words, "13135138539") == []
    assert about_number([named(5, "REJECTED")], "") == []


# The review


@pytest.mark.parametrize(
    ("words", "shown", "status"),
    [
        ([], None, None),
        ([reviewed(5, "APPROVED")], None, None),
        ([reviewed(5, "REJECTED")], None, Status.FALSE),
        ([reviewed(5, "REJECTED"), reviewed(6, "APPROVED")], None, None),
        ([reviewed(5, "REJECTED"), reviewed(6, "PENDING")], None, Status.FALSE),
        ([reviewed(5, "REJECTED")], ("APPROVED", 6), None),
        ([reviewed(5, "REJECTED")], ("APPROVED", 4), Status.FALSE),
        ([reviewed(5, "APPROVED")], ("REJECTED", 6), Status.FALSE),
        ([reviewed(5, "REJECTED")], ("PENDING", 6), Status.FALSE),
    ],
)
def test_the_latest_decision_of_a_review_counts(
    words: list[Word], shown: tuple[str, float] | None, status: Status | None
):
    health = WabaHealth(review=shown[0]) if shown else None
    for some in (words, words[::-1]):
        verdict = judge_review(some, health, at(shown[1]) if shown else None, None)
        assert (verdict.status if verdict else None) is status


# The template


def own(reason: Reason, minute: float) -> OwnRead:
    """What we saw of the template at that minute."""
    statuses = {Reason.TEMPLATE_APPROVED: Status.TRUE, Reason.TEMPLATE_PENDING: Status.UNKNOWN}
    status = statuses.get(reason, Status.FALSE)
    return OwnRead(status, reason, "Seen.", "template 1", at(minute))


APPROVED, PENDING = Reason.TEMPLATE_APPROVED, Reason.TEMPLATE_PENDING
LOST_NOW, REJECTED = Reason.TEMPLATE_LOST, Reason.TEMPLATE_REJECTED


@pytest.mark.parametrize(
    ("events", "seen", "reason"),
    [
        ([], own(PENDING, 5), PENDING),
        ([(6, "APPROVED")], own(PENDING, 5), APPROVED),
        ([(6, "REJECTED")], own(PENDING, 5), REJECTED),
        ([(6, "LIMIT_EXCEEDED")], own(PENDING, 5), REJECTED),
        ([(4, "APPROVED")], own(PENDING, 5), PENDING),
        ([(6, "PAUSED")], own(APPROVED, 5), LOST_NOW),
        ([(6, "PAUSED"), (7, "REINSTATED")], own(APPROVED, 5), APPROVED),
        ([(6, "ARCHIVED"), (7, "UNARCHIVED")], own(APPROVED, 5), APPROVED),
        ([(6, "PAUSED"), (7, "LOCKED")], own(APPROVED, 5), LOST_NOW),
        ([(6, "PAUSED")], own(APPROVED, 7), APPROVED),
        ([(6, "REJECTED"), (6, "APPROVED")], own(PENDING, 5), LOST_NOW),
        ([(6, "DELETED")], own(APPROVED, 5), LOST_NOW),
        ([(6, "APPROVED"), (7, "LIMIT_EXCEEDED")], own(PENDING, 5), APPROVED),
    ],
)
def test_the_latest_of_a_template_counts(
    events: list[tuple[float, str]], seen: OwnRead, reason: Reason
):
    words = [said(minute, TEMPLATE_FIELD, event) for minute, event in events]
    for some in (words, words[::-1]):
        judged = judge_template(some, seen)
        assert judged is not None
        assert judged.reason == reason


def test_a_pause_that_is_over_is_told_beside_the_event():
    over = said(6, TEMPLATE_FIELD, "LOCKED", other_info={"title": "UNPAUSE"})
    judged = judge_template([over], own(LOST_NOW, 5))
    assert judged is not None
    assert judged.reason == APPROVED


def test_metas_words_on_a_template_begin_nothing():
    assert judge_template([said(6, TEMPLATE_FIELD, "APPROVED")], None) is None


def test_every_event_of_a_template_says_whether_it_can_be_sent():
    kinds = (USABLE - {"UNPAUSE"}, LOST, IN_REVIEW, NEVER_MADE, UNCHANGED)
    events = MEANINGS[Field.MESSAGE_TEMPLATE_STATUS_UPDATE]
    assert sorted(event for kind in kinds for event in kind) == sorted(events)


EVENTS = st.tuples(
    st.integers(0, 20), st.sampled_from(sorted(MEANINGS[Field.MESSAGE_TEMPLATE_STATUS_UPDATE]))
)


@given(st.lists(EVENTS, max_size=5), st.randoms(use_true_random=False), st.integers(0, 20))
def test_of_a_template_the_order_of_words_does_not_matter(
    events: list[tuple[int, str]], random: Any, minute: int
):
    words = [said(at_minute, TEMPLATE_FIELD, event) for at_minute, event in events]
    first = judge_template(words, own(PENDING, minute))
    random.shuffle(words)
    assert judge_template(words, own(PENDING, minute)) == first


# Limits and notices


def test_the_latest_limit_counts_whatever_its_form():
    quality, capability = "phone_number_quality_update", "business_capability_update"
    words = [
        said(6, quality, "UPGRADE", current_limit="TIER_1K"),
        said(5, quality, "DOWNGRADE", current_limit="TIER_250"),
    ]
    for some in (words, words[::-1]):
        limit = limit_from(some)
        assert limit is not None
        assert (limit.value, limit.said_at) == ("TIER_1K", at(6))
    legacy = limit_from([said(5, capability, max_daily_conversation_per_phone=1000)])
    assert legacy is not None
    assert legacy.value == "1000"
    assert limit_from([said(5, capability)]) is None


def test_a_notice_is_shown_until_its_end_or_for_a_month():
    calls = {"restriction_type": "RESTRICTED_X_CALLING", "expiration": int(at(60).timestamp())}
    words = [
        said(5, "account_update", "ACCOUNT_RESTRICTION", restriction_info=[calls]),
        said(6, "security", "PIN_CHANGED", display_phone_number=NUMBER),
    ]
    pin, restriction = notices_from(words)
    assert (pin.is_grave, restriction.is_grave) == (True, False)
    assert [restriction.is_shown(at(minute)) for minute in (59, 60)] == [True, False]
    month = 30 * 24 * 60
    assert [pin.is_shown(at(minute)) for minute in (month, month + 7)] == [True, False]


def alert(minute: float, kind: str, status: str = "ACTIVE", **more: Any) -> Word:
    info = {"alert_type": kind, "alert_status": status, **more}
    return said(minute, "account_alerts", entity_type="WABA", entity_id=WABA, alert_info=info)


def texts(*words: Word) -> list[str]:
    return [notice.said for notice in notices_from(words)]


def test_an_alert_says_how_severe_it_is_and_of_what():
    warned = alert(5, "OBA_REJECTED", alert_severity="WARNING", alert_description="Not granted.")
    grave = alert(6, "UNPAID", alert_severity="CRITICAL")
    assert notices_from([warned, grave]) == (
        Notice(at(6), "Meta warns (CRITICAL): UNPAID.", is_grave=True),
        Notice(at(5), "Meta warns (WARNING): OBA_REJECTED: Not granted."),
    )
    assert texts(alert(5, "")) == ["Meta warns (an alert): it does not say of what."]


@pytest.mark.parametrize(
    ("over", "shown"),
    [
        (alert(6, "UNPAID", "NONE"), False),
        (alert(5, "UNPAID", "NONE"), False),
        (alert(4, "UNPAID", "NONE"), True),
        (alert(6, "OTHER", "NONE"), True),
    ],
)
def test_an_alert_ends_by_a_later_word_of_the_same_kind(over: Word, shown: bool):
    assert bool(notices_from([alert(5, "UNPAID"), over])) is shown


def test_that_an_alert_is_over_ends_nothing_but_alerts():
    pin = said(5, "security", "PIN_CHANGED", entity_id=WABA, alert_info={"alert_type": "UNPAID"})
    assert len(notices_from([pin, alert(6, "UNPAID", "NONE")])) == 1


@pytest.mark.parametrize(
    ("event", "says", "is_grave"),
    [
        ("PIN_CHANGED", "Somebody changed the PIN of …8538 (PIN_CHANGED).", True),
        (
            "PIN_RESET_REQUEST",
            "Somebody asked to reset the PIN of …8538 (PIN_RESET_REQUEST).",
            False,
        ),
        (
            "PIN_REQUEST_SUCCESS",
            "The PIN of …8538 was reset, as asked (PIN_REQUEST_SUCCESS).",
            False,
        ),
    ],
)
def test_what_happens_to_a_pin_is_said(event: str, says: str, is_grave: bool):
    (notice,) = notices_from([said(5, "security", event, display_phone_number=NUMBER)])
    assert (notice.said, notice.is_grave, notice.blocks_adding) == (says, is_grave, False)


@pytest.mark.parametrize("event", ["PIN_SOMETHING", ""])
def test_what_nobody_documents_of_a_pin_is_no_notice(event: str):
    assert texts(said(5, "security", event)) == []


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("FLAGGED", ["The quality of …8538 is low (FLAGGED)."]),
        ("DOWNGRADE", ["The limit of …8538 was lowered (DOWNGRADE)."]),
        ("UPGRADE", []),
        ("UNFLAGGED", []),
    ],
)
def test_only_a_turn_to_the_worse_of_a_number_is_said(event: str, says: list[str]):
    field = "phone_number_quality_update"
    assert texts(said(5, field, event, display_phone_number=NUMBER)) == says


def test_flagged_is_a_word_of_templates_too_and_says_nothing_of_a_number():
    assert texts(said(5, TEMPLATE_FIELD, "FLAGGED", display_phone_number=NUMBER)) == []


def test_a_restriction_is_a_notice_where_it_stops_no_messages():
    kinds = ["RESTRICTED_ADD_PHONE_NUMBER_ACTION", "RESTRICTED_X_CALLING", "RESTRICTED_BIZ"]
    info = [{"restriction_type": kind, "expiration": None} for kind in kinds]
    word = said(5, "account_update", "ACCOUNT_RESTRICTION", restriction_info=info)
    adding, calls = notices_from([word])
    assert calls.said == "Calls are restricted, messages are not: RESTRICTED_X_CALLING."
    assert adding.said == "No number can be added: RESTRICTED_ADD_PHONE_NUMBER_ACTION."
    assert (calls.blocks_adding, adding.blocks_adding) == (False, True)
