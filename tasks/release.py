"""Give back what is ours of a client that leaves. Each step is safe to be begun anew."""

from prefect import task
from pydantic import SecretStr

from tasks.connect import client_token
from tasks.services import MetaServices, Services
from tasks.step import STEP, effect, may_repeat, settle_effect
from waboard.boundary import boundary
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.departures import why_kept
from waboard.domain.errors import ProviderError
from waboard.domain.filing import Filing
from waboard.domain.ids import NumberKey
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.infobip.models import Association
from waboard.ledger.departures import clients_filed_under, was_made_here
from waboard.ledger.models import Verb
from waboard.ledger.ownership import holder_of
from waboard.meta.errors import MetaError

OWN_TOKEN_REFUSED = 190
OUT_OF_REACH = frozenset({3, 10, 33, 100, 190, 803, *range(200, 300)})
"""Codes with which Meta says that our access to the WABA has ended, or that it is gone."""


@task(
    name="unsubscribe",
    task_run_name="unsubscribe from WABA {onboarding.waba_label} at Meta",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def unsubscribe(services: Services, onboarding: Onboarding) -> str:
    """Take our app out of the WABA's webhooks, and say how that went.

    Where our access has ended, there is nothing that we could do, and nothing that reaches us.
    """
    connected = onboarding.conditions.get(ConditionType.CONNECTED)
    if connected is not None and connected.reason == Reason.UNSUBSCRIBED:
        return "Our app is not subscribed to its WABA any more."
    meta = services.meta
    token = await _token(services, meta, onboarding) if meta else None
    if meta is None or token is None:
        return "We have no token with which we could be subscribed to its WABA."
    try:
        await _unsubscribe(services, meta, onboarding, token)
    except MetaError as error:
        if error.code not in OUT_OF_REACH:
            raise
        return f"Meta does not let us at its WABA any more ({error.code})."
    await _write_unsubscribed(services, onboarding)
    return "Our app is not subscribed to its WABA any more."


async def _token(
    services: Services, meta: MetaServices, onboarding: Onboarding
) -> SecretStr | None:
    try:
        return await client_token(services, meta, onboarding)
    except MetaError as error:
        # Issuing one is asked with the provider's own token, which is no matter of this client's.
        if error.code == OWN_TOKEN_REFUSED or error.code not in OUT_OF_REACH:
            raise
        return None


async def _unsubscribe(
    services: Services, meta: MetaServices, onboarding: Onboarding, token: SecretStr
) -> None:
    if await meta.graph.is_subscribed(onboarding.waba_id, token):
        async with effect(services, onboarding, Verb.UNSUBSCRIBE):
            await meta.graph.unsubscribe(onboarding.waba_id, token)
        if await meta.graph.is_subscribed(onboarding.waba_id, token):
            raise StillThere(f"The subscription to WABA {onboarding.waba_label}", _APP)
    await _settle(services, onboarding, Verb.UNSUBSCRIBE)


async def _settle(
    services: Services, onboarding: Onboarding, verb: Verb, subject: str = ""
) -> None:
    # Whoever died over it had done it, if nobody else has.
    await settle_effect(services, onboarding.id, verb, subject, "Shown by its being gone.")


async def _write_unsubscribed(services: Services, onboarding: Onboarding) -> None:
    connected = onboarding.conditions.get(ConditionType.CONNECTED)
    if connected is not None and connected.reason == Reason.CLIENT_DISCONNECTED:
        return
    await services.write(
        onboarding.id,
        "",
        ConditionType.CONNECTED,
        Status.FALSE,
        Reason.UNSUBSCRIBED,
        "Our app is not subscribed to the WABA any more.",
        "read back from subscribed_apps",
    )


@task(
    name="dissociate",
    task_run_name="take sender {sender.label} out of {onboarding.entity_id}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def release_sender(services: Services, onboarding: Onboarding, sender: Sender) -> str:
    """Delete a sender's association with our ids, read that back, and say what is left of it.

    One that is filed under ids of others is theirs; so is one with the same ids, of another client
    that has the number now.
    """
    key = sender.number_key or await _key_of(services, sender)
    links = await services.infobip.associations(key) if key else []
    ours = [link for link in links if _filing(link) == onboarding.filing]
    if ours and await _is_of_another_client(services, onboarding, sender):
        return f"{sender.label}: it is another client's now, under the same ids."
    subject = f"{sender.phone_number} from {onboarding.filing}"
    for link in ours:
        async with effect(services, onboarding, Verb.DISSOCIATE, subject):
            await services.infobip.dissociate(link)
    if ours and key:
        links = await services.infobip.associations(key)
        if any(_filing(link) == onboarding.filing for link in links):
            raise StillThere(f"The association of {sender.label}", _PORTAL)
    await _settle(services, onboarding, Verb.DISSOCIATE, subject)
    elsewhere = " and ".join(sorted(str(_filing(link)) for link in links))
    left = f", and stays under {elsewhere}" if elsewhere else ""
    said = f"It is not filed under {onboarding.filing} any more{left}."
    await _write_dissociated(services, onboarding, sender, said)
    return f"{sender.label}: {said}"


async def _is_of_another_client(services: Services, onboarding: Onboarding, sender: Sender) -> bool:
    number, filing = sender.phone_number, onboarding.filing
    async with services.ledger.read() as session:
        holder = await holder_of(session, onboarding.id, number, filing)
    return holder is not None and bool(holder.phone_number) and not holder.gives_way


async def _key_of(services: Services, sender: Sender) -> NumberKey | None:
    number = await services.infobip.find_number(sender.phone_number)
    return number.number_key if number else None


def _filing(link: Association) -> Filing:
    return Filing(link.application_id, link.entity_id)


async def _write_dissociated(
    services: Services, onboarding: Onboarding, sender: Sender, said: str
) -> None:
    await services.write(
        onboarding.id,
        sender.phone_number,
        ConditionType.ASSOCIATED,
        Status.FALSE,
        Reason.DISSOCIATED,
        said,
        "read back from associations",
    )


@task(
    name="delete entity",
    task_run_name="delete entity {onboarding.entity_id}",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def release_entity(services: Services, onboarding: Onboarding) -> str:
    """Delete the client's entity, if nothing hangs on it any more, and say whether it stays.

    The application is never deleted: other clients are filed under it.
    """
    entity_id = onboarding.entity_id
    if await services.infobip.get_entity(entity_id) is None:
        await _settle(services, onboarding, Verb.DELETE_ENTITY, entity_id)
        return f"There is no entity {entity_id}."
    kept = await _why_kept(services, onboarding)
    if kept:
        return f"The entity {entity_id} stays: {kept}."
    boundary("delete-entity:looked")
    async with effect(services, onboarding, Verb.DELETE_ENTITY, entity_id):
        await services.infobip.delete_entity(entity_id)
    if await services.infobip.get_entity(entity_id) is not None:
        raise StillThere(f"The entity {entity_id}", _PORTAL)
    return f"The entity {entity_id} is deleted."


async def _why_kept(services: Services, onboarding: Onboarding) -> str:
    entity_id = onboarding.entity_id
    async with services.ledger.read() as session:
        others = await clients_filed_under(session, entity_id, onboarding.id)
        ours = await was_made_here(session, entity_id)
    hanging = await services.infobip.filed_under(entity_id)
    return why_kept([link.resource_id for link in hanging], others, ours=ours)


_PORTAL = "See in Infobip's portal what makes it again."
_APP = "See in the app dashboard what subscribes the app again."


class StillThere(ProviderError):
    """What was taken away reads back as if it were there, or does so for a while."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(
            f"{what} reads back although it was taken away.",
            remedy=remedy,
            awaiting=Party.OPERATOR,
            retryable=True,
            ambiguous=False,
        )
