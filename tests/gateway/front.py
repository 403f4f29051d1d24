"""A front door to knock at: a gateway with Meta's side, which is the sandbox's, and one client."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from tests.domain.samples import T0
from tests.gateway.desk import Desk, desk_settings
from tests.sandbox.lab import DOCUMENTED, Lab, lab
from waboard.gateway import app
from waboard.meta.client import GraphClient

APP_SECRET, VERIFY_TOKEN = "meta-app-9c1d7e", "verify-55aa10"
PORTFOLIO = "506914307656634"
HOOK = "http://gateway.test/hooks/meta"
META = {
    "meta_app_id": "600000000000001",
    "meta_app_secret": APP_SECRET,
    "meta_config_id": "800000000000001",
    "meta_verify_token": VERIFY_TOKEN,
    "meta_system_token": "meta-system-3f",
    "meta_solution_id": "900000000000001",
    "meta_portfolio_id": "700000000000001",
    "public_url": "https://in.provider.example",
    "token_keys": Fernet.generate_key().decode(),
    "signup_grace": "120",
}


class Front(Desk):
    """A desk whose clients sign themselves up, at the Meta of a sandbox."""

    meta: Lab
    mailed = 0
    told: list[str]
    """What the operator was told."""

    def pass_time(self, **span: float) -> None:
        """Set both clocks forward."""
        super().pass_time(**span)
        self.meta.time = self.time.timestamp()

    async def link(self, client_ref: str = "acme", **facts: Any) -> str:
        """Make a link, and return its token."""
        answer = await self.http.post("/v1/signup-links", json={"client_ref": client_ref, **facts})
        assert answer.status_code == 201, answer.text
        return answer.json()["url"].rpartition("/")[2]

    async def links(self, client_ref: str = "acme") -> list[dict[str, Any]]:
        """A client's links as the API lists them."""
        found = await self.http.get("/v1/signup-links", params={"client_ref": client_ref})
        return found.json()

    async def open(self, token: str) -> httpx.Response:
        """The client opens its link, and its page says so."""
        page = await self.stranger.get(f"/signup/{token}")
        if page.is_success:
            await self.tell(token, opened=True)
        return page

    async def finish(self, waba_id: str = DOCUMENTED, **ending: Any) -> dict[str, Any]:
        """The client finishes in Meta's window: what it then says, and the code."""
        given = {"waba_id": waba_id, "tells": False, **ending}
        answer = await self.meta.http.post("/facebook/finish", json=given)
        heard = answer.json()
        return {"message": json.loads(heard["message"]), "code": heard["code"]}

    async def tell(self, token: str, **heard: Any) -> httpx.Response:
        """The page passes on what it has heard."""
        return await self.stranger.post(f"/signup/{token}/result", json=heard)

    async def mail(self) -> list[httpx.Response]:
        """Meta's webhooks that were sent since reach the gateway."""
        await self.meta.settled()
        new = [request for request in self.meta.inbox[self.mailed :] if str(request.url) == HOOK]
        self.mailed = len(self.meta.inbox)
        return [await self.deliver(request) for request in new]

    async def deliver(self, request: httpx.Request) -> httpx.Response:
        """One webhook arrives."""
        signature = {"X-Hub-Signature-256": request.headers["X-Hub-Signature-256"]}
        return await self.stranger.post("/hooks/meta", content=request.content, headers=signature)

    async def tidy(self) -> None:
        """What the waker does now and then."""
        await self.app.state.door.tidy()

    async def started(self, client_ref: str = "acme") -> list[dict[str, Any]]:
        """The client's onboardings."""
        found = await self.http.get("/v1/onboardings", params={"client_ref": client_ref})
        return found.json()


@asynccontextmanager
async def open_front(
    database: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> AsyncGenerator[Front]:
    """A front that is cleared up afterwards."""
    async with lab(
        meta_webhook_url=HOOK, meta_app_secret=APP_SECRET, meta_system_token="meta-system-3f"
    ) as meta:

        def graph(_url: str, version: str, ours: Any) -> GraphClient:
            way = httpx.ASGITransport(meta.app)
            return GraphClient("http://sandbox.test/graph", version, ours, transport=way)

        async def tell(_slug: str | None, subject: str, text: str) -> None:
            front.told.append(f"{subject}: {text}")

        monkeypatch.setattr(app, "GraphClient", graph)
        monkeypatch.setattr(app, "tell_operator", tell)
        front = Front(desk_settings(database, **{**META, **settings}))
        front.meta, meta.time, front.told = meta, T0.timestamp(), []
        async with front.opened():
            yield front
