"""Any history of three clients and three numbers: never two owners, and no fight over one.

The machine moves registrations, removals, lists and spellings in any order, lets steps of runs and
reconciliations die between any two calls, and lets somebody in Infobip's portal interfere.
`EXAMPLES` in the environment makes it play more histories than in CI.
"""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tasks.associate import associate_sender
from tasks.filings import compare_filings
from tasks.reconcile_owners import compare_owners
from tests.ledger.databases import SqliteDatabases
from tests.sandbox.lab import lab
from tests.tasks.bench import APPLICATION, APPLICATIONS, Bench, Crash, bench_on
from tests.tasks.test_one_owner import Town
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import Order
from waboard.domain.errors import WaboardError
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Sender
from waboard.domain.reasons import Reason
from waboard.domain.spelling import subscriber
from waboard.ledger.database import Ledger
from waboard.ledger.models import Verb
from waboard.ledger.senders import expect_numbers
from waboard.operations.assign_sender import assign_sender

CLIENTS = {"left-a": "7401", "left-b": "7402", "left-c": "7403"}
SPELLINGS = (
    ("12024560981",),
    ("5215512345678", "525512345678"),
    ("22997555501", "2290197555501"),
)
"""Three numbers, each with the spellings in which Infobip shows it; one `phoneNumberId` each."""
EXAMPLES, STEPS = int(os.environ.get("EXAMPLES", "3")), 25
CLIENT = st.sampled_from(sorted(CLIENTS))
NUMBER = st.sampled_from([1, 1, 1, 0, 2])
"""Mostly the same, so that clients meet."""
SPELLING = st.integers(0, 1)
MINUTE = st.integers(0, 6)


async def open_town(url: str) -> tuple[AsyncExitStack, Town]:
    """Open a ledger, and several clients on it; the stack closes both."""
    stack = AsyncExitStack()
    ledger = Ledger(url)
    stack.push_async_callback(ledger.close)
    sandbox = await stack.enter_async_context(lab())
    bench: Bench = await stack.enter_async_context(bench_on(ledger, sandbox))
    await sandbox.http.post(APPLICATIONS, json={"applicationId": APPLICATION})
    return stack, Town(bench)


def spelled(number: int, spelling: int) -> str:
    """A spelling of a number."""
    known = SPELLINGS[number]
    return known[spelling % len(known)]


class Owners(RuleBasedStateMachine):
    """Whatever happens, in whatever order."""

    def __init__(self, databases: SqliteDatabases) -> None:
        super().__init__()
        self.databases, self.url = databases, databases.create()
        self.loop = asyncio.new_event_loop()
        self.stack, self.town = self.run(open_town(self.url))
        self.decisions = 0
        self.facts = 0
        """How many facts have come: no association changes twice between two of them."""
        self.interfered = self.ever_interfered = False
        self.seen: dict[str, list[tuple[str | None, int]]] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for something."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """Close what the example opened."""
        self.run(self.stack.aclose())
        self.loop.close()
        self.databases.drop(self.url)

    @initialize()
    def begin(self) -> None:
        """All three are asked for, and one has a live number."""
        for client, waba_id in CLIENTS.items():
            self.run(self.town.arrives(client, waba_id))
        self.says("left-a", 1, 0, 0, "FINISHED")
        self.everybody_goes_on()

    # What the upstreams say

    @rule(client=CLIENT, number=NUMBER, spelling=SPELLING, minute=MINUTE)
    def infobip_registers(self, client: str, number: int, spelling: int, minute: int) -> None:
        """By Infobip's clock, which need not run with ours."""
        self.says(client, number, spelling, minute, "FINISHED")

    @rule(client=CLIENT, number=NUMBER, spelling=SPELLING, minute=MINUTE)
    def infobip_fails_to(self, client: str, number: int, spelling: int, minute: int) -> None:
        """The registration there failed, or is on its way."""
        self.says(client, number, spelling, minute, "FAILED")

    def says(self, client: str, number: int, spelling: int, minute: int, status: str) -> None:
        """Keep a registration event, and look."""
        self.facts += 1
        text = spelled(number, spelling)
        told = self.town.registered(
            client, CLIENTS[client], minute, text, phone_number_id=f"90{number}", status=status
        )
        self.run(told)

    @rule(
        client=CLIENT,
        event=st.sampled_from(["PARTNER_REMOVED", "PARTNER_ADDED"]),
        minute=MINUTE,
    )
    def meta_says(self, client: str, event: str, minute: int) -> None:
        """A client leaves us at Meta, or connects again, by Meta's clock."""
        self.facts += 1
        self.run(self.town.partner(event, CLIENTS[client], minute))

    @rule(client=CLIENT, numbers=st.sets(NUMBER))
    def meta_lists(self, client: str, numbers: set[int]) -> None:
        """We read which numbers Meta shows on a WABA."""
        self.facts += 1
        self.run(self._list(client, numbers))

    async def _list(self, client: str, numbers: set[int]) -> None:
        listed = [(spelled(number, 0), f"90{number}") for number in numbers]
        bench = self.town.bench
        async with bench.ledger.begin() as session:
            await expect_numbers(session, self.town.ids[client], listed, bench.now)
        await self.town.look(client)

    @rule(number=NUMBER, spelling=SPELLING)
    def infobip_shows_it_connected(self, number: int, spelling: int) -> None:
        """A number works: under which WABA is not said."""
        self.facts += 1
        self.run(self.town.connected(spelled(number, spelling)))

    # What we do

    @rule(client=CLIENT, dies=st.none() | st.integers(0, 4), after=st.booleans())
    def a_run_goes_on(self, client: str, dies: int | None, after: bool) -> None:
        """It associates its senders, and may die before or after any call."""
        self.run(self._associate(client, dies, after))

    async def _associate(self, client: str, dies: int | None, after: bool) -> None:
        bench, onboarding = self.town.bench, await self.town.look(client)
        with killing(bench, dies, after):
            for sender in onboarding.senders:
                if sender.is_ours_to_work_on and not sender.holds(ConditionType.ASSOCIATED):
                    with suppress(WaboardError):
                        await associate_sender.fn(bench.services, onboarding, sender)
                    await self._verify(client, sender.phone_number)
        bench.now += timedelta(minutes=2)

    async def _verify(self, client: str, number: str) -> None:
        said = (Status.TRUE, Reason.MESSAGE_DELIVERED, "Delivered.", "message x")
        services = self.town.bench.services
        await services.write(self.town.ids[client], number, ConditionType.VERIFIED, *said)

    @rule()
    def everybody_goes_on(self) -> None:
        """All runs, one after the other, and nobody dies."""
        for client in CLIENTS:
            self.run(self._associate(client, None, after=False))

    @rule()
    def everybody_is_compared(self) -> None:
        """A reconciliation."""
        self.town.bench.now += timedelta(minutes=2)
        self.interfered = False
        services = self.town.bench.services
        self.run(compare_filings.fn(services, None, dry=False))
        self.run(compare_owners.fn(services, None, dry=False))

    @rule(client=CLIENT, number=NUMBER)
    def a_person_decides(self, client: str, number: int) -> None:
        """Where that is refused, nothing happens."""
        bench, order = self.town.bench, Order(by="mia", why=f"decision {self.decisions}")
        self.decisions += 1
        self.facts += 1
        bench.now += timedelta(seconds=1)
        decision = assign_sender(
            bench.ledger,
            lambda: bench.now,
            self.town.ids[client],
            PhoneNumber(spelled(number, 0)),
            order,
        )
        with suppress(WaboardError):
            self.run(decision)

    @rule()
    def somebody_takes_associations_away(self) -> None:
        """In Infobip's portal. A reconciliation finds out."""
        self.town.bench.books.associations.clear()
        self.facts += 1
        self.interfered = self.ever_interfered = True

    # What must hold

    @invariant()
    def it_is_as_it_must_be(self) -> None:
        """After every step."""
        senders = self.senders()
        no_number_is_live_twice(senders)
        no_number_has_two_owners(senders)
        a_number_is_one_sender_of_a_client(senders)
        if not self.interfered:  # else a reconciliation has yet to find out
            # It does not look after a number that has moved away.
            kept = [each for each in senders if not each[1].lacks(ConditionType.OWNED)]
            looked_after = kept if self.ever_interfered else senders
            what_is_held_to_be_associated_is(looked_after, self.associated())
        self.no_association_alternates()
        self.every_removal_says_why()

    def no_association_alternates(self) -> None:
        """It goes back to whom it was taken from only if something was said in between."""
        for key, entity in self.associated().items():
            history = self.seen.setdefault(str(key), [])
            if not history or history[-1][0] != entity:
                history.append((entity, self.facts))
            steps = zip(history, history[1:], history[2:], strict=False)
            for (first, _), (_, at), (again, later) in steps:
                assert first != again or later > at

    def every_removal_says_why(self) -> None:
        """In the ledger, before it is done."""
        for client in self.town.ids:
            effects = self.run(self.town.effects(client))
            assert all(each.detail for each in effects if each.verb == Verb.DISSOCIATE)

    def associated(self) -> dict[Any, str | None]:
        """Whose ids each number has at Infobip, by its key."""
        links = self.town.bench.books.associations.values()
        return {each.resourceId: each.entityId for each in links}

    def senders(self) -> list[tuple[str, Sender]]:
        """All senders as they stand, with whose they are."""

        async def read() -> list[tuple[str, Sender]]:
            onboardings = [(client, await self.town.read(client)) for client in self.town.ids]
            return [(client, sender) for client, o in onboardings for sender in o.senders]

        return self.run(read())


Senders = list[tuple[str, Sender]]


def no_number_is_live_twice(senders: Senders) -> None:
    """By whatever spelling."""
    live = [subscriber(sender.phone_number) for _, sender in senders if sender.is_live]
    assert len(live) == len(set(live)), senders


def no_number_has_two_owners(senders: Senders) -> None:
    """Only one of them says that it is its own."""
    owners = [
        subscriber(sender.phone_number)
        for _, sender in senders
        if sender.holds(ConditionType.OWNED) and sender.holds(ConditionType.REGISTERED)
    ]
    assert len(owners) == len(set(owners)), senders


def a_number_is_one_sender_of_a_client(senders: Senders) -> None:
    """In however many spellings it came."""
    numbers = [(client, subscriber(sender.phone_number)) for client, sender in senders]
    assert len(numbers) == len(set(numbers)), senders


def what_is_held_to_be_associated_is(senders: Senders, linked: dict[Any, str | None]) -> None:
    """At Infobip, with its client's ids; so every live sender is."""
    for client, sender in senders:
        if sender.holds(ConditionType.ASSOCIATED):
            assert linked.get(sender.number_key) == client, (client, sender, linked)


@pytest.mark.timeout(300)
def test_no_history_of_numbers_that_move_gives_one_two_owners(databases: SqliteDatabases):
    """The machine above, over many histories."""
    rules = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        phases=[Phase.reuse, Phase.generate],  # to shrink a history takes longer than to read it
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Owners(databases), settings=rules)


class killing:  # noqa: N801 - reads as a word
    """Let the process die at the so-manieth change at Infobip, before or after it was made."""

    def __init__(self, bench: Bench, dies: int | None, after: bool) -> None:
        self.network, self.left, self.after = bench.network, dies, after

    def __enter__(self) -> None:
        self.carry = self.network.carry
        self.network.carry = self._carry  # type: ignore[method-assign]

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        if self.left is None:
            return await self.carry(request)
        self.left -= 1
        if self.left >= 0:
            return await self.carry(request)
        if self.after:
            await self.carry(request)
        raise Crash

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.network.carry = self.carry  # type: ignore[method-assign]
        return kind is not None and issubclass(kind, Crash)
