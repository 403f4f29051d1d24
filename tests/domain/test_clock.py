"""The time."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from waboard.domain.clock import ProviderTime, utc_now


def test_the_clock_outside_tests_tells_the_time_in_utc():
    """A time without a zone would mean something else on every machine."""
    before = datetime.now(UTC)
    now = utc_now()
    assert now.utcoffset() == timedelta(0)
    assert before <= now <= datetime.now(UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-05T09:00:00.000+0000",
        "2026-01-05T09:00:00Z",
        "2026-01-05T18:00:00+09:00",
        "2026-01-05T09:00:00",
        1767603600,
    ],
)
def test_a_provider_s_time_is_in_utc_however_it_is_written(written):
    """Without a zone it is taken for UTC, so that all of them can be compared."""
    read = TypeAdapter(ProviderTime).validate_python(written)
    assert read == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert read.utcoffset() == timedelta(0)
