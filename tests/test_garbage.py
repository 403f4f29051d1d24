"""How often garbage is looked for, in processes that live long."""

import gc

import pytest

from waboard.garbage import YOUNG, collect_seldom


@pytest.fixture(autouse=True)
def as_before():
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_is_there_by_now_is_looked_through_no_more():
    kept = [object() for _ in range(10)]
    collect_seldom()
    assert gc.get_freeze_count() > len(kept)
    assert len(gc.get_objects()) < gc.get_freeze_count()


def test_garbage_that_comes_later_is_still_found():
    """Also such as refers to itself, which nothing else frees."""
    collect_seldom()
    found = gc.get_stats()[0]["collected"]
    for _ in range(YOUNG * 2):
        itself: list[object] = []
        itself.append(itself)
    assert gc.get_stats()[0]["collected"] > found
