"""What a client's embedded signup says, and which WABA it was about.

Two signals come from the browser, in either order, and either may be missing: the window message,
which names the ids, and the code, which leads to a token. A third comes from Meta itself, the
webhook `PARTNER_ADDED`. What each says is checked against the others.
Source: ES/implementation, ES/errors, WH/account_update.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from waboard.domain.ids import (
    PhoneNumberIdField,
    PortfolioId,
    PortfolioIdField,
    WabaId,
    WabaIdField,
)
from waboard.domain.lenient import (
    Lenient,
    LenientItems,
    LenientTextOrDigits,
    RequiredText,
    unreadable_as,
)
from waboard.domain.masking import scrub

MESSAGE_TYPE = "WA_EMBEDDED_SIGNUP"
ANOTHER_WABA = "The client has connected another WABA than the one that its link is for."
_UNUSUAL = re.compile(r"[^\w.:-]")
_Code = Annotated[LenientTextOrDigits, AfterValidator(lambda code: _UNUSUAL.sub("", code)[:100])]
"""A code of Meta's: shown as it is, since its support asks for it."""
_Shown = Annotated[LenientTextOrDigits, AfterValidator(scrub)]


class LinkState(StrEnum):
    """How a signup link stands."""

    UNOPENED = "unopened"
    OPEN = "open"
    FINISHING = "finishing"
    STOPPED = "stopped"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"

    @property
    def is_live(self) -> bool:
        """Whether it is the client's one live link, which a new one would withdraw."""
        return self not in {LinkState.USED, LinkState.REVOKED, LinkState.EXPIRED}


class CodeState(StrEnum):
    """What became of the code that Meta's window gave: it is good for one exchange, for seconds."""

    EXCHANGED = "exchanged"
    REFUSED = "refused"


class Ending(StrEnum):
    """How a client left Meta's window, or that it never came to it."""

    FINISHED = "finished"
    ABANDONED = "abandoned"
    ERROR_REPORTED = "error-reported"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


class _Data(BaseModel):
    """The `data` of a window message; which members there are depends on the event.

    None is needed: what the client has finished with is also told by its token and by Meta.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    waba_id: Lenient[WabaIdField] = None
    waba_ids: LenientItems[WabaIdField] = ()
    business_id: Lenient[PortfolioIdField] = None
    phone_number_id: Lenient[PhoneNumberIdField] = None
    current_step: _Shown = ""
    error_message: _Shown = ""
    error_code: _Code = ""
    error_id: _Code = ""
    session_id: _Code = ""


class SignupMessage(BaseModel):
    """A window message of embedded signup. Unknown events are kept, never refused."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    event: Annotated[RequiredText, StringConstraints(max_length=100)]
    data: Annotated[_Data, unreadable_as(_Data())] = _Data()

    @property
    def ending(self) -> Ending:
        """How the client left. The two kinds of CANCEL are told apart by what they carry."""
        if self.event.startswith("FINISH"):
            return Ending.FINISHED
        if self.event == "ERROR" or self.data.error_message or self.error_code:
            return Ending.ERROR_REPORTED
        return Ending.ABANDONED if self.event == "CANCEL" else Ending.UNKNOWN

    @property
    def error_code(self) -> str:
        """The code of a reported error; older pages of Meta's call it an id."""
        return self.data.error_code or self.data.error_id

    @property
    def waba_ids(self) -> tuple[WabaId, ...]:
        """Every WABA it names, once each."""
        named = [*([self.data.waba_id] if self.data.waba_id else []), *self.data.waba_ids]
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of one signup. `granted` is None where no token told it.

    `claimed` comes from the window, `granted` from the token, `added` from Meta's webhook; `taken`
    are WABAs that are known to be other clients', or this one's from before. `only` is the WABA
    that the link is for, where it is for one alone.
    """

    claimed: tuple[WabaId, ...] = ()
    claimed_portfolio: PortfolioId | None = None
    granted: frozenset[str] | None = None
    portfolio: PortfolioId | None = None
    added: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    only: WabaId | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Which WABA a signup was about: one, or none yet, or a problem that a person settles.

    `may_clear` says that what may still come, such as Meta's webhook, can settle it as well.
    """

    waba_id: WabaId | None = None
    problem: str | None = None
    may_clear: bool = False

    @property
    def is_final(self) -> bool:
        """Whether nothing that may still come changes it."""
        return self.waba_id is not None or (self.problem is not None and not self.may_clear)


def find_waba(signals: Signals) -> Finding:
    """Work out the WABA. Membership counts, never an order: the token lists all ever shared."""
    portfolios = {signals.claimed_portfolio, signals.portfolio} - {None}
    claimed = [waba for waba in signals.claimed if waba not in portfolios]
    if signals.claimed and not claimed:
        return Finding(problem="The window names a portfolio as the WABA.")
    if len(portfolios) > 1:
        return Finding(problem="The window names another portfolio than the token is for.")
    granted = signals.granted
    if signals.only is not None:
        return _that_one(signals.only, claimed, signals)
    if claimed and granted and not granted.intersection(claimed):
        return Finding(problem="The window names a WABA that the token is not for.")
    return _only_one(_candidates(claimed, signals), signals)


def _that_one(only: WabaId, claimed: Collection[str], signals: Signals) -> Finding:
    # What was granted lists all WABAs ever shared, so it can only speak against one.
    if any(named and only not in named for named in (claimed, signals.granted)):
        return Finding(problem=ANOTHER_WABA)
    named = {*claimed, *(signals.granted or ()), *signals.added}
    return Finding(waba_id=only) if only in named else Finding()


def _candidates(claimed: Collection[str], signals: Signals) -> set[str]:
    if claimed and signals.granted:
        return set(signals.granted.intersection(claimed))
    return set(claimed) or set(signals.granted or signals.added)


def _only_one(candidates: set[str], signals: Signals) -> Finding:
    # Each sieve is used only where the one before has left several.
    for sieve in (candidates, candidates & signals.added, candidates - signals.taken):
        if len(sieve) == 1:
            return Finding(waba_id=WabaId(next(iter(sieve))))
    if len(candidates) > 1:
        many = f"{len(candidates)} WABAs were shared, and nothing tells which."
        return Finding(problem=many, may_clear=True)
    return Finding()


def read_message(value: Any) -> SignupMessage:
    """Read a window message. Raises pydantic's ValidationError."""
    return SignupMessage.model_validate(value)
