"""What the Graph client asks, what it reads, and how it fails."""

import json
import logging
import pickle
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from pydantic import SecretStr

from waboard.domain.ids import PortfolioId, SolutionId, WabaId
from waboard.domain.parties import Party
from waboard.meta.client import GraphClient, MetaApp, sign
from waboard.meta.errors import MetaError

URL = "https://graph.test/v26.0"
APP = MetaApp("600000000000001", SecretStr("app-secret-9c1d7e"))
TOKEN = SecretStr("EAAG-business-token-5521")
WABA = WabaId("102384266223093")
SOLUTION = SolutionId("900000000000001")
PORTFOLIO = PortfolioId("506914307656634")


@pytest.fixture
async def graph() -> AsyncGenerator[GraphClient]:
    async with GraphClient("https://graph.test/", "v26.0", APP) as client:
        yield client


def error(code: int, status: int = 400, **more: Any) -> httpx.Response:
    body = {"message": "Something.", "type": "OAuthException", "code": code, "fbtrace_id": "Tr4ce"}
    return httpx.Response(status, json={"error": body | more})


def query(call: respx.models.Call) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.request.url.query.decode()).items()}


async def test_a_code_is_exchanged_without_a_redirect_uri(graph: GraphClient):
    with respx.mock:
        answer = {"access_token": "EAAG", "token_type": "bearer", "expires_in": 5184000}
        route = respx.get(f"{URL}/oauth/access_token").respond(json=answer)
        token = await graph.exchange_code(SecretStr("AQ-code"))
    assert (token.access_token.get_secret_value(), token.expires_in) == ("EAAG", 5184000)
    assert query(route.calls[0]) == {
        "client_id": APP.app_id,
        "client_secret": "app-secret-9c1d7e",
        "code": "AQ-code",
    }
    assert "authorization" not in route.calls[0].request.headers


async def test_a_tokens_facts_are_read_with_the_apps_own_token(graph: GraphClient):
    scopes = [
        {"scope": "whatsapp_business_messaging", "target_ids": ["7"]},
        {"scope": "whatsapp_business_management", "target_ids": ["1", "2"]},
        {"scope": "public_profile"},
    ]
    with respx.mock:
        data = {"app_id": APP.app_id, "is_valid": True, "granular_scopes": scopes, "new": 1}
        route = respx.get(f"{URL}/debug_token").respond(json={"data": data})
        facts = await graph.debug_token(TOKEN)
    assert facts.waba_ids == {"1", "2"}
    assert facts.is_valid
    bearer = route.calls[0].request.headers["authorization"]
    assert bearer == "Bearer 600000000000001|app-secret-9c1d7e"


@pytest.mark.parametrize(
    ("body", "portfolio"),
    [
        ({"client_business_id": PORTFOLIO}, PORTFOLIO),
        ({"id": "1"}, None),
        ({"client_business_id": int(PORTFOLIO)}, PORTFOLIO),
        ({"client_business_id": ""}, None),
    ],
)
async def test_whose_token_it_is_where_meta_says_so(
    graph: GraphClient, body: dict[str, Any], portfolio: str | None
):
    with respx.mock:
        respx.get(f"{URL}/me").respond(json=body)
        assert await graph.client_portfolio(TOKEN) == portfolio


async def test_numbers_are_read_page_by_page(graph: GraphClient):
    with respx.mock:
        first = {
            "data": [{"id": "1", "display_phone_number": "+1 313-513-8538", "status": "NEW"}],
            "paging": {"cursors": {"after": "abc"}, "next": "https://graph.test/next"},
        }
        last = {"data": [{"id": 2}, "odd"], "paging": {"cursors": {"after": "def"}}}
        route = respx.get(f"{URL}/{WABA}/phone_numbers").mock(
            side_effect=[httpx.Response(200, json=first), httpx.Response(200, json=last)]
        )
        numbers = await graph.phone_numbers(WABA, TOKEN)
    assert [(n.id, n.status) for n in numbers] == [("1", "NEW"), ("2", "")]
    assert query(route.calls[1])["after"] == "abc"


@pytest.mark.parametrize(
    ("rows", "subscribed"),
    [
        ([{"whatsapp_business_api_data": {"id": APP.app_id}}], True),
        ([{}, {"whatsapp_business_api_data": {"id": int(APP.app_id)}}], True),
        ([{"whatsapp_business_api_data": {"id": "1"}}], False),
        ([], False),
    ],
)
async def test_whether_our_app_is_subscribed(graph: GraphClient, rows: list[Any], subscribed: bool):
    with respx.mock:
        respx.get(f"{URL}/{WABA}/subscribed_apps").respond(json={"data": rows})
        assert await graph.is_subscribed(WABA, TOKEN) is subscribed


@pytest.mark.parametrize(
    "data",
    [None, {}, "odd", [{"whatsapp_business_api_data": {"id": "1"}}, {}], [None]],
)
async def test_an_app_that_cannot_be_read_may_be_ours(graph: GraphClient, data: Any):
    """Nobody is taken for disconnected because of it."""
    with respx.mock:
        respx.get(f"{URL}/{WABA}/subscribed_apps").respond(json={"data": data})
        with pytest.raises(MetaError, match="cannot use"):
            await graph.is_subscribed(WABA, TOKEN)


async def test_subscribing_is_a_post_with_the_clients_token(graph: GraphClient):
    with respx.mock:
        route = respx.post(f"{URL}/{WABA}/subscribed_apps").respond(json={"success": True})
        await graph.subscribe(WABA, TOKEN)
    assert route.calls[0].request.headers["authorization"] == "Bearer EAAG-business-token-5521"


async def test_unsubscribing_is_a_delete_of_which_no_answer_tells_nothing(graph: GraphClient):
    with respx.mock:
        respx.delete(f"{URL}/{WABA}/subscribed_apps").mock(side_effect=httpx.ReadTimeout)
        with pytest.raises(MetaError) as raised:
            await graph.unsubscribe(WABA, TOKEN)
    assert raised.value.ambiguous


@pytest.mark.parametrize(
    "body",
    [{"data": [{"access_token": "EAAX"}]}, {"access_token": "EAAX", "expires_at": 1800000000}],
)
async def test_a_token_that_is_issued_again_comes_in_either_shape(
    graph: GraphClient, body: dict[str, Any]
):
    with respx.mock:
        route = respx.get(f"{URL}/{SOLUTION}/access_token").respond(json=body)
        issued = await graph.issue_token(SOLUTION, PORTFOLIO, TOKEN)
    assert issued.access_token.get_secret_value() == "EAAX"
    assert query(route.calls[0])["business_id"] == PORTFOLIO


async def test_the_apps_webhooks_name_their_fields(graph: GraphClient):
    rows = [
        {"object": "user"},
        {
            "object": "whatsapp_business_account",
            "callback_url": "https://in.test",
            "active": True,
            "fields": [{"name": "account_update", "version": "v26.0"}, "security"],
        },
    ]
    with respx.mock:
        respx.get(f"{URL}/{APP.app_id}/subscriptions").respond(json={"data": rows})
        found = await graph.app_subscriptions()
    assert [each.fields for each in found] == [(), ("account_update", "security")]


@pytest.mark.parametrize(
    ("answer", "retryable", "awaiting"),
    [
        (error(4), True, Party.US),
        (error(80007, 429), True, Party.US),
        (httpx.Response(429, text="<html>"), True, Party.US),
        (error(2, 503), True, Party.META),
        (error(131000, 500), True, Party.META),
        (httpx.Response(502, text="bad gateway"), True, Party.META),
        (error(7777, 400, is_transient=True), True, Party.META),
        (error(190, 401, error_subcode=463), False, Party.OPERATOR),
        (error(3, 500), False, Party.OPERATOR),
        (error(200, 403), False, Party.OPERATOR),
        (error(100), False, Party.OPERATOR),
        (error(803, 404), False, Party.OPERATOR),
        (error(368, 403), False, Party.OPERATOR),
        (error(131042), False, Party.INFOBIP),
        (error(7777), False, Party.OPERATOR),
        (httpx.Response(404, json={"error": "odd"}), False, Party.OPERATOR),
        (httpx.Response(400, json=[1]), False, Party.OPERATOR),
    ],
)
async def test_a_refusal_is_read_by_metas_code_and_not_by_the_status(
    graph: GraphClient, answer: httpx.Response, retryable: bool, awaiting: Party
):
    with respx.mock:
        respx.get(f"{URL}/{SOLUTION}").mock(return_value=answer)
        with pytest.raises(MetaError) as caught:
            await graph.solution(SOLUTION, TOKEN)
    found = caught.value
    assert (found.retryable, found.awaiting, found.ambiguous) == (retryable, awaiting, False)
    assert found.status == answer.status_code
    assert found.remedy


async def test_an_error_says_what_support_asks_for(graph: GraphClient):
    said = {"error_user_msg": "Ask +44 7860 041117.", "error_subcode": 463}
    with respx.mock:
        respx.get(f"{URL}/{SOLUTION}").mock(return_value=error(190, 401, **said))
        with pytest.raises(MetaError) as caught:
            await graph.solution(SOLUTION, TOKEN)
    found = caught.value
    assert (found.code, found.subcode, found.trace) == (190, 463, "Tr4ce")
    assert "Meta answered 401 190/463 (trace Tr4ce): Ask …1117." in found.message
    copied = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own bytes
    assert (str(copied), copied.code) == (str(found), 190)


async def test_only_what_changes_something_can_be_ambiguous(graph: GraphClient):
    with respx.mock:
        respx.post(f"{URL}/{WABA}/subscribed_apps").mock(side_effect=httpx.ReadTimeout("late"))
        respx.get(f"{URL}/oauth/access_token").mock(return_value=error(2, 503))
        with pytest.raises(MetaError) as subscribing:
            await graph.subscribe(WABA, TOKEN)
        with pytest.raises(MetaError) as exchanging:
            await graph.exchange_code(SecretStr("AQ"))
    assert (subscribing.value.ambiguous, exchanging.value.ambiguous) == (True, True)


@pytest.mark.parametrize(
    ("failure", "what"),
    [(httpx.ConnectError("refused"), "could not be reached"), (httpx.ReadTimeout("x"), "did not")],
)
async def test_a_meta_that_does_not_answer_is_asked_again(
    graph: GraphClient, failure: httpx.RequestError, what: str
):
    with respx.mock:
        respx.get(f"{URL}/{SOLUTION}").mock(side_effect=failure)
        with pytest.raises(MetaError, match=what) as caught:
            await graph.solution(SOLUTION, TOKEN)
    assert (caught.value.retryable, caught.value.ambiguous) == (True, False)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', json.dumps({"name": 5})])
async def test_a_success_that_cannot_be_used_is_an_error_and_not_quoted(
    graph: GraphClient, text: str
):
    with respx.mock:
        respx.get(f"{URL}/{SOLUTION}").respond(text=text)
        with pytest.raises(MetaError, match="cannot use") as caught:
            await graph.solution(SOLUTION, TOKEN)
    assert caught.value.__context__ is None


async def test_no_secret_gets_into_an_error_or_a_log_line(
    graph: GraphClient, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    code = "AQ-secret-code-8812"
    echo = f"bad {code} of app-secret-9c1d7e with {TOKEN.get_secret_value()}"
    with respx.mock:
        answer = httpx.Response(400, json={"error": {"code": 100, "message": echo}})
        respx.route(host="graph.test").mock(return_value=answer)
        told: list[str] = []
        for call in (
            graph.exchange_code(SecretStr(code)),
            graph.debug_token(TOKEN),
            graph.solution(SOLUTION, TOKEN),
        ):
            with pytest.raises(MetaError) as caught:
                await call
            told.append(f"{caught.value} {caught.value.text}")
    assert code not in told[0]
    assert TOKEN.get_secret_value() not in told[1] + told[2]
    lines = [r.getMessage() for r in caplog.records if r.name == "httpx"]
    assert lines
    for secret in (code, "app-secret-9c1d7e", TOKEN.get_secret_value()):
        assert not any(secret in line for line in lines)
    assert "app-secret-9c1d7e" not in "".join(told)


def test_a_body_is_signed_as_meta_does():
    raw = b'{"object":"whatsapp_business_account"}'
    signed = sign(raw, SecretStr("app-secret"))
    assert signed.startswith("sha256=")
    assert len(signed) == 71
    assert sign(raw + b" ", SecretStr("app-secret")) != signed
