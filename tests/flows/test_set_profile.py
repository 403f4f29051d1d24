"""Changing a business profile: of one of a client's senders, and read back."""

import pytest
from prefect.client.schemas.objects import StateType

from tests.flows.bench import FlowBench
from tests.tasks.bench import GOOD, OTHER, sender_fate, unreachable

INFO = f"/whatsapp/1/senders/{GOOD}/business-info"
ASKED = {"client_ref": "acme", "phone_number": f"+{GOOD}", "profile": {"about": "Fresh bread"}}


@pytest.fixture(autouse=True)
async def live(flows: FlowBench) -> None:
    """A client that is live with one sender."""
    await flows.bench.sandbox.decide(senders=[sender_fate(GOOD)])
    await flows.onboard()
    flows.forget()


async def test_it_is_changed_and_read_back(flows: FlowBench):
    run = await flows.start("set-profile", **ASKED)
    assert (run.name, run.state.name) == ("acme · profile of …8538", "ProfileSet")
    assert run.state.type is StateType.COMPLETED
    assert flows.labels == ["change the business profile of acme"]
    profile = (await flows.bench.look()).sender(GOOD).profile
    assert profile is not None
    assert profile.info["about"] == "Fresh bread"
    assert flows.opened[-1].beside


async def test_infobips_no_is_the_end(flows: FlowBench):
    flows.refuse("PATCH", INFO, "No way.")
    run = await flows.start("set-profile", **ASKED)
    assert (run.state.name, run.state.type) == ("ProfileRefused", StateType.FAILED)
    assert "No way." in str(run.state.message)


async def test_an_infobip_that_is_away_is_tried_again(flows: FlowBench):
    flows.bench.network.cut_before("PATCH", INFO, unreachable())
    run = await flows.start("set-profile", **ASKED)
    assert (run.state.name, flows.tries) == ("ProfileSet", {"change profile": 2})


@pytest.mark.parametrize(
    "wrong", [{"client_ref": "nobody"}, {"phone_number": f"+{OTHER}"}], ids=["client", "sender"]
)
async def test_what_is_not_there_is_not_changed(flows: FlowBench, wrong: dict[str, str]):
    run = await flows.start("set-profile", **{**ASKED, **wrong})
    assert (run.state.name, run.state.type) == ("ProfileRefused", StateType.FAILED)
    assert (flows.steps, flows.bench.calls("PATCH", INFO)) == ([], 0)
