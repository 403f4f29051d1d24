"""Compare our subscriptions, the WABAs and their numbers with what Meta shows, client by client.

Each client is looked at with its own token. What Meta refuses to show is only believed to be the
client's doing where it refuses few: else it is our app's.
"""

from dataclasses import replace

from prefect import task
from pydantic import SecretStr

from tasks.connect import make_subscription, record_subscribed
from tasks.look_at_meta import Look, look_at_all
from tasks.services import MetaServices, Services
from tasks.step import STEP, may_repeat, record_failure
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.delivery import Verdict
from waboard.domain.errors import ProviderError, WaboardError
from waboard.domain.health import WabaHealth, is_news, verdict_on_number, verdict_on_waba
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.domain.subscription import (
    READ,
    Seen,
    Shown,
    WatchedWaba,
    compare_subscription,
    is_our_own_trouble,
    is_to_be_made_again,
    news_of_subscription,
)
from waboard.ledger.look import hold, learn, look
from waboard.ledger.watched_wabas import (
    LookAt,
    Turn,
    hold_watched,
    next_turn,
    record_health,
    record_looked,
)

_KINDS = (ConditionType.CONNECTED, ConditionType.HEALTHY)


@task(
    name="compare with Meta",
    task_run_name="compare subscriptions, WABAs and numbers with Meta",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_wabas(services: Services, client_ref: str | None, *, dry: bool) -> list[Finding]:
    """Look at the WABAs whose turn it is, three calls each, and mend or raise what is not so."""
    meta = services.meta
    if meta is None:
        return []
    async with services.ledger.begin() as session:
        turn = await next_turn(session, LookAt.META, _KINDS, client_ref)
    looks = _believed(await look_at_all(services, meta, turn.wabas))
    findings = [f for look in looks for f in await _follow(services, meta, look, dry=dry)]
    if not dry:
        async with services.ledger.begin() as session:
            ids = [look.waba.onboarding_id for look in looks]
            await record_looked(session, LookAt.META, ids, services.clock())
    return [*findings, *_not_their_turn(turn, len(looks))]


def _believed(looks: list[Look]) -> list[Look]:
    if not is_our_own_trouble([(look.waba, look.seen) for look in looks]):
        return looks
    return [_disbelieved(look) for look in looks]


def _disbelieved(look: Look) -> Look:
    if look.seen.shown not in (Shown.REMOVED, Shown.TOKEN_REFUSED):
        return look
    said = (
        "Meta refuses most clients' tokens at once, so it is our app that it refuses: see "
        f"`waboard readiness`. {look.seen.said}"
    )
    return replace(look, seen=Seen(Shown.UNSEEN, said))


async def _follow(
    services: Services, meta: MetaServices, look: Look, *, dry: bool
) -> list[Finding]:
    subscription = await _follow_subscription(services, meta, look, dry=dry)
    if look.health is None:
        seen = look.seen.shown in (Shown.THERE, Shown.GONE)
        unknown = look.waba.finding(Aspect.HEALTH, Answer.UNKNOWN, look.unseen)
        return [*subscription, unknown] if seen else subscription
    if not dry:
        await _keep_health(services, look, look.health)
    return [*subscription, *_compare_health(look, look.health)]


async def _follow_subscription(
    services: Services, meta: MetaServices, look: Look, *, dry: bool
) -> list[Finding]:
    waba, seen, now = look.waba, look.seen, services.clock()
    if waba.connected is None and look.health is not None:
        return []  # it came without a signup link: there is no subscription to keep
    finding = compare_subscription(waba, seen, now)
    if dry:
        return [finding]
    news = news_of_subscription(waba, seen, now)
    if news is not None:
        await _write(services, waba, "", ConditionType.CONNECTED, news, READ)
    if not is_to_be_made_again(waba, seen) or look.token is None:
        return [finding]
    return [await _make_again(services, meta, waba, look.token, finding)]


async def _make_again(
    services: Services,
    meta: MetaServices,
    waba: WatchedWaba,
    token: SecretStr,
    finding: Finding,
) -> Finding:
    async with services.ledger.begin() as session:
        if not await hold_watched(session, waba.onboarding_id):
            return finding
        onboarding = await look(session, waba.onboarding_id, services.clock())
    try:
        await make_subscription(services, meta, onboarding, token)
    except WaboardError as error:
        if not (isinstance(error, ProviderError) and error.retryable):
            kind, refused = ConditionType.CONNECTED, Reason.SUBSCRIPTION_REFUSED
            await record_failure(services, onboarding, "", kind, error, refused)
        return replace(finding, said=f"{finding.said} Making it again failed: {error.message}")
    held = waba.connected
    if held is None or held.reason not in (Reason.ACCOUNT_RESTRICTED, Reason.ACCOUNT_SUSPENDED):
        await record_subscribed(services, onboarding)
    return replace(finding, done="Our app is subscribed again.")


def _compare_health(look: Look, health: WabaHealth) -> list[Finding]:
    found = [_finding(look.waba, "", verdict_on_waba(health), str(health))]
    for number in look.waba.senders:
        shown = look.numbers.get(number)
        if shown is None:
            found.append(_finding(look.waba, number, None, "Meta does not list it on the WABA."))
        else:
            found.append(_finding(look.waba, number, verdict_on_number(shown), str(shown)))
    return found


def _finding(waba: WatchedWaba, number: str, verdict: Verdict | None, said: str) -> Finding:
    answer = Answer.UNKNOWN
    if verdict is not None:
        answer = Answer.YES if verdict.status is Status.TRUE else Answer.NO
    return waba.finding(Aspect.HEALTH, answer, said, number)


async def _keep_health(services: Services, look: Look, health: WabaHealth) -> None:
    waba, now = look.waba, services.clock()
    async with services.ledger.begin() as session:
        await hold(session, waba.onboarding_id)
        await record_health(session, waba.onboarding_id, health, look.numbers, now)
    await _judge(services, waba, "", verdict_on_waba(health), waba.conditions)
    for number, conditions in waba.senders.items():
        shown = look.numbers.get(number)
        if shown is not None:
            await _judge(services, waba, number, verdict_on_number(shown), conditions)


async def _judge(
    services: Services,
    waba: WatchedWaba,
    subject: str,
    verdict: Verdict | None,
    conditions: dict[ConditionType, Condition],
) -> None:
    known = conditions.get(ConditionType.HEALTHY)
    if verdict is not None and is_news(verdict, None if known is None else known.is_true):
        await _write(services, waba, subject, ConditionType.HEALTHY, verdict, "health at Meta")


async def _write(
    services: Services,
    waba: WatchedWaba,
    subject: str,
    kind: ConditionType,
    verdict: Verdict,
    evidence: str,
) -> None:
    new = Condition(
        kind, verdict.status, verdict.reason, verdict.message, evidence, services.clock()
    )
    async with services.ledger.begin() as session:
        if await hold_watched(session, waba.onboarding_id):
            await learn(session, waba.onboarding_id, subject, new)


def _not_their_turn(turn: Turn, looked: int) -> list[Finding]:
    """Tell of those in trouble whose turn it was not, as the ledger has it, and how many wait."""
    if looked == turn.of:
        return []
    told = [f for waba in turn.others for f in _still(waba)]
    said = (
        f"{looked} of {turn.of} WABAs were looked at, those first whose last time is longest ago; "
        "the others the next times."
    )
    return [*told, Finding("", "", "", Aspect.HEALTH, Answer.YES, said)]


def _still(waba: WatchedWaba) -> list[Finding]:
    conditions = [("", waba.conditions), *waba.senders.items()]
    aspects = {
        ConditionType.CONNECTED: Aspect.SUBSCRIPTION,
        ConditionType.HEALTHY: Aspect.HEALTH,
    }
    return [
        waba.finding(aspect, Answer.NO, f"{known[kind].message} {_LATER}", number)
        for number, known in conditions
        for kind, aspect in aspects.items()
        if kind in known and not known[kind].is_true
    ]


_LATER = "It was not its turn to be looked at again."
