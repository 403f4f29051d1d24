"""Facebook's side of a signup in the sandbox, Meta's webhooks, and what a test may decide there."""

import hashlib
import hmac
import json
import re
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.sandbox.lab import DOCUMENTED, Lab, lab
from waboard.domain.meta_events import meanings
from waboard.domain.meta_events.meanings import Meaning
from waboard.domain.meta_events.wire import MetaEvent, changes_in
from waboard.domain.signup import Ending, read_message
from waboard.meta.client import sign
from waboard.sandbox.hostility import Mischief

HOOK = "http://gateway.test/hooks/meta"
SECRET = "meta-app-9c1d7e"
CLIENT, SOLUTION, PROVIDER = "506914307656634", "900000000000001", "700000000000001"


async def finish(sandbox: Lab, **ending: Any) -> dict[str, Any]:
    """A client finishes in Meta's window: what the window then says, and the code."""
    answer = await sandbox.http.post("/facebook/finish", json=ending)
    assert answer.status_code == 200, answer.text
    await sandbox.settled()
    heard = answer.json()
    return {"code": heard["code"], "message": json.loads(heard["message"])}


def waba_of(heard: dict[str, Any]) -> str:
    return heard["message"]["data"]["waba_id"]


async def test_the_sdk_is_served_as_a_script(sandbox: Lab):
    """To whatever page shows the signup: no key is asked for, and any origin may load it."""
    async with sandbox.caller("") as browser:
        answer = await browser.get("/facebook/sdk.js")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"].startswith("text/javascript")
    for part in ("window.FB", "init", "login", "fbAsyncInit"):
        assert part in answer.text


async def test_the_window_is_served_with_what_it_does(sandbox: Lab):
    """As two files: a page with a strict policy would not run a script inside."""
    async with sandbox.caller("") as browser:
        page = await browser.get("/facebook/dialog", params={"app_id": "1", "extras": "{}"})
        script = await browser.get("/facebook/dialog.js")
    assert page.headers["content-type"].startswith("text/html")
    assert script.headers["content-type"].startswith("text/javascript")
    assert '<script defer src="/facebook/dialog.js">' in page.text


async def test_every_button_of_the_window_plays_an_ending(sandbox: Lab):
    """And there is a button for every ending."""
    page = (await sandbox.http.get("/facebook/dialog")).text
    script = (await sandbox.http.get("/facebook/dialog.js")).text
    buttons = re.findall(r'<button id="([a-z-]+)">', page)
    endings = re.findall(r'^    "?([a-z-]+)"?: \(\) =>', script, re.MULTILINE)
    assert sorted(endings) == sorted(buttons)
    assert len(buttons) == 10


async def test_a_finish_makes_a_code_and_the_windows_message(sandbox: Lab):
    """The message is a text, as Meta's window posts it."""
    answer = await sandbox.http.post("/facebook/finish", json={})
    heard = answer.json()
    assert heard.keys() == {"code", "message"}
    assert heard["code"].startswith("AQ")
    assert json.loads(heard["message"]) == {
        "type": "WA_EMBEDDED_SIGNUP",
        "event": "FINISH",
        "version": 3,
        "data": {
            "waba_id": DOCUMENTED,
            "business_id": CLIENT,
            "phone_number_id": "122098754222007518",
        },
    }


@pytest.mark.parametrize(
    ("event", "with_a_number"),
    [
        ("FINISH", True),
        ("FINISH_ONLY_WABA", False),
        ("FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", False),
    ],
)
async def test_each_way_to_finish_says_what_it_has(sandbox: Lab, event: str, with_a_number: bool):
    heard = await finish(sandbox, event=event)
    read = read_message(heard["message"])
    assert (read.event, read.ending, read.waba_ids) == (event, Ending.FINISHED, (DOCUMENTED,))
    assert (read.data.phone_number_id is not None) is with_a_number


async def test_a_waba_without_numbers_is_finished_without_one(sandbox: Lab):
    await sandbox.decide(senders=[])
    assert "phone_number_id" not in (await finish(sandbox))["message"]["data"]


async def test_who_shares_a_waba_is_its_own_portfolio_or_the_one_that_is_given(sandbox: Lab):
    own = await finish(sandbox, waba_id="777")
    fate = (await sandbox.http.get("/sandbox/wabas/777")).json()["fate"]
    assert own["message"]["data"]["business_id"] == str(fate["business_portfolio_id"])
    given = await finish(sandbox, waba_id="888", portfolio_id=CLIENT)
    assert given["message"]["data"]["business_id"] == CLIENT
    owners = (await sandbox.books())["meta"]["owners"]
    assert owners == {"777": str(fate["business_portfolio_id"]), "888": CLIENT}


async def test_the_first_signup_is_the_documented_waba_and_the_next_a_new_one(sandbox: Lab):
    """So that a demo needs to name none."""
    first, second = await finish(sandbox), await finish(sandbox)
    assert waba_of(first) == DOCUMENTED
    assert waba_of(second) != DOCUMENTED
    assert re.fullmatch(r"[0-9]{15}", waba_of(second))
    assert second["message"]["data"]["business_id"] != CLIENT
    assert len((await sandbox.books())["meta"]["owners"]) == 2


async def test_every_signup_is_of_a_waba_of_its_own(sandbox: Lab):
    """However quickly one follows the other."""
    wabas = [waba_of(await finish(sandbox)) for _ in range(4)]
    assert len(set(wabas)) == 4


async def test_a_waba_may_be_shared_again(sandbox: Lab):
    """By a client that lost its first try; each has its own code."""
    first, again = [await finish(sandbox, waba_id=DOCUMENTED) for _ in range(2)]
    assert waba_of(first) == waba_of(again) == DOCUMENTED
    assert first["code"] != again["code"]


@pytest.mark.parametrize("wrong", [{"event": "CANCEL"}, {"wabaid": "1"}, {"tells": "perhaps"}])
async def test_a_misspelt_ending_is_refused(sandbox: Lab, wrong: dict[str, str]):
    """So that a test does not lie to itself."""
    assert (await sandbox.http.post("/facebook/finish", json=wrong)).status_code == 400
    assert (await sandbox.books())["meta"]["owners"] == {}


async def test_meta_tells_the_provider_by_a_webhook_that_its_app_secret_signs():
    """Over the body as it is sent."""
    async with lab(meta_webhook_url=HOOK, meta_app_secret=SECRET) as sandbox:
        await finish(sandbox)
        (request,) = sandbox.inbox
    assert (request.method, str(request.url)) == ("POST", HOOK)
    expected = hmac.new(SECRET.encode(), request.content, hashlib.sha256).hexdigest()
    assert request.headers["X-Hub-Signature-256"] == f"sha256={expected}"
    assert request.headers["X-Hub-Signature-256"] == sign(request.content, SecretStr(SECRET))
    assert request.headers["Content-Type"] == "application/json"


async def test_what_meta_tells_is_who_has_shared_which_waba_through_which_solution():
    async with lab(meta_webhook_url=HOOK) as sandbox:
        await finish(sandbox)
        body = json.loads(sandbox.inbox[0].content)
    assert body["object"] == "whatsapp_business_account"
    (change,) = changes_in(body)
    assert (change["entry_id"], change["field"]) == (PROVIDER, "account_update")
    assert change["time"] == int(sandbox.time)
    assert change["value"] == {
        "event": "PARTNER_ADDED",
        "waba_info": {
            "waba_id": DOCUMENTED,
            "owner_business_id": CLIENT,
            "solution_id": SOLUTION,
        },
    }
    event = MetaEvent.model_validate(change)
    assert (meanings.meaning_of(event), meanings.waba_of(event)) == (Meaning.START, DOCUMENTED)


async def test_meta_may_tell_nothing():
    """Its webhooks come late, or never."""
    async with lab(meta_webhook_url=HOOK) as sandbox:
        await finish(sandbox, tells=False)
        books = await sandbox.books()
        assert (sandbox.inbox, books["webhooks"]) == ([], [])
        assert books["meta"]["owners"] == {DOCUMENTED: CLIENT}


async def test_without_an_address_nobody_is_told(sandbox: Lab):
    await finish(sandbox)
    assert (sandbox.inbox, (await sandbox.books())["webhooks"]) == ([], [])


@pytest.mark.parametrize("unreachable", [True, False])
async def test_a_gateway_that_was_away_is_told_again(unreachable: bool):
    """The same, to the last byte, with the same signature; the books tell every attempt."""
    async with lab(meta_webhook_url=HOOK, webhook_retries=2) as sandbox:
        sandbox.receiver_status, sandbox.unreachable = 503, unreachable
        await finish(sandbox)
        webhooks = (await sandbox.books())["webhooks"]
        assert [(each["kind"], each["attempt"]) for each in webhooks] == [
            ("meta", 1),
            ("meta", 2),
            ("meta", 3),
        ]
        sent = {(r.content, r.headers["X-Hub-Signature-256"]) for r in sandbox.inbox}
        assert len(sent) == (0 if unreachable else 1)


async def test_infobips_webhooks_are_signed_as_infobip_does_beside_metas():
    """Two senders, two secrets."""
    infobip = {"webhook_auth": "hmac", "webhook_secret": "s3cret"}
    async with lab(meta_webhook_url=HOOK, meta_app_secret=SECRET, **infobip) as sandbox:
        await finish(sandbox)
        await sandbox.share()
        metas, *infobips = sandbox.inbox
    assert "X-Hub-Signature" not in metas.headers
    assert len(infobips) == 2
    for request in infobips:
        assert "X-Hub-Signature-256" not in request.headers
        assert request.headers["X-Hub-Signature"].startswith("SHA256=")


async def test_a_webhook_of_metas_is_sent_exactly_as_it_is_given():
    """Signed, whatever it says: what Meta may invent, and what is no JSON at all."""
    async with lab(meta_webhook_url=HOOK, meta_app_secret=SECRET) as sandbox:
        bodies = [b'{"entry": [ ],  "\xc3\xa9": 1}', b"{", b""]
        for raw in bodies:
            answer = await sandbox.http.post("/sandbox/meta/webhook", content=raw)
            assert answer.status_code == 202
        assert [request.content for request in sandbox.inbox] == bodies
        for request in sandbox.inbox:
            signed = sign(request.content, SecretStr(SECRET))
            assert request.headers["X-Hub-Signature-256"] == signed


async def test_the_set_up_is_decided_as_a_whole(sandbox: Lab):
    """What is not given is in order again."""
    first = await sandbox.http.put("/sandbox/meta", json={"solution_status": "DRAFT"})
    assert (first.json()["solution_status"], first.json()["partner_status"]) == (
        "DRAFT",
        "ACCEPTED",
    )
    then = await sandbox.http.put("/sandbox/meta", json={"partner_status": "REJECTED"})
    assert then.json() == (await sandbox.books())["meta"]["facts"]
    assert (then.json()["solution_status"], then.json()["partner_status"]) == (
        "ACTIVE",
        "REJECTED",
    )


async def test_a_misspelt_set_up_is_refused(sandbox: Lab):
    response = await sandbox.http.put("/sandbox/meta", json={"solution": "ACTIVE"})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "solution"]


async def test_what_decides_is_for_this_machine_only_and_facebook_is_for_everybody(sandbox: Lab):
    """The client's browser may be anywhere."""
    transport = httpx.ASGITransport(sandbox.app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as stranger:
        assert (await stranger.put("/sandbox/meta", json={})).status_code == 403
        assert (await stranger.post("/sandbox/meta/webhook")).status_code == 403
        for path in ("sdk.js", "dialog", "dialog.js"):
            assert (await stranger.get(f"/facebook/{path}")).status_code == 200
        assert (await stranger.post("/facebook/finish", json={})).status_code == 200


async def test_neither_infobips_key_nor_its_limits_nor_its_mischief_are_facebooks():
    """A browser has no key."""
    hostility = {"chances": dict.fromkeys(Mischief, 1.0)}
    async with (
        lab(meta_webhook_url=HOOK, rate_limits=True, hostility=hostility) as sandbox,
        sandbox.caller("") as browser,
    ):
        for path in ("sdk.js", "dialog", "dialog.js") * 5:
            assert (await browser.get(f"/facebook/{path}")).status_code == 200
        for _ in range(20):
            given = {"waba_id": DOCUMENTED}
            assert (await browser.post("/facebook/finish", json=given)).status_code == 200
        await sandbox.settled()
        books = await sandbox.books()
        assert (len(sandbox.inbox), books["mischief"]) == (20, [])


async def test_the_books_show_whose_a_waba_is_and_neither_code_nor_token():
    """They are read aloud in tests and in the demo."""
    async with lab(meta_webhook_url=HOOK) as sandbox:
        used, unused = await finish(sandbox), await finish(sandbox, waba_id="777")
        given = {"client_id": "600000000000001", "client_secret": "sandbox-app-secret"}
        exchanged = await sandbox.http.get(
            "/graph/v26.0/oauth/access_token", params={**given, "code": used["code"]}
        )
        token = exchanged.json()["access_token"]
        books = await sandbox.books()
    meta = books["meta"]
    assert meta.keys() == {"facts", "owners", "subscribed", "codes"}
    assert meta["owners"][DOCUMENTED] == CLIENT
    assert [(each["waba_id"], each["used"]) for each in meta["codes"]] == [
        (DOCUMENTED, True),
        ("777", False),
    ]
    shown = json.dumps(books)
    for secret in (used["code"], unused["code"], token, "sandbox-app-secret"):
        assert secret not in shown


async def test_the_books_tell_every_request_of_the_browsers(sandbox: Lab):
    await sandbox.http.get("/facebook/sdk.js")
    await finish(sandbox)
    assert [(each["method"], each["path"]) for each in (await sandbox.books())["requests"]] == [
        ("GET", "/facebook/sdk.js"),
        ("POST", "/facebook/finish"),
    ]


async def test_reset_forgets_who_signed_up_and_how_the_set_up_stands(sandbox: Lab):
    heard = await finish(sandbox)
    await sandbox.http.put("/sandbox/meta", json={"solution_status": "DRAFT"})
    await sandbox.http.post("/sandbox/reset")
    meta = (await sandbox.books())["meta"]
    assert (meta["owners"], meta["codes"], meta["subscribed"]) == ({}, [], [])
    assert meta["facts"]["solution_status"] == "ACTIVE"
    given = {"client_id": "600000000000001", "client_secret": "sandbox-app-secret"}
    gone = await sandbox.http.get(
        "/graph/v26.0/oauth/access_token", params={**given, "code": heard["code"]}
    )
    assert gone.status_code == 400


async def test_meta_may_be_made_to_say_anything_of_a_waba():
    async with lab(meta_webhook_url=HOOK) as sandbox:
        path = f"/sandbox/wabas/{DOCUMENTED}/meta/account_review_update"
        answer = await sandbox.http.post(path, json={"decision": "REJECTED"}, params={"time": 7})
        assert answer.status_code == 202
        await sandbox.settled()
        (change,) = changes_in(json.loads(sandbox.inbox[0].content))
    assert (change["entry_id"], change["time"]) == (DOCUMENTED, 7)
    assert (change["field"], change["value"]) == ("account_review_update", {"decision": "REJECTED"})
