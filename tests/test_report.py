"""The report in Markdown: how it goes with everyone, on one page."""

from datetime import timedelta

from tests.domain.samples import FAILED, GOOD, T0, at, sender
from waboard.domain.report import Milestone, Way, report_of
from waboard.domain.requirements import needs_of
from waboard.domain.waits import OpenWait, WaitKind
from waboard.domain.weekly_cap import CapUse
from waboard.report import page_of

SINCE, NOW = T0 - timedelta(days=7), at(180)
USED_UP = CapUse(cap=10, used=10, queued=4, frees_at=at(60))
UNUSED = CapUse(cap=10, used=0, queued=0, frees_at=None)
LIVE = Way("acme", at(9), dict(zip(Milestone, map(at, range(7)), strict=True)))
BROKEN = Way(
    "lost_one",
    at(9),
    {Milestone.ASKED_FOR: T0},
    needs_of({}, [sender(GOOD, FAILED)], None),
)
WAITING = Way(
    "slow~one",
    None,
    {Milestone.ASKED_FOR: T0, Milestone.SHARED: at(60)},
    needs_of({}, [], OpenWait(WaitKind.REGISTRATION, at(60), at(70), at(999))),
)


def page(*ways: Way, cap: CapUse = UNUSED) -> str:
    return page_of(report_of(ways, cap, SINCE, NOW))


def section(text: str, title: str) -> str:
    """One section of a page."""
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_head_says_it_all_in_a_sentence_and_of_which_time():
    head = page(LIVE, BROKEN, WAITING).partition("\n## ")[0]
    assert head.startswith("# The last 7 days\n\n3 asked for in 7 days, 1 of them came live.")
    assert "From 2025-12-29 09:00:00 to 2026-01-05 12:00:00, UTC." in head


def test_the_funnel_is_a_picture_with_its_numbers_beside_it():
    """Whoever cannot see the picture reads the same."""
    shown = section(page(LIVE, WAITING), "How far they came")
    counts = "asked for 2, admitted 2, shared 2, registered 1, associated 1, verified 1, live 1"
    assert f"![{counts}](data:image/svg+xml;base64," in shown
    assert f"\n{counts.capitalize()}." in shown


def test_each_stretch_says_how_long_it_took_and_who_waits():
    rows = section(page(LIVE, WAITING), "How long it took").splitlines()
    assert "| asked for | admitted | 1 | 60 s | 60 s |  |" in rows
    assert "| shared | registered | 1 | 60 s | 60 s | `slow~one`, for 2 h |" in rows
    assert "| asked for | live | 1 | 6 min | 6 min | `slow~one`, for 3 h |" in rows


def test_a_stretch_that_nobody_went_has_no_times():
    assert "| verified | live | 0 |  |  |  |" in page()


def test_what_failed_says_whose_turn_it_is_and_what_to_do():
    (row,) = section(page(BROKEN), "What failed").strip().splitlines()[2:]
    assert row.startswith("| RegistrationFailed | 1 | **operator** | `lost_one` | Ask Infobip ")


def test_that_nothing_failed_is_said():
    assert section(page(LIVE), "What failed").strip() == "Nothing."


def test_everybody_who_could_be_awaited_has_a_row():
    shown = section(page(WAITING), "Who is awaited now")
    assert "| **infobip** | 1 | AwaitingRegistration 1 | `slow~one`, for 2 h |" in shown
    assert "| **client** | 0 |  |  |" in shown


def test_the_cap_says_what_is_used_what_is_free_and_when_the_next_slot_frees():
    assert section(page(cap=USED_UP), "The weekly cap").strip() == (
        "10 of 10 used in seven days, 0 free. The next slot frees at 2026-01-05 10:00:00. "
        "4 in the queue."
    )
    unused = section(page(cap=UNUSED), "The weekly cap").strip()
    assert unused == "0 of 10 used in seven days, 10 free."


def test_no_phone_number_is_on_it():
    shown = page(LIVE, BROKEN, WAITING)
    assert GOOD not in shown
    assert GOOD[-4:] not in shown
