"""Asking the providers how our own set-up stands. One that does not answer leaves it unknown."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import SecretStr

from waboard.domain.clock import Clock
from waboard.domain.errors import ProviderError
from waboard.domain.ids import PortfolioId, SolutionId
from waboard.domain.readiness import CLIENT_TOKEN_SOON, Facts
from waboard.infobip.client import InfobipClient
from waboard.ledger.database import Ledger
from waboard.ledger.events import last_received
from waboard.ledger.models import EventKind
from waboard.ledger.tokens import tokens_ending
from waboard.meta.client import GraphClient
from waboard.meta.models import AppSubscription, SolutionPartner
from waboard.meta.setup import Setup
from waboard.meta.versions import ENDS
from waboard.webhook_setup import look

T = TypeVar("T")
OBJECT = "whatsapp_business_account"


class _Asker:
    """Asks one thing after another, and remembers what could not be asked."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}

    async def ask(
        self, items: tuple[str, ...], question: Callable[[], Awaitable[T]], otherwise: T
    ) -> T:
        try:
            return await question()
        except ProviderError as error:
            self.failures |= dict.fromkeys(items, f"Not known: {error}")
            return otherwise


async def gather_facts(
    setup: Setup,
    graph: GraphClient | None,
    infobip: InfobipClient,
    ledger: Ledger,
    clock: Clock,
) -> Facts:
    """Ask for everything that an API can show."""
    asker = _Asker()
    application = setup.application_id
    # Without the API, or its scope, whether a webhook has arrived is still known.
    hooks = await _Asker().ask((), lambda: look(infobip.subscriptions, setup.public_url), None)
    await asker.ask(("infobip-key",), lambda: infobip.get_application(application), None)
    async with ledger.read() as session:
        webhook_at = await last_received(session, EventKind.REGISTRATION, "webhook")
        ending = await tokens_ending(session, clock() + CLIENT_TOKEN_SOON)
    return Facts(
        now=clock(),
        our_webhook_url=f"{setup.public_url}/hooks/meta",
        public_url=setup.public_url,
        config_id=setup.config_id,
        graph_version=setup.graph_version,
        graph_versions=ENDS,
        infobip_answers=True,
        registration_webhook_at=webhook_at,
        hooks=hooks,
        client_tokens_ending=ending,
        **await _of_meta(setup, graph, asker),
        failures=asker.failures,
    )


async def _of_meta(setup: Setup, graph: GraphClient | None, asker: _Asker) -> Mapping[str, Any]:
    if graph is None:
        missing = "Not known: the WABOARD_META_… settings are missing."
        asker.failures |= dict.fromkeys(_OF_META, missing)
        return {}
    app = await asker.ask(("app-details",), graph.app, None)
    permissions = await asker.ask(("app-review",), graph.app_permissions, [])
    subscriptions = await asker.ask(("meta-webhooks",), graph.app_subscriptions, [])
    facts: dict[str, Any] = {
        "app": app.model_dump() if app else None,
        "permissions": {each.permission: each.status for each in permissions},
        **_subscription(subscriptions),
    }
    return facts | await _as_system_user(setup, graph, asker)


_OF_META = (
    "portfolio",
    "app-details",
    "business-verification",
    "app-review",
    "solution",
    "partner",
    "meta-webhooks",
    "system-token",
)
_OF_THE_TOKEN = ("portfolio", "business-verification", "solution", "partner", "system-token")


def _subscription(found: list[AppSubscription]) -> dict[str, Any]:
    ours = next((each for each in found if each.object == OBJECT), None)
    if ours is None:
        return {}
    return {
        "webhook_url": ours.callback_url,
        "webhook_active": ours.active,
        "webhook_fields": frozenset(ours.fields),
    }


async def _as_system_user(setup: Setup, graph: GraphClient, asker: _Asker) -> dict[str, Any]:
    token = setup.system_token
    if token is None:
        missing = "Not known: WABOARD_META_SYSTEM_TOKEN is not set."
        asker.failures |= dict.fromkeys(_OF_THE_TOKEN, missing)
        return {}
    return {
        **await _portfolio(setup, graph, token, asker),
        **await _solution(setup, graph, token, asker),
        **await _token(graph, token, asker),
    }


async def _portfolio(
    setup: Setup, graph: GraphClient, token: SecretStr, asker: _Asker
) -> dict[str, Any]:
    items = ("portfolio", "business-verification")
    if setup.portfolio_id is None:
        missing = "Not known: WABOARD_META_PORTFOLIO_ID is not set."
        asker.failures |= dict.fromkeys(items, missing)
        return {}
    ours = PortfolioId(setup.portfolio_id)
    found = await asker.ask(items, lambda: graph.portfolio(ours, token), None)
    return {"verification_status": found.verification_status} if found else {}


async def _solution(
    setup: Setup, graph: GraphClient, token: SecretStr, asker: _Asker
) -> dict[str, Any]:
    if setup.solution_id is None:
        return {}
    ours = SolutionId(setup.solution_id)
    found = await asker.ask(("solution",), lambda: graph.solution(ours, token), None)
    nobody: list[SolutionPartner] = []
    partners = await asker.ask(("partner",), lambda: graph.solution_partners(ours, token), nobody)
    infobip = next((p for p in partners if p.app_id == setup.partner_app_id), None)
    return {
        "solution": (found.status, found.status_for_pending_request) if found else None,
        "partner": (infobip.status, infobip.partner_permissions) if infobip else None,
    }


async def _token(graph: GraphClient, token: SecretStr, asker: _Asker) -> dict[str, Any]:
    found = await asker.ask(("system-token",), lambda: graph.debug_token(token), None)
    if found is None:
        return {}
    ends = datetime.fromtimestamp(found.expires_at, UTC) if found.expires_at else None
    return {"token_is_valid": found.is_valid, "token_ends_at": ends}
