"""The timeline: notes leave at once, many together, and are in nobody's way."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.domain.samples import T0
from waboard import timeline
from waboard.timeline import AT_ONCE, Note, Timeline, event_of, note

RUN = "5f1c0f9e-8a52-4f0e-8a3e-0f0f6d3d2b10"
NUMBER = "12132186042"


def a_note(what: str = "woken", **facts: str) -> Note:
    return Note("onboarding 1", RUN, what, facts, T0)


class Prefect:
    """Takes notes once it is let to."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.batches: list[list[str]] = []
        self.fails = False

    def send(self, notes: Sequence[Note]) -> None:
        self.open.wait(10)
        if self.fails:
            raise ConnectionError
        self.batches.append([each.what for each in notes])


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_event_names_the_onboarding_and_is_related_to_its_run():
    event = event_of(a_note("decision.cancel", who="ada"))
    assert event.event == "waboard.decision.cancel"
    assert event.occurred == T0
    assert event.resource.id == "waboard.onboarding.onboarding 1"
    ((related),) = event.related
    assert (related.id, related.role) == (f"prefect.flow-run.{RUN}", "flow-run")
    assert event.payload == {"who": "ada"}
    assert isinstance(event.id, UUID)


def test_what_it_tells_is_masked():
    told = event_of(a_note(detail=f"Number +{NUMBER} is banned")).payload["detail"]
    assert told == "Number …6042 is banned"


def test_whoever_notes_does_not_wait():
    """Prefect takes nothing here, for ten seconds."""
    prefect = Prefect()
    began = time.monotonic()
    line = Timeline(prefect.send)
    for _ in range(500):
        line.take(a_note())
    assert timedelta(seconds=time.monotonic() - began) < timedelta(seconds=5)
    prefect.open.set()
    until(lambda: sum(map(len, prefect.batches)) == 500)


def test_what_gathers_is_sent_together_and_in_order():
    prefect = Prefect()
    line = Timeline(prefect.send)
    line.take(a_note("first"))
    names = [f"n{n}" for n in range(2 * AT_ONCE)]
    for name in names:
        line.take(a_note(name))
    prefect.open.set()
    until(lambda: sum(map(len, prefect.batches)) == 1 + len(names))
    assert [name for batch in prefect.batches for name in batch] == ["first", *names]
    assert max(map(len, prefect.batches)) <= AT_ONCE
    assert len(prefect.batches) <= 4


def test_what_is_too_much_is_lost_and_nothing_else():
    prefect = Prefect()
    line = Timeline(prefect.send, most=5)
    for n in range(5 + AT_ONCE + 1):
        line.take(a_note(f"n{n}"))
    prefect.open.set()
    line.flush(10)
    sent = [name for batch in prefect.batches for name in batch]
    assert sent == [f"n{n}" for n in range(len(sent))]
    line.take(a_note("after"))
    until(lambda: prefect.batches[-1] == ["after"])


def test_what_comes_in_a_moment_is_sent_together_but_at_the_end_nothing_is_waited_for():
    prefect = Prefect()
    prefect.open.set()
    line = Timeline(prefect.send, gathers=3600)
    for name in ("first", "second"):
        line.take(a_note(name))
    line.flush(10)
    assert prefect.batches == [["first", "second"]]


def test_that_prefect_is_away_loses_what_was_sent_and_nothing_later():
    prefect = Prefect()
    prefect.open.set()
    prefect.fails = True
    line = Timeline(prefect.send)
    line.take(a_note("lost"))
    line.flush(10)
    prefect.fails = False
    line.take(a_note("kept"))
    until(lambda: prefect.batches == [["kept"]])


def test_a_process_that_ends_waits_only_so_long():
    prefect = Prefect()
    line = Timeline(prefect.send)
    line.take(a_note())
    began = time.monotonic()
    line.flush(0.05)
    assert time.monotonic() - began < 5
    prefect.open.set()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Note]:
    """The notes that this process takes."""
    notes: list[Note] = []
    monkeypatch.setattr(timeline._timeline, "take", notes.append)
    return notes


def test_without_a_prefect_or_a_run_there_is_no_timeline(taken: list[Note]):
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        note("1", RUN, "woken")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        note("1", None, "woken")
        assert taken == []
        note("1", RUN, "woken", why="It is time to look.")
    assert [(each.what, each.facts) for each in taken] == [
        ("woken", {"why": "It is time to look."})
    ]
