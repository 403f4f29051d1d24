"""Infobip's webhooks: signed, pushed, retried, and finally dropped.

Infobip keeps no webhook data: after the last retry a push is gone (docs/infobip.md). The
wait is `1min + 1min * retryNumber^2` (Infobip OpenAPI messages-api 3.210.0, `MessagesApiDelivery`),
with a unit of the configuration's in the place of the minute.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx

from waboard.sandbox.config import SandboxConfig
from waboard.sandbox.tasks import Tasks

Sleep = Callable[[float], Awaitable[Any]]
Note = Callable[[dict[str, Any]], None]


def json_or_text(raw: bytes) -> Any:
    """A body as the books show it."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def auth_headers(config: SandboxConfig, raw: bytes) -> dict[str, str]:
    """What proves to the receiver that the sandbox sent this body."""
    secret = config.webhook_secret.get_secret_value()
    match config.webhook_auth:
        case "hmac":
            return {config.hmac_header: signature(config.hmac_algorithm, secret, raw)}
        case "basic":
            return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
        case "header":
            return {config.webhook_header: secret}
        case "none":
            return {}


def signature(algorithm: str, secret: str, raw: bytes) -> str:
    """`SHA256=<hex>` over the raw body, as live captures show it (observed, not documented)."""
    digest = hmac.new(secret.encode(), raw, getattr(hashlib, algorithm.lower()))
    return f"{algorithm}={digest.hexdigest()}"


class Address(NamedTuple):
    """Where a webhook goes, and what proves there who sends it."""

    url: str
    signed: Callable[[bytes], dict[str, str]] | None = None
    """Headers for a body; without it, those of the account."""

    def headers(self, raw: bytes) -> dict[str, str] | None:
        """The headers for this body, if they are not the account's."""
        return self.signed(raw) if self.signed else None


class Letter(NamedTuple):
    """What is pushed: a body, where to, and what proves who sends it."""

    kind: str
    url: str
    raw: bytes
    headers: dict[str, str]


class Postman:
    """Pushes webhooks, notes every attempt, and tries again in the background."""

    def __init__(
        self,
        config: SandboxConfig,
        *,
        tasks: Tasks,
        sleep: Sleep,
        note: Note,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._config, self._tasks, self._sleep, self._note = config, tasks, sleep, note
        # No proxy of the environment may stand between two processes on loopback.
        self._http = httpx.AsyncClient(transport=transport, trust_env=False, timeout=10)

    async def push(
        self,
        kind: str,
        url: str,
        raw: bytes,
        *,
        lost: Callable[[], None] = lambda: None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Try once now; if that fails, retry in the background and call `lost` at the end.

        `headers` prove who sends it; without them it is Infobip.
        """
        proof = auth_headers(self._config, raw) if headers is None else headers
        letter = Letter(kind, url, raw, proof)
        if not await self._attempt(letter, attempt=1):
            self._tasks.start(self._retry(letter, lost))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _retry(self, letter: Letter, lost: Callable[[], None]) -> None:
        unit = self._config.webhook_retry_unit
        for retry in range(1, self._config.webhook_retries + 1):
            await self._sleep(unit + unit * retry**2)
            if await self._attempt(letter, attempt=retry + 1):
                return
        lost()

    async def _attempt(self, letter: Letter, *, attempt: int) -> bool:
        status = await self._post(letter)
        noted = {"kind": letter.kind, "url": letter.url, "status": status, "attempt": attempt}
        self._note({**noted, "body": json_or_text(letter.raw)})
        return status is not None and httpx.codes.is_success(status)

    async def _post(self, letter: Letter) -> int | None:
        headers = {"Content-Type": "application/json", **letter.headers}
        try:
            answer = await self._http.post(letter.url, content=letter.raw, headers=headers)
            return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
