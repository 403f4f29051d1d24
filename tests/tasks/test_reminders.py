"""Whose wait is late is found, marked, and told to the operator once a wait."""

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_UI_URL, temporary_settings
from prefect.states import Paused, Running

from tasks import notify, reminders, runs
from tasks.reminders import PATIENCE, look_at_clocks
from tests.tasks.bench import Bench, Crash, policy, shown
from waboard.domain.onboarding import Onboarding
from waboard.domain.reconcile import Answer, Aspect
from waboard.domain.waits import WaitKind
from waboard.ledger.models import Verb
from waboard.ledger.waits import close_waits, open_wait

pytestmark = pytest.mark.alone

SLUG = "custom-webhook/waboard-operator"
RUN = str(uuid4())
DAY = timedelta(days=1).total_seconds()


@dataclass
class Operator:
    """A notification block, and what was sent by it."""

    told: list[tuple[str, str]] = field(default_factory=list)
    fails: BaseException | None = None

    def raise_on_failure(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def notify(self, body: str, subject: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.told.append((subject, body))


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were marked as late."""
    ids: list[str] = []

    async def mark(run_ids: Collection[str]) -> None:
        ids.extend(run_ids)

    monkeypatch.setattr(reminders, "mark_late", mark)
    return ids


@pytest.fixture
def operator(bench: Bench, marked: list[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    operator = Operator()

    async def load(_slug: str) -> Operator:
        return operator

    monkeypatch.setattr(notify, "_notification_block", load)
    bench.services.policy = policy(operator_block=SLUG, registration_give_up=14 * DAY)
    return operator


async def sleeps(bench: Bench, kind: WaitKind = WaitKind.REGISTRATION) -> None:
    """Its run sleeps, or sleeps again."""
    async with bench.ledger.begin() as session:
        plan = bench.services.policy.plan(kind)
        key = str(uuid4())
        await open_wait(
            session, bench.id, kind, flow_run_id=RUN, pause_key=key, plan=plan, now=bench.now
        )


async def asleep_for(bench: Bench, seconds: float) -> Onboarding:
    """Somebody who waits for a registration, for so long."""
    await bench.start()
    await sleeps(bench)
    return await bench.later(seconds)


async def looked(bench: Bench, *, dry: bool = False) -> list[tuple[Aspect, Answer, str]]:
    found = await look_at_clocks.fn(bench.services, None, dry=dry)
    return [(each.aspect, each.answer, each.said) for each in found]


async def test_a_wait_that_is_in_time_is_in_order(
    bench: Bench, operator: Operator, marked: list[str]
):
    await asleep_for(bench, 3600)
    said = "Waiting for Infobip for 60 min, usually under 24 h."
    assert await looked(bench) == [(Aspect.CLOCK, Answer.YES, said)]
    assert (operator.told, marked) == ([], [])


async def test_one_that_is_late_is_found_marked_and_told(
    bench: Bench, operator: Operator, marked: list[str]
):
    await asleep_for(bench, 26 * 3600)
    with temporary_settings({PREFECT_UI_URL: "http://ui.test"}):
        ((_, answer, said),) = await looked(bench)
    assert answer is Answer.NO
    assert said == ("Late: waiting for Infobip for 26 h, usually under 24 h. The operator is told.")
    assert marked == [RUN]
    ((subject, text),) = operator.told
    assert subject == "acme: late, AwaitingRegistration"
    assert text.startswith("acme: Late: waiting for Infobip for 26 h, usually under 24 h. ")
    assert "given up at 2026-01-19 09:00 UTC" in text
    assert text.endswith(f" http://ui.test/runs/flow-run/{RUN}")


async def test_it_is_told_once_a_wait_however_often_it_is_looked_at(
    bench: Bench, operator: Operator
):
    """Also when its run has woken in between, looked, and slept again."""
    await asleep_for(bench, 2 * DAY)
    for _ in range(3):
        await looked(bench)
        await bench.later(900)
        await sleeps(bench)
    assert len(operator.told) == 1
    ((_, _, said),) = await looked(bench)
    assert said.endswith("The operator was told.")


async def test_another_wait_of_the_same_onboarding_is_told_again(bench: Bench, operator: Operator):
    await asleep_for(bench, 2 * DAY)
    await looked(bench)
    async with bench.ledger.begin() as session:
        await close_waits(session, bench.id, bench.now)
    await sleeps(bench, WaitKind.DELIVERY)
    await bench.later(DAY)
    await looked(bench)
    assert [subject for subject, _ in operator.told] == [
        "acme: late, AwaitingRegistration",
        "acme: late, AwaitingDelivery",
    ]


async def test_a_dry_run_tells_nobody_and_marks_nothing(
    bench: Bench, operator: Operator, marked: list[str]
):
    await asleep_for(bench, 2 * DAY)
    ((_, answer, _),) = await looked(bench, dry=True)
    assert answer is Answer.NO
    assert (operator.told, marked) == ([], [])
    assert await bench.effects(Verb.REMIND_OPERATOR) == []


async def test_without_anybody_to_tell_it_is_still_found(bench: Bench, marked: list[str]):
    bench.services.policy = policy(registration_give_up=14 * DAY)
    await asleep_for(bench, 2 * DAY)
    ((_, answer, said),) = await looked(bench)
    assert answer is Answer.NO
    assert said.endswith("usually under 24 h.")
    assert marked == [RUN]


async def test_what_could_not_be_told_is_told_the_next_time(bench: Bench, operator: Operator):
    await asleep_for(bench, 2 * DAY)
    operator.fails = OSError("https://hooks.test/s3cret")
    ((_, _, said),) = await looked(bench)
    assert "Could not tell the operator: OSError" in said
    operator.fails = None
    await bench.later(900)
    await looked(bench)
    assert len(operator.told) == 1
    subject = "registration since 2026-01-05T09:00:00Z"
    assert [shown(row) for row in await bench.effects(Verb.REMIND_OPERATOR)] == [
        (subject, 1, "done")
    ]


async def test_a_crash_in_between_leaves_it_to_another_in_a_while(bench: Bench, operator: Operator):
    """At once somebody else may still be at it."""
    await asleep_for(bench, 2 * DAY)
    operator.fails = Crash()
    with pytest.raises(Crash):
        await looked(bench)
    operator.fails = None
    await looked(bench)
    assert operator.told == []
    await bench.later(PATIENCE.total_seconds())
    await looked(bench)
    assert len(operator.told) == 1


async def another_asleep(bench: Bench, client_ref: str, waba_id: str) -> None:
    first = bench.id
    await bench.start(client_ref=client_ref, waba_id=waba_id)
    await sleeps(bench)
    bench.id = first


async def test_many_at_once_are_one_message(bench: Bench, operator: Operator):
    """Each of them is written down as told."""
    await asleep_for(bench, 0)
    await another_asleep(bench, "bakery", "777")
    await bench.later(2 * DAY)
    assert {said.rpartition(". ")[2] for _, _, said in await looked(bench)} == {
        "The operator is told."
    }
    ((subject, text),) = operator.told
    assert subject == "2 clients wait longer than is usual"
    assert "acme: Late: " in text
    assert "\n\nbakery: Late: " in text
    await looked(bench)
    assert len(operator.told) == 1


async def test_more_than_go_into_one_message_come_with_the_next(
    bench: Bench, operator: Operator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reminders, "MOST", 1)
    await asleep_for(bench, 0)
    await another_asleep(bench, "bakery", "777")
    await bench.later(2 * DAY)
    assert [said.rpartition(". ")[2] for _, _, said in await looked(bench)] == [
        "The operator is told.",
        "It is told the next time.",
    ]
    await looked(bench)
    assert [subject.partition(":")[0] for subject, _ in operator.told] == ["acme", "bakery"]


async def test_what_is_set_decides_when_it_is_late(bench: Bench, operator: Operator):
    bench.services.policy = policy(operator_block=SLUG, registration_remind=60.0)
    await asleep_for(bench, 59)
    await looked(bench)
    assert operator.told == []
    await bench.later(1)
    await looked(bench)
    assert len(operator.told) == 1


class TestMarking:
    """In Prefect: a tag, on runs that still sleep and do not have it."""

    async def test_only_sleeping_runs_without_the_mark_get_it(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        states = (Paused(), Running(), Paused())
        tags = (["client:acme"], ["client:awake"], ["client:marked", "late"])
        found = [
            FlowRun(flow_id=uuid4(), state=state, tags=ts)
            for state, ts in zip(states, tags, strict=True)
        ]
        changed: list[tuple[str, list[str]]] = []

        class Prefect:
            async def __aenter__(self) -> "Prefect":
                return self

            async def __aexit__(self, *_: object) -> None:
                pass

            async def read_flow_runs(self, **_: object) -> list[FlowRun]:
                return found

            async def update_flow_run(self, run_id: object, *, tags: list[str]) -> None:
                changed.append((str(run_id), tags))

        monkeypatch.setattr(runs, "get_client", Prefect)
        await runs.mark_late([str(run.id) for run in found])
        assert changed == [(str(found[0].id), ["client:acme", "late"])]
