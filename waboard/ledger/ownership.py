"""Writing down whose a number is: for all onboardings that have it, in one transaction.

So no two of them count it as live at any time, and both sides say the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.filing import Filing
from waboard.domain.ids import mask_phone
from waboard.domain.ownership import Claim, Ruling, rule, verdict_for
from waboard.domain.reasons import Reason
from waboard.ledger.claims import SharedNumber, last_assignment
from waboard.ledger.conditions import write_condition
from waboard.ledger.locks import are_held
from waboard.ledger.models import ClientRow, ConditionRow, OnboardingRow, SenderRow
from waboard.ledger.sender_names import same_number

EVIDENCE = "all clients that have the number"


async def write_owners(
    session: AsyncSession, onboarding_id: str, shared: Collection[SharedNumber], now: datetime
) -> dict[str, list[str]]:
    """Write down whose each number is. Returns, by onboarding, what that changed, for people."""
    changes: dict[str, list[str]] = {}
    for number in shared:
        for of, said in (await _write(session, number, now)).items():
            changes.setdefault(of, []).append(said)
    undisputed = await _no_longer_shared(session, onboarding_id, shared)
    for sender in undisputed:
        alone = Condition(
            ConditionType.OWNED,
            Status.TRUE,
            Reason.NUMBER_OWNED,
            "No other client has this number any more.",
            EVIDENCE,
            now,
        )
        await _read_back_again(session, onboarding_id, sender, alone)
        if await write_condition(session, onboarding_id, sender, alone):
            changes.setdefault(onboarding_id, []).append(_said(sender, alone))
    return changes


async def _write(session: AsyncSession, number: SharedNumber, now: datetime) -> dict[str, str]:
    shown = number.shown_for
    ruling = rule(number.claims.values(), number.assignment) if len(shown) > 1 else None
    if ruling is None:
        return {}
    changes: dict[str, str] = {}
    for of, claim in shown.items():
        subject, condition = number.senders[of].phone_number, _condition(claim, ruling, now)
        await _read_back_again(session, of, subject, condition)
        if await write_condition(session, of, subject, condition):
            changes[of] = _said(subject, condition)
    return changes


async def _read_back_again(
    session: AsyncSession, onboarding_id: str, number: str, owned: Condition
) -> None:
    """Have the association read back of a number that comes back: nobody has looked after it."""
    before = await session.get(ConditionRow, (onboarding_id, number, ConditionType.OWNED))
    held = await session.get(ConditionRow, (onboarding_id, number, ConditionType.ASSOCIATED))
    comes_back = owned.is_true and before is not None and before.status != Status.TRUE
    if comes_back and held is not None and held.status == Status.TRUE:
        unread = Condition(
            ConditionType.ASSOCIATED,
            Status.UNKNOWN,
            Reason.ASSOCIATION_GONE,
            "The number came back: its association is read back again.",
            EVIDENCE,
            owned.changed_at,
        )
        await write_condition(session, onboarding_id, number, unread)


def _condition(claim: Claim, ruling: Ruling, now: datetime) -> Condition:
    verdict = verdict_for(claim, ruling)
    return Condition(
        ConditionType.OWNED, verdict.status, verdict.reason, verdict.message, EVIDENCE, now
    )


def _said(number: str, condition: Condition) -> str:
    return f"{condition.type} of {mask_phone(number)}: {condition.status}, {condition.reason}"


async def _no_longer_shared(
    session: AsyncSession, onboarding_id: str, shared: Collection[SharedNumber]
) -> list[str]:
    disputed = {
        number.senders[onboarding_id].phone_number for number in shared if len(number.shown_for) > 1
    }
    query = select(ConditionRow.subject).where(
        ConditionRow.onboarding_id == onboarding_id,
        ConditionRow.type == ConditionType.OWNED,
        ConditionRow.status != Status.TRUE,
    )
    return [each for each in await session.scalars(query) if each not in disputed]


@dataclass(frozen=True, slots=True)
class Holder:
    """Another of our onboardings whose ids a number is associated with.

    `phone_number` is its sender of that number, where it has one. `gives_way` is whether it was
    ruled, by evidence or by a person, that the number is not its own.
    """

    onboarding_id: str
    client_ref: str
    phone_number: str
    gives_way: bool


async def holder_of(
    session: AsyncSession, onboarding_id: str, number: str, filing: Filing
) -> Holder | None:
    """Return whose association of a number this is; None where it is none of our other clients'.

    Of several with the same ids, the one that does not give way counts.
    """
    mine = await _sender(session, onboarding_id, number)
    senders = {row.onboarding_id: row for row in await same_number(session, [mine.id])}
    assigned = await last_assignment(session, senders)
    to_me = assigned is not None and assigned.onboarding_id == onboarding_id
    found: list[Holder] = []
    for of, client_ref in await _associated_with(session, senders, filing):
        row = senders.get(of)
        gives_way = to_me if row is None else not await is_owned(session, row)
        if of != onboarding_id:
            found.append(Holder(of, client_ref, row.phone_number if row else "", gives_way))
    return min(found, key=lambda each: (each.gives_way, each.onboarding_id), default=None)


async def _sender(session: AsyncSession, onboarding_id: str, number: str) -> SenderRow:
    query = select(SenderRow).where(
        SenderRow.onboarding_id == onboarding_id, SenderRow.phone_number == number
    )
    return (await session.scalars(query)).one()


async def _associated_with(
    session: AsyncSession, senders: Mapping[str, SenderRow], filing: Filing
) -> list[tuple[str, str]]:
    own = and_(
        OnboardingRow.application_id == filing.application_id,
        OnboardingRow.entity_id == filing.entity_id,
    )
    adopted = [
        of
        for of, row in senders.items()
        if (row.application_id, row.entity_id) == (filing.application_id, filing.entity_id)
    ]
    query = (
        select(OnboardingRow.id, ClientRow.client_ref)
        .join(ClientRow, ClientRow.id == OnboardingRow.client_id)
        .where(OnboardingRow.leaving_at.is_(None), or_(own, OnboardingRow.id.in_(adopted)))
    )
    return [(of, client_ref) for of, client_ref in await session.execute(query)]


async def take_association(session: AsyncSession, holder: Holder, to: str, now: datetime) -> bool:
    """Write down, before it is taken away, that another client's association is gone.

    False where somebody else is at that client now, and nothing was written.
    """
    if not holder.phone_number:
        return True
    if not await are_held(session, [holder.onboarding_id]):
        return False
    moved = Condition(
        ConditionType.ASSOCIATED,
        Status.FALSE,
        Reason.NUMBER_MOVED,
        f"Its association moves to {to}, whose number it is.",
        EVIDENCE,
        now,
    )
    await write_condition(session, holder.onboarding_id, holder.phone_number, moved)
    return True


async def is_owned(session: AsyncSession, sender: SenderRow) -> bool:
    """Whether nothing shows that a sender's number belongs to another client, or may."""
    key = (sender.onboarding_id, sender.phone_number, ConditionType.OWNED)
    known = await session.get(ConditionRow, key)
    return known is None or known.status == Status.TRUE
