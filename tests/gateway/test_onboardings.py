"""Asking for onboardings, and seeing how they stand."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

from tasks import runs
from tests.domain.samples import BAD, GOOD, T0, WABA, at, registration
from tests.gateway.conftest import OpenDesk
from tests.gateway.desk import CLIENT_NUMBER, REGISTRATION, Desk, FakePrefect, assert_problem
from waboard.domain.filing import Filing
from waboard.domain.standing import Profile, Standing
from waboard.gateway import starting
from waboard.gateway.waker import tidy
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.senders import record_adopted, record_profile, record_standing


async def test_the_first_time_is_created_and_the_same_again_is_found(
    desk: Desk, prefect: FakePrefect
):
    first = await desk.ask(client_name="Acme Bakery")
    again = await desk.ask(client_name="Acme Bakery")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert prefect.started == [first.json()["id"]]


async def test_only_who_made_it_is_told_where_it_is(desk: Desk, prefect: FakePrefect):
    """So that a program knows, whether Prefect is there or not."""
    for prefect.away in (True, False):
        asked = {"client_ref": f"client-{prefect.away:d}", "waba_id": f"{prefect.away:d}5"}
        first, again = await desk.ask(**asked), await desk.ask(**asked)
        assert first.headers["location"] == f"/v1/onboardings/{first.json()['id']}"
        assert "location" not in again.headers


async def test_a_dry_run_says_what_would_be_and_does_nothing(desk: Desk, prefect: FakePrefect):
    nothing = await desk.ask(dry_run=True)
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert await desk.onboardings() == []
    onboarding = await desk.asked()
    there = await desk.ask(dry_run=True)
    assert (there.status_code, there.json()) == (200, onboarding)
    assert_problem(await desk.ask(dry_run=True, waba_id="555"), 409, "waba_id")
    assert_problem(await desk.ask(dry_run=True, waba_id="x"), 422, "waba_id")
    assert prefect.started == [onboarding["id"]]


async def test_a_number_and_a_text_are_the_same_waba(desk: Desk):
    assert (await desk.ask(waba_id=int(WABA))).status_code == 201
    assert (await desk.ask(waba_id=WABA)).status_code == 200


async def test_what_is_left_out_is_not_another_fact(desk: Desk):
    await desk.asked(client_name="Acme Bakery", phone_numbers=[GOOD, BAD])
    assert (await desk.ask()).status_code == 200


async def test_two_who_ask_in_the_same_instant_get_the_same(desk: Desk, prefect: FakePrefect):
    answers = await asyncio.gather(*(desk.ask() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(set(prefect.started)) == 1


async def test_an_onboarding_shows_what_was_asked_and_what_is_not_yet_true(desk: Desk):
    onboarding = await desk.asked(
        client_name="Acme Bakery", entity_id="bakery", phone_numbers=[f"+{GOOD}"]
    )
    facts = ("client_ref", "client_name", "waba_id", "attempt", "application_id", "entity_id")
    assert [onboarding[fact] for fact in facts] == [
        *("acme", "Acme Bakery", WABA, 1, "waboard", "bakery"),
    ]
    assert onboarding["stage"] == "Sharing"
    assert (onboarding["live"], onboarding["ended"]) == (False, False)
    [sender] = onboarding["senders"]
    assert (sender["phone_number"], sender["live"]) == (GOOD, False)
    [needed] = onboarding["requirements"]
    assert (needed["phone_number"], needed["awaiting"]) == (GOOD, "infobip")
    assert needed["remedy"]
    assert needed["since"] == T0.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("adopted", "shown"),
    [
        (None, ("waboard", "bakery")),
        (Filing("portal", "506914307656634"), ("portal", "506914307656634")),
        (Filing("portal", None), ("portal", None)),
    ],
)
async def test_a_sender_shows_the_ids_that_it_works_with(
    desk: Desk, adopted: Filing | None, shown: tuple[str, str | None]
):
    """Those that it was found under and keeps, where they are not its onboarding's own."""
    onboarding = await desk.asked(entity_id="bakery", phone_numbers=[GOOD, BAD])
    async with desk.begin() as session:
        await record_adopted(session, onboarding["id"], GOOD, adopted)
    onboarding = await desk.onboarding(onboarding["id"])
    first, second = onboarding["senders"]
    assert (first["application_id"], first["entity_id"]) == shown
    for its_own in (second, onboarding):
        assert (its_own["application_id"], its_own["entity_id"]) == ("waboard", "bakery")


async def test_a_sender_shows_what_infobip_says_of_it_once_it_was_read(desk: Desk):
    onboarding = await desk.asked(phone_numbers=[GOOD, BAD])
    for sender in onboarding["senders"]:
        assert (sender["standing"], sender["profile"]) == (None, None)
    info = {"about": "Fresh bread", "websites": ["https://acme.test"]}
    async with desk.begin() as session:
        standing = Standing("FLAGGED", "YELLOW", "LIMIT_1K", at(5))
        await record_standing(session, onboarding["id"], GOOD, standing)
        await record_profile(session, onboarding["id"], GOOD, Profile({**info}, at(6)))
    first, second = (await desk.onboarding(onboarding["id"]))["senders"]
    assert first["standing"] == {
        "status": "FLAGGED",
        "quality_rating": "YELLOW",
        "current_limit": "LIMIT_1K",
        "read_at": "2026-01-05T09:05:00Z",
    }
    assert first["profile"] == {"info": info, "read_at": "2026-01-05T09:06:00Z"}
    assert (second["standing"], second["profile"]) == (None, None)


async def test_by_default_the_client_ref_is_the_name_and_the_entity(desk: Desk):
    onboarding = await desk.asked()
    assert (onboarding["client_name"], onboarding["entity_id"]) == ("acme", "acme")


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"waba_id": "555"}, ["waba_id", WABA, "555"]),
        ({"client_ref": "other"}, ["client_ref", "acme", "other"]),
        ({"client_name": "Acme Bank"}, ["client_name", "Acme Bakery", "Acme Bank"]),
        ({"entity_id": "bank"}, ["entity_id", "acme", "bank"]),
        ({"phone_numbers": [CLIENT_NUMBER]}, ["phone_numbers"]),
    ],
)
async def test_the_same_with_other_facts_names_the_difference(
    desk: Desk, prefect: FakePrefect, facts: dict[str, str], named: list[str]
):
    first = await desk.asked(client_name="Acme Bakery", phone_numbers=[GOOD])
    body = assert_problem(await desk.ask(**facts), 409, *named)
    others = {"waba_id", "client_ref", "client_name", "entity_id", "phone_numbers"} - {*facts}
    if "client_ref" not in facts:  # which is the entity's default as well
        assert not [name for name in others if name in body["detail"]]
    assert prefect.started == [first["id"]]


async def test_a_client_and_the_waba_of_another_are_not_one_onboarding(desk: Desk):
    await desk.asked(client_ref="acme", waba_id="1")
    await desk.asked(client_ref="bolt", waba_id="2")
    assert_problem(await desk.ask(client_ref="acme", waba_id="2"), 409)
    assert [o["waba_id"] for o in await desk.onboardings()] != []


async def test_while_prefect_is_away_an_onboarding_is_kept_and_started_later(
    desk: Desk, prefect: FakePrefect
):
    prefect.away = True
    answer = await desk.ask()
    assert answer.status_code == 202
    assert answer.json()["links"] == {}
    assert (await desk.ask()).status_code == 202

    prefect.away = False
    await tidy(desk.ledger, desk.now)
    assert prefect.started == [answer.json()["id"]]
    await tidy(desk.ledger, desk.now)
    assert len(prefect.started) == 1
    assert (await desk.ask()).status_code == 200


async def test_asking_again_starts_what_could_not_be_started(desk: Desk, prefect: FakePrefect):
    prefect.away = True
    onboarding = (await desk.ask()).json()
    prefect.away = False
    assert (await desk.ask()).status_code == 200
    assert prefect.started == [onboarding["id"]]


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def test_a_prefect_that_does_not_answer_is_away(
    desk: Desk, nobody: int, monkeypatch: pytest.MonkeyPatch
):
    """With Prefect's own client, whose errors are its own."""
    monkeypatch.setattr(starting, "start_run", runs.start_run)
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{nobody}/api"}):
        assert (await desk.ask()).status_code == 202


async def test_an_onboarding_leads_to_its_run_in_the_prefect_ui(desk: Desk):
    onboarding = await desk.asked()
    with temporary_settings({PREFECT_UI_URL: "http://prefect.test"}):
        shown = await desk.onboarding(onboarding["id"])
    async with desk.begin() as session:
        run_id = (await read_onboarding(session, onboarding["id"])).flow_run_id
    assert shown["links"] == {"flow_run": f"http://prefect.test/runs/flow-run/{run_id}"}


async def test_an_onboarding_is_found_by_its_id(desk: Desk):
    onboarding = await desk.asked()
    assert await desk.onboarding(onboarding["id"]) == onboarding


async def test_an_unknown_id_is_a_problem_that_says_where_to_look(desk: Desk):
    answer = await desk.http.get("/v1/onboardings/nothing")
    assert_problem(answer, 404, "nothing", "waboard status")


async def test_onboardings_are_listed_the_newest_first(desk: Desk):
    for number in (1, 2, 3):
        await desk.asked(client_ref=f"client-{number}", waba_id=str(number))
        desk.pass_time(minutes=1)
    listed = await desk.onboardings()
    assert [o["client_ref"] for o in listed] == ["client-3", "client-2", "client-1"]
    listed = (await desk.http.get("/v1/onboardings", params={"limit": 2})).json()
    assert [o["client_ref"] for o in listed] == ["client-3", "client-2"]


async def test_onboardings_are_found_by_client_and_stage(desk: Desk):
    await desk.asked(client_ref="acme", waba_id=WABA)
    await desk.asked(client_ref="bolt", waba_id="2")
    await desk.hook(REGISTRATION, registration("IN_PROGRESS", senders={GOOD: "IN_PROGRESS"}))

    async def found(**params: str) -> list[str]:
        listed = await desk.onboardings(**params)
        return [o["client_ref"] for o in listed]

    assert await found(client_ref="acme") == ["acme"]
    assert await found(client_ref="nobody") == []
    assert await found(stage="AwaitingRegistration") == ["acme"]
    assert await found(stage="Sharing") == ["bolt"]
    assert await found(stage="Sharing", client_ref="acme") == []


async def test_a_stage_is_searched_beyond_the_newest(desk: Desk):
    """The limit is on what is found, not on what is looked through."""
    await desk.asked(client_ref="acme", waba_id=WABA)
    await desk.hook(REGISTRATION, registration("IN_PROGRESS", senders={GOOD: "IN_PROGRESS"}))
    desk.pass_time(minutes=1)
    await desk.asked(client_ref="bolt", waba_id="2")
    params = {"stage": "AwaitingRegistration", "limit": "1"}
    listed = await desk.onboardings(**params)
    assert [o["client_ref"] for o in listed] == ["acme"]


async def test_a_stage_that_does_not_exist_is_a_problem(desk: Desk):
    """A misspelt one would look like nobody being there."""
    answer = await desk.http.get("/v1/onboardings", params={"stage": "Shareing"})
    assert_problem(answer, 422, "stage")


async def test_who_waits_has_a_clock(desk: Desk):
    """It says whom for, since when, what is usual, and whether that is late."""
    onboarding = await desk.asked()
    await desk.sleeps(onboarding["id"])
    desk.pass_time(hours=26)
    shown = await desk.onboarding(onboarding["id"])
    assert shown["clock"] == {
        "kind": "registration",
        "awaiting": "infobip",
        "since": "2026-01-05T09:00:00Z",
        "usual_median_seconds": 600,
        "usual_most_seconds": 86400,
        "from_waits": 0,
        "late_at": "2026-01-06T09:00:00Z",
        "late": True,
        "said": "Late: waiting for Infobip for 26 h, usually under 24 h.",
    }
    assert [needed["late"] for needed in shown["requirements"]] == [True]
    assert await desk.onboardings() == [shown]


async def test_what_is_set_says_when_it_is_late(open_desk: OpenDesk):
    async with open_desk(registration_remind="PT48H") as desk:
        onboarding = await desk.asked()
        await desk.sleeps(onboarding["id"])
        desk.pass_time(hours=26)
        shown = await desk.onboarding(onboarding["id"])
        assert (shown["clock"]["late"], shown["clock"]["late_at"]) == (
            False,
            "2026-01-07T09:00:00Z",
        )
        assert [needed["late"] for needed in shown["requirements"]] == [False]


async def test_who_waits_for_nothing_has_none(desk: Desk):
    assert (await desk.asked())["clock"] is None
