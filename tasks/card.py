"""Show an onboarding's card in the Prefect UI: one artifact a run, changed in place."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import ObjectNotFound

from tasks.services import Services
from tasks.stage_clocks import stage_clock
from waboard.card import History, card_of
from waboard.domain.clock import Clock
from waboard.domain.onboarding import Onboarding
from waboard.domain.waits import WaitKind
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import decisions_of
from waboard.ledger.history import became_true, last_effects, last_events
from waboard.ledger.onboardings import card_id_of, read_onboarding, record_card
from waboard.prefect_client import get_client

MOST = 15
"""How many events, and how many effects, a card shows."""
NEVER: Mapping[WaitKind, timedelta] = MappingProxyType({})
logger = logging.getLogger(__name__)


async def show_card(services: Services, onboarding: Onboarding) -> None:
    """Bring the card up to date, from within a run."""
    remind = services.policy.reminders
    await draw_card(services.ledger, services.clock, onboarding, remind)


async def draw_card(
    ledger: Ledger,
    clock: Clock,
    onboarding: Onboarding,
    remind: Mapping[WaitKind, timedelta] = NEVER,
) -> None:
    """Bring the card up to date. Nothing depends on it, so nothing fails with it.

    `remind` is after how long each kind of wait is late, where that is set.
    """
    try:
        markdown = await _draw(ledger, onboarding, remind, clock())
        await _publish(ledger, onboarding, markdown)
    except Exception as error:
        logger.warning("The card could not be shown: %s", type(error).__name__)


async def redraw_card(ledger: Ledger, clock: Clock, onboarding_id: str) -> None:
    """Bring the card up to date with what the ledger says now."""
    async with ledger.begin() as session:
        onboarding = await read_onboarding(session, onboarding_id)
    await draw_card(ledger, clock, onboarding)


async def _draw(
    ledger: Ledger, onboarding: Onboarding, remind: Mapping[WaitKind, timedelta], now: datetime
) -> str:
    async with ledger.begin() as session:
        clock = await stage_clock(session, onboarding, remind, now)
        history = History(
            await became_true(session, onboarding.id),
            await last_events(session, onboarding.id, MOST),
            await last_effects(session, onboarding.id, MOST),
            await decisions_of(session, onboarding.id),
        )
        return card_of(onboarding, history, now, clock)


async def _publish(ledger: Ledger, onboarding: Onboarding, markdown: str) -> None:
    async with ledger.begin() as session:
        card_id = await card_id_of(session, onboarding.id, onboarding.attempt)
    async with get_client() as client:
        if card_id is not None:
            try:
                await client.update_artifact(UUID(card_id), ArtifactUpdate(data=markdown))
            except ObjectNotFound:  # somebody deleted it
                card_id = None
        if card_id is None:
            made = await client.create_artifact(_new(onboarding, markdown))
            async with ledger.begin() as session:
                await record_card(session, onboarding.id, str(made.id), onboarding.attempt)


def _new(onboarding: Onboarding, markdown: str) -> ArtifactCreate:
    return ArtifactCreate(
        key=f"onboarding-{onboarding.id}",
        type="markdown",
        description=f"{onboarding.run_name}: what is true, what is needed, from whom.",
        data=markdown,
        flow_run_id=UUID(onboarding.flow_run_id) if onboarding.flow_run_id else None,
    )
