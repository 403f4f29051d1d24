"""Associate a sender with the client's application and entity ids."""

from datetime import datetime, timedelta

from prefect import task

from tasks.services import Services
from tasks.step import STEP, effect, may_repeat
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import ProviderError
from waboard.domain.filing import Filing, filing_for
from waboard.domain.ids import NumberKey
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.parties import Party
from waboard.domain.reasons import GUIDANCE, Reason
from waboard.infobip.models import Association
from waboard.ledger.effects import find_effect, resolve_effect
from waboard.ledger.models import EffectStatus, Verb
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
    """Make the association that should be, the only one of the sender, and read it back.

    Reading comes first, so that this step can be repeated from anywhere: one that exists is kept.
    With one with other ids (the provider's own default is the client's portfolio id) is done what
    the policy says.
    """
    key = sender.number_key or await _find_key(services, onboarding, sender)
    links = await services.infobip.associations(key)
    found = [_filing(link) for link in links]
    filing = filing_for(onboarding.filing, found, services.policy.foreign_filing)
    if found != [filing]:
        await _move(services, onboarding, sender, key, links, filing)
        found = [_filing(link) for link in await services.infobip.associations(key)]
    if found != [filing]:
        raise NotReadBack(sender, settled=await _has_settled(services, onboarding, sender))
    await _record(services, onboarding, sender, filing)


async def _find_key(services: Services, onboarding: Onboarding, sender: Sender) -> NumberKey:
    number = await services.infobip.find_number(sender.phone_number)
    if number is None:
        raise NumberNotListed(sender)
    async with services.ledger.begin() as session:
        await record_number_key(session, onboarding.id, sender.phone_number, number.number_key)
    return number.number_key


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
    verb = Verb.DISSOCIATE
    subject = f"{sender.phone_number} from {link.application_id}/{link.entity_id}"
    if not await _just_done(services, onboarding, verb, subject):
        async with effect(services, onboarding, verb, subject):
            await services.infobip.dissociate(link)


async def _associate(
    services: Services, onboarding: Onboarding, sender: Sender, key: NumberKey
) -> None:
    verb, subject = Verb.ASSOCIATE, sender.phone_number
    if not await _just_done(services, onboarding, verb, subject, _gone_at(sender)):
        async with effect(services, onboarding, verb, subject):
            await services.infobip.associate(key, onboarding.application_id, onboarding.entity_id)


def _gone_at(sender: Sender) -> datetime | None:
    associated = sender.conditions.get(ConditionType.ASSOCIATED)
    gone = associated is not None and associated.reason == Reason.ASSOCIATION_GONE
    return associated.changed_at if associated and gone else None


async def _just_done(
    services: Services,
    onboarding: Onboarding,
    verb: Verb,
    subject: str,
    undone_at: datetime | None = None,
) -> bool:
    # What was just changed may still read back as it was: reading again is what helps then. Not
    # where a reconciliation has found since that somebody undid it.
    async with services.ledger.begin() as session:
        last = await find_effect(session, onboarding.id, verb, subject)
    if last is None or last.status != EffectStatus.DONE or last.ended_at is None:
        return False
    if undone_at is not None and last.ended_at <= undone_at:
        return False
    return services.clock() - last.ended_at < STALE_FOR


async def _has_settled(services: Services, onboarding: Onboarding, sender: Sender) -> bool:
    # What was made once, just now, may still read back as it was. Made twice, it does not take.
    async with services.ledger.begin() as session:
        last = await find_effect(session, onboarding.id, Verb.ASSOCIATE, sender.phone_number)
    made_twice = last is not None and last.attempt > 1
    fresh = await _just_done(services, onboarding, Verb.ASSOCIATE, sender.phone_number)
    return made_twice or not fresh


def _filing(link: Association) -> Filing:
    return Filing(link.application_id, link.entity_id)


async def _record(
    services: Services, onboarding: Onboarding, sender: Sender, filing: Filing
) -> None:
    adopted = None if filing == onboarding.filing else filing
    async with services.ledger.begin() as session:
        await record_adopted(session, onboarding.id, sender.phone_number, adopted)
        if adopted is None:
            shown, now = "Shown by reading it back.", services.clock()
            await resolve_effect(
                session, onboarding.id, Verb.ASSOCIATE, sender.phone_number, shown, now
            )
    as_found = ", as it was found" if adopted else ""
    message = f"Filed under {filing}{as_found}."
    await services.write(
        onboarding.id,
        sender.phone_number,
        ConditionType.ASSOCIATED,
        Status.TRUE,
        Reason.ASSOCIATION_READ_BACK,
        message,
        "read back from associations",
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
            remedy="See in Infobip's portal who else associates this number.",
            awaiting=Party.OPERATOR,
            retryable=True,
            ambiguous=False,
        )
