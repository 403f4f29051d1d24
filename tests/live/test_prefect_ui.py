"""What an operator sees: the run in the Prefect UI, in a real browser."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.live.board import Board, sender, until

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A page of an operator's size."""
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    yield opened
    opened.close()


def test_a_waiting_run_says_what_it_waits_for(board: Board, page: Page) -> None:
    """Its badge is the wait's own name, its tag makes it findable."""
    board.decide(8101, silent=True, senders=[sender(2001)])
    board.start("browsed", 8101)
    board.state("browsed", "AwaitingRegistration")
    page.goto(board.show("browsed")["links"]["flow_run"])
    expect(page.get_by_text("browsed · WABA …8101 · attempt 1").first).to_be_visible()
    expect(page.get_by_text("AwaitingRegistration", exact=True).first).to_be_visible()
    expect(page.get_by_text("waiting:registration").first).to_be_visible()
    board.cancel("browsed")


def test_the_runs_list_shows_the_outcome(board: Board, page: Page) -> None:
    """The list alone answers how a client's onboarding ended."""
    board.decide(8102, senders=[sender(2101), sender(2102, status="FAILED")])
    board.start("listed", 8102)
    board.ended("listed")
    board.state("listed", "LiveLimited")
    page.goto(f"{board.prefect_url}/runs")
    expect(page.get_by_text("listed · WABA …8102 · attempt 1").first).to_be_visible()
    expect(page.get_by_text("LiveLimited", exact=True).first).to_be_visible()


def test_the_report_is_drawn_with_its_picture(board: Board, page: Page) -> None:
    """By the deployment that does so each morning; a browser has really drawn the picture."""
    board.decide(8103, senders=[sender(2301)])
    board.start("reported", 8103)
    board.ended("reported")
    page.goto(f"{board.prefect_url}/artifacts/artifact/{_reported(board)}")
    expect(page.get_by_role("heading", name="How long it took")).to_be_visible()
    picture = page.get_by_role("img", name=re.compile("^asked for"))
    expect(picture).to_be_visible()
    until(lambda: picture.evaluate("image => image.naturalWidth") > 0, "the picture to be drawn")


def _reported(board: Board) -> str:
    """Have the report drawn up, and return its artifact's id."""
    deployment = board.prefect.get("/deployments/name/report/report").json()["id"]
    run = board.prefect.post(f"/deployments/{deployment}/create_flow_run", json={}).json()["id"]
    url = f"/flow_runs/{run}"
    until(lambda: board.prefect.get(url).json()["state"]["name"] == "Reported", "the report")
    query = {"artifacts": {"flow_run_id": {"any_": [run]}, "key": {"any_": ["report"]}}}
    (artifact,) = board.prefect.post("/artifacts/filter", json=query).json()
    return artifact["id"]
