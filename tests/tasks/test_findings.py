"""The table of a reconciliation: what was found of whom, what was done, what is new."""

import json
from typing import Any

import pytest

from tasks import findings
from tasks.findings import ARTIFACT, MOST_ROWS, show_findings, summary_of
from waboard.domain.reconcile import Answer, Aspect, Finding

GOOD_NEWS = Finding("1", "acme", "13135138538", Aspect.STANDING, Answer.YES, "CONNECTED")
BANNED = Finding("1", "acme", "12132186042", Aspect.STANDING, Answer.NO, "BANNED")
UNSEEN = Finding("", "", "", Aspect.FILING, Answer.UNKNOWN, "Infobip did not answer.")
MENDED = Finding("2", "bakery", "14155550132", Aspect.FILING, Answer.NO, "Gone.", "Filed anew.")


class FakeArtifacts:
    """Keeps the versions of one table, as Prefect does."""

    def __init__(self) -> None:
        self.tables: list[list[dict[str, Any]]] = []
        self.descriptions: list[str] = []

    async def aget(self, key: str) -> Any:
        assert key == ARTIFACT
        if not self.tables:
            return None
        return type("Artifact", (), {"data": json.dumps(self.tables[-1])})

    async def create(self, *, key: str, table: list[dict[str, Any]], description: str) -> None:
        assert key == ARTIFACT
        self.tables.append(table)
        self.descriptions.append(description)


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> FakeArtifacts:
    fake = FakeArtifacts()
    monkeypatch.setattr(findings, "Artifact", fake)
    monkeypatch.setattr(findings, "acreate_table_artifact", fake.create)
    return fake


async def shown(artifacts: FakeArtifacts, *found: Finding, dry: bool = False) -> list[Any]:
    """The table of one more reconciliation."""
    await show_findings.fn(found, dry=dry)
    return artifacts.tables[-1]


async def test_what_is_not_in_order_comes_first(artifacts: FakeArtifacts):
    rows = await shown(artifacts, GOOD_NEWS, UNSEEN, BANNED)
    assert [row["in order"] for row in rows] == ["no", "unknown", "yes"]


async def test_of_each_it_is_said_what_was_done_or_why_nothing_was(artifacts: FakeArtifacts):
    rows = await shown(artifacts, BANNED, MENDED, UNSEEN, GOOD_NEWS)
    assert [row["done"] for row in rows] == [
        "Raised: `waboard status` says whose turn it is.",
        "Filed anew.",
        "Nothing: it could not be seen.",
        "Nothing: it is in order.",
    ]


async def test_what_is_found_the_first_time_is_new_and_then_it_is_not(artifacts: FakeArtifacts):
    (first,) = await shown(artifacts, BANNED)
    (second,) = await shown(artifacts, BANNED)
    assert (first["since the last"], second["since the last"]) == ("new", "")


async def test_what_is_in_order_again_is_mended_once(artifacts: FakeArtifacts):
    well = Finding("1", "acme", BANNED.phone_number, Aspect.STANDING, Answer.YES, "CONNECTED")
    await shown(artifacts, BANNED)
    rows = await shown(artifacts, well)
    assert [row["since the last"] for row in rows] == ["", "mended"]
    assert len(await shown(artifacts, well)) == 1


async def test_what_could_not_be_seen_is_mended_only_when_it_is_seen(artifacts: FakeArtifacts):
    """It may only not have been its turn to be looked at."""
    await shown(artifacts, UNSEEN)
    assert await shown(artifacts, GOOD_NEWS) == await shown(artifacts, GOOD_NEWS)
    seen = Finding("", "", "", Aspect.FILING, Answer.YES, "Filed.")
    await shown(artifacts, UNSEEN)
    rows = await shown(artifacts, seen)
    assert [row["since the last"] for row in rows] == ["", "mended"]


async def test_a_solution_is_told_here_alone(artifacts: FakeArtifacts):
    lost = Finding("", "all 2 that came by it", "", Aspect.SOLUTION, Answer.NO, "Deactivated.")
    (row,) = await shown(artifacts, lost)
    assert row["done"].startswith("Told here")


async def test_no_whole_number_is_in_the_table(artifacts: FakeArtifacts):
    assert BANNED.phone_number not in json.dumps(await shown(artifacts, BANNED))


async def test_a_table_has_an_end(artifacts: FakeArtifacts):
    """Ten thousand rows would be read by nobody; the summary counts them all."""
    rows = await shown(artifacts, *[GOOD_NEWS] * (MOST_ROWS + 1), BANNED)
    assert len(rows) == MOST_ROWS
    assert rows[0]["in order"] == "no"
    assert "1001 in order" in artifacts.descriptions[-1]


async def test_a_dry_run_says_that_it_was_one(artifacts: FakeArtifacts):
    await shown(artifacts, BANNED, dry=True)
    assert artifacts.descriptions == [
        "0 in order, 1 not in order, 0 not to be seen, 0 mended. Nothing was changed: a dry run."
    ]


def test_the_summary_counts_by_answer_and_what_was_mended():
    assert summary_of([GOOD_NEWS, BANNED, MENDED, UNSEEN]) == [
        "1 in order",
        "2 not in order",
        "1 not to be seen",
        "1 mended",
    ]
