"""Applications and entities: one shape, two names (Infobip OpenAPI application-entity 3.210.0)."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Response

from waboard.sandbox.errors import Refusal
from waboard.sandbox.paging import Page, Size, paged
from waboard.sandbox.state import DEFAULT_APPLICATION, Books
from waboard.sandbox.world import Here

Kind = Literal["application", "entity"]
JsonBody = Annotated[dict[str, Any], Body()]

LONGEST = 255


def _shelf(books: Books, kind: Kind) -> dict[str, str | None]:
    return books.applications if kind == "application" else books.entities


def _known(books: Books, kind: Kind, item_id: str) -> dict[str, str | None]:
    shelf = _shelf(books, kind)
    if item_id not in shelf:
        raise Refusal(404)
    return shelf


def _text(body: dict[str, Any], name: str) -> str | None:
    """An optional text; unknown keys are accepted, so a misspelt one leaves none (observed)."""
    value = body.get(name)
    if value is None or (isinstance(value, str) and len(value) <= LONGEST):
        return value
    raise Refusal(400, (name, f"must be a text of at most {LONGEST} characters"))


def _shown(kind: Kind, item_id: str, name: str | None) -> dict[str, Any]:
    shown = {f"{kind}Id": item_id, f"{kind}Name": name}
    return {key: value for key, value in shown.items() if value is not None}


def _unlink(books: Books, kind: Kind, item_id: str) -> None:
    """The documented reset: application = default *and* entity = null, whichever was deleted."""
    for resource, association in books.associations.items():
        owner = association.applicationId if kind == "application" else association.entityId
        if owner == item_id:
            reset = replace(association, applicationId=DEFAULT_APPLICATION, entityId=None)
            books.associations[resource] = reset


def _catalogue(kind: Kind, path: str) -> APIRouter:
    router = APIRouter(prefix=f"/provisioning/1/{path}")

    @router.get("")
    async def list_all(world: Here, page: Page = 0, size: Size = 20) -> dict[str, Any]:
        items = [_shown(kind, *item) for item in _shelf(world.books, kind).items()]
        return paged(items, page, size)

    @router.post("")
    async def create(body: JsonBody, world: Here) -> Response:
        item_id, name = _text(body, f"{kind}Id"), _text(body, f"{kind}Name")
        if not item_id:
            raise Refusal(400, (f"{kind}Id", "must not be blank"))
        if item_id in _shelf(world.books, kind):
            raise Refusal(409)
        _shelf(world.books, kind)[item_id] = name
        return Response(status_code=201)

    @router.get("/{item_id}")
    async def get_one(item_id: str, world: Here) -> dict[str, Any]:
        return _shown(kind, item_id, _known(world.books, kind, item_id)[item_id])

    @router.put("/{item_id}")
    async def modify(item_id: str, body: JsonBody, world: Here) -> Response:
        name = _text(body, f"{kind}Name")
        _known(world.books, kind, item_id)[item_id] = name
        return Response(status_code=204)

    @router.delete("/{item_id}")
    async def delete(item_id: str, world: Here) -> Response:
        shelf = _known(world.books, kind, item_id)
        if kind == "application" and item_id == DEFAULT_APPLICATION:
            raise Refusal(400)  # inferred: everything else is reset to it
        del shelf[item_id]
        _unlink(world.books, kind, item_id)
        return Response(status_code=200)

    del list_all, create, get_one, modify, delete  # the router holds them
    return router


applications = _catalogue("application", "applications")
entities = _catalogue("entity", "entities")
