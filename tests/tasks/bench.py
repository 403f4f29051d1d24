"""A bench to work a step on: a real ledger, a real client, and a sandbox Infobip at the other end.

Between client and sandbox lies a network that can be cut, before or after Infobip has acted.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr

from blocks.accounts import InfobipAccount, VerificationMessage
from blocks.meta import MetaAccount
from blocks.policy import OnboardingPolicy
from tasks.services import MetaServices, Services
from tests.domain.samples import T0
from tests.neighbour import MOVED_IN
from tests.sandbox.lab import DELIVERY_URL, DOCUMENTED, FINISHED_NUMBER, Lab
from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.facts import delivery_facts, registration_facts
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.requests import Defaults, OnboardingRequest
from waboard.domain.waits import WaitKind
from waboard.infobip.client import InfobipClient
from waboard.ledger.clients import start_onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.effects import effects_of
from waboard.ledger.events import list_events, receive
from waboard.ledger.models import EffectRow, EventRow, Verb
from waboard.ledger.waits import close_waits, open_wait
from waboard.meta.client import GraphClient, MetaApp
from waboard.sealing import Sealer

APPLICATION, ENTITY = "waboard", "acme"
RECIPIENT = "41793026727"
GOOD = PhoneNumber(FINISHED_NUMBER)
OTHER = PhoneNumber("12132186042")

SHARE = "/whatsapp/1/embedded-signup/registrations/share-waba"
QUALITY = "/whatsapp/1/senders/quality"
APPLICATIONS = "/provisioning/1/applications"
ENTITIES = "/provisioning/1/entities"
ASSOCIATIONS = "/provisioning/1/associations"
NUMBERS = "/numbers/1/numbers"
VALIDATE = "/messages-api/1/messages/validate"
SEND = "/messages-api/1/messages"
REPORTS = "/messages-api/1/reports"

NUDGE, GIVE_UP = 600.0, 3600.0
TOKEN_KEY = "dGVzdHMtc2VhbC13aXRoLWEta2V5LW9mLTMyLWJ5dGU="

Handler = Callable[[httpx.Request], Awaitable[httpx.Response] | httpx.Response]


class Network(httpx.AsyncBaseTransport):
    """The way to the sandbox. What goes wrong on it goes wrong once, unless `always`."""

    def __init__(self, app: Any) -> None:
        self._way = httpx.ASGITransport(app)
        self._accidents: list[tuple[str, str, bool, Handler]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for accident in self._accidents:
            method, path, always, handler = accident
            if (request.method, request.url.path) == (method, path):
                if not always:
                    self._accidents.remove(accident)
                answer = handler(request)
                return answer if isinstance(answer, httpx.Response) else await answer
        return await self.carry(request)

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """Let the sandbox answer."""
        return await self._way.handle_async_request(request)

    def instead(self, method: str, path: str, handler: Handler, *, always: bool = False) -> None:
        """Do this instead of what the sandbox would."""
        self._accidents.append((method, path, always, handler))

    def restore(self) -> None:
        """Let everything through again."""
        self._accidents.clear()

    def cut_before(self, method: str, path: str, error: BaseException, **when: bool) -> None:
        """Break before the request has left."""

        def refuse(_: httpx.Request) -> httpx.Response:
            raise error

        self.instead(method, path, refuse, **when)

    def cut_after(self, method: str, path: str, error: BaseException, **when: bool) -> None:
        """Break when Infobip has acted and nobody knows."""

        async def lose(request: httpx.Request) -> httpx.Response:
            await self.carry(request)
            raise error

        self.instead(method, path, lose, **when)

    def drop(self, method: str, path: str, field: str, **when: bool) -> None:
        """Let the sandbox read the request without one of its fields, and say nothing."""

        async def strip(request: httpx.Request) -> httpx.Response:
            body = {k: v for k, v in json.loads(request.content).items() if k != field}
            headers = {"authorization": request.headers["authorization"]}
            return await self.carry(httpx.Request(method, request.url, json=body, headers=headers))

        self.instead(method, path, strip, **when)


class Bench:
    """One onboarding, the services that its steps work with, and the sandbox's books."""

    def __init__(self, ledger: Ledger, sandbox: Lab) -> None:
        self.ledger, self.sandbox = ledger, sandbox
        self.network = Network(sandbox.app)
        self.set_clock(T0)
        self._heard = 0
        self.id = ""
        account = InfobipAccount(
            base_url="http://infobip.test",
            api_key=SecretStr("key"),
            application_id=APPLICATION,
            application_name="The Provider",
        )
        infobip = InfobipClient(account.base_url, account.api_key, transport=self.network)
        verification = VerificationMessage(
            recipient=SecretStr(RECIPIENT), template_name="waboard_verification", language="en"
        )
        self.sealer = Sealer([SecretStr(TOKEN_KEY)])
        graph = GraphClient(
            "http://meta.test/graph",
            "v26.0",
            MetaApp(sandbox.world.config.meta_app_id, sandbox.world.config.meta_app_secret),
            transport=self.network,
        )
        self.meta = MetaServices(graph, meta_account(sandbox), self.sealer)
        self.services = Services(
            ledger,
            infobip,
            account,
            verification,
            policy(),
            clock=lambda: self.now,
            meta=self.meta,
            sleep=self._nap,
        )

    async def _nap(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def books(self) -> Any:
        """Everything the sandbox knows."""
        return self.sandbox.world.books

    async def later(self, seconds: float) -> Onboarding:
        """Let time pass, for both sides."""
        self.set_clock(self.now + timedelta(seconds=seconds))
        return await self.look()

    def set_clock(self, now: datetime) -> None:
        """Let it be now, for both sides."""
        self.now = now
        self.sandbox.time = now.timestamp()

    async def start(self, **facts: Any) -> Onboarding:
        """Ask for the onboarding that all is about."""
        given = {"client_ref": ENTITY, "waba_id": DOCUMENTED, "client_name": "Acme Ltd", **facts}
        request = OnboardingRequest.model_validate(given)
        started = await start_onboarding(
            self.ledger, request, Defaults(APPLICATION), lambda: self.now
        )
        self.id = started.onboarding_id
        return await self.look()

    async def registered(self, *numbers: str, **fate: Any) -> Onboarding:
        """Ask for it, and have Infobip register these numbers (`GOOD` if none is given)."""
        await self.start()
        senders = [sender_fate(number, **fate) for number in numbers or (GOOD,)]
        await self.sandbox.decide(senders=senders, status="FINISHED")
        await self.sandbox.share()
        return await self.hear()

    async def look(self) -> Onboarding:
        """The onboarding as it truly is now."""
        return await self.services.look(self.id)

    async def hear(self) -> Onboarding:
        """Keep what the sandbox has posted since, as the gateway does, and look."""
        await self.keep_posted()
        return await self.look()

    async def keep_posted(self) -> None:
        """Keep it, and leave it at that."""
        await self.sandbox.settled()
        for request in self.posted():
            read = delivery_facts if str(request.url) == DELIVERY_URL else registration_facts
            async with self.ledger.begin() as session:
                await receive(session, read(request.content), "webhook", self.now)

    def posted(self) -> list[httpx.Request]:
        """What the sandbox has posted since somebody last asked."""
        new, self._heard = self.sandbox.inbox[self._heard :], len(self.sandbox.inbox)
        return new

    async def slept(self, kind: WaitKind) -> Onboarding:
        """Go to sleep for something and wake up a nudge later, with nothing heard."""
        async with self.ledger.begin() as session:
            await open_wait(
                session,
                self.id,
                kind,
                flow_run_id="run",
                pause_key=str(uuid4()),
                plan=self.services.policy.plan(kind),
                now=self.now,
            )
        await self.later(NUDGE)
        async with self.ledger.begin() as session:
            await close_waits(session, self.id, self.now)
        return await self.look()

    async def effects(self, verb: Verb | None = None) -> list[EffectRow]:
        """What was written down of what was done."""
        async with self.ledger.begin() as session:
            rows = await effects_of(session, self.id)
        return [row for row in rows if verb in (None, row.verb)]

    async def events(self, source: str) -> list[EventRow]:
        """What was kept from one source, in the order it came: nothing of the neighbours'."""
        async with self.ledger.begin() as session:
            rows = (await list_events(session))[::-1]
        return [row for row in rows if row.source == source and row.received_at > MOVED_IN]

    def calls(self, method: str, path: str) -> int:
        """How often the sandbox was called so."""
        return [(each["method"], each["path"]) for each in self.books.requests].count(
            (method, path)
        )

    def writes(self) -> list[str]:
        """What the sandbox was asked to change."""
        asked = [(each["method"], each["path"]) for each in self.books.requests]
        return [f"{method} {path}" for method, path in asked if method != "GET"]


def meta_account(sandbox: Lab, **changes: Any) -> MetaAccount:
    """The provider's app, as the sandbox knows it."""
    config = sandbox.world.config
    given = {
        "graph_url": "http://meta.test/graph",
        "graph_version": "v26.0",
        "app_id": config.meta_app_id,
        "app_secret": config.meta_app_secret,
        "system_token": config.meta_system_token,
        "solution_id": config.meta_solution_id,
        "config_id": "800000000000001",
        "portfolio_id": config.meta_portfolio_id,
        "partner_app_id": "1370401139746733",
        "public_url": "https://in.provider.example",
        "token_keys": SecretStr(TOKEN_KEY),
    }
    return MetaAccount(**{**given, **changes})


def policy(**changes: Any) -> OnboardingPolicy:
    """Ten minutes to a look, an hour to the end; nobody to tell."""
    given = {
        "registration_nudge": NUDGE,
        "registration_give_up": GIVE_UP,
        "delivery_nudge": NUDGE,
        "delivery_give_up": GIVE_UP,
    }
    return OnboardingPolicy(**{**given, **changes})


def sender_fate(number: str, **changes: Any) -> dict[str, Any]:
    """What the sandbox is told about one number: it finishes, unless said otherwise."""
    named = {"phone_number_id": f"99{number}", "display_phone_number": f"+{number}"}
    return {**named, **changes}


def condition(of: Onboarding | Sender, kind: ConditionType) -> tuple[str, str]:
    """A condition's status and reason."""
    known: Condition = of.conditions[kind]
    return known.status, known.reason


def shown(row: EffectRow) -> tuple[str, int, str]:
    """What matters of an effect: of whom, which attempt, and how it went."""
    return row.subject, row.attempt, row.status


def timed_out() -> httpx.ReadTimeout:
    """The request left, and nothing came back."""
    return httpx.ReadTimeout("no answer")


def unreachable() -> httpx.ConnectError:
    """The request never left."""
    return httpx.ConnectError("connection refused")


Crash = asyncio.CancelledError
"""What a dying process looks like from inside a step."""


@asynccontextmanager
async def bench_on(ledger: Ledger, sandbox: Lab) -> AsyncGenerator[Bench]:
    """A bench that is cleared up afterwards."""
    bench = Bench(ledger, sandbox)
    async with bench.services.infobip, bench.meta.graph:
        yield bench
