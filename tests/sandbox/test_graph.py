"""Meta's Graph API in the sandbox: what a code becomes, and what each token is shown."""

import httpx
import pytest

from tests.sandbox.lab import DOCUMENTED, FINISHED_NUMBER, Lab, lab
from waboard.sandbox.hostility import Mischief
from waboard.sandbox.meta_books import ALL_FIELDS

GRAPH = "/graph/v26.0"
APP, SECRET, SYSTEM_TOKEN = "600000000000001", "sandbox-app-secret", "sandbox-system-token"
APP_TOKEN = f"{APP}|{SECRET}"
SOLUTION, PORTFOLIO = "900000000000001", "700000000000001"
CLIENT = "506914307656634"
"""The portfolio that owns the documented WABA."""
OTHER_WABA, OTHER_CLIENT = "200000000000002", "300000000000003"
SIXTY_DAYS = 60 * 24 * 3600

OF_A_CLIENT = [
    ("GET", "me"),
    ("GET", f"{DOCUMENTED}/phone_numbers"),
    ("GET", f"{DOCUMENTED}/subscribed_apps"),
    ("POST", f"{DOCUMENTED}/subscribed_apps"),
    ("DELETE", f"{DOCUMENTED}/subscribed_apps"),
    ("GET", DOCUMENTED),
]
"""What a client's own token opens."""
OF_THE_APP = [
    ("GET", "debug_token"),
    ("GET", f"{APP}/permissions"),
    ("GET", f"{APP}/subscriptions"),
    ("GET", APP),
]
OF_THE_PROVIDER = [
    ("GET", f"{SOLUTION}/partners"),
    ("GET", f"{SOLUTION}/access_token"),
    ("GET", SOLUTION),
    ("GET", PORTFOLIO),
]
EVERYTHING = OF_A_CLIENT + OF_THE_APP + OF_THE_PROVIDER


async def ask(
    sandbox: Lab, path: str, token: str = "", method: str = "GET", **query: str
) -> httpx.Response:
    """Ask the Graph API something with a token."""
    bearer = {"Authorization": f"Bearer {token}"}
    return await sandbox.http.request(method, f"{GRAPH}/{path}", params=query, headers=bearer)


async def a_code(sandbox: Lab, **ending: str) -> str:
    """A client finishes its signup."""
    answer = await sandbox.http.post("/facebook/finish", json={"tells": False, **ending})
    return answer.json()["code"]


async def exchange(sandbox: Lab, code: str, **changes: str) -> httpx.Response:
    given = {"client_id": APP, "client_secret": SECRET, "code": code, **changes}
    return await ask(sandbox, "oauth/access_token", **given)


async def a_token(sandbox: Lab, **ending: str) -> str:
    """The business token of a client that has finished."""
    answer = await exchange(sandbox, await a_code(sandbox, **ending))
    return answer.json()["access_token"]


async def set_up(sandbox: Lab, **facts: object) -> None:
    """Let something be other than in order at Meta."""
    answer = await sandbox.http.put("/sandbox/meta", json=facts)
    assert answer.status_code == 200, answer.text


def refused(answer: httpx.Response, status: int, code: int, subcode: int | None = None) -> str:
    """It was refused in Meta's shape, with no member too many. Returns what it says."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    error = answer.json()["error"]
    more = ["error_subcode"] if subcode else []
    assert set(error) == {"message", "type", "code", "fbtrace_id", *more}
    assert (error["code"], error.get("error_subcode")) == (code, subcode)
    assert error["message"]
    assert error["type"]
    assert error["fbtrace_id"]
    return error["message"]


async def test_a_code_becomes_a_token_that_lasts_for_sixty_days(sandbox: Lab):
    """As the template of the login configuration has it."""
    answer = await exchange(sandbox, await a_code(sandbox))
    assert answer.status_code == 200
    token = answer.json()
    assert token.keys() == {"access_token", "token_type", "expires_in"}
    assert token["access_token"].startswith("EAA")
    assert (token["token_type"], token["expires_in"]) == ("bearer", SIXTY_DAYS)


async def test_a_code_is_good_once(sandbox: Lab):
    code = await a_code(sandbox)
    assert (await exchange(sandbox, code)).status_code == 200
    assert "has been used" in refused(await exchange(sandbox, code), 400, 100, 36009)


async def test_a_code_is_good_for_thirty_seconds_by_the_labs_clock(sandbox: Lab):
    in_time, late = await a_code(sandbox), await a_code(sandbox)
    sandbox.time += 30
    assert (await exchange(sandbox, in_time)).status_code == 200
    sandbox.time += 0.1
    assert "has expired" in refused(await exchange(sandbox, late), 400, 100, 36007)


@pytest.mark.parametrize(
    "wrong",
    [{"client_secret": "other"}, {"client_secret": ""}, {"client_id": "1"}, {"client_id": ""}],
)
async def test_a_code_is_exchanged_for_its_own_app_only(sandbox: Lab, wrong: dict[str, str]):
    """And a stranger's attempt does not use it up."""
    code = await a_code(sandbox)
    assert "client secret" in refused(await exchange(sandbox, code, **wrong), 400, 101)
    assert (await exchange(sandbox, code)).status_code == 200


@pytest.mark.parametrize("uri", ["https://provider.example/signup", ""])
async def test_an_exchange_with_a_redirect_uri_is_refused(sandbox: Lab, uri: str):
    """A code of the JavaScript SDK was made without one, so that none can be the same."""
    code = await a_code(sandbox)
    refused(await exchange(sandbox, code, redirect_uri=uri), 400, 100, 36008)
    assert (await exchange(sandbox, code)).status_code == 200


@pytest.mark.parametrize("code", ["", "AQ-made-up"])
async def test_a_code_that_nobody_was_given_is_refused(sandbox: Lab, code: str):
    refused(await exchange(sandbox, code), 400, 100, 36008)


async def test_every_exchange_gives_a_token_of_its_own(sandbox: Lab):
    tokens = {await a_token(sandbox) for _ in range(3)}
    assert len(tokens) == 3
    for token in tokens:
        assert (await ask(sandbox, "me", token)).status_code == 200


async def test_a_token_is_for_all_that_its_portfolio_has_shared_and_for_nothing_else(sandbox: Lab):
    """The window names one WABA; the token names every one, in no order of time."""
    await a_token(sandbox, waba_id=OTHER_WABA, portfolio_id=CLIENT)
    await a_token(sandbox, waba_id="777", portfolio_id=OTHER_CLIENT)
    token = await a_token(sandbox)
    for waba_id in (DOCUMENTED, OTHER_WABA):
        assert (await ask(sandbox, waba_id, token)).status_code == 200
    refused(await ask(sandbox, "777", token), 400, 100, 33)


async def test_the_app_is_told_what_a_token_may_do_and_until_when(sandbox: Lab):
    await a_token(sandbox, waba_id=OTHER_WABA, portfolio_id=CLIENT)
    token = await a_token(sandbox)
    data = (await ask(sandbox, "debug_token", APP_TOKEN, input_token=token)).json()["data"]
    scopes = ["whatsapp_business_management", "whatsapp_business_messaging"]
    assert (data["app_id"], data["is_valid"], data["scopes"]) == (APP, True, scopes)
    assert data["expires_at"] == sandbox.time + SIXTY_DAYS
    assert data["granular_scopes"] == [
        {"scope": scope, "target_ids": [DOCUMENTED, OTHER_WABA]} for scope in scopes
    ]


@pytest.mark.parametrize("ends", [0, 1_800_000_000])
async def test_the_system_users_token_never_ends_unless_it_is_said_to(sandbox: Lab, ends: int):
    await set_up(sandbox, system_token_expires_at=ends)
    answer = await ask(sandbox, "debug_token", APP_TOKEN, input_token=SYSTEM_TOKEN)
    assert (answer.json()["data"]["is_valid"], answer.json()["data"]["expires_at"]) == (True, ends)


@pytest.mark.parametrize("token", ["", "EAA-made-up"])
async def test_a_token_that_is_none_is_said_to_be_invalid(sandbox: Lab, token: str):
    """It is the question that succeeds."""
    answer = await ask(sandbox, "debug_token", APP_TOKEN, input_token=token)
    assert answer.status_code == 200
    assert answer.json()["data"]["is_valid"] is False


async def test_a_token_that_has_expired_is_said_to_be_invalid(sandbox: Lab):
    token = await a_token(sandbox)
    sandbox.time += SIXTY_DAYS
    answer = await ask(sandbox, "debug_token", APP_TOKEN, input_token=token)
    assert answer.json()["data"]["is_valid"] is False


async def test_a_token_says_whose_it_is(sandbox: Lab):
    token = await a_token(sandbox, portfolio_id=OTHER_CLIENT)
    me = (await ask(sandbox, "me", token, fields="client_business_id")).json()
    assert me["client_business_id"] == OTHER_CLIENT
    assert me["id"] != OTHER_CLIENT


async def test_the_numbers_of_a_waba_are_those_that_infobip_registers(sandbox: Lab):
    """Both providers speak of the same, whatever was decided for it."""
    token = await a_token(sandbox)
    shown = (await ask(sandbox, f"{DOCUMENTED}/phone_numbers", token)).json()["data"]
    fate = (await sandbox.http.get(f"/sandbox/wabas/{DOCUMENTED}")).json()["fate"]
    assert [each["id"] for each in shown] == [s["phone_number_id"] for s in fate["senders"]]
    await sandbox.decide(senders=[{"phone_number_id": "5", "display_phone_number": "+1 5"}])
    (number,) = (await ask(sandbox, f"{DOCUMENTED}/phone_numbers", token)).json()["data"]
    assert (number["id"], number["display_phone_number"]) == ("5", "+1 5")
    await sandbox.decide(senders=[])
    assert (await ask(sandbox, f"{DOCUMENTED}/phone_numbers", token)).json() == {"data": []}


async def test_the_app_is_subscribed_once_it_asked_for_it(sandbox: Lab):
    """To one WABA at a time; again is no harm."""
    await a_token(sandbox, waba_id=OTHER_WABA, portfolio_id=CLIENT)
    token = await a_token(sandbox)
    path = f"{DOCUMENTED}/subscribed_apps"
    assert (await ask(sandbox, path, token)).json() == {"data": []}
    for _ in range(2):
        assert (await ask(sandbox, path, token, "POST")).json() == {"success": True}
    (row,) = (await ask(sandbox, path, token)).json()["data"]
    assert row["whatsapp_business_api_data"]["id"] == APP
    assert (await ask(sandbox, f"{OTHER_WABA}/subscribed_apps", token)).json() == {"data": []}
    assert (await sandbox.books())["meta"]["subscribed"] == [DOCUMENTED]
    for _ in range(2):
        assert (await ask(sandbox, path, token, "DELETE")).json() == {"success": True}
    assert (await sandbox.books())["meta"]["subscribed"] == []


@pytest.mark.parametrize(("method", "path"), [each for each in OF_A_CLIENT if each[1] != "me"])
async def test_a_waba_that_was_not_shared_is_as_good_as_none(sandbox: Lab, method: str, path: str):
    """Meta says the same of what does not exist and of what may not be seen."""
    token = await a_token(sandbox, waba_id=OTHER_WABA, portfolio_id=OTHER_CLIENT)
    message = refused(await ask(sandbox, path, token, method), 400, 100, 33)
    assert DOCUMENTED in message
    assert "does not exist" in message
    assert "missing permissions" in message
    assert (await sandbox.books())["meta"]["subscribed"] == []


@pytest.mark.parametrize("token", ["", "EAA-made-up", "sandbox-system-toke", f"{APP}|other"])
@pytest.mark.parametrize(("method", "path"), EVERYTHING)
async def test_a_wrong_token_opens_nothing(sandbox: Lab, method: str, path: str, token: str):
    await a_token(sandbox)
    assert "Invalid OAuth" in refused(await ask(sandbox, path, token, method), 401, 190)


@pytest.mark.parametrize(
    ("method", "path", "opened_by"),
    [
        *[(*each, "client") for each in OF_A_CLIENT],
        *[(*each, "app") for each in OF_THE_APP],
        *[(*each, "system") for each in OF_THE_PROVIDER],
    ],
)
async def test_each_node_is_opened_by_a_token_of_its_own_kind_only(
    sandbox: Lab, method: str, path: str, opened_by: str
):
    """The client's own, the app's, or the provider's system user's."""
    kinds = {"client": await a_token(sandbox), "app": APP_TOKEN, "system": SYSTEM_TOKEN}
    query = {"business_id": CLIENT} if path.endswith("access_token") else {}
    answers = {kind: await ask(sandbox, path, t, method, **query) for kind, t in kinds.items()}
    assert [kind for kind, answer in answers.items() if answer.is_success] == [opened_by]


@pytest.mark.parametrize(("method", "path"), OF_A_CLIENT)
async def test_a_token_that_has_expired_says_so(sandbox: Lab, method: str, path: str):
    """To the second."""
    token = await a_token(sandbox)
    sandbox.time += SIXTY_DAYS - 1
    assert (await ask(sandbox, path, token, method)).status_code == 200
    sandbox.time += 1
    assert "expired" in refused(await ask(sandbox, path, token, method), 401, 190, 463)


async def test_an_issued_token_goes_on_where_the_old_one_has_expired(sandbox: Lab):
    """Without the client, and for what it has shared meanwhile, too."""
    await a_token(sandbox)
    sandbox.time += SIXTY_DAYS
    await a_code(sandbox, waba_id=OTHER_WABA, portfolio_id=CLIENT)
    path = f"{SOLUTION}/access_token"
    (row,) = (await ask(sandbox, path, SYSTEM_TOKEN, business_id=CLIENT)).json()["data"]
    for waba_id in (DOCUMENTED, OTHER_WABA):
        assert (await ask(sandbox, waba_id, row["access_token"])).status_code == 200


@pytest.mark.parametrize("portfolio", ["", OTHER_CLIENT, DOCUMENTED])
async def test_no_token_is_issued_for_who_has_shared_nothing(sandbox: Lab, portfolio: str):
    await a_token(sandbox)
    path = f"{SOLUTION}/access_token"
    refused(await ask(sandbox, path, SYSTEM_TOKEN, business_id=portfolio), 400, 100, 33)


@pytest.mark.parametrize("edge", ["partners", "access_token"])
async def test_another_solution_is_none(sandbox: Lab, edge: str):
    """The refusal names the id that was asked for."""
    path = f"900000000000009/{edge}"
    message = refused(await ask(sandbox, path, SYSTEM_TOKEN, business_id=CLIENT), 404, 803)
    assert "900000000000009" in message


@pytest.mark.parametrize("node", ["900000000000009", "700000000000009", "600000000000009"])
async def test_a_node_that_is_none_of_ours_is_none_for_our_system_user(sandbox: Lab, node: str):
    """Its token is good; it is the id that is wrong, and that is what is said."""
    assert node in refused(await ask(sandbox, node, SYSTEM_TOKEN), 400, 100, 33)


@pytest.mark.parametrize("edge", ["permissions", "subscriptions"])
async def test_another_app_is_none(sandbox: Lab, edge: str):
    refused(await ask(sandbox, f"600000000000009/{edge}", APP_TOKEN), 400, 100, 33)


async def test_a_node_is_whatever_its_id_is_of(sandbox: Lab):
    """One path for four kinds of objects."""
    token = await a_token(sandbox)
    app = (await ask(sandbox, APP, APP_TOKEN)).json()
    solution = (await ask(sandbox, SOLUTION, SYSTEM_TOKEN)).json()
    portfolio = (await ask(sandbox, PORTFOLIO, SYSTEM_TOKEN)).json()
    waba = (await ask(sandbox, DOCUMENTED, token)).json()
    ids = [each["id"] for each in (app, solution, portfolio, waba)]
    assert ids == [APP, SOLUTION, PORTFOLIO, DOCUMENTED]
    assert app["privacy_policy_url"].startswith("https://")
    assert (solution["status"], solution["status_for_pending_request"]) == ("ACTIVE", "NONE")
    assert portfolio["verification_status"] == "verified"
    assert (waba["account_review_status"], waba["ownership_type"]) == ("APPROVED", "CLIENT_OWNED")
    assert waba["owner_business_info"]["id"] == CLIENT


async def test_the_set_up_is_in_order_until_somebody_says_otherwise(sandbox: Lab):
    (partner,) = (await ask(sandbox, f"{SOLUTION}/partners", SYSTEM_TOKEN)).json()["data"]
    assert partner["partner_app"] == {"id": "1370401139746733", "name": "Infobip"}
    assert (partner["status"], partner["partner_permissions"]) == ("ACCEPTED", ["MESSAGING"])
    granted = (await ask(sandbox, f"{APP}/permissions", APP_TOKEN)).json()["data"]
    assert {each["permission"]: each["status"] for each in granted} == {
        "whatsapp_business_management": "live",
        "whatsapp_business_messaging": "live",
        "public_profile": "live",
    }


async def test_what_was_said_of_the_set_up_is_what_every_node_shows(sandbox: Lab):
    await set_up(
        sandbox,
        solution_status="INITIATED",
        solution_pending="PENDING_ACTIVATION",
        owner_permissions=["MANAGE"],
        partner_status="REJECTED",
        partner_permissions=[],
        verification_status="pending",
        permissions={"whatsapp_business_management": "unapproved"},
        app={"name": "Ours"},
    )
    solution = (await ask(sandbox, SOLUTION, SYSTEM_TOKEN)).json()
    assert solution["status"] == "INITIATED"
    assert solution["status_for_pending_request"] == "PENDING_ACTIVATION"
    assert solution["owner_permissions"] == ["MANAGE"]
    (partner,) = (await ask(sandbox, f"{SOLUTION}/partners", SYSTEM_TOKEN)).json()["data"]
    assert (partner["status"], partner["partner_permissions"]) == ("REJECTED", [])
    portfolio = (await ask(sandbox, PORTFOLIO, SYSTEM_TOKEN)).json()
    assert portfolio["verification_status"] == "pending"
    granted = (await ask(sandbox, f"{APP}/permissions", APP_TOKEN)).json()["data"]
    assert granted == [{"permission": "whatsapp_business_management", "status": "unapproved"}]
    assert (await ask(sandbox, APP, APP_TOKEN)).json() == {"id": APP, "name": "Ours"}


async def test_the_app_is_told_of_nothing_where_no_webhook_is_configured(sandbox: Lab):
    assert (await ask(sandbox, f"{APP}/subscriptions", APP_TOKEN)).json() == {"data": []}


async def test_the_apps_webhooks_go_to_the_gateway_with_all_fields():
    url = "http://gateway.test/hooks/meta"
    async with lab(meta_webhook_url=url) as sandbox:
        (row,) = (await ask(sandbox, f"{APP}/subscriptions", APP_TOKEN)).json()["data"]
        assert row["object"] == "whatsapp_business_account"
        assert (row["callback_url"], row["active"]) == (url, True)
        assert [field["name"] for field in row["fields"]] == list(ALL_FIELDS)
        elsewhere = "https://elsewhere.example/hook"
        await set_up(
            sandbox, webhook_url=elsewhere, webhook_active=False, webhook_fields=["security"]
        )
        (row,) = (await ask(sandbox, f"{APP}/subscriptions", APP_TOKEN)).json()["data"]
        assert (row["callback_url"], row["active"]) == (elsewhere, False)
        assert [field["name"] for field in row["fields"]] == ["security"]


async def test_every_version_is_served(sandbox: Lab):
    """As Meta does: which one is right is the caller's concern."""
    for version in ("v19.0", "v26.0", "v99.9"):
        headers = {"Authorization": f"Bearer {APP_TOKEN}"}
        answer = await sandbox.http.get(f"/graph/{version}/{APP}", headers=headers)
        assert answer.status_code == 200


async def test_neither_infobips_key_nor_its_limits_are_metas():
    async with lab(rate_limits=True) as sandbox, sandbox.caller("") as stranger:
        bearer = {"Authorization": f"Bearer {APP_TOKEN}"}
        codes = {
            (await stranger.get(f"{GRAPH}/{APP}", headers=bearer)).status_code for _ in range(30)
        }
    assert codes == {200}


async def test_what_goes_wrong_by_itself_goes_wrong_at_infobip_only():
    """The hostile profile is about Infobip."""
    async with lab(hostility={"chances": dict.fromkeys(Mischief, 1.0)}) as sandbox:
        assert (await ask(sandbox, APP, APP_TOKEN)).status_code == 200
        assert (await ask(sandbox, "me", await a_token(sandbox))).status_code == 200


async def test_a_scripted_answer_is_given_at_meta_too(sandbox: Lab):
    """The accident behind a lost token: the code is used up, and nobody has what it gave."""
    code = await a_code(sandbox)
    await sandbox.script(
        path=f"{GRAPH}/oauth", status=503, body={"error": {"code": 2}}, acting=True
    )
    lost = await exchange(sandbox, code)
    assert (lost.status_code, lost.json()) == (503, {"error": {"code": 2}})
    refused(await exchange(sandbox, code), 400, 100, 36009)


async def test_a_signup_registers_nothing_at_infobip(sandbox: Lab):
    """Sharing with the provider is one thing, sharing with Infobip another."""
    await a_token(sandbox)
    await sandbox.settled()
    books = await sandbox.books()
    assert (books["senders"], books["shares"]) == ({}, {})
    await sandbox.share()
    assert FINISHED_NUMBER in (await sandbox.books())["senders"]


async def test_a_client_that_has_removed_the_provider_shows_it_nothing(sandbox: Lab):
    """Its token opens the WABA no more, nobody issues another, and the subscription is gone."""
    token = await a_token(sandbox)
    await ask(sandbox, f"{DOCUMENTED}/subscribed_apps", token, "POST")
    await sandbox.decide(partner=False)
    refused(await ask(sandbox, f"{DOCUMENTED}/subscribed_apps", token), 400, 100, 33)
    issued = await ask(sandbox, f"{SOLUTION}/access_token", SYSTEM_TOKEN, business_id=CLIENT)
    refused(issued, 400, 100, 33)
    await sandbox.decide(partner=True)
    answer = await ask(sandbox, f"{DOCUMENTED}/subscribed_apps", token)
    assert answer.json() == {"data": []}


async def test_a_subscription_can_be_lost(sandbox: Lab):
    token = await a_token(sandbox)
    await ask(sandbox, f"{DOCUMENTED}/subscribed_apps", token, "POST")
    await sandbox.http.delete(f"/sandbox/wabas/{DOCUMENTED}/subscription")
    assert (await ask(sandbox, f"{DOCUMENTED}/subscribed_apps", token)).json() == {"data": []}


async def test_health_is_told_to_whoever_asks_for_it(sandbox: Lab):
    """Of a number: its own, its WABA's, and the asking app's, which may not send."""
    token = await a_token(sandbox)
    await sandbox.decide(can_send="BLOCKED", review="RESTRICTED")
    plain = await ask(sandbox, DOCUMENTED, token)
    assert "health_status" not in plain.json()
    assert plain.json()["account_review_status"] == "RESTRICTED"
    listed = await ask(sandbox, f"{DOCUMENTED}/phone_numbers", token, fields="id,health_status")
    entities = listed.json()["data"][0]["health_status"]["entities"]
    assert [(e["entity_type"], e["can_send_message"]) for e in entities] == [
        ("PHONE_NUMBER", "AVAILABLE"),
        ("WABA", "BLOCKED"),
        ("APP", "BLOCKED"),
    ]
    assert entities[1]["errors"][0]["error_code"] == 141014
