"""The table of endpoints, and the page that shows it."""

import re
from pathlib import Path

from waboard.infobip import endpoints
from waboard.infobip.endpoints import GET_TEMPLATE, Endpoint
from waboard.infobip.limits import LIMITS, UNPUBLISHED

ENDPOINTS = [each for each in vars(endpoints).values() if isinstance(each, Endpoint)]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "infobip.md"


def test_each_id_stands_in_its_place_and_is_quoted():
    """An id cannot climb out of it."""
    path = GET_TEMPLATE.at("447860041117", "a/b")
    assert path == "/whatsapp/2/senders/447860041117/templates/a%2Fb"


def test_no_operation_is_listed_twice():
    """Two names for one call would drift apart."""
    assert len({(each.method, each.path) for each in ENDPOINTS}) == len(ENDPOINTS)


def test_every_limit_is_some_operations_limit():
    """And an operation has a bucket also where no limit is published."""
    assert {each.bucket for each in ENDPOINTS} == LIMITS.keys() | UNPUBLISHED
    assert not LIMITS.keys() & UNPUBLISHED


def test_only_reading_and_asking_change_nothing():
    """What makes an unknown outcome matter."""
    unchanging = {each.path for each in ENDPOINTS if not each.changes and each.method != "GET"}
    assert unchanging == {"/messages-api/1/messages/validate"}
    assert not any(each.changes for each in ENDPOINTS if each.method == "GET")


def test_the_page_lists_every_endpoint_once_and_no_other():
    """Its limits and scopes are checked with all the other pages."""
    told = re.findall(r"^\| [^|]+ \| `([A-Z]+)` \| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE)
    shown = [(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in told]
    assert sorted(shown) == sorted((each.method, each.path) for each in ENDPOINTS)
