"""An Infobip that knows a crowd of live senders from the start, with its documented limits.

`python -m benchmarks.provider --port 8430 --clients 5000`. `POST /sandbox/harm?share=0.01` bans
that share of the senders, and takes the associations of as many others away.
"""

import argparse
from collections import Counter
from typing import Any

import uvicorn
from fastapi import FastAPI

from waboard.sandbox import SandboxConfig, create_app
from waboard.sandbox.fates import Fate, SenderFate
from waboard.sandbox.state import Association, RegisteredSender, Registration
from waboard.sandbox.world import World

KEY = "an-api-key-for-the-benchmark"
APPLICATION = "waboard"
SENDERS_EACH = 2
FIRST_WABA = 800_000


def numbers_of(client: int) -> list[str]:
    """The digits of a client's senders."""
    return [f"1202{client * SENDERS_EACH + place:07d}" for place in range(SENDERS_EACH)]


def entity_of(client: int) -> str:
    """Under which entity they are filed."""
    return f"client-{client}"


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    given = parser.parse_args()
    config = SandboxConfig.model_validate(
        {"api_key": KEY, "registration_url": "http://127.0.0.1:9"}
    )
    app = create_app(config)
    fill(app.state.world, given.clients)
    add_routes(app)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning")


def fill(world: World, clients: int) -> None:
    """Know them all, registered, connected and filed."""
    world.books.applications[APPLICATION] = APPLICATION
    for client in range(clients):
        waba = str(FIRST_WABA + client)
        fates = [
            SenderFate(phone_number_id=number, display_phone_number=f"+{number}")
            for number in numbers_of(client)
        ]
        world.books.registrations[waba] = Registration(waba, Fate(senders=fates))
        world.books.entities[entity_of(client)] = entity_of(client)
        for number in numbers_of(client):
            sender = RegisteredSender(waba, number, world.clock())
            world.books.senders[number] = sender
            link = Association("NUMBER", "WHATSAPP", APPLICATION, entity_of(client), sender.key)
            world.books.associations[link.resource] = link


def add_routes(app: FastAPI) -> None:
    """What the benchmark asks of it."""
    world: World = app.state.world

    @app.post("/sandbox/harm")
    async def harm(share: float) -> dict[str, int]:  # pyright: ignore[reportUnusedFunction]
        return do_harm(world, share)

    @app.post("/sandbox/count")
    async def count() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        made = Counter(f"{r['method']} {r['path']} {r['status']}" for r in world.books.requests)
        world.books.requests.clear()
        return made


def do_harm(world: World, share: float) -> dict[str, int]:
    """Ban the first senders of clients all over the crowd, and unfile the second of others."""
    pages, every = list(world.books.registrations.values()), round(1 / share / SENDERS_EACH)
    banned, unfiled = pages[::every], pages[every // 2 :: every]
    for page in banned:
        fate = page.fate.senders[0].model_copy(update={"connection_status": "BANNED"})
        page.fate = page.fate.model_copy(update={"senders": [fate, *page.fate.senders[1:]]})
    for page in unfiled:
        number = page.fate.senders[1].number
        link = world.books.association_of(world.books.senders[number])
        if link is not None:
            del world.books.associations[link.resource]
    return {"banned": len(banned), "unfiled": len(unfiled)}


if __name__ == "__main__":
    main()
