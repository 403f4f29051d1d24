"""Infobip's webhooks: kept before they are acted on, and nothing is lost or done twice."""

import asyncio
import json
import sys
from typing import Any

import pytest

from tests.domain.samples import BAD, DOCUMENTED, GOOD, WABA, registration, report
from tests.gateway.desk import DELIVERY, REGISTRATION, Desk, FakePrefect, assert_problem
from waboard.gateway import inbox
from waboard.ledger.database import Ledger

ONCE = {"kept": 1, "duplicates": 0}


def condition(subject: dict[str, Any], kind: str) -> tuple[str, str] | None:
    found = [c for c in subject["conditions"] if c["type"] == kind]
    return (found[0]["status"], found[0]["reason"]) if found else None


def sender(onboarding: dict[str, Any], number: str) -> dict[str, Any]:
    return next(s for s in onboarding["senders"] if s["phone_number"] == number)


async def test_a_registration_event_makes_true_what_it_says(desk: Desk):
    onboarding = await desk.asked()
    assert (await desk.hook(REGISTRATION, DOCUMENTED)).json() == ONCE
    shown = await desk.onboarding(onboarding["id"])
    assert condition(shown, "Shared") == ("True", "RegistrationSeen")
    assert condition(sender(shown, GOOD), "Registered") == ("True", "RegistrationFinished")
    assert condition(sender(shown, BAD), "Registered") == ("False", "RegistrationFailed")
    [event] = await desk.events()
    assert (event["kind"], event["source"]) == ("registration", "webhook")
    assert (event["disposition"], event["onboarding_id"]) == ("applied", onboarding["id"])
    assert event["waba_id"] == WABA


async def test_an_event_is_kept_before_anything_is_done_about_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """So a process that dies right after its answer has lost nothing."""
    await desk.asked()

    async def dies(*_: object) -> None:
        assert [event["disposition"] for event in await desk.events()] == ["parked"]
        raise KeyboardInterrupt

    monkeypatch.setattr(inbox, "act_on", dies)
    with pytest.raises(KeyboardInterrupt):
        await desk.hook(REGISTRATION, DOCUMENTED)
    assert [event["disposition"] for event in await desk.events()] == ["parked"]


async def test_the_same_event_again_is_counted_and_changes_nothing(desk: Desk):
    onboarding = await desk.asked()
    await desk.hook(REGISTRATION, DOCUMENTED)
    before = await desk.onboarding(onboarding["id"])
    desk.pass_time(minutes=1)
    again = await desk.hook(REGISTRATION, DOCUMENTED)
    assert again.json() == {"kept": 1, "duplicates": 1}
    [event] = await desk.events()
    assert (event["times_received"], event["disposition"]) == (2, "applied")
    assert event["last_received_at"] > event["received_at"]
    assert await desk.onboarding(onboarding["id"]) == before


async def test_the_same_event_in_other_spacing_is_the_same(desk: Desk):
    await desk.hook(REGISTRATION, DOCUMENTED)
    again = await desk.hook(REGISTRATION, json.loads(DOCUMENTED))
    assert again.json()["duplicates"] == 1


async def test_the_same_event_twice_in_the_same_instant_is_kept_once(desk: Desk):
    answers = await asyncio.gather(*(desk.hook(REGISTRATION, DOCUMENTED) for _ in range(4)))
    assert sorted(answer.json()["duplicates"] for answer in answers) == [0, 1, 1, 1]
    assert [event["times_received"] for event in await desk.events()] == [4]


async def test_an_event_that_comes_late_is_stale_and_undoes_nothing(desk: Desk):
    onboarding = await desk.asked()
    await desk.hook(REGISTRATION, registration("FINISHED", 10))
    before = await desk.onboarding(onboarding["id"])
    late = registration("IN_PROGRESS", 5, {GOOD: "IN_PROGRESS"})
    assert (await desk.hook(REGISTRATION, late)).json() == ONCE
    assert await desk.onboarding(onboarding["id"]) == before
    assert [event["disposition"] for event in await desk.events()] == ["stale", "applied"]


async def test_an_event_for_a_waba_nobody_asked_about_is_parked_and_adopted_later(desk: Desk):
    assert (await desk.hook(REGISTRATION, DOCUMENTED)).json() == ONCE
    [event] = await desk.events()
    assert (event["disposition"], event["onboarding_id"]) == ("parked", None)
    onboarding = await desk.asked()
    assert {s["phone_number"] for s in onboarding["senders"]} == {GOOD, BAD}
    [event] = await desk.events()
    assert (event["disposition"], event["onboarding_id"]) == ("applied", onboarding["id"])


async def test_the_event_that_a_run_waits_for_wakes_it_at_once(desk: Desk, prefect: FakePrefect):
    onboarding = await desk.asked()
    await desk.sleeps(onboarding["id"])
    await desk.hook(REGISTRATION, registration("IN_PROGRESS", senders={GOOD: "IN_PROGRESS"}))
    assert prefect.woken == []
    await desk.hook(REGISTRATION, registration("FINISHED", 1))
    assert prefect.woken == [onboarding["id"]]


async def test_an_event_about_one_client_wakes_no_other(desk: Desk, prefect: FakePrefect):
    for ref, waba in (("acme", WABA), ("bolt", "2")):
        await desk.sleeps((await desk.asked(client_ref=ref, waba_id=waba))["id"])
    await desk.hook(REGISTRATION, DOCUMENTED)
    [acme] = (await desk.http.get("/v1/onboardings", params={"client_ref": "acme"})).json()
    assert prefect.woken == [acme["id"]]


async def test_a_run_that_cannot_be_woken_does_not_turn_the_event_away(
    desk: Desk, prefect: FakePrefect
):
    onboarding = await desk.asked()
    await desk.sleeps(onboarding["id"])
    prefect.away = True
    assert (await desk.hook(REGISTRATION, DOCUMENTED)).json() == ONCE
    assert [event["disposition"] for event in await desk.events()] == ["applied"]


MALFORMED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"17",
    b"{}",
    b'{"businessAccountId": "not digits", "status": "FINISHED"}',
    b'{"businessAccountId": 5, "status": "  ", "lastModifiedAt": "2026-01-05T09:00:00Z"}',
    b'{"businessAccountId": 5, "status": null, "lastModifiedAt": "2026-01-05T09:00:00Z"}',
    b"[" * 5000,
]


@pytest.mark.parametrize("raw", MALFORMED)
async def test_an_authentic_registration_that_cannot_be_read_is_kept_as_invalid(
    desk: Desk, raw: bytes
):
    assert (await desk.hook(REGISTRATION, raw)).json() == ONCE
    [event] = await desk.events()
    assert (event["kind"], event["disposition"]) == ("registration", "invalid")
    assert event["detail"]
    body = (await desk.http.get(f"/v1/events/{event['id']}")).json()["body"]
    assert body == raw.decode(errors="replace") or json.loads(body) == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"[]", b"{}", b'"results"', b"\xff"),
        *(b'{"results": null}', b'{"results": 3}', b'{"results": {}}', b'{"results": ""}'),
        *(b'{"results": {"messageId": "waboard-1"}}', b'{"results": "abc"}'),
    ],
)
async def test_an_authentic_delivery_that_cannot_be_read_is_kept_as_invalid(desk: Desk, raw: bytes):
    """Once, as one thing, and with the body that came."""
    assert (await desk.hook(DELIVERY, raw)).json() == ONCE
    [event] = await desk.events()
    assert (event["kind"], event["disposition"]) == ("delivery", "invalid")
    assert event["detail"]
    body = (await desk.http.get(f"/v1/events/{event['id']}")).json()["body"]
    assert body == raw.decode(errors="replace")


@pytest.mark.parametrize("path", [REGISTRATION, DELIVERY])
async def test_half_a_character_does_not_turn_an_authentic_webhook_away(desk: Desk, path: str):
    r"""JSON can name half of a pair, such as `\ud83d`, which is no text that can be stored."""
    good = report("delivered") if path == DELIVERY else registration()
    item = {**good, "name": "\ud83d"}
    body = {"results": [item]} if path == DELIVERY else item
    assert (await desk.hook(path, body)).json() == ONCE
    assert len(await desk.events()) == 1


async def test_a_webhook_is_kept_however_deeply_it_is_nested(desk: Desk):
    """Around the depth that Python can just read, but not write any more."""
    depths = range(sys.getrecursionlimit() - 120, sys.getrecursionlimit() + 20)
    for depth in depths:
        deep = b'{"businessAccountId":5,"x":' + b"[" * depth + b"]" * depth + b"}"
        assert (await desk.hook(REGISTRATION, deep)).json() == ONCE
    kept = await desk.events(limit=1000)
    assert [event["disposition"] for event in kept] == ["invalid"] * len(depths)


async def test_a_time_without_a_zone_stops_neither_this_onboarding_nor_others(desk: Desk):
    """It is either read as UTC or kept as invalid; it must not be a stone in the way for ever."""
    onboarding = await desk.asked()
    await desk.hook(REGISTRATION, registration(lastModifiedAt="2026-01-05T09:00:00"))
    await desk.hook(REGISTRATION, registration(minute=5))
    assert (await desk.ask()).status_code == 200
    shown = await desk.onboarding(onboarding["id"])
    assert condition(sender(shown, GOOD), "Registered") == ("True", "RegistrationFinished")


async def test_an_unknown_status_is_kept_and_shown(desk: Desk):
    onboarding = await desk.asked()
    await desk.hook(REGISTRATION, registration("PONDERING", senders={GOOD: "ON_THE_MOON"}))
    shown = await desk.onboarding(onboarding["id"])
    assert condition(sender(shown, GOOD), "Registered") == ("Unknown", "RegistrationInProgress")
    assert "ON_THE_MOON" in shown["requirements"][0]["message"]


async def test_a_delivery_report_verifies_the_sender_it_is_about(desk: Desk):
    onboarding = await desk.asked(phone_numbers=[GOOD, BAD])
    await desk.has_sent_a_test(onboarding["id"], GOOD, "waboard-1")
    await desk.has_sent_a_test(onboarding["id"], BAD, "waboard-2")
    batch = {"results": [report("delivered"), report("rejected", message_id="waboard-2")]}
    assert (await desk.hook(DELIVERY, batch)).json() == {"kept": 2, "duplicates": 0}
    shown = await desk.onboarding(onboarding["id"])
    assert condition(sender(shown, GOOD), "Verified") == ("True", "MessageDelivered")
    assert condition(sender(shown, BAD), "Verified") == ("False", "MessageRejected")
    assert {event["onboarding_id"] for event in await desk.events()} == {onboarding["id"]}


async def test_one_bad_report_does_not_take_the_others_down(desk: Desk):
    onboarding = await desk.asked(phone_numbers=[GOOD])
    await desk.has_sent_a_test(onboarding["id"], GOOD, "waboard-1")
    reports = [{"messageId": 5}, report("delivered"), "nonsense", report("sent", message_id="crm")]
    answer = await desk.hook(DELIVERY, {"results": reports})
    assert answer.json() == {"kept": 4, "duplicates": 0}
    found = sorted(event["disposition"] for event in await desk.events())
    assert found == ["applied", "invalid", "invalid", "unsupported"]
    shown = await desk.onboarding(onboarding["id"])
    assert condition(sender(shown, GOOD), "Verified") == ("True", "MessageDelivered")


async def test_a_report_about_somebody_elses_message_is_kept_as_unsupported(desk: Desk):
    await desk.hook(DELIVERY, {"results": [report("delivered", message_id="crm-1")]})
    [event] = await desk.events()
    assert (event["disposition"], event["onboarding_id"]) == ("unsupported", None)
    assert event["detail"]


async def test_another_kind_of_event_at_the_delivery_hook_is_kept_as_unsupported(desk: Desk):
    await desk.hook(DELIVERY, {"results": [report("delivered", event="SEEN")]})
    assert [event["disposition"] for event in await desk.events()] == ["unsupported"]


async def test_a_report_that_comes_before_its_message_is_known_is_parked_and_adopted(desk: Desk):
    onboarding = await desk.asked(phone_numbers=[GOOD])
    await desk.hook(DELIVERY, {"results": [report("delivered")]})
    assert [event["disposition"] for event in await desk.events()] == ["parked"]
    await desk.has_sent_a_test(onboarding["id"], GOOD, "waboard-1")
    await desk.hook(DELIVERY, {"results": [report("delivered")]})
    assert [event["disposition"] for event in await desk.events()] == ["applied"]


async def test_a_delivery_without_reports_has_nothing_to_keep(desk: Desk):
    assert (await desk.hook(DELIVERY, {"results": []})).json() == {"kept": 0, "duplicates": 0}


@pytest.mark.parametrize("path", [REGISTRATION, DELIVERY])
async def test_what_cannot_be_written_down_is_not_taken(desk: Desk, path: str):
    """Infobip repeats what is answered with 503, so nothing is lost."""
    down = Ledger("postgresql://waboard@127.0.0.1:1/waboard")
    with desk.with_ledger(down):
        assert_problem(await desk.hook(path, registration()), 503, "WABOARD_DATABASE_URL")
    await down.close()
    assert await desk.events() == []
