"""Show an onboarding's card in the Prefect UI: one artifact a run, changed in place."""

import logging
from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import ObjectNotFound

from tasks.services import Services
from waboard.card import History, card_of
from waboard.domain.clock import Clock
from waboard.domain.onboarding import Onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.decisions import decisions_of
from waboard.ledger.history import became_true, last_effects, last_events
from waboard.ledger.onboardings import card_id_of, record_card

MOST = 15
"""How many events, and how many effects, a card shows."""
logger = logging.getLogger(__name__)


async def show_card(services: Services, onboarding: Onboarding) -> None:
    """Bring the card up to date, from within a run."""
    await draw_card(services.ledger, services.clock, onboarding)


async def draw_card(ledger: Ledger, clock: Clock, onboarding: Onboarding) -> None:
    """Bring the card up to date. Nothing depends on it, so nothing fails with it."""
    try:
        markdown = await _draw(ledger, onboarding, clock())
        await _publish(ledger, onboarding, markdown)
    except Exception as error:
        logger.warning("The card could not be shown: %s", type(error).__name__)


async def _draw(ledger: Ledger, onboarding: Onboarding, now: datetime) -> str:
    async with ledger.begin() as session:
        history = History(
            await became_true(session, onboarding.id),
            await last_events(session, onboarding.id, MOST),
            await last_effects(session, onboarding.id, MOST),
            await decisions_of(session, onboarding.id),
        )
        return card_of(onboarding, history, now)


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
