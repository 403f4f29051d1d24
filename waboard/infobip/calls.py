"""Makes the calls: the one place where requests leave for Infobip, each in its turn.

It does not retry. Whoever calls does, by `InfobipError.retryable`, after looking when `ambiguous`.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from waboard.domain.errors import BadInput
from waboard.http_logs import mask_httpx_logs
from waboard.infobip.answers import Answer
from waboard.infobip.endpoints import Endpoint
from waboard.infobip.errors import (
    API_KEY_SETTING,
    BASE_URL_SETTING,
    InfobipError,
    no_answer,
    refused,
)
from waboard.infobip.limits import Limiter
from waboard.infobip.models import Wire
from waboard.metrics import count_call
from waboard.tls import trusted

BAD_REQUEST, NOT_FOUND, CONFLICT, TOO_MANY = 400, 404, 409, 429
FIRST_HOLD, LONGEST_OWN_HOLD = 2.0, 60.0
"""Seconds that a 429 without `Retry-After` holds its bucket: the first in a row, and at most.

Infobip advises exponential backoff, and documents no `Retry-After`. Most of its limits are over one
second, so that two seconds empty the window.
"""
_Model = TypeVar("_Model", bound=Wire)


class Calls:
    """A connection to Infobip with a key. Every method raises `InfobipError`, and nothing else.

    `doing` says what is being done for whom, for people: what it shows of a number is masked.
    The constructor raises BadInput, naming the setting, for a URL or key that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr,
        *,
        limiter: Limiter | None,
        transport: httpx.AsyncBaseTransport | None,
        timeout: httpx.Timeout,
    ) -> None:
        self.base_url = _usable_url(base_url)
        self._api_key = _usable_key(api_key)
        self._limiter = limiter
        self._too_many: Counter[str] = Counter()  # refusals in a row, by bucket
        mask_httpx_logs()
        self.http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={
                "Authorization": f"App {self._api_key.get_secret_value()}",
                "Accept": "application/json",
                "User-Agent": "waboard",
            },
            transport=transport,
            timeout=timeout,
            verify=trusted(),
        )

    async def make(
        self,
        doing: str,
        call: Endpoint,
        *ids: str,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: Collection[int] = (),
        hide: Collection[SecretStr] = (),
    ) -> Answer:
        """Make one request, in its turn. Gives a 2xx or an accepted status, raises otherwise.

        `ids` fill the path. `hide` names the secrets of the body, which an error may quote.
        """
        path = call.at(*ids)
        if self._limiter:
            await self._limiter.acquire(call.bucket)
        try:
            request = self.http.request(call.method, path, params=params, json=body)
            response = await count_call("infobip", call.method, call.path, request)
        except httpx.RequestError as error:
            raise no_answer(doing, call, error) from error
        if response.is_success or response.status_code in accept:
            self._too_many.pop(call.bucket, None)
            return Answer(doing, call, response)
        failure = self.refused(doing, call, response, hide=hide)
        await self._hold(call.bucket, failure)
        raise failure

    async def _hold(self, bucket: str, failure: InfobipError) -> None:
        # The limit is the account's: everybody else would be refused as well.
        own = 0.0
        if failure.status == TOO_MANY:
            own = min(FIRST_HOLD * 2 ** min(self._too_many[bucket], 10), LONGEST_OWN_HOLD)
            self._too_many[bucket] += 1
        seconds = failure.retry_after or own
        if self._limiter and seconds:
            await self._limiter.hold(bucket, seconds)

    async def read(
        self, doing: str, call: Endpoint, *ids: str, model: type[_Model]
    ) -> _Model | None:
        """Read one thing; None when there is none of these ids (404)."""
        answer = await self.make(doing, call, *ids, accept={NOT_FOUND})
        return answer.read(model, answer.fields()) if answer.ok else None

    async def create(
        self,
        doing: str,
        call: Endpoint,
        body: Mapping[str, Any],
        *,
        hide: Collection[SecretStr] = (),
    ) -> bool:
        """Create one thing; False when it is there already (409)."""
        return (await self.make(doing, call, body=body, accept={CONFLICT}, hide=hide)).ok

    async def delete(self, doing: str, call: Endpoint, *ids: str) -> None:
        """Remove one thing. That it is not there any more (404) is as good."""
        await self.make(doing, call, *ids, accept={NOT_FOUND})

    def refused(
        self,
        doing: str,
        call: Endpoint,
        response: httpx.Response,
        *,
        hide: Collection[SecretStr] = (),
    ) -> InfobipError:
        """Make the error of an answer that is a refusal, free of what must not be shown."""
        # An error may quote what was sent, and what was sent includes the key.
        raw = response.text.replace(self._api_key.get_secret_value(), "[key]")
        for form in (form for secret in hide if secret for form in _written(secret)):
            raw = raw.replace(form, "[secret]")
        return refused(doing, call, response, raw=raw, now=datetime.now(UTC))


def _usable_url(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query:
        raise BadInput(
            BASE_URL_SETTING,
            "this is no base URL.",
            remedy="Write it as Infobip's portal shows it, such as https://xxxxx.api.infobip.com.",
        )
    return base_url


def _usable_key(api_key: SecretStr) -> SecretStr:
    # A key that no header can hold would come back in the text of an error of the HTTP library.
    key = api_key.get_secret_value()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise BadInput(
            API_KEY_SETTING,
            "this is no API key.",
            remedy="Copy it from Infobip's portal, without spaces, line breaks or quotes.",
        )
    return api_key


def _written(secret: SecretStr) -> tuple[str, ...]:
    """Give the forms in which a body may quote it: escaped in either way of JSON, and plain."""
    plain = secret.get_secret_value()
    return json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1], plain
