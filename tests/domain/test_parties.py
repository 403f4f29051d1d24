"""Whose turn it is."""

from waboard.domain.parties import Party


def test_there_are_five_parties_who_may_have_to_act():
    """Their names go over the wire, so they stay as they are."""
    assert [*map(str, Party)] == ["us", "client", "operator", "infobip", "meta"]
