"""The readiness check: webhooks are mended first, then every item is looked at and shown."""

from prefect.client.schemas.objects import StateType

from tests.flows.bench import FlowBench
from waboard.domain.readiness import ITEMS
from waboard.ledger.confirmations import confirm


async def all_in_order(flows: FlowBench) -> None:
    """Meta's webhooks come here, and somebody has said the rest."""
    url = f"{flows.bench.meta.account.public_url}/hooks/meta"
    flows.bench.books.meta.facts.webhook_url = url
    async with flows.bench.ledger.begin() as session:
        for item in ITEMS:
            if item.judge is None and item.needed:
                said = {"holds": True, "who": "ana", "note": "", "now": flows.bench.now}
                await confirm(session, item.key, **said)


async def test_what_is_missing_is_named_and_shown(flows: FlowBench):
    run = await flows.start("check-readiness")
    assert flows.steps == ["mend webhooks", "check readiness"]
    assert (run.name, run.state.name) == ("readiness", "NotReady")
    assert run.state.type is StateType.FAILED
    (shown,) = flows.prefect.shown("readiness")
    missing = str(run.state.message).removeprefix("Open: ").partition(". The artifact")[0]
    assert "The app is in live mode" in missing
    assert "The app is in live mode" in str(shown.data)


async def test_what_is_only_advised_keeps_nobody_from_being_ready(flows: FlowBench):
    await all_in_order(flows)
    run = await flows.start("check-readiness")
    assert (run.state.name, run.state.type) == ("Ready", StateType.COMPLETED)
    assert "NO" not in str(flows.prefect.shown("readiness")[0].data)
    assert "(advised)" in str(flows.prefect.shown("readiness")[0].data)
