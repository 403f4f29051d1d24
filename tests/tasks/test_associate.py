"""Associating: from wherever a number stands to the one association that should be."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tasks.associate import STALE_FOR, NumberNotListed, associate_sender
from tests.tasks.bench import (
    APPLICATION,
    APPLICATIONS,
    ASSOCIATIONS,
    ENTITIES,
    ENTITY,
    GOOD,
    NUMBERS,
    OTHER,
    Bench,
    Crash,
    condition,
    policy,
    shown,
    timed_out,
)
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import ProviderError, StepRefused
from waboard.domain.filing import Filing, ForeignFiling
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.reasons import Reason
from waboard.infobip import InfobipError
from waboard.ledger.models import Verb

RIGHT = (APPLICATION, ENTITY)
PORTFOLIO = "506914307656634"


@pytest.fixture
async def prepared(bench: Bench) -> Bench:
    """The application and the entity exist."""
    await bench.sandbox.http.post(APPLICATIONS, json={"applicationId": APPLICATION})
    await bench.sandbox.http.post(ENTITIES, json={"entityId": ENTITY})
    bench.books.requests.clear()
    return bench


async def associate(bench: Bench, onboarding: Onboarding) -> None:
    await associate_sender.fn(bench.services, onboarding, onboarding.sender(GOOD))


def linked(bench: Bench) -> list[tuple[str, str | None]]:
    """With what the sandbox has it associated."""
    return [(each.applicationId, each.entityId) for each in bench.books.associations.values()]


async def associated(bench: Bench) -> tuple[str, str]:
    return condition((await bench.look()).sender(GOOD), ConditionType.ASSOCIATED)


def changes(bench: Bench) -> list[str]:
    """What the sandbox was asked to change in its associations."""
    return [each for each in bench.writes() if each.endswith(ASSOCIATIONS)]


MAKE, REMOVE = f"POST {ASSOCIATIONS}", f"DELETE {ASSOCIATIONS}"


@dataclass
class ManyLinks:
    """An Infobip on which one number has several associations, which the sandbox has not."""

    bench: Bench
    links: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    old_view: list[dict[str, Any]] | None = None

    def play(self) -> None:
        for method in ("GET", "POST", "DELETE"):
            self.bench.network.instead(method, ASSOCIATIONS, self.answer, always=True)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            shown = self.links if self.old_view is None else self.old_view
            return httpx.Response(200, json={"results": shown})
        link = json.loads(request.content)
        self.log.append(f"{request.method} {link['applicationId']}/{link['entityId']}")
        if request.method == "DELETE":
            self.links.remove(link)
            return httpx.Response(204)
        self.links.append(link)
        return httpx.Response(201)


def link(key: str, entity: str | None, application: str = APPLICATION) -> dict[str, Any]:
    return {
        "resourceType": "NUMBER",
        "channel": "WHATSAPP",
        "applicationId": application,
        "entityId": entity,
        "resourceId": key,
    }


class TestFromAnywhere:
    """Exactly one association at the end, whatever there was."""

    async def test_a_number_without_any_gets_one_and_it_is_read_back(self, prepared: Bench):
        onboarding = await prepared.registered()
        await associate(prepared, onboarding)
        assert linked(prepared) == [RIGHT]
        assert await associated(prepared) == ("True", "AssociationReadBack")
        assert prepared.calls("GET", ASSOCIATIONS) == 2
        effects = [(row.verb, *shown(row)) for row in await prepared.effects()]
        assert effects == [(Verb.ASSOCIATE, GOOD, 1, "done")]

    async def test_one_that_somebody_removed_is_made_again_at_once(self, prepared: Bench):
        """A reading of before cannot be old any more: a reconciliation came after it."""
        onboarding = await prepared.registered()
        await associate(prepared, onboarding)
        prepared.books.associations.clear()
        await prepared.services.write(
            onboarding.id,
            onboarding.senders[0].phone_number,
            ConditionType.ASSOCIATED,
            Status.FALSE,
            Reason.ASSOCIATION_GONE,
            "Filed under nothing.",
            "reconciliation",
        )
        await associate(prepared, await prepared.look())
        assert linked(prepared) == [RIGHT]

    async def test_one_that_is_right_already_is_left_alone(self, prepared: Bench):
        onboarding = await prepared.registered()
        await associate(prepared, onboarding)
        before = len(prepared.writes())
        await associate(prepared, await prepared.look())
        assert len(prepared.writes()) == before
        assert len(await prepared.effects()) == 1
        assert await associated(prepared) == ("True", "AssociationReadBack")

    async def test_what_somebody_else_made_right_is_only_read(self, prepared: Bench):
        onboarding = await prepared.registered()
        key = await prepared.sandbox.number_key()
        await prepared.sandbox.http.post(ASSOCIATIONS, json=link(key, ENTITY))
        await associate(prepared, onboarding)
        assert changes(prepared) == [MAKE]
        assert await prepared.effects() == []
        assert await associated(prepared) == ("True", "AssociationReadBack")

    async def test_the_providers_own_default_is_moved(self, prepared: Bench):
        onboarding = await prepared.registered(auto_associated_entity=PORTFOLIO)
        assert linked(prepared) == [("default", PORTFOLIO)]
        await associate(prepared, onboarding)
        assert linked(prepared) == [RIGHT]
        assert changes(prepared) == [REMOVE, MAKE]
        effects = [(row.verb, *shown(row)) for row in await prepared.effects()]
        assert effects == [
            (Verb.DISSOCIATE, f"{GOOD} from default/{PORTFOLIO}", 1, "done"),
            (Verb.ASSOCIATE, GOOD, 1, "done"),
        ]

    async def test_one_that_has_lost_its_entity_is_moved(self, prepared: Bench):
        """Deleting an entity leaves its numbers with the default application and none."""
        onboarding = await prepared.registered(auto_associated_entity=PORTFOLIO)
        await prepared.sandbox.http.delete(f"{ENTITIES}/{PORTFOLIO}")
        assert linked(prepared) == [("default", None)]
        await associate(prepared, onboarding)
        assert linked(prepared) == [RIGHT]

    async def test_two_stale_ones_both_go(self, prepared: Bench):
        onboarding = await prepared.registered()
        key = await prepared.sandbox.number_key()
        infobip = ManyLinks(prepared, [link(key, "old"), link(key, ENTITY, "default")])
        infobip.play()
        await associate(prepared, onboarding)
        assert infobip.links == [link(key, ENTITY)]
        assert infobip.log == ["DELETE waboard/old", "DELETE default/acme", "POST waboard/acme"]
        attempts = [shown(row) for row in await prepared.effects(Verb.DISSOCIATE)]
        assert attempts == [
            (f"{GOOD} from waboard/old", 1, "done"),
            (f"{GOOD} from default/acme", 1, "done"),
        ]

    async def test_beside_the_right_one_only_the_stale_one_goes(self, prepared: Bench):
        onboarding = await prepared.registered()
        key = await prepared.sandbox.number_key()
        infobip = ManyLinks(prepared, [link(key, "old"), link(key, ENTITY)])
        infobip.play()
        await associate(prepared, onboarding)
        assert infobip.links == [link(key, ENTITY)]
        assert infobip.log == ["DELETE waboard/old"]
        assert await associated(prepared) == ("True", "AssociationReadBack")

    async def test_another_numbers_association_is_not_touched(self, prepared: Bench):
        onboarding = await prepared.registered(GOOD, OTHER, auto_associated_entity=PORTFOLIO)
        await associate(prepared, onboarding)
        assert sorted(linked(prepared)) == [("default", PORTFOLIO), RIGHT]


class TestNumberKey:
    """Associations are made with the number's key, which is looked up once."""

    async def test_the_key_is_remembered(self, prepared: Bench):
        onboarding = await prepared.registered()
        await associate(prepared, onboarding)
        key = await prepared.sandbox.number_key()
        assert (await prepared.look()).sender(GOOD).number_key == key

    async def test_a_key_that_is_known_is_not_looked_up_again(self, prepared: Bench):
        onboarding = await prepared.registered()
        await associate(prepared, onboarding)
        asked = prepared.calls("GET", NUMBERS)
        await associate(prepared, await prepared.look())
        assert prepared.calls("GET", NUMBERS) == asked

    async def test_a_key_that_was_found_outlives_what_comes_after(self, prepared: Bench):
        onboarding = await prepared.registered()
        await prepared.sandbox.script(method="GET", path=ASSOCIATIONS, status=500)
        with pytest.raises(InfobipError):
            await associate(prepared, onboarding)
        assert (await prepared.look()).sender(GOOD).number_key is not None

    async def test_a_number_that_is_not_listed_may_be_listed_later(self, prepared: Bench):
        onboarding = await prepared.registered()
        prepared.books.senders.clear()
        with pytest.raises(NumberNotListed) as error:
            await associate(prepared, onboarding)
        assert error.value.reason == Reason.NUMBER_NOT_LISTED
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        assert "numberKey" in error.value.remedy
        assert GOOD not in str(error.value)
        assert changes(prepared) == []


class TestInterrupted:
    """It can be repeated from anywhere."""

    @pytest.mark.parametrize("how", ["a crash", "a refusal", "a timeout"])
    async def test_after_the_old_one_went_and_the_new_one_did_not_come(
        self, prepared: Bench, how: str
    ):
        onboarding = await prepared.registered(auto_associated_entity=PORTFOLIO)
        if how == "a refusal":
            await prepared.sandbox.script(method="POST", path=ASSOCIATIONS, status=503)
        else:
            error = Crash() if how == "a crash" else timed_out()
            prepared.network.cut_before("POST", ASSOCIATIONS, error)
        with pytest.raises((ProviderError, Crash)):
            await associate(prepared, onboarding)
        assert linked(prepared) == []
        await associate(prepared, await prepared.look())
        assert linked(prepared) == [RIGHT]
        assert await associated(prepared) == ("True", "AssociationReadBack")
        (first, second) = await prepared.effects(Verb.ASSOCIATE)
        left = "started" if how == "a crash" else "ambiguous"
        assert (shown(first), shown(second)) == ((GOOD, 1, left), (GOOD, 2, "done"))

    async def test_after_it_was_made_and_nobody_heard_of_it(self, prepared: Bench):
        onboarding = await prepared.registered()
        prepared.network.cut_after("POST", ASSOCIATIONS, timed_out())
        with pytest.raises(InfobipError) as error:
            await associate(prepared, onboarding)
        assert error.value.retryable
        await associate(prepared, await prepared.look())
        assert linked(prepared) == [RIGHT]
        assert changes(prepared) == [MAKE]

    async def test_after_the_old_one_went_and_nobody_heard_of_it(self, prepared: Bench):
        onboarding = await prepared.registered(auto_associated_entity=PORTFOLIO)
        prepared.network.cut_after("DELETE", ASSOCIATIONS, timed_out())
        with pytest.raises(InfobipError):
            await associate(prepared, onboarding)
        await associate(prepared, await prepared.look())
        assert linked(prepared) == [RIGHT]
        assert changes(prepared) == [REMOVE, MAKE]

    async def test_the_old_one_that_somebody_else_took_away_is_no_trouble(self, prepared: Bench):
        onboarding = await prepared.registered(auto_associated_entity=PORTFOLIO)

        async def late(request: httpx.Request) -> httpx.Response:
            prepared.books.associations.clear()
            return await prepared.network.carry(request)

        prepared.network.instead("DELETE", ASSOCIATIONS, late)
        await associate(prepared, onboarding)
        assert linked(prepared) == [RIGHT]


class TestReadBack:
    """Nothing is called done that does not read back."""

    @pytest.mark.parametrize(
        "reads",
        [[], [PORTFOLIO], [ENTITY, PORTFOLIO]],
        ids=["nothing", "another", "ours and another"],
    )
    async def test_what_does_not_read_back_is_not_done_and_may_be_tried_again(
        self, prepared: Bench, reads: list[str]
    ):
        onboarding = await prepared.registered()
        key = await prepared.sandbox.number_key()
        shows = {"results": [link(key, entity) for entity in reads]}
        prepared.network.instead(
            "GET", ASSOCIATIONS, lambda _: httpx.Response(200, json=shows), always=True
        )
        with pytest.raises(ProviderError, match="does not read back") as error:
            await associate(prepared, onboarding)
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        assert GOOD not in str(error.value)
        sender = (await prepared.look()).sender(GOOD)
        assert ConditionType.ASSOCIATED not in sender.conditions

    async def test_only_what_was_made_twice_and_does_not_read_back_is_refused(
        self, prepared: Bench
    ):
        """At first the reading may only be old, and whoever retries finds it."""
        onboarding = await prepared.registered()
        nothing = httpx.Response(200, json={"results": []})
        prepared.network.instead("GET", ASSOCIATIONS, lambda _: nothing, always=True)
        for reason in (Reason.PROVIDER_UNAVAILABLE, Reason.ASSOCIATION_REFUSED):
            with pytest.raises(ProviderError) as error:
                await associate(prepared, onboarding)
            assert error.value.reason is reason
            await prepared.later(STALE_FOR.total_seconds() + 1)

    async def test_a_number_that_is_linked_already_is_read_back_like_any_other(
        self, prepared: Bench
    ):
        """Infobip's 409 does not say to what."""
        onboarding = await prepared.registered()
        await prepared.sandbox.script(method="POST", path=ASSOCIATIONS, status=409)
        with pytest.raises(ProviderError, match="does not read back"):
            await associate(prepared, onboarding)
        prepared.now += 2 * STALE_FOR
        await associate(prepared, await prepared.look())
        assert linked(prepared) == [RIGHT]

    async def test_what_was_just_made_and_is_not_shown_yet_is_not_made_again(self, prepared: Bench):
        """An answer can be older than what was done a moment ago."""
        onboarding = await prepared.registered()
        taken = httpx.Response(201)
        prepared.network.instead("POST", ASSOCIATIONS, lambda _: taken, always=True)
        for _ in range(2):
            with pytest.raises(ProviderError, match="does not read back"):
                await associate(prepared, onboarding)
        assert len(await prepared.effects(Verb.ASSOCIATE)) == 1

    async def test_that_infobip_says_it_is_linked_already_is_no_proof_that_it_is_ours(
        self, prepared: Bench
    ):
        """The next try makes it, however soon."""
        onboarding = await prepared.registered()
        await prepared.sandbox.script(method="POST", path=ASSOCIATIONS, status=409)
        with pytest.raises(ProviderError, match="does not read back"):
            await associate(prepared, onboarding)
        assert [shown(row)[2] for row in await prepared.effects(Verb.ASSOCIATE)] == ["refused"]
        await associate(prepared, onboarding)
        assert linked(prepared) == [RIGHT]

    async def test_what_reads_back_as_it_was_made_is_confirmed(self, prepared: Bench):
        """Both that the old one went and that the new one came."""
        onboarding = await prepared.registered(auto_associated_entity=PORTFOLIO)
        await associate(prepared, onboarding)
        assert [row.confirmed_at for row in await prepared.effects()] == [prepared.now] * 2

    @pytest.mark.parametrize(
        ("seconds", "times", "reason"),
        [(59, 1, Reason.PROVIDER_UNAVAILABLE), (60, 2, Reason.ASSOCIATION_REFUSED)],
    )
    async def test_a_reading_is_taken_for_an_old_one_for_a_minute(
        self, prepared: Bench, seconds: float, times: int, reason: Reason
    ):
        """Then it is made again, and what was made twice and is not shown does not take."""
        onboarding = await prepared.registered()
        taken = httpx.Response(201)
        prepared.network.instead("POST", ASSOCIATIONS, lambda _: taken, always=True)
        for _ in range(2):
            with pytest.raises(ProviderError, match="does not read back") as error:
                await associate(prepared, onboarding)
            await prepared.later(seconds)
        assert len(await prepared.effects(Verb.ASSOCIATE)) == times
        assert error.value.reason is reason

    async def test_one_that_turns_out_to_be_anothers_meanwhile_is_left_where_it_is(
        self, prepared: Bench
    ):
        """What came since the step began counts, before anything is taken away."""
        onboarding = await prepared.registered(auto_associated_entity=PORTFOLIO)

        async def ruled(request: httpx.Request) -> httpx.Response:
            moved = (ConditionType.OWNED, Status.FALSE, Reason.NUMBER_MOVED, "Moved.", "ruling")
            await prepared.services.write(onboarding.id, GOOD, *moved)
            return await prepared.network.carry(request)

        prepared.network.instead("GET", ASSOCIATIONS, ruled)
        with pytest.raises(StepRefused) as refused:
            await associate(prepared, onboarding)
        assert refused.value.reason is Reason.NUMBER_MOVED
        assert linked(prepared) == [("default", PORTFOLIO)]
        assert await prepared.effects() == []

    async def test_a_removal_that_somebody_undid_since_is_done_again(self, prepared: Bench):
        """It had been read back as gone: what shows now is no old answer."""
        onboarding = await prepared.registered()
        many = ManyLinks(prepared, [link(prepared.books.senders[GOOD].key, PORTFOLIO, "default")])
        many.play()
        await associate(prepared, onboarding)
        many.links.append(link(prepared.books.senders[GOOD].key, PORTFOLIO, "default"))
        await associate(prepared, await prepared.look())
        assert many.log.count(f"DELETE default/{PORTFOLIO}") == 2
        assert [each["entityId"] for each in many.links] == [ENTITY]

    async def test_a_removal_that_is_not_shown_yet_is_not_done_again(self, prepared: Bench):
        """A reading can be older than what was done a moment ago."""
        onboarding = await prepared.registered()
        old = link(prepared.books.senders[GOOD].key, PORTFOLIO, "default")
        many = ManyLinks(prepared, [old], old_view=[old])
        many.play()
        for _ in range(2):
            with pytest.raises(ProviderError, match="does not read back"):
                await associate(prepared, onboarding)
        assert many.log.count(f"DELETE default/{PORTFOLIO}") == 1

    async def test_a_refusal_is_raised_and_certainly_not_done(self, bench: Bench):
        """There is no such application: nobody has prepared it."""
        onboarding = await bench.registered()
        with pytest.raises(InfobipError) as error:
            await associate(bench, onboarding)
        assert (error.value.status, error.value.retryable) == (404, False)
        attempts = [shown(row) for row in await bench.effects(Verb.ASSOCIATE)]
        assert attempts == [(GOOD, 1, "failed")]


def follow(bench: Bench, foreign_filing: ForeignFiling) -> None:
    """Let this be done with what is filed elsewhere."""
    bench.services.policy = policy(foreign_filing=foreign_filing)


async def the_sender(bench: Bench) -> Sender:
    return (await bench.look()).sender(GOOD)


class TestAdopting:
    """One that is filed elsewhere is left there, and works with the ids it has."""

    ADOPTED = Filing("default", PORTFOLIO)

    @pytest.fixture
    async def adopting(self, prepared: Bench) -> Bench:
        follow(prepared, ForeignFiling.ADOPT)
        return prepared

    async def test_the_providers_own_default_is_kept_and_known(self, adopting: Bench):
        onboarding = await adopting.registered(auto_associated_entity=PORTFOLIO)
        await associate(adopting, onboarding)
        assert linked(adopting) == [("default", PORTFOLIO)]
        assert changes(adopting) == []
        assert await adopting.effects() == []
        assert (await the_sender(adopting)).adopted == self.ADOPTED
        assert await associated(adopting) == ("True", "AssociationReadBack")

    async def test_it_is_said_that_it_was_found_so(self, adopting: Bench):
        await associate(adopting, await adopting.registered(auto_associated_entity=PORTFOLIO))
        told = (await the_sender(adopting)).conditions[ConditionType.ASSOCIATED].message
        assert told == f"Filed under default / {PORTFOLIO}, as it was found."

    async def test_to_do_it_again_changes_nothing(self, adopting: Bench):
        await associate(adopting, await adopting.registered(auto_associated_entity=PORTFOLIO))
        before = await the_sender(adopting)
        await associate(adopting, await adopting.look())
        assert await the_sender(adopting) == before
        assert changes(adopting) == []

    async def test_a_number_without_any_gets_ours(self, adopting: Bench):
        await associate(adopting, await adopting.registered())
        assert linked(adopting) == [RIGHT]
        sender = await the_sender(adopting)
        assert sender.adopted is None
        told = sender.conditions[ConditionType.ASSOCIATED].message
        assert told == f"Filed under {APPLICATION} / {ENTITY}."

    async def test_one_that_somebody_filed_rightly_since_works_with_ours_again(
        self, adopting: Bench
    ):
        await associate(adopting, await adopting.registered(auto_associated_entity=PORTFOLIO))
        adopting.books.associations.clear()
        key = await adopting.sandbox.number_key()
        await adopting.sandbox.http.post(ASSOCIATIONS, json=link(key, ENTITY))
        await associate(adopting, await adopting.look())
        assert linked(adopting) == [RIGHT]
        assert (await the_sender(adopting)).adopted is None

    async def test_what_is_found_elsewhere_confirms_nothing_that_we_have_made(
        self, adopting: Bench
    ):
        """Nobody heard whether ours was made, and the number is filed elsewhere by now."""
        onboarding = await adopting.registered()
        adopting.network.cut_before("POST", ASSOCIATIONS, timed_out())
        with pytest.raises(ProviderError):
            await associate(adopting, onboarding)
        key = await adopting.sandbox.number_key()
        infobip = ManyLinks(adopting, [link(key, PORTFOLIO, "default")])
        infobip.play()
        await associate(adopting, await adopting.look())
        assert (await the_sender(adopting)).adopted == self.ADOPTED
        (made,) = await adopting.effects(Verb.ASSOCIATE)
        assert (made.status != "done", made.confirmed_at) == (True, None)

    async def test_one_that_was_adopted_is_moved_once_the_policy_says_so(self, adopting: Bench):
        await associate(adopting, await adopting.registered(auto_associated_entity=PORTFOLIO))
        follow(adopting, ForeignFiling.MOVE)
        await associate(adopting, await adopting.look())
        assert linked(adopting) == [RIGHT]
        assert (await the_sender(adopting)).adopted is None

    async def test_one_that_has_lost_its_entity_is_left_to_a_person(self, adopting: Bench):
        """A message without an entity is nobody's."""
        onboarding = await adopting.registered(auto_associated_entity=PORTFOLIO)
        await adopting.sandbox.http.delete(f"{ENTITIES}/{PORTFOLIO}")
        with pytest.raises(StepRefused, match="default / no entity") as refused:
            await associate(adopting, onboarding)
        assert refused.value.reason is Reason.FILED_ELSEWHERE
        assert linked(adopting) == [("default", None)]
        assert (await the_sender(adopting)).adopted is None

    async def test_of_two_none_is_adopted_and_none_is_touched(self, adopting: Bench):
        onboarding = await adopting.registered()
        key = await adopting.sandbox.number_key()
        infobip = ManyLinks(adopting, [link(key, "old"), link(key, PORTFOLIO, "default")])
        infobip.play()
        with pytest.raises(StepRefused, match=f"default / {PORTFOLIO} and waboard / old"):
            await associate(adopting, onboarding)
        assert infobip.log == []

    async def test_beside_ours_without_an_entity_the_other_is_adopted(self, adopting: Bench):
        onboarding = await adopting.registered()
        key = await adopting.sandbox.number_key()
        foreign = link(key, PORTFOLIO, "default")
        infobip = ManyLinks(adopting, [link(key, None), foreign])
        infobip.play()
        await associate(adopting, onboarding)
        assert infobip.links == [foreign]
        assert infobip.log == [f"DELETE {APPLICATION}/None"]
        assert (await the_sender(adopting)).adopted == self.ADOPTED


class TestRefusing:
    """One that is filed elsewhere is left to a person."""

    @pytest.fixture
    async def refusing(self, prepared: Bench) -> Bench:
        follow(prepared, ForeignFiling.REFUSE)
        return prepared

    async def test_nothing_is_changed_and_the_ids_are_named(self, refusing: Bench):
        onboarding = await refusing.registered(auto_associated_entity=PORTFOLIO)
        with pytest.raises(StepRefused, match=f"default / {PORTFOLIO}") as refused:
            await associate(refusing, onboarding)
        assert refused.value.reason is Reason.FILED_ELSEWHERE
        assert "WABOARD_FOREIGN_FILING" in refused.value.remedy
        assert GOOD not in str(refused.value)
        assert linked(refusing) == [("default", PORTFOLIO)]
        assert changes(refusing) == []
        assert await refusing.effects() == []

    async def test_nothing_is_said_of_its_association(self, refusing: Bench):
        """The flow writes down why."""
        onboarding = await refusing.registered(auto_associated_entity=PORTFOLIO)
        with pytest.raises(StepRefused):
            await associate(refusing, onboarding)
        sender = await the_sender(refusing)
        assert ConditionType.ASSOCIATED not in sender.conditions
        assert sender.adopted is None
        assert sender.number_key == await refusing.sandbox.number_key()

    async def test_a_number_without_any_gets_ours(self, refusing: Bench):
        await associate(refusing, await refusing.registered())
        assert linked(refusing) == [RIGHT]

    async def test_one_that_is_right_already_is_left_alone(self, refusing: Bench):
        await associate(refusing, await refusing.registered())
        await associate(refusing, await refusing.look())
        assert changes(refusing) == [MAKE]

    async def test_beside_the_right_one_another_is_not_taken_away(self, refusing: Bench):
        onboarding = await refusing.registered()
        key = await refusing.sandbox.number_key()
        infobip = ManyLinks(refusing, [link(key, "old"), link(key, ENTITY)])
        infobip.play()
        with pytest.raises(StepRefused, match="filed under waboard / old"):
            await associate(refusing, onboarding)
        assert infobip.log == []

    @pytest.mark.parametrize(
        ("decided", "ends"),
        [(ForeignFiling.MOVE, RIGHT), (ForeignFiling.ADOPT, ("default", PORTFOLIO))],
    )
    async def test_a_person_decides_by_the_policy(
        self, refusing: Bench, decided: ForeignFiling, ends: tuple[str, str]
    ):
        onboarding = await refusing.registered(auto_associated_entity=PORTFOLIO)
        with pytest.raises(StepRefused):
            await associate(refusing, onboarding)
        follow(refusing, decided)
        await associate(refusing, await refusing.look())
        assert linked(refusing) == [ends]
        assert await associated(refusing) == ("True", "AssociationReadBack")
