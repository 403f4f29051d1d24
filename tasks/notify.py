"""Tell the operator and the provider's own system what an onboarding came to, once an outcome."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import cast

from prefect import task
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from sqlalchemy.ext.asyncio import AsyncSession

from blocks.webhook import ProviderWebhook
from tasks.services import Services, read_block
from tasks.step import STEP, effect, may_repeat, record_failure
from tasks.telling import deliver, heed
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.errors import BadInput, ProviderError, WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import Outcome
from waboard.domain.parties import Party
from waboard.domain.posting import NOBODY, MessageState, Result
from waboard.domain.reasons import Reason
from waboard.domain.sentences import sentence
from waboard.ledger.conditions import write_condition
from waboard.ledger.deliveries import Letter, claim, told
from waboard.ledger.effects import UNSURE, find_effect, last_effects
from waboard.ledger.locks import hold
from waboard.ledger.models import EffectStatus, Verb
from waboard.ledger.outbox import last_outcome, repeats_what_was_told, replay, tell_outcome
from waboard.ledger.races import one_transaction
from waboard.ledger.receivers import is_stopped
from waboard.provider import ProviderSystem, key_of

logger = logging.getLogger(__name__)


@task(
    name="notify operator",
    task_run_name="tell the operator: {onboarding.client_ref} is {outcome.name}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def notify_operator(services: Services, onboarding: Onboarding, outcome: Outcome) -> None:
    """Tell the operator, if anybody, through the notification block that the policy names."""
    slug = services.policy.operator_block
    if slug is None or await _operator_knows(services, onboarding, outcome):
        return
    block = await _notification_block(slug)
    subject = f"{onboarding.client_ref}: {outcome.name}"
    async with effect(services, onboarding, Verb.NOTIFY_OPERATOR, told_as(onboarding, outcome)):
        await _deliver(block, subject, outcome.message)


async def deliver_to_operator(slug: str, subject: str, text: str) -> None:
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
        await deliver_to_operator(slug, subject, text)
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
    """Tell the provider's system, if it wants it: once from here, then from the outbox for days.

    Raises NotTaken when it did not get through at once.
    """
    webhook = await read_block(ProviderWebhook)
    if webhook is None:
        await _tell_nobody(services, onboarding, outcome)
        return
    letter = await _claimed(services, onboarding, outcome, key_of(webhook.url))
    if letter is not None:
        async with webhook.get_client() as system:
            await _send(services, onboarding, outcome, system, letter)


async def _send(
    services: Services,
    onboarding: Onboarding,
    outcome: Outcome,
    system: ProviderSystem,
    letter: Letter,
) -> None:
    tell = partial(tell_operator, services.policy.operator_block)
    verb, subject = Verb.NOTIFY_PROVIDER, told_as(onboarding, outcome)
    async with effect(services, onboarding, verb, subject, external_id=letter.id):
        answer = await deliver(services.ledger, system, letter, services.clock)
        await heed(services.ledger, system, [answer], services.clock, tell)
        if answer.result is not Result.TAKEN:
            raise NotTaken(answer.words, stopped=answer.result is Result.GONE)


async def _claimed(
    services: Services, onboarding: Onboarding, outcome: Outcome, key: str
) -> Letter | None:
    claimed = await _note_claimed(services, onboarding, outcome, key)
    if claimed.letter is None and not claimed.is_delivered:
        words = claimed.answer or "it is left alone for now"
        raise NotTaken(words, stopped=claimed.receiver_stopped)
    return claimed.letter


@dataclass(frozen=True, slots=True)
class _Claimed:
    """The message that tells an outcome, if it may be sent now; else how it stands."""

    letter: Letter | None
    is_delivered: bool
    answer: str
    receiver_stopped: bool


@one_transaction
async def _note_claimed(
    services: Services, onboarding: Onboarding, outcome: Outcome, key: str
) -> _Claimed:
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id, services.leg)
        now = services.clock()
        row = await tell_outcome(session, onboarding, outcome, now)
        last = await find_effect(
            session, onboarding.id, Verb.NOTIFY_PROVIDER, told_as(onboarding, outcome)
        )
        # A leg that died while it sent this still has the claim, and no other leg may act.
        died = last is not None and last.external_id == row.id and last.status in UNSURE
        if row.state == MessageState.DROPPED:  # nobody was there to be told, and now somebody is
            row = await replay(session, row.id, now)
        letter = await claim(session, row, key, now, over=died)
        stopped = letter is None and await is_stopped(session, key)
        return _Claimed(letter, row.state == MessageState.DELIVERED, row.answer, stopped)


@one_transaction
async def _tell_nobody(services: Services, onboarding: Onboarding, outcome: Outcome) -> None:
    # It is kept all the same: whoever sets a receiver later may have it replayed.
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id, services.leg)
        row = await tell_outcome(session, onboarding, outcome, services.clock())
        if row.state == MessageState.PENDING:
            row.state = MessageState.DROPPED


async def _notified(
    session: AsyncSession, onboarding: Onboarding, outcome: Outcome, now: datetime, *, stopped: bool
) -> Condition:
    row = await last_outcome(session, onboarding.id)
    if row is not None and row.payload["outcome"] == outcome.name:
        return told(row, now, stopped=stopped)
    reason = Reason.NO_RECEIVER
    return Condition(ConditionType.NOTIFIED, Status.UNKNOWN, reason, NOBODY, "no message", now)


async def _operator_knows(services: Services, onboarding: Onboarding, outcome: Outcome) -> bool:
    verb, subject = Verb.NOTIFY_OPERATOR, told_as(onboarding, outcome)
    async with services.ledger.read() as session:
        last = await find_effect(session, onboarding.id, verb, subject)
    if last is None or last.status != EffectStatus.DONE:
        return False
    # An outage that began after that is another one.
    return outcome.since is None or outcome.since <= last.started_at


async def says_nothing_new(services: Services, onboarding: Onboarding, outcome: Outcome) -> bool:
    """Whether a retry tried nothing and came to what was told before: nobody is told of it."""
    async with services.ledger.read() as session:
        if not await repeats_what_was_told(session, onboarding, outcome):
            return False
        told = await last_effects(session, onboarding.id, Verb.NOTIFY_OPERATOR)
    knows = any(
        effect.status == EffectStatus.DONE
        for subject, effect in told.items()
        if subject.partition(".")[0] == outcome.name
    )
    return knows or services.policy.operator_block is None


class Undelivered(ProviderError):
    """A receiver did not take what it was told.

    Never ambiguous: telling twice does no harm, since the provider's system knows a repeat by its
    id and the operator by its text.
    """

    reason = Reason.RECEIVER_FAILED

    def __init__(self, whom: str, what: str, *, retryable: bool = True) -> None:
        super().__init__(
            sentence(f"Could not tell {whom}: {what}"),
            remedy="Check that the receiver answers with 2xx.",
            awaiting=Party.OPERATOR,
            retryable=retryable,
            ambiguous=False,
        )


class NotTaken(Undelivered):
    """The provider's system did not take a message now. The step is over: the outbox goes on.

    Unless the receiver has `stopped`: it has said that it wants no more.
    """

    reason = Reason.RECEIVER_AWAITED

    def __init__(self, what: str, *, stopped: bool = False) -> None:
        super().__init__("the provider's system", what, retryable=False)
        self.stopped = stopped


async def record_told(
    services: Services,
    onboarding: Onboarding,
    outcome: Outcome,
    errors: list[WaboardError],
    *,
    repeats: bool = False,
) -> None:
    """Write down whether everybody who wants to know has been told, and else what happens next.

    `repeats` is whether they were told before the retry that has come to the same.
    """
    unforeseen = [error for error in errors if not isinstance(error, NotTaken)]
    if unforeseen:
        failed = Reason.RECEIVER_FAILED
        await record_failure(
            services, onboarding, "", ConditionType.NOTIFIED, unforeseen[0], refused=failed
        )
        return
    knows = repeats and services.policy.operator_block is not None
    operator_told = knows or await _operator_knows(services, onboarding, outcome)
    stopped = any(isinstance(error, NotTaken) and error.stopped for error in errors)
    await _note_told(services, onboarding, outcome, operator_told=operator_told, stopped=stopped)


@one_transaction
async def _note_told(
    services: Services,
    onboarding: Onboarding,
    outcome: Outcome,
    *,
    operator_told: bool,
    stopped: bool,
) -> None:
    async with services.ledger.begin() as session:
        # Held, so that a message that gets through in this moment is not called awaited.
        await hold(session, onboarding.id)
        now = services.clock()
        condition = await _notified(session, onboarding, outcome, now, stopped=stopped)
        if condition.reason == Reason.NO_RECEIVER and operator_told:
            said = Reason.EVERYBODY_TOLD, f"Told of {outcome.name}."
            condition = replace(condition, status=Status.TRUE, reason=said[0], message=said[1])
        await write_condition(session, onboarding.id, "", condition)
