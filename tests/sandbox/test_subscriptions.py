"""The Subscriptions API, and that webhooks really go by it."""

import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from tests.sandbox.lab import DELIVERY_URL, DOCUMENTED, FINISHED_NUMBER, REGISTRATION_URL, Lab, lab

SECURITY = "/subscriptions/1/security"
PROFILES = "/subscriptions/1/profiles"
WHATSAPP = "/subscriptions/1/subscription/WHATSAPP"
OWN_URL = "http://gateway.test/hooks/infobip"

HMAC = {"type": "HMAC", "credentials": {"secretKey": "s3cret", "algorithm": "HMAC_SHA_256"}}


def subscription(**changes: Any) -> dict[str, Any]:
    """A subscription with all that it needs, described in full."""
    security = {"authId": "auth", **HMAC}
    profile = {"profileId": "profile", "webhook": {"notifyUrl": OWN_URL}, "security": security}
    events = ["ACCOUNT_REGISTRATION", "DELIVERY", "SEEN"]
    return {"subscriptionId": "ours", "events": events, "profile": profile, **changes}


async def subscribe(sandbox: Lab, **changes: Any) -> None:
    response = await sandbox.http.post(WHATSAPP, json=subscription(**changes))
    assert response.status_code == 201, response.text


async def stand(sandbox: Lab, **facts: Any) -> None:
    """How the account stands."""
    assert (await sandbox.http.put("/sandbox/account", json=facts)).status_code == 200


def addressed(sandbox: Lab) -> list[str]:
    return [str(each.url) for each in sandbox.inbox]


def code_of(response: httpx.Response) -> str:
    return response.json()["requestError"]["serviceException"]["messageId"]


async def test_one_request_creates_subscription_profile_and_security(sandbox: Lab):
    """201, where it is, and the ids of all three."""
    response = await sandbox.http.post(WHATSAPP, json=subscription())
    assert response.status_code == 201
    assert response.headers["Location"] == f"{WHATSAPP}/ours"
    assert response.json() == {
        "subscriptionId": "ours",
        "profile": {"profileId": "profile", "security": {"authId": "auth"}},
    }
    assert (await sandbox.http.get(f"{PROFILES}/profile")).json()["webhook"]["notifyUrl"] == OWN_URL


async def test_secrets_are_never_shown(sandbox: Lab):
    """Neither by the API nor in the books."""
    await subscribe(sandbox)
    shown = await sandbox.http.get(f"{SECURITY}/auth")
    assert shown.json() == {"authId": "auth", "type": "HMAC"}
    books = json.dumps((await sandbox.books())["subscriptions"])
    assert "s3cret" not in books + (await sandbox.http.get(SECURITY)).text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SECURITY, {"authId": "auth", **HMAC}),
        (PROFILES, {"profileId": "profile", "webhook": {"notifyUrl": OWN_URL}}),
        (WHATSAPP, subscription()),
    ],
)
async def test_an_id_is_had_only_once(sandbox: Lab, path: str, body: dict[str, Any]):
    """409 is undocumented; it is what an immutable id comes to."""
    await subscribe(sandbox)
    response = await sandbox.http.post(path, json=body)
    assert (response.status_code, code_of(response)) == (409, "CONFLICT")


@pytest.mark.parametrize("path", [SECURITY, PROFILES, WHATSAPP])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_what_is_not_there_is_404(sandbox: Lab, path: str, method: str):
    """With a body that would do."""
    body = {**HMAC, **subscription()["profile"], **subscription()} if method == "PUT" else None
    response = await sandbox.http.request(method, f"{path}/none", json=body)
    assert (response.status_code, code_of(response)) == (404, "NOT_FOUND")


async def test_the_life_of_each_of_the_three(sandbox: Lab):
    """Created, changed, read, and deleted from the outside in."""
    await subscribe(sandbox)
    changed = [
        await sandbox.http.put(f"{SECURITY}/auth", json=HMAC),
        await sandbox.http.put(
            f"{PROFILES}/profile", json={"webhook": {"notifyUrl": "http://new.test"}}
        ),
        await sandbox.http.put(
            f"{WHATSAPP}/ours", json={"events": ["SEEN"], "profile": {"profileId": "profile"}}
        ),
    ]
    assert [each.status_code for each in changed] == [200, 200, 200]
    assert (await sandbox.http.get(f"{WHATSAPP}/ours")).json()["events"] == ["SEEN"]
    assert (await sandbox.http.get(f"{PROFILES}/profile")).json() == {
        "profileId": "profile",
        "webhook": {"notifyUrl": "http://new.test"},
    }
    for path in (f"{WHATSAPP}/ours", f"{PROFILES}/profile", f"{SECURITY}/auth"):
        assert (await sandbox.http.delete(path)).status_code == 200
        assert (await sandbox.http.get(path)).status_code == 404


async def test_what_is_in_use_stays(sandbox: Lab):
    """400, undocumented: webhooks would go nowhere, or unsigned."""
    await subscribe(sandbox)
    for path in (f"{PROFILES}/profile", f"{SECURITY}/auth"):
        assert (await sandbox.http.delete(path)).status_code == 400


async def test_an_existing_profile_needs_its_id_alone(sandbox: Lab):
    """And nothing else that is said of it counts."""
    await subscribe(sandbox)
    other = {"profileId": "profile", "webhook": {"notifyUrl": "http://other.test"}}
    await subscribe(sandbox, subscriptionId="second", profile={"profileId": "profile"})
    await subscribe(sandbox, subscriptionId="third", profile=other)
    assert (await sandbox.http.get(f"{PROFILES}/profile")).json()["webhook"]["notifyUrl"] == OWN_URL
    paging = (await sandbox.http.get(WHATSAPP, params={"size": 2})).json()["paging"]
    assert paging == {"page": 0, "size": 2, "totalPages": 2, "totalResults": 3}


@pytest.mark.parametrize(
    "profile", [{"profileId": "none"}, {**subscription()["profile"], "security": {"authId": "x"}}]
)
async def test_what_is_named_and_not_described_must_exist(sandbox: Lab, profile: dict[str, Any]):
    """A profile, and a security setting."""
    response = await sandbox.http.post(WHATSAPP, json=subscription(profile=profile))
    assert response.status_code == 404
    assert (await sandbox.http.get(WHATSAPP)).json()["results"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"subscriptionId": "needs encoding"},
        {"events": None},
        {"profile": None},
        {"profile": {"profileId": "p", "webhook": {}}},
        {"profile": {"profileId": "p", "webhook": {"notifyUrl": OWN_URL}, "rateLimit": 0}},
        {"profile": {**subscription()["profile"], "security": {"authId": "a", "type": "HMAC"}}},
    ],
)
async def test_what_is_missing_or_wrong_is_refused(sandbox: Lab, changes: dict[str, Any]):
    """400, and nothing is kept."""
    response = await sandbox.http.post(WHATSAPP, json=subscription(**changes))
    assert (response.status_code, code_of(response)) == (400, "BAD_REQUEST")
    assert (await sandbox.books())["subscriptions"]["subscriptions"] == []


async def test_an_event_that_cannot_be_had_is_dropped_without_a_word(sandbox: Lab):
    """Unknown to the channel, or not available to the account: only reading back shows it."""
    await stand(sandbox, unavailable_events=["ACCOUNT_REGISTRATION"])
    await subscribe(sandbox, events=["ACCOUNT_REGISTRATION", "DELIVERY", "TELEPATHY"])
    assert (await sandbox.http.get(f"{WHATSAPP}/ours")).json()["events"] == ["DELIVERY"]


@pytest.mark.parametrize(
    "facts", [{"missing_scopes": ["subscriptions:manage"]}, {"subscriptions_offered": False}]
)
async def test_a_key_may_not_be_allowed_to_subscribe(sandbox: Lab, facts: dict[str, Any]):
    """403 on all of it, and on nothing else; a reset forgets it."""
    await stand(sandbox, **facts)
    for path in (SECURITY, PROFILES, WHATSAPP):
        response = await sandbox.http.get(path)
        assert (response.status_code, code_of(response)) == (403, "FORBIDDEN")
    assert (await sandbox.share()).status_code == 202
    await sandbox.http.post("/sandbox/reset")
    assert (await sandbox.http.get(SECURITY)).status_code == 200


async def test_a_scope_is_missing_only_when_no_other_will_do(sandbox: Lab):
    """Sending names three."""
    await stand(sandbox, missing_scopes=["messages-api:manage", "message:send"])
    assert (await sandbox.send()).status_code == 200
    scopes = ["messages-api:manage", "message:send", "messages-api:message:send"]
    await stand(sandbox, missing_scopes=scopes)
    refused = await sandbox.send()
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "E403")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 2),
        ({"applicationId": "app"}, 1),
        ({"applicationId": "app", "entityId": "acme"}, 1),
        ({"applicationId": "app", "entityId": "cafe"}, 0),
        ({"resource": FINISHED_NUMBER}, 1),
        ({"resource": FINISHED_NUMBER, "user": "nobody"}, 0),
    ],
)
async def test_the_list_can_be_filtered(sandbox: Lab, query: dict[str, str], found: int):
    """By all that is given."""
    await subscribe(sandbox)
    await subscribe(
        sandbox,
        subscriptionId="acme",
        criteria=[{"applicationId": "app", "entityId": "acme"}],
        resources=[FINISHED_NUMBER],
        users=["me"],
    )
    results = (await sandbox.http.get(WHATSAPP, params=query)).json()["results"]
    assert len(results) == found


async def test_all_events_of_a_subscription_go_to_its_one_url():
    """The configured URLs get nothing any more."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox:
        await subscribe(sandbox)
        await sandbox.share()
        await sandbox.send()
        assert addressed(sandbox) == [OWN_URL] * 3
        assert "results" in json.loads(sandbox.inbox[-1].content)


async def test_what_nobody_subscribed_to_goes_where_it_always_did():
    """Event by event, and channel by channel."""
    async with lab(delivery_url=DELIVERY_URL) as sandbox:
        await subscribe(sandbox, events=["ACCOUNT_REGISTRATION"])
        sms = subscription(subscriptionId="sms", profile={"profileId": "profile"})
        await sandbox.http.post("/subscriptions/1/subscription/SMS", json=sms)
        await sandbox.share()
        await sandbox.send()
        assert addressed(sandbox) == [OWN_URL, OWN_URL, DELIVERY_URL]


async def test_a_deleted_subscription_tells_nobody(sandbox: Lab):
    """The next event goes to the account's URL again."""
    await subscribe(sandbox)
    await sandbox.http.delete(f"{WHATSAPP}/ours")
    await sandbox.share()
    assert set(addressed(sandbox)) == {REGISTRATION_URL}


async def test_hmac_is_by_the_profiles_secret_and_algorithm():
    """Not by the account's; header and form are the same."""
    async with lab(webhook_auth="hmac", webhook_secret="account") as sandbox:
        credentials = {"secretKey": "own", "algorithm": "HMAC_SHA_512"}
        security = {"authId": "auth", "type": "HMAC", "credentials": credentials}
        await subscribe(sandbox, profile={**subscription()["profile"], "security": security})
        await sandbox.share()
        request = sandbox.inbox[0]
        expected = hmac.new(b"own", request.content, hashlib.sha512).hexdigest()
        assert request.headers["X-Hub-Signature"] == f"SHA512={expected}"


@pytest.mark.parametrize(
    ("security", "sent"),
    [
        ({"type": "BASIC", "credentials": {"username": "user", "password": "pass"}}, "Basic dX"),
        ({"type": "CUSTOM", "credentials": {"headers": {"Authorization": "Mine"}}}, "Mine"),
        ({"type": "OAUTH", "credentials": {"tokenUrl": "http://x", "grantType": "y"}}, "fixed"),
    ],
)
async def test_other_proofs_are_headers(sandbox: Lab, security: dict[str, Any], sent: str):
    """The profile's own headers are sent as well, and yield."""
    webhook = {"notifyUrl": OWN_URL, "contentType": "application/json; charset=utf-8"}
    await subscribe(
        sandbox,
        profile={
            "profileId": "profile",
            "webhook": webhook,
            "security": {"authId": "auth", **security},
            "headers": {"Authorization": "fixed", "X-Tenant": "acme"},
        },
    )
    await sandbox.share()
    headers = sandbox.inbox[0].headers
    assert headers["Authorization"].startswith(sent)
    assert headers["X-Tenant"] == "acme"
    assert headers["Content-Type"] == "application/json; charset=utf-8"


async def test_a_profile_without_security_sends_unsigned():
    """Even where the account's webhooks are signed."""
    async with lab(webhook_auth="hmac", webhook_secret="account") as sandbox:
        profile = {"profileId": "open", "webhook": {"notifyUrl": OWN_URL}}
        await subscribe(sandbox, profile=profile)
        await sandbox.share()
        assert "X-Hub-Signature" not in sandbox.inbox[0].headers


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"criteria": [{"applicationId": "app"}]}, True),
        ({"criteria": [{"applicationId": "x"}, {"entityId": "acme"}]}, True),
        ({"criteria": [{"applicationId": "app", "entityId": "cafe"}]}, False),
        ({"criteria": [{"callsConfigurationId": "calls"}]}, False),
        ({"criteria": [{}]}, True),
        ({"resources": [FINISHED_NUMBER]}, True),
        ({"resources": ["447000000000"]}, False),
    ],
)
async def test_criteria_and_resources_choose(sandbox: Lab, filters: dict[str, Any], told: bool):
    """By the ids on the message and its sender; what does not fit waits on the queue."""
    await subscribe(sandbox, **filters)
    await sandbox.share()
    platform = {"applicationId": "app", "entityId": "acme"}
    await sandbox.send(options={"platform": platform})
    assert (OWN_URL in addressed(sandbox)) is told
    assert (await sandbox.reports() == []) is told


async def test_the_subscription_that_asks_for_more_goes_first(sandbox: Lab):
    """Each event is delivered to one subscription."""
    await subscribe(sandbox)
    webhook = {"notifyUrl": "http://acme.test"}
    await subscribe(
        sandbox,
        subscriptionId="acme",
        criteria=[{"entityId": "acme"}],
        profile={"profileId": "acme", "webhook": webhook},
    )
    await sandbox.share()
    await sandbox.send(options={"platform": {"entityId": "acme"}})
    assert addressed(sandbox) == [OWN_URL, OWN_URL, "http://acme.test"]


async def test_an_account_update_goes_out_as_it_is_to_whoever_subscribed(sandbox: Lab):
    """Its shape is not published, so it is the caller's; without a subscription, to nobody."""
    path = f"/sandbox/wabas/{DOCUMENTED}/account-update"
    await sandbox.http.post(path, content=b'{"status": "BANNED"}')
    await sandbox.settled()
    assert sandbox.inbox == []
    await subscribe(sandbox, events=["ACCOUNT_UPDATE_NOTIFICATION"])
    assert (await sandbox.http.post(path, content=b'{"status": "BANNED"}')).status_code == 202
    await sandbox.settled()
    assert sandbox.inbox[0].content == b'{"status": "BANNED"}'
