"""The gateway: webhooks in, REST, health. `uvicorn waboard.gateway.app:create_app --factory`."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from pydantic import SecretStr

from tasks.notify import tell_operator
from waboard.domain.clock import Clock, utc_now
from waboard.gateway import (
    events,
    health,
    hooks,
    leaving,
    meta_hooks,
    metrics,
    onboardings,
    outbox,
    problems,
    readiness,
    reconcile,
    senders,
    signup,
    verbs,
)
from waboard.gateway.door import FrontDoor
from waboard.gateway.grave_notices import GraveNotices
from waboard.gateway.inbox import Inbox
from waboard.gateway.limits import BodyLimit
from waboard.gateway.postman import Postman
from waboard.gateway.waker import Tidier, keep_waking
from waboard.http_logs import mask_access_logs
from waboard.ledger.database import Ledger
from waboard.ledger.migrate import upgrade
from waboard.meta.client import GraphClient, MetaApp
from waboard.provider import ProviderSystem
from waboard.safety import refuse_unsafe
from waboard.sealing import Sealer
from waboard.settings import Settings, load_settings


def create_app(settings: Settings | None = None, clock: Clock = utc_now) -> FastAPI:
    """Build the gateway. Raises BadInput when a setting is missing or unsafe."""
    settings = settings or load_settings()
    refuse_unsafe(settings)
    mask_access_logs()
    app = FastAPI(title="waboard", version=version("waboard"), lifespan=_lifespan)
    app.state.settings, app.state.clock = settings, clock
    app.add_middleware(BodyLimit)
    problems.install(app)
    for router in (
        onboardings.router,
        senders.router,
        verbs.router,
        leaving.router,
        events.router,
        readiness.router,
        reconcile.router,
        outbox.router,
        signup.links,
        signup.pages,
        hooks.router,
        meta_hooks.router,
        health.router,
        metrics.router,
    ):
        app.include_router(router)
    app.mount("/assets", StaticFiles(directory=signup.PAGES / "assets"), name="signup-assets")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    ledger = Ledger(app.state.settings.ledger_url)
    app.state.ledger, app.state.inbox = ledger, Inbox(ledger, app.state.clock)
    await upgrade(ledger)
    async with _open_door(app) as door, _open_system(app.state.settings) as system:
        app.state.door = door
        tell = partial(tell_operator, app.state.settings.operator_notifier)
        clock, remind = app.state.clock, app.state.settings.reminders
        postman, others = Postman(ledger, system, clock, tell), list[Tidier]()
        if app.state.settings.operator_notifier is not None:
            others.append(GraveNotices(ledger, clock, tell))
        if door is not None:
            others.append(door)
        async with (
            _beside(keep_waking(ledger, clock, remind, others)),
            _beside(postman.keep_going()),
        ):
            yield
    await ledger.close()


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _open_system(settings: Settings) -> AsyncGenerator[ProviderSystem | None]:
    if settings.provider_webhook_url is None:
        yield None
        return
    secrets = settings.provider_webhook_secrets
    async with ProviderSystem(str(settings.provider_webhook_url), secrets) as system:
        yield system


@asynccontextmanager
async def _open_door(app: FastAPI) -> AsyncGenerator[FrontDoor | None]:
    settings: Settings = app.state.settings
    if not settings.has_meta:
        yield None
        return
    ours = MetaApp(settings.meta_app_id or "", settings.meta_app_secret or SecretStr(""))
    url, version = str(settings.meta_graph_url), settings.meta_graph_version
    async with GraphClient(url, version, ours) as graph:
        yield FrontDoor(
            ledger=app.state.ledger,
            graph=graph,
            sealer=Sealer(settings.token_keys),
            clock=app.state.clock,
            defaults=settings.defaults,
            grace=settings.signup_grace,
            tell=partial(tell_operator, settings.operator_notifier),
        )
