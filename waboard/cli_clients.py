"""Commands that bring clients in: a signup link for one, a CSV file of hundreds."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.text import Text

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, VerifiedBy, console, login_name, plain_errors, show, stderr
from waboard.domain.errors import BadInput, WaboardError
from waboard.domain.signup import LinkState
from waboard.importing import Outcome, Result, bring, left_out, read_rows, summed_up
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
            drawn = screen.revoked_screen if revoke else screen.links_screen
            show(links, drawn(links), as_json=as_json)
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
    again: Again = False,
    by: By = None,
    why: Why = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Start nobody, only say.")] = False,
    as_json: Json = False,
) -> None:
    """Bring hundreds of clients in. Every row is checked first; running it again is safe."""
    with plain_errors():
        rows = _usable(file)
        anew = begins_anew(by, why, again=again)
        outcomes, trouble = _bring_all([row | anew for row in rows], dry_run=dry_run, quiet=as_json)
    told = summed_up(outcomes)
    show(told, screen.import_screen(told, dry=dry_run), as_json=as_json)
    if trouble and dry_run:
        said = Text(f"Which of them are new is not known: {trouble}")
        (stderr if as_json else console).print(said, soft_wrap=True)
    elif trouble:
        with plain_errors():
            raise trouble
    raise typer.Exit(1 if told["sum"][Result.REFUSED] else 0)


def _usable(file: Path) -> list[dict[str, Any]]:
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
    return rows


def _bring_all(
    rows: list[dict[str, Any]], *, dry_run: bool, quiet: bool
) -> tuple[list[Outcome], WaboardError | None]:
    """Return what became of each row, and what ended it early.

    Raises what ended it before the first was answered, where that one was to be started.
    """
    outcomes: list[Outcome] = []
    try:
        settings = load_settings(of_what_runs=True)
        with GatewayClient(settings) as client, Progress(console=console, disable=quiet) as bar:
            shown = bar.track(rows, description="Bringing clients in")
            # What was answered before one fails is kept.
            outcomes.extend(bring(client, row, dry_run=dry_run) for row in shown)
    except WaboardError as error:
        if not outcomes and not dry_run:
            raise
        return outcomes + left_out(rows, outcomes, dry_run=dry_run), error
    return outcomes, None
