"""One number, several of our clients: who has it, whose association it is, and what both say."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tasks.associate import associate_sender
from tasks.await_registration import keep_quality
from tasks.filings import compare_filings
from tasks.offboard import mark_leaving
from tasks.reconcile_owners import compare_owners
from tasks.release import release_sender
from tests.sandbox.lab import lab
from tests.tasks.bench import (
    APPLICATION,
    APPLICATIONS,
    ASSOCIATIONS,
    ENTITIES,
    NUMBERS,
    QUALITY,
    Bench,
    bench_on,
)
from tests.tasks.bench import condition as shown
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import Order
from waboard.domain.errors import NotFound, OutOfPlace, StepRefused
from waboard.domain.facts import inbound_facts, meta_facts, quality_fact, registration_facts
from waboard.domain.filing import ForeignFiling
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.reasons import Reason
from waboard.domain.reconcile import Answer
from waboard.domain.requests import Defaults, OnboardingRequest
from waboard.domain.spelling import subscriber
from waboard.domain.steps import registration_is_over
from waboard.domain.verbs import refuse_retry
from waboard.ledger.clients import start_onboarding
from waboard.ledger.database import Ledger
from waboard.ledger.departures import note_departure
from waboard.ledger.effects import effects_of
from waboard.ledger.events import concerned_by, only_awaited, receive
from waboard.ledger.models import EffectRow
from waboard.ledger.onboardings import end_onboarding, read_onboarding, with_news
from waboard.operations.assign_sender import assign_sender
from waboard.sandbox.state import RegisteredSender

NUMBER = PhoneNumber("12024560981")
OWNED, ASSOCIATED, REGISTERED = (
    ConditionType.OWNED,
    ConditionType.ASSOCIATED,
    ConditionType.REGISTERED,
)
ORDER = Order(by="mia", why="Both were asked.")


class Town:
    """Several clients on one ledger and one Infobip. `bench` has the services."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ids: dict[str, str] = {}
        bench.network.instead("GET", NUMBERS, self._find_number, always=True)

    def _find_number(self, request: httpx.Request) -> httpx.Response:
        """Infobip knows a subscriber by one key, however the number is spelled."""
        number = request.url.params["number"]
        known = self.bench.books.senders.get(subscriber(number))
        found = [{"numberKey": known.key, "number": number}] if known else []
        return httpx.Response(200, json={"numbers": found, "numberCount": len(found)})

    async def arrives(self, client: str, waba_id: str, **facts: Any) -> None:
        """Somebody asks for a client."""
        given = {"client_ref": client, "waba_id": waba_id, **facts}
        request = OnboardingRequest.model_validate(given)
        started = await start_onboarding(
            self.bench.ledger, request, Defaults(APPLICATION), lambda: self.bench.now
        )
        self.ids[client] = started.onboarding_id
        entity = {"entityId": facts.get("entity_id", client)}
        await self.bench.sandbox.http.post(ENTITIES, json=entity)

    async def hears(self, facts: list[Any]) -> None:
        """A webhook is kept, and whoever it concerns looks."""
        async with self.bench.ledger.begin() as session:
            receipts = await receive(session, facts, "webhook", self.bench.now)
            concerned = await concerned_by(session, [receipt.event_id for receipt in receipts])
        for each in concerned:
            await self.bench.services.look(each)

    async def registered(
        self,
        client: str,
        waba_id: str,
        minute: int,
        number: str = NUMBER,
        *,
        phone_number_id: str | None = None,
        status: str = "FINISHED",
    ) -> None:
        """Infobip says that a WABA has the number, at that minute of its own clock."""
        if client not in self.ids:
            await self.arrives(client, waba_id)
        if status == "FINISHED":
            known = RegisteredSender(waba_id, subscriber(number), 0)
            self.bench.books.senders.setdefault(known.number, known)
        sender = {"displayPhoneNumber": f"+{number}", "status": status}
        sender["phoneNumberId"] = phone_number_id or f"{waba_id}1"
        body = {
            "businessAccountId": waba_id,
            "status": status,
            "lastModifiedAt": f"2026-01-05T09:{minute:02}:00.000+0000",
            "senders": [sender],
        }
        await self.hears(registration_facts(str(body).replace("'", '"').encode()))

    async def partner(self, event: str, waba_id: str, minute: int) -> None:
        """Meta says that a WABA was shared with us, or taken from us, at a minute of its clock."""
        time = int(self.bench.now.timestamp()) + minute * 60
        value = f'{{"event": "{event}", "waba_info": {{"waba_id": "{waba_id}"}}}}'
        change = f'{{"field": "account_update", "value": {value}}}'
        entry = f'{{"id": "700", "time": {time}, "changes": [{change}]}}'
        raw = f'{{"object": "whatsapp_business_account", "entry": [{entry}]}}'
        await self.hears(meta_facts(raw.encode()))

    async def connected(self, number: str = NUMBER) -> None:
        """The quality endpoint says that the number works: under which WABA, it does not."""
        await self.hears([quality_fact({"sender": number, "status": "CONNECTED"}, number)])

    async def look(self, client: str) -> Onboarding:
        return await self.bench.services.look(self.ids[client])

    async def read(self, client: str) -> Onboarding:
        """A client's onboarding as it is written."""
        async with self.bench.ledger.begin() as session:
            return await read_onboarding(session, self.ids[client])

    async def effects(self, client: str) -> list[EffectRow]:
        """What was done for a client."""
        async with self.bench.ledger.begin() as session:
            return await effects_of(session, self.ids[client])

    async def sender(self, client: str) -> Sender:
        (sender,) = (await self.look(client)).senders
        return sender

    async def associates(self, client: str) -> None:
        """The step of a client's run."""
        onboarding = await self.look(client)
        (sender,) = onboarding.senders
        await associate_sender.fn(self.bench.services, onboarding, sender)

    async def is_live(self, client: str) -> None:
        """A client's run has brought its sender live, and has ended."""
        await self.associates(client)
        (sender,) = (await self.look(client)).senders
        services, of = self.bench.services, self.ids[client]
        said = (Status.TRUE, Reason.MESSAGE_DELIVERED, "Delivered.", "message x")
        await services.write(of, sender.phone_number, ConditionType.VERIFIED, *said)
        async with self.bench.ledger.begin() as session:
            await end_onboarding(session, of, self.bench.now, "Live")

    async def owned(self, client: str) -> tuple[str, str]:
        return shown(await self.sender(client), OWNED)

    async def has_news(self) -> set[str]:
        async with self.bench.ledger.begin() as session:
            ids = await with_news(session)
        return {client for client, of in self.ids.items() if of in ids}

    @property
    def linked(self) -> list[str | None]:
        """Whose ids the number has at Infobip."""
        return [each.entityId for each in self.bench.books.associations.values()]


@pytest.fixture
async def town(ledger: Ledger) -> AsyncGenerator[Town]:
    async with lab() as sandbox, bench_on(ledger, sandbox) as bench:
        await sandbox.http.post(APPLICATIONS, json={"applicationId": APPLICATION})
        yield Town(bench)


@pytest.fixture
async def moved(town: Town) -> Town:
    """The number was left-a's, and Infobip has registered it for left-b since."""
    await town.registered("left-a", "7401", 1)
    await town.is_live("left-a")
    assert (await town.sender("left-a")).is_live
    await town.registered("left-b", "7402", 2)
    return town


class TestWhoHasIt:
    """The one that the upstreams' evidence names last; where it does not decide, nobody."""

    async def test_a_number_that_one_client_has_is_not_asked_about(self, town: Town):
        await town.registered("left-a", "7401", 1)
        assert OWNED not in (await town.sender("left-a")).conditions

    async def test_it_is_the_one_for_which_infobip_registered_it_last(self, moved: Town):
        assert await moved.owned("left-a") == ("False", "NumberMoved")
        assert await moved.owned("left-b") == ("True", "NumberOwned")
        assert not (await moved.sender("left-a")).is_live

    async def test_an_older_registration_that_comes_late_changes_nothing(self, town: Town):
        await town.registered("left-b", "7402", 2)
        await town.registered("left-a", "7401", 1)
        assert await town.owned("left-a") == ("False", "NumberMoved")
        assert await town.owned("left-b") == ("True", "NumberOwned")

    async def test_the_other_says_where_it_went_and_since_when(self, moved: Town):
        said = (await moved.sender("left-a")).conditions[OWNED].message
        where, since = "left-b (WABA …7402)", "2026-01-05 09:02 UTC"
        because = "Infobip registered it there last"
        assert said == f"The number moved to {where} since {since}: {because}."

    async def test_both_runs_go_on_to_tell_it(self, moved: Town):
        """The one that lost it had ended as live; the other is on its way."""
        assert await moved.has_news() == {"left-a"}

    async def test_a_partner_removed_of_the_other_decides(self, town: Town):
        await town.registered("left-a", "7401", 2)
        await town.registered("left-b", "7402", 1)
        assert await town.owned("left-a") == ("True", "NumberOwned")
        await town.partner("PARTNER_REMOVED", "7401", 3)
        assert await town.owned("left-a") == ("False", "NumberMoved")
        assert await town.owned("left-b") == ("True", "NumberOwned")

    async def test_two_registrations_of_one_instant_are_for_a_person(self, town: Town):
        await town.registered("left-a", "7401", 1)
        await town.is_live("left-a")
        await town.registered("left-b", "7402", 1)
        for client, other in (("left-a", "left-b (WABA …7402)"), ("left-b", "left-a (WABA …7401)")):
            assert await town.owned(client) == ("Unknown", "OwnerUnclear")
            assert other in (await town.sender(client)).conditions[OWNED].message

    async def test_that_a_number_works_is_no_registration_of_who_comes_later(self, town: Town):
        """It works because the other has it."""
        await town.registered("left-a", "7401", 1)
        await town.registered("left-b", "7402", 2, status="IN_PROGRESS")
        await town.connected()
        assert shown(await town.sender("left-b"), REGISTERED)[0] == "Unknown"
        assert OWNED not in (await town.sender("left-a")).conditions

    async def test_once_the_other_was_removed_it_is(self, town: Town):
        await town.registered("left-a", "7401", 1)
        await town.registered("left-b", "7402", 2, status="IN_PROGRESS")
        await town.partner("PARTNER_REMOVED", "7401", 3)
        await town.connected()
        assert shown(await town.sender("left-b"), REGISTERED) == ("True", "SenderConnected")

    async def test_one_whose_registration_failed_later_has_it_no_more(self, moved: Town):
        await moved.registered("left-b", "7402", 3, status="FAILED")
        assert await moved.owned("left-a") == ("True", "NumberOwned")

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("5215512345678", "525512345678"),
            ("5491123456789", "541123456789"),
            ("22997555501", "2290197555501"),
            ("22507123456", "2250707123456"),
        ],
    )
    async def test_two_spellings_are_one_number_where_the_id_says_so(
        self, town: Town, before: str, after: str
    ):
        await town.registered("left-a", "7401", 1, before, phone_number_id="901")
        await town.registered("left-b", "7402", 2, after, phone_number_id="901")
        assert await town.owned("left-a") == ("False", "NumberMoved")
        assert (await town.sender("left-b")).phone_number == after

    async def test_without_an_upstream_s_word_two_spellings_are_two_numbers(self, town: Town):
        await town.registered("left-a", "7401", 1, "541123456789")
        await town.registered("left-b", "7402", 2, "5491123456789")
        assert OWNED not in (await town.sender("left-a")).conditions


class TestOtherSpellings:
    """What an upstream says of a number in another spelling is about that number."""

    NUMBER, OTHERWISE = "5215512345678", "525512345678"

    async def test_somebody_wrote_to_it(self, town: Town):
        await town.arrives("left-a", "7401", verify_by="inbound")
        await town.registered("left-a", "7401", 1, self.NUMBER)
        message = f'{{"to": "{self.OTHERWISE}", "from": "447860099311", "messageId": "m"}}'
        async with town.bench.ledger.begin() as session:
            facts = inbound_facts(f'{{"results": [{message}]}}'.encode())
            kept = await only_awaited(session, facts)
        await town.hears(kept)
        assert shown(await town.sender("left-a"), ConditionType.RECEIVES)[0] == "True"

    async def test_infobip_shows_how_it_stands(self, town: Town):
        await town.registered("left-a", "7401", 1, self.NUMBER, status="IN_PROGRESS")
        town.bench.now += timedelta(minutes=5)
        said = {"sender": self.OTHERWISE, "status": "CONNECTED", "qualityRating": "HIGH"}
        body = {"results": [said | {"currentLimit": "LIMIT_2K"}]}
        answer = httpx.Response(200, json=body)
        town.bench.network.instead("GET", QUALITY, lambda _: answer)
        await keep_quality(town.bench.services, [PhoneNumber(self.NUMBER)])
        sender = await town.sender("left-a")
        assert (sender.phone_number, shown(sender, REGISTERED)[0]) == (self.OTHERWISE, "True")

    async def test_it_was_asked_for_so(self, town: Town):
        await town.arrives("left-a", "7401", phone_numbers=[f"+{self.OTHERWISE}"])
        await town.registered("left-a", "7401", 1, self.NUMBER)
        onboarding = await town.look("left-a")
        assert [each.phone_number for each in onboarding.senders] == [self.NUMBER]
        assert registration_is_over(onboarding)

    async def test_what_is_true_of_it_and_was_done_goes_along(self, town: Town):
        """From one spelling to the other, the conditions and the effects with their attempts."""
        await town.registered("left-a", "7401", 1, self.NUMBER)
        await town.is_live("left-a")
        before = [effect.attempt for effect in await town.effects("left-a")]
        await town.registered("left-a", "7401", 2, self.OTHERWISE)
        sender = await town.sender("left-a")
        assert (sender.phone_number, sender.is_live) == (self.OTHERWISE, True)
        effects = await town.effects("left-a")
        assert [effect.attempt for effect in effects] == before
        assert {effect.subject for effect in effects} == {self.OTHERWISE}


class TestWhoseAssociation:
    """It follows the owner, and is never taken from a client that may still have the number."""

    async def test_it_moves_to_the_owner_and_the_other_s_is_written_off_first(self, moved: Town):
        await moved.associates("left-b")
        assert moved.linked == ["left-b"]
        assert shown(await moved.sender("left-a"), ASSOCIATED) == ("False", "NumberMoved")
        (removal, _) = await moved.effects("left-b")
        assert removal.detail.startswith("The number belongs to this client since")

    async def test_it_stays_there_however_often_everybody_is_compared(self, moved: Town):
        await moved.associates("left-b")
        before = moved.bench.writes()
        for _ in range(3):
            await compare_filings.fn(moved.bench.services, None, dry=False)
            await compare_owners.fn(moved.bench.services, None, dry=False)
            for client in moved.ids:
                await moved.associates(client)
        assert moved.bench.writes() == before
        assert moved.linked == ["left-b"]

    async def test_a_run_of_the_other_does_nothing(self, moved: Town):
        await moved.associates("left-b")
        before = moved.bench.writes()
        await moved.associates("left-a")
        assert moved.bench.writes() == before

    @pytest.mark.parametrize("policy", list(ForeignFiling))
    async def test_where_nothing_decides_nothing_is_moved(self, town: Town, policy: ForeignFiling):
        await town.registered("left-a", "7401", 1)
        await town.is_live("left-a")
        await town.registered("left-b", "7402", 1)
        object.__setattr__(town.bench.services.policy, "foreign_filing", policy)
        for client in town.ids:
            await town.associates(client)
        assert town.linked == ["left-a"]

    @pytest.mark.parametrize("policy", list(ForeignFiling))
    async def test_ids_of_another_client_that_has_not_the_number_are_its_own(
        self, town: Town, policy: ForeignFiling
    ):
        """Somebody filed it there by hand."""
        await town.registered("left-a", "7401", 1)
        await town.is_live("left-a")
        await town.arrives("left-b", "7402")
        (link,) = town.bench.books.associations.values()
        other = {**link.as_json(), "entityId": "left-b"}
        await town.bench.sandbox.http.request("DELETE", ASSOCIATIONS, json=link.as_json())
        await town.bench.sandbox.http.post(ASSOCIATIONS, json=other)
        object.__setattr__(town.bench.services.policy, "foreign_filing", policy)
        with pytest.raises(StepRefused, match="our client left-b") as refusal:
            await town.associates("left-a")
        assert refusal.value.reason is Reason.HELD_BY_ANOTHER_CLIENT
        assert town.linked == ["left-b"]

    async def test_infobip_s_own_key_shows_that_two_spellings_are_one(self, town: Town):
        """Before anything is moved."""
        await town.registered("left-a", "7401", 1, "541123456789")
        await town.is_live("left-a")
        await town.registered("left-b", "7402", 1, "5491123456789")
        await town.associates("left-b")
        assert town.linked == ["left-a"]


class TestComingBack:
    """A number that another had for a while, or may have had."""

    async def test_its_association_is_read_back_before_it_is_live_again(self, town: Town):
        """Nobody had looked after it, and somebody took it away meanwhile."""
        await town.registered("left-a", "7401", 1)
        await town.is_live("left-a")
        await town.registered("left-b", "7402", 1)
        town.bench.books.associations.clear()
        await town.partner("PARTNER_REMOVED", "7402", 5)
        assert await town.owned("left-a") == ("True", "NumberOwned")
        assert not (await town.sender("left-a")).is_live
        assert "left-a" in await town.has_news()
        await town.associates("left-a")
        assert town.linked == ["left-a"]
        assert (await town.sender("left-a")).is_live


class TestAPersonDecides:
    """One verb, recorded with who and why."""

    @pytest.fixture
    async def unclear(self, town: Town) -> Town:
        await town.registered("left-a", "7401", 1)
        await town.is_live("left-a")
        await town.registered("left-b", "7402", 1)
        return town

    async def assigned(self, town: Town, client: str, order: Order = ORDER) -> Onboarding:
        ledger, now = town.bench.ledger, town.bench.now
        return await assign_sender(ledger, lambda: now, town.ids[client], NUMBER, order)

    async def test_it_is_recorded_with_who_and_why_and_it_moves(self, unclear: Town):
        await self.assigned(unclear, "left-b")
        assert await unclear.owned("left-a") == ("False", "NumberMoved")
        assert "mia assigned it" in (await unclear.sender("left-a")).conditions[OWNED].message
        await unclear.associates("left-b")
        assert unclear.linked == ["left-b"]

    async def test_one_that_had_ended_goes_on(self, unclear: Town):
        await self.assigned(unclear, "left-a")
        assert "left-a" in await unclear.has_news()

    async def test_the_same_order_twice_is_one(self, unclear: Town):
        first = await self.assigned(unclear, "left-b")
        again = await self.assigned(unclear, "left-b")
        assert again == first

    async def test_it_stands_against_evidence_of_before(self, unclear: Town):
        await self.assigned(unclear, "left-a")
        await unclear.registered("left-b", "7402", 1, status="IN_PROGRESS")
        assert await unclear.owned("left-a") == ("True", "NumberOwned")

    async def test_later_evidence_overrules_it(self, unclear: Town):
        await self.assigned(unclear, "left-a")
        await unclear.registered("left-b", "7402", 9)
        assert await unclear.owned("left-b") == ("True", "NumberOwned")

    async def test_a_number_that_one_client_alone_has_is_not_assigned(self, town: Town):
        await town.registered("left-a", "7401", 1)
        with pytest.raises(OutOfPlace, match="its own"):
            await self.assigned(town, "left-a")

    async def test_a_number_that_the_client_has_not_is_not_found(self, town: Town):
        await town.arrives("left-a", "7401")
        with pytest.raises(NotFound):
            await self.assigned(town, "left-a")

    async def test_an_owner_needs_no_decision(self, moved: Town):
        with pytest.raises(OutOfPlace, match="already"):
            await self.assigned(moved, "left-b")

    async def test_the_other_can_be_given_it_back(self, moved: Town):
        """A person knows better than the evidence of now."""
        await self.assigned(moved, "left-a")
        assert await moved.owned("left-b") == ("False", "NumberMoved")

    async def test_to_retry_a_number_that_moved_is_refused_with_the_verb_that_decides(
        self, moved: Town
    ):
        onboarding = await moved.look("left-a")
        with pytest.raises(OutOfPlace) as refusal:
            refuse_retry(onboarding, NUMBER, run_lives=False)
        assert "waboard sender assign" in refusal.value.remedy

    async def test_a_reconciliation_says_where_a_person_has_to_decide(self, unclear: Town):
        found = await compare_owners.fn(unclear.bench.services, None, dry=True)
        assert [(each.client_ref, each.answer) for each in found] == [
            (client, Answer.NO) for client in sorted(unclear.ids, key=lambda c: unclear.ids[c])
        ]

    async def test_a_number_that_moved_is_in_order(self, moved: Town):
        found = await compare_owners.fn(moved.bench.services, "left-a", dry=False)
        assert [each.answer for each in found] == [Answer.YES]


class TestLeaving:
    """A client that leaves has no claim any more."""

    async def leaves(self, town: Town, client: str) -> None:
        onboarding = await town.look(client)
        order = Order(by="mia", why="It left.")
        async with town.bench.ledger.begin() as session:
            if onboarding.ended_at is None:
                await end_onboarding(session, onboarding.id, town.bench.now, "Live")
            run = await note_departure(session, "run", onboarding, order, town.bench.now)
        await mark_leaving.fn(town.bench.services, onboarding, run[0])

    async def test_the_number_is_the_other_s_at_once(self, moved: Town):
        await moved.associates("left-b")
        await self.leaves(moved, "left-b")
        assert await moved.owned("left-a") == ("True", "NumberOwned")
        assert "left-a" in await moved.has_news()

    async def test_it_takes_no_association_along_that_another_has_under_the_same_ids(
        self, town: Town
    ):
        await town.arrives("left-a", "7401", entity_id="shared")
        await town.arrives("left-b", "7402", entity_id="shared")
        await town.registered("left-a", "7401", 1)
        await town.is_live("left-a")
        await town.registered("left-b", "7402", 2)
        await self.leaves(town, "left-a")
        onboarding = await town.look("left-a")
        (sender,) = onboarding.senders
        said = await release_sender.fn(town.bench.services, onboarding, sender)
        assert "another client's now" in said
        assert town.linked == ["shared"]
