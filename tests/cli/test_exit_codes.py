"""The exit codes on the pages are those with which the command line really ends."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import respx
from fastapi import FastAPI

from tests.cli.answers import onboarding
from tests.cli.conftest import GATEWAY, Waboard
from tests.test_docs import page, row, section
from waboard import cli, cli_tools, reference
from waboard.api_client import Unreachable
from waboard.domain.errors import (
    BadInput,
    FactsDiffer,
    LinkClosed,
    NotFound,
    OutOfPlace,
    WaboardError,
)
from waboard.gateway.problems import Unauthorized, install

MENDS = {"remedy": "Mend it."}
ERRORS: dict[str, WaboardError] = {
    "BadInput": BadInput("field", "is odd.", **MENDS),
    "FactsDiffer": FactsDiffer("It is known.", **MENDS),
    "OutOfPlace": OutOfPlace("It has ended.", **MENDS),
    "NotFound": NotFound("There is none.", **MENDS),
    "LinkClosed": LinkClosed("expired", "It has expired."),
    "Unauthorized": Unauthorized("Who is there?", challenge=None, **MENDS),
    "Unreachable": Unreachable("Nobody answers.", **MENDS),
    "WaboardError": WaboardError("It broke.", **MENDS),
}
"""One of each kind that docs/errors.md has."""


def told_of(kind: str) -> tuple[int | None, int | None]:
    """The HTTP status and the exit code that docs/errors.md gives a kind of errors."""
    head = section(page("errors"), f"## `{kind}`").strip().splitlines()[0]
    found = re.search(r"HTTP (\d+)", head), re.search(r"[Ee]xit code (\d)", head)
    status, code = (int(each[1]) if each else None for each in found)
    return status, code


def answer_to(error: WaboardError) -> httpx.Response:
    """What the gateway answers when it meets an error."""
    app = FastAPI()
    install(app)

    @app.get("/")
    def meet() -> None:
        raise error

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=GATEWAY) as client:
            return await client.get("/")

    return asyncio.run(ask())


def test_every_kind_on_the_page_is_measured() -> None:
    assert set(ERRORS) == set(reference.KINDS)


@pytest.mark.parametrize("kind", sorted(set(ERRORS) - {"Unauthorized", "LinkClosed"}))
def test_an_error_ends_a_command_with_the_code_on_the_page(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, kind: str
):
    """Met by the command itself."""

    def meet(**_: object) -> None:
        raise ERRORS[kind]

    monkeypatch.setattr(cli, "load_settings", meet)
    assert waboard("status").exit_code == told_of(kind)[1]


@pytest.mark.parametrize("kind", sorted(set(ERRORS) - {"Unreachable"}))
def test_an_error_of_the_gateway_s_ends_a_command_with_the_same_code(
    waboard: Waboard, gateway: respx.MockRouter, kind: str
):
    """As the gateway really answers it."""
    status, code = told_of(kind)
    answered = answer_to(ERRORS[kind])
    assert answered.status_code == status
    gateway.get("/v1/onboardings").respond(status, json=answered.json())
    ended = waboard("status").exit_code
    if code is not None:
        assert ended == code


@pytest.mark.parametrize("status", [400, 401, 404, 405, 409, 410, 413, 422, 500, 502, 503])
def test_the_statuses_on_the_page_are_those_that_are_refusals(
    waboard: Waboard, gateway: respx.MockRouter, status: int
):
    """The page lists which answers of the gateway say that what was given cannot be used."""
    gateway.get("/v1/onboardings").respond(status, json={"detail": "No.", **MENDS})
    listed = str(status) in row(page("cli"), "2")[1]
    assert waboard("status").exit_code == (2 if listed else 1)


# Command by command

COMMANDS: dict[str, list[str]] = {
    "signup-link": ["acme"],
    "import": ["clients.csv"],
    "onboard": ["acme", "5", "--wait"],
    "status": ["acme"],
    "retry": ["acme", "--why", "It is mended."],
    "cancel": ["acme", "--why", "It is wrong."],
    "offboard": ["acme", "--why", "It leaves."],
    "reconnect": ["acme", "--why", "It was removed."],
    "sender add": ["acme", "12132186042", "--display-name", "Acme"],
    "sender otp": ["acme", "12132186042", "739145"],
    "sender list": ["acme"],
    "sender assign": ["acme", "12132186042", "--why", "Acme has it."],
    "sender profile": ["acme", "12132186042", "--about", "Bread"],
    "reconcile": ["acme"],
    "outbox list": [],
    "outbox show": ["5f0c2a86-7d0b-4f0e-9a51-0d6f5d3a1c11"],
    "outbox replay": ["--since", "2026-08-01T10:00Z"],
    "outbox resume": [],
    "events list": [],
    "events show": ["1"],
    "events replay": ["1"],
    "readiness": ["--confirm", "live-mode"],
}
"""All that call the gateway."""
Broken = Callable[[respx.MockRouter], object]
ANSWERS: dict[str, Broken] = {
    "refuses": lambda router: router.route().respond(409, json={"detail": "No.", **MENDS}),
    "breaks": lambda router: router.route().respond(500, json={"detail": "No.", **MENDS}),
    "is away": lambda router: router.route().mock(side_effect=httpx.ConnectError),
}


def told_of_command(name: str) -> set[int]:
    """The exit codes that docs/cli.md gives a command."""
    told = section(page("cli"), f"## `waboard {name}`").partition("Exit codes:")[2]
    return {int(code) for code in re.findall(r"(?:^|[;,]\s+)(\d)\b", told.strip())}


def test_every_command_that_calls_the_gateway_is_measured() -> None:
    alone = {"up", "deploy", "gateway", "worker", "sandbox"}
    told = {
        name.removeprefix("waboard ")
        for name in re.findall(r"^## `(.+)`$", page("cli"), re.MULTILINE)
    }
    assert set(COMMANDS) == told - alone


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_with_the_codes_on_its_page(
    waboard: Waboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    """Where the gateway refuses, breaks, or is away; and with a key that no header can hold."""
    monkeypatch.chdir(tmp_path)
    Path("clients.csv").write_text("client_ref,waba_id\nacme,5\n")
    codes = {0}
    for fails in ANSWERS.values():
        with respx.mock(base_url=GATEWAY, assert_all_called=False) as router:
            fails(router)
            codes.add(waboard(*name.split(), *COMMANDS[name]).exit_code)
    monkeypatch.setenv("WABOARD_API_KEYS", "schlüssel")
    codes.add(waboard(*name.split(), *COMMANDS[name]).exit_code)
    assert told_of_command(name) == codes


@pytest.mark.parametrize(("ready", "code"), [(True, 0), (False, 1)])
def test_what_is_asked_for_and_not_so_ends_with_one(
    waboard: Waboard, gateway: respx.MockRouter, ready: bool, code: int
):
    gateway.get("/v1/onboardings").respond(json=[onboarding()] if ready else [])
    assert waboard("status", "acme").exit_code == code


def test_a_code_says_what_the_page_says_of_it() -> None:
    """Every code that a command can end with has a row, and no other has."""
    rows = re.findall(r"^\| `(\d)` \|", section(page("cli"), "## Exit codes"), re.MULTILINE)
    made = {cli_tools.exit_code(error) for error in ERRORS.values()} | {0}
    assert {int(each) for each in rows} == made
