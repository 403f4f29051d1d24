"""An onboarding and its senders as they stand. The sender is the unit of success."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from waboard.domain.conditions import Condition, ConditionType
from waboard.domain.decisions import Decision
from waboard.domain.errors import NotFound
from waboard.domain.filing import Filing
from waboard.domain.health import NumberHealth, WabaHealth
from waboard.domain.ids import (
    NumberKey,
    PhoneNumber,
    SolutionId,
    WabaId,
    mask_phone,
    mask_waba,
)
from waboard.domain.meta_events.limits import Limit
from waboard.domain.meta_events.notices import Notice
from waboard.domain.reasons import Reason, Situation
from waboard.domain.registration import Registration
from waboard.domain.spelling import may_be_same
from waboard.domain.standing import Profile, Standing
from waboard.domain.waits import OpenWait, WaitKind

Conditions = dict[ConditionType, Condition]
ON_THE_WAY = frozenset({Reason.REPORT_AWAITED, Reason.SEND_NOT_ANSWERED})
TEST_AGAIN = frozenset({Reason.RETRY_ASKED, Reason.TEMPLATE_NOT_SYNCED})
LIVE_WITH = (ConditionType.REGISTERED, ConditionType.ASSOCIATED, ConditionType.VERIFIED)
"""What every live sender holds."""
KEPT_FROM_LIVE_BY = (
    ConditionType.OWNED,
    ConditionType.RECEIVES,
    ConditionType.USABLE,
    ConditionType.HEALTHY,
)
"""What keeps a sender from being live only where it was looked for and is not true."""


class VerifyBy(StrEnum):
    """How a sender is proven to work.

    `template`: a template message to the test recipient arrives. `inbound`: somebody writes to the
    sender, and the reply arrives, which needs no template. `both`: the first, and somebody writes.
    """

    TEMPLATE = "template"
    INBOUND = "inbound"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Sender:
    """One phone number of the WABA.

    `spellings` are all in which an upstream has shown its number. `adopted` are the ids that it was
    found filed under and works with, where they are not the onboarding's own; `standing` and
    `profile` what Infobip last said of it, `health` and `limit` what Meta did.
    """

    phone_number: PhoneNumber
    phone_number_id: str | None
    number_key: NumberKey | None
    conditions: Conditions
    adopted: Filing | None = None
    standing: Standing | None = None
    profile: Profile | None = None
    health: NumberHealth | None = None
    health_at: datetime | None = None
    spellings: frozenset[PhoneNumber] = frozenset()
    limit: Limit | None = None

    @property
    def label(self) -> str:
        """How it is shown to people: its last four digits."""
        return mask_phone(self.phone_number)

    def holds(self, kind: ConditionType) -> bool:
        """Whether a condition is known to be true."""
        condition = self.conditions.get(kind)
        return condition is not None and condition.is_true

    def lacks(self, kind: ConditionType) -> bool:
        """Whether a condition was looked for and is not true."""
        return kind in self.conditions and not self.holds(kind)

    def decided(self, kind: ConditionType) -> bool:
        """Whether a condition is known either way."""
        condition = self.conditions.get(kind)
        return condition is not None and condition.is_decided

    @property
    def is_live(self) -> bool:
        """Whether messages really arrive from it, under the client's own ids.

        That it receives is needed only where somebody has asked for the proof. That it is usable is
        doubted only once Infobip, or Meta, has shown that it is not, and whose the number is only
        where another client of ours has it too. A display name that Meta has declined blocks it,
        one in review does not.
        """
        is_kept = any(map(self.lacks, KEPT_FROM_LIVE_BY)) or self.is_nameless
        return all(map(self.holds, LIVE_WITH)) and not is_kept

    @property
    def is_nameless(self) -> bool:
        """Whether Meta has declined its display name, and so refuses its messages."""
        name = ConditionType.NAME_APPROVED
        return self.decided(name) and self.lacks(name)

    @property
    def is_ours_to_work_on(self) -> bool:
        """Whether it is registered, and the number belongs to this client as far as is known."""
        return self.holds(ConditionType.REGISTERED) and not self.lacks(ConditionType.OWNED)

    def is_called(self, number: str) -> bool:
        """Whether this is one of the spellings of its number."""
        return number == self.phone_number or number in self.spellings

    @property
    def has_been_tested(self) -> bool:
        """Whether a test message went out, or may have."""
        return self.decided(ConditionType.VERIFIED) or self.is_awaiting_report

    @property
    def may_be_tested_again(self) -> bool:
        """Whether another test message may follow the last, which failed."""
        verified = self.conditions.get(ConditionType.VERIFIED)
        return verified is not None and verified.reason in TEST_AGAIN

    @property
    def is_awaiting_report(self) -> bool:
        """Whether a test message is, or may be, on its way."""
        verified = self.conditions.get(ConditionType.VERIFIED)
        return verified is not None and verified.reason in ON_THE_WAY

    @property
    def is_still_tested(self) -> bool:
        """Whether a test message is on its way, or goes out again in a while."""
        verified = self.conditions.get(ConditionType.VERIFIED)
        not_synced = verified is not None and verified.reason == Reason.TEMPLATE_NOT_SYNCED
        return self.is_awaiting_report or not_synced

    @property
    def trouble(self) -> Condition | None:
        """The first condition, in the order of the work, that is not true."""
        return next((c for c in in_order(self.conditions) if not c.is_true), None)


@dataclass(frozen=True, slots=True)
class Onboarding:
    """One attempt to bring one WABA of one client live, as the ledger knows it.

    `wait` is what its run sleeps for now; `waited_for` holds when each kind of wait that it has
    ever slept for is given up; `slept_since_share` is whether it slept since its last share began.
    `ended_as` is the outcome that was told at its last end. `health` and `limit` are what Meta last
    said of its WABA, `notices` what else of that an operator should see. `cancelled` is who
    cancelled it and why, `leaving` who approved that the client leaves, `left_at` when it had.
    `has_page` is whether its client came by a signup link, whose page it is; `was_retried`
    whether somebody retried it after an end.
    """

    id: str
    client_ref: str
    client_name: str
    waba_id: WabaId
    attempt: int
    application_id: str
    entity_id: str
    solution_id: SolutionId | None
    phone_numbers: tuple[PhoneNumber, ...]
    flow_run_id: str | None
    created_at: datetime
    ended_at: datetime | None
    conditions: Conditions
    registration: Registration
    senders: tuple[Sender, ...]
    wait: OpenWait | None
    waited_for: Mapping[WaitKind, datetime]
    slept_since_share: bool = False
    verify_by: VerifyBy = VerifyBy.TEMPLATE
    ended_as: str | None = None
    health: WabaHealth | None = None
    health_at: datetime | None = None
    cancelled: Decision | None = None
    leaving: Decision | None = None
    left_at: datetime | None = None
    limit: Limit | None = None
    notices: tuple[Notice, ...] = ()
    has_page: bool = False
    was_retried: bool = False

    @property
    def waba_label(self) -> str:
        """How its WABA is shown to people: the last four digits."""
        return mask_waba(self.waba_id)

    @property
    def filing(self) -> Filing:
        """The ids that its senders are to be filed under."""
        return Filing(self.application_id, self.entity_id)

    def filing_of(self, sender: Sender) -> Filing:
        """The ids that a sender works with."""
        return sender.adopted or self.filing

    @property
    def situation(self) -> Situation:
        """What remedies depend on."""
        return Situation(has_page=self.has_page, replies=self.verify_by is VerifyBy.INBOUND)

    @property
    def run_name(self) -> str:
        """The name of its row in the Prefect UI."""
        return f"{self.client_ref} · WABA {self.waba_label} · attempt {self.attempt}"

    @property
    def tags(self) -> list[str]:
        """What its run can be found by in the Prefect UI."""
        solution = [f"solution:{self.solution_id}"] if self.solution_id else []
        return [f"client:{self.client_ref}", f"waba:{self.waba_id}", *solution]

    def holds(self, kind: ConditionType) -> bool:
        """Whether a condition of the onboarding itself is known to be true."""
        condition = self.conditions.get(kind)
        return condition is not None and condition.is_true

    def lacks(self, kind: ConditionType) -> bool:
        """Whether a condition of the onboarding itself was looked for and is not true."""
        return kind in self.conditions and not self.holds(kind)

    def sender(self, number: PhoneNumber) -> Sender:
        """Return one of its senders, by any spelling of its number. Raises NotFound."""
        alike = [each for each in self.senders if may_be_same(number, each.phone_number)]
        called = [each for each in self.senders if each.is_called(number)] or alike
        if len(called) == 1:
            return called[0]
        raise NotFound(
            f"{self.client_ref} has no sender {mask_phone(number)}.",
            remedy="`waboard status` shows its senders.",
        )


def in_order(conditions: Conditions) -> list[Condition]:
    """Return conditions in the order of the work."""
    return [conditions[kind] for kind in ConditionType if kind in conditions]
