"""Compare the partner solutions that live clients came through with what Meta shows of them.

Once for each solution, not for each client: what is not in order is told in one line.
"""

from collections import Counter

from prefect import task
from pydantic import SecretStr

from tasks.services import MetaServices, Services
from tasks.step import STEP, may_repeat
from waboard.domain.ids import SolutionId
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.domain.solution import compare_solution, solution_state
from waboard.ledger.watched_wabas import solutions_in_use
from waboard.meta.errors import MetaError

_NO_TOKEN = "WABOARD_META_SYSTEM_TOKEN is not set, so it cannot be looked at."  # noqa: S105


@task(
    name="compare solutions",
    task_run_name="compare partner solutions with Meta",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_solutions(
    services: Services, client_ref: str | None, *, dry: bool
) -> list[Finding]:
    """Look at each partner solution that somebody came through. Nothing is changed by it."""
    meta = services.meta
    if meta is None:
        return []
    async with services.ledger.read() as session:
        counted = await solutions_in_use(session, client_ref)
    used = Counter[SolutionId]()
    for named, count in counted.items():
        solution = named or meta.account.solution
        if solution is not None:
            used[solution] += count
    return [await _look_at(meta, each, used[each]) for each in sorted(used)]


async def _look_at(meta: MetaServices, solution: SolutionId, count: int) -> Finding:
    whose = f"all {count} that came by solution {solution}"
    token = meta.account.own_token
    if token is None:
        return _unknown(whose, _NO_TOKEN)
    return await _read(meta, solution, whose, token)


async def _read(meta: MetaServices, solution: SolutionId, whose: str, token: SecretStr) -> Finding:
    try:
        shown = await meta.graph.solution(solution, token)
    except MetaError as error:
        return _unknown(whose, str(error))
    state = solution_state(shown.status, shown.status_for_pending_request)
    return compare_solution(whose, state)


def _unknown(whose: str, said: str) -> Finding:
    return Finding("", whose, "", Aspect.SOLUTION, Answer.UNKNOWN, said)
