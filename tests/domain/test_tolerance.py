"""What Infobip's webhooks and the signup window say is read although a member of it is odd."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.domain.samples import DOCUMENTED, at
from tests.tolerance import (
    DIGITS,
    WORDS,
    Case,
    Mutation,
    Reading,
    every_mutation,
    several_mutations,
    verify,
)
from waboard.domain.delivery import DeliveryReport, SeenReport, verdict_of
from waboard.domain.facts import (
    Fact,
    delivery_facts,
    inbound_facts,
    registration_facts,
    seen_facts,
    template_facts,
)
from waboard.domain.inbound import InboundMessage
from waboard.domain.lenient import left_out, problems_in
from waboard.domain.registration import RegistrationEvent
from waboard.domain.signup import read_message

REGISTRATION = json.loads(DOCUMENTED) | {
    "businessPortfolioId": 506914307656634,
    "registrationInfo": "Well done",
    "new": {"members": [1, "2"]},
}
STATUS = {
    "groupId": 3,
    "groupName": "DELIVERED",
    "id": 5,
    "name": "DELIVERED_TO_HANDSET",
    "description": "Message delivered to handset",
}
DELIVERED = {
    "event": "DELIVERY",
    "channel": "WHATSAPP",
    "sender": "13135138538",
    "destination": "447860099311",
    "bulkId": "b-1",
    "messageId": "waboard-1",
    "sentAt": "2026-01-05T09:00:00.000+0000",
    "doneAt": "2026-01-05T09:00:01.000+0000",
    "messageCount": 1,
    "price": {"pricePerMessage": 0.01, "currency": "EUR"},
    "status": STATUS,
    "error": {
        "groupId": 0,
        "groupName": "OK",
        "id": 0,
        "name": "NO_ERROR",
        "description": "No Error",
        "permanent": False,
    },
    "platform": {"entityId": "acme", "applicationId": "waboard"},
}
REJECTED = {
    **DELIVERED,
    "messageId": "waboard-2",
    "status": {"groupId": 5, "groupName": "REJECTED", "id": 13, "name": "REJECTED_SENDER"},
}
SEEN = {
    "event": "SEEN",
    "channel": "WHATSAPP",
    "sender": "13135138538",
    "destination": "447860099311",
    "messageId": "waboard-1",
    "sentAt": "2026-01-05T09:00:00.000+0000",
    "seenAt": "2026-01-05T09:00:09.000+0000",
    "platform": {"entityId": "acme", "applicationId": "waboard"},
}
STANDALONE = {
    "from": "447860099311",
    "to": "13135138538",
    "integrationType": "WHATSAPP",
    "receivedAt": "2026-01-05T09:10:00.000+0000",
    "messageId": "wamid.1",
    "message": {"text": "my card is 4111", "type": "TEXT"},
    "contact": {"name": "Ada", "userId": "US.13491208655302741918", "username": "ada"},
    "price": {"pricePerMessage": 0, "currency": "EUR"},
}
MESSAGES_API = {
    "event": "MO",
    "channel": "WHATSAPP",
    "sender": "447860099311",
    "destination": "13135138538",
    "content": [{"text": "my card is 4111", "type": "TEXT"}],
    "receivedAt": "2026-01-05T09:10:00.000+0000",
    "messageId": "wamid.2",
    "pairedMessageId": "waboard-1",
}
TEMPLATE = {
    "messageTemplateId": "111",
    "messageTemplateName": "waboard_verification",
    "messageTemplateLanguage": "en",
    "timestamp": "2026-01-05T09:00:00.000+0000",
    "change": {"type": "TEMPLATE_STATUS_UPDATE", "newStatus": "REJECTED", "reason": "SCAM"},
    "entityId": 123456,
    "applicationId": 1234567,
}
FINISHED = {
    "type": "WA_EMBEDDED_SIGNUP",
    "event": "FINISH",
    "version": 3,
    "data": {
        "phone_number_id": "106540352242922",
        "waba_id": "524126980791429",
        "waba_ids": ["524126980791429", "524126980791430"],
        "business_id": "2729063490586005",
        "current_step": "",
    },
}


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def read_registration(body: Any) -> Reading:
    (fact,) = registration_facts(raw(body))
    if fact.problem is not None:
        return Reading({}, [fact.problem])
    event = RegistrationEvent.model_validate_json(fact.body).as_of(at(0))
    places = getattr(event.senders, "places", ())  # there is no list where it was absent
    senders = zip(places, event.senders, strict=True)
    decided = {f"senders.{place}": sender.status for place, sender in senders}
    whole = (event.business_account_id, event.status)
    return Reading({"": whole, **decided}, [fact.note or ""])


def of_batch(
    read: Callable[[bytes], list[Fact]], decide: Callable[[Fact], object]
) -> Callable[[Any], Reading]:
    """Read each item of a batch, by its place."""

    def reading(body: Any) -> Reading:
        facts = list(enumerate(read(raw(body))))
        good = {f"results.{i}": decide(f) for i, f in facts if not (f.problem or f.unsupported)}
        notes = [f"results.{i}: {f.problem or f.unsupported}" for i, f in facts]
        return Reading(good, notes)

    return reading


def decided_by_delivery(fact: Fact) -> object:
    report = DeliveryReport.model_validate_json(fact.body).as_of(at(0))
    verdict = verdict_of([report])
    return fact.message_id, verdict.status, verdict.reason


def decided_by_seen(fact: Fact) -> object:
    report = SeenReport.model_validate_json(fact.body)
    return fact.message_id, verdict_of([], [report]).status


def decided_by_inbound(fact: Fact) -> object:
    message = InboundMessage.model_validate_json(fact.body).as_of(at(0))
    return fact.phone_number, message.sender, message.received_at is not None


def read_template(body: Any) -> Reading:
    (fact,) = template_facts(raw(body))
    return Reading({"": True} if fact.settled else {}, [fact.problem or ""])


def read_window(body: Any) -> Reading:
    try:
        message = read_message(body)
    except ValidationError as error:
        return Reading({}, [problems_in(error)])
    said = {"": message.event}
    named = {f"data.waba_ids.{i}" for i, w in enumerate(WABAS) if w in message.data.waba_ids}
    return Reading(said | dict.fromkeys(named, "named"), left_out(message))


WABAS = ["524126980791429", "524126980791430"]
CASES = [
    Case(
        "registration",
        REGISTRATION,
        read_registration,
        required={
            "businessAccountId": (),
            "status": (),
            "senders.*.status": (),
        },
        either=[("senders.*.phoneNumberId", "senders.*.displayPhoneNumber")],
    ),
    Case(
        "delivery",
        {"results": [DELIVERED, REJECTED], "pendingMessageCount": 0},
        of_batch(delivery_facts, decided_by_delivery),
        required={
            "results": (),
            "results.*.messageId": DIGITS,
            "results.*.status.groupId": (),
            "results.0.status.id": (),
        },
        telling={"results.*.event": WORDS},
    ),
    Case(
        "seen",
        {"results": [SEEN, {**SEEN, "messageId": "waboard-2"}]},
        of_batch(seen_facts, decided_by_seen),
        required={"results": (), "results.*.messageId": DIGITS},
        telling={"results.*.event": WORDS},
    ),
    Case(
        "inbound",
        {"results": [STANDALONE, MESSAGES_API], "messageCount": 1, "pendingMessageCount": 0},
        of_batch(inbound_facts, decided_by_inbound),
        required={"results": (), "results.*.to": DIGITS, "results.*.destination": DIGITS},
    ),
    Case(
        "template",
        TEMPLATE,
        read_template,
        either=[
            ("messageTemplateId", "messageTemplateName"),
            ("change.newStatus", "change.type"),
        ],
    ),
    Case(
        "signup window",
        FINISHED,
        read_window,
        required={"event": (), "data.waba_ids.*": DIGITS},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_member_may_be_odd_unless_it_identifies_or_decides(case: Case):
    """Each in turn: blank, null, missing, and of every other type."""
    for mutation in every_mutation(case):
        verify(case, [mutation])


@pytest.mark.parametrize("case", CASES, ids=str)
@given(data=st.data())
def test_several_members_may_be_odd_at_a_time(case: Case, data: st.DataObject):
    """One does not make another one needed, but where either of them identifies."""
    mutations: list[Mutation] = data.draw(several_mutations(case))
    verify(case, mutations)
