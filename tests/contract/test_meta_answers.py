"""Our requests to Meta, and the sandbox's answers, judged by Meta's official OpenAPI document.

The document is of the business messaging API v23.0. It describes seven of the operations that we
use; the others, and the rest of what we ask for, are listed here with the source that we go by
instead. Meta's document also contradicts itself: where the sandbox differs from its schemas it
often is as its examples are. Every difference is listed, so that neither a new one nor one that
has gone passes unseen.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from tests.contract import openapi
from tests.sandbox.lab import DOCUMENTED, Lab, lab
from waboard.domain.ids import PortfolioId, SolutionId, WabaId
from waboard.meta.client import GraphClient, MetaApp
from waboard.meta.errors import MetaError
from waboard.sandbox import graph

DOCUMENT = openapi.CONTRACTS / "openapi" / "meta-business-messaging-v23.0.yaml"
documented = pytest.mark.skipif(not DOCUMENT.is_file(), reason=openapi.WHY_ABSENT)

VERSION = "v23.0"
APP = MetaApp("600000000000001", SecretStr("sandbox-app-secret"))
SYSTEM = SecretStr("sandbox-system-token")
WABA, CLIENT = WabaId(DOCUMENTED), PortfolioId("506914307656634")
SOLUTION, PROVIDER = SolutionId("900000000000001"), PortfolioId("700000000000001")

Schema = dict[str, Any]
Call = Callable[[GraphClient, SecretStr], Awaitable[object]]

CALLS: dict[str, tuple[str, Call]] = {
    "waba": ("{WABA-ID}", lambda meta, token: meta.waba(WABA, token)),
    "waba_health": ("{WABA-ID}", lambda meta, token: meta.waba_health(WABA, token)),
    "phone_numbers": (
        "{WABA-ID}/phone_numbers",
        lambda meta, token: meta.phone_numbers(WABA, token, health=True),
    ),
    "subscribe": ("{WABA-ID}/subscribed_apps", lambda meta, token: meta.subscribe(WABA, token)),
    "unsubscribe": ("{WABA-ID}/subscribed_apps", lambda meta, token: meta.unsubscribe(WABA, token)),
    "is_subscribed": (
        "{WABA-ID}/subscribed_apps",
        lambda meta, token: meta.is_subscribed(WABA, token),
    ),
    "solution": ("{Solution-ID}", lambda meta, token: meta.solution(SOLUTION, token)),
    "issue_token": (
        "{Solution-ID}/access_token",
        lambda meta, token: meta.issue_token(SOLUTION, CLIENT, token),
    ),
    "portfolio": ("{Business-ID}", lambda meta, token: meta.portfolio(PROVIDER, token)),
}
"""Every operation that we use and the document describes, by the client's method."""
OF_THE_PROVIDER = {"solution", "issue_token", "portfolio"}
"""Those that our own system user's token opens; the others are the client's."""
UNDESCRIBED: dict[str, tuple[str, str]] = {
    "exchange_code": ("oauth/access_token", "ES/onboarding-customers-as-a-tech-provider"),
    "debug_token": ("debug_token", "SP/manage-accounts"),
    "client_portfolio": ("me", "ES/onboarding-customers-as-a-tech-provider"),
    "solution_partners": ("{Solution-ID}/partners", "SP/multi-partner-solutions"),
    "app": ("{Application-ID}", "the Python SDK 26.0.3"),
    "app_permissions": ("{Application-ID}/permissions", "the Python SDK 26.0.3"),
    "app_subscriptions": ("{Application-ID}/subscriptions", "GRAPH/application/subscriptions"),
}
"""What we use and the document does not describe, and where it is described."""
UNDESCRIBED_FIELDS: dict[str, set[str]] = {
    "waba": {"owner_business_info"},
    "waba_health": {"health_status"},
    "phone_numbers": {"name_status", "platform_type", "health_status"},
    "portfolio": {"verification_status"},
}
"""Fields that we ask for and the document's schemas do not have; the Python SDK 26.0.3 does."""
DIFFERENCES: dict[str, set[str]] = {
    "waba": {"$.owner_business_info: unknown"},
    "waba_health": {"$.owner_business_info: unknown", "$.health_status: unknown"},
    "phone_numbers": {
        "$.data[].health_status: unknown",
        "$.data[].name_status: unknown",
        "$.data[].platform_type: unknown",
        "$.data[].quality_rating: enum",  # UNKNOWN, as in the document's own example
    },
    # As in the document's own example, and unlike its schema.
    "is_subscribed": {"$.data[].whatsapp_business_api_data: unknown"},
    # A list, as SP/multi-partner-solutions shows it.
    "issue_token": {"$: required", "$.data: unknown"},
    "portfolio": {"$.verification_status: unknown"},
}
"""Where the sandbox's answers are not as the schemas have it."""


class Recorder(httpx.AsyncBaseTransport):
    """The way to a sandbox; it remembers what was asked and what was answered."""

    def __init__(self, sandbox: Lab) -> None:
        self.calls: list[tuple[httpx.Request, httpx.Response]] = []
        self._way = httpx.ASGITransport(sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let a request pass."""
        response = await self._way.handle_async_request(request)
        await response.aread()
        self.calls.append((request, response))
        return response


class Meta:
    """The sandbox's Meta, our client of it, and a client's token."""

    def __init__(self, sandbox: Lab, client: GraphClient, recorder: Recorder) -> None:
        self.sandbox, self.client = sandbox, client
        self.recorded = recorder.calls
        self._token = SecretStr("")

    async def signed_up(self) -> None:
        """A client has signed up, and our app is subscribed to its WABA."""
        answer = await self.sandbox.http.post("/facebook/finish", json={"tells": False})
        token = await self.client.exchange_code(SecretStr(answer.json()["code"]))
        self._token = token.access_token
        await self.client.subscribe(WABA, self._token)

    async def asked(
        self, name: str, token: SecretStr | None = None
    ) -> tuple[httpx.Request, httpx.Response]:
        """Make one call, with the token that opens it unless another is given."""
        fitting = SYSTEM if name in OF_THE_PROVIDER else self._token
        with suppress(MetaError):
            await CALLS[name][1](self.client, token or fitting)
        return self.recorded[-1]


@pytest.fixture
async def meta() -> AsyncGenerator[Meta]:
    async with lab() as sandbox:
        recorder = Recorder(sandbox)
        url = "http://sandbox.test/graph"
        async with GraphClient(url, VERSION, APP, transport=recorder) as client:
            opened = Meta(sandbox, client, recorder)
            await opened.signed_up()
            yield opened


@cache
def document() -> Schema:
    """Meta's document."""
    return yaml.load(DOCUMENT.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def operation(name: str, method: str) -> Schema:
    """What the document says of a call, with the parameters of its path."""
    item = document()["paths"][f"/{{Version}}/{CALLS[name][0]}"]
    found = item[method.lower()]
    return {**found, "parameters": [*item.get("parameters", []), *found["parameters"]]}


def resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document()
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def parameters(name: str, method: str, place: str) -> dict[str, Schema]:
    """The parameters of a call in one place, by name."""
    listed = [resolved(each) for each in operation(name, method)["parameters"]]
    return {each["name"]: each for each in listed if each["in"] == place}


def answer_schema(name: str, method: str, status: int = 200) -> Schema:
    return operation(name, method)["responses"][str(status)]["content"]["application/json"][
        "schema"
    ]


def validator(schema: Schema) -> Any:
    # The document's components ride along, so that "#/components/…" resolves inside the schema.
    return Draft202012Validator({**schema, "components": document()["components"]})


def faults(schema: Schema, body: Any) -> set[str]:
    """What is not as the schema has it: where, and which rule or that nobody knows the member."""
    errors = validator(schema).iter_errors(body)
    found = {f"{each.json_path}: {each.validator}" for each in errors}
    found |= {f"{where}: unknown" for where in unknown(schema, body)}
    return {re.sub(r"\[\d+\]", "[]", fault) for fault in found}


def unknown(schema: Schema, body: Any, at: str = "$") -> Iterator[str]:
    """Where the body has a member that its schema does not name."""
    schema = resolved(schema)
    if isinstance(body, list):
        for item in body:  # pyright: ignore[reportUnknownVariableType]
            yield from unknown(schema["items"], item, f"{at}[]")
    elif isinstance(body, dict):
        named = schema.get("properties", {})
        for member, value in body.items():  # pyright: ignore[reportUnknownVariableType]
            if member in named:
                yield from unknown(named[member], value, f"{at}.{member}")
            else:
                yield f"{at}.{member}"


def valid(schema: Schema, value: str) -> bool:
    """Whether a query value, which is a text, is what a parameter's schema has."""
    schema = resolved(schema)
    whole = schema.get("type") == "integer" and re.fullmatch(r"\d+", value)
    return validator(schema).is_valid(int(value) if whole else value)


def test_nothing_that_we_use_escapes_these_checks():
    """Whoever adds a method to the client says here what it is held against."""
    methods = {name for name, each in vars(GraphClient).items() if _is_operation(name, each)}
    assert methods == CALLS.keys() | UNDESCRIBED.keys()
    assert not CALLS.keys() & UNDESCRIBED.keys()


def _is_operation(name: str, member: object) -> bool:
    return callable(member) and not name.startswith("_")


def test_the_sandbox_serves_what_we_use_and_nothing_else():
    """A route that nobody asks for would be held against nothing."""
    ours = {re.sub(r"\{.*?\}", "{}", path) for path, _ in (*CALLS.values(), *UNDESCRIBED.values())}
    served = {getattr(route, "path", "") for route in graph.router.routes}
    prefix = "/graph/{version}/"
    assert {re.sub(r"\{.*?\}", "{}", each.removeprefix(prefix)) for each in served} == ours


@documented
@pytest.mark.parametrize("name", UNDESCRIBED)
def test_what_the_document_does_not_describe(name: str):
    """Should a newer one do, it moves into the list of what is checked."""
    assert f"/{{Version}}/{UNDESCRIBED[name][0]}" not in document()["paths"]


@documented
@pytest.mark.parametrize("name", CALLS)
async def test_a_request_is_as_documented(meta: Meta, name: str):
    """The method, the path, each query parameter, the token's header, and no body."""
    request, _ = await meta.asked(name)
    template = re.escape(f"/graph/{VERSION}/{CALLS[name][0]}")
    path = re.sub(r"\\\{.*?\\\}", "[0-9]+", template)
    assert re.fullmatch(path, request.url.path)
    query, known = dict(request.url.params), parameters(name, request.method, "query")
    assert query.keys() <= known.keys()
    assert {each for each, said in known.items() if said.get("required")} <= query.keys()
    assert [each for each in query if not valid(known[each]["schema"], query[each])] == []
    bearer = parameters(name, request.method, "header")["Authorization"]
    assert valid(bearer["schema"], request.headers["authorization"])
    assert request.content == b""
    assert not operation(name, request.method).get("requestBody", {}).get("required")


@documented
@pytest.mark.parametrize("name", CALLS)
async def test_the_fields_that_we_ask_for_are_the_documents_but_for_some(meta: Meta, name: str):
    request, _ = await meta.asked(name)
    fields: str = request.url.params.get("fields", "")
    asked = {field for field in fields.split(",") if field}
    schema = resolved(answer_schema(name, request.method))
    if "data" in schema["properties"]:
        schema = resolved(schema["properties"]["data"]["items"])
    assert asked - schema["properties"].keys() == UNDESCRIBED_FIELDS.get(name, set())


@documented
@pytest.mark.parametrize("name", CALLS)
async def test_an_answer_is_as_documented_but_for_some_differences(meta: Meta, name: str):
    """Each of which is listed, with what it is like instead."""
    request, response = await meta.asked(name)
    assert response.status_code == 200
    schema = answer_schema(name, request.method)
    assert faults(schema, response.json()) == DIFFERENCES.get(name, set())


@documented
@pytest.mark.parametrize("name", CALLS)
async def test_the_refusal_of_a_wrong_token_is_as_documented(meta: Meta, name: str):
    """401 with 190, and every member is one that the document knows."""
    request, response = await meta.asked(name, SecretStr("EAA-made-up"))
    assert response.status_code == 401
    judge_refusal(name, request.method, response)


@documented
@pytest.mark.parametrize("name", [name for name in CALLS if name not in OF_THE_PROVIDER])
async def test_the_refusal_of_an_expired_token_is_as_documented(meta: Meta, name: str):
    """The same, with the subcode of the document's example."""
    meta.sandbox.time += 61 * 24 * 3600
    request, response = await meta.asked(name)
    assert response.status_code == 401
    assert response.json()["error"]["error_subcode"] == 463
    judge_refusal(name, request.method, response)


@documented
@pytest.mark.parametrize("name", [name for name in CALLS if name not in OF_THE_PROVIDER])
async def test_the_refusal_of_a_waba_that_was_not_shared_is_as_documented(meta: Meta, name: str):
    """The document would have 403 or 404; what integrators see is 400 with 100."""
    finish = {"tells": False, "waba_id": "200000000000002", "portfolio_id": "300000000000003"}
    answer = await meta.sandbox.http.post("/facebook/finish", json=finish)
    others = await meta.client.exchange_code(SecretStr(answer.json()["code"]))
    request, response = await meta.asked(name, others.access_token)
    assert response.status_code == 400
    judge_refusal(name, request.method, response)


@documented
async def test_the_refusal_of_another_solution_is_as_documented(meta: Meta):
    with pytest.raises(MetaError):
        await meta.client.issue_token(SolutionId("900000000000009"), CLIENT, SYSTEM)
    _, response = meta.recorded[-1]
    assert response.status_code == 404
    judge_refusal("issue_token", "GET", response)


def judge_refusal(name: str, method: str, response: httpx.Response) -> None:
    """The body is as the schema has it, its type and code as the document's example has them."""
    said = operation(name, method)["responses"].get(str(response.status_code))
    if said is None:  # the portfolio is documented with its success alone
        assert name == "portfolio"
        said = operation("waba", "GET")["responses"][str(response.status_code)]
    content = said["content"]["application/json"]
    assert faults(content["schema"], response.json()) == set()
    example, error = content["example"]["error"], response.json()["error"]
    assert (error["type"], error["code"]) == (example["type"], example["code"])


@documented
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "1", "name": ""},
        {"id": 1, "name": "A"},
        {"id": "1", "name": "A", "ownership_type": "OURS"},
        {"id": "1", "name": "A", "country": "usa"},
        {"id": "1", "name": "A", "nmae": "A"},
    ],
)
def test_the_judge_is_strict(body: dict[str, Any]):
    """A missing member, a wrong type, an unknown value, a misspelt name."""
    assert faults(answer_schema("waba", "GET"), body)
    assert not faults(answer_schema("waba", "GET"), {"id": "1", "name": "A", "country": "US"})


@documented
def test_the_judge_of_queries_is_strict():
    """And reads numbers as such."""
    limit = parameters("phone_numbers", "GET", "query")["limit"]["schema"]
    assert [valid(limit, each) for each in ("1", "100", "101", "many")] == [
        True,
        True,
        False,
        False,
    ]
    business = parameters("issue_token", "GET", "query")["business_id"]["schema"]
    assert [each for each in ("5", "acme") if valid(business, each)] == ["5"]
