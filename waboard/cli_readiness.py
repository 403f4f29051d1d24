"""`waboard readiness`: what is still missing in the provider's own set-up."""

from typing import Annotated

import typer
from rich.text import Text

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, login_name, plain_errors, show
from waboard.settings import load_settings


def readiness(
    *,
    confirm: Annotated[
        str | None, typer.Option(help="Say that this item holds, which only a person can see.")
    ] = None,
    deny: Annotated[str | None, typer.Option(help="Say that this item does not hold.")] = None,
    who: Annotated[str | None, typer.Option(help="Who says so. Default: you.")] = None,
    note: Annotated[str, typer.Option(help="What else there is to say of it.")] = "",
    as_json: Json = False,
) -> None:
    """Show the provider's set-up as a checklist; 0 only when clients can be onboarded."""
    if confirm and deny:
        raise typer.BadParameter("--confirm and --deny exclude each other")
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        if item := confirm or deny:
            person = who or login_name("--who")
            client.confirm(item, who=person, holds=confirm is not None, note=note)
            noted = {"item": item, "holds": confirm is not None, "who": person, "note": note}
            show(noted, Text(f"Noted: {item}, by {person}."), as_json=as_json)
            return
        found = client.readiness()
    show(found, screen.readiness_screen(found), as_json=as_json)
    raise typer.Exit(0 if found["ready"] else 1)
