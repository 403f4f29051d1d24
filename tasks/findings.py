"""Show what a reconciliation found: a table in the Prefect UI, with what is new since the last."""

import json
from collections.abc import Sequence
from typing import Any, cast

from prefect import task
from prefect.artifacts import Artifact, acreate_table_artifact

from tasks.step import STEP
from waboard.domain.reconcile import Answer, Aspect, Finding

ARTIFACT = "reconcile"
"""The key of the artifact: the Prefect UI keeps its versions under it."""
MOST_ROWS = 1000
"""Rows that a table shows; what is not in order comes first."""
_ORDER = {Answer.NO: 0, Answer.UNKNOWN: 1, Answer.YES: 2}


@task(name="show findings", task_run_name="show what was found", **STEP)
async def show_findings(findings: Sequence[Finding], *, dry: bool) -> None:
    """Show the findings of all clients, what is not in order first, and what came and went."""
    before = await _shown_before()
    rows = [_row(each, before) for each in sorted(findings, key=lambda f: _ORDER[f.answer])]
    now = {_key(row) for row in rows if row["in order"] != Answer.YES}
    well = {_key(row) for row in rows if row["in order"] == Answer.YES}
    # What could not be seen, and was not looked at this time, is not mended by that.
    gone = [
        {**row, "since the last": "mended"}
        for key, row in before.items()
        if key not in now and (key in well or row["in order"] == Answer.NO)
    ]
    await acreate_table_artifact(
        key=ARTIFACT, table=[*rows[:MOST_ROWS], *gone], description=_summary(findings, dry=dry)
    )


def _row(finding: Finding, before: dict[tuple[str, ...], dict[str, str]]) -> dict[str, str]:
    row = {
        "client": finding.client_ref or "all",
        "sender": finding.label,
        "what": finding.aspect.value,
        "in order": finding.answer.value,
        "found": finding.said,
        "done": finding.done or _why_nothing(finding),
    }
    is_new = finding.answer is not Answer.YES and _key(row) not in before
    return row | {"since the last": "new" if is_new else ""}


def _why_nothing(finding: Finding) -> str:
    if finding.answer is Answer.YES:
        return "Nothing: it is in order."
    if finding.answer is Answer.UNKNOWN:
        return "Nothing: it could not be seen."
    if finding.aspect is Aspect.SOLUTION:
        return "Told here: who is live stays live, and new clients wait."
    return "Raised: `waboard status` says whose turn it is."


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return row["client"], row["sender"], row["what"]


async def _shown_before() -> dict[tuple[str, ...], dict[str, str]]:
    last = await Artifact.aget(ARTIFACT)
    rows: list[dict[str, Any]] = json.loads(cast("str", last.data)) if last and last.data else []
    open_rows = (row for row in rows if row.get("in order") != Answer.YES)
    return {_key(row): row for row in open_rows if row.get("since the last") != "mended"}


def _summary(findings: Sequence[Finding], *, dry: bool) -> str:
    said = ", ".join(summary_of(findings))
    return f"{said}.{' Nothing was changed: a dry run.' if dry else ''}"


def summary_of(findings: Sequence[Finding]) -> list[str]:
    """Count the findings by answer, and what was done."""
    counts = [(answer, sum(f.answer is answer for f in findings)) for answer in Answer]
    words = {Answer.YES: "in order", Answer.NO: "not in order", Answer.UNKNOWN: "not to be seen"}
    mended = sum(bool(f.done) for f in findings)
    return [*(f"{count} {words[answer]}" for answer, count in counts), f"{mended} mended"]
