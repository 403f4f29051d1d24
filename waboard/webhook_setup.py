"""Infobip's webhooks, brought here by its Subscriptions API: read, changed, read back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from waboard.domain.webhooks import SECURITY_ID, Hook, HookState
from waboard.infobip.subscriptions import (
    BasicSecurity,
    Criterion,
    HmacSecurity,
    Profile,
    Subscription,
    Subscriptions,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the webhooks should be: to which address, authenticated how, and of which application."""

    public_url: str
    security: HmacSecurity | BasicSecurity
    application_id: str

    def profile(self, hook: Hook) -> Profile:
        """Where one goes."""
        url = hook.url(self.public_url)
        return Profile(profile_id=hook.id, notify_url=url, auth_id=SECURITY_ID)

    def subscription(self, hook: Hook) -> Subscription:
        """Which event it is, and of what."""
        own = (Criterion(application_id=self.application_id),)
        return Subscription(
            subscription_id=hook.id,
            name=f"waboard: {hook.value}",
            profile_id=hook.id,
            events=(hook.event,),
            criteria=own if hook.is_of_an_application else (),
        )


async def set_up(api: Subscriptions, wanted: Wanted) -> list[HookState]:
    """Make or mend everything, and return how each webhook stands after it.

    The secret is written each time, since reading a security setting need not show it. Raises
    InfobipError when the account has no Subscriptions API, or the key not its scope.
    """
    await _have_security(api, wanted.security, renew=True)
    return [await _bring(api, wanted, hook) for hook in Hook]


async def repair(api: Subscriptions, wanted: Wanted) -> list[HookState] | None:
    """Mend what was set up once, and return how it stands; None when it never was."""
    if await api.get_security(SECURITY_ID) is None:
        return None
    await _have_security(api, wanted.security, renew=False)
    return [await _bring(api, wanted, hook) for hook in Hook]


async def look(api: Subscriptions, public_url: str) -> list[HookState] | None:
    """Return how each webhook stands, and change nothing; None when they were never set up."""
    if await api.get_security(SECURITY_ID) is None:
        return None
    return [await _seen(api, public_url, hook) for hook in Hook]


async def _seen(api: Subscriptions, public_url: str, hook: Hook) -> HookState:
    profile = await api.get_profile(hook.id)
    comes_here = profile is not None and profile.notify_url == hook.url(public_url)
    return HookState(hook, took=comes_here and await _is_taken(api, hook))


async def _is_taken(api: Subscriptions, hook: Hook) -> bool:
    # An event that the account does not have is left out without a word.
    found = await api.get(hook.id)
    return found is not None and hook.event in found.events


async def _have_security(
    api: Subscriptions, security: HmacSecurity | BasicSecurity, *, renew: bool
) -> None:
    found = await api.get_security(security.auth_id)
    if found is None and await api.create_security(security):
        return
    kind = security.to_wire()["type"]
    if renew or found is None or found.type != kind:
        await api.replace_security(security)


async def _bring(api: Subscriptions, wanted: Wanted, hook: Hook) -> HookState:
    profile, subscription = wanted.profile(hook), wanted.subscription(hook)
    moved = await _have(
        await api.get_profile(hook.id),
        profile,
        create=lambda: api.create_profile(profile),
        replace=lambda: api.replace_profile(profile),
    )
    changed = await _have(
        await api.get(hook.id),
        subscription,
        create=lambda: api.create(subscription),
        replace=lambda: api.replace(subscription),
    )
    return HookState(hook, took=await _is_taken(api, hook), changed=moved or changed)


async def _have(
    found: Profile | Subscription | None,
    wanted: Profile | Subscription,
    *,
    create: Callable[[], Awaitable[bool]],
    replace: Callable[[], Awaitable[None]],
) -> bool:
    # Two who create the same at once: the second finds the id taken, and replaces it.
    if found is not None and _of_consequence(found) == _of_consequence(wanted):
        return False
    if found is not None or not await create():
        await replace()
    return True


def _of_consequence(each: Profile | Subscription) -> dict[str, Any]:
    # A name, or a pace that somebody set by hand, is theirs.
    wire = each.to_wire()
    parts = ("webhook", "security", "profile", "events", "criteria")
    return {part: wire.get(part) for part in parts}
