"""Associations of resources with an application and an entity.

Source: Infobip OpenAPI application-entity 3.210.0. The only resources here are the WhatsApp numbers
of finished senders, named by their numberKey. That one resource can have one entity on a channel is
how "409 Conflict" is read (inferred).
"""

from functools import cached_property
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from waboard.sandbox.errors import Refusal
from waboard.sandbox.hostility import Mischief
from waboard.sandbox.paging import Page, Size, paged
from waboard.sandbox.state import Association, Books
from waboard.sandbox.world import Here, World

router = APIRouter(prefix="/provisioning/1/associations")

ResourceType = Literal["NUMBER", "DOMAIN", "ALPHA", "RCS_RESOURCE", "APPLE_RESOURCE"]
Channel = Literal["SMS", "MMS", "EMAIL", "WHATSAPP", "RCS", "APPLE"]
Id = Annotated[str, Field(min_length=1, max_length=255)]


class AssociationBody(BaseModel):
    """All five are required; `entityId` may be null, and only in so many words."""

    resourceType: ResourceType  # noqa: N815 - as on the wire
    channel: Channel
    applicationId: Id  # noqa: N815
    entityId: Id | None  # noqa: N815
    resourceId: Id  # noqa: N815

    def association(self) -> Association:
        """What the books keep."""
        return Association(**self.model_dump())


class AssociationFilter(BaseModel):
    """The query of both GETs."""

    resourceType: ResourceType | None = None  # noqa: N815
    channel: Channel | None = None
    applicationId: Id | None = None  # noqa: N815
    entityId: Id | None = None  # noqa: N815
    resourceId: Id | None = None  # noqa: N815

    def admits(self, association: Association) -> bool:
        """Whether everything that was asked for is so."""
        return all(getattr(association, name) == value for name, value in self.asked)

    @cached_property
    def asked(self) -> list[tuple[str, str]]:
        """What was asked for, worked out once for all that are looked at."""
        return [(name, value) for name, value in self if value is not None]


class PagedFilter(AssociationFilter):
    """The query of the list."""

    page: Page = 0
    size: Size = 20


@router.get("")
async def list_all(query: Annotated[PagedFilter, Query()], world: Here) -> dict[str, Any]:
    """Those that fit all given filters."""
    wanted = AssociationFilter(**query.model_dump(exclude={"page", "size"}))
    shown = _shown(world).values()
    found = [each for each in shown if each and wanted.admits(each)]
    answer = paged(found, query.page, query.size)
    return answer | {"results": [each.as_json() for each in answer["results"]]}


@router.get("/single")
async def get_one(query: Annotated[AssociationFilter, Query()], world: Here) -> dict[str, Any]:
    """Exactly one; all but the entity must be named."""
    given = query.model_dump(exclude_none=True)
    needed = ("resourceType", "channel", "applicationId", "resourceId")
    missing = [(name, "must not be null") for name in needed if name not in given]
    if missing:
        raise Refusal(400, *missing)
    found = next((each for each in world.books.associations.values() if query.admits(each)), None)
    if found is None:
        raise Refusal(404)
    return found.as_json()


@router.post("")
async def create(body: AssociationBody, world: Here) -> Response:
    """404 for whatever is not known, 409 for a resource that already has an entity."""
    wanted = body.association()
    _require_known(world.books, wanted)
    present = world.books.associations.get(wanted.resource)
    if present and (present.entityId is not None or present == wanted):
        raise Refusal(409)
    _keep_old_view(world, wanted, present)
    world.books.associations[wanted.resource] = wanted
    return Response(status_code=201)


@router.delete("")
async def delete(body: AssociationBody, world: Here) -> Response:
    """Only the association that is meant, in all five parts."""
    unwanted = body.association()
    if world.books.associations.get(unwanted.resource) != unwanted:
        raise Refusal(404)
    _keep_old_view(world, unwanted, unwanted)
    del world.books.associations[unwanted.resource]
    return Response(status_code=204)


def _keep_old_view(world: World, changed: Association, old: Association | None) -> None:
    senders = world.books.senders.values()
    waba_id = next((each.waba_id for each in senders if each.key == changed.resourceId), "")
    if world.mischiefs.strikes(Mischief.STALE_ASSOCIATION, changed.resourceId, waba_id):
        until = world.clock() + world.mischiefs.hostility.stale
        world.books.old_views[changed.resource] = (until, old)


def _shown(world: World) -> dict[tuple[str, str, str], Association | None]:
    """The associations as they are read: for a while, a change may not be seen."""
    stale = {
        resource: old
        for resource, (until, old) in world.books.old_views.items()
        if until > world.clock()
    }
    return {**world.books.associations, **stale}


def _require_known(books: Books, wanted: Association) -> None:
    if wanted.applicationId not in books.applications:
        raise Refusal(404, text="Application not found")
    if wanted.entityId is not None and wanted.entityId not in books.entities:
        raise Refusal(404, text="Entity not found")
    is_number = (wanted.resourceType, wanted.channel) == ("NUMBER", "WHATSAPP")
    keys = {sender.key for sender in books.senders.values()}
    if not is_number or wanted.resourceId not in keys:
        raise Refusal(404, text="Resource not found")
