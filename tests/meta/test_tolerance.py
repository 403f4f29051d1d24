"""What Meta answers is read although a member of it is odd."""

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
    WORDS,
    Case,
    Mutation,
    Reading,
    every_mutation,
    several_mutations,
    verify,
)
from waboard.domain.ids import PortfolioId, SolutionId, WabaId
from waboard.domain.lenient import left_out
from waboard.meta.client import GraphClient, MetaApp
from waboard.meta.errors import MetaError

WABA, SOLUTION, PORTFOLIO = WabaId("1"), SolutionId("2"), PortfolioId("3")
TOKEN = SecretStr("t")
ANYTHING = frozenset(KINDS)
NUMBER_IDS = frozenset({"number"})
"""An id of Meta's is 1 to 20 digits."""
TRANSPORT = Answering()
GRAPH = GraphClient(
    "https://graph.test", "v25.0", MetaApp("600", SecretStr("s")), transport=TRANSPORT
)
Call = Callable[[GraphClient], Awaitable[Any]]
Decide = Callable[[Any], Mapping[str, object]]

HEALTH = {
    "can_send_message": "BLOCKED",
    "entities": [
        {
            "entity_type": "WABA",
            "id": "1",
            "can_send_message": "BLOCKED",
            "errors": [
                {
                    "error_code": 141006,
                    "error_description": "There is an error.",
                    "possible_solution": "Mend it.",
                }
            ],
        },
        {"entity_type": "APP", "id": "600", "can_send_message": "AVAILABLE"},
    ],
}
NUMBER = {
    "id": "106540352242922",
    "display_phone_number": "+1 313-513-8538",
    "verified_name": "Acme",
    "status": "CONNECTED",
    "code_verification_status": "VERIFIED",
    "name_status": "APPROVED",
    "quality_rating": "GREEN",
    "platform_type": "CLOUD_API",
    "health_status": HEALTH,
}
PAGING = {"cursors": {"before": "a", "after": "b"}}
FACTS = {
    "app_id": "600",
    "application": "Acme",
    "is_valid": True,
    "expires_at": 0,
    "data_access_expires_at": 1800000000,
    "scopes": ["whatsapp_business_management"],
    "granular_scopes": [
        {"scope": "whatsapp_business_management", "target_ids": ["11", "12"]},
        {"scope": "whatsapp_business_messaging", "target_ids": ["11"]},
    ],
    "user_id": "7",
}
SUBSCRIBED = [
    {"whatsapp_business_api_data": {"id": "600", "name": "Ours", "link": "https://x.test"}},
    {"whatsapp_business_api_data": {"id": "1", "name": "Infobip"}},
]


def answer(call: Call, decide: Decide) -> Callable[[Any], Reading]:
    """Read an answer with our client; what it cannot use, it names."""

    def read(body: Any) -> Reading:
        TRANSPORT.body = body
        try:
            found = at_once(call(GRAPH))
        except MetaError as error:
            return Reading({}, [str(error)])
        return Reading(decide(found), left_out(found) if isinstance(found, BaseModel) else ())

    return read


def the_whole(decide: Callable[[Any], object]) -> Decide:
    return lambda found: {"": decide(found)}


def each(*names: str, by: str) -> Decide:
    """By the names that identify the items."""
    places = {name: f"data.{place}" for place, name in enumerate(names)}
    return lambda found: {
        places[name]: True for row in found if (name := getattr(row, by)) in places
    }


def granted(facts: Any) -> Mapping[str, object]:
    places = [f"data.granular_scopes.0.target_ids.{place}" for place in (0, 1)]
    named = zip(("11", "12"), places, strict=True)
    return {"": True, **{place: True for waba, place in named if waba in facts.waba_ids}}


CASES = [
    Case(
        "exchange of a code",
        {"access_token": "EAAX", "token_type": "bearer", "expires_in": 5183944},
        answer(lambda g: g.exchange_code(TOKEN), the_whole(lambda t: bool(t))),
        required={"access_token": ()},
    ),
    Case(
        "facts of a token",
        {"data": FACTS},
        answer(lambda g: g.debug_token(TOKEN), granted),
        required={
            "data": {"object", "other object"},
            "data.granular_scopes.*.scope": WORDS,
            "data.granular_scopes.*.target_ids.*": DIGITS,
        },
        shows_why=False,
    ),
    Case(
        "portfolio of a token",
        {"client_business_id": "506914307656634", "id": "1"},
        answer(lambda g: g.client_portfolio(TOKEN), the_whole(lambda _: "answered")),
    ),
    Case(
        "WABA",
        {
            "id": "1",
            "name": "Acme",
            "account_review_status": "APPROVED",
            "ownership_type": "CLIENT_OWNED",
            "owner_business_info": {"id": "506914307656634", "name": "Acme"},
            "health_status": HEALTH,
        },
        answer(lambda g: g.waba(WABA, TOKEN), the_whole(lambda waba: waba.id == "1")),
        required={"id": NUMBER_IDS},
    ),
    Case(
        "numbers",
        {"data": [NUMBER, {**NUMBER, "id": "2"}], "paging": PAGING},
        answer(
            lambda g: g.phone_numbers(WABA, TOKEN, health=True), each(NUMBER["id"], "2", by="id")
        ),
        required={"data.*.id": NUMBER_IDS},
        shows_why=False,
    ),
    Case(
        "subscribed apps",
        {"data": SUBSCRIBED},
        answer(lambda g: g.is_subscribed(WABA, TOKEN), the_whole(lambda there: there)),
        required={"data": (), "data.0.whatsapp_business_api_data.id": DIGITS},
        telling={"data": ANYTHING, "data.0": ANYTHING},
        indivisible=True,
        shows_why=False,
    ),
    Case(
        "solution",
        {
            "id": "2",
            "name": "Acme and Infobip",
            "status": "ACTIVE",
            "status_for_pending_request": "NONE",
            "owner_permissions": ["MESSAGING", "TEMPLATES"],
        },
        answer(lambda g: g.solution(SOLUTION, TOKEN), the_whole(lambda s: s.status)),
        required={"id": DIGITS, "status": ()},
    ),
    Case(
        "partners",
        {
            "data": [
                {
                    "partner_app": {"id": "1", "name": "Infobip"},
                    "status": "ACCEPTED",
                    "partner_permissions": ["MESSAGING"],
                }
            ],
            "paging": PAGING,
        },
        answer(
            lambda g: g.solution_partners(SOLUTION, TOKEN),
            lambda found: {"data.0": "a partner"} if found else {},
        ),
        telling={"data.*": ANYTHING},
        shows_why=False,
    ),
    Case(
        "token that is issued again",
        {"data": [{"access_token": "EAAX", "expires_at": "2026-09-01T00:00:00+0000"}]},
        answer(lambda g: g.issue_token(SOLUTION, PORTFOLIO, TOKEN), the_whole(lambda t: bool(t))),
        required={"data": ANYTHING, "data.*": ANYTHING, "data.*.access_token": ()},
        indivisible=True,
        shows_why=False,
    ),
    Case(
        "app",
        {
            "id": "600",
            "name": "Acme",
            "category": "Business",
            "app_domains": ["acme.test"],
            "contact_email": "a@acme.test",
            "icon_url": "https://acme.test/icon",
            "privacy_policy_url": "https://acme.test/privacy",
            "terms_of_service_url": "https://acme.test/terms",
        },
        answer(lambda g: g.app(), the_whole(lambda app: bool(app))),
        required={"id": DIGITS},
    ),
    Case(
        "permissions",
        {"data": [{"permission": "a", "status": "live"}, {"permission": "b", "status": "live"}]},
        answer(lambda g: g.app_permissions(), each("a", "b", by="permission")),
        required={"data.*.permission": ()},
        shows_why=False,
    ),
    Case(
        "webhooks of the app",
        {
            "data": [
                {
                    "object": "whatsapp_business_account",
                    "callback_url": "https://acme.test/hooks/meta",
                    "active": True,
                    "fields": [{"name": "account_update", "version": "v25.0"}, "security"],
                }
            ]
        },
        answer(
            lambda g: g.app_subscriptions(),
            lambda found: {"data.0": "a subscription"} if found else {},
        ),
        telling={"data.*": ANYTHING},
        shows_why=False,
    ),
    Case(
        "portfolio",
        {"id": "3", "name": "Acme", "verification_status": "verified"},
        answer(lambda g: g.portfolio(PORTFOLIO, TOKEN), the_whole(lambda p: bool(p))),
        required={"id": NUMBER_IDS},
    ),
]


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


def test_a_number_of_which_meta_says_nothing_is_a_number():
    """Null stands for what is not known."""
    TRANSPORT.body = {"data": [{"id": "1", "quality_rating": None, "health_status": None}]}
    (number,) = at_once(GRAPH.phone_numbers(WABA, TOKEN))
    assert (number.quality_rating, number.health_status.entities) == ("", ())


@pytest.mark.parametrize("scopes", [None, "", [None], [{"scope": None}], {}])
def test_a_token_without_readable_grants_grants_nothing(scopes: Any):
    """It is a token all the same."""
    TRANSPORT.body = {"data": FACTS | {"granular_scopes": scopes, "expires_at": 10**400}}
    facts = at_once(GRAPH.debug_token(TOKEN))
    assert (facts.waba_ids, facts.is_valid, facts.expires_at) == (frozenset(), True, 0)
