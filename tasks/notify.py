"""Tell the operator and the provider's own system what an onboarding came to, once an outcome."""

import json
import logging
from datetime import datetime
from typing import Any, cast

import httpx
from prefect import task
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from standardwebhooks.webhooks import EmptyWebhookSecretError

from blocks.webhook import ProviderWebhook
from tasks.services import BLOCKS, Services
from tasks.step import STEP, effect, may_repeat, record_failure
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import BadInput, ProviderError, WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import Outcome
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.requirements import requirements_of
from waboard.ledger.effects import find_effect
from waboard.ledger.models import EffectStatus, Verb
from waboard.tls import trusted

logger = logging.getLogger(__name__)
TIMEOUT = httpx.Timeout(10.0)
"""Seconds that a receiver has for its answer."""


@task(
    name="notify operator",
    task_run_name="tell the operator: {onboarding.client_ref} is {outcome.name}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def notify_operator(services: Services, onboarding: Onboarding, outcome: Outcome) -> None:
    """Tell the operator, if anybody, through the notification block that the policy names."""
    slug = services.policy.operator_block
    if slug is None or await _was_told(services, onboarding, Verb.NOTIFY_OPERATOR, outcome):
        return
    block = await _notification_block(slug)
    subject = f"{onboarding.client_ref}: {outcome.name}"
    async with effect(services, onboarding, Verb.NOTIFY_OPERATOR, told_as(onboarding, outcome)):
        await _deliver(block, subject, outcome.message)


async def deliver(slug: str, subject: str, text: str) -> None:
    """Tell the operator. Raises Undelivered, and BadInput when there is no such block."""
    await _deliver(await _notification_block(slug), subject, text)


async def _deliver(block: NotificationBlock, subject: str, text: str) -> None:
    try:
        with block.raise_on_failure():  # else some blocks keep a failure to themselves
            await block.notify(text, subject)  # pyright: ignore[reportGeneralTypeIssues]
    except Exception as error:
        # Each block raises errors of its own; their texts may hold the receiver's URL.
        raise Undelivered("the operator", type(error).__name__) from None


def told_as(onboarding: Onboarding, outcome: Outcome) -> str:
    """Name what is told once: an outcome of an attempt. The next one's is told again."""
    return outcome.name if onboarding.attempt == 1 else f"{outcome.name}.{onboarding.attempt}"


async def tell_operator(slug: str | None, subject: str, text: str) -> None:
    """Tell the operator, if anybody, of what no run is about. That it fails stops nothing."""
    if slug is None:
        return
    try:
        await deliver(slug, subject, text)
    except Exception as error:
        logger.warning("The operator could not be told of %s: %s", subject, type(error).__name__)


async def _notification_block(slug: str) -> NotificationBlock:
    try:
        return cast("NotificationBlock", await Block.aload(slug))
    except ValueError:
        raise BadInput(
            "WABOARD_OPERATOR_BLOCK",
            f"there is no block {slug!r}.",
            remedy="Make it in the Prefect UI, or name another and run `waboard deploy`.",
        ) from None


@task(
    name="notify provider",
    task_run_name="tell the provider's system: {onboarding.client_ref} is {outcome.name}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def notify_provider(services: Services, onboarding: Onboarding, outcome: Outcome) -> None:
    """Tell the provider's system, if it wants it, by a webhook as Standard Webhooks has it.

    Its `webhook-id` is the same at every try, so that the receiver can tell a repeat.
    """
    webhook = await _provider_webhook()
    if webhook is None or await _was_told(services, onboarding, Verb.NOTIFY_PROVIDER, outcome):
        return
    now, message_id = services.clock(), f"{onboarding.id}.{told_as(onboarding, outcome)}"
    body = json.dumps(outcome_event(onboarding, outcome, now))
    headers = _headers(webhook, message_id, now, body)
    async with effect(services, onboarding, Verb.NOTIFY_PROVIDER, told_as(onboarding, outcome)):
        await _post(webhook.url, headers, body)


async def _provider_webhook() -> ProviderWebhook | None:
    try:
        return await ProviderWebhook.aload(BLOCKS)
    except ValueError:
        return None


def _headers(webhook: ProviderWebhook, message_id: str, now: datetime, body: str) -> dict[str, str]:
    try:
        signature = webhook.get_client().sign(message_id, now, body)
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        raise BadInput(
            "WABOARD_PROVIDER_WEBHOOK_SECRET",
            "this is no signing secret.",
            remedy="Correct it and run `waboard deploy`.",
        ) from None
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


async def _post(url: str, headers: dict[str, str], body: str) -> None:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, verify=trusted()) as client:
            answer = await client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Undelivered("the provider's system", type(error).__name__) from None
    if not answer.is_success:
        raise Undelivered("the provider's system", f"HTTP {answer.status_code}")


def outcome_event(onboarding: Onboarding, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """Return what the provider's system is told. Numbers are whole: they are the receiver's own."""
    return {
        "type": f"onboarding.{outcome.told_as}",
        "timestamp": now.isoformat(),
        "data": {
            "onboarding_id": onboarding.id,
            "client_ref": onboarding.client_ref,
            "waba_id": onboarding.waba_id,
            "attempt": onboarding.attempt,
            "outcome": outcome.name,
            "senders": [
                {
                    "phone_number": sender.phone_number,
                    "phone_number_id": sender.phone_number_id,
                    "live": sender.is_live,
                }
                for sender in onboarding.senders
            ],
            "requirements": [
                {
                    "condition": requirement.condition,
                    "phone_number": requirement.subject or None,
                    "reason": requirement.reason,
                    "message": requirement.message,
                    "awaiting": requirement.awaiting,
                    "remedy": requirement.remedy,
                }
                for requirement in requirements_of(onboarding)
            ],
        },
    }


async def _was_told(
    services: Services, onboarding: Onboarding, verb: Verb, outcome: Outcome
) -> bool:
    async with services.ledger.begin() as session:
        last = await find_effect(session, onboarding.id, verb, told_as(onboarding, outcome))
    return last is not None and last.status == EffectStatus.DONE


class Undelivered(ProviderError):
    """A receiver did not take what it was told.

    Never ambiguous: telling twice does no harm, since the provider's system knows a repeat by its
    id and the operator by its text.
    """

    reason = Reason.RECEIVER_FAILED

    def __init__(self, whom: str, what: str) -> None:
        super().__init__(
            f"Could not tell {whom}: {what}.",
            remedy="Check that the receiver answers with 2xx.",
            awaiting=Party.OPERATOR,
            retryable=True,
            ambiguous=False,
        )


async def record_told(
    services: Services, onboarding: Onboarding, outcome: Outcome, errors: list[WaboardError]
) -> None:
    """Write down whether everybody who wants to know has been told."""
    if errors:
        failed = Reason.RECEIVER_FAILED
        await record_failure(
            services, onboarding, "", ConditionType.NOTIFIED, errors[0], refused=failed
        )
        return
    told = await _was_told(services, onboarding, Verb.NOTIFY_OPERATOR, outcome)
    told = told or await _was_told(services, onboarding, Verb.NOTIFY_PROVIDER, outcome)
    await services.write(
        onboarding.id,
        "",
        ConditionType.NOTIFIED,
        Status.TRUE if told else Status.UNKNOWN,
        Reason.EVERYBODY_TOLD if told else Reason.NO_RECEIVER,
        f"Told of {outcome.name}." if told else "There is nobody to tell.",
        "effects",
    )
