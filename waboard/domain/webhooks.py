"""Infobip's webhooks: which there are, where each arrives, and how they are told to come here.

One subscription and one profile for each, so that what a body is about is known by its address and
never guessed from its shape. Events: `SimpleWhatsappEvents` of Infobip's OpenAPI subscriptions-api
3.210.0; that ACCOUNT_REGISTRATION is the programme page's registration event is inferred.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

SECURITY_ID = "waboard"
"""The id of the security setting of all of them, at Infobip."""


class Hook(StrEnum):
    """A webhook of Infobip's, by the last part of its address, `/hooks/infobip/…`."""

    REGISTRATION = "registration"
    DELIVERY = "delivery"
    SEEN = "seen"
    INBOUND = "inbound"
    TEMPLATES = "templates"
    ACCOUNT = "account"

    @property
    def event(self) -> str:
        """What Infobip calls it."""
        return _EVENTS[self]

    @property
    def kind(self) -> str:
        """What its facts are kept as."""
        return "template" if self is Hook.TEMPLATES else self.value

    @property
    def id(self) -> str:
        """The id of its subscription, and of its profile, at Infobip."""
        return f"waboard-{self.value}"

    @property
    def is_of_an_application(self) -> bool:
        """Whether only what concerns our application is asked for: the account may have others."""
        return self in {Hook.DELIVERY, Hook.SEEN}

    def url(self, public_url: str) -> str:
        """Where Infobip reaches it."""
        return f"{public_url.rstrip('/')}/hooks/infobip/{self.value}"


_EVENTS = {
    Hook.REGISTRATION: "ACCOUNT_REGISTRATION",
    Hook.DELIVERY: "DELIVERY",
    Hook.SEEN: "SEEN",
    Hook.INBOUND: "INBOUND_MESSAGE",
    Hook.TEMPLATES: "TEMPLATE_UPDATE",
    Hook.ACCOUNT: "ACCOUNT_UPDATE_NOTIFICATION",
}


@dataclass(frozen=True, slots=True)
class HookState:
    """How one webhook stands: whether Infobip took its event, and whether it had to be changed."""

    hook: Hook
    took: bool
    changed: bool = False


def not_taken(states: Sequence[HookState]) -> list[str]:
    """Return the events that do not come here, as Infobip calls them."""
    return [state.hook.event for state in states if not state.took]
