"""Sealing what is secret before it is stored."""

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from waboard.domain.errors import BadInput, WaboardError
from waboard.sealing import Sealer

TOKEN = SecretStr("EAAG-business-token")


def key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


def test_what_was_sealed_is_opened_with_the_same_key_and_cannot_be_read_without():
    sealer = Sealer([key()])
    sealed = sealer.seal(TOKEN)
    assert TOKEN.get_secret_value() not in sealed
    assert sealer.open(sealed) == TOKEN
    with pytest.raises(WaboardError, match="WABOARD_TOKEN_KEYS") as caught:
        Sealer([key()]).open(sealed)
    assert sealed not in str(caught.value)


def test_keys_are_rotated_by_putting_the_new_one_first():
    old, new = key(), key()
    sealed = Sealer([old]).seal(TOKEN)
    both = Sealer([new, old])
    assert both.open(sealed) == TOKEN
    assert Sealer([new]).open(both.seal(TOKEN)) == TOKEN


@pytest.mark.parametrize("bad", ["", "short", "x" * 44, "é" * 44])
def test_what_is_no_key_is_refused_with_the_way_to_make_one(bad: str):
    with pytest.raises(BadInput, match=r"WABOARD_TOKEN_KEYS.*generate_key"):
        Sealer([SecretStr(bad)])
