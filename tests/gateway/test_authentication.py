"""Who gets in."""

from base64 import b64encode

import pytest
from pydantic import SecretStr

from tests.domain.meta import body, change, info
from tests.domain.samples import DOCUMENTED
from tests.gateway.conftest import OpenDesk
from tests.gateway.desk import (
    API_KEY,
    OTHER_API_KEY,
    OTHER_SECRET,
    REGISTRATION,
    SECRET,
    Desk,
    assert_problem,
    sign,
)
from waboard.meta.client import sign as sign_as_meta

SECRETS = [SECRET, OTHER_SECRET]


def basic(secret: str) -> str:
    return f"Basic {b64encode(secret.encode()).decode()}"


@pytest.mark.parametrize("key", [API_KEY, OTHER_API_KEY])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_every_api_key_is_valid(desk: Desk, key: str, scheme: str):
    headers = {"Authorization": f"{scheme} {key}"}
    answer = await desk.stranger.get("/v1/onboardings", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong-key"},
        {"Authorization": f"Bearer {API_KEY}x"},
        {"Authorization": f"Bearer {API_KEY[:-1]}"},
        {"Authorization": f"Bearer {API_KEY.upper()}"},
        {"Authorization": f"Bearer {API_KEY},{OTHER_API_KEY}"},
        {"Authorization": f"Basic {API_KEY}"},
        {"Authorization": API_KEY},
        {"X-Api-Key": API_KEY},
        {"Authorization": "Bearer schlüssel"},
    ],
)
async def test_a_missing_or_wrong_api_key_gets_nobody_in(desk: Desk, headers: dict[str, str]):
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await desk.stranger.get("/v1/onboardings", headers=raw)
    assert_problem(answer, 401, "API key", "Authorization: Bearer", "WABOARD_API_KEYS")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_every_route_of_the_api_needs_a_key(desk: Desk):
    spec = desk.app.openapi()["paths"]
    routes = [(m, p) for p in spec if p.startswith("/v1/") for m in spec[p]]
    assert len(routes) >= 6
    for method, path in routes:
        filled = path.replace("{event_id}", "1").replace("{onboarding_id}", "x")
        assert_problem(await desk.stranger.request(method, filled, json={}), 401)


async def test_a_key_for_the_api_does_not_open_the_webhooks(desk: Desk):
    answer = await desk.http.post(REGISTRATION, content=DOCUMENTED)
    assert_problem(answer, 401)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("algorithm", ["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"])
async def test_a_webhook_is_signed_with_the_algorithm_that_is_set(
    open_desk: OpenDesk, algorithm: str, secret: str
):
    async with open_desk(infobip_hmac_algorithm=algorithm) as desk:
        signature = sign(DOCUMENTED, secret, algorithm)
        header = {"X-Hub-Signature": f"{algorithm}={signature}"}
        assert (await desk.hook(REGISTRATION, DOCUMENTED, **header)).status_code == 200


@pytest.mark.parametrize("prefix", ["SHA256=", "sha256=", "Sha256=", "SHA256= ", ""])
async def test_the_prefix_of_a_signature_may_be_in_any_case_or_missing(desk: Desk, prefix: str):
    header = {"X-Hub-Signature": prefix + sign(DOCUMENTED)}
    assert (await desk.hook(REGISTRATION, DOCUMENTED, **header)).status_code == 200


async def test_the_digits_of_a_signature_may_be_capitals(desk: Desk):
    header = {"X-Hub-Signature": f"SHA256={sign(DOCUMENTED).upper()}"}
    assert (await desk.hook(REGISTRATION, DOCUMENTED, **header)).status_code == 200


async def test_the_header_of_the_signature_is_a_setting(open_desk: OpenDesk):
    async with open_desk(infobip_hmac_header="X-Ib-Hmac-Signature") as desk:
        signature = f"SHA256={sign(DOCUMENTED)}"
        answer = await desk.hook(REGISTRATION, DOCUMENTED, **{"X-Ib-Hmac-Signature": signature})
        assert answer.status_code == 200
        answer = await desk.hook(REGISTRATION, DOCUMENTED, **{"X-Hub-Signature": signature})
        assert_problem(answer, 401)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "SHA256=",
        "SHA256",
        sign(DOCUMENTED, "another-secret"),
        sign(DOCUMENTED, ""),
        sign(DOCUMENTED)[:-1],
        f"SHA1={sign(DOCUMENTED, algorithm='sha1')}",
        f"SHA256={sign(DOCUMENTED)}, SHA256={'0' * 64}",
        SECRET,
    ],
)
async def test_a_wrong_signature_gets_nothing_in(desk: Desk, signature: str):
    answer = await desk.hook(REGISTRATION, DOCUMENTED, **{"X-Hub-Signature": signature})
    assert_problem(
        answer, 401, "hmac", "WABOARD_INFOBIP_WEBHOOK_SECRETS", "WABOARD_INFOBIP_WEBHOOK_AUTH"
    )
    assert await desk.events() == []


async def test_a_missing_signature_gets_nothing_in(desk: Desk):
    answer = await desk.stranger.post(REGISTRATION, content=DOCUMENTED)
    assert_problem(answer, 401, "hmac", "WABOARD_INFOBIP_WEBHOOK_SECRETS")
    assert await desk.events() == []


async def test_a_body_that_was_changed_after_signing_gets_nothing_in(desk: Desk):
    header = {"X-Hub-Signature": f"SHA256={sign(DOCUMENTED)}"}
    answer = await desk.hook(REGISTRATION, DOCUMENTED.replace(b"FAILED", b"FINISHED"), **header)
    assert_problem(answer, 401, "hmac")
    assert await desk.events() == []


async def test_a_signature_is_over_the_bytes_and_not_over_their_meaning(desk: Desk):
    header = {"X-Hub-Signature": f"SHA256={sign(DOCUMENTED)}"}
    assert_problem(await desk.hook(REGISTRATION, DOCUMENTED.strip(), **header), 401)


@pytest.mark.parametrize("secret", SECRETS)
async def test_basic_lets_in_user_and_password(open_desk: OpenDesk, secret: str):
    async with open_desk(infobip_webhook_auth="basic") as desk:
        answer = await desk.hook(REGISTRATION, DOCUMENTED, Authorization=basic(secret))
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic /w==",
        basic(""),
        basic("hook:wrong"),
        basic(SECRET + "x"),
        basic(SECRET).replace("Basic", "Bearer"),
        f"{basic(SECRET)[:9]}!{basic(SECRET)[9:]}",
        f"Basic {SECRET}",
    ],
)
async def test_basic_lets_in_nothing_else(open_desk: OpenDesk, authorization: str):
    async with open_desk(infobip_webhook_auth="basic") as desk:
        answer = await desk.hook(REGISTRATION, DOCUMENTED, Authorization=authorization)
        assert_problem(answer, 401, "basic", "WABOARD_INFOBIP_WEBHOOK_SECRETS")
        assert await desk.events() == []


@pytest.mark.parametrize("secret", SECRETS)
async def test_header_lets_in_the_secret_in_the_header_that_is_set(
    open_desk: OpenDesk, secret: str
):
    async with open_desk(infobip_webhook_auth="header", infobip_webhook_header="X-Mine") as desk:
        assert (await desk.hook(REGISTRATION, DOCUMENTED, **{"X-Mine": secret})).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Webhook-Secret", ""), ("X-Webhook-Secret", SECRET + "x"), ("X-Other", SECRET)],
)
async def test_header_lets_in_nothing_else(open_desk: OpenDesk, name: str, value: str):
    async with open_desk(infobip_webhook_auth="header") as desk:
        answer = await desk.hook(REGISTRATION, DOCUMENTED, **{name: value})
        assert_problem(answer, 401, "header", "WABOARD_INFOBIP_WEBHOOK_SECRETS")
        assert await desk.events() == []


@pytest.mark.parametrize(
    ("way", "challenge"), [("basic", "Basic"), ("hmac", None), ("header", None)]
)
async def test_a_webhook_is_not_told_to_bring_an_api_key(
    open_desk: OpenDesk, way: str, challenge: str | None
):
    async with open_desk(infobip_webhook_auth=way) as desk:
        answer = await desk.stranger.post(REGISTRATION, content=DOCUMENTED)
    assert (answer.headers.get("www-authenticate") or "").split(" ")[0] == (challenge or "")


async def test_one_way_in_does_not_open_another(open_desk: OpenDesk):
    async with open_desk(infobip_webhook_auth="basic") as desk:
        signature = f"SHA256={sign(DOCUMENTED)}"
        answer = await desk.hook(REGISTRATION, DOCUMENTED, **{"X-Hub-Signature": signature})
        assert_problem(answer, 401, "basic")


async def test_none_lets_in_everybody_in_the_sandbox(open_desk: OpenDesk):
    given = {"infobip_webhook_auth": "none", "infobip_webhook_secrets": ""}
    async with open_desk(sandbox=True, **given) as desk:
        assert (await desk.stranger.post(REGISTRATION, content=DOCUMENTED)).status_code == 200


async def test_no_route_is_left_without_somebody_at_the_door(desk: Desk):
    """A new route must be added here, or ask for a key."""
    hooks = {"/hooks/infobip/{hook}", "/hooks/meta"}
    by_link = {"/signup/{token}", "/signup/{token}/progress", "/signup/{token}/result"}
    open_routes = {"/healthz", "/readyz", *hooks, *by_link}
    paths = set(desk.app.openapi()["paths"])
    assert {p for p in paths if not p.startswith("/v1/")} == {"/metrics", *open_routes}
    assert_problem(await desk.stranger.get("/metrics"), 401)


async def test_without_an_app_secret_no_webhook_of_metas_is_let_in(open_desk: OpenDesk):
    """Whoever knows that it is not set could sign with nothing."""
    raw = body(change("PARTNER_ADDED", waba_info=info()))
    signature = {"X-Hub-Signature-256": sign_as_meta(raw, SecretStr(""))}
    async with open_desk(meta_app_secret=None) as desk:
        answer = await desk.stranger.post("/hooks/meta", content=raw, headers=signature)
        assert_problem(answer, 401, "WABOARD_META_APP_SECRET")
        assert await desk.events() == []


@pytest.mark.parametrize("token", ["", "None"])
async def test_without_a_verify_token_no_handshake_passes(open_desk: OpenDesk, token: str):
    shake = {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": token}
    async with open_desk(meta_verify_token=None) as desk:
        answer = await desk.stranger.get("/hooks/meta", params=shake)
        assert_problem(answer, 401, "WABOARD_META_VERIFY_TOKEN")


async def test_an_empty_secret_is_nobodys(open_desk: OpenDesk):
    """A header that is there and empty is as good as none."""
    async with open_desk(infobip_webhook_auth="basic") as desk:
        for given in ("Basic ", f"Basic {b64encode(b'').decode()}"):
            answer = await desk.hook(REGISTRATION, DOCUMENTED, Authorization=given)
            assert_problem(answer, 401, "basic")


async def test_a_secret_of_other_letters_than_ascii_is_compared_and_wrong(open_desk: OpenDesk):
    async with open_desk(infobip_webhook_auth="basic") as desk:
        answer = await desk.hook(REGISTRATION, DOCUMENTED, Authorization=basic("schlüssel:ü"))
        assert_problem(answer, 401, "basic")
