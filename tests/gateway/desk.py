"""A gateway on a desk: the real app over a real ledger, its clock and its Prefect set by hand."""

import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Collection, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from asgi_lifespan import LifespanManager
from sqlalchemy.ext.asyncio import AsyncSession

from tests.apps import Apps
from tests.domain.samples import T0
from tests.neighbour import without_neighbours
from waboard.domain.clock import Clock
from waboard.domain.onboarding import Onboarding
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.gateway.app import create_app
from waboard.gateway.inbox import Inbox
from waboard.ledger.database import Ledger
from waboard.ledger.effects import begin_effect
from waboard.ledger.models import Verb
from waboard.ledger.onboardings import record_run
from waboard.ledger.waits import DueWait, open_wait
from waboard.settings import Settings

API_KEY, OTHER_API_KEY = "crm-4f1e9a", "erp-77c0d2"
SECRET, OTHER_SECRET = "hook:8d2f61", "hook:e90b47"
CLIENT_NUMBER = "447860099311"
RECIPIENT = "447860041117"

REGISTRATION, DELIVERY = "/hooks/infobip/registration", "/hooks/infobip/delivery"


class FakePrefect:
    """A Prefect that remembers what it was asked for, and can be away."""

    def __init__(self) -> None:
        self.away = False
        self.started: list[str] = []
        self.woken: list[str] = []
        self.refuses: set[str] = set()
        """Ids of onboardings whose runs it will neither start nor wake."""

    async def start_run(self, ledger: Ledger, onboarding: Onboarding) -> str:
        """As `tasks.runs.start_run` does."""
        self._answer(onboarding.id)
        self.started.append(onboarding.id)
        run_id = str(uuid4())
        async with ledger.begin() as session:
            await record_run(session, onboarding.id, run_id, onboarding.attempt)
        return run_id

    async def wake(self, _ledger: Ledger, due: Collection[DueWait], _clock: Clock) -> None:
        """As `tasks.runs.wake` does, but that the run sleeps on: its wait stays open."""
        for wait in due:
            with suppress(httpx.ConnectError):
                self._answer(wait.onboarding_id)
                self.woken.append(wait.onboarding_id)

    async def take_up_orphans(self, _ledger: Ledger, _clock: Clock) -> list[str]:
        """No run was left behind here."""
        return []

    async def settle_cancellations(self, _ledger: Ledger, _clock: Clock) -> None:
        """No run was cancelled by hand here."""

    def _answer(self, onboarding_id: str) -> None:
        if self.away or onboarding_id in self.refuses:
            raise httpx.ConnectError("All connection attempts failed")


class Desk:
    """One gateway, and what is done to it."""

    def __init__(self, settings: Settings) -> None:
        self.time = T0
        self.settings = settings
        self.app = _APPS.take(settings=settings, clock=self.now)

    def now(self) -> datetime:
        """The time on this desk."""
        return self.time

    def pass_time(self, **span: float) -> None:
        """Set the clock forward."""
        self.time += timedelta(**span)

    @property
    def ledger(self) -> Ledger:
        """The gateway's own ledger."""
        return self.app.state.ledger

    @property
    def inbox(self) -> Inbox:
        """The gateway's own inbox."""
        return self.app.state.inbox

    @contextmanager
    def with_ledger(self, other: Ledger) -> Generator[None]:
        """Let the gateway work on another ledger for a while."""
        state, mine = self.app.state, (self.ledger, self.inbox)
        state.ledger, state.inbox = other, Inbox(other, self.now)
        yield
        state.ledger, state.inbox = mine

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncSession]:
        """One transaction of somebody beside the gateway: a run, or an operator."""
        async with self.ledger.begin() as session:
            yield session

    async def ask(self, dry_run: bool = False, **facts: Any) -> httpx.Response:
        """Ask for an onboarding, or what would come of asking."""
        asked = {"client_ref": "acme", "waba_id": "102384266223093", **facts}
        params = {"dry_run": True} if dry_run else None
        return await self.http.post("/v1/onboardings", json=asked, params=params)

    async def asked(self, **facts: Any) -> dict[str, Any]:
        """Ask for an onboarding and get it."""
        answer = await self.ask(**facts)
        assert answer.is_success, answer.text
        return answer.json()

    async def hook(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Send a webhook as Infobip does, signed with the first secret unless headers say else."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = headers or {"X-Hub-Signature": f"SHA256={sign(raw)}"}
        return await self.stranger.post(path, content=raw, headers=signed)

    async def events(self, **params: Any) -> list[dict[str, Any]]:
        """The events as the API lists them, the newest first, without the neighbours'."""
        return without_neighbours((await self.http.get("/v1/events", params=params)).json())

    async def onboardings(self, **params: Any) -> list[dict[str, Any]]:
        """The onboardings as the API lists them, the newest first, without the neighbours."""
        return without_neighbours((await self.http.get("/v1/onboardings", params=params)).json())

    async def onboarding(self, onboarding_id: str) -> dict[str, Any]:
        """An onboarding as the API shows it."""
        return (await self.http.get(f"/v1/onboardings/{onboarding_id}")).json()

    async def sleeps(
        self, onboarding_id: str, kind: WaitKind = WaitKind.REGISTRATION, nudge: float = 15
    ) -> None:
        """Its run goes to sleep, for `nudge` minutes unless something comes."""
        plan = WaitPlan(timedelta(minutes=nudge), timedelta(days=14))
        async with self.begin() as session:
            await open_wait(
                session,
                onboarding_id,
                kind,
                flow_run_id=str(uuid4()),
                pause_key=str(uuid4()),
                plan=plan,
                now=self.time,
            )

    async def has_sent_a_test(self, onboarding_id: str, number: str, message_id: str) -> None:
        """Its run has sent a test message from one of its numbers."""
        async with self.begin() as session:
            await begin_effect(
                session,
                onboarding_id,
                Verb.SEND_TEST_MESSAGE,
                number,
                self.time,
                external_id=message_id,
            )

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator["Desk"]:
        """Open for business."""
        async with LifespanManager(self.app, startup_timeout=60, shutdown_timeout=60):
            transport = httpx.ASGITransport(self.app)
            bearer = {"Authorization": f"Bearer {API_KEY}"}
            url = "http://gateway.test"
            async with (
                httpx.AsyncClient(transport=transport, base_url=url, headers=bearer) as self.http,
                httpx.AsyncClient(transport=transport, base_url=url) as self.stranger,
            ):
                yield self
        _APPS.give_back(self.app)


def desk_settings(database: Path, **settings: Any) -> Settings:
    """Settings as a provider in production has them."""
    given = {
        "infobip_base_url": "https://xyz.api.infobip.test",
        "infobip_api_key": "ib-1f04c3d8",
        "test_recipient": f"+{RECIPIENT}",
        "api_keys": f"{API_KEY}, {OTHER_API_KEY}",
        "infobip_webhook_secrets": f"{SECRET}, {OTHER_SECRET}",
        "database_url": f"sqlite:///{database}",
    }
    return Settings(_env_file=None, **{**given, **settings})


def sign(raw: bytes, secret: str = SECRET, algorithm: str = "sha256") -> str:
    """The signature over a body."""
    return hmac.new(secret.encode(), raw, getattr(hashlib, algorithm.lower())).hexdigest()


def assert_problem(answer: httpx.Response, status: int, *named: str) -> dict[str, Any]:
    """It is a problem as RFC 9457 has it, it says what to do, and it gives nothing away."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["remedy"]
    for name in named:
        assert name in f"{body['detail']} {body['remedy']}"
    for private in (API_KEY, OTHER_API_KEY, SECRET, OTHER_SECRET, CLIENT_NUMBER, RECIPIENT):
        assert private not in answer.text
    return body


_APPS = Apps(lambda: create_app(desk_settings(Path("nobody-opens-it.db"))))
