"""The sandbox as a FastAPI application."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from waboard.sandbox import (
    associations,
    business_info,
    control,
    errors,
    facebook,
    graph,
    inbound,
    messages,
    numbers,
    profiles,
    provisioning,
    senders,
    standalone,
    subscriptions,
    templates,
    whatsapp,
)
from waboard.sandbox.config import SandboxConfig
from waboard.sandbox.door import CONTROL, Door
from waboard.sandbox.webhooks import Sleep
from waboard.sandbox.world import World


def create_app(
    config: SandboxConfig,
    clock: Callable[[], float] = time.time,
    *,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """One sandbox with its own memory.

    `clock`, `sleep` and the `transport` of outgoing webhooks are given so that a test neither waits
    nor listens; `app.state.world.tasks.settled()` returns when nothing is under way any more.
    """
    app = FastAPI(title="waboard sandbox", lifespan=_lifespan, openapi_url=None)
    app.state.world = World(config, clock, sleep=sleep, transport=transport)
    app.add_middleware(Door, state=app.state)
    app.add_exception_handler(errors.Refusal, errors.on_refusal)
    app.add_exception_handler(graph.GraphRefusal, graph.on_graph_refusal)
    app.add_exception_handler(HTTPException, errors.on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    _include_routes(app)
    return app


def _include_routes(app: FastAPI) -> None:
    app.include_router(whatsapp.router)
    app.include_router(provisioning.applications)
    app.include_router(provisioning.entities)
    app.include_router(associations.router)
    app.include_router(numbers.router)
    app.include_router(messages.router)
    app.include_router(profiles.router)
    app.include_router(subscriptions.router)
    app.include_router(business_info.router)
    app.include_router(inbound.router)
    app.include_router(standalone.router)
    app.include_router(templates.router)
    app.include_router(senders.router)
    app.include_router(graph.router)
    app.include_router(facebook.router)
    app.include_router(control.router)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    """The control API is ours and says what is wrong with a fate; the rest answers as Infobip."""
    if request.url.path.startswith(CONTROL) and isinstance(error, RequestValidationError):
        return await request_validation_exception_handler(request, error)
    return await errors.on_invalid_request(request, error)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    yield
    await app.state.world.close()
