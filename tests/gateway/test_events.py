"""Looking at what was received, and running it again."""

import json

import pytest

from tests.domain.samples import DOCUMENTED, GOOD, WABA, registration, report
from tests.gateway.desk import DELIVERY, REGISTRATION, Desk, FakePrefect, assert_problem
from waboard.domain.facts import Fact
from waboard.ledger.events import receive
from waboard.ledger.models import Disposition

READABLE_NOW = [
    ("registration", DOCUMENTED.decode()),
    ("registration", json.dumps(registration())),
    ("delivery", json.dumps({"results": [report("delivered")]})),
    ("delivery", json.dumps(report("delivered"))),
]
"""Bodies, whole and in part, that an older version could not read."""


async def kept_as_invalid(desk: Desk, kind: str, body: str) -> int:
    async with desk.begin() as session:
        fact = Fact(kind, body, problem="An older version could not read this.")
        [receipt] = await receive(session, [fact], "webhook", desk.time)
    return receipt.event_id


async def replay(desk: Desk, event_id: int) -> dict[str, str]:
    answer = await desk.http.post(f"/v1/events/{event_id}/replay")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_events_are_listed_the_newest_first_without_their_bodies(desk: Desk):
    for minute in (1, 2, 3):
        await desk.hook(REGISTRATION, registration(minute=minute))
    listed = await desk.events()
    assert [event["id"] for event in listed] == sorted((e["id"] for e in listed), reverse=True)
    assert not [event for event in listed if "body" in event]
    assert await desk.events(limit=2) == listed[:2]


async def test_events_are_found_by_what_became_of_them(desk: Desk):
    await desk.hook(REGISTRATION, b"{")
    await desk.hook(REGISTRATION, DOCUMENTED)
    parked, invalid = await desk.events()
    assert await desk.events(disposition="invalid") == [invalid]
    assert await desk.events(disposition="parked") == [parked]
    assert await desk.events(disposition="stale") == []


@pytest.mark.parametrize("disposition", Disposition)
async def test_every_disposition_can_be_asked_for(desk: Desk, disposition: Disposition):
    assert await desk.events(disposition=disposition) == []


async def test_an_event_is_shown_with_its_body(desk: Desk):
    await desk.hook(REGISTRATION, DOCUMENTED)
    [event] = await desk.events()
    shown = (await desk.http.get(f"/v1/events/{event['id']}")).json()
    assert json.loads(shown.pop("body")) == json.loads(DOCUMENTED)
    assert shown == event


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_event_is_a_problem_that_says_where_to_look(desk: Desk, method: str):
    path = "/v1/events/99" + ("/replay" if method == "POST" else "")
    answer = await desk.http.request(method, path)
    assert_problem(answer, 404, "99", "waboard events list")


async def test_an_event_number_that_no_database_holds_is_unknown_too(desk: Desk):
    assert (await desk.http.get(f"/v1/events/{10**30}")).status_code in {404, 422}


async def test_replaying_what_was_applied_changes_nothing(desk: Desk):
    onboarding = await desk.asked()
    await desk.hook(REGISTRATION, DOCUMENTED)
    before = await desk.onboarding(onboarding["id"])
    desk.pass_time(hours=1)
    replayed = await replay(desk, 1)
    assert (replayed["disposition"], replayed["times_received"]) == ("applied", 1)
    assert await desk.onboarding(onboarding["id"]) == before


async def test_replaying_wakes_who_waits_for_it(desk: Desk, prefect: FakePrefect):
    onboarding = await desk.asked()
    await desk.hook(REGISTRATION, DOCUMENTED)
    await desk.sleeps(onboarding["id"])
    (event,) = await desk.events()
    await replay(desk, event["id"])
    assert prefect.woken == [onboarding["id"]]


@pytest.mark.parametrize(
    ("path", "body", "disposition"),
    [
        (REGISTRATION, registration(), "parked"),
        (DELIVERY, {"results": [report("delivered", message_id="crm-1")]}, "unsupported"),
        (REGISTRATION, b"{", "invalid"),
        (DELIVERY, {"results": [{"messageId": 5}]}, "invalid"),
    ],
)
async def test_replaying_what_is_still_of_no_use_leaves_it_as_it_is(
    desk: Desk, path: str, body: object, disposition: str
):
    await desk.hook(path, body)
    before = await desk.events()
    assert (await replay(desk, before[0]["id"]))["disposition"] == disposition
    assert await desk.events() == before


@pytest.mark.parametrize(("kind", "body"), READABLE_NOW)
async def test_what_can_be_read_by_now_is_read_when_it_is_replayed(
    desk: Desk, kind: str, body: str
):
    onboarding = await desk.asked(phone_numbers=[GOOD])
    await desk.has_sent_a_test(onboarding["id"], GOOD, "waboard-1")
    event_id = await kept_as_invalid(desk, kind, body)
    replayed = await replay(desk, event_id)
    newest, replayed_now = await desk.events()
    assert (newest["source"], newest["disposition"]) == ("replay", "applied")
    assert newest["onboarding_id"] == onboarding["id"]
    assert replayed_now["id"] == event_id
    assert replayed["body"] == body
    assert replayed["disposition"] == "applied"
    assert f"event {newest['id']}" in replayed["detail"]


@pytest.mark.parametrize(("kind", "body"), READABLE_NOW)
async def test_what_was_read_in_a_replay_is_not_read_anew_in_the_next(
    desk: Desk, kind: str, body: str
):
    await desk.asked(waba_id=WABA, phone_numbers=[GOOD])
    event_id = await kept_as_invalid(desk, kind, body)
    await replay(desk, event_id)
    before = await desk.events()
    await replay(desk, event_id)
    assert await desk.events() == before


@pytest.mark.parametrize(("kind", "body"), READABLE_NOW)
async def test_the_body_that_was_replayed_is_known_when_it_comes_again(
    desk: Desk, kind: str, body: str
):
    event_id = await kept_as_invalid(desk, kind, body)
    await replay(desk, event_id)
    again = json.loads(body)
    path = REGISTRATION
    if kind == "delivery":
        path, again = DELIVERY, again if "results" in again else {"results": [again]}
    assert (await desk.hook(path, again)).json() == {"kept": 1, "duplicates": 1}
