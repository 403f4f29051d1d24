"""The sandbox's own API: decide fates, script failures, read the books, receive notifications."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from waboard.sandbox.account import AccountFacts
from waboard.sandbox.errors import Refusal
from waboard.sandbox.failures import Failure
from waboard.sandbox.fates import Fate, TemplateFate, fate_from
from waboard.sandbox.hostility import Hostility
from waboard.sandbox.inbound import Written, write
from waboard.sandbox.meta_books import MetaFacts
from waboard.sandbox.meta_webhooks import push, push_raw
from waboard.sandbox.registration import send_account_update, send_event
from waboard.sandbox.webhooks import json_or_text
from waboard.sandbox.world import Here

router = APIRouter(prefix="/sandbox")

WabaId = Annotated[str, Path(pattern="^[0-9]+$")]


@router.put("/wabas/{waba_id}")
async def decide(waba_id: WabaId, given: Fate, world: Here) -> dict[str, Any]:
    """Set a fate; what is not given stays as the default fate of that WABA has it."""
    page = world.books.registration(waba_id)
    page.fate = fate_from(waba_id, given)
    world.mischiefs.order(waba_id, page.fate.mischief)
    if page.fate.in_solution and page.fate.business_portfolio_id:
        world.books.meta.owners[waba_id] = str(page.fate.business_portfolio_id)
    if not page.fate.partner:
        world.books.meta.subscribed.discard(waba_id)
    return page.as_json()


@router.get("/wabas/{waba_id}")
async def look_up(waba_id: WabaId, world: Here) -> dict[str, Any]:
    """The fate of a WABA and what happened to it so far."""
    return world.books.registration(waba_id).as_json()


@router.post("/wabas/{waba_id}/registration-event", status_code=202)
async def send_registration_event(waba_id: WabaId, request: Request, world: Here) -> Any:
    """Send an event now, even for a WABA nobody shared, even for a silent fate.

    Without a body the registration ends now as its fate says. A body is sent exactly as it is, and
    changes nothing that the sandbox holds for true.
    """
    page = world.books.registration(waba_id)
    return json_or_text(send_event(world, page, await request.body()))


@router.post("/wabas/{waba_id}/account-update", status_code=202)
async def send_update(waba_id: WabaId, request: Request, world: Here) -> None:
    """Send an ACCOUNT_UPDATE_NOTIFICATION now, exactly as the body is: its shape is unpublished."""
    await send_account_update(world, waba_id, await request.body())


@router.delete("/wabas/{waba_id}/subscription", status_code=204)
async def lose_subscription(waba_id: WabaId, world: Here) -> None:
    """Let Meta forget that the provider's app is subscribed to a WABA."""
    world.books.meta.subscribed.discard(waba_id)


@router.put("/wabas/{waba_id}/templates/{name}", status_code=204)
async def change_template(waba_id: WabaId, name: str, given: TemplateFate, world: Here) -> None:
    """Let Meta change a template's status, in every language, without a word."""
    page = world.books.registration(waba_id)
    for each in [template for template in page.templates() if template.name == name]:
        page.keep(replace(each, status=given.status))


@router.get("/senders/{number}/otp")
async def read_code(number: str, world: Here) -> dict[str, str]:
    """The one-time password that was last sent to a number which somebody wants to add."""
    proof = world.books.proofs.get(number)
    if proof is None:
        raise Refusal(404, text="Nobody asked to add this sender")
    return {"code": proof.code}


@router.post("/senders/{number}/inbound", status_code=202)
async def send_inbound(number: str, written: Written, world: Here) -> dict[str, str]:
    """Let somebody write to a registered sender."""
    sender = world.books.senders.get(number)
    if sender is None:
        raise Refusal(404, text="Sender not found")
    return {"messageId": write(world, sender, written)}


@router.put("/failures")
async def script(failures: list[Failure], world: Here) -> list[Failure]:
    """Replace the scripted answers."""
    world.script.replace(failures)
    return world.script.failures


@router.get("/failures")
async def scripted(world: Here) -> list[Failure]:
    """The scripted answers still to come."""
    return world.script.failures


@router.post("/failures/release", status_code=204)
async def release(world: Here) -> None:
    """Answer whoever hangs now, instead of at the end of the seconds that were scripted."""
    world.script.release()


@router.put("/hostility")
async def become(hostility: Hostility, world: Here) -> Hostility:
    """Let mischief happen from now on, each with a chance of its own."""
    world.become(hostility)
    return hostility


@router.get("/hostility")
async def hostility(world: Here) -> Hostility:
    """The mischief that can happen."""
    return world.mischiefs.hostility


@router.get("/books")
async def books(world: Here) -> dict[str, Any]:
    """Everything the sandbox knows; `pending` counts what it will still do."""
    mischief = world.mischiefs.struck
    return {**world.books.as_json(), "mischief": mischief, "pending": world.tasks.pending}


@router.put("/account")
async def stand(facts: AccountFacts, world: Here) -> AccountFacts:
    """Decide what the key may do and what can be subscribed to; what is not given is in order."""
    world.books.account = facts
    return facts


@router.put("/meta")
async def set_up(facts: MetaFacts, world: Here) -> MetaFacts:
    """Decide how the provider's set-up at Meta stands; what is not given is in order."""
    world.books.meta.facts = facts
    return facts


@router.post("/meta/webhook", status_code=202)
async def send_meta_webhook(request: Request, world: Here) -> None:
    """Send a webhook of Meta's now, signed, exactly as the body is."""
    await push_raw(world, await request.body())


@router.post("/wabas/{waba_id}/meta/{field}", status_code=202)
async def tell_of_waba(
    waba_id: WabaId, field: str, value: dict[str, Any], world: Here, time: int | None = None
) -> None:
    """Send a change of one field of Meta's webhooks about a WABA, as of now or of `time`."""
    await push(world, waba_id, field, value, time)


@router.post("/reset", status_code=204)
async def reset(world: Here) -> None:
    """Forget everything."""
    await world.reset()


@router.post("/receivers/{name}")
async def receive(name: str, request: Request, world: Here, status: int = 204) -> Response:
    """Somebody's notification URL. `?status=500` makes it refuse what it has read."""
    headers = dict(request.headers)  # Starlette gives the names in lower case
    body = json_or_text(await request.body())
    notification = {"at": world.now(), "receiver": name, "status": status}
    world.books.notifications.append({**notification, "headers": headers, "body": body})
    return Response(status_code=status)
