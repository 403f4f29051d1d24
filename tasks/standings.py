"""Compare how senders stand at Infobip with what we hold for true.

Each hundred senders is compared and written down by itself: whoever dies in the middle of it has
left out the others, and nothing else. The next time everyone is compared anew.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

from prefect import task

from tasks.asking import ask
from tasks.facts import standing_in
from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.delivery import Verdict
from waboard.domain.errors import ProviderError
from waboard.domain.ids import PhoneNumber
from waboard.domain.reconcile import (
    MISSING,
    Aspect,
    Finding,
    Watched,
    compare_standing,
    news_of,
    unseen,
)
from waboard.domain.spelling import asked_for
from waboard.domain.standing import Standing
from waboard.infobip.client import MOST_SENDERS
from waboard.infobip.models import UNKNOWN, SenderQuality
from waboard.ledger.locks import hold
from waboard.ledger.look import learn
from waboard.ledger.races import one_transaction
from waboard.ledger.senders import record_standings
from waboard.ledger.watched import registered_senders
from waboard.parts import parts, side_by_side

ABREAST = 8
"""Questions under way at a time: ten a second are reached with answers that take up to 0.8 s."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What Infobip shows of some senders, and whether none can have been left out."""

    shown: Mapping[PhoneNumber, SenderQuality]
    is_whole: bool

    def status_of(self, sender: Watched) -> str:
        """How it stands: one of whom a row may be that could not be read is not missing."""
        found = self.shown.get(sender.phone_number)
        if found is not None:
            return found.status
        return MISSING if self.is_whole else UNKNOWN


@task(
    name="compare standings",
    task_run_name="compare how senders stand at Infobip",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_standings(
    services: Services, client_ref: str | None, *, dry: bool
) -> list[Finding]:
    """Compare every registered sender with Infobip's word on it, 100 a call.

    Of whom it gives no answer, nothing was seen. After that nobody else is asked for.
    """
    look = _Look(services, dry=dry)
    await side_by_side(_hundreds(services, client_ref), look.at, abreast=ABREAST)
    return look.findings


async def _hundreds(
    services: Services, client_ref: str | None
) -> AsyncGenerator[Sequence[Watched]]:
    async for senders in registered_senders(services.ledger, client_ref):
        for hundred in parts(senders, MOST_SENDERS):
            yield hundred


class _Look:
    def __init__(self, services: Services, *, dry: bool) -> None:
        self._services, self._dry = services, dry
        self._refusal: ProviderError | None = None
        self.findings: list[Finding] = []

    async def at(self, senders: Sequence[Watched]) -> None:
        known = None if self._refusal else await self._ask(senders)
        if known is None:
            said = str(self._refusal)
            self.findings += [unseen(each, Aspect.STANDING, said) for each in senders]
            return
        now = self._services.clock()
        self.findings += [compare_standing(each, known.status_of(each), now) for each in senders]
        if not self._dry:
            await self._keep(senders, known)

    async def _ask(self, senders: Sequence[Watched]) -> _Known | None:
        numbers = [each.phone_number for each in senders]
        infobip = self._services.infobip
        try:
            listed = await ask(self._services, lambda: infobip.sender_quality(numbers))
        except ProviderError as error:
            self._refusal = error
            return None
        known = {asked_for(each.sender, numbers): each for each in listed}
        shown = {number: known[number] for number in numbers if number in known}
        return _Known(shown, listed.unread is None)

    async def _keep(self, senders: Sequence[Watched], known: _Known) -> None:
        now = self._services.clock()
        shown = [
            (each.onboarding_id, each.phone_number, standing_in(found, now))
            for each in senders
            if (found := known.shown.get(each.phone_number)) is not None
        ]
        await self._note_standings(shown)
        for sender in senders:
            news = news_of(sender, known.status_of(sender), self._services.clock())
            if news is not None:
                await self._note_news(sender, news)

    @one_transaction
    async def _note_standings(self, shown: Sequence[tuple[str, PhoneNumber, Standing]]) -> None:
        async with self._services.ledger.begin() as session:
            await record_standings(session, shown)

    @one_transaction
    async def _note_news(self, sender: Watched, news: Verdict) -> None:
        async with self._services.ledger.begin() as session:
            await hold(session, sender.onboarding_id)
            kind, evidence, now = ConditionType.USABLE, "senders/quality", self._services.clock()
            new = Condition(kind, news.status, news.reason, news.message, evidence, now)
            await learn(session, sender.onboarding_id, sender.phone_number, new)
