"""Watching an onboarding on the screen, and the demo: a client that signs itself up."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.text import Text

from waboard.api_client import GatewayClient
from waboard.screen import link_screen, onboarding_screen
from waboard.settings import PREFIX, Settings

EXAMPLE = {"client_ref": "acme", "client_name": "Acme Bakery"}
EXAMPLE_WABA = "102384266223093"
"""The WABA of the registration event that Infobip documents: one sender FINISHED, one FAILED."""
POLL = 0.3
"""Seconds between looks."""


async def onboard_example(environment: Mapping[str, str], console: Console) -> bool:
    """Sign the example up by a link and show how it goes. Returns whether the client is live."""
    fields = ("api_keys", "gateway_port", "sandbox_port")
    settings = Settings.model_validate({f: environment[PREFIX + f.upper()] for f in fields})
    with GatewayClient(settings) as client:
        link = await asyncio.to_thread(client.make_link, EXAMPLE)
        console.print(link_screen(link))
        console.print(Text(link["url"], style="bold"), soft_wrap=True)
        console.print("The demo plays the client: it signs up at Meta and shares its WABA.")
        await sign_up(link["url"], f"http://127.0.0.1:{settings.sandbox_port}", EXAMPLE_WABA)
        onboarding = await _first_of(client, EXAMPLE["client_ref"])
        return (await watch(client, onboarding, console))["live"]


async def sign_up(url: str, sandbox: str, waba_id: str) -> None:
    """Do what the client's browser does on the signup page, against the sandbox's Meta."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as browser:
        (await browser.get(url)).raise_for_status()
        finished = await browser.post(f"{sandbox}/facebook/finish", json={"waba_id": waba_id})
        heard = finished.raise_for_status().json()
        message = {"message": json.loads(heard["message"])}
        for signal in ({"opened": True}, message, {"code": heard["code"]}):
            (await browser.post(f"{url}/result", json=signal)).raise_for_status()


async def _first_of(client: GatewayClient, client_ref: str) -> dict[str, Any]:
    while True:
        if found := await asyncio.to_thread(client.onboardings, client_ref):
            return found[0]
        await asyncio.sleep(POLL)


async def watch(
    client: GatewayClient, onboarding: dict[str, Any], console: Console
) -> dict[str, Any]:
    """Show an onboarding as it goes, a line for each stage, until it ends. Returns its end."""
    stage = None
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            onboarding = await asyncio.to_thread(client.onboarding, onboarding["id"])
            if onboarding["stage"] != stage:
                stage = onboarding["stage"]
                live.console.print(Text(f"{onboarding['client_ref']}: {stage}", style="dim"))
            live.update(onboarding_screen(onboarding))
            if onboarding["ended"]:
                break
            await asyncio.sleep(POLL)
    if not console.is_terminal:
        console.line()  # there, the display leaves its last line open
    return onboarding
