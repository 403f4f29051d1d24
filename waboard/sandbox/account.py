"""How the provider's account stands at Infobip: what its key may do, what it can subscribe to.

Source of the scopes: `x-scopes` in the Infobip OpenAPI 3.210.0
documents. A key needs one of those that an operation names.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Scope = Literal[
    "application-entity:manage",
    "inbound-message:read",
    "message:send",
    "messages-api:manage",
    "messages-api:message:send",
    "numbers:manage",
    "subscriptions:manage",
    "whatsapp:manage",
    "whatsapp:message:send",
]

_SUBSCRIPTIONS = "/subscriptions/"
_SENDING: tuple[Scope, ...] = ("message:send", "messages-api:manage", "messages-api:message:send")

_NEEDED: tuple[tuple[str, tuple[Scope, ...]], ...] = (
    (_SUBSCRIPTIONS, ("subscriptions:manage",)),
    ("/provisioning/", ("application-entity:manage",)),
    ("/numbers/", ("numbers:manage",)),
    ("/messages-api/1/inbound", ("inbound-message:read", "messages-api:manage")),
    ("/messages-api/", _SENDING),
    ("/whatsapp/1/message/", ("message:send", "whatsapp:manage", "whatsapp:message:send")),
    ("/whatsapp/", ("whatsapp:manage",)),
)
"""The first that a path begins with is the one that counts."""


class AccountFacts(BaseModel):
    """What is not given is in order: every scope, every event."""

    model_config = ConfigDict(extra="forbid")

    missing_scopes: list[Scope] = Field(default_factory=list[Scope])
    """What the key may not do: 403."""
    subscriptions_offered: bool = True
    """Whether the account has the Subscriptions API at all; without it, 403 as well."""
    unavailable_events: list[str] = Field(default_factory=list[str])
    """Subscribed to, these are dropped without a word, as the document says of any such event."""

    inbound_shape: Literal["whatsapp", "messages-api"] = "whatsapp"
    """In which of the two documented shapes a subscription gets what people write."""

    def allows(self, path: str) -> bool:
        """Whether the key may call this path."""
        if path.startswith(_SUBSCRIPTIONS) and not self.subscriptions_offered:
            return False
        needed = next((scopes for start, scopes in _NEEDED if path.startswith(start)), ())
        return not needed or not set(needed) <= set(self.missing_scopes)
