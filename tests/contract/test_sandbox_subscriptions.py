"""The sandbox's Subscriptions API, judged by Infobip's official document.

409 for an id that exists, and 400 for one that is in use, are the sandbox's own guess: they are
checked against the error schema of the family.

Two requests of the document do not bear its own check: `enabledSSLProtocols` is a list that must be
one of two strings, and of the 22 bodies of a subscription, one for each channel, exactly one must
fit. The list is not sent here, and a subscription is held against the body of its channel.
"""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.contract import openapi
from tests.contract.judge import judge
from tests.sandbox.lab import Lab, lab
from tests.sandbox.test_subscriptions import (
    HMAC,
    OWN_URL,
    PROFILES,
    SECURITY,
    WHATSAPP,
    subscribe,
    subscription,
)

pytestmark = pytest.mark.skipif(openapi.ABSENT, reason=openapi.WHY_ABSENT)

PRODUCT = "subscriptions-api"

Call = tuple[str, str, int, dict[str, Any]]

WEBHOOK: dict[str, Any] = {
    "webhook": {"notifyUrl": OWN_URL, "contentType": "application/json"},
    "security": {"authId": "auth"},
    "headers": {"X-Tenant": "acme"},
    "maxBucketSize": 1,
    "windowSize": 20,
    "connectTimeout": 300,
    "readTimeout": 1000,
    "rateLimit": 1,
}
FILTERS: dict[str, Any] = {
    "name": "Everything of acme",
    "criteria": [{"applicationId": "app", "entityId": "acme"}],
    "resources": ["447491163862"],
    "users": ["me"],
}
MINE = {"events": ["SEEN"], "profile": {"profileId": "profile"}}


@pytest.fixture
async def prepared() -> AsyncGenerator[Lab]:
    """A sandbox with one of each."""
    async with lab() as sandbox:
        await subscribe(sandbox, **FILTERS)
        yield sandbox


def on_shelf(path: str, known: str, new: dict[str, Any], changed: dict[str, Any]) -> list[Call]:
    """All answers about one of the three kinds."""
    return [
        ("GET", path, 200, {}),
        ("POST", path, 201, {"json": new}),
        ("POST", path, 400, {"json": {}}),
        ("GET", f"{path}/{known}", 200, {}),
        ("GET", f"{path}/none", 404, {}),
        ("PUT", f"{path}/{known}", 200, {"json": changed}),
        ("PUT", f"{path}/{known}", 400, {"content": b"{"}),
        ("PUT", f"{path}/none", 404, {"json": changed}),
        ("DELETE", f"{path}/none", 404, {}),
    ]


CALLS: list[Call] = [
    *on_shelf(SECURITY, "auth", {"authId": "new", **HMAC}, HMAC),
    *on_shelf(PROFILES, "profile", {"profileId": "new", **WEBHOOK}, WEBHOOK),
    *on_shelf(WHATSAPP, "ours", subscription(subscriptionId="new"), MINE),
    (
        "POST",
        WHATSAPP,
        404,
        {"json": {"subscriptionId": "new", **MINE, "profile": {"profileId": "x"}}},
    ),
    ("DELETE", f"{WHATSAPP}/ours", 200, {}),
]


def check_request(path: str, method: str, body: dict[str, Any]) -> None:
    """Hold a request against the document."""
    if path.startswith(WHATSAPP):
        name = "SubscriptionRequest" if method == "POST" else "NoIdSubscriptionRequest"
        openapi.validate_component(PRODUCT, f"Whatsapp{name}", body)
    else:
        openapi.validate_request_body(PRODUCT, path, method, body)


@pytest.mark.parametrize(("method", "path", "status", "given"), CALLS)
async def test_every_answer_is_as_documented(
    prepared: Lab, method: str, path: str, status: int, given: dict[str, Any]
):
    """Status and body, property by property; and what was asked is what may be asked."""
    if status < 300 and "json" in given:
        check_request(path, method, given["json"])
    headers = {"Content-Type": "application/json"} if "content" in given else {}
    response = await prepared.http.request(method, path, headers=headers, **given)
    assert response.status_code == status, response.text
    judge(response)


@pytest.mark.parametrize(("method", "path"), sorted({(each[0], each[1]) for each in CALLS}))
async def test_every_operation_refuses_a_stranger_and_a_lesser_key(method: str, path: str):
    """401 and 403."""
    async with lab() as sandbox, sandbox.caller("App wrong") as stranger:
        await sandbox.http.put("/sandbox/account", json={"subscriptions_offered": False})
        answers = [
            await stranger.request(method, path),
            await sandbox.http.request(method, path),
        ]
    assert [each.status_code for each in answers] == [401, 403]
    for each in answers:
        judge(each)


async def test_the_end_of_profile_and_security_is_as_documented(prepared: Lab):
    """Once nothing uses them."""
    for path in (f"{WHATSAPP}/ours", f"{PROFILES}/profile", f"{SECURITY}/auth"):
        judge(await prepared.http.delete(path))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", SECURITY, 409),
        ("POST", PROFILES, 409),
        ("POST", WHATSAPP, 409),
        ("DELETE", f"{PROFILES}/profile", 400),
        ("GET", f"{WHATSAPP}?size=101", 400),
        ("GET", "/subscriptions/1/subscription/TELEX", 400),
    ],
)
async def test_an_undocumented_refusal_has_the_shape_of_its_family(
    prepared: Lab, method: str, path: str, status: int
):
    """A guess at the status, but not at the shape."""
    body = {**subscription(), "authId": "auth", "profileId": "profile"}
    wanted = {**body, "webhook": {"notifyUrl": OWN_URL}} if method == "POST" else None
    if path == PROFILES and wanted:
        del wanted["profile"]
    response = await prepared.http.request(method, path, json=wanted)
    assert response.status_code == status
    openapi.validate_component(PRODUCT, "ApiException", response.json())


async def test_the_sandbox_takes_the_official_example():
    """And shows it as it was given, but for the secrets."""
    (example,) = openapi.request_examples(
        PRODUCT, WHATSAPP.replace("WHATSAPP", "{channel}"), "POST"
    )
    async with lab() as sandbox:
        assert (await sandbox.http.post(WHATSAPP, json=example)).status_code == 201
        shown = await sandbox.http.get(f"{WHATSAPP}/{example['subscriptionId']}")
    kept = {name: value for name, value in example.items() if name != "profile"}
    assert kept.items() <= shown.json().items()
