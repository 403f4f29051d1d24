"""Make Prefect ready: block types and documents, the work pool, the deployments. Idempotent.

Settings are the source: a block that was edited in the Prefect UI is filled anew by the next
deploy.
"""

import asyncio
import contextlib
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import stamina
from prefect.blocks.core import Block
from prefect.blocks.fields import SecretDict
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.base import BaseWorker
from prefect.workers.process import ProcessWorker
from pydantic import SecretStr

import flows
from blocks.accounts import InfobipAccount, VerificationMessage
from blocks.infobip_webhooks import InfobipWebhooks
from blocks.ledger import LedgerDatabase
from blocks.meta import MetaAccount
from blocks.policy import OnboardingPolicy
from blocks.webhook import ProviderWebhook
from tasks.orphans import WORK_POOL
from tasks.services import BLOCKS
from waboard.alarms import alarms, set_alarms
from waboard.domain.errors import BadInput, ProviderError, WaboardError
from waboard.domain.template import text_in
from waboard.domain.waits import WaitKind
from waboard.domain.webhooks import HookState
from waboard.prefect_client import get_client
from waboard.rest import MOST_RESTING
from waboard.safety import refuse_unsafe
from waboard.settings import OPERATOR, Settings, setting_name
from waboard.webhook_setup import Wanted, set_up
from waboard.worker import OnboardingWorker

PREFECT_FILE = Path(flows.__file__).parent.parent / "prefect.yaml"
RECONCILIATION = "reconcile/reconcile"
_WORKERS: dict[str, type[BaseWorker[Any, Any, Any]]] = {
    "waboard": OnboardingWorker,
    "process": ProcessWorker,
}


async def deploy(settings: Settings, *, webhooks: bool = False) -> list[HookState]:
    """Bring the Prefect server in line with the settings and `prefect.yaml`.

    With `webhooks` Infobip's as well; returns how they then stand. Raises BadInput for a setting
    that cannot be used, InfobipError when the account does not answer to its URL and key, or does
    not let us set its webhooks up, WaboardError when Prefect refuses.
    """
    refuse_unsafe(settings)
    if webhooks:
        refuse_unreachable(settings)
    await check_account(settings)
    await fill_blocks(settings)
    await make_work_pool(settings)
    await apply_deployments()
    await schedule_reconciliation(settings.reconcile_every)
    plans = {kind: settings.plan(kind) for kind in WaitKind}
    await set_alarms(settings.operator_notifier, alarms(plans))
    return await set_up_webhooks(settings) if webhooks else []


def refuse_unreachable(settings: Settings) -> None:
    """Raise BadInput when Infobip could not be told where to send its webhooks, and how."""
    if settings.infobip_webhook_auth not in {"hmac", "basic"}:
        raise BadInput(
            setting_name("infobip_webhook_auth"),
            "Infobip cannot be told to authenticate in this way.",
            remedy="Use hmac or basic, or set the webhooks up by hand: docs/http.md.",
        )
    if not settings.sandbox and not settings.signup_url.startswith("https://"):
        raise BadInput(
            setting_name("public_url"),
            "Infobip cannot reach the gateway without an https address.",
            remedy="Set it to the gateway's public address, such as https://onboarding.example.",
        )


async def set_up_webhooks(settings: Settings) -> list[HookState]:
    """Bring Infobip's webhooks to this gateway."""
    account, webhooks = _account(settings), _webhooks(settings)
    assert webhooks is not None  # noqa: S101 - refuse_unreachable has seen to it
    wanted = Wanted(webhooks.public_url, webhooks.security, account.application_id)
    states: list[HookState] = []
    async with account.get_client(None) as client:
        async for attempt in stamina.retry_context(on=_passes, attempts=4, timeout=None):
            with attempt:
                states = await set_up(client.subscriptions, wanted)
    return states


async def check_account(settings: Settings) -> None:
    """Call Infobip, so that a wrong URL or key shows now and not in the middle of a run."""
    account = _account(settings)
    async with account.get_client(None) as client:
        async for attempt in stamina.retry_context(on=_passes, attempts=4, timeout=None):
            with attempt:
                await client.get_application(account.application_id)


def _passes(error: Exception) -> bool:
    return isinstance(error, ProviderError) and error.retryable


async def fill_blocks(settings: Settings) -> None:
    """Register the block types, and fill a document of each from the settings."""
    for block in (
        _account(settings),
        _ledger(settings),
        _verification(settings),
        _policy(settings),
    ):
        await _save(block, BLOCKS)
    await _fill_provider_webhook(settings)
    webhooks = _webhooks(settings)
    await (_save(webhooks, BLOCKS) if webhooks else _take_away(InfobipWebhooks))
    await (_save(_meta(settings), BLOCKS) if settings.has_meta else _take_away(MetaAccount))
    if settings.operator_webhook_url:
        await _save(_operator(settings.operator_webhook_url), OPERATOR)


async def _fill_provider_webhook(settings: Settings) -> None:
    if settings.provider_webhook_url:
        secrets = ",".join(each.get_secret_value() for each in settings.provider_webhook_secrets)
        url = str(settings.provider_webhook_url)
        await _save(ProviderWebhook(url=url, secrets=SecretStr(secrets)), BLOCKS)
        return
    await _take_away(ProviderWebhook)


async def _take_away(kind: type[Block]) -> None:
    await kind.aregister_type_and_schema()
    with contextlib.suppress(ValueError):  # there is none to take away
        await kind.adelete(BLOCKS)


async def _save(block: Block, name: str) -> None:
    await type(block).aregister_type_and_schema()
    await block.asave(name, overwrite=True)


def _account(settings: Settings) -> InfobipAccount:
    assert settings.infobip_api_key is not None  # noqa: S101 - refuse_unsafe has seen to it
    return InfobipAccount(
        base_url=str(settings.infobip_base_url).rstrip("/"),
        api_key=settings.infobip_api_key,
        waba_id_as=settings.infobip_waba_id_as,
        application_id=settings.infobip_application_id,
        application_name=settings.infobip_application_name,
        traffic_api=settings.infobip_traffic_api,
        timeout=settings.infobip_timeout,
        provisioning_interval=settings.infobip_provisioning_interval,
    )


def _ledger(settings: Settings) -> LedgerDatabase:
    return LedgerDatabase(url=SecretStr(settings.ledger_url))


def _verification(settings: Settings) -> VerificationMessage:
    name, language = settings.template
    return VerificationMessage(
        recipient=SecretStr(settings.recipient),
        template_name=name,
        language=language,
        text=settings.verification_text or text_in(language),
        reply=settings.reply_text,
    )


def _webhooks(settings: Settings) -> InfobipWebhooks | None:
    secrets, auth = settings.infobip_webhook_secrets, settings.infobip_webhook_auth
    if not secrets or auth == "header" or auth == "none":
        return None
    return InfobipWebhooks(
        public_url=settings.signup_url,
        auth=auth,
        secret=secrets[0],
        algorithm=settings.infobip_hmac_algorithm,
    )


def _policy(settings: Settings) -> OnboardingPolicy:
    plans = {kind: settings.plan(kind) for kind in WaitKind}
    return OnboardingPolicy(
        weekly_cap=settings.weekly_cap,
        foreign_filing=settings.foreign_filing,
        code_give_up=settings.code_give_up.total_seconds(),
        approval_give_up=settings.approval_give_up.total_seconds(),
        operator_block=settings.operator_notifier,
        digest_always=settings.digest_always,
        **{f"{kind}_nudge": plan.nudge.total_seconds() for kind, plan in plans.items()},
        **{f"{kind}_give_up": plan.give_up.total_seconds() for kind, plan in plans.items()},
        **{f"{kind}_remind": time.total_seconds() for kind, time in settings.reminders.items()},
    )


def _meta(settings: Settings) -> MetaAccount:
    keys = ",".join(key.get_secret_value() for key in settings.token_keys)
    return MetaAccount(
        graph_url=str(settings.meta_graph_url),
        graph_version=settings.meta_graph_version,
        app_id=settings.meta_app_id or "",
        app_secret=settings.meta_app_secret or SecretStr(""),
        system_token=settings.meta_system_token or SecretStr(""),
        solution_id=settings.meta_solution_id,
        config_id=settings.meta_config_id,
        portfolio_id=settings.meta_portfolio_id,
        partner_app_id=settings.meta_partner_app_id,
        public_url=settings.signup_url,
        link_lasts=settings.signup_link_lasts.total_seconds(),
        token_keys=SecretStr(keys),
    )


def _operator(url: SecretStr) -> CustomWebhookNotificationBlock:
    return CustomWebhookNotificationBlock(
        name="waboard",
        url="{{url}}",
        json_data={"subject": "{{subject}}", "body": "{{body}}"},
        secrets=SecretDict({"url": url.get_secret_value()}),
        headers=None,
        cookies=None,
    )


async def make_work_pool(settings: Settings) -> None:
    """Make the work pool that the deployments name; one that exists keeps its type.

    The limit is the pool's, for all workers together. A stock process worker with a limit of its
    own dies when a run is woken before the process of its last leg has quite ended (Prefect 3.8.8).
    """
    template = _WORKERS[settings.worker].get_default_base_job_template()
    pool = WorkPoolCreate(
        name=WORK_POOL,
        type=settings.worker,
        base_job_template=template,
        concurrency_limit=_most_legs(settings.worker, settings.concurrency),
    )
    async with get_client() as client:
        try:
            await client.create_work_pool(pool)
        except ObjectAlreadyExists:
            there = await client.read_work_pool(WORK_POOL)
            limit = _most_legs(there.type, settings.concurrency)
            await client.update_work_pool(WORK_POOL, WorkPoolUpdate(concurrency_limit=limit))


def _most_legs(worker: str, concurrency: int) -> int:
    # Our workers count by themselves how many of their legs are at work. With any other worker each
    # leg is a process, whatever it waits for.
    return concurrency + MOST_RESTING if worker == OnboardingWorker.type else concurrency


async def apply_deployments() -> None:
    """Apply `prefect.yaml`, as `prefect deploy --all` does."""
    if not PREFECT_FILE.exists():
        raise WaboardError(
            "There is no prefect.yaml beside the installed flows.",
            remedy="Run this from a checkout that is installed with `pip install -e .`.",
        )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"),
        *("--prefect-file", str(PREFECT_FILE)),
        cwd=PREFECT_FILE.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    if process.returncode != 0:
        raise WaboardError(
            f"Prefect did not take prefect.yaml: {printed.decode()[-2000:].strip()}",
            remedy="Check that PREFECT_API_URL points at a running Prefect server.",
        )


async def schedule_reconciliation(every: timedelta) -> None:
    """Let the deployment `reconcile` run so often; `prefect.yaml` has what holds without us."""
    async with get_client() as client:
        deployment = await client.read_deployment_by_name(RECONCILIATION)
        for schedule in deployment.schedules:
            await client.update_deployment_schedule(
                deployment.id, schedule.id, schedule=IntervalSchedule(interval=every)
            )
