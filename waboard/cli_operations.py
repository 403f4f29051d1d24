"""Commands with which an operator keeps things true."""

from typing import Annotated

import typer
from rich.text import Text

from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, console, plain_errors, show
from waboard.domain.reconcile import table_of
from waboard.settings import load_settings


def reconcile(
    client_ref: Annotated[str | None, typer.Argument(help="One client; else everyone.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look.")] = False,
    as_json: Json = False,
) -> None:
    """Have everyone, or one client, compared with what the providers show."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        run = client.reconcile({"client_ref": client_ref, "dry_run": dry_run})
    artifact = table_of(client_ref, dry=dry_run)
    said = Text(f"It is being looked at; the artifact `{artifact}` says what was found.")
    show(run, said, as_json=as_json)
    if not as_json:
        for url in run["links"].values():
            console.print(Text(f"In the Prefect UI: {url}"), soft_wrap=True)
