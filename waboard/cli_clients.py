"""Commands that bring clients in: a signup link for one, a CSV file of hundreds."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.text import Text

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, VerifiedBy, console, login_name, plain_errors, show, stderr
from waboard.domain.errors import BadInput
from waboard.domain.signup import LinkState
from waboard.importing import Outcome, bring, read_rows
from waboard.settings import load_settings

Again = Annotated[bool, typer.Option("--again", help="Begin anew with who has left; recorded.")]
By = Annotated[
    str | None, typer.Option(help="With --again: who wants it. Default: your login name.")
]
Why = Annotated[str | None, typer.Option(help="With --again: why. It is shown later.")]


def begins_anew(by: str | None, why: str | None, *, again: bool) -> dict[str, Any]:
    """Return what says that a client which has left comes back; nothing without `--again`."""
    if not again:
        if by is not None or why is not None:
            raise BadInput("--again", "is missing.", remedy="--by and --why go with it alone.")
        return {}
    if why is None:
        raise BadInput("--why", "is missing.", remedy="Say why it begins anew.")
    return {"again": {"by": by or login_name("--by"), "why": why}}


def signup_link(
    client_ref: Annotated[str, typer.Argument(help="Your own id of the client.")],
    *,
    name: Annotated[str | None, typer.Option(help="The client's name.")] = None,
    entity_id: Annotated[str | None, typer.Option(help="Default: CLIENT_REF.")] = None,
    application_id: Annotated[str | None, typer.Option(help="Default: the setting.")] = None,
    solution_id: Annotated[str | None, typer.Option(help="Default: the setting.")] = None,
    verify_by: VerifiedBy = None,
    language: Annotated[str | None, typer.Option(help="en, es, pt or ja.")] = None,
    show_all: Annotated[bool, typer.Option("--list", help="List the links instead.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Withdraw the live link.")] = False,
    as_json: Json = False,
) -> None:
    """Make a link with which the client signs itself up. One it had before is withdrawn."""
    if show_all and revoke:
        raise typer.BadParameter("--list and --revoke exclude each other")
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        if show_all or revoke:
            links = client.links(client_ref)
            if revoke:
                live = [link for link in links if LinkState(link["state"]).is_live]
                links = [client.revoke_link(link["id"]) for link in live]
            show(links, screen.links_screen(links), as_json=as_json)
            return
        request = {"client_ref": client_ref, "client_name": name, "entity_id": entity_id}
        request |= {"application_id": application_id, "solution_id": solution_id}
        link = client.make_link({**request, "verify_by": verify_by, "language": language})
    show(link, screen.link_screen(link), as_json=as_json)
    if not as_json:
        # Whole, however narrow the terminal: it is copied from here.
        console.print(Text(link["url"], style="bold"), soft_wrap=True)


def import_clients(
    file: Annotated[Path, typer.Argument(help="A CSV file with a header.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the rows.")] = False,
    as_json: Json = False,
) -> None:
    """Bring hundreds of clients in. Every row is checked first; running it again is safe."""
    with plain_errors():
        rows, problems = read_rows(file)
        if problems:
            for problem in problems:
                stderr.print(Text(str(problem)), soft_wrap=True)
            lines = len({problem.line for problem in problems})
            raise BadInput(
                str(file),
                f"{lines} {'row' if lines == 1 else 'rows'} cannot be used, so nobody was started.",
                remedy="Correct them and run the command again.",
            )
        outcomes = [] if dry_run else _bring_all(rows, quiet=as_json)
    if dry_run:
        show({"rows": len(rows)}, Text(f"{len(rows)} rows can be used."), as_json=as_json)
        return
    told = [outcome.as_json() for outcome in outcomes]
    show(told, screen.import_screen(told), as_json=as_json)
    raise typer.Exit(1 if any(outcome.problem for outcome in outcomes) else 0)


def _bring_all(rows: list[dict[str, Any]], *, quiet: bool) -> list[Outcome]:
    settings = load_settings(of_what_runs=True)
    with GatewayClient(settings) as client, Progress(console=console, disable=quiet) as bar:
        shown = bar.track(rows, description="Bringing clients in")
        return [bring(client, row) for row in shown]
