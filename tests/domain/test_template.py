"""Templates: what is made where one is missing, and what is said when one changes."""

import json
from typing import Any

import pytest

from tests.domain.samples import TEMPLATE, not_true, true
from waboard.domain.conditions import Status
from waboard.domain.facts import template_facts
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer
from waboard.domain.template import (
    GONE,
    HOPELESS,
    USABLE,
    read_of_template,
    still_usable,
    text_in,
)
from waboard.infobip.templates import TemplateStatus

UPDATE: dict[str, Any] = {
    "messageTemplateId": "111",
    "messageTemplateName": "waboard_verification",
    "messageTemplateLanguage": "en",
    "timestamp": "2026-01-05T09:00:00.000+0000",
    "change": {"type": "TEMPLATE_STATUS_UPDATE", "newStatus": "APPROVED", "reason": "NONE"},
    "entityId": 123456,
}


@pytest.mark.parametrize("language", ["en", "en_GB", "de", "xx_YY"])
def test_most_languages_are_spoken_to_in_english(language: str):
    """The provider may give a text of its own."""
    assert text_in(language).startswith("This is a test")


@pytest.mark.parametrize(
    ("language", "word"), [("es_MX", "prueba"), ("pt_BR", "teste"), ("ja", "テスト")]
)
def test_a_few_have_a_text_of_their_own(language: str, word: str):
    assert word in text_in(language)


def test_every_status_that_decides_is_usable_or_hopeless():
    assert set(TemplateStatus) >= USABLE | HOPELESS
    assert not USABLE & HOPELESS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"newStatus": "APPROVED", "reason": "NONE"}, "APPROVED."),
        ({"newStatus": "REJECTED", "reason": "SCAM"}, "REJECTED (SCAM)."),
        (
            {"type": "TEMPLATE_CATEGORY_UPDATE", "newCategory": "MARKETING"},
            "TEMPLATE_CATEGORY_UPDATE.",
        ),
    ],
)
def test_a_change_is_told_in_one_line(change: dict[str, Any], said: str):
    update = UPDATE | {"change": {"type": "TEMPLATE_STATUS_UPDATE"} | change}
    (fact,) = template_facts(json.dumps(update).encode())
    assert fact.settled == f"Template waboard_verification (en): {said}"


def test_one_that_cannot_be_read_says_why():
    (fact,) = template_facts(b'{"messageTemplateId": 1}')
    assert fact.problem == "change: Field required"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"messageTemplateName": None}, "Template 111 (en): APPROVED."),
        ({"messageTemplateId": {}}, "Template waboard_verification (en): APPROVED."),
        ({"messageTemplateLanguage": ""}, "Template waboard_verification: APPROVED."),
        ({"timestamp": []}, "Template waboard_verification (en): APPROVED."),
    ],
)
def test_one_of_its_names_is_enough(odd: dict[str, Any], said: str):
    (fact,) = template_facts(json.dumps(UPDATE | odd).encode())
    assert fact.settled == said


@pytest.mark.parametrize(
    ("odd", "missing"),
    [
        ({"messageTemplateName": "", "messageTemplateId": None}, "messageTemplateName"),
        ({"change": {"type": None, "newStatus": 7}}, "newStatus"),
    ],
)
def test_which_template_and_what_changed_are_needed(odd: dict[str, Any], missing: str):
    (fact,) = template_facts(json.dumps(UPDATE | odd).encode())
    assert fact.problem is not None
    assert missing in fact.problem


FINE = ["APPROVED", "REINSTATED", "FLAGGED"]
LOST = [
    "REJECTED",
    "DISABLED",
    "DELETED",
    "PENDING_DELETION",
    "ARCHIVED",
    "FIRST_PAUSED",
    "SECOND_PAUSED",
    GONE,
]
UNCLEAR = ["PENDING", "IN_APPEAL", "SOMETHING_NEW", ""]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        *((status, Answer.YES) for status in FINE),
        *((status, Answer.NO) for status in LOST),
        *((status, Answer.UNKNOWN) for status in UNCLEAR),
    ],
)
def test_a_status_says_whether_a_template_can_be_sent_now(status: str, answer: Answer):
    assert still_usable(status) is answer


HELD = {
    "approved": true(TEMPLATE),
    "lost": not_true(TEMPLATE, Reason.TEMPLATE_LOST),
    "pending": not_true(TEMPLATE, Reason.TEMPLATE_PENDING, Status.UNKNOWN),
}


@pytest.mark.parametrize(
    ("held", "status", "reason"),
    [
        *(("approved", status, Reason.TEMPLATE_APPROVED) for status in FINE),
        *(("approved", status, Reason.TEMPLATE_LOST) for status in LOST),
        *(("approved", status, None) for status in UNCLEAR),
        *(("lost", status, Reason.TEMPLATE_APPROVED) for status in ("APPROVED", "REINSTATED")),
        *(("lost", status, Reason.TEMPLATE_LOST) for status in LOST),
        ("lost", "FLAGGED", None),
        ("pending", "APPROVED", Reason.TEMPLATE_APPROVED),
        *(("pending", status, None) for status in (*LOST, "FLAGGED", "PENDING")),
    ],
)
def test_only_what_was_approved_once_can_be_lost(held: str, status: str, reason: Reason | None):
    """Of one that never was, its run judges."""
    verdict = read_of_template(HELD[held], status)
    assert (verdict.reason if verdict else None) is reason


def test_a_language_is_known_by_its_beginning():
    for language in ("pt", "pt_BR", "PT_br"):
        assert text_in(language).startswith("Este é um teste")
