"""A sandbox under glass: its clock is set by hand, its sleeps take no time, its mail is kept."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from asgi_lifespan import LifespanManager
from pydantic import SecretStr

from tests.apps import Apps
from waboard.sandbox import SandboxConfig, create_app
from waboard.sandbox.world import World

REGISTRATION_URL = "http://gateway.test/hooks/infobip/registration"
DELIVERY_URL = "http://gateway.test/hooks/infobip/delivery"

DOCUMENTED = "102384266223093"
FINISHED_NUMBER = "13135138538"
FAILED_NUMBER = "12132186042"

SHARE = "/whatsapp/1/embedded-signup/registrations/share-waba"

_APPS = Apps(lambda: create_app(SandboxConfig(api_key=SecretStr(""), registration_url="")))


class Lab:
    """One sandbox, whom it writes to, and how long it meant to sleep."""

    def __init__(self, **settings: Any) -> None:
        self.time = 1_700_000_000.0
        self.inbox: list[httpx.Request] = []
        self.naps: list[float] = []
        self.receiver_status = 200
        self.unreachable = False
        given = {"api_key": "key", "registration_url": REGISTRATION_URL, "rate_limits": False}
        self.world = World(
            SandboxConfig(**{**given, **settings}),
            clock=lambda: self.time,
            sleep=self._nap,
            transport=httpx.MockTransport(self._receive),
        )
        self.app = _APPS.take(world=self.world)
        self.http = self.caller("App key")

    def caller(self, authorization: str) -> httpx.AsyncClient:
        """Somebody who calls the sandbox."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://sandbox.test",
            headers={"Authorization": authorization},
        )

    async def settled(self) -> None:
        """Until the sandbox has nothing more to do."""
        await self.world.tasks.settled()

    async def share(self, waba_id: str | int = DOCUMENTED) -> httpx.Response:
        """Share a WABA and let its registration run its course."""
        response = await self.http.post(SHARE, json={"businessAccountId": waba_id})
        await self.settled()
        return response

    async def decide(self, waba_id: str = DOCUMENTED, **fate: Any) -> None:
        """Set a fate."""
        response = await self.http.put(f"/sandbox/wabas/{waba_id}", json=fate)
        assert response.status_code == 200, response.text

    async def script(self, **failure: Any) -> None:
        """Script one answer."""
        response = await self.http.put("/sandbox/failures", json=[failure])
        assert response.status_code == 200, response.text

    async def send(self, **changes: Any) -> httpx.Response:
        """Send the verification template, and wait for what becomes of it."""
        response = await self.http.post("/messages-api/1/messages", json=message(**changes))
        await self.settled()
        return response

    async def reports(self, **query: Any) -> list[dict[str, Any]]:
        """Pull delivery reports."""
        response = await self.http.get("/messages-api/1/reports", params=query)
        return response.json()["results"]

    async def books(self) -> dict[str, Any]:
        """Everything the sandbox knows."""
        return (await self.http.get("/sandbox/books")).json()

    async def number_key(self, number: str = FINISHED_NUMBER) -> str:
        """The numberKey of a registered number."""
        response = await self.http.get("/numbers/1/numbers", params={"number": number})
        return response.json()["numbers"][0]["numberKey"]

    async def _nap(self, seconds: float) -> None:
        self.naps.append(seconds)
        await asyncio.sleep(0)

    def _receive(self, request: httpx.Request) -> httpx.Response:
        if self.unreachable:
            raise httpx.ConnectError("nobody listens")
        self.inbox.append(request)
        return httpx.Response(self.receiver_status)


@asynccontextmanager
async def lab(**settings: Any) -> AsyncGenerator[Lab]:
    """A lab that is cleared up afterwards."""
    built = Lab(**settings)
    async with LifespanManager(built.app, startup_timeout=60, shutdown_timeout=60), built.http:
        yield built
    _APPS.give_back(built.app)


def message(**changes: Any) -> dict[str, Any]:
    """A request with one template message to one destination; changes replace its parts."""
    body: dict[str, Any] = {
        "channel": "WHATSAPP",
        "sender": FINISHED_NUMBER,
        "destinations": [{"to": "41793026727", "messageId": "message-1"}],
        "template": {"templateName": "waboard_verification", "language": "en"},
        **changes,
    }
    return {"messages": [{key: value for key, value in body.items() if value is not None}]}


def association(number_key: str, **changes: Any) -> dict[str, Any]:
    """The five parts that associate a WhatsApp number."""
    return {
        "resourceType": "NUMBER",
        "channel": "WHATSAPP",
        "applicationId": "app",
        "entityId": "acme",
        "resourceId": number_key,
        **changes,
    }
