"""The card in the Prefect UI: one artifact a run, changed in place."""

from typing import Any, Self
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.objects import Artifact
from prefect.exceptions import ObjectNotFound

from tasks import card
from tasks.card import show_card
from tests.tasks.bench import Bench


class FakePrefect:
    """Keeps artifacts as Prefect does; `is_down` answers nothing."""

    def __init__(self) -> None:
        self.artifacts: dict[UUID, Any] = {}
        self.is_down = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def create_artifact(self, artifact: ArtifactCreate) -> Artifact:
        if self.is_down:
            raise ConnectionError("no answer")
        made = Artifact(id=uuid4(), **artifact.model_dump(exclude_unset=True))
        self.artifacts[made.id] = made
        return made

    async def update_artifact(self, artifact_id: UUID, artifact: ArtifactUpdate) -> None:
        if artifact_id not in self.artifacts:
            raise ObjectNotFound(Exception("gone"))
        self.artifacts[artifact_id].data = artifact.data


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    fake = FakePrefect()
    monkeypatch.setattr(card, "get_client", lambda: fake)
    return fake


async def test_it_is_made_once_and_then_changed_in_place(bench: Bench, prefect: FakePrefect):
    onboarding = await bench.start()
    await show_card(bench.services, onboarding)
    (made,) = prefect.artifacts.values()
    before = made.data
    await bench.later(60)
    await show_card(bench.services, onboarding)
    assert list(prefect.artifacts.values()) == [made]
    assert made.data != before


async def test_one_that_somebody_deleted_is_made_anew(bench: Bench, prefect: FakePrefect):
    onboarding = await bench.start()
    await show_card(bench.services, onboarding)
    prefect.artifacts.clear()
    await show_card(bench.services, onboarding)
    assert len(prefect.artifacts) == 1


async def test_that_it_cannot_be_shown_stops_nothing(
    bench: Bench, prefect: FakePrefect, caplog: pytest.LogCaptureFixture
):
    prefect.is_down = True
    await show_card(bench.services, await bench.start())
    assert "The card could not be shown: ConnectionError" in caplog.text


async def test_its_key_is_the_onboardings_and_it_belongs_to_the_run(
    bench: Bench, prefect: FakePrefect
):
    onboarding = await bench.start()
    await show_card(bench.services, onboarding)
    (made,) = prefect.artifacts.values()
    assert made.key == f"onboarding-{onboarding.id}"
    assert made.type == "markdown"
