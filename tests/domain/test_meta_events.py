"""What Meta's webhooks say: how they are read, what each means, whose they are."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.domain.meta import (
    NUMBER,
    OTHER_APP,
    OUR_APP,
    OUR_PORTFOLIO,
    OURS,
    PORTFOLIO,
    SAMPLES,
    TEMPLATE,
    Sample,
    at_second,
    body,
    change,
    info,
    read,
    word,
)
from tests.domain.samples import T0, WABA
from waboard.domain.facts import NAMES_NO_WABA, Fact, meta_facts, read_again
from waboard.domain.meta_events.meanings import MEANINGS, Field, Meaning, meaning_of
from waboard.domain.meta_events.saying import said_by
from waboard.domain.meta_events.wire import MetaEvent, changes_in

NAMES = [f"{number} {sample.name}" for number, sample in enumerate(SAMPLES)]
SIGNUP_PAGE = Path(__file__).parents[2] / "docs" / "signup.md"


def fact_of(sample: Sample, time: Any = 1_796_000_000) -> Fact:
    (found,) = meta_facts(body(sample.entry_at(time)), OURS)
    return found


# What each means


@pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
def test_every_documented_change_means_something(sample: Sample):
    fact = fact_of(sample)
    assert meaning_of(MetaEvent.model_validate_json(fact.body)) is sample.meaning
    assert (fact.kind, fact.problem, fact.waba_id) == ("meta", None, sample.waba_id)
    assert "unknown" not in (fact.unsupported or "")


def test_the_samples_hold_every_event_that_has_a_meaning():
    told: dict[str, set[str]] = {}
    for sample in SAMPLES:
        value = sample.value
        told.setdefault(sample.field, set()).add(value.get("event") or value.get("decision") or "")
    assert told == {field: set(events) for field, events in MEANINGS.items()}


def test_the_fields_that_the_page_of_signups_names_are_those_that_are_read():
    told = SIGNUP_PAGE.read_text().partition("Subscribe to ")[2].partition(".")[0]
    assert set(re.findall(r"`(\w+)`", told)) == set(Field)


@pytest.mark.parametrize(
    ("event", "value"),
    [
        ("SOMETHING_NEW", {}),
        ("", {}),
        ("DISABLED_UPDATE", {}),
        ("DISABLED_UPDATE", {"ban_info": {"waba_ban_state": "NEW"}}),
    ],
)
def test_what_nobody_documents_is_unknown_and_kept(event: str, value: dict[str, Any]):
    (fact,) = meta_facts(body(change(event, entry=WABA, **value)))
    assert (fact.unsupported or "").startswith("Kept: an unknown event.")
    assert fact.waba_id == WABA


@pytest.mark.parametrize(
    "state", ["disable", ["Disable"], ["REINSTATE", "DISABLE"], [None, "DISABLE"]]
)
def test_a_ban_is_told_in_whatever_case_alone_or_in_a_list_where_the_worst_counts(state: Any):
    (found,) = read(change("DISABLED_UPDATE", ban_info={"waba_ban_state": state}))
    assert found.meaning is Meaning.BANNED


@pytest.mark.parametrize(
    ("kinds", "meaning"),
    [
        (["RESTRICTED_USER_INITIATED_CALLING"], Meaning.NOTICE),
        (["RESTRICTED_ADD_PHONE_NUMBER_ACTION"], Meaning.NOTICE),
        (["RESTRICTED_USER_INITIATED_CALLING", "RESTRICTED_NEW"], Meaning.RESTRICTED),
        (["RESTRICTED_BIZ_INITIATED_MESSAGING"], Meaning.RESTRICTED),
        ([None], Meaning.RESTRICTED),
        ([], Meaning.RESTRICTED),
    ],
)
def test_a_restriction_counts_that_stops_messages_or_may(kinds: list[Any], meaning: Meaning):
    listed = [{"restriction_type": kind} for kind in kinds]
    (found,) = read(change("ACCOUNT_RESTRICTION", restriction_info=listed))
    assert found.meaning is meaning


# Whose it is


def test_a_portfolio_is_never_taken_for_the_waba():
    for event in ("PARTNER_ADDED", "PARTNER_REMOVED", "PARTNER_APP_INSTALLED"):
        for entry in (PORTFOLIO, OUR_PORTFOLIO):
            (nameless,) = meta_facts(body(change(event, entry=entry)), OURS)
            assert (nameless.waba_id, nameless.unsupported) == (None, NAMES_NO_WABA)
            (named,) = meta_facts(body(change(event, entry=entry, waba_info=info())), OURS)
            assert named.waba_id == WABA
    (ours,) = meta_facts(body(change("ACCOUNT_DELETED", entry=OUR_PORTFOLIO)), OURS)
    assert ours.waba_id is None


@pytest.mark.parametrize(
    "left",
    [
        {"phone_number": NUMBER},
        {"disconnection_info": {"reason": "CHANGE_NUMBER", "initiated_by": "USER"}},
        {"phone_number": NUMBER, "disconnection_info": None, "waba_info": None},
    ],
)
def test_a_number_that_leaves_coexistence_names_its_waba_as_the_entry(left: dict[str, Any]):
    (fact,) = meta_facts(body(change("PARTNER_REMOVED", entry=WABA, **left)), OURS)
    assert fact.waba_id == WABA


@pytest.mark.parametrize(("entry", "waba_id"), [(WABA, WABA), ("0", None), ("", None), ("x", None)])
def test_other_events_are_about_the_waba_of_their_entry(entry: str, waba_id: str | None):
    (fact,) = meta_facts(body(change("ACCOUNT_VIOLATION", entry=entry)))
    assert fact.waba_id == waba_id


@pytest.mark.parametrize("event", ["PARTNER_APP_INSTALLED", "PARTNER_APP_UNINSTALLED"])
@pytest.mark.parametrize(
    ("app", "is_ours"), [(OUR_APP, True), (int(OUR_APP), True), (OTHER_APP, False), (None, True)]
)
def test_what_happens_to_another_app_is_not_ours(event: str, app: Any, is_ours: bool):
    raw = body(change(event, waba_info=info(partner_app_id=app)))
    (fact,) = meta_facts(raw, OURS)
    assert (fact.unsupported is None) is is_ours
    (added,) = meta_facts(body(change("PARTNER_ADDED", waba_info=info(partner_app_id=app))), OURS)
    assert added.unsupported is None, "a solution has several apps"
    (unsure,) = meta_facts(raw)
    assert unsure.unsupported is None, "without our app's id nobody can tell"


def test_another_template_is_not_ours():
    named = {"message_template_name": "order", "message_template_language": "en"}
    field = "message_template_status_update"
    (fact,) = meta_facts(body(change("PAUSED", entry=WABA, field=field, **named)), OURS)
    assert (fact.unsupported or "").startswith("Kept: another template's.")
    assert fact.waba_id == WABA
    (unsure,) = meta_facts(body(change("PAUSED", entry=WABA, field=field, **named)))
    assert unsure.unsupported is None, "without our template's name nobody can tell"


@pytest.mark.parametrize(
    ("name", "language", "is_ours"),
    [(*TEMPLATE, True), ("order", TEMPLATE[1], False), (TEMPLATE[0], "de", False)],
)
def test_a_template_is_ours_by_its_name_and_language(name: str, language: str, is_ours: bool):
    named = {"message_template_name": name, "message_template_language": language}
    field = "message_template_status_update"
    (fact,) = meta_facts(body(change("PAUSED", entry=WABA, field=field, **named)), OURS)
    assert (fact.unsupported is None) is is_ours


# When it was said


def test_a_time_in_milliseconds_or_in_text_is_taken_for_what_it_is():
    times = 1_700_000_000, 1_700_000_000_000, "1700000000", 1_700_000_000.0
    later = at_second(1_800_000_000)
    said = read(*(change("PARTNER_ADDED", time) for time in times), received_at=later)
    assert {each.at for each in said} == {at_second(1_700_000_000)}


@pytest.mark.parametrize("time", [None, 0, "", "  ", -1, 10**20, "soon", True, [], {}])
def test_an_event_without_a_time_that_can_be_meant_is_as_of_its_arrival(time: Any):
    (found,) = read(change("PARTNER_ADDED", time), received_at=T0)
    assert found.at == T0


def test_metas_clock_may_be_ahead_by_less_than_a_day():
    hour, year = T0 + timedelta(hours=1), T0 + timedelta(days=365)
    assert word("PARTNER_ADDED", hour, received_at=T0).at == hour
    assert word("PARTNER_ADDED", year, received_at=T0).at == T0


# How it is read


@pytest.mark.parametrize("bad", [None, [], {}, {"entry": None}, {"entry": "x"}])
def test_what_is_no_webhook_of_metas_is_refused(bad: Any):
    with pytest.raises(ValueError, match="entry"):
        changes_in(bad)


def test_odd_parts_of_a_webhook_are_passed_over():
    odd = {"entry": ["x", {"id": 5}, {"id": 5, "changes": "x"}, {"id": 5, "changes": ["y", {}]}]}
    assert changes_in(odd) == [{"entry_id": "5", "time": None, "field": "", "value": {}}]


def test_a_field_may_stand_beside_the_changes_or_oddly():
    odd = {"entry": [{"id": 5, "field": "account_update", "changes": [{"value": {}}]}]}
    assert changes_in(odd)[0]["field"] == "account_update"
    for field in ("", "whatsapp_business_account", None):
        entry = change("PARTNER_ADDED", waba_info=info())
        entry["changes"][0]["field"] = field
        (fact,) = meta_facts(body(entry))
        assert (fact.kind, fact.waba_id, fact.unsupported) == ("meta", WABA, None)


def test_one_entry_or_change_may_come_without_its_list():
    entry = change("PARTNER_ADDED", waba_info=info())
    entry["changes"] = entry["changes"][0]
    (fact,) = meta_facts(json.dumps({"entry": entry}).encode())
    assert fact.waba_id == WABA


def test_each_change_is_a_fact_of_its_own_and_the_same_again_is_the_same():
    raw = body(
        change("PARTNER_ADDED", waba_info=info()), change("PARTNER_ADDED", 101, waba_info=info())
    )
    first, second = meta_facts(raw)
    assert first.waba_id == second.waba_id == WABA
    assert first.digest != second.digest
    assert [fact.digest for fact in meta_facts(raw)] == [first.digest, second.digest]


def test_an_event_of_the_solution_concerns_no_onboarding_in_particular():
    (fact,) = meta_facts(body(change("SOLUTION_UPDATED", solution_status="DEACTIVATED")))
    assert fact.settled == "The partner solution is DEACTIVATED."


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"entry": 5}', b"\0", b"[" * 100_000])
def test_of_a_body_that_is_no_webhook_only_the_digest_is_kept(raw: bytes):
    """It may hold what people wrote."""
    (fact,) = meta_facts(raw)
    assert fact.problem == "The body is no webhook of Meta's."
    assert list(json.loads(fact.body)) == ["unread"]
    assert read_again("meta", fact.body)[0].problem


def test_what_is_said_is_in_metas_own_names_without_numbers():
    (found,) = read(change("PIN_CHANGED", field="security", display_phone_number=f"+{NUMBER}"))
    assert said_by(found.event) == "PIN_CHANGED of …8538."
    left = {"reason": "CHANGE_NUMBER", "initiated_by": "USER"}
    (found,) = read(change("PARTNER_REMOVED", disconnection_info=left))
    assert said_by(found.event) == "PARTNER_REMOVED: CHANGE_NUMBER, by USER."


# One member changed


ODD = [None, "", "  ", 0, -1, 3.5, True, "odd\0", "\ud800", [], {}, [None], {"a": 1}, 10**30]
DECIDES = frozenset(
    {"event", "decision", "ban_info", "waba_ban_state", "restriction_type", "restriction_info"}
)
"""What decides what an event means, beside the ids that say of whom."""
IDENTIFIES = frozenset({"waba_id", "entity_id", "entity_type", "waba_info", "partner_app_id"})


def mutants(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return a value with one member dropped, or made something else, and where that is."""
    if isinstance(value, dict):
        for name, member in value.items():
            here = (*path, name)
            yield here, {k: v for k, v in value.items() if k != name}
            for odd in ODD:
                yield here, {**value, name: odd}
            for where, deeper in mutants(member, here):
                yield where, {**value, name: deeper}
    elif isinstance(value, list):
        for place, item in enumerate(value):
            for where, deeper in mutants(item, path):
                yield where, [*value[:place], deeper, *value[place + 1 :]]


@pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
def test_no_member_that_is_odd_loses_an_event(sample: Sample):
    before = fact_of(sample)
    for path, entry in mutants(sample.entry_at(1_796_000_000)):
        (fact,) = meta_facts(json.dumps({"entry": [entry]}).encode(), OURS) or [None]
        if path == ("changes",):
            continue  # nothing is left of it
        assert fact is not None, path
        assert fact.problem is None, path
        needless = not {*path} & (DECIDES | IDENTIFIES) and path not in _ENVELOPE
        if needless and fact.kind == "meta" and sample.meaning is not Meaning.TEMPLATE:
            assert fact.waba_id == before.waba_id or path == ("id",), path
            assert (fact.unsupported is None) == (before.unsupported is None), path
            assert meaning_of(MetaEvent.model_validate_json(fact.body)) is sample.meaning, path


_ENVELOPE = {("id",), ("changes", "field"), ("changes", "value"), ("changes",)}


def test_what_lies_deeper_than_anything_documented_is_cut_off():
    deep: Any = "end"
    for _ in range(900):
        deep = [deep]
    (fact,) = meta_facts(body(change("ACCOUNT_DELETED", entry=WABA, odd=deep)))
    assert (fact.waba_id, fact.unsupported) == (WABA, None)


# What people wrote


CHATS = [
    "messages",
    "history",
    "smb_message_echoes",
    "message_echoes",
    "smb_app_state_sync",
    "calls",
    "contacts",
    "statuses",
    "user_preferences",
    "something_new",
    "",
    "Messages 16505550123",
]


@pytest.mark.parametrize("field", CHATS)
def test_of_a_field_that_is_not_read_only_that_it_came_is_kept(field: str):
    value = {
        "contacts": [{"profile": {"name": "SECRET"}, "wa_id": "16505550123"}],
        "messages": [{"from": "16505550123", "text": {"body": "SECRET"}}],
    }
    entry = {"id": WABA, "time": 1_796_052_000, "changes": [{"field": field, "value": value}]}
    (fact,) = meta_facts(body(entry))
    assert (fact.kind, fact.waba_id, fact.problem) == ("unread", WABA, None)
    assert "SECRET" not in str(fact)
    assert "16505550123" not in str(fact)
    assert json.loads(fact.body)["waba_id"] == WABA


def test_what_is_not_read_is_counted_once_a_field_waba_and_day():
    def came(field: str, time: int, waba_id: str = WABA) -> str:
        entry = {"id": waba_id, "time": time, "changes": [{"field": field, "value": {"a": time}}]}
        return meta_facts(body(entry))[0].digest

    noon = 1_796_040_000
    assert came("messages", noon) == came("messages", noon + 60)
    others = [came("messages", noon + 86400), came("history", noon), came("messages", noon, "5")]
    assert len({came("messages", noon), *others}) == 4


OF_ACCOUNTS = MEANINGS[Field.ACCOUNT_UPDATE].items()


@pytest.mark.parametrize("event", [each for each, it in OF_ACCOUNTS if it is Meaning.KEPT])
def test_what_is_of_no_consequence_is_kept_and_says_so(event: str):
    (fact,) = meta_facts(body(change(event, entry=WABA)))
    assert (fact.unsupported or "").startswith("Kept: of no consequence for onboarding. ")


def test_a_number_that_anything_but_a_removal_names_leaves_no_coexistence():
    """Only who was removed, and names a number, was in the business app as well."""
    (added,) = meta_facts(body(change("PARTNER_ADDED", waba_info=info(), phone_number=NUMBER)))
    assert added.unsupported is None
    assert meaning_of(MetaEvent.model_validate_json(added.body)) is Meaning.START
