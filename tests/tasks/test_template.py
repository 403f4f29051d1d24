"""The template of the test message: found on the WABA, or made there, and judged by Meta."""

import json
from typing import Any

import httpx
import pytest

from tasks.template import give_up_template, look_for_template
from tasks.verify import send_test_message
from tests.tasks.bench import DOCUMENTED, GOOD, Bench, condition, sender_fate, shown, timed_out
from waboard.domain.conditions import ConditionType
from waboard.domain.errors import StepRefused
from waboard.domain.facts import template_facts
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.steps import delivery_is_over, senders_to_test
from waboard.domain.waits import WaitKind
from waboard.infobip import InfobipError
from waboard.ledger.events import receive
from waboard.ledger.models import Verb

TEMPLATE, VERIFIED = ConditionType.TEMPLATE_READY, ConditionType.VERIFIED
TEMPLATES = f"/whatsapp/2/senders/{GOOD}/templates"


async def registered(bench: Bench, **fate: Any) -> Onboarding:
    """A registered sender, on a WABA whose templates fare so."""
    await bench.start()
    await bench.sandbox.decide(DOCUMENTED, senders=[sender_fate(GOOD)], **fate)
    await bench.sandbox.share()
    return await bench.hear()


async def look(bench: Bench) -> tuple[str, str]:
    """Look for the template; what then is known of it."""
    await look_for_template.fn(bench.services, await bench.look())
    return condition(await bench.look(), TEMPLATE)


async def test_a_template_that_is_there_is_found(bench: Bench):
    await registered(bench)
    assert await look(bench) == ("True", "TemplateApproved")
    assert bench.calls("POST", TEMPLATES) == 0


async def test_one_that_is_missing_is_made_and_awaited(bench: Bench):
    await registered(bench, templates=[])
    assert await look(bench) == ("Unknown", "TemplatePending")
    assert [shown(e) for e in await bench.effects(Verb.CREATE_TEMPLATE)] == [
        ("waboard_verification:en", 1, "done")
    ]
    await bench.sandbox.settled()
    assert await look(bench) == ("True", "TemplateApproved")
    assert bench.calls("POST", TEMPLATES) == 1


async def test_what_is_made_says_what_the_settings_say(bench: Bench):
    await registered(bench, templates=[])
    await look(bench)
    (made,) = (await bench.sandbox.http.get(TEMPLATES)).json()["templates"]
    assert (made["category"], made["language"]) == ("UTILITY", "en")
    assert made["structure"]["body"]["text"].startswith("This is a test")


async def test_the_same_name_in_another_language_is_another_template(bench: Bench):
    await registered(bench, templates=["waboard_verification:ja"])
    await look(bench)
    assert bench.calls("POST", TEMPLATES) == 1


async def test_one_that_was_made_without_an_answer_is_found_by_looking(bench: Bench):
    """And is not made twice."""
    await registered(bench, templates=[])
    bench.network.cut_after("POST", TEMPLATES, timed_out())
    with pytest.raises(InfobipError):
        await look(bench)
    assert await look(bench) in [("Unknown", "TemplatePending"), ("True", "TemplateApproved")]
    assert [shown(e) for e in await bench.effects(Verb.CREATE_TEMPLATE)] == [
        ("waboard_verification:en", 1, "done")
    ]
    assert bench.calls("POST", TEMPLATES) == 1


async def test_a_rejected_template_is_named_with_metas_reason(bench: Bench):
    """Reading it gives none: the webhook has it."""
    await registered(bench, templates=[], template_verdict="REJECTED", template_reason="SCAM")
    await look(bench)
    await bench.sandbox.settled()
    await hear_of(bench, "REJECTED", "SCAM")
    assert await look(bench) == ("False", "TemplateRejected")
    told = (await bench.look()).conditions[TEMPLATE].message
    assert told == "Template waboard_verification (en) is REJECTED: SCAM."


async def hear_of(bench: Bench, status: str, reason: str) -> None:
    """Keep the webhook that tells of the template."""
    (made,) = (await bench.sandbox.http.get(TEMPLATES)).json()["templates"]
    update = {
        "messageTemplateId": made["id"],
        "messageTemplateName": made["name"],
        "messageTemplateLanguage": made["language"],
        "timestamp": "2026-01-05T09:00:00.000+0000",
        "change": {"type": "TEMPLATE_STATUS_UPDATE", "newStatus": status, "reason": reason},
    }
    async with bench.ledger.begin() as session:
        await receive(session, template_facts(json.dumps(update).encode()), "webhook", bench.now)


async def test_a_rejection_without_its_webhook_is_named_all_the_same(bench: Bench):
    await registered(bench, templates=[], template_verdict="REJECTED")
    await look(bench)
    await bench.sandbox.settled()
    assert await look(bench) == ("False", "TemplateRejected")


async def test_a_template_that_infobip_refuses_to_make_is_rejected(bench: Bench):
    """In Infobip's words, with what to do about it."""
    await registered(bench, templates=[])
    refusal = {"serviceException": {"messageId": "BAD_REQUEST", "text": "Name not allowed"}}
    answer = httpx.Response(400, json={"requestError": refusal})
    bench.network.instead("POST", TEMPLATES, lambda _: answer)
    with pytest.raises(StepRefused, match="Name not allowed") as caught:
        await look(bench)
    assert caught.value.reason is Reason.TEMPLATE_REJECTED


async def test_a_review_that_never_ends_is_given_up(bench: Bench):
    await registered(bench, templates=[], template_verdict="PENDING")
    await look(bench)
    await give_up_template(bench.services, await bench.look())
    assert condition(await bench.look(), TEMPLATE) == ("Unknown", "TemplateTimedOut")


async def test_a_template_that_is_not_synced_yet_is_sent_again_after_a_sleep(bench: Bench):
    """With another id; the first message is never repeated."""
    await bench.start()
    await bench.sandbox.decide(DOCUMENTED, senders=[sender_fate(GOOD, templates_not_synced=1)])
    await bench.sandbox.share()
    onboarding = await bench.hear()
    await send_test_message.fn(bench.services, onboarding, onboarding.sender(GOOD))
    onboarding = await bench.hear()
    assert condition(onboarding.sender(GOOD), VERIFIED) == ("Unknown", "TemplateNotSynced")
    assert not delivery_is_over(onboarding)
    onboarding = await bench.slept(WaitKind.DELIVERY)
    await send_test_message.fn(bench.services, onboarding, onboarding.sender(GOOD))
    onboarding = await bench.hear()
    assert condition(onboarding.sender(GOOD), VERIFIED) == ("True", "MessageDelivered")
    assert senders_to_test(onboarding) == []
    assert len(bench.books.messages) == 2
