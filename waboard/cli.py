"""The command line.

Exit codes: 0 done; 1 it did not come to what was asked; 2 what was given cannot be used; 3 nobody
answers where the gateway should be.
"""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from waboard import (
    cli_clients,
    cli_leaving,
    cli_operations,
    cli_outbox,
    cli_readiness,
    cli_senders,
    cli_verbs,
    screen,
)
from waboard.api_client import GatewayClient
from waboard.cli_tools import Json, VerifiedBy, console, plain_errors, show, stderr
from waboard.domain.errors import BadInput
from waboard.settings import load_settings, reach_prefect
from waboard.watch import watch

app = typer.Typer(
    name="waboard",
    help="Takes a WhatsApp Tech Provider's clients from signed up to messages really arriving.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
events = typer.Typer(help="See what was received, and run it again.", no_args_is_help=True)
app.add_typer(events, name="events")
app.add_typer(cli_senders.sender, name="sender")
app.add_typer(cli_outbox.outbox, name="outbox")
app.command("signup-link")(cli_clients.signup_link)
app.command("readiness")(cli_readiness.readiness)
app.command("reconcile")(cli_operations.reconcile)
app.command("retry")(cli_verbs.retry)
app.command("cancel")(cli_verbs.cancel)
app.command("offboard")(cli_leaving.offboard)
app.command("reconnect")(cli_leaving.reconnect)
app.command("import")(cli_clients.import_clients)


@app.command()
def up(
    *,
    sandbox: Annotated[bool, typer.Option(help="With an Infobip that runs here.")] = False,
    demo: Annotated[bool, typer.Option(help="Onboard the documented example.")] = False,
    once: Annotated[bool, typer.Option(help="End when the example has ended.")] = False,
) -> None:
    """Run everything on this machine: Prefect with its UI, a worker, the gateway."""
    from waboard import logs
    from waboard.up import run

    with plain_errors():
        if demo and not sandbox:
            raise BadInput("--demo", "the example is the sandbox's.", remedy="Add --sandbox.")
        settings = load_settings()
        logs.set_up(settings)
        said = logs.console_for(settings, console, "waboard.up")
        succeeded = run(settings, said, sandbox=sandbox, demo=demo, once=once)
    raise typer.Exit(0 if succeeded else 1)


@app.command()
def deploy(
    *,
    webhooks: Annotated[
        bool, typer.Option("--webhooks", help="Bring Infobip's webhooks to this gateway, too.")
    ] = False,
) -> None:
    """Fill the blocks from the settings, make the work pool, apply prefect.yaml."""
    with plain_errors():
        settings = load_settings(of_what_runs=True)
        reach_prefect(settings)
        from waboard.deploy import deploy as bring_in_line

        states = asyncio.run(bring_in_line(settings, webhooks=webhooks))
    console.print("Blocks, work pool and deployments are in line with the settings.")
    if states:
        console.print(screen.hooks_screen(states))
    raise typer.Exit(0 if all(state.took for state in states) else 1)


@app.command()
def gateway() -> None:
    """Run the gateway alone. `waboard up` runs it for you."""
    import uvicorn

    with plain_errors():
        settings = load_settings()
        reach_prefect(settings)
        from waboard import logs
        from waboard.garbage import collect_seldom
        from waboard.gateway.app import create_app

        app = create_app(settings)
        logs.set_up(settings)
        collect_seldom()
    uvicorn.run(
        app,
        host=settings.gateway_host,
        port=settings.gateway_port,
        log_config=logs.uvicorn_config(settings),
    )


@app.command()
def worker() -> None:
    """Run a worker alone: legs of runs, inside this process. `waboard up` runs it for you."""
    with plain_errors():
        settings = load_settings()
        reach_prefect(settings)
        from tasks.orphans import WORK_POOL
        from waboard import logs
        from waboard.worker.ids import ids_of_run
        from waboard.worker.service import run

        logs.set_up(settings, ids_of_run)
        said = logs.console_for(settings, console, "waboard.worker")
        run(WORK_POOL, settings.legs_each, settings.worker_memory, said)


@app.command()
def sandbox() -> None:
    """Run the simulated Infobip alone, on loopback. `waboard up --sandbox` runs it for you."""
    import uvicorn

    from waboard.sandbox import create_app
    from waboard.sandboxed import sandbox_config

    with plain_errors():
        settings = load_settings()
        app = create_app(sandbox_config(settings))
    uvicorn.run(app, host="127.0.0.1", port=settings.sandbox_port)


@app.command()
def onboard(
    client_ref: Annotated[str, typer.Argument(help="Your own id of the client.")],
    waba_id: Annotated[str, typer.Argument(help="The client's WABA id, digits.")],
    *,
    name: Annotated[str | None, typer.Option(help="The client's name.")] = None,
    entity_id: Annotated[str | None, typer.Option(help="Default: CLIENT_REF.")] = None,
    phone: Annotated[list[str] | None, typer.Option(help="A known number; repeatable.")] = None,
    verify_by: VerifiedBy = None,
    again: cli_clients.Again = False,
    by: cli_clients.By = None,
    why: cli_clients.Why = None,
    wait: Annotated[bool, typer.Option(help="Watch until it ends; 0 if live.")] = False,
    as_json: Json = False,
) -> None:
    """Bring a client's WABA live. Asking for the same again is safe."""
    request = {"client_ref": client_ref, "waba_id": waba_id, "client_name": name}
    request |= {"entity_id": entity_id, "phone_numbers": phone or [], "verify_by": verify_by}
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        asked = client.start(request | cli_clients.begins_anew(by, why, again=again))
        onboarding = asked.onboarding
        if not asked.is_new and not as_json:
            console.print("It was asked for before: nothing new begins.")
        if wait:
            screenless = Console(quiet=True)
            onboarding = asyncio.run(watch(client, onboarding, screenless if as_json else console))
        if not wait or as_json:
            show(onboarding, screen.onboarding_screen(onboarding), as_json=as_json)
    raise typer.Exit(1 if wait and not onboarding["live"] else 0)


@app.command()
def status(
    client_ref: Annotated[str | None, typer.Argument(help="One client; else all.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what is true, what is needed, from whom, and since when."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        found = client.onboardings(client_ref)
    if client_ref is None:
        show(found, screen.onboardings_screen(found), as_json=as_json)
        return
    if not found:
        stderr.print(Text(f"waboard: nobody has asked to onboard {client_ref!r}."))
        raise typer.Exit(1)
    show(found[0], screen.onboarding_screen(found[0]), as_json=as_json)


@events.command("list")
def list_events(
    *,
    disposition: Annotated[str | None, typer.Option(help="parked, invalid, stale, …")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List events, the newest first."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        found = client.events(disposition, limit)
    show(found, screen.events_screen(found), as_json=as_json)


@events.command("show")
def show_event(event_id: int, *, as_json: Json = False) -> None:
    """Show one event with its body; numbers are masked unless as JSON."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        found = client.event(event_id)
    show(found, screen.event_screen(found), as_json=as_json)


@events.command("replay")
def replay_event(event_id: int, *, as_json: Json = False) -> None:
    """Run an event again. Safe: what is known already changes nothing."""
    with plain_errors(), GatewayClient(load_settings(of_what_runs=True)) as client:
        found = client.replay(event_id)
    show(found, screen.events_screen([found]), as_json=as_json)
