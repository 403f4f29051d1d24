"""An upstream that is away: the run ends as delayed, goes on by itself, and is given up in time."""

from datetime import timedelta
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows import onboard
from tasks import notify
from tasks.reconcile import take_up_undone
from tests.tasks.bench import ASSOCIATIONS, GOOD, NUMBERS, Bench, condition, policy, unreachable
from tests.tasks.test_notify import Pager
from waboard.domain.conditions import ConditionType
from waboard.domain.outcome import stage_of
from waboard.domain.waits import UPSTREAM_PATIENCE
from waboard.ledger.onboardings import take_up_news, with_news
from waboard.ledger.outbox import list_messages

QUARTER = timedelta(minutes=15).total_seconds()
pytestmark = pytest.mark.usefixtures("awake", "unseen")


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the Prefect UI, and the provider's system wants to be told nothing."""

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(onboard, "show", nothing)
    monkeypatch.setattr(notify, "read_block", nothing)


@pytest.fixture
def pager(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Pager:
    """The operator wants to be told."""
    pager = Pager()
    monkeypatch.setattr(notify, "_notification_block", pager.load)
    bench.services.policy = policy(operator_block="custom-webhook/waboard-operator")
    return pager


async def leg(bench: Bench) -> State[None]:
    """What the run does once its numbers are registered."""
    await onboard.associate_and_verify(bench.services, await bench.look())
    await bench.hear()
    return await onboard.notify_and_end(bench.services, await bench.look())


async def away(bench: Bench) -> State[None]:
    """Infobip goes away when the number is to be associated."""
    await bench.registered()
    for path in (NUMBERS, ASSOCIATIONS):
        bench.network.cut_before("GET", path, unreachable(), always=True)
    return await leg(bench)


def back(bench: Bench) -> None:
    bench.network.restore()


async def taken_up(bench: Bench) -> bool:
    """A reconciliation lets it go on, if it does."""
    await take_up_undone.fn(bench.services, None, dry=False)
    async with bench.ledger.begin() as session:
        found = await with_news(session)
        await take_up_news(session, bench.id)
    return found == [bench.id]


async def ends(bench: Bench) -> list[str]:
    """The ends that the provider's system is told, in their order."""
    async with bench.ledger.begin() as session:
        messages = await list_messages(session, onboarding_id=bench.id)
    kinds = ("onboarding.live", "onboarding.failed", "onboarding.delayed")
    return [each.type for each in reversed(messages) if each.type in kinds]


async def test_the_run_ends_as_delayed_and_not_as_failed(bench: Bench, pager: Pager):
    state = await away(bench)
    assert (state.type, state.name) == (StateType.COMPLETED, "AwaitingUpstream")
    assert "it goes on by itself" in (state.message or "")
    assert stage_of(await bench.look()) == "AwaitingUpstream"
    assert await ends(bench) == ["onboarding.delayed"]
    assert [subject for subject, _ in pager.told] == ["acme: AwaitingUpstream"]


async def test_as_long_as_it_lasts_nobody_is_told_again(bench: Bench, pager: Pager):
    await away(bench)
    for _ in range(3):
        await bench.later(QUARTER)
        assert await taken_up(bench)
        assert (await leg(bench)).name == "AwaitingUpstream"
    assert await ends(bench) == ["onboarding.delayed"]
    assert len(pager.told) == 1


async def test_once_the_upstream_is_back_it_goes_live(bench: Bench, pager: Pager):
    await away(bench)
    await bench.later(QUARTER)
    back(bench)
    assert await taken_up(bench)
    assert (await leg(bench)).name == "Live"
    assert await ends(bench) == ["onboarding.delayed", "onboarding.live"]
    assert [subject for subject, _ in pager.told] == ["acme: AwaitingUpstream", "acme: Live"]


async def test_after_three_days_it_has_failed(bench: Bench, pager: Pager):
    """It tries once more, says so, and is a person's from then on."""
    await away(bench)
    await bench.later(UPSTREAM_PATIENCE.total_seconds() + 1)
    assert await taken_up(bench)
    state = await leg(bench)
    assert (state.type, state.name) == (StateType.FAILED, "AssociationFailed")
    (sender,) = (await bench.look()).senders
    assert condition(sender, ConditionType.ASSOCIATED) == ("Unknown", "UpstreamGivenUp")
    assert await ends(bench) == ["onboarding.delayed", "onboarding.failed"]
    await bench.later(QUARTER)
    assert not await taken_up(bench)


async def test_what_is_given_up_and_gets_through_at_last_goes_live(bench: Bench, pager: Pager):
    await away(bench)
    await bench.later(UPSTREAM_PATIENCE.total_seconds() + 1)
    back(bench)
    assert await taken_up(bench)
    assert (await leg(bench)).name == "Live"
    assert (await bench.look()).sender(GOOD).is_live
