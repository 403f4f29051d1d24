"""Decide to whom a number belongs that several of our clients have."""

from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.clock import Clock
from waboard.domain.conditions import ConditionType
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.ownership import Claim, latest
from waboard.domain.verbs import refuse_assign
from waboard.ledger.claims import shared_numbers
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import last_decision, record_decision
from waboard.ledger.locks import hold
from waboard.ledger.look import look
from waboard.ledger.onboardings import go_on_soon, read_onboarding
from waboard.ledger.races import one_transaction
from waboard.ledger.waits import satisfy_wait


@one_transaction
async def assign_sender(
    ledger: Ledger, clock: Clock, onboarding_id: str, number: PhoneNumber, order: Order
) -> Onboarding:
    """Write down that a number belongs to this client, and let its run associate it.

    The decision stands until an upstream says something later than what is known now. The same
    order twice is one. Raises NotFound for a number that the client does not have, OutOfPlace where
    nothing is to be decided.
    """
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        sender = onboarding.sender(number)
        claims = await _claims(session, onboarding_id, sender)
        last = await last_decision(session, onboarding_id, DecisionVerb.ASSIGN)
        is_repeated = last and last.is_what(DecisionVerb.ASSIGN, order, sender.phone_number)
        if is_repeated and not sender.lacks(ConditionType.OWNED):
            return onboarding
        refuse_assign(onboarding, sender, is_shared=len(claims) > 1)
        now = clock()
        await record_decision(
            session,
            onboarding_id,
            DecisionVerb.ASSIGN,
            order,
            now,
            sender.phone_number,
            named_at=latest(each.named_at for each in claims),
            removed_at=latest(each.removed_at for each in claims),
        )
        await look(session, onboarding_id, now)
        await satisfy_wait(session, onboarding_id, now)
        await go_on_soon(session, onboarding_id, now)
        return await read_onboarding(session, onboarding_id)


async def _claims(session: AsyncSession, onboarding_id: str, sender: Sender) -> list[Claim]:
    for number in await shared_numbers(session, onboarding_id):
        if number.senders[onboarding_id].phone_number == sender.phone_number:
            return list(number.claims.values())
    return []
