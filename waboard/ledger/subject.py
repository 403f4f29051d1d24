"""What a look writes to, and what it tells of what it has seen."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.delivery import Verdict
from waboard.domain.ids import mask_phone
from waboard.ledger.conditions import condition_of, write_condition
from waboard.ledger.models import ConditionRow, EventRow


@dataclass(slots=True)
class Seen:
    """What a look took up, and what that changed: for whoever tells people of it."""

    events: list[EventRow] = field(default_factory=list[EventRow])
    changes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Subject:
    """The onboarding that is looked at, and when."""

    session: AsyncSession
    onboarding_id: str
    now: datetime
    seen: Seen

    async def held(self, subject: str, kind: ConditionType) -> Condition | None:
        """Return a condition as it is held now."""
        row = await self.session.get(ConditionRow, (self.onboarding_id, subject, kind))
        return None if row is None else condition_of(row)

    async def write(
        self, subject: str, kind: ConditionType, verdict: Verdict, evidence: str
    ) -> None:
        """Write a condition, and note what that changes."""
        condition = Condition(
            kind, verdict.status, verdict.reason, verdict.message, evidence, self.now
        )
        if await write_condition(self.session, self.onboarding_id, subject, condition):
            of = f" of {mask_phone(subject)}" if subject else ""
            self.seen.changes.append(f"{kind}{of}: {verdict.status}, {verdict.reason}")
