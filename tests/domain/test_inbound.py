"""A message to a sender: who wrote to whom and when, and nothing of what."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tests.domain.samples import at
from waboard.domain.evidence import Evidence
from waboard.domain.facts import Fact, inbound_facts, read_again
from waboard.domain.inbound import InboundMessage

STANDALONE = {
    "from": "447860099311",
    "to": "13135138538",
    "integrationType": "WHATSAPP",
    "receivedAt": "2026-01-05T09:10:00.000+0000",
    "messageId": "wamid.1",
    "message": {"text": "my card is 4111", "type": "TEXT"},
}
MESSAGES_API = {
    "channel": "WHATSAPP",
    "sender": "447860099311",
    "destination": "13135138538",
    "content": [{"text": "my card is 4111", "type": "TEXT"}],
    "receivedAt": "2026-01-05T09:10:00.000+0000",
    "messageId": "wamid.1",
    "event": "MO",
}


def facts(*messages: Any) -> list[Fact]:
    """What a webhook with these messages says."""
    return inbound_facts(json.dumps({"results": messages}).encode())


@pytest.mark.parametrize("message", [STANDALONE, MESSAGES_API])
def test_both_shapes_say_the_same(message: dict[str, Any]):
    (fact,) = facts(message)
    assert (fact.kind, fact.phone_number, fact.problem) == ("inbound", "13135138538", None)
    kept = json.loads(fact.body)
    assert set(kept) == {"from", "to", "messageId", "receivedAt"}
    assert (kept["from"], kept["to"]) == ("447860099311", "13135138538")


def test_the_same_message_in_either_shape_is_the_same_fact():
    assert facts(STANDALONE)[0].digest == facts(MESSAGES_API)[0].digest


def test_what_is_kept_can_be_read():
    (fact,) = facts(STANDALONE)
    assert InboundMessage.model_validate_json(fact.body).writer == "447860099311"


@pytest.mark.parametrize("wrong", [{"to": "acme"}, {"to": None}, {"to": ""}, {"to": [1]}])
def test_one_that_cannot_be_read_keeps_nothing_of_what_was_written(wrong: dict[str, Any]):
    good, bad = facts(STANDALONE, STANDALONE | wrong)
    assert good.problem is None
    assert bad.problem is not None
    assert "4111" not in bad.body
    assert read_again(bad.kind, bad.body)[0].problem is not None


def test_a_body_that_is_none_keeps_nothing_of_what_was_written():
    (fact,) = inbound_facts(b"my card is 4111")
    assert fact.problem is not None
    assert "4111" not in fact.body


@pytest.mark.parametrize(
    ("said", "writer"),
    [
        ({"from": None}, ""),
        ({"from": "", "contact": {"userId": "US.13491208655302741918"}}, "US.13491208655302741918"),
        ({"from": "US.1"}, "US.1"),
        ({"from": {}, "contact": {"phoneNumber": 447860099311, "userId": "US.1"}}, "447860099311"),
        ({"from": [], "contact": []}, ""),
    ],
)
def test_somebody_without_a_number_has_written_as_well(said: dict[str, Any], writer: str):
    """The business-scoped id stands for the writer, where there is one."""
    (fact,) = facts(STANDALONE | said)
    assert fact.problem is None
    assert InboundMessage.model_validate_json(fact.body).writer == writer


def test_a_message_without_a_time_was_sent_when_it_came():
    (fact,) = facts(STANDALONE | {"receivedAt": "", "messageId": None})
    message = InboundMessage.model_validate_json(fact.body)
    assert message.received_at is None
    assert message.as_of(at(5)).received_at == at(5)
    (timed,) = facts(STANDALONE)
    told = InboundMessage.model_validate_json(timed.body)
    assert told.as_of(at(99)) == told


def test_whoever_has_a_number_is_answered_first():
    """The last of them, else the last who can be named."""
    listed = [
        STANDALONE | {"from": "447860099311", "receivedAt": "2026-01-05T09:01:00Z"},
        STANDALONE | {"from": "447860099312", "receivedAt": "2026-01-05T09:02:00Z"},
        STANDALONE | {"from": "US.1", "receivedAt": "2026-01-05T09:03:00Z"},
        STANDALONE | {"from": None, "receivedAt": "2026-01-05T09:04:00Z"},
    ]
    came = [InboundMessage.model_validate_json(fact.body) for fact in facts(*listed)]
    writers = [
        Evidence(inbound=tuple(some)).last_writer("13135138538")
        for some in (came, came[2:], came[3:])
    ]
    assert writers == ["447860099312", "US.1", None]


@pytest.mark.parametrize("odd", [True, None, " ", 7.5, [], {"a": 1}])
def test_a_name_of_the_writer_that_says_nothing_gives_way_to_the_next(odd: Any):
    said = {**STANDALONE, "from": odd, "contact": {"phoneNumber": "447860099311"}}
    assert InboundMessage.model_validate(said).writer == "447860099311"
    nobody = {**STANDALONE, "from": odd}
    assert InboundMessage.model_validate(nobody).writer == ""


@pytest.mark.parametrize("odd", [True, None, " ", 7.5, []])
def test_a_name_of_the_sender_that_says_nothing_gives_way_to_the_next(odd: Any):
    said = {**STANDALONE, "to": odd, "destination": 13135138538}
    assert InboundMessage.model_validate(said).sender == "13135138538"
    with pytest.raises(ValidationError, match="names the sender"):
        InboundMessage.model_validate({**STANDALONE, "to": odd})
