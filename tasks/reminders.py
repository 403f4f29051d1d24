"""Look at everyone's clock: whose wait is late is found, marked, and told to the operator once.

No sleeping run is woken for it. A run that wakes by itself marks itself when it sleeps again.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from prefect import task
from prefect.utilities.urls import url_for

from tasks.notify import deliver_to_operator
from tasks.runs import mark_late
from tasks.services import Services
from tasks.step import STEP, effect, may_repeat
from waboard.domain.clocks import StageClock
from waboard.domain.errors import WaboardError
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.domain.requirements import remedy_of
from waboard.domain.sentences import sentences
from waboard.domain.waits import WORDS
from waboard.ledger.clocks import Sleeper, read_clocks, sleepers
from waboard.ledger.effects import find_effect
from waboard.ledger.models import EffectStatus, Verb
from waboard.ledger.onboardings import read_onboarding
from waboard.timeline import note

PATIENCE = timedelta(minutes=10)
"""How long a reminder that was begun is left to whoever began it; then it died over it."""
MOST = 30
"""Waits in one message. The others come with the next reconciliation."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Who waits, and how that stands."""

    sleeper: Sleeper
    clock: StageClock

    @property
    def subject(self) -> str:
        """What the operator is told of once: the wait over all its sleeps."""
        return f"{self.clock.kind} since {self.clock.since:%Y-%m-%dT%H:%M:%SZ}"

    def told(self, now: datetime) -> str:
        """Tell of it in a line."""
        words, until = WORDS[self.clock.kind], f"{self.sleeper.wait.give_up_at:%Y-%m-%d %H:%M}"
        url = url_for("flow-run", obj_id=self.sleeper.flow_run_id) or ""
        remedy = remedy_of(self.clock.kind, self.sleeper.situation)
        said = sentences(self.clock.said(now), words.message, remedy)
        return f"{self.sleeper.client_ref}: {said} It is given up at {until} UTC. {url}".strip()

    def finding(self, now: datetime, more: str) -> Finding:
        """Say whether it is in order; `more` is what was done about it."""
        answer = Answer.NO if self.clock.is_late(now) else Answer.YES
        said, of = f"{self.clock.said(now)} {more}".strip(), self.sleeper
        return Finding(of.onboarding_id, of.client_ref, "", Aspect.CLOCK, answer, said)


@task(
    name="look at clocks",
    task_run_name="look at whose wait is late",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def look_at_clocks(services: Services, client_ref: str | None, *, dry: bool) -> list[Finding]:
    """Find whose wait is late, and see that the operator knows of each, once."""
    now = services.clock()
    async with services.ledger.read() as session:
        clocks = await read_clocks(session, services.policy.reminders, now)
        waits = [Wait(e, clocks.of(e.wait)) for e in await sleepers(session, client_ref)]
    late = [each for each in waits if each.clock.is_late(now)]
    said: dict[str, str] = {}
    if late and not dry:
        await mark_late([each.sleeper.flow_run_id for each in late])
        said = await _remind(services, late)
    return [each.finding(now, said.get(each.sleeper.onboarding_id, "")) for each in waits]


async def _remind(services: Services, late: Sequence[Wait]) -> dict[str, str]:
    """Remind the operator of waits that were not told yet; returns what is to be said of each."""
    slug = services.policy.operator_block
    if slug is None:
        return {}
    untold = [each for each in late if not await _is_seen_to(services, each)]
    said = {each.sleeper.onboarding_id: "The operator was told." for each in late}
    said |= {each.sleeper.onboarding_id: "It is told the next time." for each in untold}
    now_told = untold[:MOST]
    outcome = await _tell(services, slug, now_told) if now_told else ""
    return said | {each.sleeper.onboarding_id: outcome for each in now_told}


async def _is_seen_to(services: Services, wait: Wait) -> bool:
    async with services.ledger.read() as session:
        verb, of = Verb.REMIND_OPERATOR, wait.sleeper.onboarding_id
        last = await find_effect(session, of, verb, wait.subject)
    if last is None:
        return False
    by_another = last.status == EffectStatus.STARTED
    fresh = services.clock() - last.started_at < PATIENCE
    return last.status == EffectStatus.DONE or (by_another and fresh)


async def _tell(services: Services, slug: str, waits: Sequence[Wait]) -> str:
    now = services.clock()
    try:
        # One message for all, so that many at once are not many messages.
        async with AsyncExitStack() as effects:
            for each in waits:
                async with services.ledger.read() as session:
                    onboarding = await read_onboarding(session, each.sleeper.onboarding_id)
                told = effect(services, onboarding, Verb.REMIND_OPERATOR, each.subject)
                await effects.enter_async_context(told)
            await deliver_to_operator(
                slug, title_of(waits), "\n\n".join(each.told(now) for each in waits)
            )
    except WaboardError as error:
        return str(error)
    for each in waits:
        note(each.sleeper.onboarding_id, each.sleeper.flow_run_id, "late", told=each.told(now))
    return "The operator is told."


def title_of(waits: Sequence[Wait]) -> str:
    """Say what a message is about."""
    if len(waits) > 1:
        return f"{len(waits)} clients wait longer than is usual"
    (only,) = waits
    return f"{only.sleeper.client_ref}: late, {WORDS[only.clock.kind].state}"
