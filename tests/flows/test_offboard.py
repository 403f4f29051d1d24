"""Leaving: asked first; then all of ours is given back, in its order, and who wants to is told."""

from typing import cast

import httpx
import pytest
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelled, Running

from tests.flows.bench import TOLD, FlowBench
from tests.flows.prefect_api import Run
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import (
    ASSOCIATIONS,
    ENTITIES,
    ENTITY,
    GOOD,
    SHARE,
    Crash,
    sender_fate,
)
from tests.tasks.test_door import signed_up
from tests.tasks.test_notify import Pager
from waboard.ledger.decisions import decisions_of

SUBSCRIBED = f"/graph/v26.0/{DOCUMENTED}/subscribed_apps"
ENTITY_PATH = f"{ENTITIES}/{ENTITY}"
RELEASE = ["unsubscribe", "dissociate", "delete entity"]
ASKED = {"client_ref": "acme", "by": "mia", "why": "It has cancelled its contract."}


@pytest.fixture
async def live(flows: FlowBench) -> Run:
    """A client that came by a signup link, and is live."""
    await signed_up(flows.bench)
    await flows.bench.sandbox.decide(senders=[sender_fate(GOOD)])
    run = await flows.onboard()
    assert run.state.name == "Live"
    flows.forget()
    return run


async def asks(flows: FlowBench) -> Run:
    """Somebody wants the client to leave, and its run asks for the approval."""
    run = await flows.start("offboard", **ASKED)
    assert run.state.name == "AwaitingApproval"
    return run


async def approve(flows: FlowBench, run: Run) -> None:
    await flows.answer(run, by="noor", verdict="approve", confirm="acme")


async def verbs(flows: FlowBench) -> list[str]:
    async with flows.bench.ledger.begin() as session:
        return [each.verb for each in await decisions_of(session, flows.bench.id)]


@pytest.mark.usefixtures("live")
class TestApproval:
    """Nothing is done before somebody has approved it."""

    async def test_it_asks_and_does_nothing(self, flows: FlowBench):
        before = flows.bench.writes()
        run = await asks(flows)
        assert (run.name, run.state.type) == ("offboard acme", StateType.PAUSED)
        assert (flows.steps, flows.bench.writes()) == ([], before)
        assert {"client:acme", "waiting:approval"} <= set(run.tags)
        assert (await flows.bench.look()).leaving is None
        assert flows.opened[-1].beside

    async def test_approved_it_gives_all_back_in_this_order_and_tells(self, flows: FlowBench):
        run = await asks(flows)
        done = len(flows.bench.writes())
        await approve(flows, run)
        assert (run.state.name, run.state.type) == ("Offboarded", StateType.COMPLETED)
        assert flows.steps == ["stop its onboarding", *RELEASE, *TOLD]
        assert flows.bench.writes()[done:] == [
            f"DELETE {SUBSCRIBED}",
            f"DELETE {ASSOCIATIONS}",
            f"DELETE {ENTITY_PATH}",
        ]
        assert "as noor approved" in str(run.state.message)
        assert await verbs(flows) == ["offboard", "approve"]
        assert flows.prefect.answers() == []

    async def test_it_asks_every_sender_back(self, flows: FlowBench):
        run = await asks(flows)
        await approve(flows, run)
        assert "take sender …8538 out of acme" in flows.labels

    async def test_refused_nothing_is_done(self, flows: FlowBench):
        run = await asks(flows)
        await flows.answer(run, by="noor", verdict="refuse")
        assert (run.state.name, run.state.type) == ("OffboardingRefused", StateType.FAILED)
        assert (flows.steps, (await flows.bench.look()).leaving) == ([], None)

    @pytest.mark.parametrize("form", [{}, {"by": "noor", "verdict": "approve", "confirm": "acm"}])
    async def test_without_the_clients_id_it_asks_again(
        self, flows: FlowBench, form: dict[str, str]
    ):
        run = await asks(flows)
        await flows.answer(run, **form)
        assert (run.state.name, flows.steps) == ("AwaitingApproval", [])
        await approve(flows, run)
        assert run.state.name == "Offboarded"

    async def test_another_run_asks_nothing_while_one_does(self, flows: FlowBench):
        first = await asks(flows)
        second = await flows.start("offboard", **ASKED)
        assert (second.state.name, second.state.type) == ("OffboardingRefused", StateType.FAILED)
        assert "Another run asks already" in str(second.state.message)
        assert first.state.name == "AwaitingApproval"

    async def test_one_that_was_refused_and_is_retried_asks_anew(self, flows: FlowBench):
        run = await asks(flows)
        await flows.answer(run, by="noor", verdict="refuse")
        await flows.retry(run)
        assert (run.state.name, flows.steps) == ("AwaitingApproval", [])


@pytest.mark.parametrize("client_ref", ["nobody", "acme"])
async def test_who_is_not_there_or_has_left_cannot_leave(flows: FlowBench, client_ref: str):
    if client_ref == "acme":
        await flows.ask()
        flows.prefect.set(flows.prefect.of("onboard-client")[0], Cancelled())
        await flows.tidy()
        await approve(flows, await asks(flows))
    run = await flows.start("offboard", **{**ASKED, "client_ref": client_ref})
    assert (run.state.name, run.state.type) == ("OffboardingRefused", StateType.FAILED)


@pytest.mark.usefixtures("live")
class TestTrouble:
    """What does not get through is a person's, and the next start does the rest."""

    async def test_while_a_sender_may_hang_on_it_the_entity_is_left(self, flows: FlowBench):
        run = await asks(flows)
        flows.refuse("DELETE", ASSOCIATIONS)
        await approve(flows, run)
        assert (run.state.name, run.state.type) == ("OffboardingFailed", StateType.FAILED)
        assert flows.steps == ["stop its onboarding", "unsubscribe", "dissociate"]
        onboarding = await flows.bench.look()
        assert (onboarding.leaving is not None, onboarding.left_at) == (True, None)

    async def test_that_our_subscription_stays_keeps_no_sender_from_being_given_back(
        self, flows: FlowBench
    ):
        run = await asks(flows)
        answer = httpx.Response(500, json={"error": {"message": "No.", "code": 2}})
        flows.bench.network.instead("DELETE", SUBSCRIBED, lambda _: answer, always=True)
        await approve(flows, run)
        assert run.state.name == "OffboardingFailed"
        assert flows.steps == ["stop its onboarding", "unsubscribe", "dissociate"]

    async def test_a_retry_goes_on_without_another_approval(self, flows: FlowBench):
        run = await asks(flows)
        flows.refuse("DELETE", ASSOCIATIONS)
        await approve(flows, run)
        await flows.retry(run)
        assert run.state.name == "Offboarded"
        assert await verbs(flows) == ["offboard", "approve"]

    async def test_who_has_left_is_only_told_of_again(self, flows: FlowBench, pager: Pager):
        """Its process died in the middle of telling."""
        pager.trouble = cast("Exception", Crash())
        run = await asks(flows)
        with pytest.raises(Crash):
            await approve(flows, run)
        pager.trouble = None
        flows.forget()
        await flows.retry(run)
        assert (run.state.name, flows.steps) == ("Offboarded", TOLD)
        assert [subject for subject, _ in pager.told] == ["acme: Offboarded"]

    async def test_that_nobody_can_be_told_keeps_nobody_from_having_left(
        self, flows: FlowBench, pager: Pager
    ):
        pager.trouble = RuntimeError("no answer")
        run = await asks(flows)
        await approve(flows, run)
        assert (run.state.name, flows.steps[-2:]) == ("Offboarded", TOLD)

    async def test_once_it_is_over_a_retry_changes_nothing(self, flows: FlowBench):
        run = await asks(flows)
        await approve(flows, run)
        flows.forget()
        await flows.bench.later(60)
        await flows.retry(run)
        assert (run.state.name, flows.steps) == ("Offboarded", [])


class TestOnItsWay:
    """A client that is still being brought live is stopped first."""

    async def at_work(self, flows: FlowBench) -> Run:
        await flows.bench.sandbox.decide(silent=True, senders=[sender_fate(GOOD)])
        run = await flows.onboard()
        assert run.state.name == "AwaitingRegistration"
        flows.forget()
        return run

    async def test_a_sleeping_one_is_cancelled(self, flows: FlowBench):
        onboarding = await self.at_work(flows)
        run = await asks(flows)
        await approve(flows, run)
        assert (run.state.name, onboarding.state.is_cancelled()) == ("Offboarded", True)
        assert flows.bench.calls("POST", SHARE) == 1

    async def test_one_that_works_is_waited_for_until_it_stops(self, flows: FlowBench):
        onboarding = await self.at_work(flows)
        run = await asks(flows)
        flows.prefect.set(onboarding, Running())

        async def stops() -> None:
            flows.prefect.set(onboarding, Cancelled())

        flows.meanwhile = stops
        await approve(flows, run)
        assert (run.state.name, flows.tries["stop its onboarding"]) == ("Offboarded", 2)

    async def test_one_that_never_stops_keeps_all_of_it(self, flows: FlowBench):
        onboarding = await self.at_work(flows)
        run = await asks(flows)
        flows.prefect.set(onboarding, Running())

        async def works_on() -> None:
            flows.prefect.set(onboarding, Running())
            flows.meanwhile = works_on

        flows.meanwhile = works_on
        await approve(flows, run)
        assert (run.state.name, flows.steps) == ("OffboardingFailed", ["stop its onboarding"])
        assert "has not stopped yet" in str(run.state.message)
