"""Whose a number is at the end depends on the set of facts, not on the order in which they came."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.databases import SqliteDatabases
from tests.tasks.test_one_owner import Town
from tests.tasks.test_owner_machine import (
    CLIENT,
    CLIENTS,
    MINUTE,
    NUMBER,
    SPELLING,
    open_town,
    spelled,
)
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Sender
from waboard.domain.spelling import subscriber

STATUS = st.sampled_from(["FINISHED", "FAILED", "IN_PROGRESS"])


@dataclass(frozen=True)
class Registered:
    """Infobip says so of a number, by its own clock."""

    client: str
    number: int
    spelling: int
    minute: int
    status: str

    async def reaches(self, town: Town) -> None:
        """Its webhook comes."""
        text, phone_number_id = spelled(self.number, self.spelling), f"90{self.number}"
        waba_id = CLIENTS[self.client]
        await town.registered(
            self.client,
            waba_id,
            self.minute,
            text,
            phone_number_id=phone_number_id,
            status=self.status,
        )


@dataclass(frozen=True)
class Partner:
    """Meta says that a client has left us, or is back, by its own clock."""

    client: str
    event: str
    minute: int

    async def reaches(self, town: Town) -> None:
        """Its webhook comes."""
        await town.partner(self.event, CLIENTS[self.client], self.minute)


@dataclass(frozen=True)
class Connected:
    """Infobip shows a number as working."""

    number: int

    async def reaches(self, town: Town) -> None:
        """We asked, and it answered."""
        await town.connected(spelled(self.number, 0))


Fact = Registered | Partner | Connected
EVENT = st.sampled_from(["PARTNER_REMOVED", "PARTNER_ADDED"])
FACTS = st.one_of(
    st.builds(Registered, CLIENT, NUMBER, SPELLING, MINUTE, STATUS),
    st.builds(Registered, CLIENT, NUMBER, SPELLING, MINUTE, STATUS),
    st.builds(Partner, CLIENT, EVENT, MINUTE),
    st.builds(Connected, NUMBER),
)


@given(st.data(), st.lists(FACTS, min_size=2, max_size=7, unique=True))
@settings(
    max_examples=int(os.environ.get("EXAMPLES", "6")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_order_of_the_facts_changes_nothing(databases: SqliteDatabases, data, facts):
    """Two orders of the same facts, each in a ledger of its own."""
    others = data.draw(st.permutations(facts))
    assert _end_of(databases, facts) == _end_of(databases, others)


THEIRS = subscriber(PhoneNumber("12024560981"))
OWN_NOW = ("12024560981", Status.TRUE, False)
LOST = ("12024560981", Status.TRUE, True)


def test_of_two_the_one_that_infobip_named_last_has_the_number(databases: SqliteDatabases):
    """The answer named by hand, in each order: the clients are told different things."""
    first = Registered("left-a", 0, 0, 1, "FINISHED")
    last = Registered("left-b", 0, 0, 5, "FINISHED")
    for facts in permutations([first, last]):
        found = _end_of(databases, facts)
        assert found == {("left-a", THEIRS): LOST, ("left-b", THEIRS): OWN_NOW}


def test_of_two_the_one_that_meta_lets_us_serve_has_the_number(databases: SqliteDatabases):
    """The one that was named last has removed us since."""
    first = Registered("left-a", 0, 0, 1, "FINISHED")
    last = Registered("left-b", 0, 0, 3, "FINISHED")
    for facts in permutations([first, last, Partner("left-b", "PARTNER_REMOVED", 5)]):
        found = _end_of(databases, facts)
        assert found["left-a", THEIRS] == OWN_NOW
        assert found["left-b", THEIRS] == LOST


def _end_of(databases: SqliteDatabases, facts: Sequence[Fact]) -> dict[tuple[str, str], object]:
    url = databases.create()
    try:
        return asyncio.run(_end(url, facts))
    finally:
        databases.drop(url)


async def _end(url: str, facts: Sequence[Fact]) -> dict[tuple[str, str], object]:
    stack, town = await open_town(url)
    async with stack:
        for client, waba_id in CLIENTS.items():
            await town.arrives(client, waba_id)
        for fact in facts:
            await fact.reaches(town)
        for client in sorted(CLIENTS) * 2:  # the net under the looks
            await town.look(client)
        return {
            (client, subscriber(sender.phone_number)): _what_matters(sender)
            for client in CLIENTS
            for sender in (await town.read(client)).senders
        }


def _what_matters(sender: Sender) -> tuple[str, Status, bool]:
    registered = sender.conditions[ConditionType.REGISTERED].status
    return sender.phone_number, registered, sender.lacks(ConditionType.OWNED)
