"""Compare our subscriptions, the WABAs and their numbers with what Meta shows, client by client.

Each client is looked at with its own token. What Meta refuses to show is only believed to be the
client's doing where it refuses few: else it is our app's.
"""

from collections.abc import Sequence
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
from waboard.domain.ids import PhoneNumber
from waboard.domain.meta_events.words import OwnRead
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.domain.sentences import sentences
from waboard.domain.subscription import (
    READ,
    Seen,
    Shown,
    WatchedWaba,
    compare_subscription,
    is_our_own_trouble,
    is_to_be_made_again,
    read_of,
)
from waboard.ledger.look import learn, look
from waboard.ledger.meta_words import connection_after
from waboard.ledger.races import one_transaction
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
    async with services.ledger.read() as session:
        turn = await next_turn(session, LookAt.META, _KINDS, client_ref)
    looks = _believed(await look_at_all(services, meta, turn.wabas))
    findings = [f for look in looks for f in await _follow(services, meta, look, dry=dry)]
    if not dry:
        await _note_looked(services, [look.waba.onboarding_id for look in looks])
    return [*findings, *_not_their_turn(turn, len(looks))]


@one_transaction
async def _note_looked(services: Services, ids: Sequence[str]) -> None:
    async with services.ledger.begin() as session:
        await record_looked(session, LookAt.META, ids, services.clock())


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
    waba, seen = look.waba, look.seen
    if waba.connected is None and seen.shown is Shown.UNSEEN and look.health is not None:
        return []  # we see it as ourselves: there is nobody as whom to subscribe
    judged = await _judge_connection(services, look, dry=dry)
    finding = compare_subscription(waba, seen, judged)
    if dry or look.token is None or not is_to_be_made_again(waba, seen):
        return [finding]
    return [await _make_again(services, meta, waba, look.token, finding)]


async def _judge_connection(services: Services, look: Look, *, dry: bool) -> Status | None:
    """Return what `Connected` is by what was seen, which is written down unless it is a dry run."""
    waba, read = look.waba, read_of(look.waba, look.seen)
    if read is None:
        return None
    kind = ConditionType.CONNECTED
    if dry:
        own = OwnRead(read.status, read.reason, read.message, READ, look.at)
        async with services.ledger.read() as session:
            judged = await connection_after(session, waba.onboarding_id, own)
        return judged.status if judged else None
    seen = Condition(kind, read.status, read.reason, read.message, READ, look.at)
    onboarding = await _learn(services, waba, "", seen)
    known = onboarding.conditions.get(kind) if onboarding else None
    return known.status if known else None


async def _make_again(
    services: Services,
    meta: MetaServices,
    waba: WatchedWaba,
    token: SecretStr,
    finding: Finding,
) -> Finding:
    onboarding = await _look_if_watched(services, waba.onboarding_id)
    if onboarding is None:
        return finding
    try:
        await make_subscription(services, meta, onboarding, token)
    except WaboardError as error:
        if not (isinstance(error, ProviderError) and error.retryable):
            kind, refused = ConditionType.CONNECTED, Reason.SUBSCRIPTION_REFUSED
            await record_failure(services, onboarding, "", kind, error, refused)
        failed = f"Making it again failed: {error.message}"
        return replace(finding, said=sentences(finding.said, failed))
    await record_subscribed(services, onboarding)
    return replace(finding, done=f"Our app is subscribed {'again' if waba.connected else 'now'}.")


@one_transaction
async def _look_if_watched(services: Services, onboarding_id: str) -> Onboarding | None:
    async with services.ledger.begin() as session:
        if not await hold_watched(session, onboarding_id):
            return None
        return await look(session, onboarding_id, services.clock())


def _compare_health(look: Look, health: WabaHealth) -> list[Finding]:
    found = [_finding(look.waba, "", verdict_on_waba(health), str(health))]
    for number in look.waba.senders:
        shown = look.numbers.get(number)
        if shown is None:
            found.append(_finding(look.waba, number, None, "Meta does not list it on the WABA."))
        else:
            told = _finding(look.waba, number, verdict_on_number(shown), str(shown))
            is_nameless = shown.name_status == "DECLINED"
            found.append(replace(told, answer=Answer.NO) if is_nameless else told)
    return found


def _finding(waba: WatchedWaba, number: str, verdict: Verdict | None, said: str) -> Finding:
    answer = Answer.UNKNOWN
    if verdict is not None:
        answer = Answer.YES if verdict.status is Status.TRUE else Answer.NO
    return waba.finding(Aspect.HEALTH, answer, said, number)


async def _keep_health(services: Services, look_: Look, health: WabaHealth) -> None:
    waba = look_.waba
    if not await _note_health(services, look_, health):
        return
    for number, conditions in waba.senders.items():
        shown, known = look_.numbers.get(number), conditions.get(ConditionType.HEALTHY)
        verdict = verdict_on_number(shown) if shown is not None else None
        if verdict is not None and is_news(verdict, None if known is None else known.is_true):
            await _note_news(services, waba, number, verdict)


@one_transaction
async def _note_health(services: Services, look_: Look, health: WabaHealth) -> bool:
    """Write down how it stands; False where it is kept true no more."""
    onboarding_id = look_.waba.onboarding_id
    async with services.ledger.begin() as session:
        if not await hold_watched(session, onboarding_id):
            return False
        await record_health(session, onboarding_id, health, look_.numbers, look_.at)
        await look(session, onboarding_id, services.clock())
        return True


@one_transaction
async def _note_news(
    services: Services, waba: WatchedWaba, number: PhoneNumber, verdict: Verdict
) -> None:
    status, reason, message = verdict.status, verdict.reason, verdict.message
    async with services.ledger.begin() as session:
        if await hold_watched(session, waba.onboarding_id):
            kind, evidence, now = ConditionType.HEALTHY, "health at Meta", services.clock()
            new = Condition(kind, status, reason, message, evidence, now)
            await learn(session, waba.onboarding_id, number, new)


@one_transaction
async def _learn(
    services: Services, waba: WatchedWaba, subject: str, seen: Condition
) -> Onboarding | None:
    async with services.ledger.begin() as session:
        if not await hold_watched(session, waba.onboarding_id):
            return None
        return await learn(session, waba.onboarding_id, subject, seen)


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
        waba.finding(aspect, Answer.NO, sentences(known[kind].message, _LATER), number)
        for number, known in conditions
        for kind, aspect in aspects.items()
        if kind in known and not known[kind].is_true
    ]


_LATER = "It was not its turn to be looked at again."
