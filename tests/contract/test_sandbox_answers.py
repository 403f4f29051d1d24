"""Every answer and webhook that the sandbox can give, judged by Infobip's official documents.

share-waba and the registration event are in no OpenAPI document. share-waba is checked against the
body of its siblings' errors and the Java client's "202, nothing"; the event against the example.

A few answers are the sandbox's own guess, as the documents give the operation no such status: 400
for a query that cannot be read, and 404 and 405 for what is no operation. They are checked against
the error schema of the endpoint's family.
"""

import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.judge import judge, product_of
from tests.sandbox.lab import (
    DELIVERY_URL,
    DOCUMENTED,
    FAILED_NUMBER,
    FINISHED_NUMBER,
    SHARE,
    Lab,
    association,
    lab,
    message,
)

pytestmark = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)

APPLICATIONS = "/provisioning/1/applications"
ENTITIES = "/provisioning/1/entities"
ASSOCIATIONS = "/provisioning/1/associations"
SINGLE = f"{ASSOCIATIONS}/single"
NUMBERS = "/numbers/1/numbers"
QUALITY = "/whatsapp/1/senders/quality"
MESSAGES = "/messages-api/1/messages"
VALIDATE = "/messages-api/1/messages/validate"
REPORTS = "/messages-api/1/reports"

DELIVERY_WEBHOOK = "receive-messages-api-delivery-reports"

Call = tuple[str, str, int, dict[str, Any]]


@pytest.fixture
async def prepared() -> AsyncGenerator[Lab]:
    """A sandbox with a bit of everything: two senders, one of them associated, and a report."""
    async with lab() as sandbox:
        await sandbox.share("777")
        await sandbox.share(DOCUMENTED)
        await sandbox.http.post(APPLICATIONS, json={"applicationId": "app"})
        await sandbox.http.post(ENTITIES, json={"entityId": "acme", "entityName": "Acme"})
        await sandbox.http.post(ASSOCIATIONS, json=association(await sandbox.number_key()))
        await sandbox.send()
        yield sandbox


def on_catalogue(path: str, kind: str) -> list[Call]:
    """All answers of applications or entities; `known` is there, `none` is not."""
    known, name = {"application": "app", "entity": "acme"}[kind], f"{kind}Name"
    return [
        ("GET", path, 200, {}),
        ("POST", path, 201, {"json": {f"{kind}Id": "new", name: "New"}}),
        ("POST", path, 400, {"json": {}}),
        ("POST", path, 400, {"json": {f"{kind}Id": "x" * 256}}),
        ("POST", path, 409, {"json": {f"{kind}Id": known}}),
        ("GET", f"{path}/{known}", 200, {}),
        ("GET", f"{path}/none", 404, {}),
        ("PUT", f"{path}/{known}", 204, {"json": {name: "Other"}}),
        ("PUT", f"{path}/{known}", 400, {"json": {name: 1}}),
        ("PUT", f"{path}/none", 404, {"json": {name: "Other"}}),
        ("DELETE", f"{path}/{known}", 200, {}),
        ("DELETE", f"{path}/none", 404, {}),
    ]


CALLS: list[Call] = [
    *on_catalogue(APPLICATIONS, "application"),
    ("DELETE", f"{APPLICATIONS}/default", 400, {}),
    *on_catalogue(ENTITIES, "entity"),
    ("GET", ASSOCIATIONS, 200, {}),
    ("POST", ASSOCIATIONS, 400, {"json": {}}),
    ("POST", ASSOCIATIONS, 400, {"content": b"{"}),
    ("POST", ASSOCIATIONS, 404, {"json": association("none")}),
    ("DELETE", ASSOCIATIONS, 400, {"json": {}}),
    ("DELETE", ASSOCIATIONS, 404, {"json": association("none")}),
    ("GET", SINGLE, 404, {"params": association("none")}),
    ("GET", NUMBERS, 200, {}),
    ("GET", NUMBERS, 200, {"params": {"number": "none"}}),
    ("GET", QUALITY, 200, {"params": {"senders": f"{FINISHED_NUMBER},{FAILED_NUMBER}"}}),
    ("GET", QUALITY, 400, {}),
    ("POST", VALIDATE, 200, {"json": message()}),
    ("POST", VALIDATE, 200, {"json": message(metadata={})}),
    ("POST", VALIDATE, 400, {"json": message(channel=None)}),
    ("POST", VALIDATE, 400, {"content": b"{"}),
    ("POST", MESSAGES, 200, {"json": message()}),
    ("POST", MESSAGES, 200, {"json": message(destinations=[{"to": "41"}, {"to": "42"}])}),
    ("POST", MESSAGES, 400, {"json": {"messages": []}}),
    ("GET", REPORTS, 200, {}),
]


@pytest.mark.parametrize(("method", "path", "status", "given"), CALLS)
async def test_every_answer_is_as_documented(
    prepared: Lab, method: str, path: str, status: int, given: dict[str, Any]
):
    """Status and body, property by property."""
    headers = {"Content-Type": "application/json"} if "content" in given else {}
    response = await prepared.http.request(method, path, headers=headers, **given)
    assert response.status_code == status
    judge(response)


async def test_the_life_of_an_association_is_as_documented(prepared: Lab):
    """Found, in the way, deleted, created; and after a reset without its entity."""
    body = association(await prepared.number_key())
    answers = [
        await prepared.http.get(SINGLE, params=body),
        await prepared.http.post(ASSOCIATIONS, json=body),
        await prepared.http.request("DELETE", ASSOCIATIONS, json=body),
        await prepared.http.post(ASSOCIATIONS, json=body),
        await prepared.http.delete(f"{ENTITIES}/acme"),
        await prepared.http.get(ASSOCIATIONS),
    ]
    assert [each.status_code for each in answers] == [200, 409, 204, 201, 200, 200]
    for each in answers:
        judge(each)


_OPERATIONS = sorted({(method, path) for method, path, *_ in CALLS} | {("GET", SINGLE)})


@pytest.mark.parametrize(("method", "path"), _OPERATIONS)
async def test_every_operation_refuses_a_stranger_as_documented(method: str, path: str):
    """401."""
    async with lab() as sandbox, sandbox.caller("App wrong") as stranger:
        response = await stranger.request(method, path)
    assert response.status_code == 401
    judge(response)


@pytest.mark.parametrize(
    ("method", "path"), [each for each in _OPERATIONS if each[1] not in (MESSAGES, REPORTS)]
)
async def test_every_limited_operation_refuses_haste_as_documented(method: str, path: str):
    """429, on all but sending and pulling, which have no documented limit."""
    async with lab(rate_limits=True) as sandbox:
        answers = [await sandbox.http.request(method, path) for _ in range(11)]
    assert answers[-1].status_code == 429
    judge(answers[-1])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{ENTITIES}?size=0", 400),
        ("GET", f"{NUMBERS}?limit=many", 400),
        ("GET", f"{SINGLE}?channel=WHATSAPP", 400),
        ("GET", f"{REPORTS}?limit=many", 400),
        ("GET", "/whatsapp/1/registrations", 404),
        ("GET", "/messages-api/1/logs", 404),
        ("PATCH", ENTITIES, 405),
        ("DELETE", MESSAGES, 405),
    ],
)
async def test_an_undocumented_refusal_has_the_shape_of_its_family(
    method: str, path: str, status: int
):
    """A guess at the status, but not at the shape."""
    async with lab() as sandbox:
        response = await sandbox.http.request(method, path)
    assert response.status_code == status
    product = product_of(path)
    schema = "ApiError" if product == "messages-api" else "ApiException"
    openapi.validate_component(product, schema, response.json())


@pytest.mark.parametrize("delivery", ["delivered", "undeliverable", "rejected", "expired"])
async def test_every_delivery_report_is_as_documented(delivery: str):
    """Pushed, with all that a message can give it."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox:
        await sandbox.share()
        fate = (await sandbox.http.get(f"/sandbox/wabas/{DOCUMENTED}")).json()["fate"]
        await sandbox.decide(senders=[{**fate["senders"][0], "delivery": delivery}])
        platform = {"entityId": "acme", "applicationId": "app"}
        options = {"platform": platform, "campaignReferenceId": "campaign"}
        await sandbox.send(options=options, webhooks={"callbackData": "data"})
        openapi.validate_webhook(
            "messages-api", DELIVERY_WEBHOOK, json.loads(sandbox.inbox[-1].content)
        )


async def test_a_seen_report_is_as_documented():
    """With all that a message can give it."""
    async with lab() as sandbox:
        await sandbox.share()
        fate = (await sandbox.http.get(f"/sandbox/wabas/{DOCUMENTED}")).json()["fate"]
        await sandbox.decide(senders=[{**fate["senders"][0], "seen": True}])
        platform = {"entityId": "acme", "applicationId": "app"}
        options = {"platform": platform, "campaignReferenceId": "campaign"}
        webhooks = {"callbackData": "data", "seen": {"url": "http://own.test/seen"}}
        await sandbox.send(options=options, webhooks=webhooks)
        body = json.loads(sandbox.inbox[-1].content)
    openapi.validate_webhook("messages-api", "receive-messages-api-seen-reports", body)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": FAILED_NUMBER},
        {"sender": None},
        {"template": {"templateName": "none"}},
        {"template": None, "content": {"body": {"type": "TEXT", "text": "Hello"}}},
    ],
)
async def test_every_rejection_is_reported_as_documented(changes: dict[str, Any]):
    """Pulled, and not empty."""
    async with lab() as sandbox:
        await sandbox.share()
        openapi.validate_request_body("messages-api", MESSAGES, "POST", message(**changes))
        await sandbox.send(**changes)
        response = await sandbox.http.get(REPORTS)
    assert response.json()["results"][0]["status"]["groupId"] == 5
    judge(response)


async def test_share_waba_answers_as_the_java_client_expects():
    """In no document: 202 and no body; its refusals are in the family of its siblings."""
    async with lab() as sandbox:
        accepted = await sandbox.http.post(SHARE, json={"businessAccountId": int(DOCUMENTED)})
        await sandbox.settled()
        refused = await sandbox.http.post(SHARE, json={})
    assert (accepted.status_code, accepted.content) == (202, b"")
    openapi.validate_component("whatsapp", "ApiException", refused.json())


@pytest.mark.parametrize(
    ("newer", "example"),
    [(False, "registration-finished.json"), (True, "registration-finished-newer.json")],
)
async def test_the_registration_event_is_the_example(newer: bool, example: str):
    """In no document either: equal to what the page shows, to the last value."""
    expected = json.loads((openapi.CONTRACTS / "examples" / example).read_text(encoding="utf-8"))
    async with lab() as sandbox:
        await sandbox.decide(
            newer=newer,
            created_at=expected["createdAt"],
            last_modified_at=expected["lastModifiedAt"],
        )
        await sandbox.share()
        early, late = [json.loads(each.content) for each in sandbox.inbox]
    assert late == expected
    assert early.keys() == expected.keys()


async def test_the_documented_waba_needs_no_fate_to_be_the_example():
    """Shared as it is. Its times are the clock's: one from before the share answers none."""
    path = openapi.CONTRACTS / "examples" / "registration-finished-newer.json"
    async with lab() as sandbox:
        await sandbox.share()
        told = json.loads(sandbox.inbox[-1].content)
    example = json.loads(path.read_text(encoding="utf-8"))
    times = {key: told[key] for key in ("createdAt", "lastModifiedAt")}
    assert told == example | times


@pytest.mark.parametrize(
    "check",
    [
        lambda: openapi.validate_request_body(
            "messages-api", MESSAGES, "POST", message(destinations=[{"to": "1", "messageID": "2"}])
        ),
        lambda: openapi.validate_request_body(
            "messages-api", MESSAGES, "POST", message(content={"body": {"type": "TEXT", "1": 1}})
        ),
        lambda: openapi.validate_request_body(
            "messages-api", MESSAGES, "POST", message(template={"language": "en"})
        ),
        lambda: openapi.validate_request_body(
            "application-entity", ASSOCIATIONS, "POST", association("k", resourceType="NUMBERS")
        ),
        lambda: openapi.validate_request_body(
            "application-entity", ENTITIES, "POST", {"entityId": "a", "name": "b"}
        ),
        lambda: openapi.validate_query("numbers", NUMBERS, "GET", {"entityId": "acme"}),
        lambda: openapi.validate_query("whatsapp", QUALITY, "GET", {}),
        lambda: openapi.validate_query(
            "whatsapp", QUALITY, "GET", {"senders": ",".join(["1"] * 101)}
        ),
        lambda: openapi.validate_query("application-entity", ENTITIES, "GET", {"size": 1001}),
        lambda: openapi.validate_response("messages-api", MESSAGES, "POST", 202, None),
        lambda: openapi.validate_response("application-entity", ENTITIES, "POST", 201, {"a": 1}),
        lambda: openapi.validate_response("numbers", NUMBERS, "GET", 200, {"numbers": [{"x": 1}]}),
        lambda: openapi.validate_webhook("messages-api", DELIVERY_WEBHOOK, {"results": [{}]}),
        lambda: openapi.validate_request_body("whatsapp", SHARE, "POST", {}),
    ],
)
def test_the_judge_is_strict(check: Callable[[], None]):
    """It would not be worth much if it let any of these pass."""
    with pytest.raises(openapi.NotAsDocumented):
        check()


@pytest.mark.parametrize(
    "body",
    [
        message(content={"body": {"type": "TEXT", "1": "Acme"}}),
        message(destinations=[{"byChannel": [{"channel": "WHATSAPP", "to": "41"}]}]),
        message(template=None, content={"body": {"type": "TEXT", "text": "Hello"}}),
    ],
)
def test_the_judge_is_just(body: dict[str, Any]):
    """What the documents allow, it allows."""
    openapi.validate_request_body("messages-api", MESSAGES, "POST", body)
    openapi.validate_request_body(
        "application-entity", ASSOCIATIONS, "POST", association("key", entityId=None)
    )
    openapi.validate_query("whatsapp", QUALITY, "GET", {"senders": "1,2"})


async def test_the_sandbox_takes_every_official_example_of_its_channel():
    """Validate finds nothing missing and nothing unknown in what Infobip itself shows."""
    examples = openapi.request_examples("messages-api", MESSAGES, "POST")
    ours = [each for each in examples if each["messages"][0]["channel"] == "WHATSAPP"]
    assert ours
    async with lab() as sandbox:
        for each in ours:
            response = await sandbox.http.post(VALIDATE, json=each)
            assert response.status_code == 200, (each, response.text)
            assert response.json()["skippableViolations"] == [], each
