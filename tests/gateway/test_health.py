"""Whether the gateway lives, and whether it can do its work."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlalchemy.exc import OperationalError

from tests.gateway.desk import Desk
from tests.ledger.troubled import Troubled, raising
from waboard.domain.errors import BadInput
from waboard.gateway import health
from waboard.gateway.app import create_app
from waboard.ledger.database import Ledger
from waboard.settings import Settings


def prefect_that(monkeypatch: pytest.MonkeyPatch, problem: Exception | None = None) -> list[str]:
    asked: list[str] = []

    async def read_deployment_by_name(name: str) -> Any:
        asked.append(name)
        if problem:
            raise problem
        return SimpleNamespace(id="5")

    @asynccontextmanager
    async def get_client() -> AsyncGenerator[Any]:
        yield SimpleNamespace(read_deployment_by_name=read_deployment_by_name)

    monkeypatch.setattr(health, "get_client", get_client)
    return asked


async def test_the_process_lives_without_a_key_and_without_anything_else(desk: Desk):
    await desk.ledger.close()
    answer = await desk.stranger.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_it_is_ready_when_the_ledger_and_the_deployment_are_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    asked = prefect_that(monkeypatch)
    answer = await desk.stranger.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ledger": "ok", "prefect": "ok"})
    assert asked == ["onboard-client/onboard-client"]


@pytest.mark.parametrize("url", ["postgresql://waboard:pw@127.0.0.1:1/waboard", "sqlite:////"])
async def test_it_is_not_ready_without_its_ledger(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, url: str
):
    prefect_that(monkeypatch)
    away = Ledger(url)
    with desk.with_ledger(away):
        answer = await desk.stranger.get("/readyz")
    await away.close()
    assert answer.status_code == 503
    assert "WABOARD_DATABASE_URL" in answer.json()["ledger"]
    assert answer.json()["prefect"] == "ok"
    assert "pw" not in answer.text


async def test_it_is_not_ready_while_too_many_are_at_its_ledger(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, shared_url: str
):
    prefect_that(monkeypatch)
    crowded = Troubled(shared_url, raising("55P03"))
    with desk.with_ledger(crowded):
        answer = await desk.stranger.get("/readyz")
    await crowded.close()
    assert answer.status_code == 503
    assert "Too many at once" in answer.json()["ledger"]


async def test_a_ledger_without_its_tables_is_a_fault_and_not_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    prefect_that(monkeypatch)
    empty = Ledger("sqlite://")
    with desk.with_ledger(empty), pytest.raises(OperationalError, match="no such table"):
        await desk.stranger.get("/readyz")
    await empty.close()


@pytest.mark.parametrize(
    "problem", [ObjectNotFound(httpx.HTTPError("404")), httpx.ReadTimeout(""), RuntimeError("odd")]
)
async def test_it_is_not_ready_without_its_deployment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, problem: Exception
):
    prefect_that(monkeypatch, problem)
    answer = await desk.stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["ledger"] == "ok"
    for named in ("onboard-client/onboard-client", "PREFECT_API_URL", "waboard deploy"):
        assert named in answer.json()["prefect"]


async def test_it_is_not_ready_when_nobody_answers_where_prefect_should_be(desk: Desk):
    """With Prefect's own client."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/api"
        with temporary_settings({PREFECT_API_URL: url}):
            answer = await desk.stranger.get("/readyz")
    assert answer.status_code == 503
    assert "PREFECT_API_URL" in answer.json()["prefect"]


def test_a_gateway_that_is_not_safe_does_not_start():
    with pytest.raises(BadInput, match="WABOARD_INFOBIP_BASE_URL"):
        create_app(Settings(_env_file=None))


def test_a_gateway_reads_its_settings_itself_when_it_is_started_as_a_factory(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("WABOARD_GATEWAY_PORT", "many")
    with pytest.raises(BadInput, match="WABOARD_GATEWAY_PORT"):
        create_app()
