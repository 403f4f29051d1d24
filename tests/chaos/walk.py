"""The walk: `python -m tests.chaos.walk --clients 50 --seed 5`.

Clients sign up on the hostile sandbox, and of some all webhooks get lost. Once they are live,
things change behind our back. Nothing is asked for: the scheduled reconciliation has to find each,
and mend it or raise it.
"""

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.chaos.town import postgres_url
from tests.live.board import Board, own_databases, running_board

Json = dict[str, Any]
Seconds = Mapping[str, float]
FIRST_WABA = 600_000
EVERY = 60.0
"""Seconds between two reconciliations: the least that can be set."""
AT_ONCE = 10
"""To how many harm is done at once: the hostile sandbox keeps everybody waiting."""
LIVE = {"Live", "LiveLimited"}
KEY = {"Authorization": "App sandbox-infobip-key"}


@dataclass(frozen=True)
class Client:
    """One client, and its WABA."""

    ref: str
    waba: int


@dataclass(frozen=True)
class Matter:
    """What goes wrong with a client behind our back, and how it is known to be dealt with."""

    name: str
    end: str
    """`mended` or `raised`."""
    harm: Callable[[Board, Client], None]
    is_dealt_with: Callable[[Board, Client], bool]


def main() -> None:
    """Walk, and print how long everything took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--patience", type=float, default=1800, help="Seconds for each half.")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="walk-"))
    with own_databases(postgres_url()) as databases:
        settings = databases | {
            "WABOARD_SANDBOX_PROFILE": "hostile",
            "WABOARD_SANDBOX_SEED": str(given.seed),
            "WABOARD_RECONCILE_EVERY": f"PT{EVERY:.0f}S",
            # Some reports never come, and nobody waits two days for those here.
            "WABOARD_DELIVERY_GIVE_UP": "PT10M",
        }
        with running_board(home, **settings) as board:
            walk(board, given.clients, given.patience)


def walk(board: Board, number: int, patience: float) -> None:
    """Bring clients live, do harm, and see it dealt with."""
    clients = [Client(f"client-{n:02}", FIRST_WABA + n) for n in range(number)]
    deaf = clients[:: len(MATTERS) + 1]
    for client in deaf:
        silence(board, client)
    console = Console(width=110)
    clicked = {client.ref: sign_up(board, client) for client in clients}
    ends = watch(clients, lambda client: bool(board.show(client.ref)["ended"]), patience, clicked)
    stages = Counter(str(board.show(client.ref)["stage"]) for client in clients)
    struck = Counter(each["mischief"] for each in board.books()["mischief"])
    console.print(f"Mischief that struck: {dict(struck.most_common())}")
    console.print(f"What they came to: {dict(stages)}")
    console.print(of_onboarding(ends, {client.ref for client in deaf}))

    harmed = distribute([client for client in clients if client not in deaf], board)
    with ThreadPoolExecutor(AT_ONCE) as hands:
        done = hands.map(partial(harm, board), harmed, harmed.values())
        when = dict(zip((client.ref for client in harmed), done, strict=True))
    found = watch(
        list(harmed), lambda client: harmed[client].is_dealt_with(board, client), patience, when
    )
    console.print(of_harm(harmed, found))
    missed = [client for client in clients if client.ref not in ends]
    missed += [client for client in harmed if client.ref not in found]
    for client in missed:
        console.print(f"Missed: {client.ref}: {board.show(client.ref)['summary']}")
    raise SystemExit(bool(missed))


def harm(board: Board, client: Client, matter: Matter) -> float:
    """Do a client harm, and say when that was done."""
    matter.harm(board, client)
    return time.monotonic()


def watch(
    clients: Sequence[Client], is_so: Callable[[Client], bool], patience: float, since: Seconds
) -> Seconds:
    """Look at each until it is so; gives how long that was after its `since`, who never is, not."""
    found: dict[str, float] = {}
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and len(found) < len(clients):
        for client in clients:
            if client.ref not in found and is_so(client):
                found[client.ref] = time.monotonic() - since[client.ref]
        time.sleep(2)  # so that looking costs little beside what is looked at
    return found


def distribute(clients: Sequence[Client], board: Board) -> dict[Client, Matter]:
    """Give every live client one thing that goes wrong, in turns."""
    live = [client for client in clients if board.show(client.ref)["stage"] in LIVE]
    return {client: MATTERS[index % len(MATTERS)] for index, client in enumerate(live)}


def of_onboarding(ends: Seconds, deaf: set[str]) -> Table:
    """How long it took to come live, for those who were heard of and those who were not."""
    table = Table(
        "client", "number", "median s", "longest s", title="From the first click to the end"
    )
    for name, is_deaf in (("webhooks come", False), ("all webhooks lost", True)):
        table.add_row(name, *summary(s for ref, s in ends.items() if (ref in deaf) is is_deaf))
    return table


def of_harm(harmed: Mapping[Client, Matter], found: Seconds) -> Table:
    """How long each matter took."""
    title = f"From the harm until it was dealt with, reconciled every {EVERY:.0f} s"
    table = Table("what happened", "in the end", "number", "median s", "longest s", title=title)
    for matter in MATTERS:
        theirs = [client.ref for client in harmed if harmed[client] is matter]
        table.add_row(
            matter.name, matter.end, *summary(found[ref] for ref in theirs if ref in found)
        )
    return table


def summary(seconds: Iterable[float]) -> tuple[str, str, str]:
    """How many there are, their median and the longest."""
    known = list(seconds)
    if not known:
        return "0", "", ""
    return str(len(known)), f"{statistics.median(known):.0f}", f"{max(known):.0f}"


def silence(board: Board, client: Client) -> None:
    """Let no webhook tell of a client: neither its registration nor its reports."""
    page = board.sandbox.get(f"/sandbox/wabas/{client.waba}").json()
    senders = [each | {"lost_push": True} for each in page["fate"]["senders"]]
    board.decide(client.waba, silent=True, senders=senders)


def sign_up(board: Board, client: Client) -> float:
    """Sign a client up, and say when it began to."""
    clicked = time.monotonic()
    board.sign_up(client.ref, client.waba)
    return clicked


# What goes wrong


def ban(board: Board, client: Client) -> None:
    """Let Meta ban every number of a client."""
    page = board.sandbox.get(f"/sandbox/wabas/{client.waba}").json()
    senders = [each | {"connection_status": "BANNED"} for each in page["fate"]["senders"]]
    board.decide(client.waba, senders=senders)


def is_banned(board: Board, client: Client) -> bool:
    """Whether it is said that its numbers cannot be used, and whose turn it is."""
    shown = board.show(client.ref)
    return shown["stage"] == "SendersLost" and needs(shown, "Usable")


def remove_partner(board: Board, client: Client) -> None:
    """Let the client remove us as its partner."""
    page = board.sandbox.get(f"/sandbox/wabas/{client.waba}").json()
    board.decide(client.waba, senders=page["fate"]["senders"], partner=False)


def is_disconnected(board: Board, client: Client) -> bool:
    """Whether it is said that the client has to connect again."""
    return needs(board.show(client.ref), "Connected")


def delete_entity(board: Board, client: Client) -> None:
    """Let somebody delete the client's entity, which files its senders nowhere."""
    answer = delete(board, f"/provisioning/1/entities/{client.ref}")
    while answer.status_code not in (200, 404):  # the sandbox is hostile to everybody
        answer = delete(board, f"/provisioning/1/entities/{client.ref}")


def delete_association(board: Board, client: Client) -> None:
    """Let somebody delete the associations of all its senders."""
    while links := board.filed(client.ref):
        for link in links:
            delete(board, "/provisioning/1/associations", json=link)


def delete(board: Board, path: str, **given: Any) -> httpx.Response:
    """Delete something at Infobip, whatever it answers."""
    try:
        return board.sandbox.request("DELETE", path, headers=KEY, **given)
    except httpx.HTTPError:
        return httpx.Response(503)


def is_filed(board: Board, client: Client) -> bool:
    """Whether every live sender is filed again, under an entity that there is."""
    shown = board.show(client.ref)
    live = sum(each["live"] for each in shown["senders"])
    all_filed = len(board.filed(client.ref)) >= live > 0
    return all_filed and client.ref in board.books()["entities"]


def unsubscribe(board: Board, client: Client) -> None:
    """Let Meta forget that our app is subscribed."""
    board.sandbox.delete(f"/sandbox/wabas/{client.waba}/subscription").raise_for_status()


def is_subscribed(board: Board, client: Client) -> bool:
    """Whether our app is subscribed again."""
    return str(client.waba) in board.books()["meta"]["subscribed"]


def needs(shown: Json, condition: str) -> bool:
    """Whether something is needed of somebody for a condition."""
    return any(each["condition"] == condition for each in shown["requirements"])


MATTERS = (
    Matter("its numbers are banned", "raised", ban, is_banned),
    Matter("we are removed as partner", "raised", remove_partner, is_disconnected),
    Matter("its entity is deleted", "mended", delete_entity, is_filed),
    Matter("its associations are deleted", "mended", delete_association, is_filed),
    Matter("our subscription is gone", "mended", unsubscribe, is_subscribed),
)


if __name__ == "__main__":
    main()
