"""Webhook intake: the gateway against a bare FastAPI endpoint that makes one insert.

`python -m benchmarks.intake`, with `TEST_POSTGRES_URL` on PostgreSQL as well. Both are uvicorn with
the same database; every webhook is signed and tells something new.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi import Request as Incoming
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert

from benchmarks.load import Load, Request, load
from tests.ledger.databases import PostgresDatabases
from tests.live.board import free_port
from waboard.ledger.database import Ledger
from waboard.ledger.models import Disposition, EventKind, EventRow

BASELINE, OURS = "bare", "gateway"
PATH = "/hooks/infobip/registration"
SECRET = "a-webhook-secret-for-the-benchmark"
CONNECTIONS = 16


def main() -> None:
    """Measure both on every database there is, or be the bare endpoint."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--webhooks", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", nargs=2, metavar=("URL", "PORT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        url, port = given.serve
        uvicorn.run(bare(Ledger(url)), host="127.0.0.1", port=int(port))
        return
    for name in ("SQLite", "PostgreSQL"):
        postgres = os.environ.get("TEST_POSTGRES_URL") if name == "PostgreSQL" else None
        if name == "SQLite" or postgres:
            Console().print(table(name, given.webhooks, measure(postgres, given)))


def bare(ledger: Ledger) -> FastAPI:
    """The baseline: takes a body and inserts it. No authentication, no reading, no second look."""
    app = FastAPI()

    @app.post(PATH)
    async def keep(request: Incoming) -> dict[str, int]:  # pyright: ignore[reportUnusedFunction]
        body = await request.body()
        now = datetime.now(UTC)
        async with ledger.begin() as session:
            await session.execute(
                insert(EventRow).values(
                    digest=hashlib.sha256(body).hexdigest(),
                    kind=EventKind.REGISTRATION,
                    source="webhook",
                    body=body.decode(),
                    disposition=Disposition.PARKED,
                    received_at=now,
                    last_received_at=now,
                )
            )
        return {"kept": 1}

    return app


def measure(postgres: str | None, given: argparse.Namespace) -> dict[str, Load]:
    """Load both in turns and return the best of each, so that neither has the quieter hour."""
    found: dict[str, list[Load]] = {BASELINE: [], OURS: []}
    with own_database(postgres) as url, running(url) as ports:
        for round_ in range(given.rounds):
            for name, port in ports.items():
                sent = [webhook(name, round_, index) for index in range(given.webhooks)]
                found[name].append(asyncio.run(load(port, sent, CONNECTIONS)))
                time.sleep(1)  # what is left to do of one must not be paid for by the other
    return {name: max(loads, key=lambda each: each.rate) for name, loads in found.items()}


@contextmanager
def own_database(postgres: str | None) -> Generator[str]:
    """Make a ledger for both."""
    if postgres is None:
        yield f"sqlite:///{tempfile.mkdtemp(prefix='bench-')}/ledger.db"
        return
    databases = PostgresDatabases(postgres)
    url = databases.create(empty=True)
    try:
        yield url
    finally:
        databases.drop(url)
        databases.close()


@contextmanager
def running(url: str) -> Generator[dict[str, int]]:
    """Run both servers; give their ports."""
    ports = {OURS: free_port(), BASELINE: free_port()}
    serve = [sys.executable, "-m", "benchmarks.intake", "--serve", url, str(ports[BASELINE])]
    commands = {OURS: [sys.executable, "-m", "waboard", "gateway"], BASELINE: serve}
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name, command in commands.items():  # the gateway first: it makes the tables
            with (home / f"{name}.log").open("wb") as log:
                environment = os.environ | gateway_settings(url, ports[OURS], home)
                started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            wait_for(ports[name], home / f"{name}.log")
        yield ports
    finally:
        for process in started:
            process.terminate()
            process.wait()


def gateway_settings(url: str, port: int, home: Path) -> dict[str, str]:
    """How the gateway runs: for real, with nothing of Prefect's to be reached."""
    return {
        "WABOARD_DATABASE_URL": url,
        "WABOARD_DATA_DIR": str(home),
        "WABOARD_GATEWAY_PORT": str(port),
        "WABOARD_INFOBIP_BASE_URL": "http://127.0.0.1:9",
        "WABOARD_INFOBIP_API_KEY": "an-api-key-for-the-benchmark",
        "WABOARD_INFOBIP_WEBHOOK_AUTH": "hmac",
        "WABOARD_INFOBIP_WEBHOOK_SECRETS": SECRET,
        "WABOARD_API_KEYS": "a-key-of-our-own-for-the-benchmark",
        "WABOARD_TEST_RECIPIENT": "+447860099299",
        "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api",
        "PREFECT_HOME": str(home / "prefect"),
    }


def wait_for(port: int, log: Path) -> None:
    """Return when a server answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/openapi.json").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(log.read_text())


def webhook(name: str, round_: int, index: int) -> Request:
    """One registration event of a WABA of its own, as Infobip signs and sends it."""
    event = {
        "businessAccountId": 10**14 + round_ * 10**7 + index + (name == OURS) * 10**12,
        "status": "FINISHED",
        "createdAt": "2026-06-07T15:17:37.444+0000",
        "lastModifiedAt": "2026-08-28T17:01:04.904+0000",
        "senders": [
            {
                "phoneNumberId": f"{index:015d}",
                "displayPhoneNumber": "+1 313-513-8538",
                "type": "CLOUD",
                "status": "FINISHED",
            }
        ],
    }
    body = json.dumps(event).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature": f"SHA256={signature}"}
    return Request(PATH, headers, body)


def table(database: str, webhooks: int, measured: dict[str, Load]) -> Table:
    """Draw both, and how they compare."""
    base, ours = measured[BASELINE], measured[OURS]
    drawn = Table(title=f"{webhooks} webhooks, {CONNECTIONS} connections, {database}")
    for heading in ("", "bare FastAPI insert", "gateway", "ratio"):
        drawn.add_column(heading)
    rate = f"{base.rate:.0f}", f"{ours.rate:.0f}", f"{ours.rate / base.rate:.2f}"
    drawn.add_row("requests a second", *rate)
    _add_times(drawn, "median ms", base.median, ours.median)
    _add_times(drawn, "p99 ms", base.p99, ours.p99)
    return drawn


def _add_times(drawn: Table, name: str, base: float, ours: float) -> None:
    drawn.add_row(name, f"{base * 1000:.1f}", f"{ours * 1000:.1f}", f"{ours / base:.2f}")


if __name__ == "__main__":
    main()
