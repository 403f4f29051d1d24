"""The front door: what a signup says, from the browser and from Meta, until its run starts.

Two signals come from the browser, in either order, and either may be missing. A code is exchanged
at once, since it lives for 30 seconds. What is known is written down as it comes; which WABA it is
follows from all of it (`waboard.domain.signup`), and whoever comes last starts the run.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from tasks.timeline import show_decision
from waboard.domain.clock import Clock
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.errors import FactsDiffer, LinkClosed, OutOfPlace
from waboard.domain.facts import signup_fact
from waboard.domain.ids import PortfolioId, WabaId, parse_portfolio_id
from waboard.domain.json_values import as_object
from waboard.domain.lenient import left_out
from waboard.domain.meta_events.meanings import Meaning, meaning_of
from waboard.domain.meta_events.wire import MetaEvent
from waboard.domain.onboarding import Onboarding
from waboard.domain.requests import Defaults, SignupRequest
from waboard.domain.sentences import sentences
from waboard.domain.signup import (
    ANOTHER_WABA,
    CodeState,
    Ending,
    Finding,
    Signals,
    SignupMessage,
    find_waba,
    read_message,
)
from waboard.gateway.starting import catch_up, run_is_started
from waboard.ledger.clients import Started, start_onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.events import conclude, parked_of, read_event, receive
from waboard.ledger.locks import hold, hold_events
from waboard.ledger.models import Disposition, EventKind, EventRow, SignupRow
from waboard.ledger.onboardings import known_wabas, read_onboarding
from waboard.ledger.races import one_transaction
from waboard.ledger.reconnects import connect_again
from waboard.ledger.signups import (
    expired_links,
    find_link,
    has_expired_unused,
    hold_link,
    hold_link_of,
    opened_by,
    read_link,
    unsettled,
)
from waboard.ledger.tokens import keep_token
from waboard.meta.client import GraphClient
from waboard.meta.errors import MetaError
from waboard.sealing import Sealer

_NOTHING_NAMED = "The client has finished at Meta, but nothing that came names its WABA."
LATE = timedelta(hours=1)
"""How long after its expiry a link that was open by then may still be finished."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrontDoor:
    """What the server does for a client that signs itself up.

    `grace` is how long the browser has before others are believed without it; `tell` tells the
    operator a subject and a text.
    """

    ledger: Ledger
    graph: GraphClient
    sealer: Sealer
    clock: Clock
    defaults: Defaults
    grace: timedelta
    tell: Callable[[str, str], Awaitable[None]]

    @one_transaction
    async def open(self, token: str) -> SignupRow:
        """Note that the client has opened its link. Raises NotFound.

        Its page says so, once it runs: whoever only fetches it, such as the preview of a messenger,
        has not opened it.
        """
        async with self.ledger.begin() as session:
            row = await hold_link_of(session, token)
            if why_closed(row, self.clock()) is None:
                row.opened_at = row.opened_at or self.clock()
                await self._keep(session, row, "opened")
            return row

    async def progress_of(self, token: str) -> SignupRow:
        """Return a link as it stands. Raises NotFound."""
        async with self.ledger.read() as session:
            return await find_link(session, token)

    async def take_message(self, token: str, raw: dict[str, Any]) -> SignupRow:
        """Take a window message: keep it, and see what it says together with the rest.

        Raises NotFound, LinkClosed; FactsDiffer when another was taken before that says otherwise.
        """
        message = _readable(raw)
        if message is None:
            return await self._note_unreadable(token, raw)
        row, refused = await self._note_message(token, message, raw)
        # Raised out here: what was said is kept, whatever the answer.
        if refused is not None:
            raise refused
        await self.settle(row.id)
        return await self.progress_of(token)

    @one_transaction
    async def _note_unreadable(self, token: str, raw: dict[str, Any]) -> SignupRow:
        async with self.ledger.begin() as session:
            row = await hold_link_of(session, token)
            await self._keep(session, row, "unreadable", message=raw)
            return row

    @one_transaction
    async def _note_message(
        self, token: str, message: SignupMessage, raw: dict[str, Any]
    ) -> tuple[SignupRow, LinkClosed | FactsDiffer | None]:
        async with self.ledger.begin() as session:
            row = await hold_link_of(session, token)
            await self._keep(session, row, message.ending, _told_by(message), message=raw)
            closed = why_closed(row, self.clock())
            _forget_another_waba(row)
            differs = closed is None and _note(row, message, self.clock())
            return row, closed or (_finished_before() if differs else None)

    async def take_code(self, token: str, code: SecretStr) -> SignupRow:
        """Take a code: exchange it at once, and see what it says together with the rest."""
        row, closed = await self._note_code(token)
        if closed is not None:
            raise closed
        try:
            await self._exchange(row.id, code)
        except MetaError as error:
            # A code that is used up or too old is no end: the window or Meta may name the WABA.
            await self._note_failed_exchange(row.id, error)
        await self.settle(row.id)
        return await self.progress_of(token)

    @one_transaction
    async def _note_code(self, token: str) -> tuple[SignupRow, LinkClosed | None]:
        async with self.ledger.begin() as session:
            row = await hold_link_of(session, token)
            closed = why_closed(row, self.clock())
            if closed is None:
                row.signalled_at = row.signalled_at or self.clock()
            _forget_another_waba(row)
            await self._keep(session, row, "code received")
            return row, closed

    async def _exchange(self, signup_id: str, code: SecretStr) -> None:
        token = await _patiently_exchanged(self.graph, code)
        # It lives from the moment at which Meta gave it, not from when it is written down.
        lasts = timedelta(seconds=token.expires_in) if token.expires_in else None
        ends_at = self.clock() + lasts if lasts else None
        granted, portfolio = await self._facts_of(token.access_token)
        sealed = self.sealer.seal(token.access_token)
        await self._note_exchanged(signup_id, sealed, ends_at, granted, portfolio)

    @one_transaction
    async def _note_exchanged(
        self,
        signup_id: str,
        sealed: str,
        ends_at: datetime | None,
        granted: frozenset[str],
        portfolio: PortfolioId | None,
    ) -> None:
        async with self.ledger.begin() as session:
            row = await hold_link(session, signup_id)
            if not (row.waba_id and granted and row.waba_id not in granted):
                await keep_token(
                    session,
                    row.client_ref,
                    sealed,
                    portfolio_id=portfolio,
                    expires_at=ends_at,
                    now=self.clock(),
                )
            row.code_state = CodeState.EXCHANGED
            # Two tabs may bring two codes: what either was given counts.
            row.granted = sorted({*(row.granted or ()), *granted}) if granted else row.granted
            row.portfolio_id = portfolio or row.portfolio_id

    async def _facts_of(self, token: SecretStr) -> tuple[frozenset[str], PortfolioId | None]:
        # The token is the client's: that what it may do cannot be read now must not lose it.
        granted, portfolio = frozenset[str](), None
        try:
            granted = (await self.graph.debug_token(token)).waba_ids
            portfolio = await self.graph.client_portfolio(token)
        except MetaError as error:
            logger.warning("A signup's token does not tell what it is for: %s", error)
        return granted, portfolio

    @one_transaction
    async def _note_failed_exchange(self, signup_id: str, error: MetaError) -> None:
        async with self.ledger.begin() as session:
            row = await hold_link(session, signup_id)
            row.code_state = row.code_state or CodeState.REFUSED
            await self._keep(session, row, "code refused", str(error))

    async def settle(self, signup_id: str) -> None:
        """Start the onboarding as soon as it is clear which WABA it is for."""
        finding = await self._find(signup_id)
        if finding is None:
            return
        if finding.waba_id is None:
            await self._stop(signup_id, finding.problem or _NOTHING_NAMED)
            return
        await self._begin(signup_id, finding.waba_id)

    async def _find(self, signup_id: str) -> Finding | None:
        async with self.ledger.read() as session:
            row = await read_link(session, signup_id)
            if row.onboarding_id or row.revoked_at or row.signalled_at is None:
                return None
            signals = await _signals(session, row)
            finding = find_waba(signals)
            return finding if self._is_ready(row, finding, signals) else None

    def _is_ready(self, row: SignupRow, finding: Finding, signals: Signals) -> bool:
        # Both signals, or Meta's own word, or nobody else said anything for a while.
        both = (
            row.code_state == CodeState.EXCHANGED and row.message is not None and finding.is_final
        )
        confirmed = finding.waba_id in signals.added or (
            finding.waba_id is not None and finding.waba_id in (signals.granted or ())
        )
        waited = row.signalled_at is not None and self.clock() - row.signalled_at >= self.grace
        return both or confirmed or waited

    async def _begin(self, signup_id: str, waba_id: WabaId) -> None:
        row = await self._note_owner(signup_id, waba_id)
        facts = SignupRequest.model_validate(row.facts)
        request = facts.onboarding_of(waba_id, again=_by_link(row))
        try:
            started = await start_onboarding(self.ledger, request, self.defaults, self.clock)
        except (FactsDiffer, OutOfPlace) as error:
            await self._stop(signup_id, error.message)
            return
        before, ordered = await self._note_started(signup_id, started)
        if ordered is not None:
            show_decision(before, DecisionVerb.RETRY, ordered)
        onboarding = await catch_up(self.ledger, started.onboarding_id, self.clock)
        if onboarding.flow_run_id is None:
            await run_is_started(self.ledger, onboarding)

    @one_transaction
    async def _note_owner(self, signup_id: str, waba_id: WabaId) -> SignupRow:
        async with self.ledger.begin() as session:
            row = await hold_link(session, signup_id)
            # What the window alone says of the portfolio is not believed: tokens are issued by it.
            row.portfolio_id = row.portfolio_id or await _owner(session, waba_id)
            return row

    @one_transaction
    async def _note_started(
        self, signup_id: str, started: Started
    ) -> tuple[Onboarding, Order | None]:
        """Return the onboarding as it was before, and by which order it is retried, if it is."""
        async with self.ledger.begin() as session:
            await hold(session, started.onboarding_id)
            before = await read_onboarding(session, started.onboarding_id)
            row = await hold_link(session, signup_id)
            comes_back = row.waba_id and row.onboarding_id is None and not started.created
            row.onboarding_id, row.problem = started.onboarding_id, None
            await self._keep(session, row, "onboarding started")
            if not comes_back:
                return before, None
            return before, await connect_again(session, started.onboarding_id, self.clock())

    async def _stop(self, signup_id: str, problem: str) -> None:
        # The client is shown that its provider knows: so the provider is told.
        row = await self._note_stopped(signup_id, problem)
        if row is None:
            return
        settle_it = (
            f"Send the client a new link: `waboard reconnect {row.client_ref} --why …`."
            if row.waba_id
            else f"Settle it with `waboard onboard {row.client_ref} WABA_ID`, or send a new link."
        )
        await self.tell(f"{row.client_ref}: signup stopped", sentences(problem, settle_it))

    @one_transaction
    async def _note_stopped(self, signup_id: str, problem: str) -> SignupRow | None:
        async with self.ledger.begin() as session:
            row = await hold_link(session, signup_id)
            if row.problem == problem:
                return None
            row.problem = problem
            await self._keep(session, row, "stopped", problem)
            return row

    async def _keep(
        self, session: AsyncSession, row: SignupRow, event: str, detail: str = "", **more: Any
    ) -> None:
        fact = signup_fact(row.id, event, detail, **more)
        await receive(session, [fact], "signup page", self.clock())

    async def tidy(self) -> None:
        """Finish what nobody came back for: browsers that died, links that expired unused."""
        now = self.clock()
        async with self.ledger.read() as session:
            unused = [row.id for row in await expired_links(session, now)]
            waiting = await unsettled(session, now - self.grace)
            lonely = await _unclaimed(session, now - self.grace)
        for signup_id in unused:
            await self._note_expired(signup_id)
        for signup_id in waiting:
            await self.settle(signup_id)
        for event_id in lonely:
            await self._adopt(event_id)

    @one_transaction
    async def _note_expired(self, signup_id: str) -> None:
        async with self.ledger.begin() as session:
            row = await hold_link(session, signup_id)
            if has_expired_unused(row, self.clock()):
                row.ending = Ending.EXPIRED
                await self._keep(session, row, "expired unused")

    async def _adopt(self, event_id: int) -> None:
        """Find whose link led to a WABA that Meta says was shared, though no browser said so."""
        found = await self._note_adopted(event_id)
        if found is not None:
            await self._begin(*found)

    @one_transaction
    async def _note_adopted(self, event_id: int) -> tuple[str, WabaId] | None:
        """Return the link that was found, and for which WABA; None where none was."""
        async with self.ledger.begin() as session:
            held = await _hold_parked(session, event_id)
            if held is None:
                return None
            event, candidates = held
            if len(candidates) != 1:
                conclude(event, Disposition.PARKED, _unclear(candidates))
                return None
            (row,) = candidates
            row.signalled_at = row.signalled_at or self.clock()
            row.ending = row.ending or Ending.FINISHED
            row.portfolio_id = (
                row.portfolio_id or _meta_event(event).value.waba_info.owner_business_id
            )
            await self._keep(session, row, "found by Meta's webhook", f"By event {event_id} alone.")
            return row.id, WabaId(event.waba_id or "")


def why_closed(row: SignupRow, now: datetime) -> LinkClosed | None:
    """Return why nobody can sign up with a link any more; None while somebody can.

    One that was used may be looked at for ever: it shows how the onboarding stands.
    """
    if row.onboarding_id is not None:
        return None
    if row.revoked_at is not None:
        return LinkClosed("revoked", "This link was withdrawn.")
    late = LATE if row.opened_at else timedelta(0)
    expired = now >= row.expires_at + late
    return LinkClosed("expired", "This link has expired.") if expired else None


def _by_link(row: SignupRow) -> Order:
    # That a link was made says that the client may begin anew, should it have left before.
    made = f"{row.created_at:%Y-%m-%d %H:%M:%S} UTC"
    return Order(by="the signup link", why=f"The client signed up with the link made on {made}.")


def _forget_another_waba(row: SignupRow) -> None:
    # The client tries again, with the right one: nothing of what it said before counts any more.
    if row.problem == ANOTHER_WABA:
        row.message = row.granted = row.problem = row.portfolio_id = row.code_state = None


def _finished_before() -> FactsDiffer:
    return FactsDiffer(
        "This signup was finished before, with another account.",
        remedy="Ask your provider for a new link to connect another account.",
    )


def _readable(raw: dict[str, Any]) -> SignupMessage | None:
    try:
        return read_message(raw)
    except ValidationError:
        return None


def _ending_of(message: SignupMessage) -> str:
    data = message.data
    said = (data.current_step, message.error_code, data.error_message)
    return f"{message.event}: {', '.join(filter(None, said))}".rstrip(": ")


def _told_by(message: SignupMessage) -> str:
    return ". ".join((_ending_of(message), *left_out(message)))


def _note(row: SignupRow, message: SignupMessage, now: datetime) -> bool:
    """Write down how the client left; says whether it differs from how it finished before."""
    if message.ending is not Ending.FINISHED:
        if row.message is None:
            row.ending, row.ending_detail = message.ending, _ending_of(message)
        return False
    if row.message is not None:
        before = read_message(json.loads(row.message))
        return set(before.waba_ids) != set(message.waba_ids)
    row.ending, row.ending_detail = Ending.FINISHED, _ending_of(message)
    # What was read alone: the event holds the rest, which may be nested as deeply as it likes.
    row.message, row.signalled_at = message.model_dump_json(), row.signalled_at or now
    return False


async def _patiently_exchanged(graph: GraphClient, code: SecretStr) -> Any:
    try:
        return await graph.exchange_code(code)
    except MetaError as error:
        # It lives for 30 seconds: one more try, where the first did certainly not use it up.
        if not error.retryable or error.ambiguous:
            raise
    return await graph.exchange_code(code)


async def _signals(session: AsyncSession, row: SignupRow) -> Signals:
    message = read_message(json.loads(row.message)) if row.message else None
    claimed = message.waba_ids if message else ()
    granted = frozenset(row.granted) if row.granted else None
    token_is_for = row.portfolio_id if row.code_state == CodeState.EXCHANGED else None
    named = {*claimed, *(granted or ())}
    return Signals(
        claimed=claimed,
        claimed_portfolio=message.data.business_id if message else None,
        granted=granted,
        portfolio=PortfolioId(token_is_for) if token_is_for else None,
        added=await _added(session, row, named),
        taken=await known_wabas(session, named),
        only=WabaId(row.waba_id) if row.waba_id else None,
    )


async def _added(session: AsyncSession, row: SignupRow, named: Collection[str]) -> frozenset[str]:
    """The WABAs that Meta says were shared, and that this signup or its portfolio names."""
    found: set[str] = set()
    for event in await _parked_starts(session):
        owner = _meta_event(event).value.waba_info.owner_business_id
        if event.waba_id and (event.waba_id in named or (owner and owner == row.portfolio_id)):
            found.add(event.waba_id)
    return frozenset(found)


async def _parked_starts(session: AsyncSession) -> list[EventRow]:
    rows = await parked_of(session, EventKind.META)
    return [row for row in rows if row.waba_id and meaning_of(_meta_event(row)) is Meaning.START]


async def _owner(session: AsyncSession, waba_id: WabaId) -> str | None:
    """The portfolio that Meta says has shared a WABA."""
    shared = [row for row in await _parked_starts(session) if row.waba_id == waba_id]
    return _meta_event(shared[-1]).value.waba_info.owner_business_id if shared else None


def _meta_event(event: EventRow) -> MetaEvent:
    return MetaEvent.model_validate_json(event.body)


async def _unclaimed(session: AsyncSession, before: datetime) -> list[int]:
    return [row.id for row in await _parked_starts(session) if row.received_at <= before]


async def _hold_parked(
    session: AsyncSession, event_id: int
) -> tuple[EventRow, list[SignupRow]] | None:
    """Hold an event that nobody has taken up, and its candidate where there is one alone.

    None where anything of it has changed meanwhile: the next turn sees how it stands then.
    """
    event = await read_event(session, event_id)
    before = [row.id for row in await _candidates(session, event)]
    if len(before) == 1:
        await hold_link(session, before[0])
    await hold_events(session, [event_id])
    candidates = await _candidates(session, event)
    if event.disposition != Disposition.PARKED or [row.id for row in candidates] != before:
        return None
    return event, candidates


async def _candidates(session: AsyncSession, event: EventRow) -> list[SignupRow]:
    """Return the links that a WABA can have come through: open then, and of no other portfolio."""
    owner = _meta_event(event).value.waba_info.owner_business_id
    rows = await opened_by(session, event.received_at)
    known = [(row, _portfolio_of(row)) for row in rows if _may_mean(row, event.waba_id)]
    same = [row for row, portfolio in known if owner and portfolio == owner]
    return same or [row for row, portfolio in known if portfolio is None]


def _may_mean(row: SignupRow, waba_id: str | None) -> bool:
    """Whether nothing that a signup has said itself, or is for, speaks against a WABA."""
    if row.waba_id is not None:
        return row.waba_id == waba_id
    claimed = read_message(json.loads(row.message)).waba_ids if row.message else ()
    named = {*claimed, *(row.granted or ())}
    return not named or waba_id in named


def _portfolio_of(row: SignupRow) -> str | None:
    if row.portfolio_id is not None:
        return row.portfolio_id
    prefilled = as_object(SignupRequest.model_validate(row.facts).prefill.get("business"))
    try:
        return parse_portfolio_id(prefilled.get("id"))
    except ValueError:
        return None


def _unclear(candidates: list[SignupRow]) -> str:
    if not candidates:
        return "No signup link was open then: start it with `waboard onboard CLIENT_REF WABA_ID`."
    names = ", ".join(row.client_ref for row in candidates)
    return (
        f"{len(candidates)} links were open then ({names}): start it with "
        "`waboard onboard CLIENT_REF WABA_ID`."
    )
