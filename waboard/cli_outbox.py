"""`waboard outbox`: what your own system is told, and telling it again."""

from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, plain_errors, show
from waboard.domain.errors import BadInput
from waboard.settings import load_settings

outbox = typer.Typer(
    help="See what your own system is told, and tell it again.", no_args_is_help=True
)


@outbox.command("list")
def list_messages(
    *,
    state: Annotated[
        str | None, typer.Option(help="pending, delivered, given-up or dropped.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List messages, the newest first."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        found = client.messages(state, limit)
    show(found, screen.messages_screen(found), as_json=as_json)


@outbox.command("show")
def show_message(message_id: str, *, as_json: Json = False) -> None:
    """Show one message with what is sent; numbers are masked unless as JSON."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        found = client.message(message_id)
    show(found, screen.message_screen(found), as_json=as_json)


@outbox.command("replay")
def replay_messages(
    message_ids: Annotated[list[str] | None, typer.Argument(help="Their ids.")] = None,
    *,
    since: Annotated[
        str | None, typer.Option(help="Instead: all of this time and later, as 2026-08-01T10:00Z.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send messages again, each under the id that it had."""
    with plain_errors():
        if bool(message_ids) is bool(since):
            raise BadInput(
                "MESSAGE_IDS", "name messages, or a time.", remedy="Give ids or --since."
            )
        time = _time(since) if since else ""
        with GatewayClient(load_settings(of_what_runs=True)) as client:
            if since:
                answer = client.send_all_again(time)
                said = Text(f"{answer['replayed']} messages are sent again.")
                show(answer, said, as_json=as_json)
                return
            again = [client.send_again(each) for each in message_ids or []]
    show(again, screen.messages_screen(again), as_json=as_json)


def _time(text: str) -> str:
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except ValueError:
        raise BadInput("--since", "this is no time.", remedy="As in 2026-08-01T10:00Z.") from None


@outbox.command("resume")
def resume(*, as_json: Json = False) -> None:
    """Send your system messages again, after it answered 410 or was away."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        answer = client.resume_outbox()
    said = "It had answered 410." if answer["had_stopped"] else "It had not answered 410."
    show(answer, Text(f"{said} What waits is sent now."), as_json=as_json)
