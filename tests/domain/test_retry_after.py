"""How long another system asks us to wait."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waboard.domain.retry_after import read_retry_after

NOW = datetime(2026, 7, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def read(value: str | None, longest: timedelta = HOUR) -> float | None:
    wait = read_retry_after(value, NOW, longest=longest)
    return None if wait is None else wait.total_seconds()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120\t", 120),
        ("007", 7),
        ("1.5", 1.5),
        ("1.", 1),
    ],
)
def test_a_number_is_seconds(value: str, seconds: float):
    assert read(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "Thu, 23 Jul 2026 12:00:30 GMT",  # RFC 9110's three forms
        "Thursday, 23-Jul-26 12:00:30 GMT",
        "Thu Jul 23 12:00:30 2026",
        "thu, 23 jul 2026 12:00:30 gmt",
        "THU, 23 JUL 2026 12:00:30 UTC",
        "23 Jul 2026 12:00:30 Z",
        "Thu, 23 Jul 2026 12:00:30",
        "Thu, 23 Jul 2026 12:00:30.250 GMT",
        "Thu, 23 Jul 2026 12:00:30 +0000",
        "Thu, 23 Jul 2026 12:00:30 -0000",
        "Thu, 23 Jul 2026 14:00:30 +0200",
        "Thu, 23 Jul 2026 14:00:30 +02:00",
        "Thu, 23 Jul 2026 14:00:30 +02",
        "Thu, 23 Jul 2026 07:30:30 -0430",
        "Thu, 23 Jul 2026 07:00:30 EST",
        "Thursday, 23-Jul-26 14:00:30 +02:00",
        "Thu Jul 23 14:00:30 2026 +0200",
        "Fri, 24 Jul 2026 01:00:30 +1300",
        "2026-07-23T12:00:30Z",
        "2026-07-23T14:00:30+02:00",
        "2026-07-23 12:00:30",
    ],
)
def test_a_date_is_the_same_instant_however_it_is_written(value: str):
    assert read(value) == 30


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "-1",
        "+1",
        "-0",
        "1e3",
        "nan",
        "inf",
        "1,5",
        "120, 120",
        "120 s",
        "²",
        "١٢٠",
        "Thu, 99 Jul 2026 12:00:30 GMT",
        "Thu, 23 Jul 2026 25:00:30 GMT",
        "Thu, 23 Jul 2026",
        "Thu, 23 Jul 2026 12:00:30 MARS",
        "Thu, 23 Jul 2026 12:00:30 GMT+2",
        "Thu, 23 Jul 2026 12:00:30 GMT+0200",
        "Thu, 23 Jul 2026 12:00:30 +9999",
        "Mon, 99 Foo 2026",
    ],
)
def test_what_cannot_be_read_is_none(value: str | None):
    assert read(value) is None


@pytest.mark.parametrize(
    "value",
    ["86400", "9" * 5000, "9" * 400 + ".5", "Fri, 23 Jul 2027 12:00:00 GMT", "9999-12-31T23:59:59"],
)
def test_an_absurd_wait_is_shortened_to_the_longest_that_is_accepted(value: str):
    assert read(value) == 3600
    assert read(value, timedelta(minutes=5)) == 300


@pytest.mark.parametrize(
    "value", ["Thu, 23 Jul 2026 11:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", "0001-01-01"]
)
def test_a_date_that_is_past_means_now(value: str):
    assert read(value) == 0


def imf(at: datetime, zone: str) -> str:
    day, month = DAYS[at.weekday()][:3], MONTHS[at.month - 1]
    return f"{day}, {at.day:02} {month} {at.year} {at:%H:%M:%S} {zone}"


def rfc850(at: datetime, zone: str) -> str:
    day, month = DAYS[at.weekday()], MONTHS[at.month - 1]
    return f"{day}, {at.day:02}-{month}-{at:%y %H:%M:%S} {zone}"


def asctime(at: datetime, zone: str) -> str:
    day, month = DAYS[at.weekday()][:3], MONTHS[at.month - 1]
    return f"{day} {month} {at.day:2} {at:%H:%M:%S} {at.year} {zone}"


OFFSETS = st.integers(-14 * 60, 14 * 60)
FORMS = st.sampled_from([imf, rfc850, asctime])
CASES = st.sampled_from([str, str.lower, str.upper])
COLONS = st.sampled_from(["", ":"])


@given(st.integers(-(10**9), 10**9), OFFSETS, FORMS, COLONS, CASES)
def test_any_instant_is_read_right_in_any_form_zone_and_case(seconds, minutes, form, colon, case):
    """The wait depends on the instant alone, and stays between zero and the longest."""
    local = (NOW + timedelta(seconds=seconds)).astimezone(timezone(timedelta(minutes=minutes)))
    hours, rest = divmod(abs(minutes), 60)
    zone = f"{'-' if minutes < 0 else '+'}{hours:02}{colon}{rest:02}"
    assert read(case(form(local, zone))) == min(max(seconds, 0), 3600)


@given(st.floats(0, 10**12, allow_nan=False), st.integers(0, 10**6))
def test_any_number_of_seconds_is_kept_within_the_longest(seconds: float, longest: int):
    value = f"{seconds:.3f}"
    wait = read(value, timedelta(seconds=longest))
    assert wait == pytest.approx(min(float(value), longest), abs=1e-6)


@given(
    st.text()
    | st.from_regex(r"[A-Za-z]{3}, \d{2} [A-Za-z]{3} \d{1,5} [\d:.]{0,12} ?[-+:\w]{0,7}")
    | st.from_regex(r"[-+]?[\d.,eE]{0,30}")
)
def test_nothing_that_comes_makes_it_fail(value: str):
    wait = read(value)
    assert wait is None or 0 <= wait <= 3600
