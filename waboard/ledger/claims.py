"""What each of our onboardings can show for a number that several of them have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import DecisionVerb
from waboard.domain.evidence import Evidence
from waboard.domain.meta_events.connection import connection_from
from waboard.domain.ownership import Assignment, Claim, Listing, counts_as_connected
from waboard.domain.reasons import Reason
from waboard.ledger.evidence import received_about
from waboard.ledger.models import (
    ClientRow,
    ConditionRow,
    DecisionRow,
    OnboardingRow,
    SenderNameRow,
    SenderRow,
)
from waboard.ledger.sender_names import claimants_of, same_number

_TAKEN_FROM_US = frozenset({Reason.CLIENT_DISCONNECTED, Reason.ACCOUNT_DELETED})


@dataclass(frozen=True, slots=True)
class SharedNumber:
    """A number that several onboardings have: the sender of each, and what it can show."""

    senders: dict[str, SenderRow]
    claims: dict[str, Claim]
    assignment: Assignment | None

    def counts_as_connected(self, onboarding_id: str) -> bool:
        """Whether the number's being connected shows anything for an onboarding."""
        return counts_as_connected(self.claims.values(), onboarding_id)

    @property
    def shown_for(self) -> dict[str, Claim]:
        """The claims for which something can be shown, or is held to be."""
        return {
            of: claim
            for of, claim in self.claims.items()
            if claim.named_at
            or claim.is_held
            or (claim.is_connected and self.counts_as_connected(of))
        }


async def evidence_of(session: AsyncSession, onboarding_id: str) -> Evidence:
    """Return all evidence about an onboarding.

    That a number is connected is left out where it is another onboarding's connection.
    """
    evidence = await received_about(session, onboarding_id)
    if not evidence.connected or not await claimants_of(session, onboarding_id):
        return evidence
    return without_others(evidence, await shared_numbers(session, onboarding_id), onboarding_id)


def without_others(
    evidence: Evidence, shared: Sequence[SharedNumber], onboarding_id: str
) -> Evidence:
    """Leave out that numbers are connected which are so for another onboarding."""
    registration = evidence.shown()
    others = [
        spelling
        for number in shared
        if not number.counts_as_connected(onboarding_id)
        and (known := registration.of(number.senders[onboarding_id].phone_number))
        for spelling in known.spellings
    ]
    kept = tuple(each for each in evidence.connected if each.phone_number not in others)
    return replace(evidence, connected=kept)


async def shared_numbers(session: AsyncSession, onboarding_id: str) -> list[SharedNumber]:
    """Return the numbers of an onboarding that others of ours have, too."""
    mine = select(SenderRow).where(SenderRow.onboarding_id == onboarding_id)
    known: dict[str, Evidence] = {}
    found: list[SharedNumber] = []
    for sender in await session.scalars(mine.order_by(SenderRow.id)):
        senders = {each.onboarding_id: each for each in await same_number(session, [sender.id])}
        if len(senders) > 1 and onboarding_id in senders:
            found.append(await _shared(session, senders, known))
    return found


async def _shared(
    session: AsyncSession, senders: dict[str, SenderRow], known: dict[str, Evidence]
) -> SharedNumber:
    for each in senders:
        if each not in known:
            known[each] = await received_about(session, each)
    claims = {of: await _claim(session, row, known[of]) for of, row in sorted(senders.items())}
    # The quality endpoint speaks of a number, so of all who have it.
    if any(claim.is_connected for claim in claims.values()):
        claims = {of: replace(claim, is_connected=True) for of, claim in claims.items()}
    return SharedNumber(senders, claims, await last_assignment(session, senders))


async def _claim(session: AsyncSession, sender: SenderRow, evidence: Evidence) -> Claim:
    onboarding = await session.get_one(OnboardingRow, sender.onboarding_id)
    client = await session.get_one(ClientRow, onboarding.client_id)
    spellings = await _spellings(session, sender)
    shown = evidence.shown().of(sender.phone_number)
    return Claim(
        onboarding_id=onboarding.id,
        client_ref=client.client_ref,
        waba_id=onboarding.waba_id,
        named_at=shown.named_at if shown else None,
        is_connected=any(each.phone_number in spellings for each in evidence.connected),
        removed_at=await _removed_at(session, onboarding.id, evidence),
        listing=_listing(sender),
        is_held=await _is_registered(session, sender),
    )


def _listing(sender: SenderRow) -> Listing | None:
    if sender.is_listed is None or sender.listed_at is None:
        return None
    return Listing(sender.is_listed, sender.listed_at)


async def _is_registered(session: AsyncSession, sender: SenderRow) -> bool:
    key = (sender.onboarding_id, sender.phone_number, ConditionType.REGISTERED)
    known = await session.get(ConditionRow, key)
    return known is not None and known.status == Status.TRUE


async def _spellings(session: AsyncSession, sender: SenderRow) -> set[str]:
    query = select(SenderNameRow.name).where(SenderNameRow.sender_id == sender.id)
    return {sender.phone_number, *await session.scalars(query)}


async def _removed_at(
    session: AsyncSession, onboarding_id: str, evidence: Evidence
) -> datetime | None:
    key = (onboarding_id, "", ConditionType.CONNECTED)
    known = await session.get(ConditionRow, key)
    if known is None or known.status == Status.TRUE or known.reason not in _TAKEN_FROM_US:
        return None
    said = connection_from(evidence.account)
    return known.changed_at if said is None or said.is_up else said.at


async def last_assignment(
    session: AsyncSession, senders: Mapping[str, SenderRow]
) -> Assignment | None:
    """Return what a person decided last about a number, which these onboardings have."""
    query = select(DecisionRow).where(
        DecisionRow.onboarding_id.in_(senders), DecisionRow.verb == DecisionVerb.ASSIGN
    )
    for row in await session.scalars(query.order_by(DecisionRow.id.desc())):
        if row.phone_number in await _spellings(session, senders[row.onboarding_id]):
            return Assignment(row.onboarding_id, row.by, row.at, row.named_at, row.removed_at)
    return None
