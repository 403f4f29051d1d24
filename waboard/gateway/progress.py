"""How far a client is, in words that a shop owner understands: names of texts, not the texts."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from waboard.domain.conditions import ConditionType
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.outcome import OutcomeName, outcome_of
from waboard.domain.signup import ANOTHER_WABA
from waboard.domain.steps import (
    ends_at_share,
    is_kept_out,
    registration_is_over,
    senders_to_be_written_to,
)
from waboard.domain.waits import WaitKind
from waboard.gateway.door import why_closed
from waboard.ledger.models import SignupRow
from waboard.write_link import qr_of, write_link

State = Literal["ready", "finishing", "queued", "working", "live", "limited", "stopped", "closed"]
StepState = Literal["done", "current", "todo", "failed"]


class Step(BaseModel):
    """One step that the client can understand."""

    name: Literal["connect", "register", "set_up", "test"]
    state: StepState


class Number(BaseModel):
    """One phone number, shown by its last digits, and whether it works.

    `write_to` and `qr` (an image) are there while the client is to write to it: this page is the
    client's own, so the number may stand in them.
    """

    label: str
    state: StepState
    write_to: str | None = None
    qr: str | None = None


class Progress(BaseModel):
    """How far a client is. `why` names the text that says more; `until` is when a wait may end."""

    state: State
    why: str
    steps: list[Step] = []
    numbers: list[Number] = []
    until: datetime | None = None


def stopped(why: str) -> Progress:
    """Return the progress of a link that cannot be used."""
    return Progress(state="closed", why=why)


def progress_of(row: SignupRow, onboarding: Onboarding | None, now: datetime) -> Progress:
    """Work out how far a client is from its link and its onboarding."""
    if onboarding is not None:
        return _of_onboarding(onboarding)
    if row.problem == ANOTHER_WABA:
        return Progress(state="ready", why="another")
    if row.problem is not None:
        return Progress(state="stopped", why="problem")
    if row.signalled_at is not None:
        return Progress(state="finishing", why="finishing", steps=_steps("current"))
    closed = why_closed(row, now)
    return stopped(closed.why) if closed else Progress(state="ready", why=_left_as(row))


def _left_as(row: SignupRow) -> str:
    known = {"abandoned": "abandoned", "error-reported": "error"}
    return known.get(row.ending or "", "ready")


def _of_onboarding(onboarding: Onboarding) -> Progress:
    steps = _steps("done", *_work(onboarding))
    awaited = senders_to_be_written_to(onboarding) if onboarding.ended_at is None else []
    numbers = [_number(onboarding, s, awaited=s in awaited) for s in onboarding.senders]
    if onboarding.leaving is not None:
        return stopped("left")
    state, why = _state(onboarding)
    wait = onboarding.wait
    until = wait.due_at if wait is not None and wait.kind is WaitKind.SLOT else None
    return Progress(state=state, why=why, steps=steps, numbers=numbers, until=until)


def _number(onboarding: Onboarding, sender: Sender, *, awaited: bool) -> Number:
    shown = Number(label=sender.label, state=_sender(onboarding, sender))
    if not awaited:
        return shown
    number = sender.phone_number
    return shown.model_copy(update={"write_to": write_link(number), "qr": qr_of(number)})


def _state(onboarding: Onboarding) -> tuple[State, str]:
    if onboarding.wait is not None and onboarding.wait.kind is WaitKind.INBOUND:
        return "working", "write"
    if onboarding.ended_at is None:
        kept = onboarding.wait is not None and onboarding.wait.kind in {
            WaitKind.SLOT,
            WaitKind.SOLUTION,
        }
        return ("queued", "queued") if kept else ("working", "working")
    if _goes_on(onboarding):
        return "working", "working"
    if not outcome_of(onboarding).is_live:
        return "stopped", "problem"
    everyone = all(sender.is_live for sender in onboarding.senders)
    return ("live", "live") if everyone else ("limited", "limited")


def _work(onboarding: Onboarding) -> list[StepState]:
    """The states of the three steps after the client's own."""
    senders = onboarding.senders
    over = onboarding.ended_at is not None and not _goes_on(onboarding)
    if is_kept_out(onboarding) or ends_at_share(onboarding):
        return ["failed" if over else "current", "todo", "todo"]
    kinds = (ConditionType.REGISTERED, ConditionType.ASSOCIATED, ConditionType.VERIFIED)
    reached = [any(sender.holds(kind) for sender in senders) for kind in kinds]
    # Once all is over, a number that comes later takes nothing back.
    reached[0] = reached[0] and (
        onboarding.ended_at is not None or registration_is_over(onboarding)
    )
    first = reached.index(False) if False in reached else len(reached)
    now: StepState = "failed" if over else "current"
    return ["done" if i < first else now if i == first else "todo" for i in range(len(kinds))]


def _sender(onboarding: Onboarding, sender: Sender) -> StepState:
    if sender.is_live:
        return "done"
    trouble = sender.trouble
    failed = trouble is not None and trouble.is_decided
    over = onboarding.ended_at is not None and not _goes_on(onboarding)
    return "failed" if failed or over else "current"


def _goes_on(onboarding: Onboarding) -> bool:
    # An upstream is away: the client has nothing to do, and sees no end.
    return outcome_of(onboarding).name is OutcomeName.AWAITING_UPSTREAM


def _steps(connect: StepState, *work: StepState) -> list[Step]:
    states = (connect, *(work or ("todo", "todo", "todo")))
    names: tuple[Literal["connect", "register", "set_up", "test"], ...] = (
        "connect",
        "register",
        "set_up",
        "test",
    )
    return [Step(name=name, state=state) for name, state in zip(names, states, strict=True)]
