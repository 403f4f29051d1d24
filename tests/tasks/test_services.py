"""Opening what a run works with: the blocks that `waboard deploy` filled, or a person since."""

import pytest
from prefect.blocks.core import Block

from blocks.policy import OnboardingPolicy
from tasks import services
from tasks.services import KEPT_FOR
from tests.tasks.bench import policy
from waboard.domain.errors import BadInput


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_kept", {})


async def test_a_block_that_was_filled_in_wrongly_is_named_with_what_is_wrong(monkeypatch):
    """As Prefect says it of one that was changed in its UI: not what is wrong with it."""

    async def aload(name: str) -> Block:
        try:
            return OnboardingPolicy(weekly_cap=0)
        except ValueError as error:
            raise RuntimeError(f"Unable to load {name!r} due to failed validation.") from error

    monkeypatch.setattr(OnboardingPolicy, "aload", aload)
    with pytest.raises(BadInput) as caught:
        await services.load_if_there(OnboardingPolicy)
    assert "onboarding-policy/waboard: weekly_cap" in caught.value.message
    assert "greater than or equal to 1" in caught.value.message
    assert "waboard deploy" in caught.value.remedy


async def test_a_block_that_is_not_there_is_none(monkeypatch):
    async def aload(name: str) -> Block:
        raise ValueError(f"Unable to find block document named {name}")

    monkeypatch.setattr(OnboardingPolicy, "aload", aload)
    assert await services.load_if_there(OnboardingPolicy) is None


async def test_an_edit_of_a_block_counts_a_while_later_and_not_before(monkeypatch):
    now, there = [1000.0], [policy(weekly_cap=10)]

    async def aload(_: str) -> Block:
        return there[-1]

    async def cap() -> int | None:
        found = await services.load_if_there(OnboardingPolicy)
        return found and found.weekly_cap

    monkeypatch.setattr(OnboardingPolicy, "aload", aload)
    monkeypatch.setattr(services, "monotonic", lambda: now[-1])
    assert await cap() == 10
    there.append(policy(weekly_cap=1))
    now.append(now[-1] + KEPT_FOR - 1)
    assert await cap() == 10
    now.append(now[-1] + 1)
    assert await cap() == 1
