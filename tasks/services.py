"""What the steps work with: the ledger, Infobip, and how patient to be. Opened once a leg."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar
from uuid import uuid4

from prefect.blocks.core import Block
from pydantic import ValidationError

from blocks.accounts import InfobipAccount, VerificationMessage
from blocks.ledger import LedgerDatabase
from blocks.meta import MetaAccount
from blocks.policy import OnboardingPolicy
from tasks.timeline import show_seen
from waboard.domain.clock import Clock, utc_now
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.errors import BadInput
from waboard.domain.onboarding import Onboarding
from waboard.domain.reasons import Reason
from waboard.domain.sentences import sentence
from waboard.domain.waits import WaitKind
from waboard.infobip.client import InfobipClient
from waboard.infobip.limits import Share
from waboard.infobip.traffic import TrafficApi
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold
from waboard.ledger.look import Seen, look
from waboard.ledger.meta_words import record
from waboard.ledger.races import one_transaction
from waboard.ledger.rate_limits import LedgerLimiter
from waboard.meta.client import GraphClient
from waboard.rest import rest
from waboard.sealing import Sealer

BLOCKS = "waboard"
"""The name of every block document that `waboard deploy` fills."""
KEPT_FOR = 10.0
"""Seconds after which a process reads a block again: an edit in the Prefect UI counts by then."""
B = TypeVar("B", bound=Block)


class MetaServices:
    """Meta's side of a leg: there is none where the provider has not set it up."""

    def __init__(self, graph: GraphClient, account: MetaAccount, sealer: Sealer) -> None:
        self.graph, self.account, self.sealer = graph, account, sealer


class Services:
    """The ledger, the client, and the configuration of one leg of a run.

    `began_at` is when the leg began: what it looked at, it looked at since. `leg` names the leg, so
    that one that was given up for dead cannot act beside its successor.
    A plain class, so that Prefect passes it to tasks as it is and does not look inside.
    """

    def __init__(
        self,
        ledger: Ledger,
        infobip: InfobipClient,
        account: InfobipAccount,
        verification: VerificationMessage,
        policy: OnboardingPolicy,
        clock: Clock = utc_now,
        leg: str | None = None,
        meta: "MetaServices | None" = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.ledger = ledger
        self.infobip = infobip
        self.account = account
        self.verification = verification
        self.policy = policy
        self.clock = clock
        self.leg = leg
        self.meta = meta
        self.sleep = sleep
        self.began_at = clock()

    @property
    def traffic(self) -> TrafficApi:
        """Whichever of Infobip's two APIs carries messages."""
        return self.infobip.traffic(self.account.traffic_api)

    async def look(self, onboarding_id: str) -> Onboarding:
        """Return the onboarding as it truly is now."""
        onboarding, seen = await self._note_seen(onboarding_id)
        show_seen(onboarding, seen)
        return onboarding

    @one_transaction
    async def _note_seen(self, onboarding_id: str) -> tuple[Onboarding, Seen]:
        async with self.ledger.begin() as session:
            await hold(session, onboarding_id)
            seen = Seen()
            return await look(session, onboarding_id, self.clock(), seen), seen

    def is_too_late(self, onboarding: Onboarding, kind: WaitKind) -> bool:
        """Whether an onboarding has waited for something for as long as it is to wait."""
        give_up_at = onboarding.waited_for.get(kind)
        return give_up_at is not None and self.clock() >= give_up_at

    @one_transaction
    async def write(
        self,
        onboarding_id: str,
        subject: str,
        kind: ConditionType,
        status: Status,
        reason: Reason,
        message: str,
        evidence: str,
    ) -> None:
        """Write down what is true of the onboarding (`subject` empty) or one of its senders."""
        async with self.ledger.begin() as session:
            await hold(session, onboarding_id)
            condition = Condition(kind, status, reason, message, evidence, self.clock())
            await record(session, onboarding_id, subject, condition)


_kept: dict[type[Block], tuple[float, Block | None]] = {}


async def _load(kind: type[B]) -> B:
    block = await load_if_there(kind)
    if block is None:
        raise ValueError(f"There is no block {kind.__name__} {BLOCKS}: run `waboard deploy`.")
    return block


async def load_if_there(kind: type[B]) -> B | None:
    """Return what `waboard deploy` filled of a kind of block, or None."""
    # Reading all blocks for each leg was a sixth of all that Prefect's server was asked for.
    now = monotonic()
    read_at, block = _kept.get(kind, (now - KEPT_FOR, None))
    if now - read_at >= KEPT_FOR:
        block = await read_block(kind)
        _kept[kind] = now, block
    return block if isinstance(block, kind) else None


async def read_block(kind: type[B]) -> B | None:
    """Return a block as it is now, or None. Raises BadInput where it was filled in wrongly."""
    try:
        return await kind.aload(BLOCKS)
    except RuntimeError as error:
        raise _unusable(kind, error) from None
    except ValueError:  # there is none of that name
        return None


def _unusable(kind: type[Block], error: RuntimeError) -> Exception:
    # Prefect says only that a block is not valid; what is wrong with it is the cause.
    if not isinstance(error.__cause__, ValidationError):
        return error
    first = error.__cause__.errors(include_input=False, include_url=False)[0]
    return BadInput(
        f"{kind.get_block_type_slug()}/{BLOCKS}: {'.'.join(map(str, first['loc']))}",
        sentence(first["msg"].removeprefix("Value error, ")),
        remedy="Correct the setting and run `waboard deploy`, or the block in the Prefect UI.",
    )


@asynccontextmanager
async def open_services(
    *, beside: bool = False, share: float = 1.0, connections: int = 1
) -> AsyncGenerator[Services]:
    """Load the blocks and open what they configure.

    `beside` is for a run that acts beside the onboarding's own, which alone is held to its leg.
    `share` is how much of each of Infobip's limits it takes, up to 1. One connection is enough for
    whoever works for one client: its transactions take milliseconds, to connect ten times that.
    """
    account = await _load(InfobipAccount)
    ledger = (await _load(LedgerDatabase)).get_client(connections)
    verification = await _load(VerificationMessage)
    policy = await _load(OnboardingPolicy)
    turns = LedgerLimiter(ledger, account.intervals, sleep=rest)
    limiter = Share(turns, account.intervals, share, sleep=rest)
    try:
        async with account.get_client(limiter) as infobip, _open_meta() as meta:
            leg = None if beside else str(uuid4())
            yield Services(ledger, infobip, account, verification, policy, leg=leg, meta=meta)
    finally:
        await ledger.close()


@asynccontextmanager
async def _open_meta() -> AsyncGenerator[MetaServices | None]:
    account = await load_if_there(MetaAccount)
    if account is None:
        yield None
        return
    async with account.get_client() as graph:
        yield MetaServices(graph, account, account.get_sealer())
