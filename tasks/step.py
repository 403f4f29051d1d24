"""What every step has in common: how it is retried, recorded, and what its failure comes to."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, cast

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff
from sqlalchemy.ext.asyncio import AsyncSession

from tasks.services import Services
from waboard.boundary import boundary
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import ProviderError, Superseded, WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import UPSTREAM_AWAY, Reason
from waboard.domain.waits import UPSTREAM_PATIENCE
from waboard.ledger.conditions import conditions_of
from waboard.ledger.effects import begin_effect, end_effect, resolve_effect
from waboard.ledger.locks import hold
from waboard.ledger.models import EffectStatus, Verb
from waboard.ledger.races import one_transaction

P = ParamSpec("P")
Check = Callable[[AsyncSession], Awaitable[None]]
"""Is asked in the transaction that writes an effect down, and may raise."""


async def may_repeat(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry what may go better next time, when doing it twice does no harm."""
    error = await _error_in(state)
    return isinstance(error, ProviderError) and error.retryable


async def surely_not_done(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what may go better next time and the provider certainly did not do."""
    error = await _error_in(state)
    return isinstance(error, ProviderError) and error.retryable and not error.ambiguous


async def _error_in(state: State[Any]) -> object:
    return await state.aresult(raise_on_failure=False)


# The ledger alone remembers: Prefect's result cache repeated a share after a comment was edited,
# and skipped a test message because another task had the same arguments.
STEP: dict[str, Any] = {
    "retries": 4,
    "retry_delay_seconds": exponential_backoff(backoff_factor=2),
    "retry_jitter_factor": 0.3,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}


@dataclass
class Answer:
    """What was answered to an effect, written down with it."""

    status: EffectStatus = EffectStatus.DONE
    detail: str = ""

    def refuse(self, detail: str) -> None:
        """Note that the answer, although it came as a success, says no."""
        self.status, self.detail = EffectStatus.REFUSED, detail


@asynccontextmanager
async def effect(
    services: Services,
    onboarding: Onboarding,
    verb: Verb,
    subject: str = "",
    *,
    external_id: str | None = None,
    why: str = "",
    check: Check | None = None,
) -> AsyncGenerator[Answer]:
    """Write an effect down before it is done and after, with how it went, and why it is done.

    A crash in between leaves it `started`, which readers take for as unsure as `ambiguous`. Raises
    Superseded, with nothing done, in a leg that may not act any more. `check` is asked in the same
    transaction as it is written down in.
    """
    begun = await _note_begun(services, onboarding.id, verb, subject, external_id, why, check)
    answer = Answer()
    boundary(f"{verb}:begun")
    try:
        yield answer
    except Exception as error:
        unsure = getattr(error, "ambiguous", True)
        status = EffectStatus.AMBIGUOUS if unsure else EffectStatus.FAILED
        await _note_ended(services, onboarding.id, begun, status, _told(error))
        raise
    boundary(f"{verb}:answered")
    await _note_ended(services, onboarding.id, begun, answer.status, answer.detail)
    boundary(f"{verb}:written")


@one_transaction
async def _note_begun(
    services: Services,
    onboarding_id: str,
    verb: Verb,
    subject: str,
    external_id: str | None,
    why: str,
    check: Check | None,
) -> int:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id, services.leg)
        if check is not None:
            await check(session)
        now = services.clock()
        row = await begin_effect(
            session, onboarding_id, verb, subject, now, external_id=external_id, why=why
        )
        return row.id


@one_transaction
async def _note_ended(
    services: Services, onboarding_id: str, effect_id: int, status: EffectStatus, detail: str
) -> None:
    # Also by a leg that may not act any more: what it has done is done.
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        await end_effect(session, effect_id, status, detail, services.clock())


@one_transaction
async def settle_effect(
    services: Services, onboarding_id: str, verb: Verb, subject: str, shown: str
) -> None:
    """Write down that what may have been done was done, if that is not sure yet.

    `shown` says what shows it.
    """
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        await resolve_effect(session, onboarding_id, verb, subject, shown, services.clock())


def _told(error: Exception) -> str:
    # Only our own errors are known to hold no secret and no phone number.
    return str(error) if isinstance(error, WaboardError) else type(error).__name__


async def failure_of(step: Task[P, Any], *args: P.args, **kwargs: P.kwargs) -> WaboardError | None:
    """Run a step and return why it did not get through, or None.

    Anything but our own errors is a fault in here, and is raised.
    """
    state = await _state_after(step, *args, **kwargs)
    return None if state.is_completed() else await _own_error(state)


async def result_of(step: Task[P, Any], *args: P.args, **kwargs: P.kwargs) -> Any:
    """Run a step and return what it gave, or the WaboardError why it did not get through."""
    state = await _state_after(step, *args, **kwargs)
    return await (state.aresult() if state.is_completed() else _own_error(state))


async def _state_after(step: Task[P, Any], *args: P.args, **kwargs: P.kwargs) -> State[Any]:
    call = cast("Callable[..., Awaitable[State[Any]]]", step)
    return await call(*args, return_state=True, **kwargs)


async def _own_error(state: State[Any]) -> WaboardError:
    error = await _error_in(state)
    if isinstance(error, WaboardError) and not isinstance(error, Superseded):
        return error
    raise cast("BaseException", error)


async def record_failure(
    services: Services,
    onboarding: Onboarding,
    subject: str,
    kind: ConditionType,
    error: WaboardError,
    refused: Reason,
) -> None:
    """Write down why a step did not get through. It is Unknown: not done is not proven false.

    `refused` is the reason when the provider said no; one that cannot be reached is another, and
    one that could not be for longer than is waited for a third.
    """
    passing = isinstance(error, ProviderError) and error.retryable
    reason = error.reason or (Reason.PROVIDER_UNAVAILABLE if passing else refused)
    if reason == Reason.PROVIDER_UNAVAILABLE and await _is_given_up(
        services, onboarding.id, subject, kind
    ):
        reason = Reason.UPSTREAM_GIVEN_UP
    await services.write(
        onboarding.id, subject, kind, Status.UNKNOWN, reason, str(error), type(error).__name__
    )


async def _is_given_up(
    services: Services, onboarding_id: str, subject: str, kind: ConditionType
) -> bool:
    async with services.ledger.read() as session:
        known = (await conditions_of(session, onboarding_id)).get(subject, {}).get(kind)
    if known is None or known.reason not in UPSTREAM_AWAY:
        return False
    return services.clock() - known.changed_at >= UPSTREAM_PATIENCE
