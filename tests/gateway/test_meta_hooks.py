"""Meta's webhooks: the handshake, the signature, and what each event comes to."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from tests.domain.meta import body, change, info
from tests.gateway.desk import FakePrefect, assert_problem
from tests.gateway.front import APP_SECRET, VERIFY_TOKEN, Front
from tests.sandbox.lab import DOCUMENTED
from waboard.domain.waits import WaitKind
from waboard.gateway.limits import MOST_BYTES, MOST_OF_META
from waboard.gateway.waker import wake_due
from waboard.meta.client import sign

HOOK = "/hooks/meta"


async def post(front: Front, raw: bytes, secret: str = APP_SECRET) -> Any:
    signed = {"X-Hub-Signature-256": sign(raw, SecretStr(secret))}
    return await front.stranger.post(HOOK, content=raw, headers=signed)


def handshake(**changes: str) -> dict[str, str]:
    given = {"mode": "subscribe", "challenge": "1158201444", "verify_token": VERIFY_TOKEN}
    return {f"hub.{name}": value for name, value in {**given, **changes}.items()}


async def test_the_handshake_gives_back_the_challenge_for_our_token(front: Front):
    answer = await front.stranger.get(HOOK, params=handshake())
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("wrong", [{"verify_token": "other"}, {"mode": "x"}, {"verify_token": ""}])
async def test_the_handshake_of_a_stranger_is_refused(front: Front, wrong: dict[str, str]):
    assert_problem(await front.stranger.get(HOOK, params=handshake(**wrong)), 401)


async def test_a_webhook_that_is_not_signed_by_our_app_is_refused(front: Front):
    raw = body(change("PARTNER_ADDED", waba_info=info()))
    assert_problem(await front.stranger.post(HOOK, content=raw), 401, "META_APP_SECRET")
    assert_problem(await post(front, raw, "other"), 401)
    assert await front.events() == []


async def test_the_signature_is_over_the_body_as_it_came(front: Front):
    spaced = json.dumps({"entry": [], "é": 1}, indent=3).encode()
    assert (await post(front, spaced)).status_code == 200


async def test_the_same_webhook_again_is_counted_and_changes_nothing(front: Front):
    raw = body(change("PARTNER_ADDED", waba_info=info()))
    assert (await post(front, raw)).json() == {"kept": 1, "duplicates": 0}
    assert (await post(front, raw)).json() == {"kept": 1, "duplicates": 1}
    (event,) = await front.events()
    assert (event["times_received"], event["waba_id"]) == (2, DOCUMENTED)


@pytest.mark.parametrize(
    ("event", "value", "status", "reason"),
    [
        ("PARTNER_ADDED", {"waba_info": info()}, "True", "PartnerAdded"),
        ("PARTNER_REMOVED", {"waba_info": info()}, "False", "ClientDisconnected"),
        ("ACCOUNT_RESTRICTION", {}, "False", "AccountRestricted"),
        ("DISABLED_UPDATE", {"ban_info": {"waba_ban_state": "DISABLE"}}, "False", "AccountBanned"),
        ("ACCOUNT_DELETED", {}, "False", "AccountDeleted"),
        ("ACCOUNT_OFFBOARDED", {}, "False", "AccountSuspended"),
    ],
)
async def test_what_meta_says_of_a_waba_is_seen_in_its_onboarding(
    front: Front, event: str, value: dict[str, Any], status: str, reason: str
):
    onboarding = await front.asked()
    await post(front, body(change(event, entry=DOCUMENTED, **value)))
    shown = await front.onboarding(onboarding["id"])
    (connected,) = [c for c in shown["conditions"] if c["type"] == "Connected"]
    assert (connected["status"], connected["reason"]) == (status, reason)
    needed = [r for r in shown["requirements"] if r["condition"] == "Connected"]
    assert len(needed) == (status == "False")
    # A client that has deleted its WABA is to be let go: only then can it sign up with another.
    whose = "operator" if reason == "AccountDeleted" else "client"
    assert all(r["awaiting"] == whose and r["remedy"] for r in needed)


async def test_an_older_event_that_comes_later_changes_nothing(front: Front):
    onboarding = await front.asked()
    await post(front, body(change("PARTNER_ADDED", 200, waba_info=info())))
    await post(front, body(change("PARTNER_REMOVED", 100, waba_info=info())))
    shown = await front.onboarding(onboarding["id"])
    assert [c["status"] for c in shown["conditions"] if c["type"] == "Connected"] == ["True"]
    late, first = await front.events()
    assert (first["disposition"], late["disposition"]) == ("applied", "stale")


async def test_an_unknown_event_is_kept(front: Front):
    await post(front, body(change("SOMETHING_NEW", entry=DOCUMENTED)))
    (event,) = await front.events()
    assert event["disposition"] == "unsupported"
    assert event["detail"].startswith("Kept: an unknown event.")


async def test_a_webhook_of_metas_may_be_longer_than_others_and_not_endless(front: Front):
    """Meta sends up to 3 MB at once."""
    raw = body(change("PARTNER_ADDED", waba_info=info()))
    assert (await post(front, raw + b" " * (MOST_BYTES + 1))).status_code == 200
    too_long = await post(front, raw + b" " * MOST_OF_META)
    assert_problem(too_long, 413, str(MOST_OF_META))


async def test_a_body_that_cannot_be_read_is_kept_and_answered(front: Front):
    assert (await post(front, b"{")).json() == {"kept": 1, "duplicates": 0}
    assert (await front.events())[0]["disposition"] == "invalid"


async def test_a_change_of_the_solution_wakes_whoever_waits_for_it(
    front: Front, prefect: FakePrefect
):
    waiting = await front.asked()
    other = await front.asked(client_ref="bakery", waba_id="200000000000002")
    await front.sleeps(waiting["id"], WaitKind.SOLUTION, nudge=60)
    await front.sleeps(other["id"], WaitKind.REGISTRATION, nudge=60)
    await post(front, body(change("SOLUTION_UPDATED", solution_status="ACTIVE")))
    await wake_due(front.ledger, front.now)
    assert prefect.woken == [waiting["id"]]
