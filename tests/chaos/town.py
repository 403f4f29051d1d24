"""A town of clients, onboarded while everything goes wrong."""

import asyncio
import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.judge import Judgement, judge, run_states
from tests.chaos.killer import Killer
from tests.live.board import Board, own_databases, running_board
from waboard.ledger.database import Ledger

Json = dict[str, Any]
FIRST_WABA = 500_000
ASKERS = 6
SETTLING = 150.0
"""Seconds for that when nobody is killed any more."""
SETTINGS = {
    "WABOARD_RESTARTS": "100000",
    # Six a worker: most of them end before it is killed, also on a slow machine.
    "WABOARD_CONCURRENCY": "18",
    "WABOARD_INFOBIP_PROVISIONING_INTERVAL": "0.02",
    "WABOARD_INFOBIP_TIMEOUT": "3",
}
UNSETTLED = {"Running", "Pending", "Submitting", "AwaitingRetry"}
DELIVERIES = ("delivered",) * 8 + ("undeliverable", "rejected", "expired")


@dataclass
class Town:
    """How many clients, and how hostile their world is."""

    clients: int
    seed: int
    patience: float
    kill_every: tuple[float, float] | None = (20.0, 40.0)
    profile: str = "hostile"
    deaths_a_boundary: int = 1
    workers: int = 3
    boundaries: frozenset[str] = frozenset()
    postgres: str | None = None

    def onboard(self, home: Path) -> tuple[Judgement, Json]:
        """Onboard everybody, and judge. Returns the judgement and the figures."""
        chaos = home / "boundaries"
        chaos.mkdir()
        with own_databases(self.postgres) as databases:
            settings = SETTINGS | databases | self._waits()
            settings["WABOARD_WORKERS"] = str(self.workers)
            if self.profile != "calm":
                settings |= {"WABOARD_SANDBOX_PROFILE": self.profile}
                settings |= {"WABOARD_SANDBOX_SEED": str(self.seed)}
            if self.kill_every:
                settings["CHAOS_DIR"] = str(chaos)
                settings["CHAOS_TIMES"] = str(self.deaths_a_boundary)
                settings["CHAOS_AT"] = ",".join(self.boundaries)
            with running_board(home, **settings) as board:
                return self._onboard(board, chaos)

    def _waits(self) -> dict[str, str]:
        # A nudge is a leg: a second for each is what two cores can serve where all sleep at once.
        # And nobody is given up sooner than a slow machine gets to them.
        nudge = max(4, self.clients)
        return {
            "WABOARD_REGISTRATION_NUDGE": str(nudge),
            "WABOARD_DELIVERY_NUDGE": str(nudge),
            "WABOARD_REGISTRATION_GIVE_UP": str(max(60, 2 * nudge)),
            # A report comes within seconds or never, and one that comes too late is heard as well.
            "WABOARD_DELIVERY_GIVE_UP": str(max(20, 2 * nudge)),
        }

    def _onboard(self, board: Board, chaos: Path) -> tuple[Judgement, Json]:
        began = time.monotonic()
        fates = self._decide(board)
        killer = Killer(board.process.pid, self.seed, self.kill_every or (1e6, 1e6))
        killer.start()
        try:
            with ThreadPoolExecutor(ASKERS) as askers:
                wabas = [fate["waba_id"] for fate in fates.values()]
                list(askers.map(partial(_ask, board), fates, wabas))
            self._wait(board)
        finally:
            killer.stop()
        self._settle(board)
        judgement = asyncio.run(_judge(board, fates))
        judgement.counts |= {f"killed: {name}": n for name, n in killer.kills.items()}
        deaths = Counter(path.stem for path in chaos.iterdir())
        judgement.counts |= {f"died at {name}": n for name, n in deaths.items()}
        kills = killer.kills.total() + deaths.total()
        return judgement, {"seconds": round(time.monotonic() - began), "kills": kills}

    def _decide(self, board: Board) -> dict[str, Json]:
        dice = random.Random(self.seed)  # noqa: S311 - it shall be repeatable
        fates: dict[str, Json] = {}
        for index in range(self.clients):
            waba_id = FIRST_WABA + index
            page = board.sandbox.get(f"/sandbox/wabas/{waba_id}")
            senders = page.json()["fate"]["senders"]
            for sender in senders:
                sender["delivery"] = dice.choice(DELIVERIES)
                sender["status"] = dice.choice(("FINISHED",) * 9 + ("FAILED",))
            board.decide(waba_id, senders=senders)
            numbers = [
                s | {"number": "".join(c for c in s["display_phone_number"] if c.isdigit())}
                for s in senders
            ]
            fates[f"client-{index}"] = {"waba_id": waba_id, "senders": numbers}
        return fates

    def _wait(self, board: Board) -> None:
        deadline = time.monotonic() + self.patience
        while (left := board.unfinished()) and time.monotonic() < deadline:
            print(f"  {left} of {self.clients} not ended", flush=True)
            time.sleep(3)

    def _settle(self, board: Board) -> None:
        # Nobody is killed any more: what was in the middle comes to its end. A message that was
        # in the hands of one who died is taken up again a minute later.
        deadline = time.monotonic() + SETTLING
        while time.monotonic() < deadline:
            try:
                states = set(run_states(board.prefect_url).values())
                pending = board.gateway.get("/v1/outbox", params={"state": "pending"}).json()
                if not states & UNSETTLED and not board.unfinished() and not pending:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(1)


async def _judge(board: Board, fates: dict[str, Json]) -> Judgement:
    ledger = Ledger(board.ledger_url)
    try:
        return await judge(ledger, board.books(), run_states(board.prefect_url), fates)
    finally:
        await ledger.close()


def _ask(board: Board, client_ref: str, waba_id: int) -> None:
    # The provider's own system repeats what was not answered.
    while True:
        try:
            board.start(client_ref, waba_id)
            return
        except httpx.HTTPError:
            time.sleep(0.2)


def postgres_url() -> str | None:
    """The PostgreSQL server to work on, if there is one."""
    return os.environ.get("TEST_POSTGRES_URL")
