"""What Meta's webhooks say of a WABA and of the partner solution."""

import json
from itertools import permutations
from typing import Any

import pytest

from tests.domain.samples import WABA
from waboard.domain.account import (
    REASONS,
    Connection,
    Meaning,
    MetaEvent,
    changes_in,
    connection_from,
)
from waboard.domain.facts import meta_facts, read_again

PORTFOLIO, OUR_PORTFOLIO = "506914307656634", "700000000000001"


def change(event: str, time: int = 100, entry: str = OUR_PORTFOLIO, **value: Any) -> dict[str, Any]:
    return {
        "id": entry,
        "time": time,
        "changes": [{"field": "account_update", "value": {"event": event, **value}}],
    }


def body(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"object": "whatsapp_business_account", "entry": list(entries)}).encode()


def info(waba_id: str = WABA) -> dict[str, Any]:
    return {"waba_id": waba_id, "owner_business_id": PORTFOLIO}


def read(*entries: dict[str, Any]) -> list[MetaEvent]:
    return [MetaEvent.model_validate_json(fact.body) for fact in meta_facts(body(*entries))]


@pytest.mark.parametrize(
    ("event", "value", "meaning"),
    [
        ("PARTNER_ADDED", {}, Meaning.START),
        ("PARTNER_APP_INSTALLED", {}, Meaning.CONNECTED),
        ("ACCOUNT_RECONNECTED", {}, Meaning.CONNECTED),
        ("PARTNER_REMOVED", {}, Meaning.DISCONNECTED),
        ("PARTNER_APP_UNINSTALLED", {}, Meaning.DISCONNECTED),
        ("ACCOUNT_DELETED", {}, Meaning.DELETED),
        ("ACCOUNT_OFFBOARDED", {}, Meaning.SUSPENDED),
        ("ACCOUNT_RESTRICTION", {}, Meaning.RESTRICTED),
        ("ACCOUNT_VIOLATION", {}, Meaning.RESTRICTED),
        ("DISABLED_UPDATE", {"ban_info": {"waba_ban_state": "DISABLE"}}, Meaning.BANNED),
        ("DISABLED_UPDATE", {"ban_info": {"waba_ban_state": "REINSTATE"}}, Meaning.CONNECTED),
        (
            "DISABLED_UPDATE",
            {"ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}},
            Meaning.RESTRICTED,
        ),
        ("DISABLED_UPDATE", {"ban_info": {"waba_ban_state": "NEW"}}, Meaning.UNKNOWN),
        ("DISABLED_UPDATE", {}, Meaning.UNKNOWN),
        ("VERIFIED_ACCOUNT", {}, Meaning.KEPT),
        ("SOLUTION_UPDATED", {}, Meaning.SOLUTION),
        ("SOMETHING_NEW", {}, Meaning.UNKNOWN),
        ("", {}, Meaning.UNKNOWN),
    ],
)
def test_every_documented_event_means_something_and_others_are_unknown(
    event: str, value: dict[str, Any], meaning: Meaning
):
    (found,) = read(change(event, **value))
    assert found.meaning is meaning


def test_our_own_portfolio_is_never_taken_for_the_waba():
    for event in ("PARTNER_ADDED", "PARTNER_REMOVED", "PARTNER_APP_INSTALLED"):
        (found,) = read(change(event))
        assert found.waba_id is None
        (found,) = read(change(event, waba_info=info()))
        assert found.waba_id == WABA
    solution = change("SOLUTION_UPDATED", solution_id="9", solution_status="ACTIVE")
    solution["changes"][0]["field"] = "partner_solutions"
    assert read(solution)[0].waba_id is None


@pytest.mark.parametrize(("entry", "waba_id"), [(WABA, WABA), ("0", None), ("", None), ("x", None)])
def test_other_events_are_about_the_waba_of_their_entry(entry: str, waba_id: str | None):
    (found,) = read(change("ACCOUNT_VIOLATION", entry=entry))
    assert found.waba_id == waba_id


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (
            {"restriction_info": [{"restriction_type": "A"}, {"restriction_type": "B"}]},
            "A, B",
        ),
        ({"violation_info": {"violation_type": "SPAM"}}, "SPAM"),
        ({"disconnection_info": {"reason": "CHANGE_NUMBER"}}, "CHANGE_NUMBER"),
        ({"solution_status": "ACTIVE"}, "ACTIVE"),
        ({}, ""),
    ],
)
def test_the_detail_is_in_metas_own_names(value: dict[str, Any], detail: str):
    (found,) = read(change("X", **value))
    assert found.detail == detail


def test_the_latest_event_says_whether_a_waba_is_connected_in_whatever_order_they_come():
    events = read(
        change("PARTNER_ADDED", 100, waba_info=info()),
        change("PARTNER_REMOVED", 200, waba_info=info()),
        change("PARTNER_ADDED", 300, waba_info=info()),
        change("VERIFIED_ACCOUNT", 400, WABA),
    )
    for some in permutations(events):
        connection = connection_from(some)
        assert connection == Connection(Meaning.START, "", events[2].at)
        assert connection is not None
        assert connection.is_up


def test_of_two_events_of_one_second_the_worse_counts():
    events = read(
        change("PARTNER_REMOVED", 100, waba_info=info()),
        change("PARTNER_ADDED", 100, waba_info=info()),
    )
    for some in permutations(events):
        connection = connection_from(some)
        assert connection is not None
        assert not connection.is_up


def test_nobody_said_anything_about_a_connection():
    assert connection_from([]) is None
    assert connection_from(read(change("VERIFIED_ACCOUNT"))) is None


def test_every_meaning_that_has_to_do_with_it_has_a_reason():
    without = {Meaning.SOLUTION, Meaning.KEPT, Meaning.UNKNOWN}
    assert set(REASONS) == set(Meaning) - without


@pytest.mark.parametrize("bad", [None, [], {}, {"entry": {}}, {"entry": "x"}])
def test_what_is_no_webhook_of_metas_is_refused(bad: Any):
    with pytest.raises(ValueError, match="entry"):
        changes_in(bad)


def test_odd_parts_of_a_webhook_are_passed_over():
    odd = {"entry": ["x", {"id": 5}, {"id": 5, "changes": "x"}, {"id": 5, "changes": ["y", {}]}]}
    assert changes_in(odd) == [{"entry_id": "5", "time": 0, "field": "", "value": {}}]


def test_a_field_may_stand_beside_the_changes():
    odd = {"entry": [{"id": 5, "field": "account_update", "changes": [{"value": {}}]}]}
    assert changes_in(odd)[0]["field"] == "account_update"


def test_each_change_is_a_fact_of_its_own_and_the_same_again_is_the_same():
    raw = body(
        change("PARTNER_ADDED", waba_info=info()), change("PARTNER_ADDED", 101, waba_info=info())
    )
    first, second = meta_facts(raw)
    assert first.waba_id == second.waba_id == WABA
    assert first.digest != second.digest
    assert [fact.digest for fact in meta_facts(raw)] == [first.digest, second.digest]


def test_unknown_and_irrelevant_events_are_kept_as_such():
    unknown, kept = meta_facts(
        body(change("SOMETHING_NEW", entry=WABA), change("AD_ACCOUNT_LINKED"))
    )
    assert (unknown.unsupported, unknown.waba_id) == ("Kept: an unknown event.", WABA)
    assert kept.unsupported == "Kept: of no consequence for onboarding."


def test_a_time_in_milliseconds_is_taken_for_what_it_is():
    seconds, millis = read(change("PARTNER_ADDED", 1_700_000_000), change("X", 1_700_000_000_000))
    assert seconds.at == millis.at


@pytest.mark.parametrize("time", [-1, 10**20, "soon", None])
def test_an_event_of_no_time_at_all_is_invalid(time: Any):
    (fact,) = meta_facts(body(change("PARTNER_ADDED", time, waba_info=info())))
    assert "time" in (fact.problem or "")


def test_an_event_of_the_solution_concerns_no_onboarding_in_particular():
    (fact,) = meta_facts(body(change("SOLUTION_UPDATED", solution_status="DEACTIVATED")))
    assert fact.settled == "The partner solution is DEACTIVATED."


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"entry": 5}', b"\0", b"[" * 100_000])
def test_a_body_that_is_no_webhook_is_kept_as_it_came(raw: bytes):
    (fact,) = meta_facts(raw)
    assert fact.problem == "The body is no webhook of Meta's."
    assert "\0" not in fact.body


def test_a_change_that_cannot_be_read_takes_no_other_down_and_can_be_read_again():
    broken = change("PARTNER_ADDED", waba_info={"waba_id": "12ab"})
    bad, good = meta_facts(body(broken, change("PARTNER_ADDED", waba_info=info())))
    assert "waba_id" in (bad.problem or "")
    assert good.problem is None
    mended = bad.body.replace("12ab", WABA)
    (again,) = read_again("meta", mended)
    assert (again.problem, again.waba_id) == (None, WABA)
    (still,) = read_again("meta", bad.body)
    assert still.problem
    (nothing,) = read_again("meta", "{")
    assert nothing.problem
    whole = body(change("PARTNER_ADDED", waba_info=info())).decode()
    assert [fact.waba_id for fact in read_again("meta", whole)] == [WABA]
