"""Every mischief that the sandbox can be up to, struck for certain."""

import json
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.sandbox.lab import DOCUMENTED, FINISHED_NUMBER, Lab, association, lab
from waboard.sandbox.hostility import Hostility, Mischief, Mischiefs, hostility

SHARE = "/whatsapp/1/embedded-signup/registrations/share-waba"


def certain(*mischief: Mischief) -> Hostility:
    """These strike whenever they can, and nothing else does."""
    return Hostility(chances=dict.fromkeys(mischief, 1.0))


def told(sandbox: Lab) -> list[dict[str, Any]]:
    """The webhooks that came in one piece."""
    return [json.loads(each.content) for each in sandbox.inbox]


async def share_plainly(sandbox: Lab, waba_id: str = DOCUMENTED) -> None:
    """Share a WABA whose registration has no first event."""
    await sandbox.decide(waba_id, in_progress_first=False)
    await sandbox.share(waba_id)


async def shares(sandbox: Lab) -> int:
    """How often the documented WABA was shared in truth."""
    return (await sandbox.books())["shares"].get(DOCUMENTED, 0)


@pytest.mark.parametrize(
    ("mischief", "status", "acted"),
    [
        (Mischief.RATE_LIMITED, 429, 0),
        (Mischief.RATE_LIMITED_RETRY_AFTER, 429, 0),
        (Mischief.ERROR_BEFORE, 503, 0),
        (Mischief.ERROR_AFTER, 500, 1),
        (Mischief.NOT_JSON, 502, 0),
        (Mischief.SLOW, 202, 1),
        (Mischief.TIMEOUT_AFTER, 202, 1),
    ],
)
async def test_an_answer_says_less_than_what_was_done(mischief: Mischief, status: int, acted: int):
    async with lab(hostility=certain(mischief)) as sandbox:
        answer = await sandbox.share()
        assert (answer.status_code, await shares(sandbox)) == (status, acted)
        assert ("Retry-After" in answer.headers) == (mischief == Mischief.RATE_LIMITED_RETRY_AFTER)


@pytest.mark.parametrize(
    ("mischief", "acted"), [(Mischief.RESET_BEFORE, 0), (Mischief.RESET_AFTER, 1)]
)
async def test_the_connection_breaks_in_the_middle_of_an_answer(mischief: Mischief, acted: int):
    async with lab(hostility=certain(mischief)) as sandbox:
        with pytest.raises((ConnectionResetError, httpx.HTTPError)):
            await sandbox.share()
        assert await shares(sandbox) == acted


async def test_what_hangs_hangs_for_as_long_as_was_said():
    async with lab(hostility=Hostility(chances={Mischief.TIMEOUT_AFTER: 1}, hang=77)) as sandbox:
        await sandbox.share()
        assert 77 in sandbox.naps


async def test_a_webhook_comes_twice_to_the_last_byte():
    async with lab(hostility=certain(Mischief.WEBHOOK_TWICE)) as sandbox:
        await share_plainly(sandbox)
        (first, second) = sandbox.inbox
        assert first.content == second.content


async def test_a_webhook_is_lost_and_the_quality_endpoint_still_shows_the_sender():
    async with lab(hostility=certain(Mischief.WEBHOOK_LOST)) as sandbox:
        await sandbox.share()
        assert sandbox.inbox == []
        query = {"senders": FINISHED_NUMBER}
        shown = await sandbox.http.get("/whatsapp/1/senders/quality", params=query)
        assert shown.json()["results"][0]["status"] == "CONNECTED"


async def test_a_malformed_webhook_cannot_be_read():
    async with lab(hostility=certain(Mischief.WEBHOOK_MALFORMED)) as sandbox:
        await share_plainly(sandbox)
        (only,) = sandbox.inbox
        with pytest.raises(json.JSONDecodeError):
            json.loads(only.content)


async def test_a_lost_report_waits_on_the_pull_queue():
    async with lab(
        delivery_url="http://gateway.test/delivery", hostility=certain(Mischief.WEBHOOK_LOST)
    ) as sandbox:
        await sandbox.share()
        await sandbox.send()
        (report,) = await sandbox.reports()
        assert report["messageId"] == "message-1"


async def test_a_webhook_comes_late():
    async with lab(hostility=Hostility(chances={Mischief.WEBHOOK_LATE: 1}, late=33)) as sandbox:
        await share_plainly(sandbox)
        assert 33 in sandbox.naps
        assert len(sandbox.inbox) == 1


async def test_a_webhook_that_was_held_back_comes_all_the_same():
    async with lab(hostility=certain(Mischief.WEBHOOK_REORDERED)) as sandbox:
        await share_plainly(sandbox)
        assert len(sandbox.inbox) == 1


async def test_a_webhook_comes_after_the_one_that_followed_it():
    async with lab() as sandbox:
        await sandbox.decide("77", mischief=["webhook-reordered"])
        await sandbox.share("77")
        assert [each["status"] for each in told(sandbox)] == ["FINISHED", "IN_PROGRESS"]


async def test_the_event_comes_before_the_share_is_answered():
    async with lab(hostility=certain(Mischief.WEBHOOK_EARLY)) as sandbox:
        await sandbox.http.post(SHARE, json={"businessAccountId": DOCUMENTED})
        assert told(sandbox)[0]["status"] == "FINISHED"


async def test_senders_appear_later():
    async with lab(hostility=certain(Mischief.SENDERS_LATE)) as sandbox:
        await share_plainly(sandbox)
        (first, last) = told(sandbox)
        assert (first["status"], len(first["senders"])) == ("IN_PROGRESS", 1)
        assert (last["status"], len(last["senders"])) == ("FINISHED", 2)


async def test_a_waba_fails_and_then_finishes():
    async with lab(hostility=certain(Mischief.FAILS_THEN_FINISHES)) as sandbox:
        await share_plainly(sandbox, "77")
        (first, last) = told(sandbox)
        assert (first["status"], last["status"]) == ("FAILED", "FINISHED")
        assert first["lastModifiedAt"] <= last["lastModifiedAt"]


async def test_the_provider_files_a_sender_elsewhere():
    async with lab(hostility=certain(Mischief.ASSOCIATED_ELSEWHERE)) as sandbox:
        await sandbox.share()
        (filed,) = (await sandbox.books())["associations"]
        assert filed["entityId"] == "506914307656634"


async def test_an_association_reads_back_as_it_was_for_a_while():
    async with lab(
        hostility=Hostility(chances={Mischief.STALE_ASSOCIATION: 1}, stale=5)
    ) as sandbox:
        await associate(sandbox)
        assert await _associations(sandbox) == []
        sandbox.time += 6
        assert len(await _associations(sandbox)) == 1


async def associate(sandbox: Lab) -> None:
    """Share the documented WABA and associate its finished sender."""
    await sandbox.share()
    await sandbox.http.post("/provisioning/1/applications", json={"applicationId": "app"})
    await sandbox.http.post("/provisioning/1/entities", json={"entityId": "acme"})
    body = association(await sandbox.number_key())
    made = await sandbox.http.post("/provisioning/1/associations", json=body)
    assert made.status_code == 201


async def _associations(sandbox: Lab) -> list[dict[str, Any]]:
    return (await sandbox.http.get("/provisioning/1/associations")).json()["results"]


@pytest.mark.parametrize(
    ("mischief", "times"), [(Mischief.REPORT_TWICE, 2), (Mischief.REPORT_NEVER, 0)]
)
async def test_a_report_comes_twice_or_never(mischief: Mischief, times: int):
    url = "http://gateway.test/delivery"
    async with lab(delivery_url=url, hostility=certain(mischief)) as sandbox:
        await sandbox.share()
        await sandbox.send()
        pushed = [each for each in sandbox.inbox if str(each.url) == url]
        assert len(pushed) == times
        assert await sandbox.reports() == []


async def test_a_waba_can_be_picked_on_and_only_once():
    async with lab() as sandbox:
        await sandbox.decide("77", mischief=["webhook-lost"], in_progress_first=False)
        await sandbox.share("77")
        assert sandbox.inbox == []
        await sandbox.http.post("/sandbox/wabas/77/registration-event")
        await sandbox.settled()
        assert len(sandbox.inbox) == 1


@pytest.mark.parametrize(
    ("mischief", "status"), [("rate-limited", 429), ("error-after", 500), ("not-json", 502)]
)
async def test_an_answer_about_a_waba_can_go_wrong_for_certain(mischief: str, status: int):
    async with lab() as sandbox:
        await sandbox.decide("77", mischief=[mischief])
        assert (await sandbox.share("7")).status_code == 202
        assert (await sandbox.share("77")).status_code == status
        assert (await sandbox.share("77")).status_code == 202
        (struck,) = (await sandbox.books())["mischief"]
        assert (struck["mischief"], struck["waba_id"]) == (mischief, "77")


async def test_an_answer_about_a_sender_is_one_about_its_waba():
    async with lab() as sandbox:
        await sandbox.share()
        await sandbox.decide(mischief=["error-before"])
        assert (await sandbox.send()).status_code == 503
        assert (await sandbox.send()).status_code == 200


async def test_a_change_of_a_wabas_association_can_be_seen_late():
    async with lab() as sandbox:
        await sandbox.decide(mischief=["stale-association"])
        await associate(sandbox)
        assert await _associations(sandbox) == []


async def test_the_books_tell_what_struck_and_whom():
    async with lab(hostility=certain(Mischief.WEBHOOK_TWICE)) as sandbox:
        await share_plainly(sandbox, "77")
        (struck,) = (await sandbox.books())["mischief"]
        assert (struck["mischief"], struck["waba_id"]) == ("webhook-twice", "77")


async def test_hostility_can_be_turned_on_and_off_while_it_runs():
    async with lab() as sandbox:
        given = {"seed": 1, "chances": {"not-json": 1}}
        await sandbox.http.put("/sandbox/hostility", json=given)
        assert (await sandbox.share()).status_code == 502
        await sandbox.http.put("/sandbox/hostility", json={})
        assert (await sandbox.share()).status_code == 202


def drawn(seed: int) -> list[bool]:
    mischiefs = Mischiefs(hostility("hostile", seed), lambda: "now")
    return [mischiefs.strikes(Mischief.SLOW, f"subject {i % 50}") for i in range(2000)]


def test_the_same_seed_makes_the_same_mischief():
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_a_hostile_profile_strikes_at_a_few_per_cent():
    assert 0.02 < Counter(drawn(7))[True] / 2000 < 0.045


def test_a_calm_profile_has_no_mischief():
    mischiefs = Mischiefs(hostility("calm", 7), lambda: "now")
    assert not any(mischiefs.strikes(each, "any") for each in Mischief for _ in range(100))
