"""Members that are not needed may be anything; what is left out is named, never shown."""

import json
from datetime import datetime
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

from waboard.domain.clock import ProviderTime
from waboard.domain.ids import PhoneNumberIdField
from waboard.domain.lenient import (
    Lenient,
    LenientItems,
    LenientText,
    LenientTextOrDigits,
    RequiredText,
    RequiredTextOrDigits,
    WholeNumber,
    left_out,
    problems_in,
    read_items,
    unreadable_as,
)


class Wire(BaseModel):
    """What the models of this page share."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Health(Wire):
    """A part of which nothing is needed."""

    scores: LenientItems[WholeNumber] = ()


class Phone(Wire):
    """An item: its status decides."""

    current_status: RequiredText
    phone_id: Lenient[PhoneNumberIdField] = None
    health: Annotated[Health, unreadable_as(Health())] = Health()


class Account(Wire):
    """A body: its id identifies it."""

    account_id: RequiredTextOrDigits
    all_phones: LenientItems[Phone] = ()
    changed_at: Lenient[ProviderTime] = None
    count: Lenient[WholeNumber] = None
    secret: Lenient[SecretStr] = None
    nick: LenientText = ""
    code: LenientTextOrDigits = ""


DEEP: Any = []
for _ in range(150):
    DEEP = [DEEP]
ODD: list[Any] = [
    None,
    "",
    " \t\n",
    [],
    [None],
    {},
    {"a": 1},
    True,
    False,
    1.5,
    float("nan"),
    float("inf"),
    10**400,
    -(10**400),
    DEEP,
    "\ud800",
    "\0",
    "9" * 5000,
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=9)
    | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
NOT_NEEDED = ["allPhones", "changedAt", "count", "secret", "nick", "code"]


def account(**members: Any) -> Account:
    """An account with these members, read as JSON is."""
    return Account.model_validate_json(json.dumps({"accountId": 7, **members}))


@pytest.mark.parametrize("value", ["", "  ", None, [], {"a": 1}, True, "x\0", float("nan")])
@pytest.mark.parametrize("member", ["count", "changedAt"])
def test_a_member_that_cannot_be_read_is_none(member, value):
    """As if it had not come."""
    assert account(**{member: value}) == account()


@pytest.mark.parametrize("value", ["  ", None, [], {}, 7, True])
def test_a_text_that_cannot_be_read_is_blank(value):
    """A number is no text."""
    assert account(nick=value).nick == ""


def test_where_that_is_meant_a_number_is_read_as_its_digits():
    """An id or a code comes as either; true is neither."""
    assert [account(code=value).code for value in (131045, "131045", True)] == [
        "131045",
        "131045",
        "",
    ]


def test_what_can_be_read_is_read():
    """Leniency costs nothing."""
    read = account(count="3", changedAt="2026-01-05T09:00:00Z", nick="a b", secret="s")
    assert (read.count, read.nick, read.secret) == (3, "a b", SecretStr("s"))
    assert isinstance(read.changed_at, datetime)


def test_a_text_is_one_that_every_database_holds():
    r"""JSON can write `\ud800`, half a character, and NUL."""
    assert Account.model_validate({"accountId": "1", "nick": "a\ud800b\0c"}).nick == "a?b\ufffdc"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "accountId: Field is blank"),
        ("  ", "accountId: Field is blank"),
        (None, "accountId: Input should be a valid string"),
        (True, "accountId: Input should be a valid string"),
        ([], "accountId: Input should be a valid string"),
    ],
)
def test_what_identifies_must_be_there(value, problem):
    """Blank is as good as missing."""
    with pytest.raises(ValidationError) as raised:
        account(accountId=value)
    assert problems_in(raised.value) == problem


@pytest.mark.parametrize("value", [True, None, "x", 1.5, [1]])
def test_only_a_whole_number_is_one(value):
    """Pydantic alone would take true for 1."""
    read = Health.model_validate({"scores": [5, value, "6"]})
    assert read.scores == (5, 6)


def test_one_bad_item_costs_itself_alone():
    """It is named with what is wrong, and without its values."""
    phones = [
        {"currentStatus": "OK", "phoneId": None, "health": None},
        {"currentStatus": None, "phoneId": "secret"},
        447860041117,
        {"currentStatus": "FAILED", "health": {"scores": [1, "447860041118"]}},
    ]
    read = account(allPhones=phones)
    assert [each.current_status for each in read.all_phones] == ["OK", "FAILED"]
    assert left_out(read) == [
        "2 of 4 allPhones could not be read: allPhones.1.currentStatus: Input should be a valid"
        " string; allPhones.2: Input should be a valid dictionary or instance of Phone"
    ]


def test_an_item_is_named_by_where_it_stood():
    """Also within an item that stands behind one that was left out."""
    read = account(allPhones=[7, {"currentStatus": "OK", "health": {"scores": [1, "x"]}}])
    (_, inner) = left_out(read)
    assert inner.startswith("1 of 2 allPhones.1.health.scores could not be read: ")
    assert "allPhones.1.health.scores.1: Input should be a valid integer" in inner


def test_many_bad_items_are_counted_and_not_all_named():
    """A thousand would fill the page."""
    (note,) = left_out(account(allPhones=[7] * 1000))
    assert note.startswith("1000 of 1000 allPhones could not be read: allPhones.0: ")
    assert note.endswith("; …")
    assert len(note) < 600


@pytest.mark.parametrize(("bad", "named"), [(4, 4), (5, 5), (6, 5)])
def test_five_bad_items_of_a_list_are_named(bad, named):
    (note,) = left_out(account(allPhones=[7] * bad))
    assert note.count("Input should be a valid dictionary") == named
    assert note.endswith("; …") is (bad > named)


@pytest.mark.parametrize("value", [None, "", []])
def test_a_list_that_is_absent_is_empty(value):
    """Nothing was left out of it."""
    assert left_out(account(allPhones=value)) == []


@pytest.mark.parametrize("value", [7, {"currentStatus": "OK"}, "x", True])
def test_what_is_no_list_is_an_empty_one_and_named(value):
    """Something stood there, and it is not shown."""
    read = account(allPhones=value)
    assert read.all_phones == ()
    assert left_out(read) == ["allPhones could not be read: Input should be a list"]


def test_a_list_is_written_and_compared_as_what_it_holds():
    """What was left out is beside it."""
    (phone,) = account(allPhones=[7, {"currentStatus": "OK"}]).all_phones
    built = Account(account_id="7", all_phones=(phone,))
    read = account(allPhones=[7, {"currentStatus": "OK"}])
    assert (read, hash(read), str(read)) == (built, hash(built), str(built))
    assert read.model_dump_json(by_alias=True) == built.model_dump_json(by_alias=True)


@given(st.dictionaries(st.sampled_from(NOT_NEEDED), JSON))
def test_no_value_of_what_is_not_needed_costs_the_body(members):
    """Read from Python's values or from JSON; nothing raises, and what is left out has a text."""
    read = Account.model_validate({"accountId": "7", **members})
    assert read.account_id == "7"
    assert all(note.encode() for note in left_out(read))


@given(JSON)
def test_what_is_required_is_read_or_named(value):
    """Nothing but pydantic's own error is raised."""
    try:
        Account.model_validate({"accountId": value})
    except ValidationError as error:
        assert problems_in(error).startswith("accountId: ")  # noqa: PT017


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_time_beyond_the_calendar_is_no_time(value):
    """It has no place in UTC."""
    assert account(changedAt=value).changed_at is None


def test_rows_are_read_each_by_itself_and_say_which_could_not_be():
    rows = [{"currentStatus": "OK"}, 7]
    read, unread = read_items(Phone, rows, "rows")
    assert [each.current_status for each in read] == ["OK"]
    assert unread.startswith("1 of 2 rows could not be read: rows.1: ")
    assert read_items(Phone, rows[:1], "rows") == (read, "")
