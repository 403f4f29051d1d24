"""Assigning: of a number that two clients have, the one has it whom somebody decides for."""

from datetime import timedelta

import pytest
from prefect.client.schemas.objects import StateType

from tests.flows.bench import FlowBench
from tests.flows.prefect_api import Run
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import GOOD, OTHER, sender_fate
from waboard.domain.decisions import DecisionVerb
from waboard.ledger.decisions import decisions_of

ORDER = {"phone_number": f"+{GOOD}", "by": "mia", "why": "Both were asked."}


@pytest.fixture
async def rivals(flows: FlowBench) -> tuple[Run, Run]:
    """A number that was a bakery's, and is acme's since Infobip registered it there."""
    for waba_id in ("2", DOCUMENTED):
        await flows.bench.sandbox.decide(waba_id, senders=[sender_fate(GOOD)])
    bakery = await flows.onboard(client_ref="bakery", waba_id="2")
    await flows.bench.later(timedelta(hours=1).total_seconds())
    acme = await flows.onboard()
    await flows.tidy()
    assert (bakery.state.name, acme.state.name) == ("SendersLost", "Live")
    return bakery, acme


async def test_the_number_moves_to_the_client_that_is_named(
    flows: FlowBench, rivals: tuple[Run, Run]
):
    bakery, acme = rivals
    await flows.bench.later(60)
    run = await flows.start("assign-sender", client_ref="bakery", **ORDER)
    assert (run.name, run.state.name) == ("assign …8538 to bakery", "SenderAssigned")
    assert run.state.type is StateType.COMPLETED
    assert run.state.message == "…8538 belongs to bakery now."
    await flows.tidy()
    assert (bakery.state.name, acme.state.name) == ("Live", "SendersLost")
    assert flows.opened[-1].beside or len(flows.opened) > 1


async def test_who_decided_and_why_is_kept(flows: FlowBench, rivals: tuple[Run, Run]):
    await flows.start("assign-sender", client_ref="bakery", **ORDER)
    async with flows.bench.ledger.begin() as session:
        kept = [
            (each.verb, each.by, each.why)
            for run in rivals
            for each in await decisions_of(session, run.parameters["onboarding_id"])
        ]
    assert kept == [(DecisionVerb.ASSIGN, "mia", "Both were asked.")]


@pytest.mark.parametrize(
    ("client_ref", "number", "said"),
    [
        ("nobody", GOOD, "nobody"),
        ("acme", OTHER, "…6042"),
        ("acme", GOOD, "belongs to acme already"),
    ],
    ids=["no client", "not its number", "its own already"],
)
@pytest.mark.usefixtures("rivals")
async def test_what_is_not_to_be_decided_is_refused(
    flows: FlowBench, client_ref: str, number: str, said: str
):
    order = {**ORDER, "phone_number": f"+{number}"}
    run = await flows.start("assign-sender", client_ref=client_ref, **order)
    assert (run.state.name, run.state.type) == ("AssignmentRefused", StateType.FAILED)
    assert said in str(run.state.message)
