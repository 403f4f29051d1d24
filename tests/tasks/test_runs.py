"""Starting, sleeping and waking: no wake-up is lost, and nobody is woken from another sleep."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus, StateAcceptDetails
from prefect.exceptions import ObjectNotFound, Pause
from prefect.states import Cancelled, Completed, Crashed, Failed, Paused, Pending, Running

from tasks import deployments, runs, showing
from tasks.retry import begin_again
from tasks.runs import (
    DEPLOYMENT,
    IN_A_MOMENT,
    LOOK_AGAIN,
    MOST_RUNS,
    go_on,
    mark_late,
    sleep_for,
    start_run,
    states_of,
    wake,
    wake_up,
    was_told_its_end,
)
from tasks.step import effect
from tasks.verify import send_test_message
from tests.deployed import assert_takes
from tests.tasks.bench import GIVE_UP, GOOD, NUDGE, Bench, policy
from waboard.domain.conditions import ConditionType
from waboard.domain.decisions import Order
from waboard.domain.errors import NotFound, Superseded, WaboardError
from waboard.domain.facts import template_facts
from waboard.domain.onboarding import Onboarding
from waboard.domain.waits import WORDS, WaitKind
from waboard.gateway.waker import LEASE
from waboard.ledger.events import receive
from waboard.ledger.models import Verb
from waboard.ledger.onboardings import end_onboarding, with_news
from waboard.ledger.waits import DueWait, claim_due, close_waits

REGISTRATION, DELIVERY = WaitKind.REGISTRATION, WaitKind.DELIVERY


@dataclass
class FakePrefect:
    """A Prefect API that has one deployment and remembers what it is asked to do."""

    run_id: UUID = field(default_factory=uuid4)
    state: State[Any] | None = field(default_factory=Running)
    deployed: bool = True
    lets_sleep: bool = True
    deleted: bool = False
    states: list[State[Any]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    resumed: list[UUID] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)

    async def __aenter__(self) -> "FakePrefect":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_deployment_by_name(self, name: str) -> SimpleNamespace:
        if not self.deployed or name != DEPLOYMENT:
            raise ObjectNotFound(ValueError(name))
        return SimpleNamespace(id=name)

    async def create_flow_run_from_deployment(self, deployment: str, **given: Any) -> Any:
        assert_takes(deployment, given["parameters"])
        self.created.append({"deployment": deployment, **given})
        return SimpleNamespace(id=self.run_id)

    async def update_flow_run(self, run_id: UUID, *, tags: list[str]) -> None:
        assert run_id == self.run_id
        self.tags = tags

    async def set_flow_run_state(
        self, run_id: UUID, state: State[Any], *, force: bool = False
    ) -> Any:
        assert run_id == self.run_id
        if not self.lets_sleep:
            aborted = SetStateStatus.ABORT
            return OrchestrationResult(state=None, status=aborted, details=StateAcceptDetails())
        self.state = state
        accepted = SetStateStatus.ACCEPT
        return OrchestrationResult(state=state, status=accepted, details=StateAcceptDetails())

    async def read_flow_run(self, run_id: UUID) -> SimpleNamespace:
        if self.deleted or run_id != self.run_id:
            raise ObjectNotFound(ValueError(str(run_id)))
        return SimpleNamespace(state=self.state)

    async def read_flow_run_states(self, run_id: UUID) -> list[State[Any]]:
        assert run_id == self.run_id
        return self.states

    async def resume_flow_run(self, run_id: UUID) -> Any:
        self.resumed.append(run_id)
        first = SetStateStatus.ACCEPT if len(self.resumed) == 1 else SetStateStatus.REJECT
        return OrchestrationResult(state=None, status=first, details=StateAcceptDetails())

    async def create_artifact(self, artifact: Any) -> SimpleNamespace:
        self.cards.append(artifact.data)
        return SimpleNamespace(id=uuid4())


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    """And we are inside its flow run."""
    prefect = FakePrefect()
    monkeypatch.setattr(runs, "get_client", lambda: prefect)
    monkeypatch.setattr(deployments, "get_client", lambda: prefect)
    monkeypatch.setattr(showing, "get_client", lambda: prefect)
    inside = SimpleNamespace(get_id=lambda: str(prefect.run_id), get_tags=lambda: prefect.tags)
    monkeypatch.setattr(runs, "flow_run", inside)
    return prefect


async def fall_asleep(bench: Bench, onboarding: Onboarding, kind: WaitKind = REGISTRATION) -> None:
    with pytest.raises(Pause):
        await sleep_for(bench.services, onboarding, kind)


async def due(bench: Bench) -> list[DueWait]:
    """What the waker would wake now."""
    async with bench.ledger.begin() as session:
        return await claim_due(session, bench.now, LEASE)


async def the_wait(bench: Bench) -> DueWait:
    """The wait that is due once its nudge has come."""
    await bench.later(NUDGE)
    (wait,) = await due(bench)
    return wait


async def is_waiting(bench: Bench) -> bool:
    return (await bench.look()).wait is not None


class TestStarting:
    """Once, whoever starts it and however often."""

    async def test_the_run_is_made_of_the_deployment_and_written_down(
        self, bench: Bench, prefect: FakePrefect
    ):
        onboarding = await bench.start()
        assert await start_run(bench.ledger, onboarding) == str(prefect.run_id)
        assert (await bench.look()).flow_run_id == str(prefect.run_id)
        (created,) = prefect.created
        assert created["deployment"] == DEPLOYMENT
        assert created["parameters"] == {"onboarding_id": onboarding.id}
        assert created["name"] == "acme · WABA …3093 · attempt 1"
        assert created["tags"] == ["client:acme", "waba:102384266223093"]

    async def test_the_onboardings_id_makes_it_the_same_run_every_time(
        self, bench: Bench, prefect: FakePrefect
    ):
        onboarding = await bench.start()
        await start_run(bench.ledger, onboarding)
        await start_run(bench.ledger, onboarding)
        assert {each["idempotency_key"] for each in prefect.created} == {onboarding.id}

    async def test_another_attempt_is_another_run_and_the_last_one_needs_nobody(
        self, bench: Bench, prefect: FakePrefect
    ):
        """Whom it needed is awaited by this one, or no more."""
        onboarding = await bench.start()
        left = await start_run(bench.ledger, onboarding)
        await fall_asleep(bench, onboarding)
        assert "awaiting:infobip" in prefect.tags
        again = await begun_again(bench)
        await start_run(bench.ledger, again)
        assert [each["idempotency_key"] for each in prefect.created] == [
            onboarding.id,
            f"{onboarding.id}/2",
        ]
        assert prefect.created[-1]["name"] == "acme · WABA …3093 · attempt 2"
        assert prefect.tags == onboarding.tags
        assert left == str(prefect.run_id)

    async def test_of_several_runs_that_were_left_behind_only_the_last_needed_somebody(
        self, bench: Bench, prefect: FakePrefect, monkeypatch: pytest.MonkeyPatch
    ):
        tagged: list[UUID] = []

        async def note(run_id: UUID, *, tags: list[str]) -> None:
            tagged.append(run_id)

        monkeypatch.setattr(prefect, "update_flow_run", note)
        await start_run(bench.ledger, await bench.start())
        left = [prefect.run_id]
        for _ in range(2):
            await bench.later(1)
            again = await begun_again(bench)
            prefect.run_id = uuid4()
            await start_run(bench.ledger, again)
            left.append(prefect.run_id)
        assert tagged == left[:2]

    async def test_that_somebody_deleted_the_last_run_keeps_no_attempt_back(
        self, bench: Bench, prefect: FakePrefect, monkeypatch: pytest.MonkeyPatch
    ):
        await start_run(bench.ledger, await bench.start())
        again = await begun_again(bench)

        async def gone(run_id: UUID, *, tags: list[str]) -> None:
            raise ObjectNotFound(ValueError(str(run_id)))

        monkeypatch.setattr(prefect, "update_flow_run", gone)
        assert await start_run(bench.ledger, again) == str(prefect.run_id)

    async def test_without_a_deployment_the_remedy_is_to_deploy(
        self, bench: Bench, prefect: FakePrefect
    ):
        prefect.deployed = False
        onboarding = await bench.start()
        with pytest.raises(NotFound, match="waboard deploy"):
            await start_run(bench.ledger, onboarding)
        assert (await bench.look()).flow_run_id is None


class TestFallingAsleep:
    """Under a name that says what for."""

    async def test_the_state_says_what_is_awaited(self, bench: Bench, prefect: FakePrefect):
        await fall_asleep(bench, await bench.start())
        words = WORDS[REGISTRATION]
        since = "Waiting for Infobip since 2026-01-05 09:00 UTC, usually under 24 h."
        assert prefect.state.name == words.state
        assert prefect.state.message == f"{since} {words.message}"
        assert prefect.state.is_paused()
        assert prefect.state.state_details.pause_reschedule

    async def test_the_tags_say_it_too(self, bench: Bench, prefect: FakePrefect):
        await fall_asleep(bench, await wake_up(bench.services, (await bench.start()).id))
        own = ["client:acme", "waba:102384266223093"]
        whom = ["waiting:registration", "awaiting:infobip", "since:2026-01-05"]
        assert prefect.tags == [*own, *whom]

    async def test_a_wait_that_is_late_by_then_is_marked_so(
        self, bench: Bench, prefect: FakePrefect
    ):
        """Whoever looks again and sleeps on says it by itself."""
        bench.services.policy = policy(registration_remind=NUDGE)
        onboarding = await wake_up(bench.services, (await bench.start()).id)
        await fall_asleep(bench, onboarding)
        assert "late" not in prefect.tags
        await bench.later(NUDGE)
        await fall_asleep(bench, await wake_up(bench.services, onboarding.id))
        assert prefect.tags[-1] == "late"
        assert prefect.state.message.startswith("Late: waiting for Infobip since 2026-01-05 09:00")

    async def test_the_wait_knows_the_very_sleep(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.start()
        await fall_asleep(bench, onboarding)
        key = prefect.state.state_details.pause_key
        assert await the_wait(bench) == DueWait(onboarding.id, str(prefect.run_id), key)

    async def test_its_card_shows_what_it_sleeps_for(self, bench: Bench, prefect: FakePrefect):
        await fall_asleep(bench, await bench.start())
        (shown,) = prefect.cards
        assert WORDS[REGISTRATION].remedy in shown

    async def test_each_sleep_has_a_key_of_its_own(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.start()
        await fall_asleep(bench, onboarding)
        first = prefect.state.state_details.pause_key
        await fall_asleep(bench, await wake_up(bench.services, onboarding.id))
        second = prefect.state.state_details.pause_key
        assert first != second
        assert (await the_wait(bench)).pause_key == second

    async def test_it_is_not_due_before_its_nudge(self, bench: Bench, prefect: FakePrefect):
        await fall_asleep(bench, await bench.start())
        await bench.later(NUDGE - 1)
        assert await due(bench) == []

    async def test_the_end_is_the_same_over_all_sleeps(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.start()
        began = bench.now
        for _ in range(3):
            await fall_asleep(bench, onboarding)
            await bench.later(NUDGE)
            onboarding = await wake_up(bench.services, onboarding.id)
        await fall_asleep(bench, onboarding)
        wait = (await bench.look()).wait
        assert (wait.since, (wait.give_up_at - began).total_seconds()) == (began, GIVE_UP)

    async def test_what_came_before_the_last_look_keeps_it_awake(
        self, bench: Bench, prefect: FakePrefect
    ):
        """The event was kept, and nobody woke a run that did not sleep yet."""
        onboarding = await bench.start()
        await bench.registered()
        awake = await sleep_for(bench.services, onboarding, REGISTRATION)
        assert awake.sender(GOOD).phone_number == GOOD
        assert not await is_waiting(bench)
        assert prefect.state.is_running()
        assert prefect.tags == []

    async def test_what_comes_after_the_last_look_makes_it_due_at_once(
        self, bench: Bench, prefect: FakePrefect
    ):
        await fall_asleep(bench, await bench.start())
        assert await due(bench) == []
        await bench.sandbox.share()
        await bench.hear()
        assert len(await due(bench)) == 1

    async def test_a_report_wakes_who_awaits_delivery(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.registered()
        await send_test_message.fn(bench.services, onboarding, onboarding.sender(GOOD))
        await fall_asleep(bench, await bench.look(), DELIVERY)
        assert prefect.state.name == "AwaitingDelivery"
        assert await due(bench) == []
        await bench.hear()
        assert len(await due(bench)) == 1

    async def test_an_event_that_decides_nothing_wakes_nobody(
        self, bench: Bench, prefect: FakePrefect
    ):
        onboarding = await bench.start()
        await bench.sandbox.decide(onboarding.waba_id, status="IN_PROGRESS")
        await fall_asleep(bench, onboarding)
        await bench.sandbox.share()
        await bench.hear()
        assert await due(bench) == []

    async def test_a_run_that_prefect_does_not_let_sleep_says_so(
        self, bench: Bench, prefect: FakePrefect
    ):
        prefect.lets_sleep = False
        with pytest.raises(WaboardError, match="did not let the run sleep: ABORT"):
            await sleep_for(bench.services, await bench.start(), REGISTRATION)


class TestWaking:
    """Only from the very sleep that is due."""

    async def test_a_sleeping_run_is_resumed(self, bench: Bench, prefect: FakePrefect):
        await fall_asleep(bench, await bench.start())
        await wake(bench.ledger, [await the_wait(bench)], lambda: bench.now)
        assert prefect.resumed == [prefect.run_id]

    async def test_its_timeline_says_why(
        self, bench: Bench, prefect: FakePrefect, monkeypatch: pytest.MonkeyPatch
    ):
        noted: list[tuple[tuple[str, ...], dict[str, str]]] = []
        monkeypatch.setattr(runs, "note", lambda *args, **facts: noted.append((args, facts)))
        await fall_asleep(bench, await bench.start())
        await wake(bench.ledger, [await the_wait(bench)], lambda: bench.now)
        why = {"why": "It is time to look."}
        assert noted == [((bench.id, str(prefect.run_id), "woken"), why)]

    async def test_who_finds_it_woken_already_says_nothing(
        self, bench: Bench, prefect: FakePrefect, monkeypatch: pytest.MonkeyPatch
    ):
        """Somebody was quicker, and has said it."""
        noted: list[Any] = []
        monkeypatch.setattr(runs, "note", lambda *args, **_: noted.append(args))
        await fall_asleep(bench, await bench.start())
        wait = await the_wait(bench)
        for _ in range(2):
            await wake(bench.ledger, [wait], lambda: bench.now)
        assert (len(prefect.resumed), len(noted)) == (2, 1)

    @pytest.mark.parametrize(
        ("state", "again"),
        [(Running(), IN_A_MOMENT), (Pending(), LOOK_AGAIN), (Paused(), LOOK_AGAIN)],
        ids=["on its way to sleep", "pending", "paused by a person"],
    )
    async def test_one_that_is_not_in_that_sleep_is_looked_at_again(
        self, bench: Bench, prefect: FakePrefect, state: State[Any], again: timedelta
    ):
        """Soon, if it is about to sleep."""
        await fall_asleep(bench, await bench.start())
        wait = await the_wait(bench)
        prefect.state = state
        await wake(bench.ledger, [wait], lambda: bench.now)
        await bench.later(again.total_seconds() - 0.01)
        assert await due(bench) == []
        await bench.later(0.01)
        assert await due(bench) == [wait]

    async def test_its_wait_stays_open_until_it_is_really_awake(
        self, bench: Bench, prefect: FakePrefect
    ):
        """The resumed leg may die before its first line."""
        await fall_asleep(bench, await bench.start())
        await wake(bench.ledger, [await the_wait(bench)], lambda: bench.now)
        assert await is_waiting(bench)
        await bench.later(LOOK_AGAIN.total_seconds() - 1)
        assert await due(bench) == []
        await bench.later(1)
        assert len(await due(bench)) == 1

    async def test_one_that_is_on_its_way_to_sleep_is_woken_in_a_moment(
        self, bench: Bench, prefect: FakePrefect
    ):
        """The event came after its last look, and before Prefect knew that it sleeps."""
        await fall_asleep(bench, await bench.start())
        asleep, prefect.state = prefect.state, Running()
        wait = await the_wait(bench)
        await wake(bench.ledger, [wait], lambda: bench.now)
        prefect.state = asleep
        await bench.later(IN_A_MOMENT.total_seconds())
        await wake(bench.ledger, await due(bench), lambda: bench.now)
        assert prefect.resumed == [prefect.run_id]

    async def test_one_that_cannot_be_woken_stops_no_other(
        self, bench: Bench, prefect: FakePrefect, caplog: pytest.LogCaptureFixture
    ):
        await fall_asleep(bench, await bench.start())
        wait = await the_wait(bench)
        broken = replace(wait, flow_run_id="no id of a run")
        await wake(bench.ledger, [broken, wait], lambda: bench.now)
        assert prefect.resumed == [prefect.run_id]
        assert "Could not wake a run, trying again: ValueError" in caplog.text

    @pytest.mark.parametrize(
        "state",
        [Running(), Pending(), Paused(pause_key="another sleep"), Paused()],
        ids=["on its way to sleep", "pending", "in another sleep", "paused by a person"],
    )
    async def test_a_run_in_any_other_state_is_left_alone(
        self, bench: Bench, prefect: FakePrefect, state: State[Any]
    ):
        await fall_asleep(bench, await bench.start())
        prefect.state = state
        await wake(bench.ledger, [await the_wait(bench)], lambda: bench.now)
        assert prefect.resumed == []
        assert await is_waiting(bench)

    @pytest.mark.parametrize(
        "state",
        [Completed(), Failed(), Cancelled(), Crashed()],
        ids=lambda state: state.name,
    )
    async def test_a_run_that_has_ended_waits_for_nothing_any_more(
        self, bench: Bench, prefect: FakePrefect, state: State[Any]
    ):
        await fall_asleep(bench, await bench.start())
        prefect.state = state
        await wake(bench.ledger, [await the_wait(bench)], lambda: bench.now)
        assert prefect.resumed == []
        assert not await is_waiting(bench)

    async def test_a_run_that_somebody_deleted_waits_for_nothing_any_more(
        self, bench: Bench, prefect: FakePrefect
    ):
        await fall_asleep(bench, await bench.start())
        prefect.deleted = True
        await wake(bench.ledger, [await the_wait(bench)], lambda: bench.now)
        assert not await is_waiting(bench)


class TestAwake:
    """Nothing is remembered: everything is read anew."""

    async def test_the_wait_is_closed_and_the_tag_gone(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.start()
        await fall_asleep(bench, onboarding)
        await wake_up(bench.services, onboarding.id)
        assert not await is_waiting(bench)
        assert prefect.tags == onboarding.tags

    async def test_what_was_heard_meanwhile_is_known(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.start()
        await fall_asleep(bench, onboarding)
        await bench.registered()
        awake = await wake_up(bench.services, onboarding.id)
        assert [sender.phone_number for sender in awake.senders] == [GOOD]
        assert set(awake.waited_for) == {REGISTRATION}

    async def test_it_is_known_which_run_carries_it_now(self, bench: Bench, prefect: FakePrefect):
        """A person may have started another in the Prefect UI."""
        onboarding = await bench.start()
        await start_run(bench.ledger, onboarding)
        prefect.run_id = uuid4()
        await wake_up(bench.services, onboarding.id)
        assert (await bench.look()).flow_run_id == str(prefect.run_id)

    async def test_a_run_that_somebody_retries_goes_on(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.start()
        async with bench.ledger.begin() as session:
            await end_onboarding(session, onboarding.id, bench.now)
        prefect.states = [told(bench, "VerificationFailed")]
        await wake_up(bench.services, onboarding.id)
        assert (await bench.look()).ended_at is None

    async def test_a_run_that_died_before_it_could_tell_its_end_only_has_to_tell(
        self, bench: Bench, prefect: FakePrefect
    ):
        """What was given up is not waited for again, and nobody gets another test message."""
        onboarding = await bench.start()
        async with bench.ledger.begin() as session:
            await end_onboarding(session, onboarding.id, bench.now)
        prefect.states = [Running(), Crashed()]
        await wake_up(bench.services, onboarding.id)
        assert (await bench.look()).ended_at == bench.now

    async def test_that_it_had_told_an_earlier_end_does_not_mean_that_this_one_was_retried(
        self, bench: Bench, prefect: FakePrefect
    ):
        """It went on with news, failed its test, and died before it could tell that."""
        await fails_its_test(bench)
        prefect.states = [told(bench, "LiveLimited"), Running()]
        await bench.later(60)
        async with bench.ledger.begin() as session:
            await end_onboarding(session, bench.id, bench.now, "VerificationFailed")
        onboarding = await wake_up(bench.services, bench.id)
        assert onboarding.ended_at == bench.now
        assert not onboarding.sender(GOOD).may_be_tested_again

    async def test_a_run_that_goes_on_with_news_does_not_try_again_what_had_failed(
        self, bench: Bench, prefect: FakePrefect
    ):
        """Nobody has retried it: only what came after its end counts."""
        await fails_its_test(bench)
        async with bench.ledger.begin() as session:
            await end_onboarding(session, bench.id, bench.now, "Live")
        await bench.look()
        prefect.states = [told(bench, "VerificationFailed")]
        onboarding = await wake_up(bench.services, bench.id)
        assert onboarding.ended_at is None
        verified = onboarding.sender(GOOD).conditions[ConditionType.VERIFIED]
        assert verified.reason == "MessageRejected"
        async with bench.ledger.begin() as session:
            assert await with_news(session) == []

    async def test_a_leg_that_was_given_up_for_dead_may_not_act(
        self, bench: Bench, prefect: FakePrefect
    ):
        """Its successor has taken over, and both could be alive."""
        onboarding = await bench.start()
        bench.services.leg = "first"
        await wake_up(bench.services, onboarding.id)
        bench.services.leg = "second"
        await wake_up(bench.services, onboarding.id)
        bench.services.leg = "first"
        with pytest.raises(Superseded):
            await sleep_for(bench.services, onboarding, REGISTRATION)
        with pytest.raises(Superseded):
            async with effect(bench.services, onboarding, Verb.SHARE):
                raise AssertionError("it acted")
        assert await bench.effects() == []

    async def test_an_onboarding_that_nobody_asked_for_is_not_found(
        self, bench: Bench, prefect: FakePrefect
    ):
        with pytest.raises(NotFound):
            await wake_up(bench.services, str(uuid4()))

    async def test_what_it_returns_is_awake_too(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.start()
        await fall_asleep(bench, onboarding)
        assert await wake_up(bench.services, onboarding.id) == await bench.look()


def told(bench: Bench, name: str) -> State[Any]:
    """The state in which a run told its end, now."""
    return Failed(name=name, timestamp=bench.now)


async def fails_its_test(bench: Bench) -> None:
    """Its one sender's test message was rejected."""
    onboarding = await bench.registered(delivery="rejected")
    await send_test_message.fn(bench.services, onboarding, onboarding.sender(GOOD))
    await bench.hear()


TEMPLATE_UPDATE = b"""{
  "messageTemplateId": "111",
  "messageTemplateName": "waboard_verification",
  "messageTemplateLanguage": "en",
  "change": {"type": "TEMPLATE_STATUS_UPDATE", "newStatus": "APPROVED"}
}"""


class TestWhatIsForAll:
    """An event that names no WABA hurries those who sleep. Nobody who is about to misses it."""

    async def comes(self, bench: Bench) -> None:
        """A template changed; whoever slept before is hurried by whoever brought it."""
        async with bench.ledger.begin() as session:
            await receive(session, template_facts(TEMPLATE_UPDATE), "webhook", bench.now)

    async def test_what_came_since_the_leg_began_wakes_it_at_once(
        self, bench: Bench, prefect: FakePrefect
    ):
        """It had looked before that."""
        onboarding = await bench.registered()
        bench.services.began_at = bench.now
        await bench.later(3)
        await self.comes(bench)
        await fall_asleep(bench, onboarding, WaitKind.TEMPLATE)
        assert [wait.onboarding_id for wait in await due(bench)] == [onboarding.id]

    async def test_what_came_long_before_was_looked_at(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.registered()
        await self.comes(bench)
        await bench.later(60)
        bench.services.began_at = bench.now
        await fall_asleep(bench, onboarding, WaitKind.TEMPLATE)
        assert await due(bench) == []

    async def test_it_wakes_nobody_who_waits_for_something_else(
        self, bench: Bench, prefect: FakePrefect
    ):
        onboarding = await bench.start()
        bench.services.began_at = bench.now
        await self.comes(bench)
        await fall_asleep(bench, onboarding, REGISTRATION)
        assert await due(bench) == []


class TestGoingOn:
    """A run that had ended goes on with what came since."""

    async def test_it_is_scheduled_again(self, bench: Bench, prefect: FakePrefect):
        onboarding = await bench.start()
        await start_run(bench.ledger, onboarding)
        for end in (Failed(name="RegistrationFailed"), Completed(name="AwaitingUpstream")):
            prefect.state = end
            await go_on(await bench.look())
            assert prefect.state.is_scheduled()

    @pytest.mark.parametrize("state", [Running(), Pending(), Paused()])
    async def test_one_that_goes_on_already_is_left_alone(
        self, bench: Bench, prefect: FakePrefect, state: State[Any]
    ):
        onboarding = await bench.start()
        await start_run(bench.ledger, onboarding)
        prefect.state = state
        await go_on(await bench.look())
        assert prefect.state is state

    async def test_one_that_prefect_knows_no_more_is_named(
        self, bench: Bench, prefect: FakePrefect
    ):
        onboarding = await bench.start()
        await start_run(bench.ledger, onboarding)
        prefect.deleted = True
        with pytest.raises(NotFound, match="acme"):
            await go_on(await bench.look())


async def begun_again(bench: Bench) -> Onboarding:
    """Its attempt had ended, and somebody wants another."""
    async with bench.ledger.begin() as session:
        await close_waits(session, bench.id, bench.now)
        await end_onboarding(session, bench.id, bench.now, "RegistrationFailed")
    order = Order(by="mia", why=f"The phone is on at {bench.now}.")
    return await begin_again(bench.ledger, lambda: bench.now, bench.id, order)


class TestItsEnd:
    """Whether a run had told the end that it wrote down: then somebody has retried it."""

    @pytest.mark.parametrize(
        ("seconds", "was_told"), [(-0.6, False), (-0.5, True), (0, True), (60, True)]
    )
    async def test_it_was_told_when_it_was_written_or_later(
        self, bench: Bench, prefect: FakePrefect, seconds: float, was_told: bool
    ):
        """Prefect's clock may be half a second behind ours."""
        end = Failed(name="Live", timestamp=bench.now + timedelta(seconds=seconds))
        prefect.states = [Running(), end]
        assert await was_told_its_end(str(prefect.run_id), ["Live"], bench.now) is was_told

    async def test_neither_another_name_nor_another_kind_of_state_is_its_end(
        self, bench: Bench, prefect: FakePrefect
    ):
        run_id = str(prefect.run_id)
        for state in (told(bench, "Crashed"), Running(name="Live", timestamp=bench.now)):
            prefect.states = [state]
            assert not await was_told_its_end(run_id, ["Live"], bench.now)

    async def test_what_has_not_ended_has_told_no_end(self, bench: Bench, prefect: FakePrefect):
        prefect.states = [told(bench, "Live")]
        assert not await was_told_its_end(str(prefect.run_id), ["Live"], None)


class ManyRuns(FakePrefect):
    """A Prefect with many runs, of which it shows so many at a time."""

    def __init__(self, flow_runs: Sequence[SimpleNamespace]) -> None:
        super().__init__()
        self.flow_runs, self.asked = flow_runs, []

    async def read_flow_runs(self, *, flow_run_filter: Any, limit: int) -> list[Any]:
        self.asked.append(len(flow_run_filter.id.any_))
        found = [run for run in self.flow_runs if run.id in flow_run_filter.id.any_]
        return found[:limit]

    async def update_flow_run(self, run_id: UUID, *, tags: list[str]) -> None:
        (run,) = [run for run in self.flow_runs if run.id == run_id]
        assert run.tags != tags
        run.tags = tags


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> ManyRuns:
    """More runs than one question may be about, asleep, and some others."""
    asleep = [SimpleNamespace(id=uuid4(), state=Paused(), tags=["own"]) for _ in range(MOST_RUNS)]
    others = [SimpleNamespace(id=uuid4(), state=state, tags=["own"]) for state in (Running(), None)]
    marked = SimpleNamespace(id=uuid4(), state=Paused(), tags=["own", "late"])
    many = ManyRuns([*asleep, *others, marked])
    monkeypatch.setattr(runs, "get_client", lambda: many)
    return many


class TestManyRuns:
    """As many as there are, however few Prefect shows at a time."""

    async def test_the_states_of_all_that_prefect_knows_are_told(self, many: ManyRuns):
        ids = [str(run.id) for run in many.flow_runs]
        found = await states_of([*ids, str(uuid4())])
        assert found == {str(run.id): run.state for run in many.flow_runs}
        assert (sum(many.asked), max(many.asked)) == (len(ids) + 1, MOST_RUNS)

    async def test_those_that_sleep_are_marked_as_late_and_once(self, many: ManyRuns):
        for _ in range(2):
            await mark_late([str(run.id) for run in many.flow_runs])
        tags = [run.tags for run in many.flow_runs]
        assert tags[:MOST_RUNS] == [["own", "late"]] * MOST_RUNS
        assert tags[MOST_RUNS:] == [["own"], ["own"], ["own", "late"]]

    async def test_others_are_not_marked(self, many: ManyRuns):
        first, *others = many.flow_runs
        await mark_late([str(first.id)])
        assert first.tags == ["own", "late"]
        assert others[0].tags == ["own"]


@pytest.mark.parametrize(
    ("level", "message", "shown_as"),
    [
        (logging.ERROR, "Encountered an exception: State(type=PAUSED)", logging.INFO),
        (logging.ERROR, "Encountered an exception: State(type=FAILED)", logging.ERROR),
        (logging.WARNING, "State(type=PAUSED)", logging.WARNING),
    ],
)
def test_that_a_leg_ends_asleep_is_no_error(level: int, message: str, shown_as: int):
    record = logging.LogRecord("prefect.flow_runs", level, "", 0, message, None, None)
    assert logging.getLogger("prefect.flow_runs").filter(record)
    assert (record.levelno, record.levelname) == (shown_as, logging.getLevelName(shown_as))
