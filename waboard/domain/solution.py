"""Whether clients can be onboarded through a partner solution in a given state.

The programme page names six states of the dashboard; the API shows each as a pair. Source: the
programme page, SP/multi-partner-solutions, Meta's OpenAPI document (enums).
"""

from dataclasses import dataclass

from waboard.domain.parties import Party
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.domain.sentences import sentences


@dataclass(frozen=True, slots=True)
class SolutionState:
    """One state: how the dashboard calls it, and whether it lets new clients in.

    A state that nobody has documented lets nobody in, and is shown as Meta spells it.
    """

    title: str
    usable: bool
    awaiting: Party = Party.OPERATOR
    remedy: str = ""


_DOCUMENTED: dict[tuple[str, str], SolutionState] = {
    ("ACTIVE", "NONE"): SolutionState("Active", usable=True),
    ("ACTIVE", "PENDING_DEACTIVATION"): SolutionState(
        "Pending deactivation",
        usable=True,
        remedy="Decide on the deactivation request under WhatsApp > Partner solutions: once it is "
        "accepted nobody can be onboarded any more.",
    ),
    ("INITIATED", "PENDING_ACTIVATION"): SolutionState(
        "Pending",
        usable=False,
        awaiting=Party.INFOBIP,
        remedy="Infobip accepts the solution: ask your account manager there.",
    ),
    ("DRAFT", "NONE"): SolutionState(
        "Draft",
        usable=False,
        remedy="Finish the solution in the app dashboard, WhatsApp > Partner solutions, and send "
        "it to Infobip.",
    ),
    ("REJECTED", "NONE"): SolutionState(
        "Inactive",
        usable=False,
        remedy="Ask Infobip why it declined, then create the solution anew and set "
        "WABOARD_META_SOLUTION_ID to its id.",
    ),
    ("DEACTIVATED", "NONE"): SolutionState(
        "Deactivated",
        usable=False,
        remedy="Create a new solution with Infobip and set WABOARD_META_SOLUTION_ID to its id.",
    ),
}
_SYNONYMS = {
    ("PENDING_DEACTIVATION", "NONE"): ("ACTIVE", "PENDING_DEACTIVATION"),
    ("PENDING_DEACTIVATION", "PENDING_DEACTIVATION"): ("ACTIVE", "PENDING_DEACTIVATION"),
    ("INITIATED", "NONE"): ("INITIATED", "PENDING_ACTIVATION"),
}
"""How the webhook, and answers without the second value, spell the same states."""


def solution_state(status: str, pending: str) -> SolutionState:
    """Return what a pair of values means."""
    pair = (status, pending or "NONE")
    known = _DOCUMENTED.get(_SYNONYMS.get(pair, pair))
    if known is not None:
        return known
    return SolutionState(
        title=f"{status}/{pending}",
        usable=False,
        remedy="Look at it under WhatsApp > Partner solutions: Meta shows a state that waboard "
        "does not know. It is looked at again by itself.",
    )


def compare_solution(whose: str, state: SolutionState) -> Finding:
    """Tell in one line how a solution stands that clients came through; `whose` names them."""
    answer = Answer.YES if state.usable else Answer.NO
    turn = f"Awaiting {state.awaiting}: {state.remedy}" if state.remedy else ""
    said = sentences(f"The partner solution is {state.title}", turn)
    return Finding("", whose, "", Aspect.SOLUTION, answer, said)
