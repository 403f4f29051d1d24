"""What is true is kept true: compared with the sandbox's own books, mended, or raised."""

import asyncio
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest
import yaml
from prefect.states import Crashed, Running

from flows.reconcile import reconcile as flow_of_it
from tasks import reconcile, standings
from tasks.filings import MOST_ALONE, compare_filings
from tasks.reconcile import compare_runs, look_for_registrations, take_up_undone
from tasks.standings import compare_standings
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import (
    APPLICATION,
    ASSOCIATIONS,
    ENTITY,
    GOOD,
    OTHER,
    QUALITY,
    Bench,
    Crash,
    condition,
    sender_fate,
    unreachable,
)
from waboard.deploy import PREFECT_FILE
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.filing import Filing
from waboard.domain.ids import NumberKey
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer, Finding
from waboard.infobip.models import Association
from waboard.ledger import look
from waboard.ledger.attempts import begin_leg
from waboard.ledger.conditions import write_condition
from waboard.ledger.locks import hold
from waboard.ledger.onboardings import end_onboarding, record_run, with_news
from waboard.ledger.senders import record_adopted, record_number_key

USABLE, ASSOCIATED = ConditionType.USABLE, ConditionType.ASSOCIATED
VERIFIED, NOTIFIED = ConditionType.VERIFIED, ConditionType.NOTIFIED


async def live(bench: Bench, *numbers: str) -> Onboarding:
    """An onboarding that has ended as live, as the sandbox's books have it too."""
    onboarding = await bench.registered(*numbers)
    await bench.services.infobip.create_application(onboarding.application_id, "The Provider")
    await bench.services.infobip.create_entity(onboarding.entity_id, "Acme")
    for sender in onboarding.senders:
        key = bench.books.senders[sender.phone_number].key
        async with bench.ledger.begin() as session:
            await record_number_key(session, onboarding.id, sender.phone_number, key)  # pyright: ignore[reportArgumentType]
            for kind in (ASSOCIATED, VERIFIED):
                true = Condition(kind, Status.TRUE, "Shown", "Yes.", "test", bench.now)
                await write_condition(session, onboarding.id, sender.phone_number, true)
        await bench.services.infobip.associate(
            key,  # pyright: ignore[reportArgumentType]
            onboarding.application_id,
            onboarding.entity_id,
        )
    async with bench.ledger.begin() as session:
        await end_onboarding(session, onboarding.id, bench.now, "Live")
    return await bench.later(60)


async def becomes(bench: Bench, status: str, *numbers: str) -> None:
    """Meta does something to the numbers."""
    fates = [sender_fate(n, connection_status=status) for n in numbers or (GOOD,)]
    await bench.sandbox.decide(senders=fates, status="FINISHED")


def answers(findings: list[Finding]) -> list[tuple[str, Answer, str]]:
    """What matters of findings."""
    return [(f.label, f.answer, f.done) for f in findings]


async def has_news(bench: Bench) -> bool:
    """Whether its run goes on by itself."""
    async with bench.ledger.begin() as session:
        return await with_news(session) == [bench.id]


class TestStandings:
    """How senders stand at Infobip."""

    async def test_what_is_in_order_is_kept_and_changes_nothing(self, bench: Bench):
        await live(bench)
        findings = await compare_standings.fn(bench.services, None, dry=False)
        assert answers(findings) == [("…8538", Answer.YES, "")]
        (sender,) = (await bench.look()).senders
        assert sender.standing is not None
        assert sender.standing.status == "CONNECTED"
        assert USABLE not in sender.conditions
        assert not await has_news(bench)

    async def test_a_banned_number_is_live_no_more_and_its_run_goes_on(self, bench: Bench):
        await live(bench)
        await becomes(bench, "BANNED")
        findings = await compare_standings.fn(bench.services, None, dry=False)
        assert answers(findings) == [("…8538", Answer.NO, "")]
        (sender,) = (await bench.look()).senders
        assert condition(sender, USABLE) == (Status.FALSE, Reason.SENDER_BANNED)
        assert not sender.is_live
        assert await has_news(bench)

    async def test_one_that_comes_back_is_live_again(self, bench: Bench):
        await live(bench)
        for status in ("BANNED", "CONNECTED"):
            await becomes(bench, status)
            await compare_standings.fn(bench.services, None, dry=False)
        (sender,) = (await bench.look()).senders
        assert condition(sender, USABLE) == (Status.TRUE, Reason.SENDER_USABLE)
        assert sender.is_live

    async def test_one_that_infobip_does_not_list_is_gone(self, bench: Bench):
        await live(bench, GOOD, OTHER)
        del bench.books.senders[OTHER]
        await bench.later(3600)
        findings = await compare_standings.fn(bench.services, None, dry=False)
        assert {f.label: f.answer for f in findings} == {
            "…8538": Answer.YES,
            "…6042": Answer.NO,
        }

    async def test_a_status_that_says_nothing_changes_nothing(self, bench: Bench):
        await live(bench)
        await becomes(bench, "UNKNOWN")
        findings = await compare_standings.fn(bench.services, None, dry=False)
        assert [f.answer for f in findings] == [Answer.UNKNOWN]
        assert (await bench.look()).senders[0].is_live

    async def test_doing_it_twice_comes_to_the_same(self, bench: Bench):
        await live(bench)
        await becomes(bench, "BANNED")
        first = await compare_standings.fn(bench.services, None, dry=False)
        before = await bench.look()
        assert await compare_standings.fn(bench.services, None, dry=False) == first
        assert (await bench.look()).senders[0].conditions == before.senders[0].conditions

    async def test_a_dry_run_finds_the_same_and_writes_nothing(self, bench: Bench):
        await live(bench)
        await becomes(bench, "BANNED")
        findings = await compare_standings.fn(bench.services, None, dry=True)
        assert answers(findings) == [("…8538", Answer.NO, "")]
        (sender,) = (await bench.look()).senders
        assert sender.standing is None
        assert sender.is_live

    async def test_only_one_client_is_looked_at_where_one_is_named(self, bench: Bench):
        await live(bench)
        assert await compare_standings.fn(bench.services, "somebody-else", dry=False) == []
        assert len(await compare_standings.fn(bench.services, "acme", dry=False)) == 1

    async def test_what_cannot_be_seen_is_no_answer(self, bench: Bench):
        await live(bench)
        bench.network.cut_before("GET", QUALITY, unreachable(), always=True)
        (finding,) = await compare_standings.fn(bench.services, None, dry=False)
        assert finding.answer is Answer.UNKNOWN
        assert "did not answer" in finding.said or "reach" in finding.said
        assert (await bench.look()).senders[0].is_live

    async def test_an_answer_that_was_lost_is_asked_for_again(self, bench: Bench):
        """Of a hundred questions one may fail: the others are not asked twice for it."""
        await live(bench)
        bench.network.cut_before("GET", QUALITY, unreachable())
        (finding,) = await compare_standings.fn(bench.services, None, dry=False)
        assert finding.answer is Answer.YES

    async def test_where_infobip_is_away_the_others_are_not_asked_for(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(standings, "MOST_SENDERS", 1)
        monkeypatch.setattr(standings, "ABREAST", 1)
        await live(bench, GOOD, OTHER)
        before = bench.calls("GET", QUALITY)
        refused = httpx.Response(403, json={})
        bench.network.instead("GET", QUALITY, lambda _: refused, always=True)
        findings = await compare_standings.fn(bench.services, None, dry=False)
        assert [f.answer for f in findings] == [Answer.UNKNOWN, Answer.UNKNOWN]
        assert bench.calls("GET", QUALITY) == before

    async def test_what_is_as_before_is_read_again_and_not_written_again(self, bench: Bench):
        await live(bench)
        await compare_standings.fn(bench.services, None, dry=False)
        (before,) = (await bench.look()).senders
        await bench.later(60)
        await compare_standings.fn(bench.services, None, dry=False)
        (sender,) = (await bench.look()).senders
        assert sender.standing is not None
        assert before.standing is not None
        assert sender.standing.read_at > before.standing.read_at
        assert sender.standing == replace(before.standing, read_at=sender.standing.read_at)

    async def test_one_that_was_noted_and_not_looked_at_does_not_happen(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        """Whoever dies in between has written nothing: the next time it is news as ever."""
        await live(bench)
        await becomes(bench, "BANNED")

        async def die(*_: object) -> None:
            raise Crash

        with monkeypatch.context() as dying:
            dying.setattr(look, "_take_up_parked", die)
            with pytest.raises(Crash):
                await compare_standings.fn(bench.services, None, dry=False)
        assert USABLE not in (await bench.look()).senders[0].conditions
        await compare_standings.fn(bench.services, None, dry=False)
        assert await has_news(bench)

    async def test_two_at_once_come_to_the_same(self, bench: Bench):
        await live(bench, GOOD, OTHER)
        await becomes(bench, "BANNED", GOOD)
        both = [compare_standings.fn(bench.services, None, dry=False) for _ in range(2)]
        first, second = await asyncio.gather(*both)
        assert first == second
        states = {s.phone_number: s.is_live for s in (await bench.look()).senders}
        assert states == {GOOD: False, OTHER: True}


EMPTY: dict[str, Any] = {"results": [], "paging": {"totalResults": 0}}


def only_one_number(request: httpx.Request) -> httpx.Response:
    """Infobip knows what it is asked for alone, and lists nothing."""
    key = request.url.params.get("resourceId")
    link = {"applicationId": APPLICATION, "entityId": ENTITY, "resourceId": key}
    return httpx.Response(200, json={"results": [link] if key else []})


class TestFilings:
    """Under which ids senders are filed."""

    @pytest.fixture
    async def crowd(self, bench: Bench) -> Bench:
        """A client with two numbers more than are ever read by themselves."""
        await live(bench, *(f"1202456{line:04d}" for line in range(MOST_ALONE + 2)))
        return bench

    async def test_what_is_in_order_costs_one_call_for_a_thousand(self, bench: Bench):
        await live(bench, GOOD, OTHER)
        before = bench.calls("GET", ASSOCIATIONS)
        findings = await compare_filings.fn(bench.services, None, dry=False)
        assert [f.answer for f in findings] == [Answer.YES, Answer.YES]
        assert bench.calls("GET", ASSOCIATIONS) == before + 1

    async def test_one_that_somebody_removed_is_filed_anew_by_its_run(self, bench: Bench):
        await live(bench)
        bench.books.associations.clear()
        findings = await compare_filings.fn(bench.services, None, dry=False)
        assert answers(findings) == [("…8538", Answer.NO, "Its run goes on and files it anew.")]
        (sender,) = (await bench.look()).senders
        assert condition(sender, ASSOCIATED) == (Status.FALSE, Reason.ASSOCIATION_GONE)
        assert await has_news(bench)

    async def test_those_of_one_client_are_read_by_themselves(self, bench: Bench):
        """The list of all would be ten calls where there are ten thousand."""
        await live(bench)
        bench.network.instead("GET", ASSOCIATIONS, only_one_number, always=True)
        findings = await compare_filings.fn(bench.services, "acme", dry=False)
        assert [f.answer for f in findings] == [Answer.YES]

    async def test_many_that_are_missing_are_believed_when_a_whole_list_misses_them_again(
        self, crowd: Bench
    ):
        before = crowd.calls("GET", ASSOCIATIONS)
        crowd.books.associations.clear()
        findings = await compare_filings.fn(crowd.services, None, dry=False)
        assert {f.answer for f in findings} == {Answer.NO}
        assert crowd.calls("GET", ASSOCIATIONS) == before + 2
        assert await has_news(crowd)

    async def test_a_list_that_left_some_out_the_first_time_is_not_believed(self, crowd: Bench):
        crowd.network.instead("GET", ASSOCIATIONS, lambda _: httpx.Response(200, json=EMPTY))
        findings = await compare_filings.fn(crowd.services, None, dry=False)
        assert {f.answer for f in findings} == {Answer.YES}

    async def test_of_a_list_that_never_holds_still_a_few_are_read_and_the_others_unknown(
        self, crowd: Bench
    ):
        """Its count says that it holds more than it shows: somebody may have been left out."""
        moving = httpx.Response(200, json={**EMPTY, "paging": {"totalResults": 3}})
        for _ in range(2):
            crowd.network.instead("GET", ASSOCIATIONS, lambda _: moving)
        findings = await compare_filings.fn(crowd.services, None, dry=False)
        answers = Counter(f.answer for f in findings)
        assert answers == {Answer.YES: MOST_ALONE, Answer.UNKNOWN: 2}
        assert not await has_news(crowd)

    async def test_one_that_was_filed_otherwise_meanwhile_is_left_alone(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        """Its own run has moved it between our two looks."""
        await live(bench)
        bench.books.associations.clear()
        read = bench.services.infobip.associations

        async def and_meanwhile(key: NumberKey) -> list[Association]:
            async with bench.ledger.begin() as session:
                await record_adopted(session, bench.id, GOOD, Filing("another", "one"))
            return await read(key)

        monkeypatch.setattr(bench.services.infobip, "associations", and_meanwhile)
        (finding,) = await compare_filings.fn(bench.services, None, dry=False)
        assert finding.answer is Answer.UNKNOWN
        assert not await has_news(bench)

    async def test_a_dry_run_leaves_it(self, bench: Bench):
        await live(bench)
        bench.books.associations.clear()
        findings = await compare_filings.fn(bench.services, None, dry=True)
        assert answers(findings) == [("…8538", Answer.NO, "")]
        assert not await has_news(bench)

    async def test_who_is_not_associated_is_not_compared(self, bench: Bench):
        await bench.registered()
        assert await compare_filings.fn(bench.services, None, dry=False) == []
        assert await compare_filings.fn(bench.services, "acme", dry=False) == []


class TestRegistrations:
    """Evidence for whoever waits."""

    async def test_a_lost_webhook_is_made_up_for(self, bench: Bench):
        """The number is known and connected, and nobody said so."""
        await bench.start(phone_numbers=[GOOD])
        await bench.sandbox.decide(senders=[sender_fate(GOOD)], status="FINISHED")
        await bench.sandbox.share()
        await bench.sandbox.settled()
        await look_for_registrations.fn(bench.services, None)
        (sender,) = (await bench.look()).senders
        assert condition(sender, ConditionType.REGISTERED)[0] == Status.TRUE

    async def failed(self, bench: Bench) -> None:
        """It has ended because its number failed; then the number registers, and nobody says so."""
        await bench.sandbox.decide(senders=[sender_fate(GOOD, status="FAILED")], status="FAILED")
        await bench.start()
        await bench.sandbox.share()
        await bench.hear()
        async with bench.ledger.begin() as session:
            await end_onboarding(session, bench.id, bench.now, "RegistrationFailed")
        await bench.sandbox.decide(senders=[sender_fate(GOOD)], status="FINISHED", silent=True)
        await bench.sandbox.http.post(f"/sandbox/wabas/{DOCUMENTED}/registration-event")
        await bench.sandbox.settled()

    async def test_one_that_failed_and_is_registered_since_goes_on(self, bench: Bench):
        """Its event was lost, and no run waits for it."""
        await self.failed(bench)
        await bench.later(15 * 60)
        await look_for_registrations.fn(bench.services, None)
        (sender,) = (await bench.look()).senders
        assert condition(sender, ConditionType.REGISTERED)[0] == Status.TRUE
        assert await has_news(bench)

    async def test_one_that_failed_is_asked_for_at_a_growing_pace(self, bench: Bench):
        """Infobip knows it not: that it was asked is known all the same."""
        await self.failed(bench)
        bench.books.senders.clear()
        asked: list[int] = []
        for quarter in range(1, 60):
            before = bench.calls("GET", QUALITY)
            await bench.later(15 * 60)
            await look_for_registrations.fn(bench.services, None)
            asked += [quarter] * (bench.calls("GET", QUALITY) - before)
        assert asked[:10] == list(range(1, 11))
        pauses = [later - before for before, later in pairwise(asked)]
        assert pauses == sorted(pauses)
        assert pauses[-1] > 4

    async def test_where_nobody_waits_infobip_is_not_asked(self, bench: Bench):
        await live(bench)
        before = bench.calls("GET", QUALITY)
        await look_for_registrations.fn(bench.services, None)
        assert bench.calls("GET", QUALITY) == before


@pytest.mark.alone
class TestRuns:
    """Whether the run of everyone on the way is there."""

    @pytest.fixture
    def states(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What Prefect knows of runs."""
        known: dict[str, Any] = {}

        async def read(_: object) -> dict[str, Any]:
            return known

        monkeypatch.setattr(reconcile, "states_of", read)
        return known

    async def on_the_way(self, bench: Bench) -> None:
        onboarding = await bench.start()
        async with bench.ledger.begin() as session:
            await record_run(session, onboarding.id, "the run")

    async def test_one_that_runs_is_in_order(self, bench: Bench, states: dict[str, Any]):
        await self.on_the_way(bench)
        states["the run"] = Running()
        (finding,) = await compare_runs.fn(bench.services, None, dry=False)
        assert (finding.answer, finding.said) == (Answer.YES, "Its run is Running.")

    async def test_one_that_prefect_forgot_is_started_anew(
        self, bench: Bench, states: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ):
        started: list[str] = []

        async def start(_: object, onboarding: Onboarding) -> str:
            started.append(onboarding.id)
            return "another"

        monkeypatch.setattr(reconcile, "start_run", start)
        await self.on_the_way(bench)
        (dry,) = await compare_runs.fn(bench.services, None, dry=True)
        assert (dry.answer, dry.done, started) == (Answer.NO, "", [])
        (finding,) = await compare_runs.fn(bench.services, None, dry=False)
        assert finding.done == "Another run is started; it goes on from the ledger."
        assert started == [bench.id]

    async def test_one_that_goes_on_in_another_run_by_then_is_left_alone(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        """Somebody retried it while Prefect was asked: a leg of that run may act already."""
        await self.on_the_way(bench)

        async def and_meanwhile(_: object) -> dict[str, Any]:
            async with bench.ledger.begin() as session:
                await begin_leg(session, bench.id, "another", "a leg")
            return {}

        monkeypatch.setattr(reconcile, "states_of", and_meanwhile)
        (finding,) = await compare_runs.fn(bench.services, None, dry=False)
        assert (finding.answer, finding.done) == (Answer.YES, "")
        async with bench.ledger.begin() as session:
            await hold(session, bench.id, "a leg")

    async def test_one_whose_run_is_over_is_left_to_a_person(
        self, bench: Bench, states: dict[str, Any]
    ):
        """It broke off too often to be taken up again."""
        await self.on_the_way(bench)
        states["the run"] = Crashed()
        (finding,) = await compare_runs.fn(bench.services, None, dry=False)
        assert (finding.answer, finding.done) == (Answer.NO, "")
        assert "`waboard retry`" in finding.said

    async def test_one_that_is_about_to_be_started_is_in_order(
        self, bench: Bench, states: dict[str, Any]
    ):
        await bench.start()
        (finding,) = await compare_runs.fn(bench.services, None, dry=False)
        assert finding.answer is Answer.YES

    async def test_who_has_ended_needs_no_run(self, bench: Bench, states: dict[str, Any]):
        await live(bench)
        assert await compare_runs.fn(bench.services, None, dry=False) == []


class TestUndone:
    """What a provider that was away, or a receiver, kept back."""

    async def kept_back(self, bench: Bench, kind: ConditionType, reason: Reason) -> None:
        onboarding = await live(bench)
        await bench.services.write(
            onboarding.id, "", kind, Status.UNKNOWN, reason, "HTTP 503", "test"
        )

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            (NOTIFIED, Reason.RECEIVER_FAILED),
            (NOTIFIED, Reason.PROVIDER_UNAVAILABLE),
            (ConditionType.TEMPLATE_READY, Reason.PROVIDER_UNAVAILABLE),
        ],
    )
    async def test_the_run_goes_on_with_it(self, bench: Bench, kind: ConditionType, reason: Reason):
        await self.kept_back(bench, kind, reason)
        (finding,) = await take_up_undone.fn(bench.services, None, dry=False)
        assert (finding.answer, finding.done) == (Answer.NO, "Its run goes on within seconds.")
        assert await has_news(bench)

    async def test_a_dry_run_leaves_it(self, bench: Bench):
        await self.kept_back(bench, NOTIFIED, Reason.RECEIVER_FAILED)
        (finding,) = await take_up_undone.fn(bench.services, None, dry=True)
        assert (finding.answer, finding.done) == (Answer.NO, "")
        assert not await has_news(bench)

    @pytest.mark.parametrize(
        "reason", [Reason.RECEIVER_AWAITED, Reason.RECEIVER_STOPPED, Reason.RECEIVER_GIVEN_UP]
    )
    async def test_what_lies_in_the_outbox_is_left_to_it(self, bench: Bench, reason: Reason):
        """The postman tries for days, and stops where the receiver wants no more."""
        await self.kept_back(bench, NOTIFIED, reason)
        assert await take_up_undone.fn(bench.services, None, dry=False) == []

    async def test_where_there_is_nobody_to_tell_nothing_is_missing(self, bench: Bench):
        await self.kept_back(bench, NOTIFIED, Reason.NO_RECEIVER)
        assert await take_up_undone.fn(bench.services, None, dry=False) == []

    async def test_what_lasts_for_days_is_for_a_person(self, bench: Bench):
        """A receiver that will never answer is not called for ever."""
        await self.kept_back(bench, NOTIFIED, Reason.RECEIVER_FAILED)
        await bench.later(3 * 86400 + 1)
        assert await take_up_undone.fn(bench.services, None, dry=False) == []

    async def test_a_provider_that_stays_away_is_given_up_and_its_run_tries_once_more(
        self, bench: Bench
    ):
        await self.kept_back(bench, ConditionType.TEMPLATE_READY, Reason.PROVIDER_UNAVAILABLE)
        await bench.later(3 * 86400 + 1)
        assert await take_up_undone.fn(bench.services, None, dry=True) == []
        kind = ConditionType.TEMPLATE_READY
        assert condition(await bench.look(), kind)[1] == Reason.PROVIDER_UNAVAILABLE
        assert await take_up_undone.fn(bench.services, None, dry=False) == []
        assert condition(await bench.look(), kind) == ("Unknown", "UpstreamGivenUp")
        assert await has_news(bench)

    async def test_what_was_given_up_is_not_taken_up_again(self, bench: Bench):
        await self.kept_back(bench, ConditionType.TEMPLATE_READY, Reason.UPSTREAM_GIVEN_UP)
        await bench.later(4 * 86400)
        assert await take_up_undone.fn(bench.services, None, dry=False) == []
        assert not await has_news(bench)

    async def test_who_is_still_on_the_way_is_left_alone(self, bench: Bench):
        """Its run tries by itself."""
        onboarding = await bench.start()
        await bench.services.write(
            onboarding.id,
            "",
            ConditionType.SHARED,
            Status.UNKNOWN,
            Reason.PROVIDER_UNAVAILABLE,
            "HTTP 503",
            "test",
        )
        assert await take_up_undone.fn(bench.services, None, dry=False) == []


def test_its_schedule_leaves_room_for_onboardings_and_a_run_by_hand_does_not_wait():
    deployments = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]
    (deployed,) = (each for each in deployments if each["name"] == "reconcile")
    (schedule,) = deployed["schedules"]
    assert schedule["parameters"] == {"share": 0.1}
    assert "parameters" not in deployed
    assert flow_of_it.parameters.properties["share"]["default"] == 1.0
