"""How a WABA and its numbers stand at Meta, and which of it is a loss."""

import pytest

from waboard.domain.conditions import Status
from waboard.domain.health import (
    Entity,
    NumberHealth,
    Sendability,
    WabaHealth,
    is_news,
    sendability,
    verdict_on_number,
    verdict_on_waba,
)
from waboard.domain.reasons import Reason


def entities(**can_send: str) -> list[Entity]:
    return [Entity(kind, said, f"Error of {kind}.") for kind, said in can_send.items()]


def test_the_worst_of_those_who_let_messages_through_counts():
    found = sendability("BLOCKED", entities(PHONE_NUMBER="LIMITED", WABA="BLOCKED"))
    assert found == Sendability("BLOCKED", "WABA", "Error of PHONE_NUMBER. Error of WABA.")


def test_our_own_app_counts_not():
    """Where the partner alone sends, Meta says that ours may not: of every client."""
    found = sendability("BLOCKED", entities(WABA="AVAILABLE", APP="BLOCKED"))
    assert found == Sendability("AVAILABLE")
    assert sendability("BLOCKED", entities(APP="BLOCKED")) == Sendability()


def test_without_entities_the_overall_word_counts():
    assert sendability("LIMITED", []) == Sendability("LIMITED")


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (NumberHealth("CONNECTED", can_send="AVAILABLE"), Status.TRUE),
        (NumberHealth("CONNECTED", can_send="LIMITED"), Status.TRUE),
        (NumberHealth("CONNECTED"), Status.TRUE),
        (NumberHealth("BANNED", can_send="AVAILABLE"), Status.FALSE),
        (NumberHealth("RESTRICTED"), Status.FALSE),
        (NumberHealth("CONNECTED", can_send="BLOCKED"), Status.FALSE),
    ],
)
def test_a_number_is_lost_when_meta_lets_nothing_through(number: NumberHealth, status: Status):
    verdict = verdict_on_number(number)
    assert verdict is not None
    assert verdict.status is status


@pytest.mark.parametrize(
    "number",
    [NumberHealth(), NumberHealth("MIGRATED"), NumberHealth("CONNECTED", can_send="MAYBE")],
)
def test_what_meta_does_not_say_is_never_acted_on(number: NumberHealth):
    assert verdict_on_number(number) is None


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        ("PHONE_NUMBER", Reason.NUMBER_BLOCKED),
        ("WABA", Reason.WABA_BLOCKED),
        ("BUSINESS", Reason.WABA_BLOCKED),
    ],
)
def test_a_blocked_number_says_what_blocks_it(by: str, reason: Reason):
    verdict = verdict_on_number(NumberHealth("CONNECTED", can_send="BLOCKED", blocked_by=by))
    assert verdict is not None
    assert verdict.reason is reason


@pytest.mark.parametrize(
    ("review", "status"),
    [
        ("APPROVED", Status.TRUE),
        ("REJECTED", Status.FALSE),
        ("RESTRICTED", Status.FALSE),
        ("PENDING", None),
        ("", None),
    ],
)
def test_a_waba_is_judged_by_its_review(review: str, status: Status | None):
    verdict = verdict_on_waba(WabaHealth(review))
    assert (verdict.status if verdict else None) is status


def test_only_a_loss_is_news_of_what_was_never_lost():
    well, lost = verdict_on_waba(WabaHealth("APPROVED")), verdict_on_waba(WabaHealth("REJECTED"))
    assert [is_news(v, None) for v in (well, lost, None)] == [False, True, False]
    assert [is_news(v, True) for v in (well, lost, None)] == [False, True, False]
    assert [is_news(v, False) for v in (well, lost, None)] == [True, False, False]


def test_a_number_is_shown_in_metas_words():
    whole = NumberHealth("CONNECTED", "GREEN", "APPROVED", "LIMITED", "WABA", "Pay first.")
    assert str(whole) == (
        "Meta shows it as CONNECTED, quality GREEN, name APPROVED, may send: LIMITED. Pay first."
    )
    assert str(NumberHealth()) == (
        "Meta shows it as no status, quality not shown, name not shown, may send: not shown."
    )


def test_a_waba_is_shown_in_metas_words():
    assert str(WabaHealth("APPROVED", "BLOCKED", "Pay first.")) == (
        "Meta shows it with review APPROVED, may send: BLOCKED. Pay first."
    )
    assert str(WabaHealth()) == "Meta shows it with review not shown, may send: not shown."


def test_a_word_that_nobody_knows_is_as_good_as_none():
    assert sendability("BLOCKED", entities(WABA="MAYBE")) == Sendability()
    found = sendability("BLOCKED", entities(WABA="MAYBE", BUSINESS="LIMITED"))
    assert found == Sendability("LIMITED", "BUSINESS", "Error of BUSINESS.")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (NumberHealth("BANNED", blocked_by="WABA"), Reason.NUMBER_BLOCKED),
        (NumberHealth("BANNED", can_send="BLOCKED", blocked_by="WABA"), Reason.WABA_BLOCKED),
        (NumberHealth("BANNED", can_send="LIMITED", blocked_by="WABA"), Reason.NUMBER_BLOCKED),
    ],
)
def test_a_number_that_is_banned_itself_is_not_blocked_by_its_waba(
    number: NumberHealth, reason: Reason
):
    verdict = verdict_on_number(number)
    assert verdict is not None
    assert verdict.reason is reason
