"""The signup page in a real browser, against the sandbox's Facebook: every way that it can go."""

import re
import sqlite3
from collections.abc import Generator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.live.board import Board, until
from waboard.domain.requests import Language
from waboard.gateway.page import page_texts

pytestmark = pytest.mark.browser
TEXTS = page_texts("en")
_numbers = count(1)


class Visit:
    """One client with a link of its own, at its signup page."""

    def __init__(self, board: Board, browser: BrowserContext) -> None:
        number = next(_numbers)
        self.board, self.browser = board, browser
        self.client_ref, self.waba_id = f"signup-{number}", f"5550000{number:04d}"
        fate = board.sandbox.get(f"/sandbox/wabas/{self.waba_id}").json()["fate"]
        # Which portfolio is theirs is known of most clients, and tells apart who else has a link.
        business = {"id": str(fate["business_portfolio_id"])}
        self.url = self.new_link(prefill={"business": business})
        self.errors: list[str] = []
        self.page = self.tab()

    def new_link(self, **facts: Any) -> str:
        """A link for the same client."""
        asked = {"client_ref": self.client_ref, **facts}
        answer = self.board.gateway.post("/v1/signup-links", json=asked)
        return answer.raise_for_status().json()["url"]

    def tab(self) -> Page:
        """The page in one more tab, ready to be used."""
        page = self.browser.new_page()
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(self.url)
        return page

    def ready(self, page: Page | None = None) -> Page:
        """The page once Facebook's script is there."""
        shown = page or self.page
        expect(shown.locator("body")).to_have_attribute("data-sdk", "ready")
        return shown

    def leave(self, button: str, page: Page | None = None) -> None:
        """Click through to Facebook's window and end there by one of its buttons."""
        shown = self.ready(page)
        with shown.expect_popup() as opened:
            shown.get_by_role("button", name=TEXTS["connect_button"]).click()
        popup = opened.value
        popup.locator("#waba").fill(self.waba_id)
        with popup.expect_event("close"):
            popup.locator(f"#{button}").click()

    def sees(self, text: str, page: Page | None = None) -> None:
        """The client reads this."""
        expect((page or self.page).locator("#notice")).to_have_text(re.compile(re.escape(text)))

    def is_onboarded(self) -> None:
        """An onboarding of this WABA began, and the client sees it through to its end."""
        until(lambda: self.onboardings(), f"{self.client_ref} to begin")
        assert self.onboardings() == [self.waba_id]
        expect(self.page.locator("#notice")).to_have_text(TEXTS["why_live"], timeout=60_000)

    def onboardings(self) -> list[str]:
        """The WABAs of the client's onboardings."""
        found = self.board.gateway.get(
            "/v1/onboardings", params={"client_ref": self.client_ref}
        ).json()
        return [each["waba_id"] for each in found]

    def link(self) -> dict[str, str]:
        """The client's newest link as the provider sees it."""
        params = {"client_ref": self.client_ref}
        return self.board.gateway.get("/v1/signup-links", params=params).json()[0]


@pytest.fixture
def visit(board: Board, browser: Browser) -> Generator[Visit]:
    context = browser.new_context(locale="en-GB")
    begun = Visit(board, context)
    yield begun
    context.close()
    assert begun.errors == [], "the page is not allowed to do something, or fails"


@pytest.mark.parametrize(
    "button",
    ["finish", "finish-only-waba", "finish-coexistence", "code-first", "message-never"],
)
def test_a_client_that_finishes_is_onboarded_and_sees_it_live(visit: Visit, button: str):
    visit.leave(button)
    visit.is_onboarded()
    steps = visit.page.locator("#steps li")
    expect(steps).to_have_count(4)
    for step in steps.all():
        expect(step).to_have_class("done")
    expect(visit.page.locator("#numbers li.done")).to_have_count(2)


@pytest.mark.parametrize("button", ["code-never", "neither"])
def test_a_browser_that_tells_half_or_nothing_is_made_good_by_meta(visit: Visit, button: str):
    visit.leave(button)
    until(lambda: visit.onboardings(), f"{visit.client_ref} to begin")
    visit.page.reload()
    visit.is_onboarded()


def test_the_progress_survives_a_reload_in_the_middle(visit: Visit, board: Board):
    board.decide(int(visit.waba_id), silent=True)
    visit.leave("finish")
    visit.sees(TEXTS["why_working"])
    visit.page.reload()
    visit.sees(TEXTS["why_working"])
    expect(visit.page.locator("#steps li.current")).to_have_count(1)
    board.sandbox.post(f"/sandbox/wabas/{visit.waba_id}/registration-event").raise_for_status()
    visit.is_onboarded()


@pytest.mark.parametrize(
    ("button", "why", "state", "detail"),
    [
        ("cancel", "why_abandoned", "abandoned", "PHONE_NUMBER_SETUP"),
        ("error", "why_error", "error-reported", "3441030"),
    ],
)
def test_a_client_that_leaves_is_told_so_and_may_begin_again(
    visit: Visit, button: str, why: str, state: str, detail: str
):
    visit.leave(button)
    visit.sees(TEXTS[why])
    assert (visit.link()["ending"], detail in visit.link()["detail"]) == (state, True)
    assert visit.onboardings() == []
    visit.leave("finish")
    visit.is_onboarded()


def test_a_window_that_is_closed_says_nothing_and_the_client_may_begin_again(visit: Visit):
    visit.leave("close")
    visit.sees(TEXTS["why_abandoned"])
    visit.leave("finish")
    visit.is_onboarded()


def test_a_message_of_a_foreign_origin_is_ignored(visit: Visit):
    page = visit.ready()
    forged = {"type": "WA_EMBEDDED_SIGNUP", "event": "FINISH", "data": {"waba_id": "666"}}
    page.evaluate("text => window.postMessage(text, '*')", f"{forged}".replace("'", '"'))
    page.evaluate(
        """async origins => {
            for (const origin of origins) {
                const data = JSON.stringify({
                    type: "WA_EMBEDDED_SIGNUP", event: "FINISH", data: { waba_id: "666" },
                });
                window.dispatchEvent(new MessageEvent("message", { origin, data }));
            }
        }""",
        [
            "https://evil.example",
            "https://evilfacebook.com",
            "http://127.0.0.1",
            "null",
            "",
        ],
    )
    page.wait_for_timeout(300)
    expect(page.locator("body")).to_have_attribute("data-state", "ready")
    assert visit.link()["ending"] is None


def test_two_tabs_of_one_client_lead_to_one_onboarding(visit: Visit):
    second = visit.tab()
    visit.leave("finish")
    visit.leave("finish", second)
    visit.is_onboarded()
    second.reload()
    visit.sees(TEXTS["why_live"], second)


def test_another_account_by_the_same_link_is_refused(visit: Visit):
    second = visit.tab()
    visit.ready(second)
    visit.leave("finish")
    until(lambda: visit.onboardings(), "the first to begin")
    first, visit.waba_id = visit.waba_id, "5559999001"
    visit.leave("finish", second)
    visit.sees(TEXTS["why_differs"], second)
    assert visit.onboardings() == [first]
    visit.errors.clear()  # the browser itself notes the 409


@pytest.mark.parametrize(("kind", "status"), [("unknown", 404), ("revoked", 410)])
def test_a_link_that_cannot_be_used_says_what_to_do(visit: Visit, kind: str, status: int):
    old = visit.url if kind == "revoked" else f"{visit.url}x"
    visit.new_link()
    answer = visit.page.goto(old)
    assert answer is not None
    assert answer.status == status
    visit.sees(TEXTS[f"why_{kind}"])
    expect(visit.page.locator("#start")).to_be_hidden()
    visit.errors.clear()  # the browser itself notes the status


def test_a_link_that_has_expired_says_what_to_do(visit: Visit, board: Board):
    long_ago = "UPDATE signups SET expires_at = '2020-01-01 00:00:00' WHERE client_ref = ?"
    with sqlite3.connect(board.ledger_path, timeout=30) as ledger:
        ledger.execute(long_ago, (visit.client_ref,))
    ledger.close()
    answer = visit.page.reload()
    assert answer is not None
    assert answer.status == 410
    visit.sees(TEXTS["why_expired"])
    expect(visit.page.locator("#start")).to_be_hidden()
    visit.errors.clear()  # the browser itself notes the status


def test_a_used_link_in_another_browser_shows_how_it_stands_and_signs_nobody_up(
    visit: Visit, browser: Browser
):
    visit.leave("finish")
    visit.is_onboarded()
    elsewhere = browser.new_context(locale="en-GB").new_page()
    elsewhere.goto(visit.url)
    visit.sees(TEXTS["why_live"], elsewhere)
    expect(elsewhere.locator("#start")).to_be_hidden()
    elsewhere.context.close()


def test_a_browser_that_blocks_facebook_is_told_so(visit: Visit):
    page = visit.browser.new_page()
    page.route("**/facebook/sdk.js", lambda route: route.abort())
    page.goto(visit.url)
    expect(page.locator("#notice")).to_have_text(TEXTS["why_blocked"])


def test_facebooks_window_takes_no_click_that_nobody_would_hear(visit: Visit):
    visit.browser.route("**/facebook/dialog.js", lambda route: route.abort())
    page = visit.ready()
    with page.expect_popup() as opened:
        page.get_by_role("button", name=TEXTS["connect_button"]).click()
    expect(opened.value.locator("#finish")).to_be_disabled()
    opened.value.close()


def test_the_page_fits_a_phone_and_can_be_used_without_a_mouse(visit: Visit):
    page = visit.ready()
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=TEXTS["connect_button"])).to_be_focused()
    with page.expect_popup() as opened:
        page.keyboard.press("Enter")
    opened.value.close()
    expect(page.get_by_role("heading", level=1)).to_have_text(TEXTS["title"])
    expect(page.get_by_role("status")).to_have_count(1)


@pytest.mark.parametrize("language", ["es", "pt", "ja"])
def test_the_page_speaks_the_clients_language(board: Board, browser: Browser, language: Language):
    asked = {"client_ref": f"signup-{language}"}
    url = board.gateway.post("/v1/signup-links", json=asked).raise_for_status().json()["url"]
    context = browser.new_context(locale=language)
    page = context.new_page()
    page.goto(url)
    texts = page_texts(language)
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["title"])
    expect(page.get_by_role("button")).to_have_text(texts["connect_button"])
    context.close()
