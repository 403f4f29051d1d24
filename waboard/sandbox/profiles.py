"""Authentication settings and notification profiles of the Subscriptions API.

Source: Infobip OpenAPI subscriptions-api 3.210.0. Nothing says what becomes of an id that exists
(here 409) or of one that is deleted while it is in use (here 400).
"""

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Response

from waboard.sandbox.errors import Refusal
from waboard.sandbox.paging import Page, paged
from waboard.sandbox.subscription_books import (
    Json,
    NamedProfile,
    NamedSecurity,
    Profile,
    ProfileSettings,
    Security,
    SecurityReference,
    SubscriptionBooks,
)
from waboard.sandbox.world import Here

router = APIRouter(prefix="/subscriptions/1")

Kept = TypeVar("Kept")

Size = Annotated[int, Query(ge=1, le=100)]


def known(shelf: dict[str, Kept], item_id: str, what: str = "Resource") -> Kept:
    """Return what has this id, or answer 404."""
    if item_id not in shelf:
        raise Refusal(404, text=f"{what} not found")
    return shelf[item_id]


def refuse_if_taken(taken: bool) -> None:
    """No 409 is documented; that an id cannot be had twice is inferred from its being immutable."""
    if taken:
        raise Refusal(409)


def _refuse_if_in_use(used: bool) -> None:
    if used:
        raise Refusal(400, text="Resource is in use")


def security_shown(auth_id: str, security: Security) -> Json:
    """`SecurityResponse`. Credentials are taken, and never shown again (inferred)."""
    return {"authId": auth_id, "type": security.type} if security.type else {"authId": auth_id}


def profile_named(books: SubscriptionBooks, profile_id: str) -> Json:
    """`IdOnlyProfileResponse`."""
    security = books.profiles[profile_id].security
    named: Json = {"profileId": profile_id}
    return {**named, "security": security.as_json()} if security else named


def create_profile(books: SubscriptionBooks, wanted: NamedProfile) -> None:
    """Keep a new profile, and the authentication setting that it brings or names."""
    if wanted.webhook is None:
        raise Refusal(400, ("webhook", "must not be null"))
    if wanted.security and wanted.security.auth_id not in books.security:
        if wanted.security.type is None:
            raise Refusal(404, text="Security not found")
        books.security[wanted.security.auth_id] = wanted.security
    settings = {name: getattr(wanted, name) for name in ProfileSettings.model_fields}
    auth_id = wanted.security.auth_id if wanted.security else None
    reference = SecurityReference.model_construct(auth_id=auth_id) if auth_id else None
    books.profiles[wanted.profile_id] = Profile.model_construct(**settings, security=reference)


@router.get("/security")
async def list_security(world: Here, page: Page = 0, size: Size = 20) -> Json:
    """All authentication settings, without their secrets."""
    kept = world.books.subscriptions.security
    return paged([security_shown(*each) for each in kept.items()], page, size)


@router.post("/security", status_code=201)
async def create_security(body: NamedSecurity, world: Here, response: Response) -> Json:
    """201, and where it is."""
    kept = world.books.subscriptions.security
    refuse_if_taken(body.auth_id in kept)
    kept[body.auth_id] = body
    response.headers["Location"] = f"/subscriptions/1/security/{body.auth_id}"
    return {"authId": body.auth_id}


@router.get("/security/{auth_id}")
async def get_security(auth_id: str, world: Here) -> Json:
    """One, without its secrets."""
    return security_shown(auth_id, known(world.books.subscriptions.security, auth_id))


@router.put("/security/{auth_id}")
async def replace_security(auth_id: str, body: Security, world: Here) -> Json:
    """The next webhook is signed with what is given here."""
    known(world.books.subscriptions.security, auth_id)
    world.books.subscriptions.security[auth_id] = body
    return {"authId": auth_id}


@router.delete("/security/{auth_id}")
async def delete_security(auth_id: str, world: Here) -> Json:
    """Only what no profile uses."""
    books = world.books.subscriptions
    known(books.security, auth_id)
    users = [each for each in books.profiles.values() if each.security]
    _refuse_if_in_use(any(each.security.auth_id == auth_id for each in users if each.security))
    del books.security[auth_id]
    return {"authId": auth_id}


@router.get("/profiles")
async def list_profiles(world: Here, page: Page = 0, size: Size = 20) -> Json:
    """All notification profiles."""
    kept = world.books.subscriptions.profiles
    return paged([_profile_shown(*each) for each in kept.items()], page, size)


@router.post("/profiles", status_code=201)
async def post_profile(body: NamedProfile, world: Here, response: Response) -> Json:
    """201, and where it is."""
    books = world.books.subscriptions
    refuse_if_taken(body.profile_id in books.profiles)
    create_profile(books, body)
    response.headers["Location"] = f"/subscriptions/1/profiles/{body.profile_id}"
    return profile_named(books, body.profile_id)


@router.get("/profiles/{profile_id}")
async def get_profile(profile_id: str, world: Here) -> Json:
    """One of them."""
    return _profile_shown(profile_id, known(world.books.subscriptions.profiles, profile_id))


@router.put("/profiles/{profile_id}")
async def replace_profile(profile_id: str, body: Profile, world: Here) -> Json:
    """The next webhook goes where this says."""
    books = world.books.subscriptions
    known(books.profiles, profile_id)
    if body.webhook is None:
        raise Refusal(400, ("webhook", "must not be null"))
    if body.security:
        known(books.security, body.security.auth_id, "Security")
    books.profiles[profile_id] = body
    return profile_named(books, profile_id)


@router.delete("/profiles/{profile_id}")
async def delete_profile(profile_id: str, world: Here) -> Json:
    """Only what no subscription uses."""
    books = world.books.subscriptions
    known(books.profiles, profile_id)
    users = books.subscriptions.values()
    _refuse_if_in_use(any(each.profile.profile_id == profile_id for each in users))
    named = profile_named(books, profile_id)
    del books.profiles[profile_id]
    return named


def _profile_shown(profile_id: str, profile: Profile) -> dict[str, Any]:
    return {"profileId": profile_id, **profile.as_json()}
