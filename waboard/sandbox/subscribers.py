"""Who is told of an event: the one subscription that fits it best, if there is one.

Sources: Infobip's pages on subscriptions ("without groups, each event is delivered to one
subscription"); which one, where several fit, is inferred: the one that asks for more, then the
older. An event without application and entity fits no subscription that asks for them (inferred).
"""

import base64
from typing import Literal

from waboard.sandbox.config import SandboxConfig
from waboard.sandbox.subscription_books import Criterion, Json, Profile, Security, Subscription
from waboard.sandbox.webhooks import Address, signature
from waboard.sandbox.world import World

Event = Literal[
    "ACCOUNT_REGISTRATION",
    "ACCOUNT_UPDATE_NOTIFICATION",
    "DELIVERY",
    "INBOUND_MESSAGE",
    "SEEN",
    "TEMPLATE_UPDATE",
]


def subscriber(
    world: World, event: Event, platform: Json | None = None, sender: str | None = None
) -> Address | None:
    """Where this event goes; `platform` and `sender` are those of the message, if it is one."""
    books = world.books.subscriptions
    fitting = [
        (_fit(each, platform or {}, sender), each)
        for (channel, _), each in books.subscriptions.items()
        if channel == "WHATSAPP" and event in each.events
    ]
    found = max((each for each in fitting if each[0]), key=lambda each: each[0], default=None)
    return _address(world, books.profiles[found[1].profile.profile_id]) if found else None


def _fit(subscription: Subscription, platform: Json, sender: str | None) -> int:
    """0 when something that is asked for is not so, else more for each thing asked for."""
    fits = [_fits(each, platform) for each in subscription.criteria or []]
    if (fits and not max(fits)) or (
        subscription.resources and sender not in subscription.resources
    ):
        return 0
    return 1 + max(fits, default=0) + bool(subscription.resources)


def _fits(criterion: Criterion, platform: Json) -> int:
    """No message has a calls configuration; a criterion that asks for nothing always fits."""
    asked = criterion.as_json()
    fits = all(platform.get(name) == value for name, value in asked.items())
    return 1 + len(asked) if fits else 0


def _address(world: World, profile: Profile) -> Address:
    books = world.books.subscriptions
    security = books.security[profile.security.auth_id] if profile.security else None
    webhook = profile.webhook
    fixed = dict(profile.headers or {})
    if webhook and webhook.content_type:
        fixed["Content-Type"] = webhook.content_type

    def headers(raw: bytes) -> dict[str, str]:
        return {**fixed, **_proof(world.config, security, raw)}

    return Address(webhook.notify_url if webhook else "", headers)


def _proof(config: SandboxConfig, security: Security | None, raw: bytes) -> dict[str, str]:
    """What proves who sends it. OAUTH is kept but not acted on: it needs somebody's token server.

    The header of HMAC and its form are not documented: they are those of the account's webhooks.
    """
    given = (security.credentials if security else None) or {}
    match security.type if security else None:
        case "HMAC":
            algorithm = given["algorithm"].removeprefix("HMAC_").replace("_", "")
            return {config.hmac_header: signature(algorithm, given["secretKey"], raw)}
        case "BASIC":
            pair = f"{given['username']}:{given['password']}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        case "CUSTOM":
            return dict(given["headers"])
        case _:
            return {}
