"""Subscriptions: which events go to which notification profile.

Source: Infobip OpenAPI subscriptions-api 3.210.0. All channels can be subscribed to; only those of
WHATSAPP ever have anything to tell here.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from waboard.sandbox.account import AccountFacts
from waboard.sandbox.errors import Refusal
from waboard.sandbox.paging import Page, paged
from waboard.sandbox.profiles import Size, create_profile, known, profile_named, refuse_if_taken
from waboard.sandbox.subscription_books import (
    WHATSAPP_EVENTS,
    Filters,
    Json,
    NamedProfile,
    NamedSubscription,
    ProfileReference,
    Subscription,
    SubscriptionBooks,
)
from waboard.sandbox.world import Here

router = APIRouter(prefix="/subscriptions/1/subscription/{channel}")

Channel = Literal[
    "AGENT_OS",
    "APPLE_MESSAGES_FOR_BUSINESS",
    "BLOCKLIST",
    "CUSTOMER_ENGAGEMENT",
    "EMAIL",
    "FACEBOOK",
    "KAKAO_ALIM",
    "KAKAO_BRAND_MESSAGE",
    "LINE",
    "MMS",
    "MOBILE_IDENTITY",
    "MOBILE_PUSH",
    "NUMBER_LOOKUP",
    "OPEN_CHANNEL",
    "RCS",
    "REGISTRATION",
    "SMS",
    "VIBER",
    "VOICE_VIDEO",
    "WEB_PUSH",
    "WHATSAPP",
    "ZALO",
]
Asked = Annotated[str, Field(min_length=1, max_length=255)]


class ListQuery(BaseModel):
    """Whatever is given must fit, all of it."""

    page: Page = 0
    size: Size = 20
    applicationId: Asked | None = None  # noqa: N815 - as on the wire
    entityId: Asked | None = None  # noqa: N815
    callsConfigurationId: Asked | None = None  # noqa: N815
    resource: Asked | None = None
    user: Asked | None = None

    def admits(self, each: Subscription) -> bool:
        """Whether a subscription has everything that was asked for."""
        names = ("applicationId", "entityId", "callsConfigurationId")
        asked = {name: getattr(self, name) for name in names if getattr(self, name)}
        criteria = [criterion.as_json() for criterion in each.criteria or []]
        return (
            (not asked or any(asked.items() <= criterion.items() for criterion in criteria))
            and (self.resource is None or self.resource in (each.resources or []))
            and (self.user is None or self.user in (each.users or []))
        )


@router.get("")
async def list_all(channel: Channel, query: Annotated[ListQuery, Query()], world: Here) -> Json:
    """Those of a channel that fit all given filters."""
    books = world.books.subscriptions
    found = [
        _shown(books, key, each)
        for (its_channel, key), each in books.subscriptions.items()
        if its_channel == channel and query.admits(each)
    ]
    return paged(found, query.page, query.size)


@router.post("", status_code=201)
async def create(
    channel: Channel, body: NamedSubscription, world: Here, response: Response
) -> Json:
    """201 and where it is; a profile that is described in full is created along with it."""
    books = world.books.subscriptions
    refuse_if_taken((channel, body.subscription_id) in books.subscriptions)
    _have_profile(books, body.profile)
    reference = ProfileReference.model_construct(profile_id=body.profile.profile_id)
    _keep(world.books.account, books, (channel, body.subscription_id), body, reference)
    response.headers["Location"] = f"/subscriptions/1/subscription/{channel}/{body.subscription_id}"
    return _named(books, channel, body.subscription_id)


@router.get("/{subscription_id}")
async def get_one(channel: Channel, subscription_id: str, world: Here) -> Json:
    """One of them: the only way to see which events were silently dropped."""
    books = world.books.subscriptions
    return _shown(books, subscription_id, _known(books, channel, subscription_id))


@router.put("/{subscription_id}")
async def replace(channel: Channel, subscription_id: str, body: Subscription, world: Here) -> Json:
    """All but the id is replaced; the profile must exist."""
    books = world.books.subscriptions
    _known(books, channel, subscription_id)
    known(books.profiles, body.profile.profile_id, "Profile")
    _keep(world.books.account, books, (channel, subscription_id), body, body.profile)
    return _named(books, channel, subscription_id)


@router.delete("/{subscription_id}")
async def delete(channel: Channel, subscription_id: str, world: Here) -> Json:
    """Its profile stays."""
    books = world.books.subscriptions
    _known(books, channel, subscription_id)
    named = _named(books, channel, subscription_id)
    del books.subscriptions[channel, subscription_id]
    return named


def _known(books: SubscriptionBooks, channel: str, subscription_id: str) -> Subscription:
    found = books.subscriptions.get((channel, subscription_id))
    if found is None:
        raise Refusal(404)
    return found


def _have_profile(books: SubscriptionBooks, wanted: NamedProfile) -> None:
    """An existing profile stays as it is: what else is said of it "will be ignored"."""
    if wanted.profile_id in books.profiles:
        return
    if wanted.webhook is None:
        raise Refusal(404, text="Profile not found")
    create_profile(books, wanted)


def _keep(
    account: AccountFacts,
    books: SubscriptionBooks,
    key: tuple[str, str],
    given: Filters,
    profile: ProfileReference,
) -> None:
    filters = {name: getattr(given, name) for name in Filters.model_fields}
    filters["events"] = _available(account, key[0], given.events)
    books.subscriptions[key] = Subscription.model_construct(**filters, profile=profile)


def _available(account: AccountFacts, channel: str, events: list[Any]) -> list[Any]:
    """What is subscribed to and "unavailable for a certain channel will be ignored"."""
    if channel != "WHATSAPP":
        return events
    offered = set(WHATSAPP_EVENTS) - set(account.unavailable_events)
    return [each for each in dict.fromkeys(map(str, events)) if each in offered]


def _named(books: SubscriptionBooks, channel: str, subscription_id: str) -> Json:
    """`IdOnlySubscriptionResponse`."""
    profile_id = books.subscriptions[channel, subscription_id].profile.profile_id
    return {"subscriptionId": subscription_id, "profile": profile_named(books, profile_id)}


def _shown(books: SubscriptionBooks, subscription_id: str, each: Subscription) -> Json:
    """`SubscriptionResponse`."""
    profile = profile_named(books, each.profile.profile_id)
    return {"subscriptionId": subscription_id, **each.as_json(), "profile": profile}
