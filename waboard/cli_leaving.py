"""Commands for clients that leave, and for those that connect again."""

from typing import Annotated, Any

import typer
from rich.text import Text

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, console, login_name, newest, onboardings_of, plain_errors, show
from waboard.cli_verbs import By, ClientRef, Why
from waboard.domain.conditions import Status
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
    waba: Annotated[str | None, typer.Option(help="With --done: which of its WABAs.")] = None,
    as_json: Json = False,
) -> None:
    """Let a client leave. It is asked first: nothing is done before somebody approves."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        if waba is not None and done is None:
            raise BadInput("--waba", "goes with --done alone.", remedy="Leave it out.")
        who = by or login_name("--by")
        verb, request = _asked(client_ref, who, why, approve=approve, refuse=refuse, done=done)
        if done is None:
            answer = client.order(newest(client, client_ref), verb, request)
        else:
            meant = _left_with(onboardings_of(client, client_ref), done, waba)
            answer = [client.order(each, verb, request) for each in meant][-1]
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


def _left_with(found: list[dict[str, Any]], work: Handwork, waba_id: str | None) -> list[str]:
    """Return the onboardings of which something is said to be done: of one WABA, the newest last.

    Raises BadInput where several WABAs wait for it: the same command, repeated, would say it of
    the next.
    """
    of_waba = [each for each in found if waba_id in {None, each["waba_id"]}]
    if not of_waba:
        raise BadInput("--waba", "the client has no such WABA.", remedy="See `waboard status`.")
    asked = [each for each in of_waba if _status(each, work) is not None]
    waiting = [each for each in asked if _status(each, work) != Status.TRUE]
    wabas = sorted({each["waba_id"] for each in waiting})
    if len(wabas) > 1:
        named = " or ".join(wabas)
        raise BadInput(
            "--waba", "is missing: several wait for this.", remedy=f"Say which is meant: {named}."
        )
    return [each["id"] for each in reversed(waiting or asked[:1] or of_waba[:1])]


def _status(onboarding: dict[str, Any], work: Handwork) -> str | None:
    found = (c["status"] for c in onboarding["conditions"] if c["type"] == work.condition)
    return next(found, None)


def reconnect(client_ref: ClientRef, *, why: Why, by: By = None, as_json: Json = False) -> None:
    """Make a link with which a client connects its WABA again. It is shown once."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        order = {"by": by or login_name("--by"), "why": why}
        made = client.order(newest(client, client_ref), "reconnect", order)
    show(made, screen.link_screen(made), as_json=as_json)
    if not as_json:
        console.print(Text(made["url"], style="bold"), soft_wrap=True)
