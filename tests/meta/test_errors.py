"""What Meta's errors say to a person."""

import json

import httpx
import pytest

from tests.domain.test_sentences import HOSTILE, assert_well_ended
from waboard.meta.errors import refused


@pytest.mark.parametrize("said", HOSTILE)
@pytest.mark.parametrize("name", ["message", "error_user_msg"])
def test_what_meta_says_ends_with_one_mark(name: str, said: str):
    raw = json.dumps({"error": {name: said, "code": 100}})
    error = refused("Subscribing", httpx.Response(400), raw=raw, changes=True)
    assert_well_ended(error.message)
    assert_well_ended(str(error))
