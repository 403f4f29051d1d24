"""`waboard reconcile`."""

import json

import pytest
import respx

from tests.cli.answers import RUN_URL, problem, profile_change
from tests.cli.conftest import Waboard


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((), {"client_ref": None, "dry_run": False}),
        (("acme",), {"client_ref": "acme", "dry_run": False}),
        (("acme", "--dry-run"), {"client_ref": "acme", "dry_run": True}),
    ],
)
def test_it_starts_a_run_and_says_where_to_look(
    waboard: Waboard, gateway: respx.MockRouter, arguments: tuple[str, ...], asked: object
):
    route = gateway.post("/v1/reconcile").respond(202, json=profile_change())
    result = waboard("reconcile", *arguments)
    assert result.exit_code == 0
    assert json.loads(route.calls.last.request.content) == asked
    assert RUN_URL in result.stdout


def test_a_program_gets_json(waboard: Waboard, gateway: respx.MockRouter):
    gateway.post("/v1/reconcile").respond(202, json=profile_change())
    assert json.loads(waboard("reconcile", "--json").stdout) == profile_change()


def test_a_client_that_nobody_knows_is_said(waboard: Waboard, gateway: respx.MockRouter):
    unknown = problem(404, "Nobody has asked to onboard 'acme'.")
    gateway.post("/v1/reconcile").respond(404, json=unknown)
    result = waboard("reconcile", "acme")
    assert result.exit_code == 1
    assert "Nobody has asked to onboard" in result.stderr
