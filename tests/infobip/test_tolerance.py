"""What Infobip answers is read although a member of it is odd."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from tests.answered import Answering, at_once
from tests.tolerance import (
    DIGITS,
    KINDS,
    Case,
    Mutation,
    Reading,
    every_mutation,
    several_mutations,
    verify,
)
from waboard.domain.ids import NumberKey, PhoneNumber, WabaId
from waboard.domain.lenient import left_out
from waboard.infobip import InfobipClient, InfobipError
from waboard.infobip.models import TextMessage
from waboard.infobip.senders import NewSender
from waboard.infobip.subscriptions import Criterion

ONE, TWO = PhoneNumber("447860041117"), PhoneNumber("447860041118")
KEY = NumberKey("58B3840032C7774BAC840EEEA2C23A44")
ANYTHING = frozenset(KINDS)
NUMBERS = DIGITS | {"fraction", "not a number"}
"""Texts are read from any number here."""
TRANSPORT = Answering()
CLIENT = InfobipClient("https://x.test", SecretStr("k"), transport=TRANSPORT)
TEXT = TextMessage(
    sender=ONE,
    to=TWO,
    message_id="waboard-1",
    text="Thank you",
    application_id="waboard",
    entity_id="acme",
)

QUALITY = {
    "sender": ONE,
    "qualityRating": "HIGH",
    "status": "CONNECTED",
    "currentLimit": "LIMIT_1K",
    "lastUpdated": "2023-02-18T08:12:26.422Z",
}
NUMBER = {
    "numberKey": KEY,
    "number": ONE,
    "country": "GB",
    "type": "WHATSAPP",
    "capabilities": ["WHATSAPP"],
    "shared": False,
    "price": {"pricePerMonth": 5, "currency": "EUR"},
    "applicationId": "waboard",
    "entityId": "acme",
}
LINK = {
    "resourceType": "NUMBER",
    "channel": "WHATSAPP",
    "applicationId": "waboard",
    "entityId": "acme",
    "resourceId": KEY,
}
PAGING = {"page": 0, "size": 1000, "totalPages": 1, "totalResults": 2}
TEMPLATE = {
    "id": "111",
    "businessAccountId": 222,
    "name": "waboard_verification",
    "language": "en",
    "status": "APPROVED",
    "category": "UTILITY",
    "structure": {"body": {"text": "Hello"}, "type": "TEXT"},
    "quality": "HIGH",
    "createdAt": "2026-01-05T09:00:00Z",
    "platform": {"applicationId": "waboard", "entityId": "acme"},
}
INFO = {
    "displayName": "Acme",
    "about": "Bread",
    "address": "1 High St",
    "description": "We bake.",
    "email": "a@acme.test",
    "vertical": "RETAIL",
    "websites": ["https://acme.test", "https://acme.example"],
    "logoUrl": "https://acme.test/logo.png",
}
SENT = {
    "bulkId": "b-1",
    "messages": [
        {
            "to": TWO,
            "messageId": "waboard-1",
            "messageCount": 1,
            "status": {
                "groupId": 5,
                "groupName": "REJECTED",
                "id": 13,
                "name": "REJECTED_SENDER",
                "description": "No such sender",
            },
        }
    ],
}
SUBSCRIPTION = {
    "subscriptionId": "waboard-delivery",
    "name": "waboard: delivery",
    "profile": {"profileId": "waboard-delivery", "security": {"authId": "waboard"}},
    "events": ["DELIVERY", "SEEN"],
    "criteria": [{"applicationId": "waboard"}],
    "resources": [],
}
PROFILE = {
    "profileId": "waboard-delivery",
    "webhook": {"notifyUrl": "https://acme.test/hooks/infobip/delivery", "contentType": "JSON"},
    "security": {"authId": "waboard"},
    "maxBucketSize": 100,
    "connectTimeout": 1000,
    "readTimeout": 1000,
    "rateLimit": 10,
}
SECURITY = {
    "authId": "waboard",
    "type": "HMAC",
    "credentials": {"secretKey": "s", "algorithm": "HMAC_SHA_256"},
}

Call = Callable[[InfobipClient], Awaitable[Any]]
Decide = Callable[[Any], Mapping[str, object]]


def answer(call: Call, decide: Decide) -> Callable[[Any], Reading]:
    """Read an answer with our client; what it cannot use, it names."""

    def read(body: Any) -> Reading:
        TRANSPORT.body = body
        try:
            found = at_once(call(CLIENT))
        except InfobipError as error:
            return Reading({}, [str(error)])
        unread = left_out(found) if isinstance(found, BaseModel) else []
        return Reading(decide(found), [*unread, str(getattr(found, "unread", ""))])

    return read


def by_sender(found: Any) -> Mapping[str, object]:
    places = {ONE: "results.0", TWO: "results.1"}
    return {places[row.sender]: row.status for row in found if row.sender in places}


def by_name(found: Any) -> Mapping[str, object]:
    places = {"waboard_verification": "templates.0", "welcome": "templates.1"}
    return {places[row.name]: row.status for row in found if row.name in places}


def the_whole(decide: Callable[[Any], object]) -> Decide:
    return lambda found: {"": decide(found)}


def links(found: Any) -> object:
    return [(each.application_id, each.entity_id, each.resource_id, each.channel) for each in found]


CASES = [
    Case(
        "senders/quality",
        {"results": [QUALITY, {**QUALITY, "sender": TWO, "status": "BANNED"}]},
        answer(lambda c: c.sender_quality([ONE, TWO]), by_sender),
        required={"results": (), "results.*.sender": DIGITS},
        telling={"results.*.status": ANYTHING},
    ),
    Case(
        "numbers",
        {"numbers": [NUMBER, {**NUMBER, "numberKey": "OTHER", "number": TWO}], "numberCount": 2},
        answer(lambda c: c.find_number(ONE), lambda n: {"numbers.0": n.number_key} if n else {}),
        required={"numbers.*.numberKey": NUMBERS, "numbers.*.number": DIGITS},
    ),
    Case(
        "associations",
        {"results": [LINK, {**LINK, "entityId": "other"}], "paging": PAGING},
        answer(lambda c: c.associations(KEY), the_whole(links)),
        required={
            "results": (),
            "results.*.applicationId": NUMBERS,
            "results.*.entityId": {"null", "dropped", *NUMBERS},
            "results.*.resourceId": NUMBERS,
            "results.*.channel": {"blank", "spaces", "null", "dropped", *NUMBERS},
        },
        indivisible=True,
    ),
    Case(
        "templates",
        {"templates": [TEMPLATE, {**TEMPLATE, "id": "2", "name": "welcome", "status": "PENDING"}]},
        answer(lambda c: c.templates.of(ONE), by_name),
        required={
            "templates": (),
            "templates.*.name": NUMBERS,
            "templates.*.language": NUMBERS,
        },
        telling={"templates.*.status": ANYTHING},
    ),
    Case(
        "application",
        {"applicationId": "waboard", "applicationName": "Acme"},
        answer(lambda c: c.get_application("waboard"), the_whole(lambda a: a is not None)),
        required={"applicationId": NUMBERS},
    ),
    Case(
        "entity",
        {"entityId": "acme", "entityName": "Acme"},
        answer(lambda c: c.get_entity("acme"), the_whole(lambda e: e is not None)),
        required={"entityId": NUMBERS},
    ),
    Case(
        "business info",
        INFO,
        answer(lambda c: c.senders.business_info(ONE), the_whole(lambda i: i is not None)),
    ),
    Case(
        "adding a sender",
        {"status": "OTP_REQUESTED", "new": [1]},
        answer(
            lambda c: c.senders.add(WabaId("1"), NewSender(number=ONE, display_name="Acme")),
            the_whole(lambda status: status),
        ),
        required={"status": NUMBERS},
    ),
    Case(
        "sending",
        SENT,
        answer(lambda c: c.traffic("messages-api").send_text(TEXT), the_whole(lambda s: s.failed)),
        required={"messages": ()},
        telling={
            "messages.*": ANYTHING,
            "messages.*.status": ANYTHING,
            "messages.*.status.groupId": ANYTHING,
        },
        indivisible=True,
    ),
    Case(
        "subscription",
        SUBSCRIPTION,
        answer(
            lambda c: c.subscriptions.get("a"),
            lambda s: {
                "": True,
                **{f"events.{i}": e for i, e in enumerate(EVENTS) if e in s.events},
            },
        ),
        required={
            "subscriptionId": NUMBERS,
            "events.*": NUMBERS,
        },
    ),
    Case(
        "profile",
        PROFILE,
        answer(lambda c: c.subscriptions.get_profile("a"), the_whole(lambda p: p is not None)),
        required={"profileId": NUMBERS},
    ),
    Case(
        "security",
        SECURITY,
        answer(lambda c: c.subscriptions.get_security("a"), the_whole(lambda s: s is not None)),
        required={"authId": NUMBERS},
    ),
]
EVENTS = ["DELIVERY", "SEEN"]


ODD = {"odd": 1}


def test_what_is_not_among_those_that_could_be_read_may_be_among_the_others():
    """Nobody is gone, no number unlisted and no template missing for a row that is odd."""
    TRANSPORT.body = {"results": [QUALITY, ODD], "templates": [TEMPLATE, ODD], "numbers": [ODD]}
    quality = at_once(CLIENT.sender_quality([ONE, TWO]))
    templates = at_once(CLIENT.templates.of(ONE))
    assert quality.find(lambda row: row.sender == ONE) == quality[0]
    assert templates.find(lambda row: row.language == "en") == templates[0]
    for absent in (
        lambda: quality.find(lambda row: row.sender == TWO),
        lambda: templates.find(lambda row: row.language == "de"),
        lambda: at_once(CLIENT.find_number(ONE)),
    ):
        with pytest.raises(InfobipError, match="could not be read") as raised:
            absent()
        assert not raised.value.retryable


def test_where_all_could_be_read_what_is_not_there_is_not_there():
    """The usual case."""
    TRANSPORT.body = {"results": [QUALITY], "templates": [], "numbers": [NUMBER]}
    quality = at_once(CLIENT.sender_quality([ONE, TWO]))
    assert quality.find(lambda row: row.sender == TWO) is None
    assert at_once(CLIENT.templates.of(ONE)).find(lambda row: True) is None
    assert at_once(CLIENT.find_number(TWO)) is None


def test_a_list_of_all_associations_does_without_an_odd_one():
    """It counts, so that the page is as full as it was, and the list is known not to be whole."""
    TRANSPORT.body = {"results": [LINK] * 999 + [ODD], "paging": {"totalResults": 1001}}
    page = at_once(CLIENT.associations_page(0))
    assert (len(page.found), page.is_last, page.total) == (999, False, 1001)


def test_reports_are_handed_on_whatever_they_are():
    """Each is handed out once: what is odd is kept as well."""
    TRANSPORT.body = {"results": [{"messageId": "1"}, 7, None]}
    assert at_once(CLIENT.delivery_reports()) == [{"messageId": "1"}, 7, None]


@pytest.mark.parametrize("odd", [7, "x", {}, [7], [None], [{"applicationId": []}]])
def test_criteria_that_cannot_be_read_are_not_taken_for_none(odd: Any):
    """A subscription to a part is not one to everything."""
    TRANSPORT.body = SUBSCRIPTION | {"criteria": odd}
    assert at_once(CLIENT.subscriptions.get("a")).criteria == (Criterion(),)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_member_may_be_odd_unless_it_identifies_or_decides(case: Case):
    """Each in turn: blank, null, missing, and of every other type."""
    for mutation in every_mutation(case):
        verify(case, [mutation])


@pytest.mark.parametrize("case", CASES, ids=str)
@settings(deadline=None)
@given(data=st.data())
def test_several_members_may_be_odd_at_a_time(case: Case, data: st.DataObject):
    """One does not make another one needed."""
    mutations: list[Mutation] = data.draw(several_mutations(case))
    verify(case, mutations)
