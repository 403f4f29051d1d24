"""How patient an onboarding is, and whom it tells."""

from datetime import timedelta

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field

from waboard.domain.fields import Seconds, WeeklyCap
from waboard.domain.filing import ForeignFiling
from waboard.domain.waits import WaitKind, WaitPlan


class OnboardingPolicy(Block):
    """How long each wait lasts, and which notification block tells the operator.

    Attributes:
        weekly_cap: New clients in any seven days; Meta allows 10, and 200 once verified.
        solution_nudge: Seconds between looks at a partner solution that is not usable.
        solution_give_up: Seconds until that is given up.
        slot_give_up: Seconds until a place in it is given up.
        registration_nudge: Seconds between looks for a registration whose webhook may be lost.
        registration_give_up: Seconds until a registration is given up.
        template_nudge: Seconds between looks for a template whose webhook may be lost.
        template_give_up: Seconds until Meta's review of it is given up.
        inbound_give_up: Seconds until a client that has not written to its number is given up.
        delivery_nudge: Seconds between looks for a delivery report that may be lost.
        delivery_give_up: Seconds until a report is given up.
        foreign_filing: What to do with a sender that is filed under other ids than its client's:
            `move` it, `adopt` them, or `refuse` and ask a person.
        code_give_up: Seconds until the one-time password of an added sender is given up.
        solution_remind: Seconds until an unusable partner solution is late; None: what is usual.
        slot_remind: Seconds until a place in the weekly cap is late; None: what is usual.
        registration_remind: Seconds until a registration is late; None: what is usual.
        template_remind: Seconds until Meta's review of a template is late; None: what is usual.
        delivery_remind: Seconds until a delivery report is late; None: what is usual.
        inbound_remind: Seconds until a client's message to its number is late; None: what is usual.
        digest_always: Whether the operator gets the daily digest when there is nothing to say.
        approval_give_up: Seconds until a client that is to leave stays, when nobody approves it.
        operator_block: A notification block, as `slack-webhook/name`; none tells nobody.

    Example:
        `policy = await OnboardingPolicy.aload("waboard")`
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Onboarding policy"
    _block_type_slug = "onboarding-policy"
    _description = "How patient an onboarding is, and whom it tells."

    weekly_cap: WeeklyCap = Field(default=10, title="Weekly cap", description="New clients.")
    solution_nudge: Seconds = Field(
        default=3600, title="Solution: look every", description="Seconds."
    )
    solution_give_up: Seconds = Field(
        default=90 * 86400, title="Solution: give up after", description="Seconds."
    )
    slot_give_up: Seconds = Field(
        default=365 * 86400, title="Slot: give up after", description="Seconds."
    )
    registration_nudge: Seconds = Field(title="Registration: look every", description="Seconds.")
    registration_give_up: Seconds = Field(
        title="Registration: give up after", description="Seconds."
    )
    template_nudge: Seconds = Field(
        default=600, title="Template: look every", description="Seconds."
    )
    template_give_up: Seconds = Field(
        default=7 * 86400, title="Template: give up after", description="Seconds."
    )
    inbound_give_up: Seconds = Field(
        default=14 * 86400, title="Inbound: give up after", description="Seconds."
    )
    delivery_nudge: Seconds = Field(title="Delivery: look every", description="Seconds.")
    delivery_give_up: Seconds = Field(title="Delivery: give up after", description="Seconds.")
    foreign_filing: ForeignFiling = Field(
        default=ForeignFiling.MOVE, title="Foreign filing", description="move, adopt or refuse."
    )
    code_give_up: Seconds = Field(
        default=3 * 86400, title="One-time password: give up after", description="Seconds."
    )
    solution_remind: Seconds | None = Field(
        default=None, title="Solution: late after", description="Seconds."
    )
    slot_remind: Seconds | None = Field(
        default=None, title="Slot: late after", description="Seconds."
    )
    registration_remind: Seconds | None = Field(
        default=None, title="Registration: late after", description="Seconds."
    )
    template_remind: Seconds | None = Field(
        default=None, title="Template: late after", description="Seconds."
    )
    delivery_remind: Seconds | None = Field(
        default=None, title="Delivery: late after", description="Seconds."
    )
    inbound_remind: Seconds | None = Field(
        default=None, title="Inbound: late after", description="Seconds."
    )
    digest_always: bool = Field(
        default=False, title="Digest: always", description="Also when there is nothing to say."
    )
    approval_give_up: Seconds = Field(
        default=7 * 86400, title="Approval: give up after", description="Seconds."
    )
    operator_block: str | None = Field(
        default=None, title="Operator's notification block", description="As type-slug/name."
    )

    def plan(self, kind: WaitKind) -> WaitPlan:
        """Return how long to wait for something."""
        give_up: float = getattr(self, f"{kind}_give_up")
        nudge: float = getattr(self, f"{kind}_nudge", give_up)
        return WaitPlan(timedelta(seconds=nudge), timedelta(seconds=give_up))

    @property
    def reminders(self) -> dict[WaitKind, timedelta]:
        """After how long each kind of wait is late, where that is set."""
        times: dict[WaitKind, float | None]
        times = {kind: getattr(self, f"{kind}_remind") for kind in WaitKind}
        return {kind: timedelta(seconds=time) for kind, time in times.items() if time is not None}
