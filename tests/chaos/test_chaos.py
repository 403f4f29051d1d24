"""The short run, in CI: on both sides of every call once, and each service at least once."""

from pathlib import Path

import pytest

from tests.chaos.killer import VICTIMS
from tests.chaos.town import Town, postgres_url

SEED = 11
VERBS = (
    "share",
    "create-application",
    "create-entity",
    "associate",
    "send-test-message",
    "notify-operator",
    "notify-provider",
)
BOUNDARIES = frozenset(f"{verb}:{place}" for verb in VERBS for place in ("begun", "answered"))
"""Before a call, and after it and before its answer is written. The long run has them all."""


@pytest.mark.live
@pytest.mark.timeout(1200)
def test_everything_ends_right_whoever_dies_and_whatever_the_provider_does(tmp_path: Path) -> None:
    """Right final states, no effect repeated, no message twice, no event without a disposition."""
    town = Town(clients=4, seed=SEED, patience=900, workers=2, postgres=postgres_url())
    town.kill_every = (20.0, 25.0)  # so that each service dies at least once
    town.boundaries = BOUNDARIES
    judgement, figures = town.onboard(tmp_path)
    print(f"seed {SEED}: {figures} {dict(judgement.counts)}")
    assert judgement.faults == []
    assert {each for each in BOUNDARIES if not judgement.counts[f"died at {each}"]} == set()
    assert {each for each in VICTIMS if not judgement.counts[f"killed: {each}"]} == set()
