"""Any history of signups on two clients' links: at most one onboarding each, and the right one.

Window messages, codes and Meta's webhooks come in any order, late, repeated or never, over links
that are made anew, withdrawn and expire. The model works out what each says together with the
rest, and foretells every answer, and all that is kept.
"""

import json
from collections.abc import Iterable
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import select

from tests.domain.samples import T0
from tests.gateway.desk import FakePrefect
from tests.gateway.front import PORTFOLIO, Front, open_front
from tests.ledger.databases import SqliteDatabases
from tests.machine import Act, Machine, act, acts, play
from tests.sandbox.lab import DOCUMENTED
from waboard.ledger.models import (
    BusinessTokenRow,
    ClientRow,
    Disposition,
    EventKind,
    EventRow,
    OnboardingRow,
    SignupRow,
)

CLIENTS = ("acme", "bakery")
OTHER_PORTFOLIO = "506914307656635"
OWNERS = {
    DOCUMENTED: PORTFOLIO,
    "200000000000002": PORTFOLIO,
    "300000000000003": OTHER_PORTFOLIO,
}
"""The WABAs, and whose they are."""
PORTFOLIOS = (PORTFOLIO, OTHER_PORTFOLIO)
GRACE, CODE_LIVES = timedelta(seconds=120), timedelta(seconds=30)
LASTS, LATE = timedelta(days=14), timedelta(hours=1)

MOSTLY = 8
WHICH = st.integers(0, MOSTLY + 3)
CLIENT = st.sampled_from(CLIENTS)
WABA = st.sampled_from([DOCUMENTED, *OWNERS])
SPAN = st.sampled_from([{"seconds": 20}, {"seconds": 31}, {"seconds": 121}] * 3 + [{"days": 13}])
KNOWN = "This client or WABA is already known with other facts"
WINDOW, CODE, META, ANOTHER = "message", "code", "webhook", "the code of another signup"
SIGNALS = (WINDOW, CODE, META, ANOTHER)
SAYS = st.sampled_from(
    [says for n in range(4) for says in permutations(SIGNALS, n)] + [(META,)] * 6
)
"""Which of its signals reach us at once, in which order: the others may come late."""
LEFT = {
    "abandoned": {"event": "CANCEL", "data": {"current_step": "PHONE_NUMBER_SETUP"}},
    "error-reported": {"event": "ERROR", "data": {"error_message": "In use"}},
    "finished": {"event": "FINISH", "data": {}},
}
"""Messages that name no WABA."""


@dataclass
class Link:
    """What the model knows of a link."""

    id: str
    token: str
    client: str
    made_at: datetime
    revoked_at: datetime | None = None
    opened_at: datetime | None = None
    signalled_at: datetime | None = None
    ending: str | None = None
    message: tuple[frozenset[str], str | None] | None = None
    """The WABAs and the portfolio that the window named."""
    code_state: str | None = None
    granted: frozenset[str] | None = None
    portfolio: str | None = None
    used_for: str | None = None
    """The WABA of its onboarding."""
    problem: str | None = None

    def is_closed(self, now: datetime) -> bool:
        """Whether nobody signs up with it any more."""
        late = LATE if self.opened_at else timedelta()
        over = self.revoked_at is not None or now >= self.made_at + LASTS + late
        return self.used_for is None and over

    @property
    def claimed(self) -> frozenset[str]:
        """What the window named."""
        return self.message[0] if self.message else frozenset()

    @property
    def named(self) -> frozenset[str]:
        """What the window or the token named."""
        return self.claimed | (self.granted or frozenset())

    def state(self, now: datetime) -> str:
        """What the client is shown."""
        if self.used_for is not None:
            return "working"
        if self.problem is not None:
            return "stopped"
        if self.signalled_at is not None:
            return "finishing"
        return "closed" if self.is_closed(now) else "ready"


@dataclass
class Word:
    """A webhook of Meta's that said that a WABA was shared."""

    waba: str
    came_at: datetime


@dataclass
class World:
    """All that the model knows."""

    now: datetime = T0
    links: list[Link] = field(default_factory=list)
    words: dict[bytes, Word] = field(default_factory=dict)
    onboardings: dict[str, str] = field(default_factory=dict)
    """Whose each WABA is, in the order in which they began."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Of each client, the portfolio that its token is for."""
    told: int = 0

    def parked(self) -> list[Word]:
        """What nobody has taken up."""
        return [word for word in self.words.values() if word.waba not in self.onboardings]

    # Which WABA it is

    def added(self, link: Link) -> set[str]:
        """What Meta says was shared, and what this signup is about."""
        parked = {word.waba for word in self.parked()}
        return {w for w in parked if w in link.named or OWNERS[w] == link.portfolio}

    def find(self, link: Link) -> tuple[str | None, str | None, bool]:
        """The WABA, or what is wrong, and whether that is final."""
        says = {link.message[1] if link.message else None}
        if link.code_state == "exchanged":
            says.add(link.portfolio)
        portfolios = says - {None}
        claimed = link.claimed - portfolios
        if link.claimed and not claimed:
            return None, "The window names a portfolio as the WABA.", True
        if len(portfolios) > 1:
            return None, "The window names another portfolio than the token is for.", True
        if claimed and link.granted and not claimed & link.granted:
            return None, "The window names a WABA that the token is not for.", True
        return self.only_one(link, claimed)

    def only_one(self, link: Link, claimed: frozenset[str]) -> tuple[str | None, str | None, bool]:
        """What is left once each that knows less is asked only if there are several."""
        added = self.added(link)
        both = claimed & link.granted if claimed and link.granted else None
        left = set(both or claimed or link.granted or added)
        for fewer in (left, left & added, left - self.onboardings.keys()):
            if len(fewer) == 1:
                return fewer.pop(), None, True
        if left:
            return None, f"{len(left)} WABAs were shared, and nothing tells which.", False
        return None, None, False

    # What follows

    def settle(self, link: Link) -> None:
        """Begin as soon as it is clear."""
        if link.used_for or link.revoked_at or link.signalled_at is None:
            return
        waba, problem, is_final = self.find(link)
        both = link.code_state == "exchanged" and link.message is not None and is_final
        confirmed = waba in self.added(link) | (link.granted or set())
        if both or confirmed or self.now - link.signalled_at >= GRACE:
            if waba is not None:
                self.start(link, waba)
            else:
                nothing = "The client has finished at Meta, but nothing that came names its WABA."
                self.stop(link, problem or nothing)

    def start(self, link: Link, waba: str) -> None:
        """One onboarding a client, and one a WABA."""
        if any(word.waba == waba for word in self.parked()):
            link.portfolio = link.portfolio or OWNERS[waba]
        if self.onboardings.get(waba, link.client) != link.client or any(
            of == link.client and known != waba for known, of in self.onboardings.items()
        ):
            self.stop(link, KNOWN)
        else:
            self.onboardings[waba] = link.client
            link.used_for, link.problem = waba, None

    def stop(self, link: Link, problem: str) -> None:
        """Tell the operator, once."""
        self.told += link.problem != problem
        link.problem = problem

    # What is said

    def says(self, link: Link, ending: str, wabas: Iterable[str], portfolio: str | None) -> int:
        """The window has; returns the answer's status."""
        if link.is_closed(self.now):
            return 410
        if ending != "finished":
            link.ending = link.ending if link.message else ending
        elif link.message is not None:
            if link.claimed != frozenset(wabas):
                return 409
        else:
            link.ending, link.message = ending, (frozenset(wabas), portfolio)
            link.signalled_at = link.signalled_at or self.now
        self.settle(link)
        return 200

    def brings_code(self, link: Link, granted: frozenset[str], portfolio: str | None) -> int:
        """The page has; of one that is no good, `portfolio` is None."""
        if link.used_for and link.code_state == "exchanged":
            return 200
        if link.is_closed(self.now):
            return 410
        link.signalled_at = link.signalled_at or self.now
        if portfolio is None:
            link.code_state = link.code_state or "refused"
        else:
            self.tokens[link.client] = link.portfolio = portfolio
            link.code_state, link.granted = "exchanged", granted | (link.granted or frozenset())
        self.settle(link)
        return 200

    # What is done now and then

    def tidy(self, order: Iterable[int]) -> None:
        """Finish what nobody came back for, the links in this order."""
        lonely = [word for word in self.parked() if word.came_at <= self.now - GRACE]
        for link in self.links:
            if self.now >= link.made_at + LASTS and not (
                link.ending or link.signalled_at or link.revoked_at or link.used_for
            ):
                link.ending = "expired"
        for place in order:
            self.settle(self.links[place])
        for word in lonely:
            self.adopt(word)

    def waiting(self) -> list[int]:
        """The links that have waited long enough."""
        return [
            place
            for place, link in enumerate(self.links)
            if not (link.used_for or link.revoked_at or link.problem)
            and link.signalled_at is not None
            and self.now - link.signalled_at >= GRACE
        ]

    def adopt(self, word: Word) -> None:
        """Find whose link led to a WABA, though no browser said so."""
        if word.waba in self.onboardings:
            return
        links = [
            link
            for link in self.links
            if link.opened_at is not None
            and link.opened_at <= word.came_at < link.made_at + LASTS
            and not (link.used_for or link.revoked_at)
            and (not link.named or word.waba in link.named)
        ]
        same = [link for link in links if link.portfolio == OWNERS[word.waba]]
        found = same or [link for link in links if link.portfolio is None]
        if len(found) == 1:
            (link,) = found
            link.signalled_at = link.signalled_at or self.now
            link.ending = link.ending or "finished"
            link.portfolio = link.portfolio or OWNERS[word.waba]
            self.start(link, word.waba)

    def shown(self) -> dict[str, Any]:
        """All of it that the ledger has as well."""
        names = ("opened_at", "signalled_at", "revoked_at", "ending", "code_state", "problem")
        links = {
            link.id: {name: getattr(link, name) for name in names}
            | {
                "message": sorted(link.claimed) if link.message else None,
                "granted": sorted(link.granted) if link.granted else None,
                "portfolio": link.portfolio,
                "used_for": link.used_for,
            }
            for link in self.links
        }
        parked = sorted(word.waba for word in self.parked())
        ours = dict(sorted(self.onboardings.items()))
        return {"links": links, "parked": parked, "onboardings": ours, "tokens": self.tokens}


@dataclass
class Heard:
    """What the client's browser heard at the end of a signup."""

    waba: str
    portfolio: str | None
    """Which the window named."""
    message: dict[str, Any]
    code: str
    made_at: datetime
    used: bool = False


FINISHES = {
    "which": WHICH,
    "waba": WABA,
    "says": SAYS,
    "waits": st.booleans(),
    "whole": st.booleans(),
}
PLACE = st.integers(0, 3)
ACT = st.one_of(
    *acts(4, "a_client_finishes", **FINISHES),
    *acts(2, "a_link_is_made", client=CLIENT, opened=st.booleans()),
    act("a_link_is_opened", which=WHICH),
    act("a_link_is_withdrawn", which=WHICH),
    *acts(
        2, "a_signal_comes_late", which=WHICH, place=PLACE, signal=st.sampled_from([WINDOW, CODE])
    ),
    act("metas_word_comes", place=PLACE),
    act("a_client_ends_otherwise", which=WHICH, ending=st.sampled_from(sorted(LEFT))),
    act("a_portfolio_is_named_as_the_waba", which=WHICH, portfolio=st.sampled_from(PORTFOLIOS)),
    act("time_passes", span=SPAN),
    act("what_nobody_came_back_for_is_finished", waited=st.booleans()),
)
"""The first more often than the rest."""


class Signals(Machine):
    """Two clients sign up by their links, or by each other's."""

    def __init__(
        self, databases: SqliteDatabases, monkeypatch: pytest.MonkeyPatch, prefect: FakePrefect
    ) -> None:
        super().__init__(databases)
        self.stack, self.prefect = AsyncExitStack(), prefect
        prefect.started.clear()
        path = Path(self.url.removeprefix("sqlite:///"))
        self.front: Front = self.run(self.stack.enter_async_context(open_front(path, monkeypatch)))
        self.world = World()
        self.shared: set[str] = set()
        """The WABAs that anybody has shared at Meta so far."""
        self.heard: list[Heard] = []
        self.mail: list[httpx.Request] = []
        self.texts: dict[str, str] = {}
        """The problem of each link, word for word."""

    async def close(self) -> None:
        """The gateway and the sandbox."""
        await self.stack.aclose()

    @initialize()
    def begin(self) -> None:
        """Each has a link, and has opened it."""
        for client in CLIENTS:
            self.a_link_is_made(client, opened=True)

    @rule(act=ACT)
    def something_happens(self, act: Act) -> None:
        """Any of what follows."""
        self.do(act)

    def time_passes(self, span: dict[str, float]) -> None:
        """Codes lose their worth, patience ends, links expire."""
        self.front.pass_time(**span)
        self.world.now = self.front.time

    def link(self, which: int) -> Link:
        """Mostly one that can be used, else one of the last."""
        live = [link for link in self.world.links if not (link.used_for or link.revoked_at)]
        some = live if live and which < MOSTLY else self.world.links[-4:]
        return some[which % len(some)]

    # Links

    def a_link_is_made(self, client: str, opened: bool) -> None:
        """The one that it had is withdrawn, unless the client is just finishing with it."""
        self.time_passes({"seconds": 1})
        live = [
            link
            for link in self.world.links
            if link.client == client and not (link.revoked_at or link.used_for)
        ]
        busy = any(link.signalled_at and link.problem is None for link in live)
        answer = self.run(self.front.http.post("/v1/signup-links", json={"client_ref": client}))
        assert answer.status_code == (409 if busy else 201)
        if busy:
            return
        for link in live:
            link.revoked_at = self.world.now
        made = answer.json()
        assert made["withdrew"] == (live[-1].id if live else None)
        token = made["url"].rpartition("/")[2]
        self.world.links.append(Link(made["id"], token, client, self.world.now))
        if opened:
            self.opens(self.world.links[-1])

    def a_link_is_opened(self, which: int) -> None:
        """The client's browser runs its page."""
        self.opens(self.link(which))

    def opens(self, link: Link) -> None:
        """A link that is closed says so."""
        if not link.is_closed(self.world.now):
            link.opened_at = link.opened_at or self.world.now
        self.is_told(link, 200, opened=True)

    def a_link_is_withdrawn(self, which: int) -> None:
        """One that was used stays as it is."""
        link = self.link(which)
        if link.used_for is None:
            link.revoked_at = link.revoked_at or self.world.now
        assert self.run(self.front.http.delete(f"/v1/signup-links/{link.id}")).is_success

    # Signals

    def a_client_finishes(
        self, which: int, waba: str, whole: bool, says: tuple[str, ...], waits: bool
    ) -> None:
        """In Meta's window; what of it reaches us at once differs."""
        link, heard = self.link(which), self.finishes(waba, whole)
        for signal in says:
            if signal == META:
                self.delivers(self.mail[-1])
            elif signal == ANOTHER:
                other = next(each for each in OWNERS if OWNERS[each] != OWNERS[waba])
                self.passes_on(link, self.finishes(other, whole), CODE)
            else:
                self.passes_on(link, heard, signal)
        if waits:
            self.what_nobody_came_back_for_is_finished(waited=True)

    def finishes(self, waba: str, whole: bool) -> Heard:
        """Once; the window names the portfolio as well if it says the whole."""
        self.shared.add(waba)
        event = "FINISH" if whole else "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING"
        given = {"portfolio_id": OWNERS[waba], "tells": True, "event": event}
        heard = self.run(self.front.finish(waba, **given))
        named = OWNERS[waba] if whole else None
        self.heard.append(Heard(waba, named, heard["message"], heard["code"], self.world.now))
        self.run(self._take_mail())
        return self.heard[-1]

    async def _take_mail(self) -> None:
        meta = self.front.meta
        await meta.settled()
        self.mail += meta.inbox[self.front.mailed :]
        self.front.mailed = len(meta.inbox)

    def a_signal_comes_late(self, which: int, place: int, signal: str) -> None:
        """Or once more, or by another's link."""
        if self.heard:
            self.passes_on(self.link(which), self.heard[place % len(self.heard)], signal)

    def passes_on(self, link: Link, heard: Heard, signal: str) -> None:
        """The page of a link does."""
        if signal == WINDOW:
            status = self.world.says(link, "finished", [heard.waba], heard.portfolio)
            self.is_told(link, status, message=heard.message)
            return
        closed = link.is_closed(self.world.now)
        asked = not closed and not (link.used_for and link.code_state == "exchanged")
        good = not heard.used and self.world.now - heard.made_at < CODE_LIVES
        portfolio = OWNERS[heard.waba]
        granted = frozenset(waba for waba in self.shared if OWNERS[waba] == portfolio)
        status = self.world.brings_code(link, granted, portfolio if good else None)
        heard.used = heard.used or (asked and good)
        self.is_told(link, status, code=heard.code)

    def a_client_ends_otherwise(self, which: int, ending: str) -> None:
        """It leaves the window, or finishes and nothing is named."""
        link = self.link(which)
        status = self.world.says(link, ending, [], None)
        self.is_told(link, status, message={"type": "WA_EMBEDDED_SIGNUP", **LEFT[ending]})

    def a_portfolio_is_named_as_the_waba(self, which: int, portfolio: str) -> None:
        """By a message that nobody of Meta's wrote."""
        link = self.link(which)
        data = {"waba_id": portfolio, "business_id": portfolio}
        status = self.world.says(link, "finished", [portfolio], portfolio)
        message = {"type": "WA_EMBEDDED_SIGNUP", "event": "FINISH", "data": data}
        self.is_told(link, status, message=message)

    def is_told(self, link: Link, status: int, **heard: Any) -> None:
        """The answer is as foretold: how the client stands, or why not."""
        answer = self.run(self.front.tell(link.token, **heard))
        assert answer.status_code == status, answer.text
        if status == 200:
            assert answer.json()["state"] == link.state(self.world.now)
        self.run(self._hear_again())

    async def _hear_again(self) -> None:
        """With what others a client or WABA is known may change, which the operator is told."""
        async with self.front.begin() as session:
            rows = list(await session.scalars(select(SignupRow)))
        texts = {row.id: row.problem or "" for row in rows}
        before = {each: self.texts.get(each, "") for each in texts}
        known = [each for each in texts if texts[each].startswith(KNOWN)]
        self.world.told += sum(
            before[each].startswith(KNOWN) and before[each] != texts[each] for each in known
        )
        self.texts = texts

    def metas_word_comes(self, place: int) -> None:
        """Late, or again."""
        if self.mail:
            self.delivers(self.mail[place % len(self.mail)])

    def delivers(self, request: httpx.Request) -> None:
        """One webhook."""
        body = request.content
        known = body in self.world.words
        if not known:
            (entry,) = json.loads(body)["entry"]
            waba = entry["changes"][0]["value"]["waba_info"]["waba_id"]
            self.world.words[body] = Word(waba, self.world.now)
        answer = self.run(self.front.deliver(request))
        assert answer.json() == {"kept": 1, "duplicates": int(known)}

    def what_nobody_came_back_for_is_finished(self, waited: bool) -> None:
        """Where two links want the same, either may be first."""
        if waited:
            self.time_passes({"seconds": 121})
        self.run(self.front.tidy())
        possible = []
        for order in permutations(self.world.waiting()):
            world = deepcopy(self.world)
            world.tidy(order)
            possible.append(world)
        kept = self.run(self._kept())
        self.world = next((w for w in possible if w.shown() == kept), possible[0])
        self.run(self._hear_again())

    # What must be

    @invariant()
    def all_is_kept_as_foretold(self) -> None:
        """Nothing else has changed, and each onboarding has one run."""
        assert self.run(self._kept()) == self.world.shown()
        assert len(self.front.told) == self.world.told
        assert len(set(self.prefect.started)) == len(self.prefect.started)
        assert len(self.prefect.started) == len(self.world.onboardings)

    async def _kept(self) -> dict[str, Any]:
        async with self.front.begin() as session:
            query = select(OnboardingRow, ClientRow).join(
                ClientRow, ClientRow.id == OnboardingRow.client_id
            )
            begun = [(row, client) for row, client in await session.execute(query)]
            links = list(await session.scalars(select(SignupRow)))
            tokens = list(await session.scalars(select(BusinessTokenRow)))
            parked = select(EventRow.waba_id).where(
                EventRow.kind == EventKind.META, EventRow.disposition == Disposition.PARKED
            )
            words = sorted(await session.scalars(parked))
        wabas = {row.id: row.waba_id for row, _ in begun}
        order = [link.id for link in self.world.links]
        links.sort(key=lambda row: order.index(row.id))
        return {
            "links": {row.id: _link(row, wabas) for row in links},
            "parked": words,
            "onboardings": dict(sorted((row.waba_id, c.client_ref) for row, c in begun)),
            "tokens": {row.client_ref: row.portfolio_id for row in tokens},
        }


def _link(row: SignupRow, wabas: dict[str, str]) -> dict[str, Any]:
    problem = KNOWN if (row.problem or "").startswith(KNOWN) else row.problem
    data = json.loads(row.message)["data"] if row.message else {}
    named = {each for each in (data.get("waba_id"), *data.get("waba_ids", ())) if each}
    return {
        "opened_at": row.opened_at,
        "signalled_at": row.signalled_at,
        "revoked_at": row.revoked_at,
        "ending": row.ending,
        "code_state": row.code_state,
        "problem": problem,
        "message": sorted(named) if row.message else None,
        "granted": sorted(row.granted) if row.granted else None,
        "portfolio": row.portfolio_id,
        "used_for": wabas[row.onboarding_id] if row.onboarding_id else None,
    }


@pytest.mark.timeout(300)
def test_no_history_of_signals_starts_two_onboardings_or_a_wrong_one(
    databases: SqliteDatabases, monkeypatch: pytest.MonkeyPatch, prefect: FakePrefect
):
    """The machine above, over many histories."""
    play(lambda each: Signals(each, monkeypatch, prefect), databases, examples=12, steps=20)
