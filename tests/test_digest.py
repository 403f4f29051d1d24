"""The digest as one message."""

from prefect.settings import PREFECT_UI_URL, temporary_settings

from tests.domain.samples import T0
from waboard.digest import message_of
from waboard.domain.digest import MOST, Digest, Line


def test_each_line_stands_under_its_heading():
    parts = [("Late", [Line("acme: late.", None)]), ("Ended", [Line("bakery: Live", None)])]
    assert message_of(Digest(T0, parts)) == (
        "Late:\n- acme: late.\n\nEnded since 2026-01-05 09:00 UTC:\n- bakery: Live"
    )


def test_a_line_links_to_its_run():
    run_id = "5f1c0f9e-8a52-4f0e-8a3e-0f0f6d3d2b10"
    with temporary_settings({PREFECT_UI_URL: "http://ui.test"}):
        told = message_of(Digest(T0, [("Late", [Line("acme: late.", run_id)])]))
    assert told.endswith(f"acme: late. http://ui.test/runs/flow-run/{run_id}")


def test_a_long_list_is_cut_and_says_so():
    told = message_of(Digest(T0, [("Late", [Line(f"c{n}", None) for n in range(MOST + 2)])]))
    assert told.count("\n- ") == MOST + 1
    assert told.endswith("- and 2 more: `waboard status`")


def test_an_empty_one_says_that_it_is():
    assert message_of(Digest(T0, [])) == (
        "Nobody needs a person, and nothing ended since 2026-01-05 09:00 UTC."
    )
