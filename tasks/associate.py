"""Associate a sender with the client's application and entity ids.

What another of our clients has is never taken from it, unless it was ruled that the number is not
its own: see `waboard.domain.ownership`.
"""

from datetime import timedelta
from functools import partial

from prefect import task
from sqlalchemy.ext.asyncio import AsyncSession

from tasks.services import Services
from tasks.step import STEP, effect, may_repeat
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.errors import ProviderError, StepRefused
from waboard.domain.filing import Filing, filing_for
from waboard.domain.ids import NumberKey
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.parties import Party
from waboard.domain.reasons import GUIDANCE, Reason
from waboard.infobip.models import Association
from waboard.ledger.conditions import write_condition
from waboard.ledger.effects import confirm_effects, find_effect, last_effects
from waboard.ledger.locks import hold
from waboard.ledger.models import EffectStatus, Verb
from waboard.ledger.onboardings import read_onboarding
from waboard.ledger.ownership import Holder, holder_of, take_association
from waboard.ledger.races import one_transaction
from waboard.ledger.senders import record_adopted, record_number_key

STALE_FOR = timedelta(minutes=1)
"""How long a reading that does not show what we just did is taken for an old one."""


@task(
    name="associate",
    task_run_name="associate sender {sender.label} with {onboarding.entity_id}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def associate_sender(services: Services, onboarding: Onboarding, sender: Sender) -> None:
    """Ensure that a sender is associated with the client's ids, and with nothing else.

    Idempotent: it reads first, keeps a correct association, and confirms by reading back. One with
    other ids (Infobip's own default is the client's portfolio id) is treated as the policy says.
    Raises StepRefused where another client of ours has the number, and nothing rules that it moved.
    """
    key = sender.number_key
    if key is None:
        key = await _find_key(services, onboarding, sender)
        # Infobip's key can show that another client has this number, in another spelling.
        onboarding = await services.look(onboarding.id)
        sender = onboarding.sender(sender.phone_number)
    if sender.lacks(ConditionType.OWNED):
        return  # its condition says whose it is
    await _move_to_its_ids(services, onboarding, sender, key)


async def _move_to_its_ids(
    services: Services, onboarding: Onboarding, sender: Sender, key: NumberKey
) -> None:
    links = await services.infobip.associations(key)
    holders = await _holders(services, onboarding, sender, links)
    others = [_filing(link) for link in links if _filing(link) not in holders]
    filing = filing_for(onboarding.filing, others, services.policy.foreign_filing)
    found = [_filing(link) for link in links]
    if found != [filing]:
        await _move(services, onboarding, sender, key, links, filing)
        found = [_filing(link) for link in await services.infobip.associations(key)]
    if found != [filing]:
        await _confirm_removed(services, onboarding, sender, found)
        raise NotReadBack(sender, settled=await _has_settled(services, onboarding, sender))
    await _record(services, onboarding, sender, filing)


async def _find_key(services: Services, onboarding: Onboarding, sender: Sender) -> NumberKey:
    for spelling in (sender.phone_number, *sorted(sender.spellings - {sender.phone_number})):
        number = await services.infobip.find_number(spelling)
        if number is not None:
            break
    else:
        raise NumberNotListed(sender)
    await _note_key(services, onboarding, sender, number.number_key)
    return number.number_key


@one_transaction
async def _note_key(
    services: Services, onboarding: Onboarding, sender: Sender, key: NumberKey
) -> None:
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id)
        await record_number_key(session, onboarding.id, sender.phone_number, key)


async def _holders(
    services: Services, onboarding: Onboarding, sender: Sender, links: list[Association]
) -> dict[Filing, Holder]:
    """Return which of a number's associations are other clients' of ours, by their ids."""
    found: dict[Filing, Holder] = {}
    foreign = [_filing(link) for link in links if _filing(link) != onboarding.filing]
    if not foreign:
        return found
    async with services.ledger.read() as session:
        for filing in foreign:
            holder = await holder_of(session, onboarding.id, sender.phone_number, filing)
            if holder is not None:
                found[filing] = holder
    return found


async def _move(
    services: Services,
    onboarding: Onboarding,
    sender: Sender,
    key: NumberKey,
    links: list[Association],
    filing: Filing,
) -> None:
    # There is no way to change an association: the old one goes, then the new one comes. Should we
    # die in between, the next try finds none and makes it.
    for link in links:
        if _filing(link) != filing:
            await _dissociate(services, onboarding, sender, link)
    if not any(_filing(link) == filing for link in links):
        await _associate(services, onboarding, sender, key)


async def _dissociate(
    services: Services, onboarding: Onboarding, sender: Sender, link: Association
) -> None:
    verb, subject = Verb.DISSOCIATE, _removal(sender, _filing(link))
    if await _just_done(services, onboarding, verb, subject):
        return
    give_way = partial(_let_give_way, services, onboarding, sender, _filing(link))
    owned = sender.conditions.get(ConditionType.OWNED)
    why = owned.message if owned else f"It is to be associated with {onboarding.filing} alone."
    async with effect(services, onboarding, verb, subject, why=why, check=give_way):
        await services.infobip.dissociate(link)


def _removal(sender: Sender, filing: Filing) -> str:
    return f"{sender.phone_number} from {filing.application_id}/{filing.entity_id}"


async def _let_give_way(
    services: Services,
    onboarding: Onboarding,
    sender: Sender,
    filing: Filing,
    session: AsyncSession,
) -> None:
    """Write down that another client loses an association, or refuse to take it from it."""
    await _refuse_unless_owned(onboarding, sender, session)
    holder = await holder_of(session, onboarding.id, sender.phone_number, filing)
    if holder is None:
        return
    if not holder.gives_way:
        raise StepRefused(
            f"The number is associated with {filing}, the ids of our client {holder.client_ref}.",
            reason=Reason.HELD_BY_ANOTHER_CLIENT,
        )
    if not await take_association(session, holder, onboarding.client_ref, services.clock()):
        raise HolderIsBusy(holder)


async def _refuse_unless_owned(
    onboarding: Onboarding, sender: Sender, session: AsyncSession
) -> None:
    # What came since this step began may have ruled that the number is another client's.
    now = await read_onboarding(session, onboarding.id)
    if now.sender(sender.phone_number).lacks(ConditionType.OWNED):
        raise StepRefused(
            f"{sender.label} belongs to another client by now.", reason=Reason.NUMBER_MOVED
        )


async def _associate(
    services: Services, onboarding: Onboarding, sender: Sender, key: NumberKey
) -> None:
    verb, subject = Verb.ASSOCIATE, sender.phone_number
    if await _just_done(services, onboarding, verb, subject):
        return
    owns = partial(_refuse_unless_owned, onboarding, sender)
    async with effect(services, onboarding, verb, subject, check=owns) as answer:
        made = await services.infobip.associate(
            key, onboarding.application_id, onboarding.entity_id
        )
        if not made:
            answer.refuse(
                "Infobip says that it is associated already: reading back shows with what."
            )


async def _just_done(services: Services, onboarding: Onboarding, verb: Verb, subject: str) -> bool:
    # What was just changed may still read back as it was: reading again is what helps then. Not
    # where it had been read back before: then somebody has undone it since.
    async with services.ledger.read() as session:
        last = await find_effect(session, onboarding.id, verb, subject)
    if last is None or last.status != EffectStatus.DONE or last.ended_at is None:
        return False
    return last.confirmed_at is None and services.clock() - last.ended_at < STALE_FOR


async def _has_settled(services: Services, onboarding: Onboarding, sender: Sender) -> bool:
    # What was made once, just now, may still read back as it was. Made twice, it does not take.
    async with services.ledger.read() as session:
        last = await find_effect(session, onboarding.id, Verb.ASSOCIATE, sender.phone_number)
    made_twice = last is not None and last.attempt > 1
    fresh = await _just_done(services, onboarding, Verb.ASSOCIATE, sender.phone_number)
    return made_twice or not fresh


@one_transaction
async def _confirm_removed(
    services: Services, onboarding: Onboarding, sender: Sender, found: list[Filing]
) -> None:
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id)
        await _write_removed(services, session, onboarding, sender, found)


async def _write_removed(
    services: Services,
    session: AsyncSession,
    onboarding: Onboarding,
    sender: Sender,
    found: list[Filing],
) -> None:
    still = {_removal(sender, filing) for filing in found}
    removed = await last_effects(session, onboarding.id, Verb.DISSOCIATE)
    gone = [each for each in removed if each not in still]
    await confirm_effects(session, onboarding.id, Verb.DISSOCIATE, gone, services.clock())


def _filing(link: Association) -> Filing:
    return Filing(link.application_id, link.entity_id)


@one_transaction
async def _record(
    services: Services, onboarding: Onboarding, sender: Sender, filing: Filing
) -> None:
    adopted = None if filing == onboarding.filing else filing
    as_found = ", as it was found" if adopted else ""
    async with services.ledger.begin() as session:
        await hold(session, onboarding.id)
        number, now = sender.phone_number, services.clock()
        condition = Condition(
            ConditionType.ASSOCIATED,
            Status.TRUE,
            Reason.ASSOCIATION_READ_BACK,
            f"Filed under {filing}{as_found}.",
            "read back from associations",
            now,
        )
        await record_adopted(session, onboarding.id, number, adopted)
        await _write_removed(services, session, onboarding, sender, [filing])
        if adopted is None:
            await confirm_effects(session, onboarding.id, Verb.ASSOCIATE, [number], now)
        await write_condition(session, onboarding.id, number, condition)


class HolderIsBusy(ProviderError):
    """Somebody is at the client that loses an association: it is asked again in a moment."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(
            f"Something else is being written about {holder.client_ref}.",
            remedy="Nothing to do: it is tried again in a moment.",
            awaiting=Party.US,
            retryable=True,
            ambiguous=False,
        )


class NumberNotListed(ProviderError):
    """The Numbers API does not list a sender that is registered, or not yet."""

    reason = Reason.NUMBER_NOT_LISTED

    def __init__(self, sender: Sender) -> None:
        super().__init__(
            f"Infobip lists no number {sender.label} although it is registered.",
            remedy=GUIDANCE[Reason.NUMBER_NOT_LISTED].remedy,
            awaiting=Party.OPERATOR,
            retryable=True,
            ambiguous=False,
        )


class NotReadBack(ProviderError):
    """An association does not read back as it was made, or not yet.

    Only of one that has `settled` that says something: what was just made may read back old.
    """

    def __init__(self, sender: Sender, *, settled: bool) -> None:
        self.reason = Reason.ASSOCIATION_REFUSED if settled else Reason.PROVIDER_UNAVAILABLE
        super().__init__(
            f"The association of {sender.label} does not read back as it was made.",
            remedy="See with `waboard reconcile CLIENT_REF --dry-run` under which ids the number "
            "is: another client here, or another system, may associate it too.",
            awaiting=Party.OPERATOR,
            retryable=True,
            ambiguous=False,
        )
