"""Keep what Infobip says of senders apart from their onboarding: how they stand, their profile."""

from datetime import datetime

from tasks.services import Services
from waboard.domain.conditions import ConditionType
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding
from waboard.domain.spelling import asked_for
from waboard.domain.standing import Profile, Standing
from waboard.infobip.client import MOST_SENDERS
from waboard.infobip.models import SenderQuality
from waboard.infobip.senders import BusinessInfo
from waboard.ledger.locks import hold
from waboard.ledger.races import one_transaction
from waboard.ledger.senders import record_profile, record_standing
from waboard.parts import parts


async def read_facts(services: Services, onboarding: Onboarding) -> None:
    """Keep each registered sender's quality, limit, status and business profile.

    No task of Prefect's: nothing depends on it, and a reconciliation reads how they stand as well.
    """
    numbers = registered(onboarding)
    for part in parts(numbers, MOST_SENDERS):
        for quality in await services.infobip.sender_quality(part):
            number = asked_for(quality.sender, part)
            if number is not None:
                standing = standing_in(quality, services.clock())
                await _keep_standing(services, onboarding.id, PhoneNumber(number), standing)
    for number in numbers:
        await keep_profile(services, onboarding, number)


def registered(onboarding: Onboarding) -> list[PhoneNumber]:
    """Return the numbers that Infobip can say something of."""
    kind = ConditionType.REGISTERED
    return [sender.phone_number for sender in onboarding.senders if sender.holds(kind)]


def standing_in(quality: SenderQuality, read_at: datetime) -> Standing:
    """Return what an answer says of how a sender stands."""
    return Standing(
        status=quality.status,
        quality_rating=quality.quality_rating,
        current_limit=quality.current_limit,
        read_at=read_at,
    )


@one_transaction
async def _keep_standing(
    services: Services, onboarding_id: str, number: PhoneNumber, standing: Standing
) -> None:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        await record_standing(session, onboarding_id, number, standing)


async def keep_profile(services: Services, onboarding: Onboarding, number: PhoneNumber) -> None:
    """Read what people see of a sender's business, and keep it."""
    info = await services.infobip.senders.business_info(number)
    if info is not None:
        profile = Profile(_shown(info), services.clock())
        await _keep_profile(services, onboarding.id, number, profile)


@one_transaction
async def _keep_profile(
    services: Services, onboarding_id: str, number: PhoneNumber, profile: Profile
) -> None:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        await record_profile(session, onboarding_id, number, profile)


def _shown(info: BusinessInfo) -> dict[str, object]:
    said = info.model_dump(mode="json")
    return {name: value for name, value in said.items() if value and value != "UNKNOWN"}
