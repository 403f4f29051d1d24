"""Send one message of the outbox, and heed what its receiver says of all."""

from collections.abc import Awaitable, Callable, Collection

from waboard.domain.clock import Clock
from waboard.domain.posting import Answer
from waboard.ledger.database import Ledger
from waboard.ledger.deliveries import Letter, settle
from waboard.ledger.locks import hold
from waboard.ledger.races import one_transaction
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
    await _note_answer(ledger, letter, answer, clock)
    return answer


@one_transaction
async def _note_answer(ledger: Ledger, letter: Letter, answer: Answer, clock: Clock) -> None:
    async with ledger.begin() as session:
        await hold(session, letter.onboarding_id)
        await settle(session, letter, answer, clock())


async def heed(
    ledger: Ledger, system: ProviderSystem, answers: Collection[Answer], clock: Clock, tell: Tell
) -> None:
    """Leave a receiver alone that is away or wants no more; of the latter tell the operator."""
    if await _has_just_stopped(ledger, system.key, answers, clock):
        await tell("Your system wants no more messages", STOPPED)


@one_transaction
async def _has_just_stopped(
    ledger: Ledger, key: str, answers: Collection[Answer], clock: Clock
) -> bool:
    """Write down what a receiver answered; says whether it wants no more, for the first time."""
    async with ledger.begin() as session:
        return await note_answers(session, key, answers, clock())
