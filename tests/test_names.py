"""The tests of the pages find what they look for."""

import pytest

from tests.names import missing_pages, unknown_commands, unknown_settings, unknown_words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`WABOARD_PUBLIC_URL`", set()),
        ("WABOARD_META_… settings, `WABOARD_…_REMIND`", set()),
        ("`WABOARD_PROVIDER_WEBHOOK_SECRET`", {"WABOARD_PROVIDER_WEBHOOK_SECRET"}),
        ("WABOARD_NOTHING_…", {"WABOARD_NOTHING_…"}),
    ],
)
def test_a_setting_that_nobody_reads_is_found(text: str, found: set[str]):
    assert unknown_settings(text) == found


@pytest.mark.parametrize(
    "line",
    [
        "retry CLIENT_REF",
        "retry acme --why …",
        "onboard",
        "events show EVENT_ID",
        "offboard acme --done …",
        "--help",
        "COMMAND --help",
        "sender",
    ],
)
def test_a_command_may_be_named_with_placeholders_or_without_what_it_needs(line: str):
    assert unknown_commands(f"`waboard {line}`") == []
    assert unknown_commands(f"```\nwaboard {line}   # why\n```") == []


@pytest.mark.parametrize(
    "line",
    [
        "leave acme",
        "retry acme --because x",
        "status acme bakery",
        "events show first",
        "offboard CLIENT_REF --done nothing",
        "sender remove acme",
    ],
)
def test_a_command_that_is_not_taken_is_found(line: str):
    assert len(unknown_commands(f"`waboard {line}`")) == 1
    assert len(unknown_commands(f"```\nwaboard {line}\n```")) == 1


def test_a_word_of_nobody_s_is_found():
    assert unknown_words("`NoReport`, `Live`, AwaitingSlot, WhatsApp") == set()
    assert unknown_words("`NoReports` and SlotAwaiting") == {"NoReports", "SlotAwaiting"}


def test_a_page_or_heading_that_is_not_there_is_found():
    assert missing_pages("docs/http.md, docs/http.md#errors") == set()
    assert missing_pages("docs/no.md, docs/http.md#no") == {"no.md#", "http.md#no"}
