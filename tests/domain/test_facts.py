"""From a webhook's raw body to facts. Whatever comes, nothing raises and nothing is lost."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.domain.samples import DOCUMENTED, GOOD, WABA, registration, report
from waboard.domain.delivery import DeliveryReport
from waboard.domain.facts import (
    Fact,
    canonical,
    delivery_facts,
    quality_fact,
    read_again,
    registration_facts,
)
from waboard.domain.registration import RegistrationEvent, registration_from

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


def raw(value: object) -> bytes:
    return json.dumps(value).encode()


def batch(*reports: object) -> bytes:
    return raw({"results": reports})


def test_a_registration_webhook_is_one_fact_about_one_waba():
    """As the provider's page documents it."""
    (fact,) = registration_facts(DOCUMENTED)
    assert (fact.kind, fact.waba_id) == ("registration", WABA)
    assert (fact.problem, fact.unsupported) == (None, None)
    assert json.loads(fact.body) == json.loads(DOCUMENTED)


def test_a_delivery_webhook_is_a_fact_for_each_report():
    """However many come in one batch."""
    facts = delivery_facts(batch(report("sent"), report("delivered", message_id="waboard-2")))
    assert [fact.message_id for fact in facts] == ["waboard-1", "waboard-2"]
    assert {(fact.kind, fact.problem, fact.unsupported) for fact in facts} == {
        ("delivery", None, None)
    }


def test_an_empty_batch_says_nothing():
    """A pull mostly brings none."""
    assert delivery_facts(batch()) == []


def test_one_unreadable_report_does_not_take_the_others_down():
    """It is kept beside them with its problem."""
    facts = delivery_facts(batch(report("sent"), {"messageId": "waboard-2"}, 7, report("pending")))
    assert [fact.problem is None for fact in facts] == [True, False, False, True]
    assert facts[1].problem == "status: Field required"


def test_a_problem_names_the_field_and_not_its_value():
    """The value may be somebody's phone number."""
    (fact,) = delivery_facts(batch(report("delivered", message_id=["447860041117"])))
    assert fact.problem == "messageId: Input should be a valid string"


def test_what_is_left_out_of_a_fact_is_noted_beside_it():
    """The others count. The field is named, and not its value."""
    sender = {"phoneNumberId": "447860041117x", "displayPhoneNumber": "x", "status": "FAILED"}
    good = registration()["senders"]
    (fact,) = registration_facts(raw(registration() | {"senders": [*good, sender]}))
    assert fact.problem is None
    assert fact.note is not None
    assert fact.note.startswith("1 of 2 senders could not be read: senders.1.displayPhoneNumber: ")
    assert "447860041117" not in fact.note
    assert registration_facts(raw(registration()))[0].note is None


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"\xff\xfe\xfd", b'{"a":', b"{'a': 1}", b"[" * 100_000, b"9" * 5000],
)
def test_a_body_that_is_no_json_is_one_fact_that_says_so(body):
    """The whole text is kept, as far as it is one."""
    for facts in (registration_facts(body), delivery_facts(body)):
        (fact,) = facts
        assert fact.problem is not None
        assert "not a JSON object" in fact.problem
        assert fact.body == body.decode("utf-8", "replace")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"7", b"null", b'{"results":null}'])
def test_a_batch_without_its_envelope_is_one_fact_that_says_so(body):
    """It names what was looked for."""
    (fact,) = delivery_facts(body)
    assert fact.problem == "The body is not a JSON object with 'results'."


@pytest.mark.parametrize("body", [b"[1]", b"7", b"null", b'"x"'])
def test_json_that_is_no_object_is_no_registration(body):
    """It is kept as it came."""
    (fact,) = registration_facts(body)
    assert fact.problem is not None
    assert fact.body == body.decode()


def test_a_report_about_other_traffic_is_of_no_use_here():
    """The account's reports all come to one address; ours are known by their message ids."""
    (fact,) = delivery_facts(batch(report("delivered", message_id="bulk-1")))
    assert (fact.unsupported, fact.problem) == ("Not our message.", None)


def test_an_event_of_another_kind_is_no_delivery_report():
    """Also when it is about our message."""
    (fact,) = delivery_facts(batch(report("delivered", event="SEEN")))
    assert fact.unsupported == "Not a delivery report."


@pytest.mark.parametrize("kind", ["DELIVERY", None, "", ["DELIVERY"]])
def test_a_report_may_say_that_it_is_one(kind):
    """The newer of Infobip's shapes does; one that says nothing has what makes it a report."""
    (fact,) = delivery_facts(batch(report("delivered", event=kind)))
    assert fact.unsupported is None


def test_the_same_thing_said_in_other_words_is_the_same_fact():
    """Neither the order of fields nor the spacing tells two facts apart."""
    spaced = json.dumps(dict(reversed(json.loads(DOCUMENTED).items())), indent=4).encode()
    assert spaced != DOCUMENTED
    assert registration_facts(spaced)[0].digest == registration_facts(DOCUMENTED)[0].digest


def test_other_things_said_are_other_facts():
    """One character is enough."""
    digests = {registration_facts(raw(registration(minute=m)))[0].digest for m in range(5)}
    assert len(digests) == 5


def test_the_same_text_of_another_kind_is_another_fact():
    """The kind is part of a fact's identity."""
    assert Fact("delivery", "{}").digest != Fact("registration", "{}").digest


def test_an_entry_of_the_quality_endpoint_is_a_fact_about_a_number():
    """It is kept word for word."""
    fact = quality_fact({"sender": GOOD, "status": "CONNECTED"}, GOOD)
    assert (fact.kind, fact.phone_number) == ("quality", GOOD)
    assert json.loads(fact.body) == {"sender": GOOD, "status": "CONNECTED"}


def test_equal_values_are_equal_texts():
    """Whatever order their fields were given in; other alphabets stay legible."""
    assert canonical({"b": 1, "a": "ä"}) == canonical({"a": "ä", "b": 1}) == '{"a":"ä","b":1}'


def test_a_text_with_half_a_character_is_kept():
    r"""JSON can write `\ud800`, which is no character and in no encoding."""
    body = DOCUMENTED.replace(b'"CLOUD"', rb'"\ud800"')
    (fact,) = registration_facts(body)
    assert len(fact.digest) == 64
    assert fact.body.encode()


def test_a_field_that_we_do_not_know_may_hold_half_a_character():
    """What is not read cannot be wrong."""
    (fact,) = registration_facts(DOCUMENTED.replace(b'"status"', rb'"new": "\ud800", "status"', 1))
    assert fact.problem is None
    assert len(fact.digest) == 64


@pytest.mark.parametrize("written", ["2026-01-05T09:00:00", "2026-01-05"])
def test_a_time_without_a_zone_does_not_spoil_the_others(written):
    """It is read as UTC or told as a problem, but what is kept as readable can be compared."""
    bodies = [raw(registration()), raw(registration(lastModifiedAt=written))]
    facts = [fact for body in bodies for fact in registration_facts(body)]
    events = [RegistrationEvent.model_validate_json(f.body) for f in facts if f.problem is None]
    assert registration_from(events).senders[GOOD].status == "FINISHED"


@pytest.mark.parametrize("depth", [50, 150, 250, 900])
def test_what_was_found_readable_can_be_read_again(depth):
    """A field that we do not know may hold anything, to any depth."""
    nested = registration_facts(
        DOCUMENTED.replace(b'"status"', b'"new":' + b"[" * depth + b"]" * depth + b',"status"', 1)
    )
    events = [RegistrationEvent.model_validate_json(f.body) for f in nested if f.problem is None]
    assert len(nested) == 1
    assert all(event.business_account_id == WABA for event in events)


@pytest.mark.parametrize("body", [DOCUMENTED, raw(registration(new=float("nan"), big=10**400))])
def test_an_unusual_number_in_an_unknown_field_can_be_read_again(body):
    """NaN is no JSON, but there are those who write it."""
    (fact,) = registration_facts(body)
    assert RegistrationEvent.model_validate_json(fact.body).business_account_id == WABA


@given(st.binary(max_size=50) | JSON.map(raw))
@example(b"\x00")
@example(b'{"results":{"a":1}}')
def test_whatever_comes_is_kept(body):
    """Nothing raises, and each fact has an identity and can be written down."""
    for facts in (registration_facts(body), delivery_facts(body)):
        assert all(len(fact.digest) == 64 for fact in facts)


@given(JSON, st.sampled_from(sorted(registration())))
def test_a_field_may_be_anything(value, name):
    """A registration with one strange field is readable, also from the ledger, or it is not."""
    (fact,) = registration_facts(raw(registration() | {name: value}))
    assert len(fact.digest) == 64
    if fact.problem is None:
        assert RegistrationEvent.model_validate_json(fact.body).business_account_id == fact.waba_id


@given(JSON, st.sampled_from(sorted(report("delivered"))))
def test_a_field_of_a_report_may_be_anything(value, name):
    """The same for reports."""
    (fact,) = delivery_facts(batch(report("delivered") | {name: value}))
    assert len(fact.digest) == 64
    if fact.problem is None:
        read = DeliveryReport.model_validate_json(fact.body).message_id
        assert fact.unsupported is not None or fact.message_id == read


def test_a_registration_that_could_not_be_read_is_read_again_as_a_whole():
    """When we know more than we did."""
    (fact,) = read_again("registration", DOCUMENTED.decode())
    assert fact == registration_facts(DOCUMENTED)[0]


def test_a_report_that_could_not_be_read_is_read_again_on_its_own():
    """It was kept without the batch that it came in."""
    (fact,) = delivery_facts(batch(report("delivered")))
    assert read_again("delivery", fact.body) == [fact]


def test_a_batch_that_could_not_be_read_is_read_again_as_a_whole():
    """With every report in it."""
    body = batch(report("sent"), report("delivered"))
    assert read_again("delivery", body.decode()) == delivery_facts(body)


@pytest.mark.parametrize("kind", ["registration", "delivery"])
def test_what_still_cannot_be_read_still_has_a_problem(kind):
    """It stays invalid."""
    assert all(fact.problem for fact in read_again(kind, "hello"))


def test_a_batch_of_which_a_part_still_cannot_be_read_stays_invalid():
    """Until all of it can: it is kept, so that nothing of it is lost."""
    body = batch(report("sent"), 7)
    facts = read_again("delivery", body.decode())
    assert [bool(fact.problem) for fact in facts] == [True]


def test_what_is_about_one_thing_is_never_taken_for_a_part_of_a_batch():
    (fact,) = read_again("registration", "7")
    assert fact == registration_facts(b"7")[0]
