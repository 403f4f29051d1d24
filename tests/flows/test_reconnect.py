"""The way back: a signup link for one WABA, shown in an artifact alone."""

import pytest
from prefect.client.schemas.objects import StateType
from sqlalchemy import select

from tests.flows.bench import FlowBench
from waboard.ledger.models import SignupRow

ORDER = {"client_ref": "acme", "by": "mia", "why": "It has removed us as a partner."}


async def test_the_link_is_in_an_artifact_and_nowhere_else(flows: FlowBench):
    await flows.onboard()
    run = await flows.start("reconnect", **ORDER)
    assert (run.name, run.state.name) == ("reconnect acme", "LinkMade")
    assert run.state.type is StateType.COMPLETED
    (artifact,) = flows.prefect.shown("reconnect-link")
    url = str(artifact.data).partition("(")[2].rstrip(")")
    assert url.startswith("https://in.provider.example/signup/")
    assert artifact.description == "For acme, once: send it to the client."
    assert url not in str(run.state.message)
    assert flows.opened[-1].beside


@pytest.mark.alone
async def test_it_lasts_as_long_as_any_link(flows: FlowBench):
    await flows.onboard()
    await flows.start("reconnect", **ORDER)
    async with flows.bench.ledger.begin() as session:
        (link,) = await session.scalars(select(SignupRow))
    lasts = (link.expires_at - flows.bench.now).total_seconds()
    assert lasts == flows.bench.meta.account.link_lasts


async def test_without_metas_side_nobody_can_connect(flows: FlowBench):
    await flows.onboard()
    flows.bench.services.meta = None
    run = await flows.start("reconnect", **ORDER)
    assert (run.state.name, run.state.type) == ("ReconnectRefused", StateType.FAILED)
    assert "WABOARD_META_" in str(run.state.message)
    assert flows.prefect.shown("reconnect-link") == []


async def test_there_is_no_way_back_for_nobody(flows: FlowBench):
    run = await flows.start("reconnect", **ORDER)
    assert (run.state.name, run.state.type) == ("ReconnectRefused", StateType.FAILED)


async def test_there_is_none_for_a_client_that_has_left(flows: FlowBench):
    await flows.onboard()
    departure = await flows.start("offboard", **{**ORDER, "why": "It leaves."})
    await flows.answer(departure, by="noor", verdict="approve", confirm="acme")
    run = await flows.start("reconnect", **ORDER)
    assert (run.state.name, run.state.type) == ("ReconnectRefused", StateType.FAILED)
