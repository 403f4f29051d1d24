"""Commands that change how an onboarding goes. Each is recorded, with who wants it and why."""

from typing import Annotated, Any

import typer

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, login_name, newest, plain_errors, show
from waboard.settings import load_settings

ClientRef = Annotated[str, typer.Argument(help="Your own id of the client.")]
Why = Annotated[str, typer.Option(help="Why: it is shown to whoever looks at it later.")]
By = Annotated[str | None, typer.Option(help="Who wants it. Default: your login name.")]


def retry(
    client_ref: ClientRef,
    *,
    why: Why,
    by: By = None,
    sender: Annotated[
        str | None, typer.Option(help="Only what this phone number failed at.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a new attempt: what failed is tried again, what is true stays."""
    only = {"sender": sender} if sender is not None else {}
    _order("retry", client_ref, by, {"why": why} | only, as_json=as_json)


def cancel(client_ref: ClientRef, *, why: Why, by: By = None, as_json: Json = False) -> None:
    """Stop an onboarding that is on its way. What was done stays done."""
    _order("cancel", client_ref, by, {"why": why}, as_json=as_json)


def _order(
    verb: str, client_ref: str, by: str | None, request: dict[str, Any], *, as_json: bool
) -> None:
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        request["by"] = by or login_name("--by")
        onboarding = client.order(newest(client, client_ref), verb, request)
    show(onboarding, screen.onboarding_screen(onboarding), as_json=as_json)
