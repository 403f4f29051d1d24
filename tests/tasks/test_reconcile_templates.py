"""The template of the test message is looked at after it was approved: it can be lost since."""

import pytest

from tasks.reconcile_templates import compare_templates
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import GOOD, OTHER, Bench, condition, unreachable
from tests.tasks.test_reconcile import has_news, live
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.ledger.models import ConditionRow

READY = ConditionType.TEMPLATE_READY
TEMPLATES = f"/whatsapp/2/senders/{GOOD}/templates"


async def ready(bench: Bench, *numbers: str) -> None:
    """A live client whose template was approved."""
    onboarding = await live(bench, *numbers)
    await bench.services.write(
        onboarding.id, "", READY, Status.TRUE, Reason.TEMPLATE_APPROVED, "Approved.", "test"
    )


async def becomes(bench: Bench, status: str) -> None:
    """Meta does something to the template."""
    path = f"/sandbox/wabas/{DOCUMENTED}/templates/waboard_verification"
    answer = await bench.sandbox.http.put(path, json={"status": status})
    assert answer.status_code == 204


async def compare(bench: Bench, *, dry: bool = False) -> Finding:
    (found,) = await compare_templates.fn(bench.services, None, dry=dry)
    assert found.aspect is Aspect.TEMPLATE
    return found


async def test_one_that_can_be_sent_is_left_alone(bench: Bench):
    await ready(bench)
    assert (await compare(bench)).answer is Answer.YES
    assert condition(await bench.look(), READY) == (Status.TRUE, Reason.TEMPLATE_APPROVED)


@pytest.mark.parametrize("status", ["FIRST_PAUSED", "DISABLED", "REJECTED", "DELETED"])
async def test_one_that_was_lost_is_noted_and_nobody_is_less_live(bench: Bench, status: str):
    """No test message needs it: the next one looks again."""
    await ready(bench)
    await becomes(bench, status)
    found = await compare(bench)
    assert (found.answer, found.done) == (Answer.NO, "")
    assert "No test message needs it now." in found.said
    onboarding = await bench.look()
    assert condition(onboarding, READY) == (Status.FALSE, Reason.TEMPLATE_LOST)
    assert onboarding.senders[0].is_live
    assert not await has_news(bench)


async def test_where_a_test_message_needs_it_the_run_goes_on(bench: Bench):
    """It looks again, and makes the template anew where it is gone."""
    await ready(bench, GOOD, OTHER)
    async with bench.ledger.begin() as session:
        key = (bench.id, OTHER, ConditionType.VERIFIED)
        await session.delete(await session.get_one(ConditionRow, key))
    await becomes(bench, "DELETED")
    assert (await compare(bench)).done == "Its run goes on: a test message needs it."
    assert await has_news(bench)


async def test_one_that_is_back_is_ready_again(bench: Bench):
    await ready(bench)
    for status in ("FIRST_PAUSED", "APPROVED"):
        await becomes(bench, status)
        await compare(bench)
    assert condition(await bench.look(), READY) == (Status.TRUE, Reason.TEMPLATE_APPROVED)


async def test_doing_it_twice_comes_to_the_same(bench: Bench):
    await ready(bench)
    await becomes(bench, "DISABLED")
    await compare(bench)
    before = await bench.look()
    assert (await compare(bench)).answer is Answer.NO
    assert (await bench.look()).conditions == before.conditions


async def test_a_dry_run_leaves_it(bench: Bench):
    await ready(bench)
    await becomes(bench, "DISABLED")
    assert (await compare(bench, dry=True)).answer is Answer.NO
    assert (await bench.look()).holds(READY)


async def test_what_cannot_be_seen_is_no_answer(bench: Bench):
    await ready(bench)
    bench.network.cut_before("GET", TEMPLATES, unreachable())
    assert (await compare(bench)).answer is Answer.UNKNOWN
    bench.books.senders.clear()
    assert (await compare(bench)).answer is Answer.UNKNOWN
    assert (await bench.look()).holds(READY)


async def test_who_is_proven_without_a_template_is_not_looked_at(bench: Bench):
    await live(bench)
    assert await compare_templates.fn(bench.services, None, dry=False) == []
    assert bench.calls("GET", TEMPLATES) == 0
