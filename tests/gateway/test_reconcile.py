"""`POST /v1/reconcile`: have everyone, or one client, compared with what the providers show."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.deployed import assert_takes
from tests.domain.samples import GOOD
from tests.gateway.desk import Desk, assert_problem
from waboard.gateway import reconcile

RECONCILE = "/v1/reconcile"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The parameters of the runs that were started."""
    runs: list[dict[str, Any]] = []

    keys: list[str] = []

    async def start(name: str, parameters: dict[str, Any], *, key: str) -> SimpleNamespace:
        assert name == "reconcile/reconcile"
        assert_takes(name, parameters)
        if key not in keys:
            keys.append(key)
            runs.append(parameters)
        return SimpleNamespace(id="5")

    monkeypatch.setattr(reconcile, "start_deployment", start)
    monkeypatch.setattr(reconcile, "is_under_way", _says(False))
    return runs


def _says(answer: bool) -> Callable[[str, datetime], Awaitable[bool]]:
    async def is_under_way(_: str, _now: datetime) -> bool:
        return answer

    return is_under_way


async def test_everyone_is_looked_at_unless_somebody_is_named(
    desk: Desk, started: list[dict[str, Any]]
):
    answer = await desk.http.post(RECONCILE, json={})
    assert (answer.status_code, set(answer.json())) == (202, {"links"})
    assert started == [{"client_ref": None, "dry_run": False}]


async def test_one_client_can_be_looked_at_and_only_looked_at(
    desk: Desk, started: list[dict[str, Any]]
):
    await desk.asked(client_ref="acme", phone_numbers=[GOOD])
    answer = await desk.http.post(RECONCILE, json={"client_ref": "acme", "dry_run": True})
    assert answer.status_code == 202
    assert started == [{"client_ref": "acme", "dry_run": True}]


async def test_nothing_has_to_be_said(desk: Desk, started: list[dict[str, Any]]):
    assert (await desk.http.post(RECONCILE)).status_code == 202
    assert started == [{"client_ref": None, "dry_run": False}]


async def test_a_second_one_is_refused_while_one_is_under_way(
    desk: Desk, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    """Prefect would cancel one of the two, and nobody would say so."""
    monkeypatch.setattr(reconcile, "is_under_way", _says(True))
    answer = await desk.http.post(RECONCILE, json={})
    assert_problem(answer, 409)
    assert started == []


async def test_two_in_the_same_instant_are_one_run(desk: Desk, started: list[dict[str, Any]]):
    """Neither sees the other yet; a later one is another."""
    for _ in range(2):
        assert (await desk.http.post(RECONCILE, json={})).status_code == 202
    assert len(started) == 1
    desk.pass_time(seconds=1)
    await desk.http.post(RECONCILE, json={})
    assert len(started) == 2


async def test_a_client_that_nobody_knows_is_said(desk: Desk, started: list[dict[str, Any]]):
    answer = await desk.http.post(RECONCILE, json={"client_ref": "nobody"})
    assert_problem(answer, 404)
    assert started == []


@pytest.mark.parametrize("asked", [{"dry": True}, {"client_ref": "a b"}, {"dry_run": "perhaps"}])
async def test_what_cannot_be_used_starts_nothing(
    desk: Desk, started: list[dict[str, Any]], asked: dict[str, Any]
):
    assert_problem(await desk.http.post(RECONCILE, json=asked), 422)
    assert started == []


async def test_a_prefect_that_is_away_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    async def start(*_: object, **__: object) -> None:
        raise httpx.ConnectError("All connection attempts failed")

    monkeypatch.setattr(reconcile, "is_under_way", start)
    answer = await desk.http.post(RECONCILE, json={})
    assert_problem(answer, 502)
    assert "Prefect does not answer" in answer.json()["detail"]
