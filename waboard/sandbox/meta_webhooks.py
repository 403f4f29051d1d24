"""Webhooks of Meta's, signed with the app's secret. Source: WA/webhooks/overview."""

import hashlib
import hmac
import json
from typing import Any

from waboard.sandbox.world import World


async def partner_added(world: World, waba_id: str, portfolio_id: str) -> None:
    """Tell the provider that a client has shared its WABA."""
    info = {
        "waba_id": waba_id,
        "owner_business_id": portfolio_id,
        "solution_id": world.config.meta_solution_id,
    }
    value = {"event": "PARTNER_ADDED", "waba_info": info}
    await push(world, world.config.meta_portfolio_id, "account_update", value)


async def push(
    world: World, entry_id: str, field: str, value: dict[str, Any], time: int | None = None
) -> None:
    """Send one change, of now or of another time."""
    change = {"field": field, "value": value}
    said_at = int(world.clock()) if time is None else time
    entry = {"id": entry_id, "time": said_at, "changes": [change]}
    body = {"object": "whatsapp_business_account", "entry": [entry]}
    await push_raw(world, json.dumps(body).encode())


async def push_raw(world: World, raw: bytes) -> None:
    """Send a body exactly as it is."""
    url = world.books.meta.facts.webhook_url or world.config.meta_webhook_url
    if url is not None:
        secret = world.config.meta_app_secret.get_secret_value().encode()
        signature = "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
        await world.postman.push("meta", url, raw, headers={"X-Hub-Signature-256": signature})
