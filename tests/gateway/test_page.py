"""What the signup page is made of: its language, what Meta's window is given, its policy."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.domain.samples import T0
from tests.gateway.desk import desk_settings
from waboard.gateway.page import (
    LANGUAGES,
    content_policy,
    extras_for,
    language_of,
    page_texts,
)
from waboard.ledger.models import SignupRow
from waboard.settings import Settings

SOLUTION, OTHER_SOLUTION = "900000000000001", "900000000000002"


def link(**facts: Any) -> SignupRow:
    """A link with these facts."""
    return SignupRow(id="5a1d", facts={"client_ref": "acme", **facts}, expires_at=T0)


def settings(**given: str) -> Settings:
    return desk_settings(Path("ledger.db"), **given)


def extras(row: SignupRow | None = None, **given: str) -> dict[str, Any]:
    return extras_for(settings(**given), row)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("es", "es"),
        ("JA", "ja"),
        ("pt-BR", "pt"),
        ("es-419,es;q=0.9,en;q=0.8", "es"),
        ("de,fr;q=0.8", "en"),
        ("de, fr;q=0.9, ja;q=0.8", "ja"),
        ("en;q=0.1, pt;q=0.2", "pt"),
        ("ja;q=0.5,es;q=0.5", "ja"),
        ("zh-Hant-TW, es;q=0.001", "es"),
        ("es;q=nonsense, ja", "ja"),
        ("es;q=, ja;q=0.5", "es"),
        (",,;q=1,", "en"),
        ("\x00ünsinn", "en"),
    ],
)
def test_the_page_speaks_the_first_of_the_browsers_languages_that_it_knows(
    accepted: str, language: str
):
    """By their weight, and where that is equal by their order; English when it knows none."""
    assert language_of(None, accepted) == language
    assert language_of(link(), accepted) == language
    assert language_of(link(language=None), accepted) == language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("es; q=0.9", "es"), ("ja ;q=0.2, pt;q=0.1", "ja"), ("es;q=0", "en"), ("es;q=0, *", "en")],
)
def test_weights_are_written_as_http_has_it(accepted: str, language: str):
    """Spaces may stand around the semicolon, and 0 is a language that is not wanted."""
    assert language_of(None, accepted) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_links_own_language_counts_more_than_the_browsers(language: str):
    """The provider knows its client."""
    for accepted in ("", "en", "es;q=1, ja"):
        assert language_of(link(language=language), accepted) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_is_of_its_language(language: Any):
    """No two languages share all of theirs."""
    texts = page_texts(language)
    assert all(isinstance(text, str) and text.strip() for text in texts.values())
    others = [page_texts(other) for other in LANGUAGES if other != language]
    assert all(texts["title"] != other["title"] for other in others)


def test_metas_window_is_given_what_embedded_signup_needs():
    """A setup, if an empty one; no version, since the login configuration decides."""
    assert extras() == {"setup": {}, "featureType": "", "sessionInfoVersion": "3"}
    assert extras(link()) == extras()


def test_the_partner_solution_is_the_links_own_or_the_one_that_is_set():
    """With a wrong one the client would be onboarded into it."""
    assert extras(meta_solution_id=SOLUTION)["setup"] == {"solutionID": SOLUTION}
    assert extras(link(), meta_solution_id=SOLUTION)["setup"] == {"solutionID": SOLUTION}
    own = link(solution_id=OTHER_SOLUTION)
    assert extras(own, meta_solution_id=SOLUTION)["setup"] == {"solutionID": OTHER_SOLUTION}
    assert extras(own)["setup"] == {"solutionID": OTHER_SOLUTION}


def test_what_is_prefilled_goes_into_the_setup_as_it_is():
    prefill = {"business": {"name": "Acme", "phone": {"code": 1, "number": "3135138538"}}}
    row = link(prefill=prefill)
    assert extras(row, meta_solution_id=SOLUTION)["setup"] == {**prefill, "solutionID": SOLUTION}


def test_no_prefill_brings_a_client_into_another_solution():
    row = link(prefill={"solutionID": OTHER_SOLUTION})
    assert extras(row, meta_solution_id=SOLUTION)["setup"] == {"solutionID": SOLUTION}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"setup": {"solutionID": SOLUTION}, "featureType": "", "sessionInfoVersion": "3"}),
        (
            {"version": "v4", "featureType": "whatsapp_business_app_onboarding"},
            {
                "setup": {"solutionID": SOLUTION},
                "featureType": "whatsapp_business_app_onboarding",
                "sessionInfoVersion": "3",
                "version": "v4",
            },
        ),
        (
            {"featureType": None, "sessionInfoVersion": None, "none": None},
            {"setup": {"solutionID": SOLUTION}},
        ),
        ({"setup": None, "featureType": None, "sessionInfoVersion": None}, {}),
        (
            {"setup": {"solutionID": None, "business": {"name": "A"}}},
            {
                "setup": {"business": {"name": "A"}},
                "featureType": "",
                "sessionInfoVersion": "3",
            },
        ),
        (
            {"setup": 5, "features": [{"name": "app_only_install"}]},
            {
                "setup": 5,
                "featureType": "",
                "sessionInfoVersion": "3",
                "features": [{"name": "app_only_install"}],
            },
        ),
    ],
)
def test_each_member_can_be_set_and_taken_out(given: dict[str, Any], expected: dict[str, Any]):
    """Meta's pages disagree over what its window needs, and change."""
    found = extras(link(), meta_solution_id=SOLUTION, meta_extras=json.dumps(given))
    assert found == expected


def test_what_is_set_counts_more_than_what_is_prefilled_member_by_member():
    row = link(prefill={"business": {"name": "Acme", "id": "5"}, "phone": {"category": "A"}})
    given = {"setup": {"business": {"name": "Other", "id": None}}}
    setup = extras(row, meta_extras=json.dumps(given))["setup"]
    assert setup == {"business": {"name": "Other"}, "phone": {"category": "A"}}


def test_a_null_is_left_out_wherever_it_stands():
    """As RFC 7396 has it."""
    given = {"setup": {"business": {"name": "A", "id": None}}}
    assert extras(meta_extras=json.dumps(given))["setup"] == {"business": {"name": "A"}}


def test_what_a_page_is_given_changes_neither_the_link_nor_the_settings():
    """The next client's page is made of them as well."""
    row = link(prefill={"business": {"name": "Acme"}})
    ours = settings(meta_extras='{"setup": {"business": {"id": "5"}}}', meta_solution_id=SOLUTION)
    before = copy.deepcopy((row.facts, ours.meta_extras))
    first = extras_for(ours, row)
    first["setup"]["business"]["name"] = "Other"
    first["more"] = 1
    assert (row.facts, ours.meta_extras) == before
    assert extras_for(ours, row)["setup"]["business"] == {"name": "Acme", "id": "5"}
    assert extras_for(ours, None) == {
        "setup": {"business": {"id": "5"}, "solutionID": SOLUTION},
        "featureType": "",
        "sessionInfoVersion": "3",
    }


def policy(**given: str) -> dict[str, list[str]]:
    """The page's policy, by directive."""
    parts = [part.split() for part in content_policy(settings(**given)).split("; ")]
    return {name: sources for name, *sources in parts}


def test_the_page_runs_its_own_script_and_metas_and_no_other():
    found = policy()
    assert found["default-src"] == ["'none'"]
    assert found["script-src"] == ["'self'", "https://connect.facebook.net"]
    assert found["frame-ancestors"] == found["base-uri"] == found["form-action"] == ["'none'"]
    assert not any("unsafe" in source for sources in found.values() for source in sources)
    assert not any(source == "*" for sources in found.values() for source in sources)


def test_the_policy_follows_the_address_of_metas_script():
    """The sandbox serves it from this machine; only the origin counts, not the path."""
    found = policy(meta_sdk_url="http://127.0.0.1:8430/facebook/sdk.js?x=1")
    assert found["script-src"] == ["'self'", "http://127.0.0.1:8430"]
    assert "http://127.0.0.1:8430" in found["connect-src"]
    assert "http://127.0.0.1:8430" in found["frame-src"]
    assert "sdk.js" not in str(found)
