"""The gateway's API, as the command line uses it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote

import httpx

from waboard.domain.errors import BadInput, NotFound, WaboardError
from waboard.settings import Settings

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_KINDS: dict[int, type[WaboardError]] = {404: NotFound}


class Unreachable(WaboardError):
    """Nobody answers where the gateway should be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request for an onboarding led to, and whether it is, or would be, a new one."""

    onboarding: dict[str, Any]
    is_new: bool


class GatewayClient:
    """Calls the gateway with the first of the API keys. Every problem becomes a WaboardError."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        if not settings.api_keys:
            raise BadInput(
                "WABOARD_API_KEYS",
                "is not set.",
                remedy="Set it to a key that the gateway knows, or start `waboard up --sandbox`.",
            )
        key = settings.api_keys[0].get_secret_value()
        if not key.isascii() or not key.isprintable():
            raise BadInput(
                "WABOARD_API_KEYS", "no header can hold this key.", remedy="Use ASCII letters."
            )
        self._url = settings.gateway_url
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,  # no proxy stands between two processes of one machine
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def start(self, request: dict[str, Any]) -> Asked:
        """Start an onboarding, or find the one that was asked for before."""
        answer = self._send("POST", "/v1/onboardings", json=request)
        is_new = answer.status_code == HTTPStatus.CREATED or "Location" in answer.headers
        return Asked(self._read(answer), is_new=is_new)

    def would_start(self, request: dict[str, Any]) -> Asked:
        """Ask what `start` would do. Nothing is done."""
        answer = self._send("POST", "/v1/onboardings", json=request, params={"dry_run": True})
        is_new = answer.status_code == HTTPStatus.NO_CONTENT
        return Asked(self._read(answer) or {}, is_new=is_new)

    def onboarding(self, onboarding_id: str) -> dict[str, Any]:
        """Return one onboarding."""
        return self._call("GET", f"/v1/onboardings/{onboarding_id}")

    def onboardings(self, client_ref: str | None) -> list[dict[str, Any]]:
        """Return onboardings, the newest first."""
        return self._call("GET", "/v1/onboardings", params=_given(client_ref=client_ref))

    def order(self, onboarding_id: str, verb: str, request: dict[str, Any]) -> dict[str, Any]:
        """Have something done to an onboarding, and return it."""
        return self._call("POST", f"/v1/onboardings/{onboarding_id}/{verb}", json=request)

    def add_sender(self, onboarding_id: str, request: dict[str, Any]) -> dict[str, Any]:
        """Add a sender to a WABA, or find the run that does already."""
        return self._call("POST", f"/v1/onboardings/{onboarding_id}/senders", json=request)

    def additions(self, onboarding_id: str) -> list[dict[str, Any]]:
        """Return the senders that were added to a WABA after its signup."""
        return self._call("GET", f"/v1/onboardings/{onboarding_id}/senders/additions")

    def give_otp(self, onboarding_id: str, number: str, request: dict[str, Any]) -> dict[str, Any]:
        """Give a one-time password, or have another one sent."""
        path = f"/v1/onboardings/{onboarding_id}/senders/{quote(number, safe='')}/otp"
        return self._call("POST", path, json=request)

    def assign_sender(
        self, onboarding_id: str, number: str, order: dict[str, Any]
    ) -> dict[str, Any]:
        """Decide that a number belongs to a client, and return the client's onboarding."""
        path = f"/v1/onboardings/{onboarding_id}/senders/{quote(number, safe='')}/assign"
        return self._call("POST", path, json=order)

    def set_profile(
        self, onboarding_id: str, number: str, change: dict[str, Any]
    ) -> dict[str, Any]:
        """Change a sender's business profile."""
        path = f"/v1/onboardings/{onboarding_id}/senders/{quote(number, safe='')}/profile"
        return self._call("PATCH", path, json=change)

    def reconcile(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a reconciliation."""
        return self._call("POST", "/v1/reconcile", json=request)

    def make_link(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make a signup link; its address is in the answer, and nowhere else."""
        return self._call("POST", "/v1/signup-links", json=request)

    def links(self, client_ref: str) -> list[dict[str, Any]]:
        """Return a client's signup links, the newest first."""
        return self._call("GET", "/v1/signup-links", params=_given(client_ref=client_ref))

    def revoke_link(self, link_id: str) -> dict[str, Any]:
        """Withdraw a signup link."""
        return self._call("DELETE", f"/v1/signup-links/{link_id}")

    def readiness(self) -> dict[str, Any]:
        """Return how the provider's own set-up stands."""
        return self._call("GET", "/v1/readiness")

    def confirm(self, item: str, *, who: str, holds: bool, note: str) -> None:
        """Say how an item stands that only a person can see."""
        said = {"who": who, "holds": holds, "note": note}
        self._call("POST", f"/v1/readiness/{item}", json=said)

    def events(self, disposition: str | None, limit: int) -> list[dict[str, Any]]:
        """Return events, the newest first."""
        params = _given(disposition=disposition, limit=limit)
        return self._call("GET", "/v1/events", params=params)

    def event(self, event_id: int) -> dict[str, Any]:
        """Return one event with its body."""
        return self._call("GET", f"/v1/events/{event_id}")

    def replay(self, event_id: int) -> dict[str, Any]:
        """Run an event again."""
        return self._call("POST", f"/v1/events/{event_id}/replay")

    def messages(self, state: str | None, limit: int) -> list[dict[str, Any]]:
        """Return messages to the provider's own system, the newest first."""
        return self._call("GET", "/v1/outbox", params=_given(state=state, limit=limit))

    def message(self, message_id: str) -> dict[str, Any]:
        """Return one message with its body."""
        return self._call("GET", f"/v1/outbox/{quote(message_id, safe='')}")

    def send_again(self, message_id: str) -> dict[str, Any]:
        """Send a message again."""
        return self._call("POST", f"/v1/outbox/{quote(message_id, safe='')}/replay")

    def send_all_again(self, since: str) -> dict[str, Any]:
        """Send all messages of a time and later again."""
        return self._call("POST", "/v1/outbox/replay", json={"since": since})

    def resume_outbox(self) -> dict[str, Any]:
        """Send the provider's own system messages again, after it wanted no more."""
        return self._call("POST", "/v1/outbox/resume")

    def _call(self, method: str, path: str, **more: Any) -> Any:
        return self._read(self._send(method, path, **more))

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.HTTPError:
            raise Unreachable(
                f"No gateway answers at {self._url}.",
                remedy="Start it with `waboard up`, or correct WABOARD_GATEWAY_HOST and _PORT.",
            ) from None
        if not answer.is_success:
            raise _problem(answer)
        return answer

    def _read(self, answer: httpx.Response) -> Any:
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            raise Unreachable(
                f"What answers at {self._url} is no gateway.",
                remedy="Correct WABOARD_GATEWAY_HOST and WABOARD_GATEWAY_PORT.",
            ) from None


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _problem(answer: httpx.Response) -> WaboardError:
    try:
        body = answer.json()
        message, remedy = body["detail"], body["remedy"]
    except (ValueError, KeyError, TypeError):
        message, remedy = f"The gateway answered {answer.status_code}.", "Look at its log."
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return NotLetIn(message, remedy=remedy)
    if answer.status_code in {409, 413, 422}:
        return Refused(message, remedy=remedy)
    return _KINDS.get(answer.status_code, WaboardError)(message, remedy=remedy)


class Refused(WaboardError):
    """The gateway finds what was asked for wrong."""


class NotLetIn(Refused):
    """The gateway does not know the API key: whatever is asked for, it refuses."""
