"""Reconciliation: mended and looked for first, then everything compared side by side, and shown."""

import json
from typing import Any

import pytest
from prefect import task
from prefect.client.schemas.objects import StateType

from flows.reconcile import AT_META, COMPARISONS
from tasks.services import Services
from tests.flows.bench import FlowBench
from tests.flows.prefect_api import Run
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import ASSOCIATIONS, GOOD, condition, sender_fate
from tests.tasks.test_door import signed_up
from waboard.domain.conditions import ConditionType
from waboard.domain.errors import ProviderError
from waboard.domain.parties import Party
from waboard.domain.reconcile import Aspect, Finding
from waboard.ledger.database import MANY

FIRST = ["mend webhooks", "look for registrations"]
COMPARED = [task.name for task in COMPARISONS.values()]
COMPARED_AT_META = [task.name for task in AT_META.values()]
DRY = "Nothing was changed: a dry run."


@pytest.fixture
async def live(flows: FlowBench) -> Run:
    """A client that came by a signup link, and is live."""
    await signed_up(flows.bench)
    await flows.bench.sandbox.decide(senders=[sender_fate(GOOD)])
    run = await flows.onboard()
    assert run.state.name == "Live"
    await flows.bench.later(3600)
    flows.forget()
    return run


def found(flows: FlowBench, key: str = "reconcile-one-client") -> str:
    """The last table under a key."""
    return str(flows.prefect.shown(key)[-1].data)


def rows(flows: FlowBench, key: str) -> list[dict[str, str]]:
    """The same, row by row."""
    return json.loads(found(flows, key))


@task(name="compare templates", retries=0)
async def fails(_services: Services, _client_ref: str | None, *, dry: bool) -> list[Finding]:
    """A comparison whose provider is away."""
    assert not dry
    raise ProviderError(
        "It is away.",
        remedy="Wait.",
        awaiting=Party.INFOBIP,
        retryable=False,
        ambiguous=False,
    )


async def reconcile(flows: FlowBench, **asked: Any) -> Run:
    """Have it all compared, and those go on who have a reason."""
    run = await flows.start("reconcile", **asked)
    assert (run.state.name, run.state.type) == ("Reconciled", StateType.COMPLETED)
    await flows.tidy()
    return run


@pytest.mark.alone
class TestOrder:
    """What is called, and when not."""

    async def test_everything_is_compared_once_what_is_ours_is_mended(self, flows: FlowBench):
        run = await reconcile(flows)
        assert flows.steps[:2] == FIRST
        assert sorted(flows.steps[2:-1]) == sorted([*COMPARED, *COMPARED_AT_META])
        assert flows.steps[-1] == "show findings"
        assert run.name == "reconcile everyone"

    async def test_a_dry_run_mends_nothing_and_looks_for_nobody(self, flows: FlowBench):
        run = await reconcile(flows, dry_run=True)
        assert not {*FIRST} & {*flows.steps}
        assert flows.steps[-1] == "show findings"
        assert run.name == "reconcile everyone · dry run"
        assert DRY in str(flows.prefect.shown("reconcile-dry-run")[-1].description)

    async def test_without_metas_side_nothing_is_compared_there(self, flows: FlowBench):
        flows.bench.services.meta = None
        await reconcile(flows)
        assert sorted(flows.steps[2:-1]) == sorted(COMPARED)

    async def test_it_takes_the_share_of_the_limits_that_is_asked_for(self, flows: FlowBench):
        await reconcile(flows, share=0.1)
        (opened,) = flows.opened
        assert (opened.share, opened.connections, opened.beside) == (0.1, MANY, True)

    @pytest.mark.usefixtures("live")
    async def test_of_one_client_nobody_else_is_looked_at(self, flows: FlowBench):
        await flows.bench.sandbox.decide("2", senders=[sender_fate("12024560002")])
        await flows.onboard(client_ref="bakery", waba_id="2")
        run = await reconcile(flows, client_ref="acme")
        assert run.name == "reconcile acme"
        assert "bakery" not in found(flows)
        assert flows.prefect.shown("reconcile-everyone") == []


@pytest.mark.usefixtures("live")
class TestFindings:
    """What is ours is mended, the rest is raised."""

    @pytest.mark.alone
    @pytest.mark.parametrize(("client_ref", "whose"), [("acme", "acme"), (None, "all")])
    async def test_a_comparison_that_fails_is_shown_as_not_seen_beside_the_others(
        self, flows: FlowBench, monkeypatch: pytest.MonkeyPatch, client_ref: str, whose: str
    ):
        monkeypatch.setitem(COMPARISONS, Aspect.TEMPLATE, fails)
        run = await reconcile(flows, client_ref=client_ref)
        assert ", 1 not to be seen" in str(run.state.message)
        key = "reconcile-one-client" if client_ref else "reconcile"
        (unseen,) = [row for row in rows(flows, key) if row["in order"] == "unknown"]
        assert (unseen["client"], unseen["what"]) == (whose, "template")
        assert unseen["found"].startswith("It is away.")
        assert flows.steps.count("show findings") == 1

    async def test_a_banned_number_is_raised_and_in_a_dry_run_only_shown(
        self, flows: FlowBench, live: Run
    ):
        await flows.bench.sandbox.decide(senders=[sender_fate(GOOD, connection_status="BANNED")])
        await reconcile(flows, client_ref="acme", dry_run=True)
        assert "BANNED" in found(flows, "reconcile-dry-run")
        assert live.state.name == "Live"
        await reconcile(flows, client_ref="acme")
        assert live.state.name == "SendersLost"
        assert str(live.state.message).startswith("0 of 1 senders live.")
        assert GOOD not in found(flows)

    async def test_a_removed_association_is_made_again(self, flows: FlowBench, live: Run):
        http = flows.bench.sandbox.http
        (link,) = (await flows.bench.sandbox.books())["associations"]
        (await http.request("DELETE", ASSOCIATIONS, json=link)).raise_for_status()
        await reconcile(flows, client_ref="acme")
        (again,) = (await flows.bench.sandbox.books())["associations"]
        assert again["entityId"] == "acme"
        assert live.state.name == "Live"

    async def test_a_lost_subscription_is_made_again(self, flows: FlowBench):
        flows.bench.books.meta.subscribed.clear()
        await reconcile(flows, client_ref="acme")
        assert flows.bench.books.meta.subscribed == {DOCUMENTED}
        assert "Our app is subscribed again." in found(flows)

    async def test_a_removed_partner_is_raised_and_makes_nobody_less_live(
        self, flows: FlowBench, live: Run
    ):
        await flows.bench.sandbox.decide(partner=False, senders=[sender_fate(GOOD)])
        await reconcile(flows, client_ref="acme")
        connected = condition(await flows.bench.look(), ConditionType.CONNECTED)
        assert connected == ("False", "ClientDisconnected")
        assert live.state.name == "Live"
