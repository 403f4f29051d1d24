"""What an onboarding takes up is put on the timeline of its run, wherever that happens."""

from typing import Any

import pytest

from tasks import timeline
from tests.tasks.bench import GOOD, Bench, sender_fate

Noted = list[tuple[str, dict[str, str]]]


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """What is put on timelines: what, and its facts."""
    notes: Noted = []

    def note(_onboarding_id: str, _run_id: str | None, what: str, **facts: Any) -> None:
        notes.append((what, facts))

    monkeypatch.setattr(timeline, "note", note)
    return notes


async def test_an_event_is_shown_with_what_became_of_it_and_what_it_changed(
    bench: Bench, noted: Noted
):
    await bench.registered()
    what, facts = noted[-1]
    assert what == "event.registration.applied"
    assert facts["source"] == "webhook"
    assert facts["detail"] == "It changed what is known."
    assert "Registered of …8538: True, RegistrationFinished" in facts["changed"]
    assert GOOD not in str(noted)


async def test_an_event_that_brings_nothing_new_is_shown_as_such(bench: Bench, noted: Noted):
    await bench.registered()
    noted.clear()
    await bench.sandbox.decide(senders=[sender_fate(GOOD)], status="IN_PROGRESS")
    await bench.sandbox.share()
    await bench.hear()
    assert {what.rpartition(".")[2] for what, _ in noted} <= {"stale", "applied"}


async def test_a_look_that_takes_up_nothing_shows_nothing(bench: Bench, noted: Noted):
    await bench.start()
    await bench.look()
    assert noted == []
