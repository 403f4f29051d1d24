"""`waboard up`: everything on one machine, from nothing.

Prefect's server with its UI, a worker, the gateway, and with `--sandbox` an Infobip that runs here.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from rich.console import Console

from waboard import metrics
from waboard.domain.errors import WaboardError
from waboard.processes import Child, Children, died, refuse_taken_port
from waboard.safety import refuse_unsafe
from waboard.sandboxed import sandbox_environment
from waboard.settings import (
    AUTH_FILE,
    PID,
    RUNNING_FILE,
    WORKER_PACE,
    Settings,
    base_dir,
    setting_name,
)
from waboard.watch import onboard_example

LOOPBACK = "127.0.0.1"
_WORKER = {
    "waboard": ("waboard", "worker"),
    "process": ("prefect", "worker", "start", "--pool", "waboard"),
}
_SERVER_POOL = {
    # On PostgreSQL: as many as Prefect's server has at most by itself, but all stay open. It closed
    # those beyond five at once, and opened five a second: each costs as much as ten transactions.
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": "15",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW": "0",
}
START_TIMEOUT = 120.0
"""Seconds for a service to answer. Prefect's server takes about 12 on a new SQLite database."""


@asynccontextmanager
async def everything(
    settings: Settings, console: Console, *, sandbox: bool
) -> AsyncGenerator[Children]:
    """Run all services while the body runs, and leave no process behind."""
    _refuse_taken_ports(settings, sandbox=sandbox)
    data_dir = _data_dir(sandbox=sandbox)
    if sandbox:
        environment = sandbox_environment(settings, data_dir)
    else:
        refuse_unsafe(settings)
        environment = {}
    environment[metrics.DIRECTORY] = str(metrics.empty_directory(data_dir))
    environment = _prefect_environment(settings, data_dir, sandbox=sandbox) | environment
    inherited = _without_prefect(os.environ) if sandbox else os.environ
    async with Children(
        {**inherited, **environment}, data_dir / "logs", restarts=settings.restarts
    ) as children:
        await _start(children, settings, console, sandbox=sandbox)
        with _told_to_other_commands(environment if sandbox else {}):
            yield children


def _refuse_taken_ports(settings: Settings, *, sandbox: bool) -> None:
    ports = {"prefect_port": LOOPBACK, "gateway_port": settings.gateway_host}
    if sandbox:
        ports = dict.fromkeys([*ports, "sandbox_port"], LOOPBACK)
    for field, host in ports.items():
        refuse_taken_port(setting_name(field), host, getattr(settings, field))


def _data_dir(*, sandbox: bool) -> Path:
    data_dir = base_dir().absolute()
    if sandbox:
        # The sandbox forgets everything when it ends, so what was kept about it is of no use.
        data_dir /= "sandbox"
        shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True, exist_ok=True)
    return data_dir


def _without_prefect(environment: Mapping[str, str]) -> dict[str, str]:
    # Else a sandbox would write into a real Prefect database that happens to be configured.
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT_")}


def _prefect_environment(settings: Settings, data_dir: Path, *, sandbox: bool) -> dict[str, str]:
    environment = {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": os.environ.get("PREFECT_HOME", str(data_dir / "prefect")),
        "PREFECT_API_URL": settings.prefect_api_url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",  # the server asks for no token
        **{name: os.environ.get(name, usual) for name, usual in _SERVER_POOL.items()},
        **WORKER_PACE,
    }
    if sandbox:
        # A demo's data is no secret, and a home of its own keeps it from what runs for real.
        environment |= {"PREFECT_HOME": str(data_dir / "prefect")}
        if url := settings.sandbox_prefect_database_url:
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = url.get_secret_value()
        return environment
    auth = _auth_string(data_dir)
    return environment | {
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_API_AUTH_STRING": auth,
    }


def _auth_string(data_dir: Path) -> str:
    # Whoever reaches the Prefect API can read the secrets in every block.
    given = os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    path = data_dir / AUTH_FILE
    if given is None and not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"waboard:{secrets.token_urlsafe(24)}")
    return given or path.read_text()


async def _start(
    children: Children, settings: Settings, console: Console, *, sandbox: bool
) -> None:
    with console.status("Starting the Prefect server: the first start makes its database …"):
        server = await children.start(
            "prefect-server",
            "waboard.prefect_server",
            "start",
            "--port",
            str(settings.prefect_port),
        )
        if sandbox:
            await children.start("sandbox", "waboard", "sandbox")
        await _answers(f"{settings.prefect_api_url}/health", server)
    with console.status("Deploying blocks, work pool and flows …"):
        gateway = await children.start("gateway", "waboard", "gateway")
        # A hostile Infobip fails some of the forty calls that the webhooks take.
        with_webhooks = sandbox and settings.sandbox_profile == "calm"
        webhooks = ("--webhooks",) if with_webhooks else ()
        deploying = await children.run("deploy", "waboard", "deploy", *webhooks)
        if deploying.process.returncode != 0:
            raise died(deploying)
    with console.status("Starting the worker and the gateway …"):
        for number in range(1, settings.workers + 1):
            name = "worker" if number == 1 else f"worker-{number}"
            await children.start(name, *_WORKER[settings.worker])
        await _answers(f"{settings.gateway_url}/readyz", gateway)


async def _answers(url: str, child: Child) -> None:
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while child.process.returncode is None:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(url)).is_success:
                    return
            if asyncio.get_running_loop().time() > deadline:
                raise WaboardError(
                    f"{child.name} does not answer at {url} within {START_TIMEOUT:.0f} s.",
                    remedy=f"Its log is {child.log}.",
                )
            await asyncio.sleep(0.2)
    raise died(child)


@contextmanager
def _told_to_other_commands(environment: dict[str, str]) -> Generator[None]:
    path = base_dir() / RUNNING_FILE
    path.unlink(missing_ok=True)
    if environment:
        path.touch(mode=0o600)
        told = {PID: str(os.getpid())} | environment
        path.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def run(settings: Settings, console: Console, *, sandbox: bool, demo: bool, once: bool) -> bool:
    """Run everything until Ctrl-C, or with `once` until the demo's onboarding has ended.

    Returns whether the demo's client is live; without a demo, True. Raises WaboardError when a
    service does not start or ends by itself.
    """
    return asyncio.run(_run(settings, console, sandbox=sandbox, demo=demo, once=once))


async def _run(
    settings: Settings, console: Console, *, sandbox: bool, demo: bool, once: bool
) -> bool:
    work = asyncio.ensure_future(_serve(settings, console, sandbox=sandbox, demo=demo, once=once))
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await work
    except asyncio.CancelledError:
        if not stopped:
            raise
        console.print("Stopped; no process is left.")
        return True


async def _serve(
    settings: Settings, console: Console, *, sandbox: bool, demo: bool, once: bool
) -> bool:
    async with everything(settings, console, sandbox=sandbox) as children:
        _say_where(settings, console)
        death = asyncio.create_task(children.tend())
        try:
            return await _until_over(children, death, console, demo=demo, once=once)
        finally:
            death.cancel()


async def _until_over(
    children: Children, death: asyncio.Task[Child], console: Console, *, demo: bool, once: bool
) -> bool:
    live = True
    if demo:
        show = asyncio.create_task(onboard_example(children.environment, console))
        await asyncio.wait({show, death}, return_when=asyncio.FIRST_COMPLETED)
        live = show.done() and show.result()
    if not (demo and once):
        console.print("Press Ctrl-C to stop everything.")
        await asyncio.wait({death})
    if death.done():
        raise died(death.result())
    return live


def _say_where(settings: Settings, console: Console) -> None:
    console.print(f"Prefect UI  {settings.prefect_api_url.removesuffix('/api')}")
    console.print(f"Gateway     {settings.gateway_url}/docs")
