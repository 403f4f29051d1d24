"""Look how the provider's own set-up stands, and show it where operators look."""

from prefect import task
from prefect.artifacts import acreate_table_artifact

from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.readiness import Check, checklist
from waboard.ledger.confirmations import confirmations
from waboard.meta.setup import Setup
from waboard.readiness import gather_facts

ARTIFACT = "readiness"
"""The key of the artifact: the Prefect UI keeps its versions under it."""


@task(
    name="check readiness", task_run_name="check readiness", retry_condition_fn=may_repeat, **STEP
)
async def look_at_readiness(services: Services) -> list[Check]:
    """Judge every item by what the providers show now and what people have confirmed."""
    graph = services.meta.graph if services.meta else None
    facts = await gather_facts(
        _setup(services), graph, services.infobip, services.ledger, services.clock
    )
    async with services.ledger.read() as session:
        return checklist(facts, await confirmations(session))


def _setup(services: Services) -> Setup:
    application_id = services.account.application_id
    if services.meta is None:
        return Setup(application_id=application_id, public_url="")
    account = services.meta.account
    return Setup(
        application_id=application_id,
        public_url=account.public_url,
        graph_version=account.graph_version,
        config_id=account.config_id,
        portfolio_id=account.portfolio_id,
        solution_id=account.solution_id,
        partner_app_id=account.partner_app_id,
        system_token=account.own_token,
    )


async def show_checklist(checks: list[Check]) -> None:
    """Put the checklist beside the run, as a table."""
    await acreate_table_artifact(
        table=[_row(check) for check in checks],
        key=ARTIFACT,
        description="What the provider's set-up needs, in the order of the programme.",
    )


_MARKS = {True: "yes", False: "NO", None: "?"}


def _row(check: Check) -> dict[str, str]:
    item, answer = check.item, check.answer
    turn = item.awaiting.value if check.is_open else ""
    return {
        "holds": _MARKS[answer.holds],
        "what": item.title if item.needed else f"{item.title} (advised)",
        "evidence": answer.said,
        "whose turn": turn,
        "where": item.where if check.is_open else "",
        "usually takes": item.usually if check.is_open else "",
    }
