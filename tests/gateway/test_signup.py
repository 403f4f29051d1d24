"""The client's own way in: links, the page's signals in any order, and Meta's own word."""

import logging
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from tests.domain.meta import body, change, info
from tests.gateway.desk import Desk, FakePrefect, assert_problem
from tests.gateway.front import APP_SECRET, PORTFOLIO, Front
from tests.sandbox.lab import DOCUMENTED
from waboard.gateway.page import LANGUAGES, page_texts
from waboard.ledger.models import BusinessTokenRow, SignupRow
from waboard.meta.client import sign

OTHER_WABA, THIRD_WABA = "200000000000002", "200000000000003"


async def test_a_link_is_shown_once_and_only_its_hash_is_kept(front: Front):
    made = (await front.http.post("/v1/signup-links", json={"client_ref": "acme"})).json()
    assert made["url"].startswith("https://in.provider.example/signup/")
    token = made["url"].rpartition("/")[2]
    assert len(token) >= 43
    (listed,) = await front.links()
    assert (listed["url"], listed["state"]) == (None, "unopened")
    async with front.begin() as session:
        query = select(SignupRow).where(SignupRow.client_ref == "acme")
        row = (await session.scalars(query)).one()
    assert token not in str(vars(row))


async def test_links_are_made_by_the_provider_alone(front: Front):
    for call in (front.stranger.post, front.stranger.get):
        assert (await call("/v1/signup-links")).status_code == 401


async def test_a_new_link_withdraws_the_one_before(front: Front):
    first, second = await front.link(), await front.link()
    assert {link["state"] for link in await front.links()} == {"unopened", "revoked"}
    assert (await front.open(first)).status_code == 410
    assert (await front.open(second)).status_code == 200


async def test_who_makes_a_new_link_is_told_which_it_withdraws(front: Front):
    """The same request again makes another: an address is shown once."""
    first, second = [
        (await front.http.post("/v1/signup-links", json={"client_ref": "acme"})).json()
        for _ in range(2)
    ]
    assert (first["withdrew"], second["withdrew"]) == (None, first["id"])


async def test_while_the_client_is_finishing_its_link_is_not_withdrawn_by_another(front: Front):
    """What it did at Meta would be lost; who means it withdraws the link first."""
    token = await front.link()
    await front.tell(token, message=(await front.finish())["message"])
    (link,) = await front.links()
    assert link["state"] == "finishing"
    again = await front.http.post("/v1/signup-links", json={"client_ref": "acme"})
    assert_problem(again, 409, "finishing its signup", "--revoke")
    assert (await front.http.delete(f"/v1/signup-links/{link['id']}")).is_success
    await front.link()


async def test_a_link_can_be_withdrawn_and_again_is_no_harm(front: Front):
    token = await front.link()
    (link,) = await front.links()
    for _ in range(2):
        answer = await front.http.delete(f"/v1/signup-links/{link['id']}")
        assert answer.json()["state"] == "revoked"
    assert (await front.open(token)).status_code == 410
    assert_problem(await front.http.delete("/v1/signup-links/none"), 404)


async def test_a_link_that_was_used_cannot_be_withdrawn(front: Front):
    token = await front.link()
    await front.tell(token, **await front.finish())
    (link,) = await front.links()
    answer = await front.http.delete(f"/v1/signup-links/{link['id']}")
    assert answer.json()["state"] == "used"


@pytest.mark.parametrize("order", [("message", "code"), ("code", "message")])
async def test_both_signals_in_either_order_start_one_onboarding(
    front: Front, prefect: FakePrefect, order: tuple[str, str]
):
    token = await front.link(client_name="Acme Bakery", entity_id="acme-entity")
    await front.open(token)
    heard = await front.finish()
    for signal in order:
        answer = await front.tell(token, **{signal: heard[signal]})
        assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "working"
    (started,) = await front.started()
    assert (started["waba_id"], started["entity_id"]) == (DOCUMENTED, "acme-entity")
    assert started["client_name"] == "Acme Bakery"
    assert prefect.started == [started["id"]]


async def test_the_clients_token_is_kept_sealed(front: Front):
    token = await front.link()
    await front.tell(token, **await front.finish())
    async with front.begin() as session:
        kept = await session.get_one(BusinessTokenRow, "acme")
    (business_token,) = front.meta.world.books.meta.tokens
    assert business_token not in kept.sealed
    assert front.app.state.door.sealer.open(kept.sealed).get_secret_value() == business_token
    assert kept.portfolio_id == PORTFOLIO
    assert kept.expires_at is not None


async def test_the_code_alone_is_enough(front: Front):
    """The message never comes: the token names the WABA."""
    token = await front.link()
    answer = await front.tell(token, code=(await front.finish())["code"])
    assert answer.json()["state"] == "working"
    assert len(await front.started()) == 1


async def test_the_message_alone_is_enough_after_a_while(front: Front):
    """The code never comes."""
    token = await front.link()
    answer = await front.tell(token, message=(await front.finish())["message"])
    assert answer.json()["state"] == "finishing"
    await front.tidy()
    assert await front.started() == []
    front.pass_time(seconds=121)
    await front.tidy()
    assert len(await front.started()) == 1


async def test_the_message_and_metas_own_word_are_enough_at_once(front: Front):
    token = await front.link()
    heard = await front.finish(tells=True)
    await front.mail()
    answer = await front.tell(token, message=heard["message"])
    assert answer.json()["state"] == "working"


async def test_a_browser_that_died_is_onboarded_by_metas_word_alone(front: Front):
    token = await front.link()
    await front.open(token)
    await front.finish(tells=True)
    (kept,) = await front.mail()
    assert kept.json() == {"kept": 1, "duplicates": 0}
    await front.tidy()
    assert await front.started() == []
    front.pass_time(seconds=121)
    for _ in range(2):
        await front.tidy()
    (started,) = await front.started()
    assert started["waba_id"] == DOCUMENTED
    assert (await front.links())[0]["state"] == "used"
    (event,) = [e for e in await front.events() if e["kind"] == "meta"]
    assert (event["disposition"], event["onboarding_id"]) == ("applied", started["id"])


async def test_metas_word_is_not_guessed_at_when_two_links_were_open(front: Front):
    for client in ("acme", "bakery"):
        await front.open(await front.link(client))
    await front.finish(tells=True)
    await front.mail()
    front.pass_time(seconds=121)
    await front.tidy()
    assert await front.started("acme") == await front.started("bakery") == []
    (event,) = [e for e in await front.events() if e["kind"] == "meta"]
    assert event["disposition"] == "parked"
    assert "acme, bakery" in event["detail"]


async def test_of_two_open_links_the_one_of_that_portfolio_counts(front: Front):
    await front.open(await front.link("acme", prefill={"business": {"id": PORTFOLIO}}))
    await front.open(await front.link("bakery"))
    await front.finish(tells=True)
    await front.mail()
    front.pass_time(seconds=121)
    await front.tidy()
    assert len(await front.started("acme")) == 1
    assert await front.started("bakery") == []


async def test_what_a_client_has_just_begun_with_is_not_taken_for_anothers(front: Front):
    """One turn takes up what the browser has said, and then what Meta has."""
    token = await front.link("acme")
    for each in (token, await front.link("bakery")):
        await front.open(each)
    heard = await front.finish(tells=True)
    await front.tell(token, message=heard["message"])
    await front.mail()
    front.pass_time(seconds=121)
    await front.tidy()
    assert len(await front.started("acme")) == 1
    assert (await front.links("bakery"))[0]["state"] == "open"
    assert front.told == []


async def test_metas_word_without_any_link_waits_for_somebody(front: Front):
    await front.finish(tells=True)
    await front.mail()
    front.pass_time(seconds=121)
    await front.tidy()
    (event,) = await front.events()
    assert (event["disposition"], "waboard onboard" in event["detail"]) == ("parked", True)
    await front.asked()
    (event,) = await front.events()
    assert event["disposition"] == "applied"


@pytest.mark.parametrize(
    ("data", "ending", "why"),
    [
        ({"current_step": "PHONE_NUMBER_SETUP"}, "abandoned", "abandoned"),
        ({"error_message": "In use", "error_code": "3441030"}, "error-reported", "error"),
    ],
)
async def test_a_client_that_left_may_begin_again(
    front: Front, data: dict[str, Any], ending: str, why: str
):
    token = await front.link()
    await front.open(token)
    left = {"type": "WA_EMBEDDED_SIGNUP", "event": "CANCEL", "data": data}
    answer = await front.tell(token, message=left)
    assert answer.json()["state"] == "ready"
    assert answer.json()["why"] == why
    (link,) = await front.links()
    assert (link["ending"], next(iter(data.values())) in link["detail"]) == (ending, True)
    assert (await front.tell(token, **await front.finish())).json()["state"] == "working"
    late = await front.tell(token, message=left)
    assert late.json()["state"] == "working"


async def test_the_same_result_again_changes_nothing(front: Front, prefect: FakePrefect):
    token = await front.link()
    heard = await front.finish()
    for _ in range(3):
        answer = await front.tell(token, **heard)
        assert (answer.status_code, answer.json()["state"]) == (200, "working")
    assert len(await front.started()) == 1
    assert len(prefect.started) == 1


async def test_a_result_with_other_facts_is_refused_and_recorded(front: Front):
    token = await front.link()
    await front.tell(token, **await front.finish())
    other = await front.finish(OTHER_WABA)
    assert_problem(await front.tell(token, message=other["message"]), 409, "another account")
    kinds = [e["detail"] for e in await front.events() if e["kind"] == "signup"]
    assert sum("FINISH" in detail for detail in kinds) == 2


async def test_a_code_that_is_used_up_or_too_old_loses_nothing(front: Front):
    token = await front.link()
    heard = await front.finish()
    front.pass_time(seconds=31)
    answer = await front.tell(token, **heard)
    assert (answer.status_code, answer.json()["state"]) == (200, "finishing")
    assert any("expired" in e["detail"] for e in await front.events())
    front.pass_time(seconds=121)
    await front.tidy()
    assert len(await front.started()) == 1


async def test_ids_that_contradict_each_other_start_nothing(front: Front):
    token = await front.link()
    heard = await front.finish()
    heard["message"]["data"]["waba_id"] = OTHER_WABA
    answer = await front.tell(token, **heard)
    assert answer.json()["state"] == "stopped"
    (link,) = await front.links()
    assert (link["state"], "the token is not for" in link["problem"]) == ("stopped", True)
    assert await front.started() == []


async def test_a_portfolio_in_the_place_of_the_waba_starts_nothing(front: Front):
    token = await front.link()
    heard = await front.finish()
    heard["message"]["data"]["waba_id"] = PORTFOLIO
    await front.tell(token, **heard)
    assert "a portfolio as the WABA" in (await front.links())[0]["problem"]
    assert await front.started() == []


async def test_a_waba_that_is_another_clients_is_not_taken_over(front: Front):
    await front.asked(client_ref="bakery")
    token = await front.link("acme")
    answer = await front.tell(token, **await front.finish())
    assert answer.json()["state"] == "stopped"
    (link,) = await front.links("acme")
    assert "bakery" in link["problem"]
    assert await front.started("acme") == []


async def test_a_message_that_cannot_be_read_is_kept_and_nothing_happens(front: Front):
    token = await front.link()
    answer = await front.tell(token, message={"event": 5, "data": "?"})
    assert (answer.status_code, answer.json()["state"]) == (200, "ready")
    assert any("unreadable" in e["detail"] for e in await front.events())


@pytest.mark.parametrize("page", ["", "/progress"])
async def test_an_unknown_token_is_told_so(front: Front, page: str):
    assert (await front.stranger.get(f"/signup/none{page}")).status_code == 404
    assert_problem(await front.tell("none", code="x"), 404)


async def test_a_code_that_comes_after_the_start_is_exchanged_all_the_same(front: Front):
    """Meta's webhook and the message were quicker; the client's token is still wanted."""
    token = await front.link()
    heard = await front.finish(tells=True)
    await front.mail()
    assert (await front.tell(token, message=heard["message"])).json()["state"] == "working"
    await front.tell(token, code=heard["code"])
    async with front.begin() as session:
        assert await session.get(BusinessTokenRow, "acme")
    assert len(await front.started()) == 1


async def test_the_operator_is_told_once_of_a_signup_that_stopped(front: Front):
    """The client reads that its provider knows."""
    token = await front.link()
    heard = await front.finish()
    heard["message"]["data"]["waba_id"] = OTHER_WABA
    for _ in range(2):
        await front.tell(token, **heard)
        await front.tidy()
    (told,) = front.told
    assert told.startswith("acme: signup stopped: The window names a WABA that the token is not")
    assert "waboard onboard acme" in told
    assert any(e["detail"].startswith("The window names") for e in await front.events())


async def test_a_finish_that_names_nothing_is_waited_for_and_then_told(front: Front):
    token = await front.link()
    message = {"type": "WA_EMBEDDED_SIGNUP", "event": "FINISH", "data": {}}
    assert (await front.tell(token, message=message)).json()["state"] == "finishing"
    front.pass_time(seconds=121)
    await front.tidy()
    assert (await front.links())[0]["state"] == "stopped"
    assert "nothing that came names its WABA" in front.told[0]


async def test_several_wabas_wait_for_metas_word_before_somebody_is_asked(front: Front):
    await front.finish(OTHER_WABA, portfolio_id=PORTFOLIO)
    token = await front.link()
    heard = await front.finish(tells=True)
    answer = await front.tell(token, code=heard["code"])
    assert answer.json()["state"] == "finishing"
    await front.mail()
    front.pass_time(seconds=121)
    await front.tidy()
    (started,) = await front.started()
    assert started["waba_id"] == DOCUMENTED


async def test_neither_tokens_nor_queries_get_into_the_access_log(
    front: Front, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "uvicorn.access")
    token = await front.link()
    for path in (f"/signup/{token}/progress?x=1", "/hooks/meta?hub.verify_token=verify-55aa10"):
        given = ("127.0.0.1:5", "GET", path, "1.1", 200)
        logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', *given)
    assert token not in caplog.text
    assert "verify-55aa10" not in caplog.text
    assert "/signup/…/progress" in caplog.text


async def test_a_portfolio_that_only_the_window_names_leads_to_nobody_elses_waba(front: Front):
    """A client can say what it likes there: what is another's is not given to it."""
    await front.open(await front.link("bakery"))
    await front.finish(tells=True)
    await front.mail()
    token = await front.link("acme")
    claim = {"type": "WA_EMBEDDED_SIGNUP", "event": "FINISH", "data": {"business_id": PORTFOLIO}}
    await front.tell(token, message=claim)
    front.pass_time(seconds=121)
    await front.tidy()
    assert await front.started("acme") == []


async def test_who_only_fetches_the_page_has_not_opened_it(front: Front):
    """Messengers and mail scanners look at every link that they carry."""
    token = await front.link()
    await front.stranger.get(f"/signup/{token}")
    assert (await front.links())[0]["state"] == "unopened"
    await front.open(token)
    assert (await front.links())[0]["state"] == "open"


async def test_what_is_said_by_a_link_that_is_closed_is_kept_for_the_operator(front: Front):
    token = await front.link()
    await front.link()
    assert_problem(await front.tell(token, **await front.finish()), 410, "withdrawn")
    assert any("FINISH" in e["detail"] for e in await front.events())


async def test_an_expired_link_is_told_so_and_noted_as_unused(front: Front):
    token = await front.link()
    front.pass_time(days=15)
    answer = await front.open(token)
    assert answer.status_code == 410
    assert page_texts("en")["why_expired"] in answer.text
    assert_problem(await front.tell(token, **await front.finish()), 410, "expired")
    for _ in range(2):
        await front.tidy()
    assert [e["detail"] for e in await front.events() if "expired" in e["detail"]] != []
    assert (await front.links())[0]["state"] == "expired"


async def test_who_had_opened_the_link_may_still_finish_shortly_after_it_expired(front: Front):
    token = await front.link()
    front.pass_time(days=13, hours=23, minutes=50)
    await front.open(token)
    front.pass_time(minutes=15)
    assert (await front.tell(token, **await front.finish())).json()["state"] == "working"


async def test_a_used_link_shows_how_the_onboarding_stands(front: Front):
    token = await front.link()
    await front.tell(token, **await front.finish())
    front.pass_time(days=30)
    assert (await front.open(token)).status_code == 200
    progress = (await front.stranger.get(f"/signup/{token}/progress")).json()
    assert progress["state"] == "working"
    assert [(step["name"], step["state"]) for step in progress["steps"]] == [
        ("connect", "done"),
        ("register", "current"),
        ("set_up", "todo"),
        ("test", "todo"),
    ]


async def test_the_page_allows_nothing_inline_and_keeps_its_address_to_itself(front: Front):
    answer = await front.open(await front.link())
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "meta-app-9c1d7e" not in answer.text


async def test_what_the_provider_prefills_cannot_break_out_of_the_page(front: Front):
    name = "</script><script>alert(1)</script>"
    answer = await front.open(await front.link(prefill={"business": {"name": name}}))
    assert "</script><script>" not in answer.text
    assert "alert(1)" in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_speaks_the_browsers_language_unless_the_link_says_which(
    front: Front, language: Any
):
    token = await front.link(language=language)
    assert page_texts(language)["title"] in (await front.open(token)).text
    free = await front.link("bakery")
    accepted = {"Accept-Language": f"xx, {language}-XX;q=0.8, en;q=0.5, nonsense;q=x"}
    answer = await front.stranger.get(f"/signup/{free}", headers=accepted)
    assert f'<html lang="{language}">' in answer.text


def test_every_text_is_there_in_every_language():
    names = {language: set(page_texts(language)) for language in LANGUAGES}
    assert len(set(map(frozenset, names.values()))) == 1
    for language in LANGUAGES:
        assert all(page_texts(language).values())


async def test_without_metas_side_nobody_signs_up_here(desk: Desk):
    made = await desk.http.post("/v1/signup-links", json={"client_ref": "acme"})
    assert_problem(made, 404, "WABOARD_META_")
    assert_problem(await desk.stranger.get("/signup/x"), 404, "WABOARD_META_")


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"client_ref": "a/b"},
        {"client_ref": "acme", "language": "de"},
        {"client_ref": "acme", "solution_id": "x"},
        {"client_ref": "acme", "waba_id": "1"},
    ],
)
async def test_a_link_with_facts_that_cannot_be_used_is_refused(front: Front, bad: dict[str, Any]):
    assert_problem(await front.http.post("/v1/signup-links", json=bad), 422)


async def test_a_prefect_that_is_away_does_not_keep_the_client(front: Front, prefect: FakePrefect):
    prefect.away = True
    token = await front.link()
    assert (await front.tell(token, **await front.finish())).json()["state"] == "working"
    assert len(await front.started()) == 1


# What Meta answers badly, and what comes late

GRAPH = "/graph/v26.0"
THROTTLED = {"status": 429, "body": {"error": {"code": 4, "message": "Too many calls"}}}
DOWN = {"status": 500, "body": {"error": {"code": 1, "message": "Unknown error"}}}


async def tokens(front: Front) -> list[BusinessTokenRow]:
    """What is kept of the client's tokens."""
    query = select(BusinessTokenRow).where(BusinessTokenRow.client_ref == "acme")
    async with front.begin() as session:
        return list(await session.scalars(query))


async def the_link(front: Front) -> SignupRow:
    """The client's one link."""
    query = select(SignupRow).where(SignupRow.client_ref == "acme")
    async with front.begin() as session:
        return (await session.scalars(query)).one()


@pytest.mark.parametrize("path", ["/debug_token", "/me"])
async def test_a_token_of_which_meta_says_nothing_is_kept_all_the_same(front: Front, path: str):
    """It is the client's: nobody could ask for it again."""
    token = await front.link()
    await front.meta.script(path=f"{GRAPH}{path}", **DOWN, times=9)
    await front.tell(token, **await front.finish())
    (kept,) = await tokens(front)
    assert kept.portfolio_id is None


async def test_an_exchange_that_meta_puts_off_is_tried_once_more(front: Front):
    """A code lives for 30 seconds."""
    token = await front.link()
    await front.meta.script(path=f"{GRAPH}/oauth/access_token", **THROTTLED)
    await front.tell(token, code=(await front.finish())["code"])
    assert len(await tokens(front)) == 1


@pytest.mark.parametrize(("answer", "times"), [(THROTTLED, 2), (DOWN, 1)], ids=["twice", "unclear"])
async def test_an_exchange_is_given_up_that_fails_twice_or_may_have_worked(
    front: Front, answer: dict[str, Any], times: int
):
    """A code that may be used up is not tried again; the window's word is enough in a while."""
    token = await front.link()
    await front.meta.script(path=f"{GRAPH}/oauth/access_token", **answer, times=times)
    heard = await front.finish()
    assert (await front.tell(token, **heard)).json()["state"] == "finishing"
    assert await tokens(front) == []
    front.pass_time(seconds=120)
    await front.tidy()
    assert len(await front.started()) == 1


async def test_two_codes_of_two_tabs_are_for_the_wabas_of_both(front: Front):
    token = await front.link()
    tabs = [(OTHER_WABA, PORTFOLIO), (DOCUMENTED, PORTFOLIO), (THIRD_WABA, "506914307656600")]
    _, first, second = [await front.finish(waba, portfolio_id=owner) for waba, owner in tabs]
    await front.tell(token, code=first["code"])
    row = await the_link(front)
    assert row.granted == [DOCUMENTED, OTHER_WABA]
    await front.app.state.door.take_code(token, SecretStr(second["code"]))
    row = await the_link(front)
    assert row.granted == [DOCUMENTED, OTHER_WABA, THIRD_WABA]


async def test_both_signals_that_do_not_tell_which_waba_wait_for_metas_word(front: Front):
    await front.finish(OTHER_WABA, portfolio_id=PORTFOLIO)
    token = await front.link()
    heard = await front.finish()
    finish = {"type": "WA_EMBEDDED_SIGNUP", "event": "FINISH", "data": {}}
    answer = await front.tell(token, message=finish, code=heard["code"])
    assert answer.json()["state"] == "finishing"
    assert (await front.links())[0]["problem"] is None


async def test_what_is_said_after_a_link_has_expired_is_kept_and_starts_nothing(front: Front):
    token = await front.link()
    front.pass_time(days=15)
    heard = await front.finish()
    assert_problem(await front.tell(token, message=heard["message"]), 410, "expired")
    assert_problem(await front.tell(token, code=heard["code"]), 410, "expired")
    front.pass_time(seconds=121)
    await front.tidy()
    assert (await front.links())[0]["state"] == "expired"
    assert (await front.started(), await tokens(front)) == ([], [])
    kept = [e["detail"] for e in await front.events()]
    assert any("FINISH" in detail for detail in kept)
    assert any("code received" in detail for detail in kept)


@pytest.mark.parametrize(("minutes", "state"), [(59, 200), (60, 410)])
async def test_who_had_opened_it_has_an_hour_more(front: Front, minutes: int, state: int):
    token = await front.link()
    await front.open(token)
    front.pass_time(days=14, minutes=minutes)
    assert (await front.tell(token, **await front.finish())).status_code == state


async def test_when_a_link_was_opened_first_is_remembered(front: Front):
    token = await front.link()
    await front.open(token)
    (first,) = await front.links()
    front.pass_time(minutes=5)
    await front.open(token)
    assert (await front.links())[0]["opened_at"] == first["opened_at"]
    assert sum("opened" in e["detail"] for e in await front.events()) == 1


async def test_another_way_to_finish_the_same_waba_is_no_contradiction(front: Front):
    """Also when its ids come in another order, or as one alone."""
    token = await front.link()
    heard = await front.finish()
    await front.tell(token, **heard)
    heard["message"]["data"]["waba_ids"] = [DOCUMENTED, DOCUMENTED]
    assert (await front.tell(token, message=heard["message"])).status_code == 200


async def test_who_finished_and_then_left_another_window_has_finished(front: Front):
    token = await front.link()
    await front.tell(token, message=(await front.finish())["message"])
    left = {"type": "WA_EMBEDDED_SIGNUP", "event": "CANCEL", "data": {"current_step": "X"}}
    await front.tell(token, message=left)
    (link,) = await front.links()
    assert (link["ending"], link["state"]) == ("finished", "finishing")


async def test_metas_word_is_for_the_link_that_names_its_waba(front: Front):
    """Of two that were open, one client has named another WABA, so it is the other's."""
    one, other = await front.link("acme"), await front.link("bakery")
    for token in (one, other):
        await front.open(token)
    claim = {"type": "WA_EMBEDDED_SIGNUP", "event": "FINISH", "data": {"waba_id": OTHER_WABA}}
    await front.tell(one, message=claim)
    await front.finish(tells=True)
    await front.mail()
    front.pass_time(seconds=121)
    await front.tidy()
    (started,) = await front.started("bakery")
    assert started["waba_id"] == DOCUMENTED
    assert [each["waba_id"] for each in await front.started("acme")] == [OTHER_WABA]


async def test_another_word_of_metas_than_that_it_was_shared_begins_nothing(front: Front):
    await front.open(await front.link())
    raw = body(change("PARTNER_REMOVED", waba_info=info(OTHER_WABA)))
    signed = {"X-Hub-Signature-256": sign(raw, SecretStr(APP_SECRET))}
    assert (await front.stranger.post("/hooks/meta", content=raw, headers=signed)).is_success
    front.pass_time(seconds=121)
    await front.tidy()
    assert await front.started() == []


async def test_a_link_of_another_portfolio_is_not_meant(front: Front):
    await front.open(await front.link(prefill={"business": {"id": "506914307656600"}}))
    await front.finish(tells=True)
    await front.mail()
    front.pass_time(seconds=121)
    await front.tidy()
    assert await front.started() == []


async def test_a_link_that_was_opened_after_metas_word_is_not_meant(front: Front):
    await front.finish(tells=True)
    await front.mail()
    front.pass_time(seconds=1)
    await front.open(await front.link())
    front.pass_time(seconds=121)
    await front.tidy()
    assert await front.started() == []


async def test_the_portfolio_of_metas_word_is_remembered(front: Front):
    """Tokens are issued by it, where the client has left none."""
    await front.open(await front.link())
    await front.finish(tells=True)
    await front.mail()
    front.pass_time(seconds=121)
    await front.tidy()
    row = await the_link(front)
    assert (row.portfolio_id, row.ending) == (PORTFOLIO, "finished")


async def test_whose_the_waba_is_comes_from_metas_word_where_no_token_says_it(front: Front):
    token = await front.link()
    heard = await front.finish(tells=True)
    await front.mail()
    await front.tell(token, message=heard["message"])
    row = await the_link(front)
    assert row.portfolio_id == PORTFOLIO


async def test_what_the_token_says_of_the_portfolio_stays(front: Front):
    """Whoever Meta's word names besides."""
    token = await front.link()
    heard = await front.finish(tells=True)
    await front.mail()
    await front.tell(token, code=heard["code"])
    link = await the_link(front)
    async with front.begin() as session:
        row = await session.get_one(SignupRow, link.id)
        row.portfolio_id = "506914307656600"
        row.onboarding_id = None
    await front.app.state.door.settle(link.id)
    row = await the_link(front)
    assert row.portfolio_id == "506914307656600"


async def test_of_several_wabas_of_a_token_the_one_that_meta_names_is_meant(front: Front):
    """Of the same portfolio, and at once."""
    await front.finish(OTHER_WABA, portfolio_id=PORTFOLIO)
    token = await front.link()
    heard = await front.finish(tells=True)
    await front.mail()
    assert (await front.tell(token, code=heard["code"])).json()["state"] == "working"
    assert [each["waba_id"] for each in await front.started()] == [DOCUMENTED]


async def test_grace_ends_on_the_second(front: Front):
    token = await front.link()
    await front.tell(token, message=(await front.finish())["message"])
    front.pass_time(seconds=119)
    await front.tidy()
    assert await front.started() == []
    front.pass_time(seconds=1)
    await front.tidy()
    assert len(await front.started()) == 1
