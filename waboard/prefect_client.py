"""Clients of Prefect's API that read whom they trust once a process.

Prefect's own (3.8.8) reads a whole bundle of certificates for each client, even where the API is
plain HTTP: 10 ms, which was an eighth of the worker's time.
"""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache

import certifi
from prefect.client import orchestration
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.context import AsyncClientContext, SyncClientContext
from prefect.settings import get_current_settings


@cache
def _trusted() -> ssl.SSLContext:
    api = get_current_settings().api
    context = ssl.create_default_context(cafile=api.ssl_cert_file or certifi.where())
    if api.tls_insecure_skip_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def get_client() -> PrefectClient:
    """Return the client of the leg that this is in, or one of its own for whoever is in none."""
    if AsyncClientContext.get() is not None:
        return orchestration.get_client()
    return orchestration.get_client(httpx_settings={"verify": _trusted()})


def get_sync_client() -> SyncPrefectClient:
    """Return a client for whoever is in no event loop."""
    return orchestration.get_client(sync_client=True, httpx_settings={"verify": _trusted()})


class _AsyncClient(AsyncClientContext):
    def __init__(self) -> None:
        client = orchestration.get_client(httpx_settings={"verify": _trusted()})
        super(AsyncClientContext, self).__init__(client=client)


class _SyncClient(SyncClientContext):
    def __init__(self) -> None:
        super(SyncClientContext, self).__init__(client=get_sync_client())


@asynccontextmanager
async def leg_clients() -> AsyncGenerator[None]:
    """Give Prefect's engine clients for one leg, which it takes instead of making its own."""
    async with _AsyncClient():
        with _SyncClient():
            yield
