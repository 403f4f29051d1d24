"""`waboard sender`: add one, give its one-time password, assign it, set its profile."""

from typing import Annotated, Any

import typer
from rich.text import Text

from waboard import screen
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, console, login_name, newest, plain_errors, show
from waboard.domain.additions import CodeBy
from waboard.settings import load_settings

sender = typer.Typer(help="Senders beyond the first, and their profiles.", no_args_is_help=True)
ClientRef = Annotated[str, typer.Argument(help="Your own id of the client.")]
Number = Annotated[str, typer.Argument(help="The phone number, in international form.")]


@sender.command("add")
def add(
    client_ref: ClientRef,
    phone_number: Number,
    *,
    display_name: Annotated[str, typer.Option(help="What people see in WhatsApp.")],
    code_by: Annotated[CodeBy, typer.Option(help="How its password is sent.")] = CodeBy.SMS,
    locale: Annotated[str, typer.Option(help="The password's language.")] = "en_US",
    as_json: Json = False,
) -> None:
    """Add a phone number to a client's WABA. Its one-time password is asked for then."""
    request = {"phone_number": phone_number, "display_name": display_name}
    request |= {"code_by": code_by, "locale": locale}
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        addition = client.add_sender(newest(client, client_ref), request)
    show(addition, screen.additions_screen([addition]), as_json=as_json)
    if not as_json:
        said = "Once its password is there, give it: waboard sender otp CLIENT_REF PHONE_NUMBER"
        console.print(Text(said), soft_wrap=True)


@sender.command("otp")
def otp(
    client_ref: ClientRef,
    phone_number: Number,
    code: Annotated[str | None, typer.Argument(help="Asked for where it is left out.")] = None,
    *,
    send_another: Annotated[
        CodeBy | None, typer.Option(help="Instead: have another one sent.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give the one-time password that the number was sent, or have another one sent."""
    if code is not None and send_another is not None:
        raise typer.BadParameter("give either the code or --send-another")
    if code is None and send_another is None:
        code = typer.prompt("One-time password", hide_input=True, err=True)
    request: dict[str, Any] = {"send_another": send_another} if send_another else {"code": code}
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        addition = client.give_otp(newest(client, client_ref), phone_number, request)
    show(addition, Text("It is passed on; `waboard sender list` says what came."), as_json=as_json)


@sender.command("list")
def list_added(client_ref: ClientRef, *, as_json: Json = False) -> None:
    """List the senders that were added after the signup, and how far each is."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        found = client.additions(newest(client, client_ref))
    show(found, screen.additions_screen(found), as_json=as_json)


@sender.command("assign")
def assign(
    client_ref: ClientRef,
    phone_number: Number,
    *,
    why: Annotated[str, typer.Option(help="Why: what the two clients said, say.")],
    by: Annotated[str | None, typer.Option(help="Who decides. Default: your login name.")] = None,
    as_json: Json = False,
) -> None:
    """Decide that a number belongs to this client, where several clients have it."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        order = {"by": by or login_name("--by"), "why": why}
        onboarding = client.assign_sender(newest(client, client_ref), phone_number, order)
    show(onboarding, screen.onboarding_screen(onboarding), as_json=as_json)


@sender.command("profile")
def profile(
    client_ref: ClientRef,
    phone_number: Number,
    *,
    about: Annotated[str | None, typer.Option(help="One line, 130 characters.")] = None,
    address: Annotated[str | None, typer.Option(help="256 characters.")] = None,
    description: Annotated[str | None, typer.Option(help="512 characters.")] = None,
    email: Annotated[str | None, typer.Option(help="128 characters.")] = None,
    vertical: Annotated[str | None, typer.Option(help="Infobip's word, as in RESTAURANT.")] = None,
    website: Annotated[list[str] | None, typer.Option(help="Two at most; repeatable.")] = None,
    logo_url: Annotated[str | None, typer.Option(help="A JPEG or PNG, 192 to 640 pixels.")] = None,
    as_json: Json = False,
) -> None:
    """Change what people see of the business in WhatsApp. What is left out stays as it is."""
    change = {"about": about, "address": address, "description": description, "email": email}
    change |= {"vertical": vertical, "websites": website or None, "logoUrl": logo_url}
    change = {name: value for name, value in change.items() if value is not None}
    if not change:
        raise typer.BadParameter("say what shall be different")
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        started = client.set_profile(newest(client, client_ref), phone_number, change)
    show(started, Text("It is being changed."), as_json=as_json)
    if not as_json:
        for url in started["links"].values():
            console.print(Text(f"In the Prefect UI: {url}"), soft_wrap=True)
