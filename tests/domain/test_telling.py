"""What the provider's own system is told: of every condition, and of nothing that nobody knows."""

import pytest

from tests.domain.samples import BAD, GOOD, T0, at, live_sender, not_true, onboarding, sender
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.outcome import outcome_of
from waboard.domain.reasons import Reason
from waboard.domain.telling import (
    LIVE,
    OF_ONBOARDING,
    TURNS,
    grammar,
    is_same_end,
    outcome_data,
    outcome_type,
    turn_data,
    turn_of,
    waiting_data,
)
from waboard.domain.waits import OpenWait, WaitKind

SILENT = {ConditionType.NOTIFIED}


def known(
    kind: ConditionType, status: Status, reason: str = Reason.SHARE_ACCEPTED, minute: float = 0
) -> Condition:
    return Condition(kind, status, reason, "Said.", "event 1", at(minute))


def subject_of(kind: ConditionType) -> str:
    return "" if kind in OF_ONBOARDING else GOOD


@pytest.mark.parametrize("status", [Status.TRUE, Status.FALSE])
@pytest.mark.parametrize("kind", ConditionType)
def test_every_conditions_turn_is_told_under_a_name_of_its_own(kind: ConditionType, status: Status):
    said = turn_of(subject_of(kind), None, known(kind, status))
    assert (said is None) == (kind in SILENT)
    assert said is None or f"| `{said}` | `{kind}` became `{status}` |" in grammar()


def test_no_two_turns_have_the_same_name():
    names = [word for words in TURNS.values() if words for word in words]
    assert len(set(names)) == len(names)
    assert set(TURNS) == set(ConditionType)


@pytest.mark.parametrize("kind", ConditionType)
@pytest.mark.parametrize("before", [None, *Status])
def test_that_something_is_unknown_is_told_to_nobody(kind: ConditionType, before: Status | None):
    old = known(kind, before) if before else None
    assert turn_of(subject_of(kind), old, known(kind, Status.UNKNOWN)) is None


SHARED = ConditionType.SHARED
CONNECTED = ConditionType.CONNECTED


def test_what_was_true_and_is_true_for_another_reason_is_no_news():
    old = known(SHARED, Status.TRUE)
    assert turn_of("", old, known(SHARED, Status.TRUE, Reason.REGISTRATION_SEEN)) is None


def test_what_is_false_for_another_reason_is_told_again():
    """An account that was restricted is banned."""
    old = known(CONNECTED, Status.FALSE, Reason.ACCOUNT_RESTRICTED)
    assert turn_of("", old, known(CONNECTED, Status.FALSE, Reason.ACCOUNT_BANNED))
    assert turn_of("", old, known(CONNECTED, Status.FALSE, Reason.ACCOUNT_RESTRICTED)) is None


@pytest.mark.parametrize("before", [Status.FALSE, Status.UNKNOWN])
def test_what_turns_to_true_is_told_whatever_it_was(before: Status):
    old = known(ConditionType.VERIFIED, before)
    new = known(ConditionType.VERIFIED, Status.TRUE)
    assert turn_of(GOOD, old, new) == "sender.verified"


def test_a_turn_says_of_whom_and_why():
    data = turn_data(GOOD, known(ConditionType.VERIFIED, Status.FALSE, Reason.MESSAGE_EXPIRED))
    assert data == {
        "phone_number": GOOD,
        "status": "False",
        "reason": "MessageExpired",
        "message": "Said.",
    }
    assert turn_data("", known(SHARED, Status.TRUE))["phone_number"] is None


@pytest.mark.parametrize("kind", WaitKind)
def test_a_wait_says_for_what_from_whom_and_until_when(kind: WaitKind):
    data = waiting_data(OpenWait(kind, T0, at(10), at(60)))
    assert (data["waits_for"], data["until"]) == (kind, at(60).isoformat())
    assert data["awaiting"]
    assert data["remedy"]


def half(message: str = "HTTP 503", **fields: object):
    failed = not_true(ConditionType.REGISTERED, Reason.REGISTRATION_FAILED, message)
    return onboarding(senders=(live_sender(), sender(BAD, failed)), **fields)


def test_an_outcome_says_who_is_live_and_what_is_missing():
    data = outcome_data(half(), outcome_of(half()))
    assert outcome_type(outcome_of(half())) == LIVE
    assert [each["live"] for each in data["senders"]] == [True, False]
    assert [each["phone_number"] for each in data["requirements"]] == [BAD]


def test_the_same_end_is_the_same_whatever_words_a_provider_used():
    data = outcome_data(half(), outcome_of(half()))
    other = outcome_data(half("timeout"), outcome_of(half("timeout")))
    assert is_same_end(data, other)
    assert not is_same_end(data, {**other, "requirements": []})
    assert not is_same_end(data, {**other, "outcome": "Live"})


def test_that_nobody_could_be_told_is_not_told():
    """Else each telling that failed would make another end of it."""
    failed = not_true(ConditionType.NOTIFIED, Reason.RECEIVER_FAILED)
    told = half(conditions={ConditionType.NOTIFIED: failed})
    assert is_same_end(
        outcome_data(told, outcome_of(told)), outcome_data(half(), outcome_of(half()))
    )


@pytest.mark.parametrize("before", [None, Status.TRUE, Status.UNKNOWN])
def test_what_turns_to_false_is_told_whatever_it_was(before: Status | None):
    """Also for the same reason as what it was for."""
    old = known(ConditionType.CONNECTED, before) if before else None
    told = turn_of("", old, known(ConditionType.CONNECTED, Status.FALSE))
    assert told == f"onboarding.{TURNS[ConditionType.CONNECTED][1]}"


def test_an_outcome_that_an_outage_delays_says_since_when_and_until_when():
    away = not_true(ConditionType.REGISTERED, Reason.PROVIDER_UNAVAILABLE, Status.UNKNOWN)
    delayed = onboarding(senders=(sender(GOOD, away),))
    data = outcome_data(delayed, outcome_of(delayed))
    assert (data["since"], data["until"]) == (T0.isoformat(), at(3 * 24 * 60).isoformat())
    assert "since" not in outcome_data(half(), outcome_of(half()))


def test_another_sender_that_is_live_is_another_end():
    data = outcome_data(half(), outcome_of(half()))
    assert not is_same_end(data, {**data, "senders": data["senders"][:1]})
    (needed,) = data["requirements"]
    for field in ("condition", "phone_number", "reason"):
        assert not is_same_end(data, {**data, "requirements": [{**needed, field: "other"}]})
    assert is_same_end(data, {**data, "requirements": [{**needed, "remedy": "other"}]})


def test_these_are_told_of_an_onboarding_and_all_others_of_its_senders():
    kinds = set(ConditionType) - SILENT
    of_senders = {kind for kind in kinds if f"| `sender.{TURNS[kind][0]}` |" in grammar()}
    assert of_senders == {
        ConditionType.REGISTERED,
        ConditionType.OWNED,
        ConditionType.ASSOCIATED,
        ConditionType.RECEIVES,
        ConditionType.VERIFIED,
        ConditionType.USABLE,
        ConditionType.HEALTHY,
        ConditionType.NAME_APPROVED,
    }
    of_both = {kind for kind in of_senders if f"| `onboarding.{TURNS[kind][0]}` |" in grammar()}
    assert of_both == {ConditionType.HEALTHY}
