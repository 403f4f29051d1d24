"""Meta's Graph API, as far as a tech provider's onboarding uses it.

Sources: Meta's documentation of embedded signup and of multi-partner solutions; its OpenAPI
document of the business messaging API v23.0; error bodies as under WA/support/error-codes.
"""

import hmac
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from waboard.sandbox.fates import SenderFate
from waboard.sandbox.graph_health import number_health, waba_health
from waboard.sandbox.meta_books import CODE_LIVES, Grant
from waboard.sandbox.world import Here, World

PREFIX = "/graph/"
router = APIRouter(prefix="/graph/{version}")


class GraphRefusal(Exception):
    """Answered as Meta answers."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        subcode: int | None = None,
        kind: str = "OAuthException",
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.subcode = status, code, message, subcode
        self.kind = kind


async def on_graph_refusal(_request: Request, error: Exception) -> JSONResponse:
    """Write a refusal in Meta's shape."""
    assert isinstance(error, GraphRefusal)  # noqa: S101 - it is registered for nothing else
    body: dict[str, Any] = {
        "message": error.message,
        "type": error.kind,
        "code": error.code,
        "fbtrace_id": "AbCdEfGhIjK",
    }
    if error.subcode is not None:
        body["error_subcode"] = error.subcode
    return JSONResponse({"error": body}, status_code=error.status)


def _no_such(node: str) -> GraphRefusal:
    return GraphRefusal(
        400,
        100,
        f"Unsupported get request. Object with ID '{node}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation.",
        subcode=33,
    )


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _require_app(request: Request, world: World) -> None:
    config = world.config
    secret = config.meta_app_secret.get_secret_value()
    if not _same(_bearer(request), f"{config.meta_app_id}|{secret}"):
        raise GraphRefusal(401, 190, "Invalid OAuth access token.")


def _require_system(request: Request, world: World) -> None:
    if not _same(_bearer(request), world.config.meta_system_token.get_secret_value()):
        raise GraphRefusal(401, 190, "Invalid OAuth access token.")


def _grant(request: Request, world: World) -> Grant:
    grant = world.books.meta.tokens.get(_bearer(request))
    if grant is None:
        raise GraphRefusal(401, 190, "Invalid OAuth access token.")
    if grant.expires_at <= world.clock():
        raise GraphRefusal(401, 190, "Error validating access token: Session has expired.", 463)
    return grant


def _require_waba(request: Request, world: World, waba_id: str) -> str:
    shared = world.books.registration(waba_id).fate.partner
    if waba_id not in _grant(request, world).waba_ids or not shared:
        raise _no_such(waba_id)
    return waba_id


@router.get("/oauth/access_token")
async def exchange(
    world: Here,
    client_id: str = "",
    client_secret: str = "",
    code: str = "",
    redirect_uri: str | None = None,
) -> dict[str, Any]:
    """A code for a business token: once, within thirty seconds, without a redirect_uri."""
    config = world.config
    ours = _same(client_secret, config.meta_app_secret.get_secret_value())
    if client_id != config.meta_app_id or not ours:
        raise GraphRefusal(400, 101, "Error validating client secret.")
    found = world.books.meta.codes.get(code)
    if found is None or redirect_uri is not None:
        raise GraphRefusal(400, 100, "Error validating verification code.", 36008)
    if found.used:
        raise GraphRefusal(400, 100, "This authorization code has been used.", 36009)
    if world.clock() - found.made_at > CODE_LIVES:
        raise GraphRefusal(400, 100, "This authorization code has expired.", 36007)
    found.used = True
    token = world.books.meta.new_token(found.portfolio_id, world.clock())
    lives = world.books.meta.tokens[token].expires_at - int(world.clock())
    return {"access_token": token, "token_type": "bearer", "expires_in": lives}


@router.get("/debug_token")
async def debug_token(request: Request, world: Here, input_token: str = "") -> dict[str, Any]:
    """What a token may do, and until when."""
    _require_app(request, world)
    config, meta = world.config, world.books.meta
    if _same(input_token, config.meta_system_token.get_secret_value()):
        return {"data": _token_facts(config.meta_app_id, meta.facts.system_token_expires_at, [])}
    grant = meta.tokens.get(input_token)
    if grant is None:
        return {"data": {"is_valid": False, "error": {"code": 190, "message": "Malformed"}}}
    facts = _token_facts(config.meta_app_id, grant.expires_at, grant.waba_ids)
    return {"data": facts | {"is_valid": grant.expires_at > world.clock()}}


def _token_facts(app_id: str, expires_at: int, waba_ids: list[str]) -> dict[str, Any]:
    scopes = ["whatsapp_business_management", "whatsapp_business_messaging"]
    return {
        "app_id": app_id,
        "is_valid": True,
        "expires_at": expires_at,
        "data_access_expires_at": 0,
        "scopes": scopes,
        "granular_scopes": [{"scope": scope, "target_ids": waba_ids} for scope in scopes],
    }


@router.get("/me")
async def me(request: Request, world: Here) -> dict[str, Any]:
    """Whose token this is."""
    grant = _grant(request, world)
    return {"id": f"9{grant.portfolio_id}"[:17], "client_business_id": grant.portfolio_id}


@router.get("/{waba_id}/phone_numbers")
async def phone_numbers(
    waba_id: str, request: Request, world: Here, fields: str = ""
) -> dict[str, Any]:
    """The numbers of a WABA."""
    fate = world.books.registration(_require_waba(request, world, waba_id)).fate
    rows = [_number(world, sender) for sender in fate.senders]
    if _asks_for_health(fields):
        for row, sender in zip(rows, fate.senders, strict=True):
            app_id = world.config.meta_app_id
            row["health_status"] = number_health(waba_id, fate, sender, app_id)
    return {"data": rows}


def _asks_for_health(fields: str) -> bool:
    return "health_status" in fields.split(",")


def _number(world: World, sender: SenderFate) -> dict[str, Any]:
    registered = sender.number in world.books.senders
    return {
        "id": sender.phone_number_id,
        "display_phone_number": sender.display_phone_number,
        "verified_name": "Sandbox client",
        "status": sender.meta_status if registered else "PENDING",
        "code_verification_status": "VERIFIED",
        "name_status": sender.name_status,
        "quality_rating": sender.quality_rating if registered else "UNKNOWN",
        "platform_type": "CLOUD_API" if registered else "NOT_APPLICABLE",
    }


@router.post("/{waba_id}/subscribed_apps")
async def subscribe(waba_id: str, request: Request, world: Here) -> dict[str, Any]:
    """Subscribe the app of the token."""
    world.books.meta.subscribed.add(_require_waba(request, world, waba_id))
    return {"success": True}


@router.delete("/{waba_id}/subscribed_apps")
async def unsubscribe(waba_id: str, request: Request, world: Here) -> dict[str, Any]:
    """Unsubscribe the app of the token; that it was not subscribed is no error."""
    world.books.meta.subscribed.discard(_require_waba(request, world, waba_id))
    return {"success": True}


@router.get("/{waba_id}/subscribed_apps")
async def subscribed_apps(waba_id: str, request: Request, world: Here) -> dict[str, Any]:
    """Which apps are subscribed."""
    _require_waba(request, world, waba_id)
    if waba_id not in world.books.meta.subscribed:
        return {"data": []}
    data = {"id": world.config.meta_app_id, "name": "Sandbox provider", "link": ""}
    return {"data": [{"whatsapp_business_api_data": data}]}


@router.get("/{solution_id}/partners")
async def partners(solution_id: str, request: Request, world: Here) -> dict[str, Any]:
    """Who else is in the solution: Infobip's app."""
    _require_solution(request, world, solution_id)
    facts = world.books.meta.facts
    partner = {"id": "1370401139746733", "name": "Infobip"}
    return {
        "data": [
            {
                "partner_app": partner,
                "partner_permissions": facts.partner_permissions,
                "status": facts.partner_status,
            }
        ]
    }


@router.get("/{solution_id}/access_token")
async def issue_token(
    solution_id: str, request: Request, world: Here, business_id: str = ""
) -> dict[str, Any]:
    """A client's token again, without the client."""
    _require_solution(request, world, solution_id)
    owned = [waba for waba, of in world.books.meta.owners.items() if of == business_id]
    if not any(world.books.registration(waba).fate.partner for waba in owned):
        raise _no_such(business_id)
    return {"data": [{"access_token": world.books.meta.new_token(business_id, world.clock())}]}


@router.get("/{app_id}/permissions")
async def permissions(app_id: str, request: Request, world: Here) -> dict[str, Any]:
    """What the app was granted."""
    _require_own_app(request, world, app_id)
    found = world.books.meta.facts.permissions.items()
    return {"data": [{"permission": name, "status": status} for name, status in found]}


@router.get("/{app_id}/subscriptions")
async def subscriptions(app_id: str, request: Request, world: Here) -> dict[str, Any]:
    """What the app is told of."""
    _require_own_app(request, world, app_id)
    facts = world.books.meta.facts
    fields = [{"name": name, "version": "v26.0"} for name in facts.webhook_fields]
    url = facts.webhook_url or world.config.meta_webhook_url
    row = {
        "object": "whatsapp_business_account",
        "callback_url": url,
        "active": facts.webhook_active,
        "fields": fields,
    }
    return {"data": [row] if url else []}


@router.get("/{node}")
async def node(node: str, request: Request, world: Here, fields: str = "") -> dict[str, Any]:
    """One object by its id: the app, the solution, our portfolio, or a WABA."""
    config, facts = world.config, world.books.meta.facts
    if node == config.meta_app_id:
        _require_app(request, world)
        return {"id": node, **facts.app}
    if node == config.meta_solution_id:
        _require_solution(request, world, node)
        return {
            "id": node,
            "name": "Sandbox solution",
            "status": facts.solution_status,
            "status_for_pending_request": facts.solution_pending,
            "owner_permissions": facts.owner_permissions,
        }
    if node == config.meta_portfolio_id:
        _require_system(request, world)
        status = facts.verification_status
        return {"id": node, "name": "Sandbox provider", "verification_status": status}
    if _same(_bearer(request), config.meta_system_token.get_secret_value()):
        raise _no_such(node)
    owner = world.books.meta.owners.get(_require_waba(request, world, node), "")
    fate = world.books.registration(node).fate
    health = waba_health(node, fate, config.meta_app_id)
    return {
        "id": node,
        "name": "Sandbox client",
        "account_review_status": fate.review,
        **({"health_status": health} if _asks_for_health(fields) else {}),
        "ownership_type": "CLIENT_OWNED",
        "owner_business_info": {"id": owner, "name": "Sandbox client"},
    }


def _require_solution(request: Request, world: World, solution_id: str) -> None:
    _require_system(request, world)
    if solution_id != world.config.meta_solution_id:
        said = f"(#803) Some of the aliases do not exist: {solution_id}"
        raise GraphRefusal(404, 803, said, kind="GraphMethodException")


def _require_own_app(request: Request, world: World, app_id: str) -> None:
    _require_app(request, world)
    if app_id != world.config.meta_app_id:
        raise _no_such(app_id)
