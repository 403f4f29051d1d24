"""How live tests are shared out among the processes of `make test`."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all tests")
def test_live_tests_that_share_a_waboard_run_in_one_process(request: pytest.FixtureRequest) -> None:
    """Else each process starts one of its own, which takes half a minute."""
    groups = {item.nodeid.rpartition("@")[2] for item in request.session.items if _is_live(item)}
    assert groups == {"live", "live: other half", "test_readme"}


def _is_live(item: pytest.Item) -> bool:
    return item.get_closest_marker("live") is not None
