"""Templates: asked for through a sender, kept for its WABA, reviewed after a while.

Source: Infobip OpenAPI whatsapp 3.210.0. That a template which exists is refused with 400, and that
an edited one is reviewed again before it can be sent, is inferred.
"""

import json
import re
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from waboard.sandbox.bad_post import push
from waboard.sandbox.errors import Refusal
from waboard.sandbox.paging import paged
from waboard.sandbox.state import Registration
from waboard.sandbox.subscribers import subscriber
from waboard.sandbox.template_books import DAY, NAME_BLOCKED, Json, Template
from waboard.sandbox.template_models import NAME, Creation, Edit, ListQuery, check_structure, values
from waboard.sandbox.world import Here, World

router = APIRouter()
of_sender = "/whatsapp/2/senders/{sender}/templates"

EDITABLE = ("APPROVED", "REJECTED", "FIRST_PAUSED", "SECOND_PAUSED")
MOST_EDITS = 10


@router.get(of_sender)
async def list_of_sender(sender: str, world: Here) -> Json:
    """All of the sender's WABA, whichever sender they were created through."""
    return {"templates": [each.as_json() for each in _page_of(world, sender).templates()]}


@router.post(of_sender, status_code=201)
async def create(sender: str, body: Creation, world: Here) -> Json:
    """PENDING at first; the verdict comes with an event."""
    page = _page_of(world, sender)
    check_structure(body.structure, body.category)
    _refuse_taken_name(world, page, body)
    template = Template(
        page.waba_id,
        body.name,
        body.language,
        body.category,
        _rendered(body.category, body.structure),
        created_at=world.clock(),
        updated_at=world.clock(),
        platform=body.platform_json(),
        extra=body.extra(),
    )
    _submit(world, page, template)
    return template.as_json()


@router.get(f"{of_sender}/{{template_id}}")
async def get_one(sender: str, template_id: str, world: Here) -> Json:
    """One language of one template."""
    return _template(_page_of(world, sender), template_id).as_json()


@router.patch(f"{of_sender}/{{template_id}}")
async def edit(sender: str, template_id: str, body: Edit, world: Here) -> Json:
    """What is given replaces what was there, and the review begins anew."""
    page = _page_of(world, sender)
    template = _template(page, template_id)
    edits = _edits(world, template, body)
    category = body.category or template.category
    if body.structure:
        check_structure(body.structure, category)
    changed = replace(
        template,
        category=category,
        structure=_rendered(category, body.structure) if body.structure else template.structure,
        status="PENDING",
        updated_at=world.clock(),
        platform=body.platform_json() or template.platform,
        extra={**template.extra, **body.extra()},
        edits=edits,
    )
    _submit(world, page, changed)
    return changed.as_json()


@router.delete(f"{of_sender}/{{template_name}}")
async def delete(sender: str, template_name: str, world: Here) -> Response:
    """All its languages, for all senders of the WABA."""
    if not re.fullmatch(NAME, template_name):
        raise Refusal(400, ("templateName", f'must match "{NAME}"'))
    page = _page_of(world, sender)
    doomed = [each for each in page.templates() if each.name == template_name]
    if not doomed:
        raise Refusal(404)
    for each in doomed:
        page.keep(replace(each, status="DELETED", updated_at=world.clock()))
    return Response(status_code=204)


@router.get("/whatsapp/1/templates")
async def list_of_account(query: Annotated[ListQuery, Query()], world: Here) -> Json:
    """Those of every WABA that has a sender."""
    query.check()
    senders = values(query, "sender")
    owned = world.books.senders.values()
    wabas = {each.waba_id for each in owned if not senders or each.number in senders}
    pages = [world.books.registration(waba_id) for waba_id in wabas]
    found = [each for page in pages for each in page.templates() if query.admits(each)]
    found.sort(key=lambda each: int(each.id), reverse=query.orderBy.endswith("DESC"))
    return paged([each.as_json() for each in found], query.page, query.size)


def _page_of(world: World, sender: str) -> Registration:
    owned = world.books.senders.get(sender)
    if owned is None:
        raise Refusal(404, text="Sender not found")
    return world.books.registration(owned.waba_id)


def _template(page: Registration, template_id: str) -> Template:
    if not template_id.isdigit():
        raise Refusal(400, ("id", "must be a number"))
    found = next((each for each in page.templates() if each.id == template_id), None)
    if found is None:
        raise Refusal(404, text="Template not found")
    return found


def _refuse_taken_name(world: World, page: Registration, wanted: Creation) -> None:
    if any(
        (each.name, each.language) == (wanted.name, wanted.language) for each in page.templates()
    ):
        raise Refusal(400, ("name", "Template with this name and language already exists"))
    since = world.clock() - NAME_BLOCKED
    deleted = [each for each in page.kept.values() if each.status == "DELETED" and each.approved]
    if any(each.name == wanted.name and each.updated_at > since for each in deleted):
        raise Refusal(400, ("name", "Name of a deleted template cannot be reused for 30 days"))


def _edits(world: World, template: Template, wanted: Edit) -> tuple[float, ...]:
    """The times of all edits, this one included; or why it may not be."""
    if template.status not in EDITABLE:
        raise Refusal(400, text="Only approved, rejected or paused templates can be edited")
    if template.status != "APPROVED":
        return template.edits
    if wanted.category not in (None, template.category):
        raise Refusal(400, ("category", "Category of an approved template cannot be edited"))
    now = world.clock()
    recent = [each for each in template.edits if each > now - NAME_BLOCKED]
    if len(recent) >= MOST_EDITS or any(each > now - DAY for each in recent):
        raise Refusal(400, text="Approved template was edited too often")
    return (*recent, now)


def _rendered(category: str, structure: Json) -> dict[str, Any]:
    """The text of an authentication template is Meta's; every other one is as it was given."""
    if category != "AUTHENTICATION":
        return {name: each for name, each in structure.items() if name != "type"}
    link = "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"
    rendered: Json = {
        "body": {"text": "*{{1}}* is your verification code.", "examples": ["123456"]},
        "buttons": [{"type": "URL", "text": "Copy Code", "url": link}],
    }
    footer: Json = structure.get("footer") or {}
    if minutes := footer.get("codeExpirationMinutes"):
        rendered["footer"] = {"text": f"This code expires in {minutes} minutes."}
    return rendered


def _submit(world: World, page: Registration, template: Template) -> None:
    page.keep(template)
    world.tasks.start(_review(world, page, template))


async def _review(world: World, page: Registration, template: Template) -> None:
    """After a while: the verdict, unless the template has changed or gone in the meantime."""
    delay = page.fate.template_review_delay
    await world.sleep(world.config.template_review_delay if delay is None else delay)
    verdict = page.fate.template_verdict
    if verdict == "PENDING" or page.kept.get((template.name, template.language)) is not template:
        return
    approved = template.approved or verdict == "APPROVED"
    judged = replace(template, status=verdict, updated_at=world.clock(), approved=approved)
    page.keep(judged)
    await _tell(world, judged, "NONE" if verdict == "APPROVED" else page.fate.template_reason)


async def _tell(world: World, template: Template, reason: str) -> None:
    address = subscriber(world, "TEMPLATE_UPDATE", template.platform)
    if address is not None:
        raw = json.dumps(template.event(reason)).encode()
        await push(world, "template", address, raw, template.waba_id)
