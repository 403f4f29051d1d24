"""A remedy can be done by whoever it names, and speaks of things that there are."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.domain.samples import T0
from tests.names import missing_pages, unknown_commands, unknown_settings
from waboard import reference
from waboard.domain.chat_errors import CHAT_ERRORS
from waboard.domain.parties import Party
from waboard.domain.readiness import ITEMS
from waboard.domain.reasons import (
    GUIDANCE,
    OF_A_REPLY,
    REGISTRATION_HINTS,
    WITH_A_PAGE,
    Reason,
    Situation,
    guidance_for,
)
from waboard.domain.requirements import remedy_of
from waboard.domain.sentences import sentence
from waboard.domain.solution import solution_state
from waboard.domain.waits import WORDS, WaitKind
from waboard.infobip import endpoints
from waboard.infobip.errors import no_answer
from waboard.infobip.errors import refused as refused_by_infobip
from waboard.meta.errors import RULES

STATES = (
    ("INITIATED", "PENDING_ACTIVATION"),
    ("DRAFT", "NONE"),
    ("REJECTED", "NONE"),
    ("DEACTIVATED", "NONE"),
    ("NEW", "NONE"),
)
PAGE, REPLIES = Situation(has_page=True), Situation(replies=True)
FAILED = Reason.MESSAGE_REJECTED


def guided() -> Iterator[tuple[str, Party, str]]:
    """Every remedy that comes with whose turn it is."""
    tables = {"": GUIDANCE, "page": WITH_A_PAGE, "reply": OF_A_REPLY, "hint": REGISTRATION_HINTS}
    for of, table in tables.items():
        yield from ((f"{of} {key}", each.awaiting, each.remedy) for key, each in table.items())
    for code in CHAT_ERRORS:
        for situation in (Situation(), REPLIES):
            each = guidance_for(FAILED, f"It failed: X ({code}).", situation)
            yield f"chat error {code} {situation.replies}", each.awaiting, each.remedy
    for kind, words in WORDS.items():
        yield kind, words.awaiting, words.remedy
        yield f"{kind} page", words.awaiting, remedy_of(kind, PAGE)
    for pair in STATES:
        state = solution_state(*pair)
        yield "/".join(pair), state.awaiting, state.remedy
    for code, rule in RULES.items():
        yield f"Meta {code}", rule.awaiting, rule.remedy
    yield from of_infobip()


def of_infobip() -> Iterator[tuple[str, Party, str]]:
    for status in (302, 400, 401, 403, 404, 408, 409, 422, 429, 500):
        body = json.dumps({"errorCode": "E", "description": "No", "action": "Look"})
        response = httpx.Response(status)
        error = refused_by_infobip("Sharing", endpoints.SHARE_WABA, response, raw=body, now=T0)
        yield f"Infobip {status}", error.awaiting, error.remedy
    for failure in (httpx.ConnectError("no"), httpx.ReadTimeout("no")):
        error = no_answer("Sharing", endpoints.SHARE_WABA, failure)
        yield type(failure).__name__, error.awaiting, error.remedy


GUIDED = list(guided())
OTHERS = sorted({each.remedy for each in reference.errors()} | {item.where for item in ITEMS})
REMEDIES = sorted({r for *_, r in GUIDED} | set(OTHERS))
"""Each rule is one test over all of them, which names every remedy that breaks it."""

ACTS = {
    Party.US: r"Nothing to do\b",
    Party.CLIENT: r"The client \w+",
    Party.INFOBIP: r"(Nothing to do\b|Infobip('s support)? (?!is\b)\w+)",
    Party.META: r"(Nothing to do\b|Meta \w+)",
    Party.OPERATOR: r"(?!Nothing to do|The |A |Infobip\b|Meta\b|It |Your )[A-Z][a-z]+ ",
}
"""How the sentence begins: whoever is awaited is its subject, and the operator is spoken to."""


def test_whoever_is_awaited_is_who_acts():
    assert [each for each in GUIDED if not re.match(ACTS[each[1]], each[2])] == []


def test_it_ends_as_a_sentence_and_says_once_that_the_run_is_to_be_retried():
    assert [each for each in GUIDED if sentence(each[2]) != each[2]] == []
    retried = [each for each in GUIDED if len(_RETRY.findall(each[2])) > 1]
    assert retried == []


_RETRY = re.compile(r"\bretry\b", re.IGNORECASE)


def test_what_it_names_exists():
    for find in (unknown_settings, unknown_commands, missing_pages):
        assert {remedy: found for remedy in REMEDIES if (found := find(remedy))} == {}


def test_a_command_that_it_names_can_be_typed_as_it_stands():
    """With what it needs: a command that only says what is missing helps nobody."""
    assert [line for remedy in REMEDIES for line in _cannot_be_typed(remedy)] == []


def _cannot_be_typed(remedy: str) -> Iterator[str]:
    for command, needs in (
        ("reconnect", "--why"),
        ("outbox replay", "--since"),
        ("offboard", "--(why|approve|done)"),
        ("retry", "--why|lets it go on"),
        ("sender add", "--display-name"),
    ):
        for line in re.findall(rf"`waboard {command}\b[^`]*`", remedy):
            bare = line == f"`waboard {command}`"  # named as a command, not to be typed
            if not bare and not re.search(needs, line):
                yield line


CONSTANTS = {"24 hours", "30 days", "3 days"}
"""What is no setting: Meta's rule, what the ledger keeps, and how long a step is taken up again."""


def test_no_time_is_told_that_can_be_set():
    """A remedy says what is set, or says it without a number."""
    numbers = r"(?:\d+|two|three|five|ten|fifteen)"
    times = re.compile(rf"\b{numbers} (?:seconds|minutes|hours|days)\b")
    assert {r: told for r in REMEDIES if (told := set(times.findall(r)) - CONSTANTS)} == {}


class TestWhoWritesToANumber:
    """How is told by what there is: a page of the client's own, or the card of the run."""

    @pytest.mark.parametrize("reason", [Reason.INBOUND_AWAITED, Reason.NO_INBOUND])
    def test_without_a_signup_page_the_link_is_on_the_card(self, reason: Reason):
        remedy = guidance_for(reason, "").remedy
        assert ("card" in remedy, "signup page" in remedy) == (True, False)

    @pytest.mark.parametrize("reason", [Reason.INBOUND_AWAITED, Reason.NO_INBOUND])
    def test_with_one_it_is_there(self, reason: Reason):
        assert "signup page" in guidance_for(reason, "", PAGE).remedy

    def test_the_wait_says_the_same(self):
        assert "card" in remedy_of(WaitKind.INBOUND, Situation())
        assert "signup page" in remedy_of(WaitKind.INBOUND, PAGE)


@pytest.mark.parametrize("reason", sorted({*OF_A_REPLY, Reason.MESSAGE_EXPIRED}))
def test_of_a_reply_neither_template_nor_test_recipient_is_named(reason: Reason):
    """None of them had to do with it, whatever the code."""
    messages = ["It failed.", *(f"It failed: X ({code})." for code in CHAT_ERRORS)]
    remedies = {guidance_for(reason, message, REPLIES).remedy for message in messages}
    wrong = re.compile("template|test recipient|TEST_RECIPIENT", re.IGNORECASE)
    assert [each for each in remedies if wrong.search(each)] == []
