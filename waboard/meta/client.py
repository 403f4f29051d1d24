"""The async client of Meta's Graph API: one method an operation, one error type.

It does not retry. Whoever calls does, by `MetaError.retryable`, after looking when `ambiguous`.
Every object of another business is read with that business's own token, ours with ours.
"""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TypeVar, cast

import httpx
from pydantic import SecretStr, ValidationError

from waboard.domain.ids import PortfolioId, SolutionId, WabaId, mask_waba, parse_portfolio_id
from waboard.domain.json_values import as_list, as_object, objects_in
from waboard.domain.lenient import read_items
from waboard.http_logs import mask_httpx_logs
from waboard.meta.errors import MetaError, no_answer, refused, unusable
from waboard.meta.models import (
    AppFacts,
    AppSubscription,
    BusinessToken,
    IssuedToken,
    MetaNumber,
    Node,
    Permission,
    Portfolio,
    Solution,
    SolutionPartner,
    SubscribedApp,
    TokenFacts,
    Waba,
)
from waboard.metrics import count_call
from waboard.tls import trusted

_Model = TypeVar("_Model", bound=Node)

logger = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
"""Seconds. A code lives for 30: an exchange that takes longer than this may be tried once more."""
PAGE = 100
"""Objects in one page; the longest that Meta's edges take."""
MOST_PAGES = 50
"""Pages that are read at most: a cursor that leads in circles ends there."""


class MetaApp(NamedTuple):
    """The provider's own app at Meta."""

    app_id: str
    app_secret: SecretStr

    @property
    def token(self) -> SecretStr:
        """The app token: what an app says for itself."""
        return SecretStr(f"{self.app_id}|{self.app_secret.get_secret_value()}")


class GraphClient:
    """The Graph API, as far as onboarding needs it. Use it as an async context manager.

    Every method raises `MetaError`, and nothing else, for what Meta or the network does.
    """

    def __init__(
        self,
        graph_url: str,
        version: str,
        app: MetaApp,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self._app = app
        mask_httpx_logs()
        self._http = httpx.AsyncClient(
            base_url=f"{graph_url.rstrip('/')}/{version}",
            headers={"Accept": "application/json", "User-Agent": "waboard"},
            transport=transport,
            timeout=timeout,
            verify=trusted(),
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(exc_type, exc, traceback)

    async def exchange_code(self, code: SecretStr) -> BusinessToken:
        """Turn a signup's code into the token of the client's portfolio.

        A code lives for 30 seconds and can be used once. There is no `redirect_uri`: with one the
        exchange of a code of the JavaScript SDK fails. Source: ES/implementation.
        """
        params = {
            "client_id": self._app.app_id,
            "client_secret": self._app.app_secret.get_secret_value(),
            "code": code.get_secret_value(),
        }
        # Using it up is a change: an exchange that got no answer may have worked.
        doing = "Exchanging a signup's code"
        return await self._one(BusinessToken, doing, "oauth/access_token", None, params, True)

    async def debug_token(self, token: SecretStr) -> TokenFacts:
        """Read what a token may do and until when."""
        params = {"input_token": token.get_secret_value()}
        body = await self._get("Reading a token's facts", "debug_token", self._app.token, params)
        return body.read(TokenFacts, body.fields.get("data"))

    async def client_portfolio(self, token: SecretStr) -> PortfolioId | None:
        """Read whose token this is: the client's portfolio, where Meta says so."""
        params = {"fields": "client_business_id"}
        body = await self._get("Reading the portfolio of a token", "me", token, params)
        try:
            return parse_portfolio_id(body.fields.get("client_business_id"))
        except ValueError:
            return None

    async def waba(self, waba_id: WabaId, token: SecretStr) -> Waba:
        """Read a WABA: its owner and Meta's review of it."""
        params = {"fields": "id,name,account_review_status,ownership_type,owner_business_info"}
        doing = f"Reading WABA {mask_waba(waba_id)}"
        return await self._one(Waba, doing, waba_id, token, params)

    async def waba_health(self, waba_id: WabaId, token: SecretStr) -> Waba:
        """Read Meta's review of a WABA, and whether it may send."""
        params = {"fields": "id,account_review_status,health_status"}
        doing = f"Reading the health of WABA {mask_waba(waba_id)}"
        return await self._one(Waba, doing, waba_id, token, params)

    async def phone_numbers(
        self, waba_id: WabaId, token: SecretStr, *, health: bool = False
    ) -> list[MetaNumber]:
        """Read the numbers of a WABA. That it works at all proves that the WABA is shared.

        With `health` each says whether it may send, which is a field that costs Meta time.
        """
        fields = (
            "id,display_phone_number,verified_name,status,code_verification_status,name_status,"
            f"quality_rating,platform_type{',health_status' if health else ''}"
        )
        doing = f"Reading the numbers of WABA {mask_waba(waba_id)}"
        return await self._all(
            MetaNumber, doing, f"{waba_id}/phone_numbers", token, {"fields": fields}
        )

    async def subscribe(self, waba_id: WabaId, token: SecretStr) -> None:
        """Subscribe our app to a WABA's webhooks; again is no harm."""
        doing = f"Subscribing to WABA {mask_waba(waba_id)}"
        await self._call("POST", doing, f"{waba_id}/subscribed_apps", token, changes=True)

    async def unsubscribe(self, waba_id: WabaId, token: SecretStr) -> None:
        """Take our app out of a WABA's webhooks. Source: Meta's OpenAPI document v23.0."""
        doing = f"Unsubscribing from WABA {mask_waba(waba_id)}"
        await self._call("DELETE", doing, f"{waba_id}/subscribed_apps", token, changes=True)

    async def is_subscribed(self, waba_id: WabaId, token: SecretStr) -> bool:
        """Whether our app is among those that a WABA's webhooks go to.

        An app that cannot be read may be ours: without another that is, the answer is unusable.
        """
        doing = f"Reading the subscriptions of WABA {mask_waba(waba_id)}"
        body = await self._get(doing, f"{waba_id}/subscribed_apps", token)
        apps = body.read_each(SubscribedApp, required=True)
        is_ours = self._app.app_id in [app.id for app in apps]
        if not is_ours and len(apps) < len(body.rows()):
            raise body.unusable("with an app that cannot be read")
        return is_ours

    async def solution(self, solution_id: SolutionId, token: SecretStr) -> Solution:
        """Read a partner solution's state. Source: SP/multi-partner-solutions."""
        params = {"fields": "id,name,status,status_for_pending_request,owner_permissions"}
        doing = f"Reading partner solution {solution_id}"
        return await self._one(Solution, doing, solution_id, token, params)

    async def solution_partners(
        self, solution_id: SolutionId, token: SecretStr
    ) -> list[SolutionPartner]:
        """Read who else is in a partner solution."""
        doing = f"Reading the partners of solution {solution_id}"
        return await self._all(SolutionPartner, doing, f"{solution_id}/partners", token)

    async def issue_token(
        self, solution_id: SolutionId, portfolio_id: PortfolioId, token: SecretStr
    ) -> IssuedToken:
        """Get a client's business token again, without the client, through our solution.

        Source: SP/multi-partner-solutions, which shows a list; Meta's OpenAPI document, one object.
        """
        doing, params = "Issuing a client's token again", {"business_id": portfolio_id}
        body = await self._get(doing, f"{solution_id}/access_token", token, params)
        rows = objects_in(body.fields.get("data"))
        return body.read(IssuedToken, rows[0] if rows else body.fields)

    async def app(self) -> AppFacts:
        """Read our own app's details."""
        params = {"fields": ",".join(AppFacts.model_fields)}
        doing = "Reading our app's details"
        return await self._one(AppFacts, doing, self._app.app_id, self._app.token, params)

    async def app_permissions(self) -> list[Permission]:
        """Read which permissions our app has been granted."""
        doing, path = "Reading our app's permissions", f"{self._app.app_id}/permissions"
        return await self._all(Permission, doing, path, self._app.token)

    async def app_subscriptions(self) -> list[AppSubscription]:
        """Read what our app is told of, and where."""
        doing, path = "Reading our app's webhooks", f"{self._app.app_id}/subscriptions"
        return await self._all(AppSubscription, doing, path, self._app.token)

    async def portfolio(self, portfolio_id: PortfolioId, token: SecretStr) -> Portfolio:
        """Read a business portfolio, our own above all."""
        params = {"fields": "id,name,verification_status"}
        doing = "Reading the business portfolio"
        return await self._one(Portfolio, doing, portfolio_id, token, params)

    async def _one(
        self,
        model: type[_Model],
        doing: str,
        path: str,
        token: SecretStr | None,
        params: Mapping[str, str] | None = None,
        changes: bool = False,
    ) -> _Model:
        body = await self._call("GET", doing, path, token, params=params, changes=changes)
        return body.read(model, body.fields)

    async def _all(
        self,
        model: type[_Model],
        doing: str,
        path: str,
        token: SecretStr,
        params: Mapping[str, str] | None = None,
    ) -> list[_Model]:
        found: list[_Model] = []
        asked = {"limit": str(PAGE), **(params or {})}
        for _ in range(MOST_PAGES):
            body = await self._get(doing, path, token, asked)
            found += body.read_each(model)
            if body.after is None:
                break
            asked["after"] = body.after
        return found

    async def _get(
        self,
        doing: str,
        path: str,
        token: SecretStr,
        params: Mapping[str, str] | None = None,
    ) -> "Answer":
        return await self._call("GET", doing, path, token, params=params)

    async def _call(
        self,
        method: Literal["GET", "POST", "DELETE"],
        doing: str,
        path: str,
        token: SecretStr | None,
        *,
        params: Mapping[str, str] | None = None,
        changes: bool = False,
    ) -> "Answer":
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        try:
            request = self._http.request(method, path, params=params, headers=headers)
            response = await count_call("meta", method, _template(path), request)
        except httpx.RequestError as error:
            problem = no_answer(doing, error, changes=changes)
        else:
            if response.is_success:
                return Answer(doing, response, changes)
            secrets = [token, self._app.app_secret, *_secrets_in(params)]
            raw = _without(response.text, secrets)
            problem = refused(doing, response, raw=raw, changes=changes)
        # Raised out here: the other error holds the request, whose URL may hold a secret.
        raise problem


class Answer:
    """A success, and the ways to read it that end in `MetaError`, never worse."""

    def __init__(self, doing: str, response: httpx.Response, changes: bool) -> None:
        self._doing, self._response, self._changes = doing, response, changes

    @property
    def fields(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            found: Any = json.loads(self._response.text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self.unusable("which is no JSON object")
        return cast("dict[str, Any]", found)

    def rows(self, *, required: bool = False) -> list[Any]:
        """The list `data`; an empty one when there is none, unless it is required."""
        found: object = self.fields.get("data")
        if required and not isinstance(found, list):
            raise self.unusable("without a list of data")
        return as_list(cast("object", found))

    def read_each(self, model: type[_Model], *, required: bool = False) -> list[_Model]:
        """Read a list of things that do not depend on each other: a bad one costs itself alone."""
        found, unread = read_items(model, self.rows(required=required), "data")
        if unread:
            logger.warning("%s: %s", self._doing, unread)
        return found

    @property
    def after(self) -> str | None:
        """Where the next page begins; None on the last."""
        paging = as_object(self.fields.get("paging"))
        after = as_object(paging.get("cursors")).get("after")
        return after if paging.get("next") and isinstance(after, str) and after else None

    def read(self, model: type[_Model], found: object) -> _Model:
        """Read one model out of what was found."""
        try:
            return model.model_validate(found)
        except ValidationError as error:
            wrong = {".".join(map(str, e["loc"])) or "the body" for e in error.errors()}
        # Raised out here: the other error holds the body, and must not come along as context.
        raise self.unusable(f"wrong in {', '.join(sorted(wrong))}")

    def unusable(self, missing: str) -> MetaError:
        """Make the error that says what is missing from this answer."""
        return unusable(self._doing, self._response, missing=missing, changes=self._changes)


def _template(path: str) -> str:
    # Only ids have digits in them.
    return "/" + re.sub(r"[^/]*\d[^/]*", "{}", path)


def _secrets_in(params: Mapping[str, str] | None) -> list[SecretStr]:
    names = ("client_secret", "code", "input_token")
    return [SecretStr(params[name]) for name in names if params and name in params]


def _without(text: str, secrets: list[SecretStr | None]) -> str:
    for secret in secrets:
        if secret and secret.get_secret_value():
            text = text.replace(secret.get_secret_value(), "[secret]")
    return text


def sign(raw: bytes, app_secret: SecretStr) -> str:
    """Return what Meta puts into `X-Hub-Signature-256` for a body. Source: WA/webhooks/overview."""
    key = app_secret.get_secret_value().encode()
    return "sha256=" + hmac.new(key, raw, hashlib.sha256).hexdigest()
