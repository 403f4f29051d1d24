"""Infobip's webhooks brought to the gateway: a real client, and the sandbox's Subscriptions API."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tests.sandbox.lab import Lab, lab
from waboard.domain.webhooks import SECURITY_ID, Hook, HookState, not_taken
from waboard.infobip import InfobipError
from waboard.infobip.client import InfobipClient
from waboard.infobip.subscriptions import BasicSecurity, HmacSecurity, Subscriptions
from waboard.webhook_setup import Wanted, look, repair, set_up

URL = "https://board.example"
PROFILES, SECURITIES = "/subscriptions/1/profiles", "/subscriptions/1/security"
SUBSCRIPTIONS = "/subscriptions/1/subscription/WHATSAPP"


def wanted(key: str = "hook-8d2f61", **changes: Any) -> Wanted:
    """Signed webhooks to our address."""
    security = HmacSecurity(auth_id=SECURITY_ID, secret_key=SecretStr(key))
    return Wanted(**{"public_url": URL, "security": security, "application_id": "app"} | changes)


@pytest.fixture
async def sandbox() -> AsyncGenerator[Lab]:
    async with lab() as opened:
        yield opened


@pytest.fixture
async def api(sandbox: Lab) -> AsyncGenerator[Subscriptions]:
    way = httpx.ASGITransport(sandbox.app)
    async with InfobipClient("http://infobip.test", SecretStr("key"), transport=way) as client:
        yield client.subscriptions


async def account(sandbox: Lab, **facts: Any) -> None:
    """Infobip's account stands so."""
    (await sandbox.http.put("/sandbox/account", json=facts)).raise_for_status()


async def listed(sandbox: Lab, path: str) -> dict[str, dict[str, Any]]:
    """What Infobip has, by its id."""
    results = (await sandbox.http.get(path)).json()["results"]
    ids = ("subscriptionId", "profileId", "authId")
    return {next(each[name] for name in ids if name in each): each for each in results}


def writes(sandbox: Lab) -> list[str]:
    """What was asked to be changed."""
    asked = [r for r in sandbox.world.books.requests if r["method"] in ("POST", "PUT")]
    return [f"{r['method']} {r['path']}" for r in asked if "/subscriptions/" in r["path"]]


async def test_from_nothing_every_webhook_is_subscribed_to_its_own_address(
    sandbox: Lab, api: Subscriptions
):
    states = await set_up(api, wanted())
    assert states == [HookState(hook, took=True, changed=True) for hook in Hook]
    profiles, subscriptions = await listed(sandbox, PROFILES), await listed(sandbox, SUBSCRIPTIONS)
    for hook in Hook:
        url = profiles[hook.id]["webhook"]["notifyUrl"]
        assert url == f"{URL}/hooks/infobip/{hook.value}"
        assert subscriptions[hook.id]["events"] == [hook.event]
        assert subscriptions[hook.id]["profile"]["profileId"] == hook.id


async def test_only_reports_are_asked_for_by_application(sandbox: Lab, api: Subscriptions):
    """Another application's are others' business; a registration is of none yet."""
    await set_up(api, wanted())
    subscriptions = await listed(sandbox, SUBSCRIPTIONS)
    narrowed = {key for key, each in subscriptions.items() if each.get("criteria")}
    assert narrowed == {"waboard-delivery", "waboard-seen"}


async def test_set_up_again_only_the_secret_is_written(sandbox: Lab, api: Subscriptions):
    """Reading a security setting need not show it."""
    await set_up(api, wanted())
    before = len(writes(sandbox))
    states = await set_up(api, wanted("hook-new"))
    assert not any(state.changed for state in states)
    assert writes(sandbox)[before:] == [f"PUT {SECURITIES}/waboard"]


async def test_what_somebody_changed_is_brought_back(sandbox: Lab, api: Subscriptions):
    await set_up(api, wanted())
    elsewhere = {"webhook": {"notifyUrl": "https://elsewhere.example"}}
    changed = await sandbox.http.put(f"{PROFILES}/waboard-delivery", json=elsewhere)
    assert changed.is_success
    assert (await sandbox.http.delete(f"{SUBSCRIPTIONS}/waboard-registration")).is_success
    states = await repair(api, wanted())
    assert states is not None
    assert [state.hook for state in states if state.changed] == [Hook.REGISTRATION, Hook.DELIVERY]
    assert all(state.took for state in await look(api, URL) or [])


async def test_what_is_as_it_should_be_is_not_touched(sandbox: Lab, api: Subscriptions):
    await set_up(api, wanted())
    before = writes(sandbox)
    await repair(api, wanted())
    assert writes(sandbox) == before


async def test_what_was_never_set_up_is_not_made_by_a_repair(sandbox: Lab, api: Subscriptions):
    """An account manager may have set the address by hand."""
    assert await repair(api, wanted()) is None
    assert await look(api, URL) is None
    assert writes(sandbox) == []


async def test_another_address_moves_every_webhook(sandbox: Lab, api: Subscriptions):
    await set_up(api, wanted())
    states = await set_up(api, wanted(public_url="https://new.example/"))
    assert all(state.changed for state in states)
    profiles = await listed(sandbox, PROFILES)
    url = profiles["waboard-seen"]["webhook"]["notifyUrl"]
    assert url == "https://new.example/hooks/infobip/seen"
    assert not_taken(await look(api, URL) or []) == [hook.event for hook in Hook]


async def test_another_way_to_authenticate_replaces_the_first(sandbox: Lab, api: Subscriptions):
    await set_up(api, wanted())
    basic = BasicSecurity(auth_id=SECURITY_ID, username="board", password=SecretStr("pw-1"))
    await repair(api, wanted(security=basic))
    assert (await listed(sandbox, SECURITIES))["waboard"]["type"] == "BASIC"


async def test_an_event_that_the_account_does_not_have_is_named(sandbox: Lab, api: Subscriptions):
    """Infobip drops it without a word, so what was made is read back."""
    await account(sandbox, unavailable_events=["SEEN"])
    states = await set_up(api, wanted())
    assert not_taken(states) == ["SEEN"]
    assert not_taken(await look(api, URL) or []) == ["SEEN"]


@pytest.mark.parametrize(
    "facts", [{"missing_scopes": ["subscriptions:manage"]}, {"subscriptions_offered": False}]
)
async def test_an_account_without_the_scope_is_told_what_is_missing(
    sandbox: Lab, api: Subscriptions, facts: dict[str, Any]
):
    await account(sandbox, **facts)
    with pytest.raises(InfobipError, match="subscriptions:manage"):
        await set_up(api, wanted())


async def test_two_who_set_up_at_once_come_to_the_same(sandbox: Lab, api: Subscriptions):
    """The one who finds an id taken replaces what is there."""
    real, api.get_security = api.get_security, _blind  # the other has made it in between
    await set_up(api, wanted())
    await set_up(api, wanted("hook-other"))
    api.get_security = real
    assert all(state.took for state in await look(api, URL) or [])


async def _blind(_auth_id: str) -> None:
    return None


async def test_the_webhooks_then_really_come_so(sandbox: Lab, api: Subscriptions):
    """Signed, and to the address of what they tell."""
    await set_up(api, wanted())
    await sandbox.share()
    urls = {str(request.url) for request in sandbox.inbox}
    assert urls == {f"{URL}/hooks/infobip/registration"}
    assert all("x-hub-signature" in request.headers for request in sandbox.inbox)
