"""Under which ids a sender is filed at Infobip, and what to do about those that assign themselves.

Infobip can file a new sender by itself, by default under the client's portfolio id (the programme
page). Only one filing can hold for a sender; see docs/infobip.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from waboard.domain.errors import StepRefused
from waboard.domain.reasons import Reason


class ForeignFiling(StrEnum):
    """What to do with a sender that is filed under other ids than the client's own.

    `move` files it anew under the client's ids, `adopt` leaves it and works with the ids it has,
    `refuse` leaves it and asks a person.
    """

    MOVE = "move"
    ADOPT = "adopt"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Filing:
    """An application's id and an entity's; an application alone where there is no entity."""

    application_id: str
    entity_id: str | None

    def __str__(self) -> str:
        return f"{self.application_id} / {self.entity_id or 'no entity'}"


def filing_for(wanted: Filing, found: Collection[Filing], policy: ForeignFiling) -> Filing:
    """Return the one filing that a sender is to have. Raises StepRefused where a person decides."""
    foreign = [each for each in found if each != wanted and not _is_bare(each, wanted)]
    if not foreign or policy is ForeignFiling.MOVE:
        return wanted
    if policy is ForeignFiling.ADOPT:
        if wanted in found:
            return wanted
        if len(foreign) == 1 and foreign[0].entity_id is not None:
            return foreign[0]
    where = " and ".join(sorted(map(str, foreign)))
    raise StepRefused(f"The sender is filed under {where}.", reason=Reason.FILED_ELSEWHERE)


def _is_bare(filing: Filing, wanted: Filing) -> bool:
    # Filed under our application and no entity yet: that is nobody else's.
    return filing == Filing(wanted.application_id, None)
