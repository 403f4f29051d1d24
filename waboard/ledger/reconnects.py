"""Clients that connect their WABA again: the link with which they do, and what follows."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import ConditionType
from waboard.domain.decisions import DecisionVerb, Order
from waboard.domain.onboarding import Onboarding
from waboard.domain.requests import SignupRequest
from waboard.ledger.attempts import begin_attempt
from waboard.ledger.decisions import last_decision, record_decision
from waboard.ledger.models import ConditionRow, OnboardingRow
from waboard.ledger.own_reads import forget_own_read
from waboard.ledger.signups import NewLink, make_link
from waboard.ledger.waits import satisfy_wait

CAME_BACK = "The client has connected its WABA again."


async def make_reconnect_link(
    session: AsyncSession, onboarding: Onboarding, order: Order, lasts: timedelta, now: datetime
) -> NewLink:
    """Make a link for an onboarding's WABA alone, with all its ids, and write down who wants it."""
    await record_decision(session, onboarding.id, DecisionVerb.RECONNECT, order, now)
    request = SignupRequest(
        client_ref=onboarding.client_ref,
        client_name=onboarding.client_name,
        application_id=onboarding.application_id,
        entity_id=onboarding.entity_id,
        solution_id=onboarding.solution_id,
        verify_by=onboarding.verify_by,
    )
    return await make_link(session, request, lasts, now, only=onboarding.waba_id)


async def connect_again(session: AsyncSession, onboarding_id: str, now: datetime) -> Order | None:
    """Let an onboarding whose client has come back connect anew. What is true stays.

    One that has ended begins a new attempt, by an order that is returned. Whoever calls holds its
    row.
    """
    row = await session.get_one(OnboardingRow, onboarding_id)
    row.reconnected_at = now
    forget_own_read(row, ConditionType.CONNECTED)
    connected = await session.get(ConditionRow, (onboarding_id, "", ConditionType.CONNECTED))
    if connected is not None:
        await session.delete(connected)
    if row.ended_at is None:
        await satisfy_wait(session, onboarding_id, now)
        return None
    asked = await last_decision(session, onboarding_id, DecisionVerb.RECONNECT)
    order = Order(by=asked.by if asked else "the client", why=CAME_BACK)
    verb, left = DecisionVerb.RETRY, row.flow_run_id
    await record_decision(session, onboarding_id, verb, order, now, leaving=left)
    await begin_attempt(session, onboarding_id, now)
    return order
