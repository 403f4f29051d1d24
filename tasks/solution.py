"""Look whether the partner solution lets new clients in."""

from prefect import task

from tasks.services import MetaServices, Services
from tasks.step import STEP, may_repeat
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import StepRefused
from waboard.domain.ids import SolutionId
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.sentences import sentences
from waboard.domain.solution import SolutionState, solution_state


def solution_of(meta: MetaServices, onboarding: Onboarding) -> SolutionId | None:
    """Return the partner solution that a client is onboarded through, where there is one."""
    return onboarding.solution_id or meta.account.solution


@task(
    name="look at solution",
    task_run_name="look whether the partner solution lets {onboarding.client_ref} in",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def look_at_solution(
    services: Services, meta: MetaServices, onboarding: Onboarding, solution_id: SolutionId
) -> None:
    """Write down whether it is usable, as Meta shows it now."""
    token = meta.account.own_token
    if token is None:
        raise StepRefused(
            "WABOARD_META_SYSTEM_TOKEN is not set, so the solution cannot be looked at.",
            reason=Reason.SOLUTION_UNREADABLE,
        )
    solution = await meta.graph.solution(solution_id, token)
    state = solution_state(solution.status, solution.status_for_pending_request)
    status = Status.TRUE if state.usable else Status.FALSE
    message = sentences(f"The partner solution is {state.title}", state.remedy)
    evidence = f"GET {solution_id}"
    await services.write(
        onboarding.id, "", ConditionType.SOLUTION_USABLE, status, _reason(state), message, evidence
    )


def _reason(state: SolutionState) -> Reason:
    if state.usable:
        return Reason.SOLUTION_ACTIVE
    infobips = state.awaiting is Party.INFOBIP
    return Reason.SOLUTION_PENDING if infobips else Reason.SOLUTION_NOT_ACTIVE
