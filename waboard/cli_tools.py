"""What every command has in common: how it prints, and how it says what is wrong."""

import getpass
import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from waboard.api_client import GatewayClient, Refused, Unreachable
from waboard.domain.errors import BadInput, FactsDiffer, NotFound, OutOfPlace, WaboardError
from waboard.domain.onboarding import VerifyBy

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
VerifiedBy = Annotated[
    VerifyBy | None, typer.Option(help="How its senders are proven. Default: the setting.")
]
console = Console(markup=False, emoji=False, highlight=False)
stderr = Console(stderr=True, markup=False, emoji=False, highlight=False)


@contextmanager
def plain_errors() -> Generator[None]:
    """Say what is wrong in a sentence, without a stack, and end with a code that means it."""
    try:
        yield
    except WaboardError as error:
        told = Text.assemble(("waboard: ", "bold red"), str(error))
        stderr.print(told, soft_wrap=True)
        raise typer.Exit(exit_code(error)) from None


def exit_code(error: WaboardError) -> int:
    """Return the exit code that an error means."""
    if isinstance(error, BadInput | Refused | FactsDiffer | OutOfPlace):
        return 2
    return 3 if isinstance(error, Unreachable) else 1


def login_name(option: str) -> str:
    """Return who is logged in. Raises BadInput, naming the option, when nobody is by name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        raise BadInput(option, "is needed here.", remedy="Say who it is.") from None


def newest(client: GatewayClient, client_ref: str) -> str:
    """Return the id of a client's newest onboarding. Raises NotFound."""
    return onboardings_of(client, client_ref)[0]["id"]


def onboardings_of(client: GatewayClient, client_ref: str) -> list[dict[str, Any]]:
    """Return a client's onboardings, the newest first. Raises NotFound where it has none."""
    found = client.onboardings(client_ref)
    if not found:
        raise NotFound(
            f"Nobody has asked to onboard {client_ref!r}.", remedy="See `waboard status`."
        )
    return found


def show(value: Any, drawn: RenderableType, *, as_json: bool) -> None:
    """Print for a program or for a person."""
    if as_json:
        typer.echo(json.dumps(value, indent=2))
    else:
        console.print(drawn)
