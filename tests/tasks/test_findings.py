"""The table of a reconciliation: what was found of whom, what was done, what is new."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.actions import ArtifactUpdate

from tasks import findings
from tasks.findings import (
    EVERYONE,
    MOST_NAMES,
    MOST_ROWS,
    show_findings,
    summary_of,
)
from waboard.domain.reconcile import Answer, Aspect, Finding

LIST_ID = uuid4()
GOOD_NEWS = Finding("1", "acme", "13135138538", Aspect.STANDING, Answer.YES, "CONNECTED")
BANNED = Finding("1", "acme", "12132186042", Aspect.STANDING, Answer.NO, "BANNED")
UNSEEN = Finding("", "", "", Aspect.FILING, Answer.UNKNOWN, "Infobip did not answer.")
MENDED = Finding("2", "bakery", "14155550132", Aspect.FILING, Answer.NO, "Gone.", "Filed anew.")


class FakeArtifacts:
    """Keeps the versions of the tables, and the one list of everyone, as Prefect does."""

    def __init__(self) -> None:
        self.tables: list[list[dict[str, Any]]] = []
        self.descriptions: list[str] = []
        self.keys: list[str] = []
        self.list = ""
        self.lists = 0

    async def aget(self, key: str) -> Any:
        if key == EVERYONE:
            return type("Artifact", (), {"id": LIST_ID}) if self.list else None
        tables = [t for t, k in zip(self.tables, self.keys, strict=True) if k == key]
        return type("Artifact", (), {"data": json.dumps(tables[-1])}) if tables else None

    async def create(self, *, key: str, table: list[dict[str, Any]], description: str) -> None:
        self.keys.append(key)
        self.tables.append(table)
        self.descriptions.append(description)

    async def create_list(self, *, key: str, markdown: str, description: str) -> None:
        assert (key, bool(description)) == (EVERYONE, True)
        self.list, self.lists = markdown, self.lists + 1

    async def update_artifact(self, artifact_id: UUID, changed: ArtifactUpdate) -> None:
        assert artifact_id == LIST_ID
        self.list = str(changed.data)

    @asynccontextmanager
    async def client(self) -> AsyncGenerator["FakeArtifacts"]:
        yield self


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> FakeArtifacts:
    fake = FakeArtifacts()
    monkeypatch.setattr(findings, "Artifact", fake)
    monkeypatch.setattr(findings, "acreate_table_artifact", fake.create)
    monkeypatch.setattr(findings, "acreate_markdown_artifact", fake.create_list)
    monkeypatch.setattr(findings, "get_client", fake.client)
    return fake


async def shown(
    artifacts: FakeArtifacts, *found: Finding, client_ref: str | None = None, dry: bool = False
) -> list[Any]:
    """The table of one more reconciliation."""
    await show_findings.fn(found, client_ref, dry=dry)
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
    assert [row["since the last"] for row in rows] == ["mended", ""]
    assert len(await shown(artifacts, well)) == 1


async def test_a_solution_is_told_here_alone(artifacts: FakeArtifacts):
    lost = Finding("", "all 2 that came by it", "", Aspect.SOLUTION, Answer.NO, "Deactivated.")
    (row,) = await shown(artifacts, lost)
    assert row["done"].startswith("Told here")


async def test_no_whole_number_is_in_the_table(artifacts: FakeArtifacts):
    assert BANNED.phone_number not in json.dumps(await shown(artifacts, BANNED))


def many(number: int, answer: Answer) -> list[Finding]:
    """So many clients that are all alike."""
    said = "Infobip shows it as it is."
    return [
        Finding(f"{n}", f"client-{n:05}", f"1202{n:07}", Aspect.STANDING, answer, said)
        for n in range(number)
    ]


async def test_ten_thousand_that_are_in_order_are_one_row(artifacts: FakeArtifacts):
    """And what was not seen another, for each reason that there was."""
    rows = await shown(artifacts, *many(10_000, Answer.YES), *many(3, Answer.UNKNOWN), BANNED)
    assert [(row["client"], row["sender"], row["in order"]) for row in rows] == [
        ("acme", BANNED.label, "no"),
        ("3 clients", "3 in all", "unknown"),
        ("10,000 clients", "10,000 in all", "yes"),
    ]


async def test_a_table_has_an_end(artifacts: FakeArtifacts):
    """What is not in order can be many; the summary counts them all."""
    rows = await shown(artifacts, *many(MOST_ROWS + 1, Answer.NO), GOOD_NEWS)
    assert [row["in order"] for row in rows] == ["no"] * MOST_ROWS + ["yes"]
    assert f"{MOST_ROWS + 1} not in order" in artifacts.descriptions[-1]


async def test_of_every_client_it_can_be_found_why_nothing_was_done(artifacts: FakeArtifacts):
    await shown(artifacts, GOOD_NEWS, *many(2, Answer.UNKNOWN), BANNED)
    assert "CONNECTED. Nothing: it is in order.\n\n`acme`" in artifacts.list
    assert "Nothing: it could not be seen.\n\n`client-00000` `client-00001`" in artifacts.list


async def test_the_list_of_everyone_is_written_over_and_has_an_end(artifacts: FakeArtifacts):
    await shown(artifacts, GOOD_NEWS)
    await shown(artifacts, *many(MOST_NAMES + 5, Answer.YES))
    assert artifacts.lists == 1
    assert "`acme`" not in artifacts.list
    assert "and 5 more: `waboard reconcile CLIENT` says it of each." in artifacts.list


async def test_what_could_not_be_seen_this_time_is_not_mended(artifacts: FakeArtifacts):
    unseen = replace(BANNED, answer=Answer.UNKNOWN)
    away = Finding("", "", "", Aspect.STANDING, Answer.UNKNOWN, "Infobip did not answer.")
    await shown(artifacts, BANNED)
    for blind in (unseen, away):
        rows = await shown(artifacts, blind)
        assert [row["since the last"] for row in rows] == ["not seen", ""]
    (again,) = await shown(artifacts, BANNED)
    assert again["since the last"] == ""


async def test_a_look_at_one_client_says_nothing_of_the_others(artifacts: FakeArtifacts):
    """Nor is it what the next look at everyone is compared with."""
    lost = Finding("2", "bakery", "14155550132", Aspect.STANDING, Answer.NO, "BANNED")
    await shown(artifacts, BANNED, lost)
    rows = await shown(artifacts, BANNED, client_ref="acme")
    assert [(row["client"], row["since the last"]) for row in rows] == [("acme", "")]
    rows = await shown(artifacts, BANNED, lost)
    assert [row["since the last"] for row in rows] == ["", ""]
    assert artifacts.keys == ["reconcile", "reconcile-one-client", "reconcile"]


async def test_a_dry_run_says_that_it_was_one(artifacts: FakeArtifacts):
    (row,) = await shown(artifacts, BANNED, dry=True)
    assert row["done"] == "Nothing: a dry run."
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
