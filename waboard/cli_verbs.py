"""Commands that change how an onboarding goes. Each is recorded, with who wants it and why."""

import getpass
from typing import Annotated, Any

import typer

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, newest, plain_errors, show
from waboard.settings import load_settings

ClientRef = Annotated[str, typer.Argument(help="Your own id of the client.")]
Why = Annotated[str, typer.Option(help="Why: it is shown to whoever looks at it later.")]
By = Annotated[
    str,
    typer.Option(
        default_factory=getpass.getuser, show_default="your login name", help="Who wants it."
    ),
]


def retry(
    client_ref: ClientRef,
    *,
    why: Why,
    by: By,
    sender: Annotated[
        str | None, typer.Option(help="Only what this phone number failed at.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a new attempt: what failed is tried again, what is true stays."""
    only = {"sender": sender} if sender is not None else {}
    _order("retry", client_ref, {"by": by, "why": why} | only, as_json=as_json)


def cancel(client_ref: ClientRef, *, why: Why, by: By, as_json: Json = False) -> None:
    """Stop an onboarding that is on its way. What was done stays done."""
    _order("cancel", client_ref, {"by": by, "why": why}, as_json=as_json)


def _order(verb: str, client_ref: str, request: dict[str, Any], *, as_json: bool) -> None:
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        onboarding = client.order(newest(client, client_ref), verb, request)
    show(onboarding, screen.onboarding_screen(onboarding), as_json=as_json)
