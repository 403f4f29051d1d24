"""The commands themselves: each explains itself, and reads the settings that are meant for it."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import respx
import typer

from tests.cli.conftest import Waboard
from waboard import cli, up
from waboard.settings import Settings


def every_command(command: Any, path: str = "waboard") -> list[tuple[str, Any]]:
    found = [(path, command)]
    for name, sub in getattr(command, "commands", {}).items():
        found += every_command(sub, f"{path} {name}")
    return found


COMMANDS = dict(every_command(typer.main.get_command(cli.app)))


def test_the_commands_are_those_of_the_design():
    asked = {"up", "deploy", "onboard", "status", "sandbox", "gateway", "worker"}
    asked |= {"events", "events list", "events show", "events replay"}
    asked |= {"signup-link", "import", "readiness", "reconcile", "retry", "cancel"}
    asked |= {"offboard", "reconnect"}
    asked |= {"sender", "sender add", "sender otp", "sender list", "sender assign"}
    asked |= {"sender profile"}
    asked |= {"outbox", "outbox list", "outbox show", "outbox replay", "outbox resume"}
    assert set(COMMANDS) == {"waboard", *(f"waboard {name}" for name in asked)}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(waboard: Waboard, name: str):
    help_text = COMMANDS[name].help
    assert help_text
    assert help_text.strip().endswith(".")
    result = waboard(*name.split()[1:], "--help")
    assert result.exit_code == 0
    assert help_text.split()[0] in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_explains_itself(name: str):
    options = [p for p in COMMANDS[name].params if p.param_type_name == "option"]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("arguments", [[], ["events"]])
def test_without_a_command_the_help_is_shown(waboard: Waboard, arguments: list[str]):
    assert "Usage:" in waboard(*arguments).output


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["onboard"], ["onboard", "acme"], ["status", "--verbose"]]
)
def test_what_cannot_be_understood_ends_with_2(waboard: Waboard, arguments: list[str]):
    assert waboard(*arguments).exit_code == 2


@pytest.fixture
def running() -> str:
    """What `waboard up --sandbox` has left for other commands."""
    folder = Path(".waboard")
    folder.mkdir()
    (folder / "running.env").write_text(
        f"UP_PID={os.getpid()}\nPREFECT_HOME=/x\n"
        "WABOARD_GATEWAY_PORT=9911\nWABOARD_API_KEYS=left-by-up\n"
    )
    return "http://127.0.0.1:9911"


@pytest.mark.parametrize(
    ("method", "path", "command"),
    [
        ("GET", "/v1/onboardings", ["status"]),
        ("POST", "/v1/onboardings", ["onboard", "acme", "5"]),
        ("GET", "/v1/events", ["events", "list"]),
        ("GET", "/v1/events/1", ["events", "show", "1"]),
        ("POST", "/v1/events/1/replay", ["events", "replay", "1"]),
        ("POST", "/v1/signup-links", ["signup-link", "acme"]),
        ("GET", "/v1/signup-links", ["signup-link", "acme", "--list"]),
        ("GET", "/v1/readiness", ["readiness"]),
        ("POST", "/v1/readiness/live-mode", ["readiness", "--confirm", "live-mode"]),
        ("GET", "/v1/onboardings", ["sender", "add", "acme", "5", "--display-name", "Acme"]),
        ("GET", "/v1/onboardings", ["sender", "otp", "acme", "5", "739145"]),
        ("GET", "/v1/onboardings", ["sender", "list", "acme"]),
        ("GET", "/v1/onboardings", ["sender", "profile", "acme", "5", "--about", "Fresh bread"]),
    ],
)
def test_what_runs_is_found_by_the_commands_that_ask_it(
    waboard: Waboard,
    running: str,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    command: list[str],
):
    """Above what `.env` says, which is of the real thing."""
    monkeypatch.delenv("WABOARD_API_KEYS")
    Path(".env").write_text("WABOARD_GATEWAY_PORT=9912\nWABOARD_API_KEYS=real-key-1\n")
    with respx.mock(base_url=running) as router:
        route = router.request(method, path).respond(409, json={"detail": "D.", "remedy": "R."})
        assert waboard(*command).exit_code == 2
    assert route.calls.last.request.headers["authorization"] == "Bearer left-by-up"


def test_what_runs_is_not_what_up_starts(
    waboard: Waboard, running: str, monkeypatch: pytest.MonkeyPatch
):
    seen: list[Settings] = []

    def run(settings: Settings, *_: Any, **_more: Any) -> bool:
        seen.append(settings)
        return True

    monkeypatch.setattr(up, "run", run)
    monkeypatch.delenv("WABOARD_API_KEYS")
    assert waboard("up").exit_code == 0
    assert (seen[0].gateway_port, seen[0].api_keys) == (8420, [])


@pytest.mark.parametrize(("live", "code"), [(True, 0), (False, 1)])
def test_up_ends_as_its_demo_does(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, live: bool, code: int
):
    asked: dict[str, bool] = {}

    def run(*_: Any, **flags: bool) -> bool:
        asked.update(flags)
        return live

    monkeypatch.setattr(up, "run", run)
    assert waboard("up", "--sandbox", "--demo", "--once").exit_code == code
    assert asked == {"sandbox": True, "demo": True, "once": True}


def test_what_runs_is_told_to_nobody_else_and_only_while_it_runs():
    """The file holds keys."""
    Path(".waboard").mkdir()
    path = Path(".waboard/running.env")
    path.write_text("left by one that was killed")
    with up._told_to_other_commands({"WABOARD_API_KEYS": "left-by-up"}):
        assert path.read_text() == f"UP_PID={os.getpid()}\nWABOARD_API_KEYS=left-by-up\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()
    with up._told_to_other_commands({}):
        assert not path.exists()


@pytest.mark.parametrize("sandbox", [True, False])
def test_the_prefect_that_up_starts_is_its_own(monkeypatch: pytest.MonkeyPatch, sandbox: bool):
    """And outside the sandbox nobody gets in without its auth string, which stays the same."""
    settings = Settings(_env_file=None, prefect_port=4299)
    first = up._prefect_environment(settings, Path.cwd(), sandbox=sandbox)
    assert first["PREFECT_API_URL"] == "http://127.0.0.1:4299/api"
    assert first["PREFECT_HOME"] == str(Path.cwd() / "prefect")
    assert first == up._prefect_environment(settings, Path.cwd(), sandbox=sandbox)
    auth = first.get("PREFECT_SERVER_API_AUTH_STRING")
    assert auth == first.get("PREFECT_API_AUTH_STRING")
    assert (auth is None) == sandbox
    if auth:
        assert len(auth) > 30
        assert stat.S_IMODE(Path("prefect-auth").stat().st_mode) == 0o600


def test_prefects_server_keeps_its_connections_and_as_many_as_one_says(
    monkeypatch: pytest.MonkeyPatch,
):
    """PostgreSQL may have few to give."""
    settings, size = Settings(_env_file=None), "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE"
    usual = up._prefect_environment(settings, Path.cwd(), sandbox=False)
    monkeypatch.setenv(size, "3")
    own = up._prefect_environment(settings, Path.cwd(), sandbox=False)
    assert (usual[size], own[size]) == ("15", "3")
    assert usual["PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW"] == "0"


def test_an_auth_string_that_is_given_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "admin:given")
    environment = up._prefect_environment(Settings(_env_file=None), Path.cwd(), sandbox=False)
    assert environment["PREFECT_API_AUTH_STRING"] == "admin:given"
    assert not Path("prefect-auth").exists()


def test_a_sandbox_begins_anew_and_what_is_real_is_kept():
    real = Path(".waboard")
    (real / "sandbox").mkdir(parents=True)
    (real / "sandbox" / "old").touch()
    (real / "ledger.db").touch()
    assert up._data_dir(sandbox=True) == real.absolute() / "sandbox"
    assert list((real / "sandbox").iterdir()) == []
    assert up._data_dir(sandbox=False) == real.absolute()
    assert (real / "ledger.db").exists()


def test_a_sandbox_writes_into_no_prefect_that_is_configured_for_real():
    real = {"PREFECT_API_DATABASE_CONNECTION_URL": "postgresql://real", "HOME": "/root"}
    assert up._without_prefect(real) == {"HOME": "/root"}


def test_every_port_that_up_needs_is_looked_at(monkeypatch: pytest.MonkeyPatch):
    looked: list[tuple[str, str, int]] = []
    monkeypatch.setattr(up, "refuse_taken_port", lambda *port: looked.append(port))
    settings = Settings(_env_file=None, gateway_host="10.0.0.5")
    needed = [
        ("WABOARD_PREFECT_PORT", "127.0.0.1", 4200),
        ("WABOARD_GATEWAY_PORT", "10.0.0.5", 8420),
    ]
    up._refuse_taken_ports(settings, sandbox=False)
    assert looked == needed


def test_a_sandboxed_gateway_is_on_loopback_whatever_is_set(monkeypatch: pytest.MonkeyPatch):
    looked: list[tuple[str, str, int]] = []
    monkeypatch.setattr(up, "refuse_taken_port", lambda *port: looked.append(port))
    up._refuse_taken_ports(Settings(_env_file=None, gateway_host="10.0.0.5"), sandbox=True)
    assert set(looked) == {
        ("WABOARD_PREFECT_PORT", "127.0.0.1", 4200),
        ("WABOARD_GATEWAY_PORT", "127.0.0.1", 8420),
        ("WABOARD_SANDBOX_PORT", "127.0.0.1", 8430),
    }
