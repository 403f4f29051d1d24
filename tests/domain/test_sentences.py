"""A message ends with one full stop, whatever others wrote into it."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.domain.samples import (
    BAD,
    REGISTERED,
    SHARED,
    T0,
    at,
    not_true,
    onboarding,
    read_report,
    sender,
)
from waboard.domain.conditions import Status
from waboard.domain.decisions import Decision, DecisionVerb
from waboard.domain.delivery import ReportError, verdict_of
from waboard.domain.errors import ProviderError, StepRefused, WaboardError
from waboard.domain.health import NumberHealth, WabaHealth
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of
from waboard.domain.parties import Party
from waboard.domain.posting import MessageState, notified
from waboard.domain.readiness import Confirmation, Facts, checklist
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import standing_of
from waboard.domain.registration import Registration
from waboard.domain.sentences import sentence, sentences
from waboard.domain.solution import compare_solution, solution_state
from waboard.domain.subscription import Seen, Shown, WatchedWaba, read_of
from waboard.domain.template import TemplateUpdate

ENDS = [
    "",
    ".",
    "..",
    "...",
    "!",
    "?",
    "…",
    " .",
    ". ",
    ".\n",
    "\n",
    "  ",
    ",",
    ":",
    "?!",
    "!.",
    "….",
]
WORDS = ["", "x", "No such number", "it is v2.1", "see docs.infobip.com", "a.. b", "a . b"]
HOSTILE = [f"{words}{end}" for words in WORDS for end in ENDS]
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.builds(
        "{}{}".format, st.text(st.sampled_from("ab .!?…\n:"), max_size=8), st.sampled_from(ENDS)
    ),
)


def assert_well_ended(message: str) -> None:
    """It has one mark at its end, and none twice or loose before it."""
    assert re.search(r"[^\s.,:;!?…][.!?…]$", message), message
    assert ".." not in message, message
    assert not re.search(r"\s[.!?…](\s|$)", message), message


@given(texts)
@example("…")
@example("..a")
@example("a ..b")
@example("x!")
def test_a_text_ends_with_one_mark_or_says_nothing(text: str):
    ended = sentence(text)
    if re.search(r"[^\s.,:;!?…]", text):
        assert_well_ended(ended)
    else:
        assert ended == ""


@given(texts)
def test_a_sentence_stays_as_it_is(text: str):
    assert sentence(sentence(text)) == sentence(text)


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("x", "x."),
        ("x.", "x."),
        ("x..", "x."),
        ("x ...\n", "x."),
        ("x!", "x!"),
        ("x?!", "x?"),
        ("cut of…", "cut of…"),
        ("Infobip says: ", "Infobip says."),
        ("Infobip says: …", "Infobip says."),
        ("version 3.14", "version 3.14."),
        ("see ../docs", "see ../docs."),
        ("", ""),
        (" . ", ""),
    ],
)
def test_what_it_ends_with_is_kept_where_it_ends_a_sentence(text: str, ended: str):
    assert sentence(text) == ended


def test_parts_that_say_nothing_leave_no_hole():
    assert sentences("One.", "", "Two", " . ") == "One. Two."


# Each message into which an upstream's, or a person's, text comes


def cancelled(said: str) -> Onboarding:
    decision = Decision(DecisionVerb.CANCEL, "ada", said or "Why.", T0)
    return onboarding(cancelled=decision, ended_at=at(1))


def has_left(said: str) -> Onboarding:
    decision = Decision(DecisionVerb.APPROVE, "ada", said or "Why.", T0)
    return onboarding(leaving=decision, left_at=at(1), ended_at=T0)


def refused(said: str) -> Onboarding:
    condition = not_true(REGISTERED, Reason.REGISTRATION_FAILED, message=f"Failed: {said}")
    shared = not_true(SHARED, Reason.SHARE_REFUSED, message=f"No: {said}")
    return onboarding(senders=(sender(BAD, condition),), conditions={SHARED: shared})


def subscription(said: str) -> str:
    held = not_true(SHARED, Reason.PARTNER_ADDED, Status.TRUE)
    waba = WatchedWaba("1", "acme", onboarding().waba_id, None, {}, {})
    conditions = {type(held.type).CONNECTED: held}
    known = WatchedWaba("1", "acme", waba.waba_id, None, conditions, {})
    news = read_of(known, Seen(Shown.REMOVED, said))
    assert news is not None
    return news.message


def undelivered(said: str) -> str:
    report = read_report("rejected")
    error = ReportError(id=7034, name=said)
    return verdict_of([report.model_copy(update={"error": error})]).message


def noted(said: str) -> list[str]:
    confirmed = Confirmation(holds=True, who="ada", at=T0, note=said)
    keys = ("developer", "whatsapp")
    answers = checklist(
        Facts(now=T0), {keys[0]: confirmed, keys[1]: Confirmation(False, "a", T0, said)}
    )
    return [c.answer.said for c in answers if c.item.key in keys]


def upstream_error(said: str) -> str:
    failed = ProviderError(
        f"share: {said}",
        remedy=f"Correct: {said}",
        awaiting=Party.OPERATOR,
        retryable=False,
        ambiguous=False,
    )
    return str(failed)


@given(texts)
def test_no_message_ends_otherwise(said: str):
    change = {"type": "STATUS", "newStatus": said or "x", "reason": said}
    template = {
        "messageTemplateId": "1",
        "messageTemplateName": "verify",
        "messageTemplateLanguage": "en",
        "change": change,
    }
    messages = [
        outcome_of(cancelled(said)).message,
        outcome_of(has_left(said)).message,
        outcome_of(refused(said)).message,
        outcome_of(onboarding(registration=Registration(info=said))).message,
        subscription(said),
        undelivered(said),
        *noted(said),
        str(NumberHealth(said=said)),
        str(WabaHealth(said=said)),
        str(TemplateUpdate.model_validate(template)),
        notified("Live", MessageState.PENDING, said, T0).message,
        notified("Live", MessageState.GIVEN_UP, said, T0).message,
        compare_solution("acme", solution_state("NEW", "NONE")).said,
        upstream_error(said),
        str(WaboardError(f"It broke: {said}", remedy="")),
        str(StepRefused(f"It broke: {said}", reason=Reason.SHARE_REFUSED)),
        *(v.message for v in [standing_of("BANNED")] if v),
    ]
    for message in messages:
        assert_well_ended(message)
