"""Show an onboarding in the Prefect UI: the tags of its run, and its card, one artifact a run."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import ObjectNotFound

from tasks.services import Services
from tasks.stage_clocks import stage_clock
from waboard.card import History, card_of
from waboard.domain.clock import Clock
from waboard.domain.onboarding import Onboarding
from waboard.domain.tags import tags_of
from waboard.domain.waits import WaitKind
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import decisions_of
from waboard.ledger.history import became_true, last_effects, last_events
from waboard.ledger.locks import hold
from waboard.ledger.onboardings import read_onboarding, record_card
from waboard.ledger.races import one_transaction
from waboard.ledger.showing import Shown, note_shown, show_later, shown_of, unshown
from waboard.prefect_client import get_client

MOST = 15
"""How many events, and how many effects, a card shows."""
Patience = Mapping[WaitKind, timedelta]
"""After how long each kind of wait is late, where that is set."""
AS_USUAL: Patience = MappingProxyType({})
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Picture:
    """What is to be seen of an onboarding, and what of it the Prefect UI shows already."""

    onboarding: Onboarding
    tags: list[str]
    card: str
    shown: Shown


async def show(services: Services, onboarding_id: str) -> None:
    """Bring an onboarding up to date in the Prefect UI, from within its run."""
    await _show(services.ledger, services.clock, onboarding_id, services.policy.reminders)


async def show_changed(ledger: Ledger, clock: Clock, remind: Patience = AS_USUAL) -> None:
    """Bring up to date what changed while no leg was there to show it."""
    async with ledger.read() as session:
        changed = await unshown(session, clock())
    for onboarding_id in changed:
        await _show(ledger, clock, onboarding_id, remind)


async def _show(ledger: Ledger, clock: Clock, onboarding_id: str, remind: Patience) -> None:
    # Nothing depends on it, so nothing fails with it but where the ledger is away.
    try:
        picture = await _draw(ledger, onboarding_id, remind, clock())
        async with get_client() as client:
            await _publish(client, ledger, picture)
        if picture.shown.due is not None:
            await _note_shown(ledger, onboarding_id, picture.shown)
    except Exception as error:
        logger.warning("An onboarding could not be shown: %s", type(error).__name__)
        await _show_later(ledger, clock, onboarding_id)


@one_transaction
async def _note_shown(ledger: Ledger, onboarding_id: str, shown: Shown) -> None:
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        await note_shown(session, onboarding_id, shown)


@one_transaction
async def _show_later(ledger: Ledger, clock: Clock, onboarding_id: str) -> None:
    async with ledger.begin() as session:
        await hold(session, onboarding_id)
        await show_later(session, onboarding_id, clock())


async def _draw(ledger: Ledger, onboarding_id: str, remind: Patience, now: datetime) -> _Picture:
    async with ledger.read() as session:
        shown = await shown_of(session, onboarding_id)
        onboarding = await read_onboarding(session, onboarding_id)
        clock = await stage_clock(session, onboarding, remind, now)
        history = History(
            await became_true(session, onboarding_id),
            await last_events(session, onboarding_id, MOST),
            await last_effects(session, onboarding_id, MOST),
            await decisions_of(session, onboarding_id),
        )
    tags, card = tags_of(onboarding, clock, now), card_of(onboarding, history, now, clock)
    return _Picture(onboarding, tags, card, shown)


async def _publish(client: PrefectClient, ledger: Ledger, picture: _Picture) -> None:
    onboarding, card_id = picture.onboarding, picture.shown.card_id
    if onboarding.flow_run_id is not None:
        with suppress(ObjectNotFound):  # somebody deleted the run
            await client.update_flow_run(UUID(onboarding.flow_run_id), tags=picture.tags)
    if card_id is not None:
        with suppress(ObjectNotFound):  # somebody deleted it
            await client.update_artifact(UUID(card_id), ArtifactUpdate(data=picture.card))
            return
    made = await client.create_artifact(_new(onboarding, picture.card))
    await _note_card(ledger, onboarding, str(made.id))


@one_transaction
async def _note_card(ledger: Ledger, onboarding: Onboarding, card_id: str) -> None:
    async with ledger.begin() as session:
        await record_card(session, onboarding.id, card_id, onboarding.attempt)


def _new(onboarding: Onboarding, markdown: str) -> ArtifactCreate:
    return ArtifactCreate(
        key=f"onboarding-{onboarding.id}",
        type="markdown",
        description=f"{onboarding.run_name}: what is true, what is needed, from whom.",
        data=markdown,
        flow_run_id=UUID(onboarding.flow_run_id) if onboarding.flow_run_id else None,
    )
