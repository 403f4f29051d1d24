"""Prefect automations that tell the operator what no run can tell of itself.

A run that crashed is taken up again, one that is late starts when there is a worker, one that
sleeps is woken: an alarm goes off when that does not happen by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from waboard.domain.errors import BadInput
from waboard.domain.waits import WORDS, WaitKind, WaitPlan
from waboard.prefect_client import get_client

FLOW = "onboard-client"
CRASHES, IN = 3, timedelta(minutes=30)
"""So many crashes or faults of one run, in that time, do not mend themselves."""
LATE_FOR = timedelta(minutes=5)
"""How long a run that should have begun is waited for."""
PREFIX = "waboard: "
"""How the names of our automations begin."""
_EVENT = "prefect.flow-run."
# What a run comes to has a name of its own; plainly `Failed` is a fault, and taken up again.
_BREAKS_OFF = {f"{_EVENT}Crashed", f"{_EVENT}Failed"}
_ENDS = {f"{_EVENT}{state}" for state in ("Cancelled", "Completed", "Crashed", "Failed")}


@dataclass(frozen=True, slots=True)
class Alarm:
    """When an operator is told, and what."""

    name: str
    description: str
    trigger: EventTrigger
    body: str


def alarms(plans: dict[WaitKind, WaitPlan]) -> list[Alarm]:
    """Return all alarms, for waits that are looked at as often as their plans say."""
    return [_broken_off(), _late(), *(_overslept(kind, plan) for kind, plan in plans.items())]


def _broken_off() -> Alarm:
    return Alarm(
        name=f"{PREFIX}a run breaks off again and again",
        description=f"{CRASHES} crashes or faults of one run within {IN}.",
        trigger=_trigger(Posture.Reactive, IN, expect=_BREAKS_OFF, threshold=CRASHES),
        body="It is taken up again each time; see its logs for why it breaks off.",
    )


def _late() -> Alarm:
    begun = {f"{_EVENT}Running", f"{_EVENT}Cancelled"}
    return Alarm(
        name=f"{PREFIX}a run does not begin",
        description=f"Late, and not running within {LATE_FOR}.",
        trigger=_trigger(Posture.Proactive, LATE_FOR, after={f"{_EVENT}Late"}, expect=begun),
        body="No worker takes it: see that `waboard up` or `waboard worker` runs.",
    )


def _overslept(kind: WaitKind, plan: WaitPlan) -> Alarm:
    state = WORDS[kind].state
    sleeps = _EVENT + state
    # Whoever sleeps is woken at its nudge at the latest, unless nobody is there to wake it.
    patience = max(3 * plan.nudge, timedelta(minutes=10))
    return Alarm(
        name=f"{PREFIX}nobody wakes a run from {state}",
        description=f"Asleep as {state} for {patience} without being looked at.",
        trigger=_trigger(
            Posture.Proactive,
            patience,
            after={sleeps},
            # Each that counts is a transaction of Prefect's server, for each of these alarms.
            # Falling asleep again is among them, so that it is counted from there.
            expect={sleeps, f"{_EVENT}Resuming"} | _ENDS,
        ),
        body="The gateway wakes runs: see that it lives, and that it reaches Prefect.",
    )


def _trigger(
    posture: Posture,
    within: timedelta,
    *,
    expect: set[str],
    after: set[str] | None = None,
    threshold: int = 1,
) -> EventTrigger:
    return EventTrigger.model_validate(
        {
            "posture": posture,
            "within": within,
            "threshold": threshold,
            "after": after or set(),
            "expect": expect,
            "for_each": {"prefect.resource.id"},
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": {"prefect.resource.role": "flow", "prefect.resource.name": FLOW},
        }
    )


async def set_alarms(slug: str | None, wanted: Sequence[Alarm]) -> None:
    """Bring Prefect's automations in line: those that are wanted, and no other of ours.

    `slug` names the notification block that tells the operator, as `type-slug/name`; where there
    is none, nobody could be told. Raises BadInput when there is no such block.
    """
    async with get_client() as client:
        existing: list[Automation] = await client.read_automations()
        known = {a.name: a.id for a in existing if a.name.startswith(PREFIX)}
        block_id = await _block_id(client, slug) if slug else None
        automations = [_automation(each, block_id) for each in wanted] if block_id else []
        for automation in automations:
            if automation_id := known.pop(automation.name, None):
                await client.update_automation(automation_id, automation)
            else:
                await client.create_automation(automation)
        for automation_id in known.values():
            await client.delete_automation(automation_id)


async def _block_id(client: PrefectClient, slug: str) -> UUID:
    kind, _, name = slug.partition("/")
    try:
        document = await client.read_block_document_by_name(name, kind, include_secrets=False)
    except ObjectNotFound:
        raise BadInput(
            "WABOARD_OPERATOR_BLOCK",
            f"there is no block {slug!r}.",
            remedy="Make it in the Prefect UI, or name another and run `waboard deploy`.",
        ) from None
    return document.id


def _automation(alarm: Alarm, block_id: UUID) -> AutomationCore:
    tell = SendNotification(
        block_document_id=block_id,
        subject=f"{alarm.name}: {{{{ flow_run.name }}}}",
        body=f"{alarm.body} {{{{ flow_run|ui_url }}}}",
    )
    return AutomationCore(
        name=alarm.name,
        description=alarm.description,
        trigger=alarm.trigger,
        actions=[tell],
        tags=["waboard"],
    )
