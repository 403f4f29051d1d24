"""What is true at Meta is kept true: compared with the sandbox's books, mended, or raised."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tasks.connect import can_be_asked_as, connect_waba, has_signed_up
from tasks.reconcile_meta import compare_wabas
from tasks.reconcile_solutions import compare_solutions
from tests.domain.meta import body, change, info
from tests.domain.samples import registration
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import GOOD, OTHER, Bench, condition, meta_account, sender_fate, unreachable
from tests.tasks.test_door import PORTFOLIO, SOLUTION, SUBSCRIBED, signed_up
from tests.tasks.test_reconcile import has_news, live
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.facts import meta_facts, registration_facts
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer, Aspect, Finding
from waboard.ledger import watched_wabas
from waboard.ledger.events import receive
from waboard.ledger.models import OnboardingRow, Verb
from waboard.ledger.tokens import keep_token, portfolio_of

CONNECTED, HEALTHY = ConditionType.CONNECTED, ConditionType.HEALTHY
NUMBERS = f"/graph/v26.0/{DOCUMENTED}/phone_numbers"
HOURS = 3600


async def connected(bench: Bench, *numbers: str) -> Onboarding:
    """A live client that came by a signup link, to whose WABA our app is subscribed."""
    await live(bench, *numbers)
    onboarding = await signed_up(bench)
    await connect_waba.fn(bench.services, bench.meta, onboarding)
    return await bench.later(2 * HOURS)


async def becomes(bench: Bench, sender: dict[str, Any] | None = None, **waba: Any) -> None:
    """Something happens at Meta: to the number, or to its WABA."""
    fate = sender_fate(GOOD, **(sender or {}))
    await bench.sandbox.decide(senders=[fate], status="FINISHED", **waba)


async def loses_subscription(bench: Bench) -> None:
    await bench.sandbox.http.delete(f"/sandbox/wabas/{DOCUMENTED}/subscription")


async def compare(
    bench: Bench, client_ref: str | None = None, *, dry: bool = False
) -> list[Finding]:
    return await compare_wabas.fn(bench.services, client_ref, dry=dry)


async def compare_one(bench: Bench, aspect: Aspect, number: str = "", **how: Any) -> Finding:
    (found,) = [
        f for f in await compare(bench, **how) if (f.aspect, f.phone_number) == (aspect, number)
    ]
    return found


async def said_by_meta(bench: Bench, event: str) -> None:
    """A webhook of Meta's, of now."""
    value = {"event": event, "waba_info": {"waba_id": DOCUMENTED}}
    change = {"field": "account_update", "value": value}
    entry = {"id": PORTFOLIO, "time": int(bench.now.timestamp()), "changes": [change]}
    raw = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    async with bench.ledger.begin() as session:
        await receive(session, meta_facts(raw), "webhook", bench.now)
    await bench.look()


class TestSubscriptions:
    """Whether our app is subscribed to the WABA."""

    async def test_what_is_in_order_is_left_alone(self, bench: Bench):
        await connected(bench)
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert (found.answer, found.done) == (Answer.YES, "")
        assert bench.calls("POST", SUBSCRIBED) == 1
        assert not await has_news(bench)

    async def test_one_that_was_lost_is_made_again(self, bench: Bench):
        await connected(bench)
        await loses_subscription(bench)
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert (found.answer, found.done) == (Answer.NO, "Our app is subscribed again.")
        assert bench.books.meta.subscribed == {DOCUMENTED}
        seen = condition(await bench.look(), CONNECTED)
        assert seen == (Status.TRUE, Reason.SUBSCRIPTION_READ_BACK)
        assert [row.status for row in await bench.effects(Verb.SUBSCRIBE)] == ["done", "done"]

    async def test_a_dry_run_leaves_it(self, bench: Bench):
        before = await connected(bench)
        await loses_subscription(bench)
        found = await compare_one(bench, Aspect.SUBSCRIPTION, dry=True)
        assert (found.answer, found.done) == (Answer.NO, "")
        assert bench.books.meta.subscribed == set()
        after = await bench.look()
        assert (after.conditions, after.health) == (before.conditions, None)

    async def test_one_that_cannot_be_made_again_now_is_gone_until_the_next_time(
        self, bench: Bench
    ):
        """The webhook of before, which said that the WABA is shared, takes nothing back."""
        await connected(bench)
        await said_by_meta(bench, "PARTNER_ADDED")
        await bench.later(HOURS)
        await loses_subscription(bench)
        bench.network.cut_before("POST", SUBSCRIBED, unreachable())
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert found.done == ""
        assert "failed" in found.said
        seen = condition(await bench.look(), CONNECTED)
        assert seen == (Status.FALSE, Reason.SUBSCRIPTION_GONE)
        assert (await compare_one(bench, Aspect.SUBSCRIPTION)).done
        assert (await bench.look()).holds(CONNECTED)

    async def test_one_that_meta_refuses_is_for_a_person(self, bench: Bench):
        await connected(bench)
        await loses_subscription(bench)
        refusal = httpx.Response(403, json={"error": {"code": 200, "message": "No."}})
        bench.network.instead("POST", SUBSCRIBED, lambda _: refusal)
        await compare(bench)
        seen = condition(await bench.look(), CONNECTED)
        assert seen == (Status.UNKNOWN, Reason.SUBSCRIPTION_REFUSED)

    async def test_a_crash_while_it_is_made_again_costs_nothing(self, bench: Bench):
        await connected(bench)
        await loses_subscription(bench)
        bench.network.cut_after("POST", SUBSCRIBED, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            await compare(bench)
        assert condition(await bench.look(), CONNECTED)[1] == Reason.SUBSCRIPTION_GONE
        await compare(bench)
        assert (await bench.look()).holds(CONNECTED)

    async def test_a_client_that_has_removed_us_is_raised_and_nothing_done(self, bench: Bench):
        await connected(bench)
        await becomes(bench, partner=False)
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert (found.answer, found.done) == (Answer.NO, "")
        assert "100/33" in found.said
        onboarding = await bench.look()
        assert condition(onboarding, CONNECTED) == (Status.FALSE, Reason.CLIENT_DISCONNECTED)
        assert bench.calls("POST", SUBSCRIBED) == 1
        assert onboarding.senders[0].is_live

    async def test_one_that_lets_us_in_again_is_connected_again(self, bench: Bench):
        await connected(bench)
        await becomes(bench, partner=False)
        await compare(bench)
        await bench.later(2 * HOURS)
        await becomes(bench)
        bench.books.meta.subscribed.add(DOCUMENTED)
        await compare(bench)
        assert (await bench.look()).holds(CONNECTED)

    async def test_what_meta_has_just_said_is_not_taken_back_by_what_it_still_shows(
        self, bench: Bench
    ):
        await connected(bench)
        await said_by_meta(bench, "PARTNER_REMOVED")
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert found.answer is Answer.UNKNOWN
        assert condition(await bench.look(), CONNECTED)[1] == Reason.CLIENT_DISCONNECTED

    async def test_a_restriction_is_left_to_meta_and_the_subscription_mended(self, bench: Bench):
        """Without it nobody would hear that the restriction is over."""
        await connected(bench)
        await said_by_meta(bench, "ACCOUNT_VIOLATION")
        await loses_subscription(bench)
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert found.done == "Our app is subscribed again."
        assert condition(await bench.look(), CONNECTED)[1] == Reason.ACCOUNT_RESTRICTED

    async def test_doing_it_twice_comes_to_the_same(self, bench: Bench):
        await connected(bench)
        await becomes(bench, partner=False)
        first = await compare(bench)
        before = await bench.look()
        assert await compare(bench) == first
        assert (await bench.look()).conditions == before.conditions


class TestTokens:
    """With whose token Meta is asked."""

    async def kept(
        self, bench: Bench, token: str, *, sealed: str = "", until: datetime | None = None
    ) -> None:
        async with bench.ledger.begin() as session:
            await keep_token(
                session,
                "acme",
                sealed or bench.sealer.seal(SecretStr(token)),
                portfolio_id=PORTFOLIO,
                expires_at=until,
                now=bench.now,
            )

    async def test_where_the_clients_has_ended_the_solution_issues_one(self, bench: Bench):
        await connected(bench)
        await self.kept(bench, "old", until=bench.now - timedelta(days=1))
        assert (await compare_one(bench, Aspect.SUBSCRIPTION)).answer is Answer.YES

    async def test_one_that_was_revoked_is_replaced_as_well(self, bench: Bench):
        await connected(bench)
        await self.kept(bench, "revoked")
        assert (await compare_one(bench, Aspect.SUBSCRIPTION)).answer is Answer.YES

    async def test_where_none_can_be_issued_the_client_is_asked(self, bench: Bench):
        await connected(bench)
        await self.kept(bench, "revoked")
        bench.meta.account = meta_account(bench.sandbox, solution_id=None)
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert found.answer is Answer.NO
        seen = condition(await bench.look(), CONNECTED)
        assert seen == (Status.UNKNOWN, Reason.TOKEN_REFUSED)

    async def test_without_any_nothing_is_known_and_a_remedy_given(self, bench: Bench):
        await live(bench)
        (found,) = await compare(bench)
        assert (found.aspect, found.answer) == (Aspect.SUBSCRIPTION, Answer.UNKNOWN)
        assert "signup link" in found.said
        assert CONNECTED not in (await bench.look()).conditions

    async def test_one_that_no_key_opens_is_no_answer(self, bench: Bench):
        await connected(bench)
        await self.kept(bench, "lost", sealed="sealed with another key")
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert found.answer is Answer.UNKNOWN
        assert (await bench.look()).holds(CONNECTED)

    async def test_without_metas_settings_nothing_is_said(self, bench: Bench):
        await connected(bench)
        bench.services.meta = None
        assert await compare(bench) == []
        assert await compare_solutions.fn(bench.services, None, dry=False) == []


class TestHealth:
    """Whether Meta lets a WABA and its numbers send."""

    async def test_it_is_kept_with_its_time(self, bench: Bench):
        """And our own app, which may not send, makes nobody less live."""
        await connected(bench)
        found = await compare_one(bench, Aspect.HEALTH, GOOD)
        assert found.answer is Answer.YES
        onboarding = await bench.look()
        (sender,) = onboarding.senders
        assert onboarding.health is not None
        assert (onboarding.health.review, onboarding.health_at) == ("APPROVED", bench.now)
        assert sender.health is not None
        assert (sender.health.status, sender.health.can_send) == ("CONNECTED", "AVAILABLE")
        assert sender.health_at == bench.now
        assert HEALTHY not in sender.conditions
        assert sender.is_live

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"sender": {"meta_status": "BANNED"}}, Reason.NUMBER_BLOCKED),
            ({"sender": {"can_send": "BLOCKED"}}, Reason.NUMBER_BLOCKED),
            ({"can_send": "BLOCKED"}, Reason.WABA_BLOCKED),
        ],
    )
    async def test_what_is_blocked_is_raised_and_live_no_more(
        self, bench: Bench, change: dict[str, Any], reason: Reason
    ):
        await connected(bench)
        await becomes(bench, **change)
        found = await compare_one(bench, Aspect.HEALTH, GOOD)
        assert (found.answer, found.done) == (Answer.NO, "")
        onboarding = await bench.look()
        (sender,) = onboarding.senders
        assert condition(sender, HEALTHY) == (Status.FALSE, reason)
        assert outcome_of(onboarding).name == "SendersLost"
        assert await has_news(bench)

    async def test_metas_error_and_remedy_are_told(self, bench: Bench):
        await connected(bench)
        await becomes(bench, can_send="BLOCKED")
        await compare(bench)
        said = (await bench.look()).senders[0].conditions[HEALTHY].message
        assert "Error 141014: The WABA is banned. Please visit Business Support Home" in said

    async def test_what_is_limited_is_shown_and_no_loss(self, bench: Bench):
        await connected(bench)
        await becomes(bench, {"can_send": "LIMITED"})
        found = await compare_one(bench, Aspect.HEALTH, GOOD)
        assert found.answer is Answer.YES
        assert "LIMITED" in found.said
        assert (await bench.look()).senders[0].is_live

    async def test_a_review_that_was_lost_is_raised_of_the_waba(self, bench: Bench):
        await connected(bench)
        await becomes(bench, review="REJECTED")
        assert (await compare_one(bench, Aspect.HEALTH)).answer is Answer.NO
        onboarding = await bench.look()
        assert condition(onboarding, HEALTHY) == (Status.FALSE, Reason.WABA_BLOCKED)

    async def test_one_that_may_send_again_is_live_again(self, bench: Bench):
        await connected(bench)
        await becomes(bench, can_send="BLOCKED")
        await compare(bench)
        await becomes(bench)
        await compare(bench)
        (sender,) = (await bench.look()).senders
        assert condition(sender, HEALTHY) == (Status.TRUE, Reason.META_LETS_SEND)
        assert sender.is_live

    async def test_infobip_and_meta_do_not_take_back_each_others_word(self, bench: Bench):
        """Each has a condition of its own."""
        await connected(bench)
        await becomes(bench, {"meta_status": "BANNED", "connection_status": "CONNECTED"})
        await compare(bench)
        (sender,) = (await bench.look()).senders
        assert ConditionType.USABLE not in sender.conditions
        assert not sender.is_live

    async def test_a_number_that_meta_does_not_list_is_no_answer(self, bench: Bench):
        await connected(bench, GOOD, OTHER)
        await becomes(bench)
        found = await compare_one(bench, Aspect.HEALTH, OTHER)
        assert found.answer is Answer.UNKNOWN
        assert all(s.is_live for s in (await bench.look()).senders)

    async def test_what_cannot_be_read_is_no_answer(self, bench: Bench):
        """A refusal there is no sign that the client has removed us."""
        await connected(bench)
        refusal = httpx.Response(400, json={"error": {"code": 100, "message": "No such field."}})
        bench.network.instead("GET", NUMBERS, lambda _: refusal)
        assert (await compare_one(bench, Aspect.HEALTH)).answer is Answer.UNKNOWN
        assert (await bench.look()).holds(CONNECTED)


class TestTurns:
    """Who is looked at this time."""

    async def test_who_was_looked_at_longest_ago_comes_first(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(watched_wabas, "LEAST", 1)
        await connected(bench)
        await another(bench, "bakery", "200000000000002")
        seen = [await clients(bench) for _ in range(3)]
        assert {*seen[0], *seen[1]} == {"acme", "bakery"}
        assert seen[2] == seen[0]

    async def test_it_is_said_how_many_were_looked_at_and_who_is_still_in_trouble(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        """So that nobody is called mended who was only not looked at."""
        monkeypatch.setattr(watched_wabas, "LEAST", 1)
        await connected(bench)
        await becomes(bench, partner=False)
        await another(bench, "bakery", "200000000000002")
        for _ in range(2):
            found = await compare(bench)
            last = found[-1]
            assert (last.client_ref, last.answer) == ("", Answer.YES)
            assert last.said.startswith("1 of 2 WABAs were looked at")
            bench.now += timedelta(minutes=15)
        troubled = [
            f for f in await compare(bench) + await compare(bench) if f.client_ref == "acme"
        ]
        assert {f.answer for f in troubled} == {Answer.NO}
        assert any("not its turn" in f.said for f in troubled)

    async def test_a_dry_run_takes_nobodys_turn(self, bench: Bench):
        await connected(bench)
        await compare(bench, dry=True)
        async with bench.ledger.begin() as session:
            assert (await session.get_one(OnboardingRow, bench.id)).meta_looked_at is None

    async def test_one_client_is_looked_at_whenever_it_is_named(self, bench: Bench):
        await connected(bench)
        assert await compare(bench, "somebody-else") == []
        assert {f.client_ref for f in await compare(bench, "acme")} == {"acme"}

    async def test_who_is_on_the_way_is_left_to_its_run(self, bench: Bench):
        await signed_up(bench)
        assert await compare(bench) == []

    async def test_when_meta_asks_to_call_less_nobody_else_is_looked_at(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("tasks.look_at_meta.AT_ONCE", 1)
        await connected(bench)
        await another(bench, "bakery", "200000000000002")
        busy = httpx.Response(400, json={"error": {"code": 4, "message": "Too many calls."}})
        for waba in (DOCUMENTED, "200000000000002"):
            path = f"/graph/v26.0/{waba}/subscribed_apps"
            bench.network.instead("GET", path, lambda _: busy, always=True)
        found = await compare(bench)
        assert [f.answer for f in found] == [Answer.UNKNOWN, Answer.YES]
        assert found[-1].said.startswith("1 of 2 WABAs were looked at")


async def another(bench: Bench, client_ref: str, waba_id: str) -> None:
    """One more live client, that came without a signup link."""
    mine = bench.id
    onboarding = await bench.start(client_ref=client_ref, waba_id=waba_id)
    await bench.sandbox.share(waba_id)
    await bench.hear()
    async with bench.ledger.begin() as session:
        (await session.get_one(OnboardingRow, onboarding.id)).ended_at = bench.now
    bench.id = mine


async def clients(bench: Bench) -> set[str]:
    """Whose turn it was."""
    bench.now += timedelta(minutes=15)
    return {f.client_ref for f in await compare(bench)} - {""}


class TestNames:
    """A number's display name, as Meta shows it and as its webhooks say."""

    async def said(self, bench: Bench, decision: str, **ago: float) -> None:
        value = {"decision": decision, "display_phone_number": GOOD}
        time = int((bench.now - timedelta(**ago)).timestamp())
        raw = body(change("", time, DOCUMENTED, "phone_number_name_update", **value))
        async with bench.ledger.begin() as session:
            await receive(session, meta_facts(raw), "webhook", bench.now)
        await bench.look()

    async def name(self, bench: Bench) -> tuple[str, str]:
        (sender,) = (await bench.look()).senders
        return condition(sender, ConditionType.NAME_APPROVED)

    async def test_one_that_is_approved_is_no_matter(self, bench: Bench):
        await connected(bench)
        await compare(bench)
        (sender,) = (await bench.look()).senders
        assert ConditionType.NAME_APPROVED not in sender.conditions

    async def test_one_that_meta_shows_as_declined_keeps_the_sender_from_being_live(
        self, bench: Bench
    ):
        await connected(bench)
        await becomes(bench, {"name_status": "DECLINED"})
        assert (await compare_one(bench, Aspect.HEALTH, GOOD)).answer is Answer.NO
        onboarding = await bench.look()
        assert await self.name(bench) == (Status.FALSE, Reason.NAME_DECLINED)
        assert not onboarding.senders[0].is_live
        assert outcome_of(onboarding).name == "SendersLost"
        await bench.later(HOURS)
        await becomes(bench)
        await compare(bench)
        assert await self.name(bench) == (Status.TRUE, Reason.NAME_APPROVED)
        assert (await bench.look()).senders[0].is_live

    async def test_a_later_word_outweighs_what_was_shown_and_an_earlier_does_not(
        self, bench: Bench
    ):
        await connected(bench)
        await compare(bench)
        await bench.later(HOURS)
        await self.said(bench, "REJECTED", hours=2)
        assert await self.name(bench) == (Status.TRUE, Reason.NAME_APPROVED)
        await self.said(bench, "REJECTED", minutes=30)
        assert await self.name(bench) == (Status.FALSE, Reason.NAME_DECLINED)

    async def test_one_in_review_blocks_nothing(self, bench: Bench):
        await connected(bench)
        await self.said(bench, "DEFERRED", minutes=1)
        assert await self.name(bench) == (Status.UNKNOWN, Reason.NAME_IN_REVIEW)
        assert (await bench.look()).senders[0].is_live


class TestWithoutALink:
    """Clients that came without a signup link."""

    async def live(self, bench: Bench, *, in_solution: bool) -> None:
        await live(bench)
        portfolio = {"business_portfolio_id": int(PORTFOLIO), "in_solution": in_solution}
        await becomes(bench, **portfolio)
        raw = registration("FINISHED", 1, businessPortfolioId=int(PORTFOLIO))
        async with bench.ledger.begin() as session:
            facts = registration_facts(json.dumps(raw).encode())
            await receive(session, facts, "webhook", bench.now)
        await bench.look()

    async def test_one_whose_token_the_solution_issues_is_subscribed_to_and_watched(
        self, bench: Bench
    ):
        await self.live(bench, in_solution=True)
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert (found.answer, found.done) == (Answer.NO, "Our app is subscribed now.")
        assert bench.books.meta.subscribed == {DOCUMENTED}
        seen = condition(await bench.look(), CONNECTED)
        assert seen == (Status.TRUE, Reason.SUBSCRIPTION_READ_BACK)
        await bench.later(2 * HOURS)
        assert (await compare_one(bench, Aspect.SUBSCRIPTION)).answer is Answer.YES
        await loses_subscription(bench)
        assert (await compare_one(bench, Aspect.SUBSCRIPTION)).done

    async def test_that_the_solution_issues_none_is_no_loss(self, bench: Bench):
        await self.live(bench, in_solution=False)
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert (found.answer, found.done) == (Answer.UNKNOWN, "")
        assert "signup link" in found.said
        assert "100/33" in found.said
        assert CONNECTED not in (await bench.look()).conditions

    @pytest.mark.parametrize(("code", "subcode"), [(10, None), (200, None), (100, 33), (190, 463)])
    async def test_that_a_token_does_not_open_the_waba_is_no_loss(
        self, bench: Bench, code: int, subcode: int | None
    ):
        await self.live(bench, in_solution=True)
        error = {"code": code, "error_subcode": subcode, "message": "No."}
        bench.network.instead(
            "GET", SUBSCRIBED, lambda _: httpx.Response(400, json={"error": error})
        )
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert found.answer is Answer.UNKNOWN
        assert CONNECTED not in (await bench.look()).conditions

    @pytest.mark.parametrize("in_solution", [True, False])
    async def test_its_own_run_asks_as_it_where_the_solution_lets_us(
        self, bench: Bench, in_solution: bool
    ):
        await self.live(bench, in_solution=in_solution)
        onboarding = await bench.look()
        assert not await has_signed_up(bench.services, onboarding)
        assert await can_be_asked_as(bench.services, bench.meta, onboarding) is in_solution
        if in_solution:
            await connect_waba.fn(bench.services, bench.meta, onboarding)
            seen = condition(await bench.look(), CONNECTED)
            assert seen == (Status.TRUE, Reason.SUBSCRIPTION_READ_BACK)

    async def test_the_owner_that_meta_names_is_its_portfolio(self, bench: Bench):
        await bench.start()
        raw = body(change("PARTNER_ADDED", entry="1", waba_info=info(DOCUMENTED)))
        async with bench.ledger.begin() as session:
            await receive(session, meta_facts(raw), "webhook", bench.now)
        await bench.look()
        async with bench.ledger.begin() as session:
            assert await portfolio_of(session, bench.id) == PORTFOLIO


class TestWhoIsLeftAlone:
    """What somebody has ended is not made again."""

    async def leaves(self, bench: Bench) -> None:
        async with bench.ledger.begin() as session:
            row = await session.get_one(OnboardingRow, bench.id)
            row.leaving_at = bench.now

    async def test_the_subscription_of_a_client_that_leaves_stays_away(self, bench: Bench):
        await connected(bench)
        await self.leaves(bench)
        await loses_subscription(bench)
        assert await compare(bench, "acme") == []
        assert bench.books.meta.subscribed == set()

    async def test_nor_is_it_made_again_for_one_that_leaves_while_it_is_looked_at(
        self, bench: Bench
    ):
        before = await connected(bench)
        await loses_subscription(bench)

        async def leave(request: httpx.Request) -> httpx.Response:
            await self.leaves(bench)
            return await bench.network.carry(request)

        bench.network.instead("GET", NUMBERS, leave)
        found = await compare_one(bench, Aspect.SUBSCRIPTION)
        assert (found.answer, found.done) == (Answer.NO, "")
        assert bench.books.meta.subscribed == set()
        assert (await bench.look()).conditions == before.conditions

    async def test_nobody_looks_after_what_was_cancelled(self, bench: Bench):
        await connected(bench)
        async with bench.ledger.begin() as session:
            row = await session.get_one(OnboardingRow, bench.id)
            row.cancelled_at = bench.now
        assert await compare(bench, "acme") == []

    async def test_a_crash_between_a_verdict_and_its_news_loses_neither(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        """Else the number would be lost and nobody told."""
        await connected(bench)
        await becomes(bench, {"can_send": "BLOCKED"})

        async def dies(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("waboard.ledger.look.look", dies)
            with pytest.raises(KeyboardInterrupt):
                await compare(bench)
        await compare(bench)
        assert await has_news(bench)


class TestSolutions:
    """The partner solutions that live clients came through."""

    async def test_one_that_is_active_is_in_order(self, bench: Bench):
        await connected(bench)
        (found,) = await compare_solutions.fn(bench.services, None, dry=False)
        assert (found.aspect, found.answer) == (Aspect.SOLUTION, Answer.YES)

    async def test_one_that_was_deactivated_is_told_in_one_line_for_all(self, bench: Bench):
        await connected(bench)
        await another(bench, "bakery", "200000000000002")
        bench.books.meta.facts.solution_status = "DEACTIVATED"
        (found,) = await compare_solutions.fn(bench.services, None, dry=False)
        assert found.answer is Answer.NO
        assert found.client_ref == f"all 2 that came by solution {SOLUTION}"
        assert "Create a new solution with Infobip" in found.said
        assert (await bench.look()).senders[0].is_live

    async def test_one_that_cannot_be_read_is_no_answer(self, bench: Bench):
        await connected(bench)
        bench.network.cut_before("GET", f"/graph/v26.0/{SOLUTION}", unreachable())
        (found,) = await compare_solutions.fn(bench.services, None, dry=False)
        assert found.answer is Answer.UNKNOWN

    async def test_without_a_system_token_it_says_which_setting_is_missing(self, bench: Bench):
        await connected(bench)
        bench.meta.account = meta_account(bench.sandbox, system_token=SecretStr(""))
        (found,) = await compare_solutions.fn(bench.services, None, dry=False)
        assert found.answer is Answer.UNKNOWN
        assert "WABOARD_META_SYSTEM_TOKEN" in found.said
