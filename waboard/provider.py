"""The provider's own system, as its webhooks reach it: signed as Standard Webhooks has it."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

import httpx
from pydantic import SecretStr
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from waboard.domain.errors import BadInput
from waboard.domain.posting import Answer, Result, read_answer
from waboard.http_logs import mask_httpx_logs
from waboard.tls import trusted

TIMEOUT = httpx.Timeout(10.0)
"""Seconds that a receiver has for each part of its answer."""


class ProviderSystem:
    """Sends messages to the provider's own system. `async with` closes its connections.

    Each secret signs, so that the receiver may verify with the old one or the new one.
    """

    def __init__(self, url: str, secrets: Sequence[SecretStr]) -> None:
        """Take the receiver's address and what to sign with. Raises BadInput for a bad secret."""
        mask_httpx_logs()
        self._url = url
        self._signers = [_signer(secret) for secret in secrets]
        self._http = httpx.AsyncClient(timeout=TIMEOUT, verify=trusted())

    @property
    def key(self) -> str:
        """Names the receiver: see `key_of`."""
        return key_of(self._url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def post(self, message_id: str, body: dict[str, Any], now: datetime) -> Answer:
        """Send a message once, and return what was answered. Raises nothing for the receiver's."""
        raw = json.dumps(body)
        try:
            headers = self._headers(message_id, now, raw)
            # Nobody needs what it says, and it could say very much.
            async with self._http.stream("POST", self._url, content=raw, headers=headers) as told:
                return read_answer(told.status_code, told.headers.get("retry-after"), now)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Answer(Result.AWAY, type(error).__name__)

    def _headers(self, message_id: str, now: datetime, raw: str) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(s.sign(message_id, now, raw) for s in self._signers),
        }


def key_of(url: str) -> str:
    """Return what names a receiver without giving its address away, which may hold a secret."""
    return hashlib.sha256(url.encode()).hexdigest()


def _signer(secret: SecretStr) -> Webhook:
    try:
        return Webhook(secret.get_secret_value())
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        raise BadInput(
            "WABOARD_PROVIDER_WEBHOOK_SECRETS",
            "this is no signing secret.",
            remedy="Correct it and run `waboard deploy`.",
        ) from None
