"""Show what a reconciliation found, in the Prefect UI.

A table has a row for whatever is not in order, with what is new since the last time; of the others
it counts how many are why in which state. Which clients those are stands in a list beside it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from prefect import task
from prefect.artifacts import Artifact, acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.exceptions import ObjectNotFound

from tasks.step import STEP
from waboard.domain.reconcile import TABLE, Answer, Aspect, Finding, table_of
from waboard.domain.sentences import sentences
from waboard.prefect_client import get_client

EVERYONE = f"{TABLE}-everyone"
"""The key of the list of clients: one version, written over each time."""
MOST_ROWS = 1000
"""Rows that a table shows."""
MOST_NAMES = 10_000
"""Clients that a list names."""
Row = dict[str, str]
Key = tuple[str, ...]


@task(name="show findings", task_run_name="show what was found", **STEP)
async def show_findings(
    findings: Sequence[Finding], client_ref: str | None = None, *, dry: bool
) -> None:
    """Show the findings, what is not in order first, and what came and went since the last time."""
    before = await _shown_before(client_ref)
    rows = table(findings, before)
    await acreate_table_artifact(
        key=table_of(client_ref, dry=dry),
        table=[row | _only_looked_at(row) for row in rows] if dry else rows,
        description=_summary(findings, dry=dry),
    )
    if client_ref is None:
        await _list(names(findings))


def _only_looked_at(row: Row) -> Row:
    return {"done": "Nothing: a dry run."} if row["in order"] == Answer.NO else {}


def table(findings: Sequence[Finding], before: Mapping[Key, Row]) -> list[Row]:
    """Give a row for each that is not in order, each that was not, and for each kind of others."""
    lost = sorted((f for f in findings if f.answer is Answer.NO), key=_place)
    rows = [_row(each, before) for each in lost]
    return [*rows[:MOST_ROWS], *list(_gone(findings, before))[:MOST_ROWS], *_others(findings)]


def _place(finding: Finding) -> Key:
    return finding.client_ref, finding.label, finding.aspect


def _row(finding: Finding, before: Mapping[Key, Row]) -> Row:
    since = "" if _key(finding) in before else "new"
    return _cells(finding) | {"since the last": since}


def _cells(finding: Finding) -> Row:
    return {
        "client": finding.client_ref or "all",
        "sender": finding.label,
        "what": finding.aspect.value,
        "in order": finding.answer.value,
        "found": finding.said,
        "done": finding.done or _why_nothing(finding),
    }


def _why_nothing(finding: Finding) -> str:
    if finding.answer is Answer.YES:
        return "Nothing: it is in order."
    if finding.answer is Answer.UNKNOWN:
        return "Nothing: it could not be seen."
    if finding.aspect is Aspect.SOLUTION:
        return "Told here: who is live stays live, and new clients wait."
    return "Raised: `waboard status` says whose turn it is."


def _key(finding: Finding) -> Key:
    return finding.client_ref or "all", finding.label, finding.aspect.value


def _gone(findings: Sequence[Finding], before: Mapping[Key, Row]) -> Iterable[Row]:
    """Give what was not in order the last time and is not among what is not now."""
    now = {_key(each): each.answer for each in findings if _key(each) in before}
    blind = {each.aspect for each in findings if not each.onboarding_id}
    for key, row in before.items():
        if now.get(key) is Answer.NO:
            continue
        was_seen = now.get(key) is not Answer.UNKNOWN and Aspect(row["what"]) not in blind
        yield row | {"since the last": "mended" if was_seen else "not seen"}


def _others(findings: Sequence[Finding]) -> list[Row]:
    return [_counted(those) for those in kinds(findings)]


def _counted(those: Sequence[Finding]) -> Row:
    cells = _cells(those[0]) | {"since the last": ""}
    if len(those) == 1:
        return cells
    clients = len({each.client_ref for each in those})
    return cells | {"client": f"{clients:,} clients", "sender": f"{len(those):,} in all"}


def kinds(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Gather those of whom nothing was done for the same reason; what was not seen comes first."""
    found: dict[Key, list[Finding]] = defaultdict(list)
    for each in findings:
        if each.answer is not Answer.NO:
            found[each.answer, each.aspect, each.said].append(each)
    return [sorted(found[key], key=_place) for key in sorted(found)]


def names(findings: Sequence[Finding]) -> str:
    """Name, for each reason to do nothing, the clients that it was so of."""
    told = [_named(those) for those in kinds(findings)]
    return "\n\n".join(["What is not in order is in the table `reconcile`.", *told])


def _named(those: Sequence[Finding]) -> str:
    first = those[0]
    clients = list(dict.fromkeys(each.client_ref or "all" for each in those))
    more = len(clients) - MOST_NAMES
    shown = " ".join(f"`{name}`" for name in clients[:MOST_NAMES])
    heading = f"### {first.aspect.capitalize()}, clients: {len(clients):,}"
    rest = f" and {more:,} more: `waboard reconcile CLIENT` says it of each." if more > 0 else ""
    told = sentences(first.said, _why_nothing(first))
    return f"{heading}\n\n{told}\n\n{shown}{rest}"


async def _list(markdown: str) -> None:
    last = await Artifact.aget(EVERYONE)
    if last is not None:
        try:
            async with get_client() as client:
                await client.update_artifact(last.id, ArtifactUpdate(data=markdown))
            return
        except ObjectNotFound:  # somebody deleted it
            pass
    said = "Of which clients nothing was done, and why, the last time that everyone was compared."
    await acreate_markdown_artifact(key=EVERYONE, markdown=markdown, description=said)


async def _shown_before(client_ref: str | None) -> dict[Key, Row]:
    last = await Artifact.aget(TABLE)
    rows: list[dict[str, Any]] = json.loads(cast("str", last.data)) if last and last.data else []
    lost = [row for row in rows if row.get("in order") == Answer.NO]
    return {
        (row["client"], row["sender"], row["what"]): row
        for row in lost
        if row.get("since the last") != "mended" and client_ref in (None, row["client"])
    }


def _summary(findings: Sequence[Finding], *, dry: bool) -> str:
    said = ", ".join(summary_of(findings))
    return f"{said}.{' Nothing was changed: a dry run.' if dry else ''}"


def summary_of(findings: Sequence[Finding]) -> list[str]:
    """Count the findings by answer, and what was done."""
    counts = [(answer, sum(f.answer is answer for f in findings)) for answer in Answer]
    words = {Answer.YES: "in order", Answer.NO: "not in order", Answer.UNKNOWN: "not to be seen"}
    mended = sum(bool(f.done) for f in findings)
    return [*(f"{count} {words[answer]}" for answer, count in counts), f"{mended} mended"]
