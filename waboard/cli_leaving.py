"""Commands for clients that leave, and for those that connect again."""

from typing import Annotated, Any

import typer
from rich.text import Text

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, console, login_name, newest, plain_errors, show
from waboard.cli_verbs import By, ClientRef, Why
from waboard.domain.departures import Handwork
from waboard.domain.errors import BadInput
from waboard.settings import load_settings


def offboard(
    client_ref: ClientRef,
    *,
    by: By = None,
    why: Annotated[str | None, typer.Option(help="Why: whoever approves it wants to know.")] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Approve what was asked.")] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it: nothing is done.")] = False,
    done: Annotated[
        Handwork | None, typer.Option(help="Say that what has no API has been done.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a client leave. It is asked first: nothing is done before somebody approves."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        who = by or login_name("--by")
        verb, request = _asked(client_ref, who, why, approve=approve, refuse=refuse, done=done)
        answer = client.order(newest(client, client_ref), verb, request)
    drawn = screen.departure_screen if done is None else screen.onboarding_screen
    show(answer, drawn(answer), as_json=as_json)


def _asked(
    client_ref: str,
    by: str,
    why: str | None,
    *,
    approve: bool,
    refuse: bool,
    done: Handwork | None,
) -> tuple[str, dict[str, Any]]:
    if approve + refuse + (done is not None) > 1:
        raise BadInput("--approve", "goes with no other of these.", remedy="Give one of them.")
    if approve or refuse:
        verdict = "approve" if approve else "refuse"
        request = {"by": by, "verdict": verdict, "client_ref": client_ref, "why": why or ""}
        return "offboard/approval", request
    if done is not None:
        said = why or "Said on the command line."
        return "offboard/done", {"by": by, "why": said, "what": done.value}
    if why is None:
        raise BadInput("--why", "is missing.", remedy="Say why the client is to leave.")
    return "offboard", {"by": by, "why": why}


def reconnect(client_ref: ClientRef, *, why: Why, by: By = None, as_json: Json = False) -> None:
    """Make a link with which a client connects its WABA again. It is shown once."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        order = {"by": by or login_name("--by"), "why": why}
        made = client.order(newest(client, client_ref), "reconnect", order)
    show(made, screen.link_screen(made), as_json=as_json)
    if not as_json:
        console.print(Text(made["url"], style="bold"), soft_wrap=True)
