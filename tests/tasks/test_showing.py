"""What the Prefect UI shows of an onboarding: its run's tags, and one card, changed in place."""

from typing import Any, Self
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.objects import Artifact
from prefect.exceptions import ObjectNotFound

from tasks import showing
from tasks.showing import show, show_changed
from tests.tasks.bench import GOOD, Bench
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.waits import WaitKind
from waboard.ledger.attempts import begin_leg
from waboard.ledger.look import learn
from waboard.ledger.onboardings import end_onboarding
from waboard.ledger.showing import AGAIN, SOON, unshown
from waboard.ledger.waits import open_wait

RUN = uuid4()


class FakePrefect:
    """Keeps artifacts and tags as Prefect does; `is_down` answers nothing."""

    def __init__(self) -> None:
        self.artifacts: dict[UUID, Any] = {}
        self.tags: list[str] = []
        self.has_run = True
        self.is_down = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def update_flow_run(self, run_id: UUID, *, tags: list[str]) -> None:
        if not self.has_run or run_id != RUN:
            raise ObjectNotFound(Exception("gone"))
        self.tags = tags

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
    monkeypatch.setattr(showing, "get_client", lambda: fake)
    return fake


async def started(bench: Bench) -> Onboarding:
    """One whose run is on its way."""
    onboarding = await bench.start()
    async with bench.ledger.begin() as session:
        await begin_leg(session, onboarding.id, str(RUN), bench.services.leg)
    return await bench.look()


async def ended(bench: Bench) -> None:
    """One of whose senders Infobip registered one, that has ended and is shown so."""
    await started(bench)
    await bench.registered()
    async with bench.ledger.begin() as session:
        await end_onboarding(session, bench.id, bench.now)
    await show(bench.services, bench.id)


async def disconnected(bench: Bench) -> None:
    """Let somebody see that the client has removed the provider."""
    status, reason = Status.FALSE, Reason.CLIENT_DISCONNECTED
    found = Condition(ConditionType.CONNECTED, status, reason, "Gone.", "read", bench.now)
    async with bench.ledger.begin() as session:
        await learn(session, bench.id, "", found)


async def due(bench: Bench) -> list[str]:
    """Whom the waker would show anew now."""
    async with bench.ledger.begin() as session:
        return await unshown(session, bench.now)


class TestTheCard:
    """One artifact a run."""

    async def test_it_is_made_once_and_then_changed_in_place(
        self, bench: Bench, prefect: FakePrefect
    ):
        onboarding = await started(bench)
        await show(bench.services, onboarding.id)
        (made,) = prefect.artifacts.values()
        before = made.data
        await bench.later(60)
        await show(bench.services, onboarding.id)
        assert list(prefect.artifacts.values()) == [made]
        assert made.data != before

    async def test_one_that_somebody_deleted_is_made_anew(self, bench: Bench, prefect: FakePrefect):
        onboarding = await started(bench)
        await show(bench.services, onboarding.id)
        prefect.artifacts.clear()
        await show(bench.services, onboarding.id)
        assert len(prefect.artifacts) == 1

    async def test_its_key_is_the_onboardings_and_it_belongs_to_the_run(
        self, bench: Bench, prefect: FakePrefect
    ):
        onboarding = await started(bench)
        await show(bench.services, onboarding.id)
        (made,) = prefect.artifacts.values()
        assert made.key == f"onboarding-{onboarding.id}"
        assert (made.type, made.flow_run_id) == ("markdown", RUN)

    async def test_it_is_shown_although_somebody_deleted_the_run(
        self, bench: Bench, prefect: FakePrefect
    ):
        prefect.has_run = False
        await show(bench.services, (await started(bench)).id)
        assert len(prefect.artifacts) == 1


class TestWhatChangesWhileNoLegIsThere:
    """A webhook, a reconciliation, a person: the waker shows it."""

    async def test_one_that_has_ended_is_shown_anew(self, bench: Bench, prefect: FakePrefect):
        await ended(bench)
        assert not any(tag == "awaiting:client" for tag in prefect.tags)
        await disconnected(bench)
        await bench.later(SOON.total_seconds())
        await show_changed(bench.ledger, bench.services.clock)
        (card,) = prefect.artifacts.values()
        assert "Gone." in card.data
        assert "awaiting:client" in prefect.tags

    async def test_what_is_shown_is_not_shown_again(self, bench: Bench, prefect: FakePrefect):
        await ended(bench)
        await bench.later(SOON.total_seconds())
        assert await due(bench) == []
        await disconnected(bench)
        await bench.later(SOON.total_seconds())
        assert await due(bench) == [bench.id]
        await show_changed(bench.ledger, bench.services.clock)
        assert await due(bench) == []

    async def test_one_at_work_shows_itself(self, bench: Bench, prefect: FakePrefect):
        await started(bench)
        await disconnected(bench)
        await bench.later(SOON.total_seconds())
        assert await due(bench) == []

    async def test_one_that_sleeps_is_shown_anew_once_it_has_a_card(
        self, bench: Bench, prefect: FakePrefect
    ):
        """Before, its leg is on its way to sleep and makes one."""
        await started(bench)
        async with bench.ledger.begin() as session:
            kind, plan = WaitKind.REGISTRATION, bench.services.policy.plan(WaitKind.REGISTRATION)
            sleep = {"flow_run_id": str(RUN), "pause_key": "key", "plan": plan, "now": bench.now}
            await open_wait(session, bench.id, kind, **sleep)
        await bench.later(SOON.total_seconds())
        assert await due(bench) == []
        await show(bench.services, bench.id)
        await disconnected(bench)
        await bench.later(SOON.total_seconds())
        assert await due(bench) == [bench.id]

    async def test_what_cannot_be_shown_stops_nothing_and_is_tried_later(
        self, bench: Bench, prefect: FakePrefect, caplog: pytest.LogCaptureFixture
    ):
        prefect.is_down = True
        await ended(bench)
        assert "An onboarding could not be shown: ConnectionError" in caplog.text
        assert GOOD not in caplog.text
        await bench.later(SOON.total_seconds())
        assert await due(bench) == []
        await bench.later(AGAIN.total_seconds())
        prefect.is_down = False
        await show_changed(bench.ledger, bench.services.clock)
        assert await due(bench) == []
        assert len(prefect.artifacts) == 1
