"""What goes wrong is said in a sentence that names the setting or the field, and in the code."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest
import respx

from tests.cli.conftest import Waboard, refused
from waboard.api_client import Refused, Unreachable
from waboard.cli_tools import exit_code
from waboard.domain.errors import BadInput, NotFound, WaboardError

CLIENT_COMMANDS = [
    ("onboard", "acme", "5"),
    ("onboard", "acme", "5", "--wait"),
    ("status",),
    ("status", "acme"),
    ("events", "list"),
    ("events", "show", "1"),
    ("events", "replay", "1"),
    ("signup-link", "acme"),
    ("signup-link", "acme", "--list"),
    ("signup-link", "acme", "--revoke"),
    ("readiness",),
    ("readiness", "--confirm", "live-mode"),
    ("sender", "add", "acme", "12132186042", "--display-name", "Acme Downtown"),
    ("sender", "otp", "acme", "12132186042", "739145"),
    ("sender", "list", "acme"),
    ("sender", "profile", "acme", "12132186042", "--about", "Fresh bread"),
]
every_client_command = pytest.mark.parametrize("command", CLIENT_COMMANDS, ids=" ".join)


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@every_client_command
@pytest.mark.parametrize("as_json", [True, False])
def test_a_gateway_that_does_not_answer(
    waboard: Waboard,
    nobody: int,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    as_json: bool,
):
    monkeypatch.setenv("WABOARD_GATEWAY_PORT", str(nobody))
    result = waboard(*command, *(["--json"] if as_json else []))
    named = (f"127.0.0.1:{nobody}", "waboard up", "WABOARD_GATEWAY_HOST")
    refused(result, 3, *named)


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ConnectTimeout, httpx.ReadError])
def test_a_gateway_that_stops_answering(
    waboard: Waboard, gateway: respx.MockRouter, error: type[httpx.HTTPError]
):
    gateway.get("/v1/onboardings").mock(side_effect=error)
    refused(waboard("status"), 3, "http://127.0.0.1:8420")


@every_client_command
def test_no_api_keys(waboard: Waboard, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]):
    monkeypatch.delenv("WABOARD_API_KEYS")
    refused(waboard(*command), 2, "WABOARD_API_KEYS: is not set.", "waboard up --sandbox")


def test_a_wrong_api_key(waboard: Waboard, gateway: respx.MockRouter):
    answer = {"detail": "The API key is missing or wrong.", "remedy": "Send WABOARD_API_KEYS."}
    gateway.get("/v1/onboardings").respond(401, json=answer)
    refused(waboard("status"), 2, "The API key is missing or wrong.", "WABOARD_API_KEYS")


@every_client_command
def test_a_setting_that_cannot_be_used(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
):
    monkeypatch.setenv("WABOARD_GATEWAY_PORT", "many")
    refused(waboard(*command), 2, "WABOARD_GATEWAY_PORT", "docs/settings.md")


@pytest.mark.parametrize(
    ("status", "text"),
    [(500, "Internal Server Error"), (502, "<html>"), (503, "[]"), (400, '"no"'), (302, "")],
)
def test_an_answer_that_is_no_problem_document(
    waboard: Waboard, gateway: respx.MockRouter, status: int, text: str
):
    gateway.get("/v1/onboardings").respond(status, text=text)
    refused(waboard("status"), 1, str(status))


def test_somebody_else_answers_where_the_gateway_should_be(
    waboard: Waboard, gateway: respx.MockRouter
):
    gateway.get("/v1/onboardings").respond(200, text="<html>It works!</html>")
    refused(waboard("status"), 3, "http://127.0.0.1:8420", "WABOARD_GATEWAY_HOST")


@pytest.mark.parametrize("host", ["not a host", "::1", "http://127.0.0.1"])
def test_a_gateway_host_that_makes_no_address(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, host: str
):
    """An IPv6 address may as well be made to work."""
    monkeypatch.setenv("WABOARD_GATEWAY_HOST", host)
    result = waboard("status")
    refused(result, result.exit_code, "WABOARD_GATEWAY_HOST")
    assert result.exit_code in {2, 3}


def test_an_api_key_that_fits_into_no_header(waboard: Waboard, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WABOARD_API_KEYS", "schlüssel-4711")
    refused(waboard("status"), 2, "WABOARD_API_KEYS")


class EmptyGateway(BaseHTTPRequestHandler):
    """A gateway that nobody has asked for anything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_no_proxy_stands_between_two_processes_of_one_machine(
    waboard: Waboard, nobody: int, monkeypatch: pytest.MonkeyPatch
):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{nobody}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), EmptyGateway) as server:
        thread = Thread(target=server.handle_request)
        server.timeout = 10
        thread.start()
        monkeypatch.setenv("WABOARD_GATEWAY_PORT", str(server.server_port))
        result = waboard("status", "--json")
        if result.exit_code:  # nobody came: let the server go home
            socket.create_connection(server.server_address).close()
        thread.join()
    assert (result.exit_code, result.stdout) == (0, "[]\n")


@pytest.mark.parametrize("flags", [["--demo"], ["--demo", "--once"]])
def test_a_demo_needs_the_sandbox(waboard: Waboard, flags: list[str]):
    refused(waboard("up", *flags), 2, "--demo", "--sandbox")


def test_up_without_settings_names_the_first_and_the_way_to_try(
    waboard: Waboard, nobody: int, monkeypatch: pytest.MonkeyPatch
):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WABOARD_GATEWAY_PORT", str(nobody))
        monkeypatch.setenv("WABOARD_PREFECT_PORT", str(other.getsockname()[1]))
        monkeypatch.setattr("waboard.up.refuse_taken_port", lambda *_: None)
        result = waboard("up")
    refused(result, 2, "WABOARD_INFOBIP_BASE_URL: is not set.", "waboard up --sandbox")


@pytest.mark.parametrize("command", ["deploy", "gateway"])
def test_what_is_started_alone_names_the_setting_that_is_missing(waboard: Waboard, command: str):
    refused(waboard(command), 2, "WABOARD_INFOBIP_BASE_URL: is not set.")


@pytest.mark.parametrize("command", ["up", "deploy", "gateway", "sandbox"])
def test_what_is_started_names_the_setting_that_cannot_be_used(
    waboard: Waboard, monkeypatch: pytest.MonkeyPatch, command: str
):
    monkeypatch.setenv("WABOARD_SANDBOX_PORT", "many")
    refused(waboard(command), 2, "WABOARD_SANDBOX_PORT")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WaboardError("It broke.", remedy="Mend it."), 1),
        (NotFound("Nothing.", remedy="Look."), 1),
        (BadInput("WABOARD_X", "is odd.", remedy="Mend it."), 2),
        (Refused("No.", remedy="Mend it."), 2),
        (Unreachable("Nobody.", remedy="Start it."), 3),
    ],
)
def test_the_exit_code_means_something(error: WaboardError, code: int):
    assert exit_code(error) == code
