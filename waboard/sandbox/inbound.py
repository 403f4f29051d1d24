"""What people write to a sender: told to a subscription or a URL, or else kept to be pulled.

Sources: Infobip OpenAPI whatsapp 3.210.0, `WhatsAppInboundMessages`; messages-api 3.210.0,
`MessagesApiIncomingMessage`. Which of the two a subscription to INBOUND_MESSAGE gets is not said:
WhatsApp's own is the default here. As with reports, what was pushed is not also queued.
"""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from waboard.sandbox.bad_post import push
from waboard.sandbox.queues import USUAL, take
from waboard.sandbox.state import RegisteredSender
from waboard.sandbox.subscribers import subscriber
from waboard.sandbox.webhooks import Address
from waboard.sandbox.world import Here, World

router = APIRouter(prefix="/messages-api/1")

Json = dict[str, Any]


class Written(BaseModel):
    """What somebody writes."""

    model_config = ConfigDict(extra="forbid")

    sender: str = Field(alias="from", pattern=r"^\+?[0-9]+$")
    text: str


class InboundQuery(BaseModel):
    """Which, and how many."""

    channel: Literal["APPLE_MB", "MESSENGER", "MMS", "SMS", "VIBER_BM", "WHATSAPP"]
    limit: int = USUAL
    applicationId: str | None = None  # noqa: N815 - as on the wire
    entityId: str | None = None  # noqa: N815
    campaignReferenceId: str | None = None  # noqa: N815

    def admits(self, event: Json) -> bool:
        """Whether everything that was asked for is so."""
        facts = {**event, **event.get("platform", {})}
        asked = self.model_dump(exclude_none=True, exclude={"limit"})
        return all(facts.get(name) == value for name, value in asked.items())


@router.get("/inbound")
async def pull(query: Annotated[InboundQuery, Query()], world: Here) -> Json:
    """Each message of the last 48 h is handed out once."""
    taken = take(world.books.inbound, world.clock(), query.admits, query.limit)
    left = sum(query.admits(event) for _, event in world.books.inbound)
    return {"results": taken, "messageCount": len(taken), "pendingMessageCount": left}


def write(world: World, to: RegisteredSender, written: Written) -> str:
    """Let somebody write to a sender: from now on, free text may answer for a day."""
    writer, message_id = written.sender.removeprefix("+"), f"wamid.{world.new_id()}"
    world.books.sessions[to.number, writer] = world.clock()
    event = _event(world, to, writer, written.text, message_id)
    world.tasks.start(_tell(world, to, event))
    return message_id


def _event(world: World, to: RegisteredSender, writer: str, text: str, message_id: str) -> Json:
    """`MessagesApiMoEvent`: what the pull queue has. Its ids are those of the sender."""
    association = world.books.association_of(to)
    ids = association.as_json() if association else {}
    platform = {name: ids[name] for name in ("applicationId", "entityId") if name in ids}
    event = {
        "event": "MO",
        "channel": "WHATSAPP",
        "sender": writer,
        "destination": to.number,
        "content": [{"type": "TEXT", "text": text, "cleanText": text}],
        "receivedAt": world.now(),
        "messageId": message_id,
        "messageCount": 1,
    }
    return {**event, "platform": platform} if platform else event


async def _tell(world: World, to: RegisteredSender, event: Json) -> None:
    def queue() -> None:
        world.books.inbound.append((world.clock(), event))

    address = _listener(world, to, event)
    if address is None:
        queue()
        return
    own = world.books.account.inbound_shape == "whatsapp"
    raw = json.dumps(_whatsapp(event) if own else {"results": [event]}).encode()
    await push(world, "inbound", address, raw, to.waba_id, lost=queue)


def _listener(world: World, to: RegisteredSender, event: Json) -> Address | None:
    """A subscription, or else the URL that the account has for what people write."""
    found = subscriber(world, "INBOUND_MESSAGE", event.get("platform"), to.number)
    account = world.config.inbound_url
    return found or (Address(account) if account else None)


def _whatsapp(event: Json) -> Json:
    """`WhatsAppInboundMessages`, with the ids flat."""
    message = {
        "from": event["sender"],
        "to": event["destination"],
        "integrationType": "WHATSAPP",
        "receivedAt": event["receivedAt"],
        "messageId": event["messageId"],
        "message": {"type": "TEXT", "text": event["content"][0]["text"]},
        "price": {"pricePerMessage": 0, "currency": "EUR"},
        "contact": {"name": "Somebody", "phoneNumber": event["sender"]},
        **event.get("platform", {}),
    }
    return {"results": [message], "messageCount": 1, "pendingMessageCount": 0}
