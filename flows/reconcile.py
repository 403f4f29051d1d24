"""Keep what is true true: compare everyone with what the providers show, and mend what is ours."""

from asyncio import gather
from itertools import chain
from typing import Annotated, Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.utilities.annotations import quote
from pydantic import Field

from tasks.filings import compare_filings
from tasks.findings import show_findings, summary_of
from tasks.reconcile import compare_runs, look_for_registrations, take_up_undone
from tasks.reconcile_meta import compare_wabas
from tasks.reconcile_owners import compare_owners
from tasks.reconcile_solutions import compare_solutions
from tasks.reconcile_templates import compare_templates
from tasks.reminders import look_at_clocks
from tasks.services import Services, open_services
from tasks.standings import compare_standings
from tasks.step import failure_of, result_of
from tasks.webhooks import mend_webhooks
from waboard.domain.errors import WaboardError
from waboard.domain.ids import PlatformId
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.ledger.database import MANY

Share = Annotated[float, Field(gt=0, le=1)]
COMPARISONS = {
    Aspect.OWNER: compare_owners,
    Aspect.STANDING: compare_standings,
    Aspect.FILING: compare_filings,
    Aspect.RUN: compare_runs,
    Aspect.STEP: take_up_undone,
    Aspect.CLOCK: look_at_clocks,
    Aspect.TEMPLATE: compare_templates,
}
AT_META = {
    Aspect.SUBSCRIPTION: compare_wabas,
    Aspect.SOLUTION: compare_solutions,
}
"""Only where the provider has set up its side of Meta."""


def _named() -> str:
    given: dict[str, Any] = flow_run.get_parameters()
    dry = " · dry run" if given.get("dry_run") else ""
    return f"reconcile {given.get('client_ref') or 'everyone'}{dry}"


@flow(name="reconcile", flow_run_name=_named, persist_result=False)
async def reconcile(
    client_ref: PlatformId | None = None, dry_run: bool = False, share: Share = 1.0
) -> State[None]:
    """Compare everyone with what the providers show. What is ours is mended, the rest is raised.

    Args:
        client_ref: One client; everyone when it is left out.
        dry_run: Only look: nothing is changed, and nobody told.
        share: How much of each of Infobip's limits it takes, up to 1: with 0.1 it takes ten times
            as long, and holds hardly anybody up.
    """
    async with open_services(beside=True, share=share, connections=MANY) as services:
        if not dry_run:
            await failure_of(mend_webhooks, services)
            await failure_of(look_for_registrations, services, client_ref)
        aspects = (*COMPARISONS, *(AT_META if services.meta else ()))
        found = await gather(
            *(_compare(services, aspect, client_ref, dry=dry_run) for aspect in aspects)
        )
        findings = list(chain.from_iterable(found))
        # Quoted: Prefect looks into what it gives to a task, thing by thing.
        await show_findings(cast("list[Finding]", quote(findings)), client_ref, dry=dry_run)
    return Completed(name="Reconciled", message=f"{', '.join(summary_of(findings))}.")


async def _compare(
    services: Services, aspect: Aspect, client_ref: str | None, *, dry: bool
) -> list[Finding]:
    found = await result_of((COMPARISONS | AT_META)[aspect], services, client_ref, dry=dry)
    if isinstance(found, WaboardError):
        return [Finding("", client_ref or "", "", aspect, Answer.UNKNOWN, str(found))]
    return found
