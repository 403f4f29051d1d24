"""Compare under which ids senders are filed at Infobip with how they should be.

One that is not listed as it should be is looked at again before that is believed: a list that is
read page by page leaves out whoever moves to an earlier page meanwhile.
"""

from asyncio import gather
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from prefect import task

from tasks.asking import ask
from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.filing import Filing
from waboard.domain.ids import NumberKey
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer, Aspect, Finding, Watched, compare_filing, unseen
from waboard.infobip.models import Association, AssociationsPage
from waboard.ledger.locks import hold
from waboard.ledger.look import learn
from waboard.ledger.races import one_transaction
from waboard.ledger.watched import registered_sender, registered_senders

MOST_ALONE = 10
"""How many are read by themselves, a call each, where the list of all cannot be believed."""
_LIST_MOVES = "Infobip's list changed while it was read; the next time it is looked at again."
_WE_MOVED = "It was filed otherwise while it was looked at; the next time it is looked at again."


@task(
    name="compare filings",
    task_run_name="compare under which ids senders are filed",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def compare_filings(
    services: Services, client_ref: str | None, *, dry: bool
) -> list[Finding]:
    """Compare every associated sender with all associations of the account, 1,000 a call.

    The few of one client are read by themselves.
    """
    look = _Look(services, dry=dry)
    if client_ref is None:
        # Listing takes a second for each thousand: it does not wait until we know whom we have.
        senders, listing = await gather(_associated(services), _list_all(services))
    else:
        senders = await _associated(services, client_ref)
        listing = await _list_all(services) if len(senders) > MOST_ALONE else None
    await look.at(senders, listing)
    return look.findings


async def _associated(services: Services, client_ref: str | None = None) -> list[Watched]:
    pages = registered_senders(services.ledger, client_ref)
    return [sender async for page in pages for sender in page if sender.filing]


@dataclass(frozen=True, slots=True)
class _Listing:
    """All associations for WhatsApp by number, and whether none can have been left out."""

    filings: dict[NumberKey, list[Filing]]
    is_whole: bool

    def of(self, sender: Watched) -> list[Filing]:
        """How a sender is filed."""
        return self.filings.get(sender.number_key, []) if sender.number_key else []


class _Look:
    def __init__(self, services: Services, *, dry: bool) -> None:
        self._services, self._dry = services, dry
        self.findings: list[Finding] = []

    async def at(self, senders: Sequence[Watched], listing: _Listing | None) -> None:
        """Find out of each how it is filed."""
        rest = senders if listing is None else self._compare(senders, listing)
        if listing is not None and len(rest) > MOST_ALONE:
            again = await _list_all(self._services)
            rest = self._compare(rest, again)
            if again.is_whole:
                for sender in rest:
                    await self._lose(sender, again.of(sender))
                return
        for sender in rest[:MOST_ALONE]:
            await self._read(sender)
        self.findings += [unseen(each, Aspect.FILING, _LIST_MOVES) for each in rest[MOST_ALONE:]]

    def _compare(self, senders: Sequence[Watched], listing: _Listing) -> list[Watched]:
        """Keep what is found of those that are in order; return the others."""
        findings = [compare_filing(each, listing.of(each)) for each in senders]
        self.findings += [each for each in findings if each.answer is Answer.YES]
        pairs = zip(senders, findings, strict=True)
        return [sender for sender, finding in pairs if finding.answer is not Answer.YES]

    async def _read(self, sender: Watched) -> None:
        key, infobip = sender.number_key, self._services.infobip
        links = await ask(self._services, lambda: infobip.associations(key)) if key else []
        found = [_filing(each) for each in links]
        if compare_filing(sender, found).answer is Answer.YES:
            self.findings.append(compare_filing(sender, found))
        else:
            await self._lose(sender, found)

    async def _lose(self, sender: Watched, found: Sequence[Filing]) -> None:
        finding = compare_filing(sender, found)
        if sender.number_key is not None and not self._dry:
            finding = await self._write(sender, finding)
        self.findings.append(finding)

    async def _write(self, sender: Watched, finding: Finding) -> Finding:
        if not await self._note_gone(sender, finding.said):
            return unseen(sender, Aspect.FILING, _WE_MOVED)
        return replace(finding, done="Its run goes on and files it anew.")

    @one_transaction
    async def _note_gone(self, sender: Watched, said: str) -> bool:
        """Write down that it is not filed as it was; False where we file it otherwise by now."""
        async with self._services.ledger.begin() as session:
            await hold(session, sender.onboarding_id)
            held = await registered_sender(session, sender.onboarding_id, sender.phone_number)
            if held is None or held.filing != sender.filing:
                return False
            new = Condition(
                ConditionType.ASSOCIATED,
                Status.FALSE,
                Reason.ASSOCIATION_GONE,
                said,
                "read back from associations",
                self._services.clock(),
            )
            await learn(session, sender.onboarding_id, sender.phone_number, new)
            return True


async def _list_all(services: Services) -> _Listing:
    pages = [page async for page in _pages(services)]
    links = {tuple(link.to_wire().values()): link for page in pages for link in page.found}
    filings: dict[NumberKey, list[Filing]] = defaultdict(list)
    for link in links.values():
        if link.channel == "WHATSAPP":
            filings[link.resource_id].append(_filing(link))
    return _Listing(filings, {page.total for page in pages} == {len(links)})


async def _pages(services: Services) -> AsyncGenerator[AssociationsPage]:
    for number in count():
        page = await ask(services, partial(services.infobip.associations_page, number))
        yield page
        if page.is_last:
            return


def _filing(link: Association) -> Filing:
    return Filing(link.application_id, link.entity_id)
