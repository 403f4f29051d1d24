"""Compare the test message's template on live clients' WABAs with what Infobip shows of it.

One that was approved may be paused, disabled or deleted since. Nobody misses it until a test
message is to be sent; whoever needs it then looks again, or makes it anew.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from prefect import task

from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.delivery import Verdict
from waboard.domain.errors import ProviderError
from waboard.domain.ids import PhoneNumber
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.domain.sentences import sentences
from waboard.domain.steps import template_is_needed
from waboard.domain.subscription import WatchedWaba
from waboard.domain.template import GONE, read_of_template, still_usable
from waboard.ledger.look import learn
from waboard.ledger.onboardings import go_on_soon
from waboard.ledger.races import one_transaction
from waboard.ledger.watched_wabas import LookAt, Turn, hold_watched, next_turn, record_looked

_KINDS = (ConditionType.TEMPLATE_READY,)


@task(
    name="compare templates",
    task_run_name="compare templates of the test message",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_templates(
    services: Services, client_ref: str | None, *, dry: bool
) -> list[Finding]:
    """Look at the WABAs whose turn it is, one call each."""
    async with services.ledger.read() as session:
        turn = await next_turn(session, LookAt.TEMPLATE, _KINDS, client_ref)
    findings = [await _compare(services, waba, dry=dry) for waba in turn.wabas]
    if not dry:
        await _note_looked(services, [waba.onboarding_id for waba in turn.wabas])
    return [*findings, *_not_their_turn(turn)]


@one_transaction
async def _note_looked(services: Services, ids: Sequence[str]) -> None:
    async with services.ledger.begin() as session:
        await record_looked(session, LookAt.TEMPLATE, ids, services.clock())


async def _compare(services: Services, waba: WatchedWaba, *, dry: bool) -> Finding:
    at = services.clock()
    try:
        status = await _status(services, list(waba.senders))
    except ProviderError as error:
        return waba.finding(Aspect.TEMPLATE, Answer.UNKNOWN, str(error))
    if status is None:
        said = "Infobip does not know its senders now."
        return waba.finding(Aspect.TEMPLATE, Answer.UNKNOWN, said)
    said = f"The template of the test message is {status}."
    finding = waba.finding(Aspect.TEMPLATE, still_usable(status), said)
    read = read_of_template(waba.conditions[ConditionType.TEMPLATE_READY], status)
    if dry or read is None:
        return finding
    return await _follow(services, waba, read, at, finding)


async def _status(services: Services, senders: Sequence[PhoneNumber]) -> str | None:
    """Return the template's status, `GONE`, or None when Infobip knows none of the senders."""
    wanted = (services.verification.template_name, services.verification.language)
    for sender in senders:
        listed = await services.infobip.templates.of(sender)
        if listed is not None:
            found = listed.find(lambda each: (each.name, each.language) == wanted)
            return found.status if found else GONE
    return None


@one_transaction
async def _follow(
    services: Services, waba: WatchedWaba, read: Verdict, at: datetime, finding: Finding
) -> Finding:
    kind, of = ConditionType.TEMPLATE_READY, waba.onboarding_id
    seen = Condition(kind, read.status, read.reason, read.message, "templates of a sender", at)
    async with services.ledger.begin() as session:
        if not await hold_watched(session, of):
            return finding
        onboarding = await learn(session, of, "", seen)
        if onboarding.holds(kind) is waba.conditions[kind].is_true:
            return finding
        if not template_is_needed(onboarding):
            return replace(finding, said=f"{finding.said} No test message needs it now.")
        await go_on_soon(session, of, services.clock())
        return replace(finding, done="Its run goes on: a test message needs it.")


def _not_their_turn(turn: Turn) -> list[Finding]:
    looked = len(turn.wabas)
    if looked == turn.of:
        return []
    told = [
        waba.finding(Aspect.TEMPLATE, Answer.NO, sentences(known.message, _LATER))
        for waba in turn.others
        for known in [waba.conditions[ConditionType.TEMPLATE_READY]]
    ]
    said = (
        f"{looked} of {turn.of} WABAs were looked at, those first whose last time is longest ago; "
        "the others the next times."
    )
    return [*told, Finding("", "", "", Aspect.TEMPLATE, Answer.YES, said)]


_LATER = "It was not its turn to be looked at again."
