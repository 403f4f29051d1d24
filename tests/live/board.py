"""A whole waboard for tests: `waboard up --sandbox` on free ports, as a person would start it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, or_, select

from tests.ledger.databases import PostgresDatabases
from waboard.ledger.database import Ledger
from waboard.ledger.models import OnboardingRow

LEDGER = Path(".waboard") / "sandbox" / "ledger.db"

PATIENCE = 240.0
"""Seconds for anything to come true. A leg takes some 3 seconds of CPU with the stock worker."""


def until(true: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait for a condition and return what it gave; say what was waited for when it never comes."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.25)
    raise AssertionError(f"waited {patience} s in vain for {what}")


@dataclass
class Board:
    """What runs, and how to reach it."""

    process: subprocess.Popen[bytes]
    home: Path
    ledger_url: str
    prefect_url: str
    prefect: httpx.Client
    gateway: httpx.Client
    sandbox: httpx.Client

    def decide(self, waba_id: int, **fate: Any) -> None:
        """Decide what Infobip makes of a WABA."""
        self.sandbox.put(f"/sandbox/wabas/{waba_id}", json=fate).raise_for_status()

    def fail(self, *failures: dict[str, Any]) -> None:
        """Script what Infobip answers next."""
        self.sandbox.put("/sandbox/failures", json=list(failures)).raise_for_status()

    def release(self) -> None:
        """Let whoever hangs have Infobip's answer now."""
        self.sandbox.post("/sandbox/failures/release").raise_for_status()

    def books(self) -> dict[str, Any]:
        """What Infobip knows."""
        return self.sandbox.get("/sandbox/books").json()

    def start(self, client_ref: str, waba_id: int, **facts: Any) -> dict[str, Any]:
        """Ask for an onboarding."""
        request = {"client_ref": client_ref, "waba_id": waba_id, **facts}
        answer = self.gateway.post("/v1/onboardings", json=request)
        answer.raise_for_status()
        return answer.json()

    def sign_up(self, client_ref: str, waba_id: int) -> None:
        """Do what the signup page does when a client has finished in Meta's window."""
        link = self.gateway.post("/v1/signup-links", json={"client_ref": client_ref})
        url = link.raise_for_status().json()["url"]
        told = {"waba_id": str(waba_id), "tells": False}
        ending = self.sandbox.post("/facebook/finish", json=told).raise_for_status().json()
        heard = {"opened": True, "code": ending["code"], "message": json.loads(ending["message"])}
        httpx.post(f"{url}/result", json=heard, timeout=30).raise_for_status()
        listed = {"client_ref": client_ref}
        until(lambda: self.gateway.get("/v1/onboardings", params=listed).json(), "it to begin")

    def cancel(self, client_ref: str) -> None:
        """Have an onboarding stopped that would be woken every few seconds as long as this runs."""
        order = {"by": "a test", "why": "It has been looked at."}
        path = f"/v1/onboardings/{self.show(client_ref)['id']}/cancel"
        self.gateway.post(path, json=order).raise_for_status()

    def filed(self, entity_id: str) -> list[dict[str, Any]]:
        """The associations with an entity."""
        return [each for each in self.books()["associations"] if each["entityId"] == entity_id]

    def show(self, client_ref: str) -> dict[str, Any]:
        """How a client's onboarding stands."""
        return self.gateway.get("/v1/onboardings", params={"client_ref": client_ref}).json()[0]

    def ended(self, client_ref: str) -> dict[str, Any]:
        """Wait for an onboarding's end."""
        with self._telling_more_of(client_ref):
            until(lambda: self.show(client_ref)["ended"], f"{client_ref} to end")
        return self.show(client_ref)

    @property
    def ledger_path(self) -> Path:
        """The ledger's file, where it is SQLite."""
        return self.home / LEDGER

    def unfinished(self) -> int:
        """How many onboardings have not ended, or go on; read from the ledger: it costs nothing."""
        return asyncio.run(_unfinished(self.ledger_url))

    def flow_run(self, client_ref: str) -> dict[str, Any]:
        """The Prefect flow run of an onboarding."""
        return self.prefect.get(self._flow_run_path(client_ref)).json()

    def _flow_run_path(self, client_ref: str) -> str:
        run_id = self.show(client_ref)["links"]["flow_run"].rpartition("/")[2]
        return f"/flow_runs/{run_id}"

    def state(self, client_ref: str, name: str) -> dict[str, Any]:
        """Wait for a flow run's state of that name."""
        path = self._flow_run_path(client_ref)

        def there() -> dict[str, Any] | None:
            state = self.prefect.get(path).json()["state"]
            return state if state["name"] == name else None

        with self._telling_more_of(client_ref):
            return until(there, f"{client_ref} to be {name}")

    @contextmanager
    def _telling_more_of(self, client_ref: str) -> Generator[None]:
        """Show with a wait in vain what there is to see, for whoever cannot look at this board."""
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.whereabouts(client_ref)}") from None

    def whereabouts(self, client_ref: str) -> str:
        """An onboarding, the states of its run, and what the services last wrote."""
        run_id = self.show(client_ref)["links"]["flow_run"].rpartition("/")[2]
        states = self.prefect.get(f"/flow_run_states/?flow_run_id={run_id}").json()
        told = [f"{s['timestamp']} {s['type']} {s['name']}: {s['message']}" for s in states]
        for pid, (_, _, command) in processes().items():
            if command.endswith("waboard worker ") and pid in family_of(self.process.pid):
                os.kill(pid, signal.SIGUSR1)
        time.sleep(1)  # for what they now write: nobody says when it is there
        logs = (self.home / ".waboard" / "sandbox" / "logs").glob("*.log")
        told += [f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}" for log in logs]
        return "\n".join([str(self.show(client_ref)), *told])

    def retry(self, client_ref: str) -> None:
        """Click Retry in the Prefect UI, which asks for just this."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        run_id = self.flow_run(client_ref)["id"]
        url = f"/flow_runs/{run_id}/set_state"
        self.prefect.post(url, json={"state": state, "force": True}).raise_for_status()

    def task_names(self, client_ref: str) -> list[str]:
        """The task runs of an onboarding, by name."""
        run_id = self.flow_run(client_ref)["id"]
        query = {"flow_runs": {"id": {"any_": [run_id]}}}
        found = self.prefect.post("/task_runs/filter", json=query).json()
        return sorted(run["name"] for run in found)


async def _unfinished(ledger_url: str) -> int:
    ledger = Ledger(ledger_url)
    goes_on = or_(OnboardingRow.ended_at.is_(None), OnboardingRow.news_at.is_not(None))
    query = select(func.count()).select_from(OnboardingRow).where(goes_on)
    try:
        async with ledger.begin() as session:
            return await session.scalar(query) or 0
    finally:
        await ledger.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_board(home: Path, **settings: str) -> Generator[Board]:
    """Start everything in an empty folder, and see that nothing is left of it.

    `settings` are further environment variables.
    """
    ports = {name: free_port() for name in ("PREFECT", "GATEWAY", "SANDBOX")}
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "WABOARD_"))
    }
    environment |= {f"WABOARD_{name}_PORT": str(port) for name, port in ports.items()}
    environment |= {"WABOARD_REGISTRATION_NUDGE": "5", "WABOARD_DELIVERY_NUDGE": "5"}
    environment |= {"WABOARD_SIGNUP_GRACE": "3", "WABOARD_INFOBIP_TIMEOUT": "600", **settings}
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "waboard", "up", "--sandbox"],
            cwd=home,
            env=environment,
            stdout=log,
            stderr=log,
        )
    url = "http://127.0.0.1:{}".format
    key = {"Authorization": "Bearer sandbox-api-key"}
    with (
        httpx.Client(base_url=f"{url(ports['PREFECT'])}/api", timeout=30) as prefect,
        httpx.Client(base_url=url(ports["GATEWAY"]), headers=key, timeout=30) as gateway,
        httpx.Client(base_url=url(ports["SANDBOX"]), timeout=30) as sandbox,
    ):
        try:
            until(lambda: _is_up(process, home / "up.log"), "everything to be up")
            ledger = settings.get("WABOARD_SANDBOX_DATABASE_URL") or f"sqlite:///{home / LEDGER}"
            yield Board(process, home, ledger, url(ports["PREFECT"]), prefect, gateway, sandbox)
        finally:
            stop(process)
    assert descendants_of(process.pid) == []


def _is_up(process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    return b"Ctrl-C" in log.read_bytes()


@contextmanager
def own_databases(postgres: str | None) -> Generator[dict[str, str]]:
    """Make databases for one board on a PostgreSQL server, and give the settings that name them.

    Without a server there are none, and the board uses SQLite.
    """
    if postgres is None:
        yield {}
        return
    databases = PostgresDatabases(postgres)
    ledger, prefect = (databases.create(empty=True) for _ in range(2))
    try:
        yield {
            "WABOARD_SANDBOX_DATABASE_URL": ledger,
            "WABOARD_SANDBOX_PREFECT_DATABASE_URL": prefect.replace(
                "postgresql://", "postgresql+asyncpg://"
            ),
        }
    finally:
        for url in (ledger, prefect):
            databases.drop(url)
        databases.close()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(120)


def processes() -> dict[int, tuple[int, int, str]]:
    """Every process: its parent, its session, its command."""
    found: dict[int, tuple[int, int, str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            found[int(entry.name)] = (int(fields[1]), int(fields[3]), command)
    return found


def descendants_of(pid: int) -> list[str]:
    """The commands of all processes that a process started, and that those did."""
    everything = processes()
    return [everything[p][2] for p in family_of(pid) - {pid} if p in everything]


def family_of(pid: int) -> set[int]:
    """A process, all that it started, and all that those did."""
    everything = processes()
    family = {pid}
    while more := {p for p, (parent, _, _) in everything.items() if parent in family} - family:
        family |= more
    return family


def sender(index: int, **fate: Any) -> dict[str, Any]:
    """A sender's fate, with a number of its own."""
    return {
        "phone_number_id": str(10_000_000 + index),
        "display_phone_number": f"+1 202-456-{index:04d}",
        **fate,
    }
