"""Show an onboarding's card in the Prefect UI: one artifact a run, changed in place."""

import logging
from uuid import UUID

from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.exceptions import ObjectNotFound

from tasks.services import Services
from tasks.stage_clocks import stage_clock
from waboard.card import History, card_of
from waboard.domain.onboarding import Onboarding
from waboard.ledger.history import became_true, last_effects, last_events
from waboard.ledger.onboardings import card_id_of, record_card
from waboard.prefect_client import get_client

MOST = 15
"""How many events, and how many effects, a card shows."""
logger = logging.getLogger(__name__)


async def show_card(services: Services, onboarding: Onboarding) -> None:
    """Bring the card up to date. Nothing depends on it, so nothing fails with it."""
    try:
        markdown = await _draw(services, onboarding)
        await _publish(services, onboarding, markdown)
    except Exception as error:
        logger.warning("The card could not be shown: %s", type(error).__name__)


async def _draw(services: Services, onboarding: Onboarding) -> str:
    async with services.ledger.begin() as session:
        clock = await stage_clock(session, services, onboarding)
        history = History(
            await became_true(session, onboarding.id),
            await last_events(session, onboarding.id, MOST),
            await last_effects(session, onboarding.id, MOST),
        )
        return card_of(onboarding, history, services.clock(), clock)


async def _publish(services: Services, onboarding: Onboarding, markdown: str) -> None:
    async with services.ledger.begin() as session:
        card_id = await card_id_of(session, onboarding.id)
    async with get_client() as client:
        if card_id is not None:
            try:
                await client.update_artifact(UUID(card_id), ArtifactUpdate(data=markdown))
            except ObjectNotFound:  # somebody deleted it
                card_id = None
        if card_id is None:
            made = await client.create_artifact(_new(onboarding, markdown))
            async with services.ledger.begin() as session:
                await record_card(session, onboarding.id, str(made.id))


def _new(onboarding: Onboarding, markdown: str) -> ArtifactCreate:
    return ArtifactCreate(
        key=f"onboarding-{onboarding.id}",
        type="markdown",
        description=f"{onboarding.run_name}: what is true, what is needed, from whom.",
        data=markdown,
        flow_run_id=UUID(onboarding.flow_run_id) if onboarding.flow_run_id else None,
    )
