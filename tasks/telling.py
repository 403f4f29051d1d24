"""Send one message of the outbox, and heed what its receiver says of all."""

from collections.abc import Awaitable, Callable, Collection

from waboard.domain.clock import Clock
from waboard.domain.posting import Answer
from waboard.ledger.database import Ledger
from waboard.ledger.deliveries import Letter, settle
from waboard.ledger.receivers import note_answers
from waboard.provider import ProviderSystem

Tell = Callable[[str, str], Awaitable[None]]
"""Tells the operator: a subject and a text."""
STOPPED = (
    "Your system answered 410, so it is sent no more messages. They are kept for 30 days. When it "
    "is to have them: `waboard outbox resume`. If it has moved: set WABOARD_PROVIDER_WEBHOOK_URL, "
    "restart the gateway and run `waboard deploy`."
)


async def deliver(ledger: Ledger, system: ProviderSystem, letter: Letter, clock: Clock) -> Answer:
    """Send a message that is claimed, and write down what was answered."""
    answer = await system.post(letter.id, letter.body, clock())
    async with ledger.begin() as session:
        await settle(session, letter, answer, clock())
    return answer


async def heed(
    ledger: Ledger, system: ProviderSystem, answers: Collection[Answer], clock: Clock, tell: Tell
) -> None:
    """Leave a receiver alone that is away or wants no more; of the latter tell the operator."""
    async with ledger.begin() as session:
        stopped = await note_answers(session, system.key, answers, clock())
    if stopped:
        await tell("Your system wants no more messages", STOPPED)
