"""Onboarding: the whole sentence, in its order, leg by leg, and what each run ends as."""

from datetime import timedelta

import pytest
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from tasks.cancel import note_cancelled
from tasks.retry import begin_again
from tests.domain.samples import registration
from tests.flows.bench import TOLD, FlowBench
from tests.flows.prefect_api import Run
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import (
    ASSOCIATIONS,
    GOOD,
    NUMBERS,
    OTHER,
    QUALITY,
    SEND,
    SHARE,
    condition,
    sender_fate,
    unreachable,
)
from tests.tasks.test_notify import Pager
from waboard.domain.conditions import ConditionType
from waboard.domain.decisions import Order
from waboard.domain.facts import canonical, registration_facts
from waboard.domain.reasons import Reason
from waboard.domain.waits import UPSTREAM_PATIENCE
from waboard.ledger.attempts import begin_leg
from waboard.ledger.models import Verb
from waboard.ledger.outbox import list_messages

MIA = Order(by="mia", why="Wrong WABA.")
SOLUTION = "/graph/v26.0/900000000000001"
INFO = f"/whatsapp/1/senders/{GOOD}/business-info"
TEMPLATES = f"/whatsapp/2/senders/{GOOD}/templates"


async def one_sender(flows: FlowBench, **fate: str) -> None:
    """The WABA has one number, which fares so."""
    await flows.bench.sandbox.decide(senders=[sender_fate(GOOD, **fate)])


async def goes_live(flows: FlowBench) -> Run:
    await one_sender(flows)
    run = await flows.onboard()
    assert run.state.name == "Live"
    return run


def asked_of_the_providers(flows: FlowBench) -> list[str]:
    return flows.calls(SOLUTION, SHARE, TEMPLATES, ASSOCIATIONS, SEND, QUALITY, INFO)


class TestOrder:
    """What is called, and what is awaited before what."""

    async def test_the_whole_sentence_in_three_legs(self, flows: FlowBench):
        run = await goes_live(flows)
        assert run.story == [
            *("Scheduled", "Running", "AwaitingRegistration"),
            *("Resuming", "Running", "AwaitingDelivery"),
            *("Resuming", "Running", "Live"),
        ]
        assert flows.labels == [
            "look whether the partner solution lets acme in",
            "share WABA …3093",
            "await registration of WABA …3093",
            "find or make the template of the test message of acme",
            "prepare application and entity of acme",
            "associate sender …8538 with acme",
            "send test message from …8538",
            "tell the operator: acme is Live",
            "tell the provider's system: acme is Live",
        ]
        assert asked_of_the_providers(flows) == [
            f"GET {SOLUTION}",
            f"POST {SHARE}",
            f"GET {TEMPLATES}",
            f"GET {ASSOCIATIONS}",
            f"POST {ASSOCIATIONS}",
            f"GET {ASSOCIATIONS}",
            f"POST {SEND}",
            f"GET {QUALITY}",
            f"GET {INFO}",
        ]
        assert [each.beside for each in flows.opened] == [False] * 3

    async def test_the_client_takes_its_place_in_the_week_before_its_waba_is_shared(
        self, flows: FlowBench
    ):
        admitted: list[tuple[str, str]] = []

        async def look(_: object) -> object:
            admitted.append(condition(await flows.bench.look(), ConditionType.ADMITTED))
            raise unreachable()

        flows.bench.network.instead("POST", SHARE, look)
        await goes_live(flows)
        assert admitted == [("True", "SlotTaken")]


class TestEnd:
    """A state that says what came of it."""

    async def test_who_has_a_live_sender_completes_and_its_card_says_so(self, flows: FlowBench):
        run = await goes_live(flows)
        assert (run.state.type, run.state.message) == (StateType.COMPLETED, "1 of 1 senders live.")
        (card,) = flows.prefect.shown(f"onboarding-{flows.bench.id}")
        assert "1 of 1 senders live." in str(card.data)
        assert run.tags == ["client:acme", f"waba:{DOCUMENTED}"]
        assert run.name == "acme · WABA …3093 · attempt 1"

    async def test_the_documented_example_ends_limited_and_says_what_is_missing(
        self, flows: FlowBench
    ):
        run = await flows.onboard()
        assert (run.state.type, run.state.name) == (StateType.COMPLETED, "LiveLimited")
        assert "Two-step verification" in str(run.state.message)

    async def test_who_has_none_fails(self, flows: FlowBench):
        await one_sender(flows, status="FAILED", registration_info="Two-step is on")
        run = await flows.onboard()
        assert (run.state.type, run.state.name) == (StateType.FAILED, "RegistrationFailed")
        assert "Two-step is on" in str(run.state.message)
        assert flows.steps == ["look at solution", "share", "await registration", *TOLD]

    async def test_a_number_that_is_registered_while_everybody_is_told_is_brought_live(
        self, flows: FlowBench, pager: Pager
    ):
        """What it came to keeps its name: only the number says that there is something to do."""
        body = registration("FINISHED", 60 * 24 * 999, {OTHER: "FINISHED"})
        tell = pager.notify

        async def notify(said: str, subject: str | None = None) -> None:
            pager.notify = tell
            await tell(said, subject)
            now = (flows.bench.now + timedelta(seconds=1)).isoformat()
            late = body | {"businessAccountId": int(DOCUMENTED), "lastModifiedAt": now}
            await flows.receive(registration_facts(canonical(late).encode()))

        pager.notify = notify
        run = await flows.onboard()
        assert run.state.name == "LiveLimited"
        flows.forget()
        await flows.tidy()
        assert "associate" in flows.steps

    async def test_the_operator_and_the_outbox_are_told_once(self, flows: FlowBench, pager: Pager):
        await goes_live(flows)
        assert pager.told == [("acme: Live", "1 of 1 senders live.")]
        told = condition(await flows.bench.look(), ConditionType.NOTIFIED)
        assert told == ("True", Reason.EVERYBODY_TOLD)
        async with flows.bench.ledger.begin() as session:
            kept = await list_messages(session, onboarding_id=flows.bench.id)
        assert [each.type for each in kept].count("onboarding.live") == 1

    async def test_who_cannot_be_told_makes_no_sender_less_live(
        self, flows: FlowBench, pager: Pager
    ):
        pager.trouble = RuntimeError("no answer")
        run = await goes_live(flows)
        assert flows.tries["notify operator"] == 5
        onboarding = await flows.bench.look()
        told = condition(onboarding, ConditionType.NOTIFIED)
        assert told[1] in {Reason.RECEIVER_FAILED, Reason.PROVIDER_UNAVAILABLE}
        assert (run.state.name, onboarding.ended_as) == ("Live", "Live")

    async def test_what_comes_while_everybody_is_told_is_news(
        self, flows: FlowBench, pager: Pager, monkeypatch: pytest.MonkeyPatch
    ):
        """The run that tells the first outcome goes on by itself, and tells the second."""
        notify = pager.notify

        async def meanwhile(body: str, subject: str | None = None) -> None:
            await notify(body, subject)
            if len(pager.told) == 1:
                flows.bench.set_clock(flows.bench.now + timedelta(seconds=60))
                await one_sender(flows)
                await flows.registers()
                await flows.bench.keep_posted()

        monkeypatch.setattr(pager, "notify", meanwhile)
        await one_sender(flows, status="FAILED")
        run = await flows.onboard()
        assert run.state.name == "RegistrationFailed"
        await flows.tidy()
        assert [s for s, _ in pager.told] == ["acme: RegistrationFailed", "acme: Live"]
        assert (run.state.name, len(flows.prefect.runs)) == ("Live", 1)


class TestGoingOn:
    """A leg that wakes, or a run that is retried, calls only what is not yet true."""

    async def test_a_number_that_registers_after_the_end_is_brought_live(
        self, flows: FlowBench, pager: Pager
    ):
        await one_sender(flows, status="FAILED")
        run = await flows.onboard()
        flows.forget()
        await flows.bench.later(60)
        await one_sender(flows)
        await flows.registers()
        await flows.carry_on()
        await flows.tidy()
        assert run.state.name == "Live"
        work = ["prepare template", "prepare ids", "associate", "verify"]
        assert flows.steps == [*work, *TOLD]
        assert [s for s, _ in pager.told] == ["acme: RegistrationFailed", "acme: Live"]

    async def test_a_retry_in_the_ui_sends_another_test_message_and_nothing_else(
        self, flows: FlowBench, pager: Pager
    ):
        await one_sender(flows, delivery="expired")
        run = await flows.onboard()
        assert (run.state.name, run.state.type) == ("VerificationFailed", StateType.FAILED)
        flows.forget()
        await flows.bench.later(60)
        await one_sender(flows)
        await flows.retry(run)
        assert (run.state.name, flows.bench.calls("POST", SEND)) == ("Live", 2)
        assert flows.steps == ["verify", *TOLD]
        assert flows.bench.calls("GET", INFO) == 1

    async def test_a_retry_that_had_nothing_to_do_tells_nobody_again(
        self, flows: FlowBench, pager: Pager
    ):
        run = await goes_live(flows)
        flows.forget()
        await flows.bench.later(60)
        await flows.retry(run)
        assert (run.state.name, flows.steps, len(pager.told)) == ("Live", [], 1)
        told = condition(await flows.bench.look(), ConditionType.NOTIFIED)
        assert told == ("True", Reason.EVERYBODY_TOLD)

    async def test_one_that_died_before_it_told_its_end_only_tells_it(self, flows: FlowBench):
        run = await goes_live(flows)
        run.states[-1] = Crashed(timestamp=flows.bench.now)
        flows.forget()
        await flows.retry(run)
        assert (run.state.name, [s for s in flows.steps if s not in TOLD]) == ("Live", [])
        assert len(await flows.bench.effects(Verb.SEND_TEST_MESSAGE)) == 1


@pytest.mark.alone
class TestOutage:
    """An upstream that is away delays the run, and fails it after days."""

    async def away(self, flows: FlowBench) -> Run:
        await one_sender(flows)
        for path in (NUMBERS, ASSOCIATIONS):
            flows.bench.network.cut_before("GET", path, unreachable(), always=True)
        return await flows.onboard()

    async def test_the_run_completes_as_delayed(self, flows: FlowBench):
        run = await self.away(flows)
        assert (run.state.type, run.state.name) == (StateType.COMPLETED, "AwaitingUpstream")
        assert flows.tries["associate"] == 5
        assert "verify" not in flows.steps

    async def test_a_reconciliation_lets_it_go_on_until_it_is_live(self, flows: FlowBench):
        run = await self.away(flows)
        await flows.later(minutes=15)
        flows.bench.network.restore()
        await flows.start("reconcile")
        await flows.tidy()
        assert run.state.name == "Live"

    async def test_after_days_it_has_failed(self, flows: FlowBench):
        run = await self.away(flows)
        await flows.later(seconds=UPSTREAM_PATIENCE.total_seconds() + 1)
        await flows.start("reconcile")
        await flows.tidy()
        assert (run.state.type, run.state.name) == (StateType.FAILED, "AssociationFailed")


class TestStopped:
    """A leg that may not act any more does nothing, and ends as what its run is."""

    async def test_one_that_is_cancelled_in_the_middle(self, flows: FlowBench):
        bench = flows.bench

        async def cancelled(request: object) -> object:
            await note_cancelled(bench.ledger, lambda: bench.now, bench.id, MIA)
            return await bench.network.carry(request)

        bench.network.instead("POST", SHARE, cancelled)
        run = await flows.onboard()
        assert run.state.is_cancelled()
        assert "Cancelled by mia: Wrong WABA." in str(run.state.message)
        assert flows.steps[-1] not in TOLD

    async def test_one_of_an_earlier_attempt(self, flows: FlowBench):
        run = await flows.ask()
        flows.prefect.set(run, Crashed())
        await begin_again(flows.bench.ledger, lambda: flows.bench.now, flows.bench.id, MIA)
        await flows.leg(run)
        assert run.state.is_cancelled()
        assert run.state.message == "Attempt 2 goes on with this in its own run."
        assert (flows.steps, flows.bench.writes()) == ([], [])

    async def test_one_that_was_given_up_for_dead_leaves_the_state_to_its_successor(
        self, flows: FlowBench
    ):
        bench = flows.bench
        run = await flows.ask()

        async def taken_over(request: object) -> object:
            async with bench.ledger.begin() as session:
                await begin_leg(session, bench.id, str(run.id), "another")
            return await bench.network.carry(request)

        bench.network.instead("GET", SOLUTION, taken_over)
        await flows.leg(run)
        assert run.state.name == "Running"
        assert bench.calls("POST", SHARE) == 0

    async def test_a_client_that_leaves_is_not_gone_on_with(self, flows: FlowBench):
        run = await goes_live(flows)
        departure = await flows.start("offboard", client_ref="acme", by="mia", why="It leaves.")
        assert departure.state.name == "AwaitingApproval"
        await flows.answer(departure, by="noor", verdict="approve", confirm="acme")
        assert departure.state.name == "Offboarded"
        flows.forget()
        await flows.retry(run)
        assert flows.steps == []
