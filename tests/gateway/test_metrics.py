"""The numbers that Prometheus reads, and the pages that tell of them."""

import json
import re
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.counts import counting
from tests.domain.samples import BAD, GOOD, WABA, registration
from tests.gateway.conftest import OpenDesk
from tests.gateway.desk import (
    API_KEY,
    CLIENT_NUMBER,
    OTHER_API_KEY,
    REGISTRATION,
    Desk,
    FakePrefect,
    assert_problem,
)
from tests.gateway.test_privacy import told_by, whole_story
from tests.test_docs import ROOT, page, rows, section
from waboard.domain.outcome import OutcomeName
from waboard.domain.waits import WORDS, WaitKind
from waboard.gateway.metrics import STAGES
from waboard.ledger.admissions import admit
from waboard.ledger.database import Ledger
from waboard.ledger.onboardings import client_of, end_onboarding
from waboard.ledger.outbox import drop_pending
from waboard.metrics import RATE_LIMIT_WAIT_SECONDS, count_call

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def numbers(desk: Desk) -> Numbers:
    """All that `/metrics` tells: a value by name and labels."""
    families = text_string_to_metric_families((await desk.http.get("/metrics")).text)
    samples = (sample for family in families for sample in family.samples)
    return {(each.name, frozenset(each.labels.items())): each.value for each in samples}


async def number(desk: Desk, name: str, **labels: str) -> float:
    """One of them."""
    return (await numbers(desk))[name, frozenset(labels.items())]


async def end(desk: Desk, onboarding_id: str, outcome: str) -> None:
    async with desk.begin() as session:
        await end_onboarding(session, onboarding_id, desk.time, outcome)


@pytest.mark.parametrize("key", [API_KEY, OTHER_API_KEY])
async def test_whoever_has_an_api_key_reads_them_in_the_format_of_prometheus(desk: Desk, key: str):
    answer = await desk.stranger.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE waboard_onboardings gauge" in answer.text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
async def test_nobody_else_does(desk: Desk, headers: dict[str, str]):
    assert_problem(await desk.stranger.get("/metrics", headers=headers), 401, "WABOARD_API_KEYS")


@pytest.mark.alone
async def test_onboardings_are_told_by_stage(desk: Desk):
    for index, outcome in enumerate(["Live", "Live", "RegistrationFailed"]):
        onboarding = await desk.asked(client_ref=f"c{index}", waba_id=str(index + 1))
        await end(desk, onboarding["id"], outcome)
    asleep = await desk.asked(client_ref="asleep", waba_id="77")
    await desk.sleeps(asleep["id"])
    await desk.asked(client_ref="awake", waba_id="78")
    stages = {
        labels: value
        for (name, labels), value in (await numbers(desk)).items()
        if name == "waboard_onboardings" and value
    }
    assert stages == {
        frozenset({("stage", "Live")}): 2,
        frozenset({("stage", "RegistrationFailed")}): 1,
        frozenset({("stage", "AwaitingRegistration")}): 1,
        frozenset({("stage", "Running")}): 1,
    }


@pytest.mark.alone
async def test_what_there_is_none_of_is_told_as_zero(desk: Desk):
    """Else a rule that compares it would never hold."""
    found = await numbers(desk)
    for stage in [*OutcomeName, *(words.state for words in WORDS.values()), "Running"]:
        assert found["waboard_onboardings", frozenset({("stage", stage)})] == 0
    for kind in WaitKind:
        assert found["waboard_waits", frozenset({("kind", kind)})] == 0
        assert found["waboard_oldest_wait_seconds", frozenset({("kind", kind)})] == 0
    parked = frozenset({("kind", "registration"), ("disposition", "parked")})
    assert found["waboard_events", parked] == 0
    lag = "waboard_oldest_parked_event_seconds"
    assert found[lag, frozenset({("kind", "registration")})] == 0


async def test_what_is_needed_is_told_by_its_reason(desk: Desk):
    onboarding = await desk.asked(waba_id=WABA)
    await desk.sleeps(onboarding["id"])
    await desk.hook(REGISTRATION, registration(senders={GOOD: "FINISHED", BAD: "FAILED"}))
    reason = {"condition": "Registered", "reason": "RegistrationFailed"}
    assert await number(desk, "waboard_needs", **reason) == 1


async def test_waits_are_told_with_the_age_of_the_oldest(desk: Desk):
    for index in range(2):
        onboarding = await desk.asked(client_ref=f"c{index}", waba_id=str(index + 1))
        await desk.sleeps(onboarding["id"], WaitKind.TEMPLATE)
        desk.pass_time(minutes=10)
    assert await number(desk, "waboard_waits", kind="template") == 2
    assert await number(desk, "waboard_oldest_wait_seconds", kind="template") == 20 * 60


async def test_parked_events_are_told_with_the_age_of_the_oldest(desk: Desk):
    await desk.hook(REGISTRATION, registration())
    desk.pass_time(hours=2)
    await desk.hook(REGISTRATION, registration(minute=1))
    parked = {"kind": "registration", "disposition": "parked"}
    assert await number(desk, "waboard_events", **parked) == 2
    lag = "waboard_oldest_parked_event_seconds"
    assert await number(desk, lag, kind="registration") == 2 * 3600


async def test_an_event_from_after_now_is_not_older_than_nothing(desk: Desk):
    """The clocks of two machines differ a little."""
    await desk.hook(REGISTRATION, registration())
    desk.pass_time(seconds=-3)
    lag = "waboard_oldest_parked_event_seconds"
    assert await number(desk, lag, kind="registration") == 0


@pytest.mark.alone
async def test_messages_are_told_by_their_state_with_the_age_of_the_oldest_that_waits(desk: Desk):
    await desk.asked()
    desk.pass_time(minutes=1)
    assert await number(desk, "waboard_outbox_messages", state="pending") == 1
    assert await number(desk, "waboard_oldest_pending_message_seconds") == 60
    async with desk.begin() as session:
        await drop_pending(session)
    assert await number(desk, "waboard_outbox_messages", state="pending") == 0
    assert await number(desk, "waboard_outbox_messages", state="dropped") == 1
    assert await number(desk, "waboard_oldest_pending_message_seconds") == 0


@pytest.mark.parametrize(("cap", "free"), [(10, 8), (2, 0), (1, 0)])
async def test_the_weekly_cap_is_told_used_and_free(open_desk: OpenDesk, cap: int, free: int):
    """Also where it was lowered below what is used."""
    async with open_desk(weekly_cap=cap) as desk:
        for index in range(2):
            onboarding = await desk.asked(client_ref=f"c{index}", waba_id=str(index + 1))
            async with desk.begin() as session:
                client = await client_of(session, onboarding["id"])
                await admit(session, client, 2, desk.time)
        assert await number(desk, "waboard_weekly_cap_used") == 2
        assert await number(desk, "waboard_weekly_cap_free") == free


async def test_what_the_process_has_counted_is_told_too(desk: Desk):
    async def answer() -> httpx.Response:
        return httpx.Response(503)

    named = {"provider": "infobip", "method": "GET", "endpoint": "/d", "status": "503"}
    with counting(1, "waboard_provider_calls_total", **named):
        await count_call("infobip", "GET", "/d", answer())
        assert await number(desk, "waboard_provider_calls_total", **named) >= 1


async def test_without_its_ledger_a_gateway_tells_no_numbers(desk: Desk):
    """Prometheus then says that the gateway is not up, which it is not."""
    away = Ledger("postgresql://waboard@127.0.0.1:1/waboard")
    with desk.with_ledger(away):
        assert_problem(await desk.http.get("/metrics"), 503, "WABOARD_DATABASE_URL")
    await away.close()


async def test_no_number_no_secret_and_no_client_is_told(desk: Desk, prefect: FakePrefect):
    """Of a story in which everything goes wrong that can."""
    await whole_story(desk, prefect)
    text = (await desk.http.get("/metrics")).text
    assert told_by([text]) == []
    named = " ".join(line.rpartition(" ")[0] for line in text.splitlines())  # a value is any digits
    assert [private for private in ("acme", WABA, CLIENT_NUMBER[-4:]) if private in named] == []


# What the pages say


@pytest.fixture
async def told(desk: Desk) -> dict[str, set[str]]:
    """Every metric by its name, with its labels, from a gateway that has something of each."""

    async def answer() -> httpx.Response:
        return httpx.Response(200)

    await count_call("infobip", "GET", "/a/{}", answer())
    RATE_LIMIT_WAIT_SECONDS.labels("provisioning").inc(0)
    onboarding = await desk.asked(waba_id=WABA)
    await desk.sleeps(onboarding["id"])
    await desk.hook(REGISTRATION, registration(senders={BAD: "FAILED"}))
    found: dict[str, set[str]] = {}
    for name, labels in await numbers(desk):
        name = re.sub(r"_(bucket|count|sum)$", "", name)
        found.setdefault(name, set()).update({label for label, _ in labels} - {"le"})
    return found


def documented() -> dict[str, set[str]]:
    """The metrics in the table of docs/operating.md, with their labels."""
    table = rows(section(page("operating"), "## Numbers"))
    named = [cells for cells in table if cells[0].startswith("`waboard_")]
    return {name.strip("`"): set(re.findall(r"`(\w+)`", labels)) for name, labels, _ in named}


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard."""
    return json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())["panels"]


def targets() -> list[dict[str, Any]]:
    """What the panels ask Prometheus for."""
    return [target for panel in panels() for target in panel["targets"]]


def test_every_metric_is_documented_with_its_labels_and_no_other(told: dict[str, set[str]]):
    assert documented() == told


def test_every_stage_is_one_that_the_pages_know():
    for stage in STAGES:
        assert f"`{stage}`" in page("states") + section(page("operating"), "## Numbers")


def test_every_metric_is_on_the_dashboard_and_no_other(told: dict[str, set[str]]):
    asked = " ".join(target["expr"] for target in targets())
    names = set(re.findall(r"\bwaboard_\w+", asked))
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in names} == set(told)


def test_the_dashboard_names_no_label_that_is_not_there(told: dict[str, set[str]]):
    """In what it groups by, in what it selects, and in what it writes beside a line."""
    for target in targets():
        query = re.sub(r"\[\$?\w+\]", "", target["expr"])
        known = set().union(*(told[name] for name in told if name in query)) | {"le", "instance"}
        groups = re.findall(r" by \(([\w, ]+)\)", query)
        grouped = {label for group in groups for label in group.split(", ")}
        selected = set(re.findall(r"(\w+)[!=]~?\"", query))
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert grouped | selected <= known
        assert shown <= grouped


def test_the_dashboard_reads_from_the_prometheus_that_is_chosen():
    """Whoever imports it has another than we."""
    board = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())
    (variable,) = board["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    sources = [part["datasource"] for part in [*panels(), *targets()]]
    assert all(each == {"type": "prometheus", "uid": "${datasource}"} for each in sources)
    assert len({panel["id"] for panel in panels()}) == len(panels()) >= 12


def test_the_stages_that_the_dashboard_sorts_by_are_all_there_are():
    """Live, on its way, leaving, or ended otherwise. An outage of an upstream is no end."""
    under_way = {stage for stage in STAGES if re.fullmatch("Awaiting.*|Running|Leaving", stage)}
    live = {stage for stage in STAGES if re.fullmatch("Live|LiveLimited", stage)}
    assert set(STAGES) - under_way == set(OutcomeName) - {OutcomeName.AWAITING_UPSTREAM}
    assert live == {OutcomeName.LIVE, OutcomeName.LIVE_LIMITED}
