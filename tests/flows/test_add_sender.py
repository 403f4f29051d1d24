"""Adding a sender: asked for, its one-time password awaited, passed on, or asked for again."""

import httpx
import pytest
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from tests.flows.bench import FlowBench
from tests.flows.prefect_api import Run
from tests.tasks.bench import GOOD, policy, sender_fate, unreachable

NEW = "14155550132"
ASKED = {"client_ref": "acme", "phone_number": f"+{NEW}", "display_name": "Acme Downtown"}


@pytest.fixture
async def live(flows: FlowBench) -> Run:
    """A client that is live with one sender."""
    await flows.bench.sandbox.decide(senders=[sender_fate(GOOD)])
    run = await flows.onboard()
    assert run.state.name == "Live"
    flows.forget()
    return run


async def asks(flows: FlowBench) -> Run:
    """Somebody adds a sender, and its run asks for the password."""
    run = await flows.start("add-sender", **ASKED)
    assert (run.state.name, run.state.type) == ("AwaitingOtp", StateType.PAUSED)
    return run


def code(flows: FlowBench) -> str:
    """What the number was sent last."""
    return flows.bench.books.proofs[NEW].code


def path_of(flows: FlowBench, method: str, ending: str) -> str:
    """The path that the sandbox was last asked for, of those that end so."""
    asked = [e["path"] for e in flows.bench.books.requests if e["method"] == method]
    return next(path for path in reversed(asked) if path.endswith(ending))


@pytest.mark.usefixtures("live")
class TestPassword:
    """Awaited from whoever holds the number."""

    async def test_it_asks_once_the_number_is_asked_for(self, flows: FlowBench):
        run = await asks(flows)
        assert flows.steps == ["add sender"]
        assert (run.name, flows.opened[-1].beside) == ("acme · add sender …0132", True)
        assert {"client:acme", "waiting:otp"} <= set(run.tags)
        assert NEW not in f"{run.name}{run.tags}{run.state.message}"

    async def test_the_right_one_submits_it_and_both_senders_are_live(
        self, flows: FlowBench, live: Run
    ):
        run = await asks(flows)
        await flows.answer(run, code=code(flows))
        assert (run.state.name, run.state.type) == ("SenderSubmitted", StateType.COMPLETED)
        assert flows.steps[:2] == ["add sender", "submit one-time password"]
        assert flows.prefect.answers() == []
        await flows.tidy()
        onboarding = await flows.bench.look()
        assert [s.is_live for s in onboarding.senders] == [True, True]
        assert live.state.name == "Live"

    async def test_a_wrong_one_is_asked_for_again(self, flows: FlowBench):
        run = await asks(flows)
        await flows.answer(run, code="0000")
        assert (run.state.name, flows.prefect.answers()) == ("AwaitingOtp", [])
        assert "Verification code is not correct" in str(run.state.message)
        await flows.answer(run, code=code(flows))
        assert run.state.name == "SenderSubmitted"

    async def test_another_one_is_sent_where_it_is_asked_for(self, flows: FlowBench):
        run = await asks(flows)
        first = code(flows)
        await flows.answer(run, send_another="voice")
        assert flows.steps == ["add sender", "send another one-time password"]
        assert (run.state.name, code(flows) != first) == ("AwaitingOtp", True)
        assert "by voice" in str(run.state.message)
        assert flows.prefect.answers() == []

    async def test_an_empty_form_is_none(self, flows: FlowBench):
        run = await asks(flows)
        await flows.answer(run)
        assert (run.state.name, flows.steps) == ("AwaitingOtp", ["add sender"])

    async def test_what_does_not_get_through_is_asked_for_again(self, flows: FlowBench):
        run = await asks(flows)
        await flows.answer(run, send_another="sms")
        path = path_of(flows, "PUT", "verification")
        flows.bench.network.cut_before("PUT", path, unreachable(), always=True)
        flows.forget()
        await flows.answer(run, send_another="sms")
        assert (run.state.name, flows.tries) == (
            "AwaitingOtp",
            {"send another one-time password": 5},
        )
        assert flows.prefect.answers() == []
        assert "by sms" not in str(run.state.message)

    async def test_given_by_nobody_in_time_it_ends_and_a_retry_begins_anew(self, flows: FlowBench):
        run = await asks(flows)
        await flows.bench.later(policy().code_give_up)
        await flows.tidy()
        assert (run.state.name, run.state.type) == ("OtpTimedOut", StateType.FAILED)
        flows.forget()
        await flows.bench.later(60)
        await flows.retry(run)
        assert (run.state.name, flows.steps) == ("AwaitingOtp", ["add sender"])


@pytest.mark.usefixtures("live")
class TestEnd:
    """What the run comes to."""

    async def test_what_infobip_refuses_is_refused(self, flows: FlowBench):
        await asks(flows)
        path = path_of(flows, "POST", "/senders")
        flows.refuse("POST", path, "No way.")
        run = await flows.start("add-sender", **{**ASKED, "phone_number": "+14155550133"})
        assert (run.state.name, run.state.type) == ("SenderRefused", StateType.FAILED)
        assert "No way." in str(run.state.message)

    async def test_a_number_that_needs_no_password_is_submitted_at_once(self, flows: FlowBench):
        await asks(flows)
        path = path_of(flows, "POST", "/senders")
        answer = httpx.Response(202, json={"status": "REGISTRATION_IN_PROGRESS"})
        flows.bench.network.instead("POST", path, lambda _: answer)
        run = await flows.start("add-sender", **{**ASKED, "phone_number": "+14155550133"})
        assert (run.state.name, run.state.type) == ("SenderSubmitted", StateType.COMPLETED)

    async def test_one_that_died_before_it_told_its_end_only_tells_it(self, flows: FlowBench):
        run = await asks(flows)
        await flows.answer(run, code=code(flows))
        run.states[-1] = Crashed(timestamp=flows.bench.now)
        flows.forget()
        await flows.retry(run)
        assert run.state.name == "SenderSubmitted"
        assert "add sender" not in flows.steps

    async def test_a_second_run_for_the_same_number_is_refused(self, flows: FlowBench):
        first = await asks(flows)
        run = await flows.start("add-sender", **ASKED)
        assert (run.state.name, run.state.type) == ("SenderRefused", StateType.FAILED)
        assert first.state.name == "AwaitingOtp"

    async def test_nothing_is_added_to_a_client_that_leaves(self, flows: FlowBench):
        order = {"client_ref": "acme", "by": "mia", "why": "It leaves."}
        departure = await flows.start("offboard", **order)
        await flows.answer(departure, by="noor", verdict="approve", confirm="acme")
        flows.forget()
        run = await flows.start("add-sender", **ASKED)
        assert (run.state.name, flows.steps) == ("SenderRefused", [])
        assert "has left" in str(run.state.message)


async def test_nothing_is_added_to_nobody(flows: FlowBench):
    run = flows.prefect.create("add-sender/add-sender", ASKED)
    await flows.leg(run)
    assert (run.state.name, run.state.type, flows.steps) == ("SenderRefused", StateType.FAILED, [])
