"""How often Infobip lets an account call: one table, a source for each row.

The limits are the account's, so a `Limiter` keeps them across all workers and processes. Every
operation has a bucket, also one without a published limit: a 429 in it holds everybody's calls.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from types import MappingProxyType
from typing import Protocol


@dataclass(frozen=True)
class Limit:
    """At most so many requests in any so many seconds, and where that is written."""

    requests: int
    seconds: float
    source: str

    @property
    def interval(self) -> float:
        """Seconds between two calls that keep within it."""
        return self.seconds / self.requests


PROVISIONING = "provisioning"
NUMBERS = "numbers"
SENDERS_QUALITY = "senders-quality"
SHARE_WABA = "share-waba"
MESSAGES_VALIDATE = "messages-validate"
EMBEDDED_SIGNUP = "embedded-signup"
BUSINESS_INFO = "business-info"
WHATSAPP_MESSAGES = "whatsapp-messages"
TEMPLATES_READ = "templates-read"
TEMPLATES_CREATE = "templates-create"
TEMPLATES_DELETE = "templates-delete"

MESSAGES_SEND = "messages-send"
MESSAGES_REPORTS = "messages-reports"
SUBSCRIPTIONS = "subscriptions"
UNPUBLISHED = frozenset({MESSAGES_SEND, MESSAGES_REPORTS, SUBSCRIPTIONS})
"""Buckets whose limit is not published: calls leave at once, unless the bucket is held."""

LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        # The document states one request a second for each operation of provisioning/1/*. One
        # bucket for all of them is stricter, costs little, and is right under either reading.
        PROVISIONING: Limit(1, 1.0, "OpenAPI application-entity 3.210.0, x-throttling-info"),
        # A token bucket with a burst of two: we leave the burst as a margin.
        NUMBERS: Limit(1, 1.0, "OpenAPI numbers 3.210.0, x-throttling-info"),
        SENDERS_QUALITY: Limit(10, 1.0, "OpenAPI whatsapp 3.210.0, x-throttling-info"),
        # Unpublished. The other operations of embedded-signup state fifteen a second.
        SHARE_WABA: Limit(15, 1.0, "inferred from its siblings, OpenAPI whatsapp 3.210.0"),
        MESSAGES_VALIDATE: Limit(10, 1.0, "OpenAPI messages-api 3.210.0, x-throttling-info"),
        # Stated for each of adding a sender, sending its password again, and submitting it.
        EMBEDDED_SIGNUP: Limit(15, 1.0, "OpenAPI whatsapp 3.210.0, x-throttling-info"),
        BUSINESS_INFO: Limit(10, 1.0, "OpenAPI whatsapp 3.210.0, x-throttling-info"),
        # Stated for each kind of message.
        WHATSAPP_MESSAGES: Limit(4000, 1.0, "OpenAPI whatsapp 3.210.0, x-throttling-info"),
        # Stated for the list and for one template: one bucket for both.
        TEMPLATES_READ: Limit(2500, 1.0, "OpenAPI whatsapp 3.210.0, x-throttling-info"),
        TEMPLATES_CREATE: Limit(1000, 3600.0, "OpenAPI whatsapp 3.210.0, x-throttling-info"),
        TEMPLATES_DELETE: Limit(200, 3600.0, "OpenAPI whatsapp 3.210.0, x-throttling-info"),
    }
)


class Limiter(Protocol):
    """Keeps an account's calls within `LIMITS`, and out of held buckets, across all processes."""

    async def acquire(self, bucket: str) -> None:
        """Return when one call in that bucket may be made."""
        ...

    async def hold(self, bucket: str, seconds: float) -> None:
        """Let nobody call in that bucket for so many seconds: Infobip said so."""
        ...


class Share:
    """Keeps its caller to a share of each limit, so that others who call are not held up.

    `intervals` are the limits' own, in seconds; `limiter` keeps those. Calls of one bucket leave in
    the order in which they came, each an interval of the share after the last one really left.
    """

    def __init__(
        self,
        limiter: Limiter,
        intervals: Mapping[str, float],
        share: float,
        *,
        now: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limiter = limiter
        # A whole share needs nothing beside the limit itself.
        limits: Mapping[str, float] = intervals if share < 1 else {}
        self._intervals = {bucket: interval / share for bucket, interval in limits.items()}
        self._now = now
        self._sleep = sleep
        self._next_at: dict[str, float] = {}
        self._queues: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def acquire(self, bucket: str) -> None:
        """Return when the share and the limit have room for one call in that bucket."""
        if bucket not in self._intervals:
            await self._limiter.acquire(bucket)
            return
        async with self._queues[bucket]:
            wait = self._next_at.get(bucket, 0.0) - self._now()
            if wait > 0:
                await self._sleep(wait)
            await self._limiter.acquire(bucket)
            self._next_at[bucket] = self._now() + self._intervals[bucket]

    async def hold(self, bucket: str, seconds: float) -> None:
        """Let nobody call in that bucket for so many seconds: Infobip said so."""
        await self._limiter.hold(bucket, seconds)
