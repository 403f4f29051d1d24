"""The same over HTTP: a whole waboard on PostgreSQL, a second gateway beside its own, and callers.

Every caller may ask anything of either gateway at any time. What they must never see is a 5xx.
"""

import asyncio
import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
from dotenv import dotenv_values

from tests.domain.samples import registration
from tests.hammer.hand import CLIENTS, NUMBERS, WABAS, Tally, number_of, waba_id_of
from tests.hammer.judge import faults_in
from tests.live.board import Board, free_port, own_databases, running_board, stop, until
from waboard.ledger.database import Ledger

CALLERS = 3
"""Callers that one process is at once."""
SECRET = "sandbox-webhook-secret"
KEY = {"Authorization": "Bearer sandbox-api-key"}
PATIENCE = 120.0
"""Seconds for an answer: the machine may be busy with the other callers."""


def strike_gateways(postgres: str, processes: int, seconds: float, seed: int) -> Tally:
    """Hammer on two gateways, and judge their ledger. Returns what was answered, and all faults."""
    whole = Tally()
    with (
        tempfile.TemporaryDirectory(prefix="hammer-") as home,
        own_databases(postgres) as databases,
        running_board(Path(home), WABOARD_WEEKLY_CAP="4", **databases) as board,
        another_gateway(board) as another,
    ):
        gateways = [str(board.gateway.base_url), another]
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            seeds = [seed * 100 + number for number in range(processes)]
            work = [pool.submit(_one_process, gateways, each, seconds) for each in seeds]
            for tally in (each.result() for each in work):
                whole.counts += tally.counts
                whole.faults += tally.faults
        whole.faults += asyncio.run(_judge(board.ledger_url))
    return whole


@contextmanager
def another_gateway(board: Board) -> Generator[str]:
    """A gateway on the same ledger and the same Prefect, in a process of its own."""
    port = free_port()
    told = {name: str(it) for name, it in dotenv_values(board.home / _running()).items() if it}
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "WABOARD_"))
    }
    environment |= told | {"WABOARD_GATEWAY_PORT": str(port)}
    with (board.home / "another.log").open("wb") as log:
        command = [sys.executable, "-m", "waboard", "gateway"]
        process = subprocess.Popen(command, cwd=board.home, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _is_there(url), "another gateway to be up")
        yield url
    finally:
        stop(process)


def _running() -> Path:
    return Path(".waboard") / "running.env"


def _is_there(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).is_success
    except httpx.HTTPError:
        return False


async def _judge(ledger_url: str) -> list[str]:
    ledger = Ledger(ledger_url)
    try:
        return await faults_in(ledger, cap=4)
    finally:
        await ledger.close()


def _one_process(gateways: Sequence[str], seed: int, seconds: float) -> Tally:
    return asyncio.run(_callers(gateways, seed, time.time() + seconds))


async def _callers(gateways: Sequence[str], seed: int, ends: float) -> Tally:
    whole = Tally()
    callers = [Caller(gateways, seed * 10 + number, ends) for number in range(CALLERS)]
    for tally in await asyncio.gather(*(caller.work() for caller in callers)):
        whole.counts += tally.counts
        whole.faults += tally.faults
    return whole


class Caller:
    """Asks at random, of either gateway, until the time is over."""

    def __init__(self, gateways: Sequence[str], seed: int, ends: float) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - it shall be repeatable
        self.clients = [httpx.AsyncClient(base_url=url, timeout=PATIENCE) for url in gateways]
        self.ends, self.tally = ends, Tally()
        self.known: list[str] = []

    async def work(self) -> Tally:
        asks: list[Callable[[], Awaitable[httpx.Response | None]]] = [
            self.onboard,
            self.onboard,
            self.link,
            self.hear,
            self.hear,
            self.cancel,
            self.cancel,
            self.retry,
            self.reconnect,
            self.offboard,
            self.confirm,
            self.replay,
            self.search,
        ]
        while time.time() < self.ends:
            ask = self.dice.choice(asks)
            answer = await ask()
            if answer is not None:
                self._note(ask.__name__, answer)
        for client in self.clients:
            await client.aclose()
        return self.tally

    def _note(self, name: str, answer: httpx.Response) -> None:
        self.tally.counts[f"{name}: {answer.status_code}"] += 1
        if answer.status_code >= 500:
            self.tally.faults.append(f"{name}: {answer.status_code} {answer.text[:300]}")

    async def _post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        client = self.dice.choice(self.clients)
        return await client.post(path, json=body, headers=KEY | headers)

    async def _verb(self, verb: str, **more: Any) -> httpx.Response | None:
        if not self.known:
            return None
        order = {"by": "a hammer", "why": f"Because {self.dice.randrange(3)}."}
        return await self._post(
            f"/v1/onboardings/{self.dice.choice(self.known)}/{verb}", order | more
        )

    async def onboard(self) -> httpx.Response:
        client = self.dice.randrange(CLIENTS)
        waba = client if self.dice.random() < 0.7 else self.dice.randrange(WABAS)
        asked = {"client_ref": f"client-{client}", "waba_id": waba_id_of(waba)}
        return await self._post("/v1/onboardings", asked)

    async def link(self) -> httpx.Response:
        asked = {"client_ref": f"client-{self.dice.randrange(CLIENTS)}"}
        return await self._post("/v1/signup-links", asked)

    async def hear(self) -> httpx.Response:
        waba, status = self.dice.randrange(WABAS), self.dice.choice(["IN_PROGRESS", "FINISHED"])
        senders = {number_of(waba, n): status for n in range(NUMBERS)}
        number = int(waba_id_of(waba))
        body = registration(status, self.dice.randrange(5), senders, businessAccountId=number)
        raw = json.dumps(body).encode()
        signature = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature": signature, "Content-Type": "application/json"}
        client = self.dice.choice(self.clients)
        return await client.post("/hooks/infobip/registration", content=raw, headers=headers)

    async def cancel(self) -> httpx.Response | None:
        return await self._verb("cancel")

    async def retry(self) -> httpx.Response | None:
        return await self._verb("retry")

    async def reconnect(self) -> httpx.Response | None:
        return await self._verb("reconnect")

    async def offboard(self) -> httpx.Response | None:
        return await self._verb("offboard") if self.dice.random() < 0.2 else None

    async def confirm(self) -> httpx.Response:
        said = {"holds": True, "who": "a hammer", "note": ""}
        return await self._post("/v1/readiness/developer", said)

    async def replay(self) -> httpx.Response:
        return await self._post("/v1/outbox/replay", {"since": "2026-01-01T00:00:00Z"})

    async def search(self) -> httpx.Response:
        answer = await self.dice.choice(self.clients).get("/v1/onboardings", headers=KEY)
        if answer.is_success:
            self.known = sorted(each["id"] for each in answer.json())
        return answer
