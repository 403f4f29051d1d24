"""What the database itself refuses, whoever makes the mistake: on both databases."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Connection, inspect, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.domain.samples import GOOD, WABA, at
from tests.ledger.desk import Desk
from waboard.ledger.database import Ledger
from waboard.ledger.migrate import downgrade, upgrade
from waboard.ledger.models import (
    AdditionRow,
    Base,
    BusinessTokenRow,
    ClientRow,
    ConditionChangeRow,
    ConditionRow,
    ConfirmationRow,
    DecisionRow,
    DepartureRow,
    EffectRow,
    EventRow,
    OnboardingRow,
    OutboxRow,
    RateLimitRow,
    ReceiverRow,
    SenderNameRow,
    SenderRow,
    SignupRow,
    WaitRow,
)

pytestmark = pytest.mark.alone

OF = "the onboarding"
NOW: datetime = at(0)
Written = tuple[type[Base], Mapping[str, Any]]

VALID: dict[type[Base], dict[str, Any]] = {
    ClientRow: {"client_ref": "dairy", "name": "Dairy", "created_at": NOW},
    OnboardingRow: {
        "id": "another",
        "client_id": 1,
        "waba_id": "77",
        "attempt": 1,
        "application_id": "waboard",
        "entity_id": "dairy",
        "verify_by": "template",
        "phone_numbers": [],
        "created_at": NOW,
    },
    SenderRow: {"onboarding_id": OF, "phone_number": GOOD},
    SenderNameRow: {"onboarding_id": OF, "name": "id:1", "sender_id": 1},
    AdditionRow: {
        "id": "an addition",
        "onboarding_id": OF,
        "phone_number": GOOD,
        "display_name": "Dairy",
        "state": "asked",
        "asked_at": NOW,
        "changed_at": NOW,
    },
    ConditionRow: {
        "onboarding_id": OF,
        "subject": "",
        "type": "Shared",
        "status": "True",
        "reason": "ShareAccepted",
        "message": "",
        "evidence": "",
        "changed_at": NOW,
    },
    ConditionChangeRow: {
        "onboarding_id": OF,
        "subject": "",
        "type": "Shared",
        "status": "True",
        "reason": "ShareAccepted",
        "message": "",
        "evidence": "",
        "at": NOW,
    },
    EventRow: {
        "digest": "d",
        "kind": "registration",
        "source": "webhook",
        "body": "{}",
        "disposition": "parked",
        "received_at": NOW,
        "last_received_at": NOW,
    },
    EffectRow: {
        "onboarding_id": OF,
        "verb": "share",
        "subject": "",
        "attempt": 1,
        "status": "started",
        "started_at": NOW,
    },
    WaitRow: {
        "onboarding_id": OF,
        "kind": "registration",
        "flow_run_id": "run",
        "pause_key": "sleep",
        "since": NOW,
        "opened_at": NOW,
        "wake_at": NOW,
        "give_up_at": NOW,
    },
    RateLimitRow: {"bucket": "send", "next_at": 0.0, "held_until": 0.0},
    SignupRow: {
        "id": "a link",
        "token_hash": "hash",
        "client_ref": "acme",
        "facts": {},
        "created_at": NOW,
        "expires_at": NOW,
    },
    BusinessTokenRow: {"client_ref": "acme", "sealed": "sealed", "received_at": NOW},
    ConfirmationRow: {"item": "billing", "holds": True, "who": "mia", "at": NOW},
    DecisionRow: {
        "onboarding_id": OF,
        "phone_number": "",
        "verb": "retry",
        "by": "mia",
        "why": "Again.",
        "at": NOW,
    },
    DepartureRow: {
        "id": "a departure",
        "onboarding_id": OF,
        "state": "approval-awaited",
        "by": "mia",
        "why": "They leave.",
        "asked_at": NOW,
    },
    OutboxRow: {
        "id": "a message",
        "onboarding_id": OF,
        "type": "onboarding.started",
        "client_ref": "acme",
        "waba_id": WABA,
        "attempt": 1,
        "payload": {},
        "state": "pending",
        "tries": 0,
        "next_at": NOW,
        "created_at": NOW,
    },
    ReceiverRow: {"key": "k", "failures": 0},
}
"""A row of each table that nothing is wrong with, beside an onboarding of `acme`."""

BROKEN: list[tuple[type[Base], dict[str, Any]]] = [
    (ClientRow, {"client_ref": ""}),
    (ClientRow, {"name": ""}),
    (OnboardingRow, {"attempt": 0}),
    (OnboardingRow, {"waba_id": "12a"}),
    (OnboardingRow, {"waba_id": ""}),
    (OnboardingRow, {"waba_id": " 12"}),
    (OnboardingRow, {"solution_id": "x1"}),
    (OnboardingRow, {"verify_by": "telegram"}),
    (OnboardingRow, {"ended_as": "Alive", "ended_at": NOW}),
    (OnboardingRow, {"application_id": ""}),
    (OnboardingRow, {"entity_id": ""}),
    (OnboardingRow, {"leg": "a leg of no run"}),
    (OnboardingRow, {"leaving_at": NOW}),
    (OnboardingRow, {"ended_at": NOW, "left_at": NOW}),
    (SenderRow, {"phone_number": "+4412"}),
    (SenderRow, {"phone_number": ""}),
    (SenderRow, {"phone_number_id": "abc"}),
    (SenderRow, {"entity_id": "of no application"}),
    (SenderRow, {"is_listed": True}),
    (SenderNameRow, {"name": ""}),
    (AdditionRow, {"phone_number": "12-13"}),
    (AdditionRow, {"state": "begun"}),
    (AdditionRow, {"state": "refused"}),
    (AdditionRow, {"ended_at": NOW}),
    (ConditionRow, {"type": "Happy"}),
    (ConditionRow, {"status": "Maybe"}),
    (ConditionRow, {"subject": "the whole"}),
    (ConditionRow, {"reason": ""}),
    (ConditionChangeRow, {"type": "Happy"}),
    (ConditionChangeRow, {"status": "true"}),
    (ConditionChangeRow, {"status_before": "none"}),
    (ConditionChangeRow, {"subject": "x"}),
    (ConditionChangeRow, {"reason": ""}),
    (EventRow, {"kind": "rumour"}),
    (EventRow, {"disposition": ""}),
    (EventRow, {"disposition": "lost"}),
    (EventRow, {"times_received": 0}),
    (EventRow, {"disposition": "applied"}),
    (EffectRow, {"verb": "greet"}),
    (EffectRow, {"status": "half"}),
    (EffectRow, {"attempt": -1}),
    (EffectRow, {"status": "done"}),
    (EffectRow, {"ended_at": NOW}),
    (EffectRow, {"confirmed_at": NOW}),
    (WaitRow, {"kind": "godot"}),
    (WaitRow, {"flow_run_id": ""}),
    (WaitRow, {"pause_key": ""}),
    (RateLimitRow, {"bucket": ""}),
    (RateLimitRow, {"next_at": -1.0}),
    (RateLimitRow, {"held_until": -1.0}),
    (SignupRow, {"client_ref": "nobody"}),
    (SignupRow, {"waba_id": "w"}),
    (SignupRow, {"portfolio_id": "p"}),
    (SignupRow, {"ending": "happily"}),
    (SignupRow, {"code_state": "lost"}),
    (BusinessTokenRow, {"client_ref": "nobody"}),
    (BusinessTokenRow, {"portfolio_id": "p"}),
    (BusinessTokenRow, {"sealed": ""}),
    (ConfirmationRow, {"item": ""}),
    (ConfirmationRow, {"who": ""}),
    (DecisionRow, {"verb": "sue"}),
    (DecisionRow, {"by": ""}),
    (DecisionRow, {"why": ""}),
    (DecisionRow, {"phone_number": "x"}),
    (DepartureRow, {"state": "gone"}),
    (DepartureRow, {"state": "done"}),
    (DepartureRow, {"by": ""}),
    (DepartureRow, {"why": ""}),
    (OutboxRow, {"state": "lost"}),
    (OutboxRow, {"type": ""}),
    (OutboxRow, {"waba_id": "w"}),
    (OutboxRow, {"attempt": 0}),
    (OutboxRow, {"tries": -1}),
    (ReceiverRow, {"failures": -1}),
]
"""What a mistake could write, and no database takes."""

TWICE: list[tuple[type[Base], dict[str, Any], dict[str, Any]]] = [
    (OnboardingRow, {}, {"id": "b", "client_id": 2, "attempt": 2}),
    (OnboardingRow, {}, {"id": "b", "waba_id": "78"}),
    (OnboardingRow, {"flow_run_id": "r"}, {"id": "b", "client_id": 2, "waba_id": "78"}),
    (SenderRow, {}, {}),
    (AdditionRow, {}, {"id": "b"}),
    (AdditionRow, {"pause_key": "s"}, {"id": "b", "phone_number": "12"}),
    (DepartureRow, {}, {"id": "b"}),
    (EventRow, {}, {}),
    (EffectRow, {}, {}),
    (
        EffectRow,
        {"verb": "send-test-message", "external_id": "m"},
        {"subject": "another"},
    ),
    (WaitRow, {}, {"pause_key": "another"}),
    (WaitRow, {"closed_at": NOW}, {}),
    (SignupRow, {}, {"id": "b", "token_hash": "another"}),
    (SignupRow, {"revoked_at": NOW}, {"id": "b"}),
    (OutboxRow, {}, {}),
]
"""What only one row may have: of which table, with what, and what is else in the second row."""


@pytest.fixture
async def ids(desk: Desk) -> Mapping[Any, Any]:
    """Of the onboarding of `acme`, its sender (1, in its table), and two clients that have none."""
    onboarding_id = await desk.started("acme", WABA, phone_numbers=("41793026727",))
    async with desk.ledger.begin() as session:
        clients = [ClientRow(client_ref=f"c{i}", name="C", created_at=NOW) for i in (1, 2)]
        session.add_all(clients)
        await session.flush()
        sender_id = await session.scalar(select(SenderRow.id))
        return {OF: onboarding_id, ("client", 1): clients[0].id, ("client", 2): clients[1].id} | {
            ("sender", 1): sender_id
        }


def row_of(model: type[Base], ids: Mapping[Any, Any], other: Mapping[str, Any]) -> Base:
    values = VALID[model] | other
    meant = {
        "onboarding_id": lambda of: ids[of],
        "client_id": lambda number: ids["client", number],
        "sender_id": lambda number: ids["sender", number],
    }
    return model(**{name: meant.get(name, lambda it: it)(it) for name, it in values.items()})


async def write(ledger: Ledger, ids: Mapping[Any, Any], *rows: Written) -> None:
    """Write rows one after the other, all or none."""
    async with ledger.begin() as session:
        for model, other in rows:
            session.add(row_of(model, ids, other))
            await session.flush()


@pytest.mark.parametrize("model", VALID, ids=lambda model: model.__tablename__)
async def test_a_row_that_breaks_no_rule_is_taken(ledger, ids, model):
    await write(ledger, ids, (model, {}))


@pytest.mark.parametrize(
    ("model", "broken"),
    BROKEN,
    ids=[
        f"{model.__tablename__}-{'-'.join(broken)}-{i}" for i, (model, broken) in enumerate(BROKEN)
    ],
)
async def test_a_row_that_breaks_a_rule_is_refused(ledger, ids, model, broken):
    with pytest.raises(DBAPIError):
        await write(ledger, ids, (model, broken))


@pytest.mark.parametrize(
    ("model", "first", "second"),
    TWICE,
    ids=[f"{model.__tablename__}-{i}" for i, (model, _, _) in enumerate(TWICE)],
)
async def test_what_only_one_may_have_is_refused_to_a_second(ledger, ids, model, first, second):
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        await write(ledger, ids, (model, first), (model, first | second))


async def test_an_onboarding_does_not_end_asleep(desk, ids):
    await desk.sleep(ids[OF])
    with pytest.raises(DBAPIError, match="onboardings_end_awake"):
        async with desk.ledger.begin() as session:
            await session.execute(update(OnboardingRow).values(ended_at=NOW))


async def test_an_onboarding_that_has_ended_does_not_fall_asleep(desk, ids):
    async with desk.ledger.begin() as session:
        await session.execute(update(OnboardingRow).values(ended_at=NOW))
    with pytest.raises(DBAPIError, match="onboardings_end_awake"):
        await desk.sleep(ids[OF])


def rules_of_models() -> Iterator[tuple[str, str]]:
    for table in Base.metadata.tables.values():
        for each in table.constraints:
            if isinstance(each, CheckConstraint):
                yield table.name, str(each.name)


def rules_of_database(connection: Connection) -> set[tuple[str, str]]:
    inspector = inspect(connection)
    return {
        (table, str(rule["name"]))
        for table in Base.metadata.tables
        for rule in inspector.get_check_constraints(table)
    }


async def test_the_database_has_the_models_rules_and_no_others(ledger):
    async with ledger.engine.connect() as connection:
        assert await connection.run_sync(rules_of_database) == set(rules_of_models())


def test_each_rule_is_shown_to_refuse_something():
    """By a row above that breaks it alone."""
    columns = {(model.__tablename__, column) for model, broken in BROKEN for column in broken}
    whole = {"ended", "confirmed", "applied", "adopted", "listed", "leg", "leaving", "left"}
    for table, name in rules_of_models():
        about = name.removeprefix(f"ck_{table}_")
        assert about in whole or (table, about) in columns, name


class TestAnOlderLedger:
    """It gets the rules when it is brought to the newest form."""

    @pytest.fixture
    async def old(self, empty_url):
        ledger = Ledger(empty_url)
        await upgrade(ledger)
        await Desk(ledger).start()
        await downgrade(ledger, "0018")
        yield ledger
        await ledger.close()

    async def test_links_and_tokens_of_unknown_clients_get_their_client(self, old):
        async with old.begin() as session:
            row = VALID[SignupRow] | {"client_ref": "bakery", "granted": None}
            session.add(SignupRow(**row))
            session.add(BusinessTokenRow(**VALID[BusinessTokenRow] | {"client_ref": "dairy"}))
        await upgrade(old)
        assert await Desk(old).count(ClientRow) == 3

    async def test_a_wait_that_outlived_its_onboarding_is_closed(self, old):
        desk = Desk(old)
        async with old.begin() as session:
            onboarding_id = await session.scalar(select(OnboardingRow.id))
        await desk.sleep(onboarding_id)
        async with old.begin() as session:
            await session.execute(update(OnboardingRow).values(ended_at=at(7)))
        await upgrade(old)
        async with old.begin() as session:
            (closed_at,) = await session.scalars(
                WaitRow.__table__.select().with_only_columns(WaitRow.closed_at)
            )
        assert closed_at == at(7)

    async def test_what_a_person_must_settle_is_named_and_nothing_changes(self, old):
        async with old.begin() as session:
            await session.execute(update(OutboxRow).values(state="lost"))
            session.add(ReceiverRow(key="k", failures=-1))
        with pytest.raises(ValueError, match=r"1 of ck_outbox_state; 1 of ck_receivers_failures"):
            await upgrade(old)
        async with old.begin() as session:
            session.add(ReceiverRow(key="l", failures=-1))  # no rule yet
