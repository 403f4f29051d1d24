"""Bringing a database to the newest form, and back."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, update

from tests.domain.samples import at
from tests.ledger.desk import Desk
from waboard.domain.conditions import Condition, ConditionType, Status
from waboard.domain.meta_events.words import OwnRead
from waboard.domain.reasons import Reason
from waboard.domain.subscription import READ
from waboard.ledger import migrate
from waboard.ledger.database import Ledger
from waboard.ledger.migrate import downgrade, upgrade
from waboard.ledger.models import Base, OnboardingRow, WaitRow
from waboard.ledger.own_reads import own_read_of


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Ledger]:
    ledger = Ledger(empty_url)
    yield ledger
    await ledger.close()


async def tables(ledger: Ledger) -> set[str]:
    async with ledger.engine.connect() as connection:
        return set(await connection.run_sync(lambda c: inspect(c).get_table_names()))


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


async def test_an_empty_database_gets_all_tables(empty):
    """At the first start."""
    await upgrade(empty)
    assert await tables(empty) == {*Base.metadata.tables, "alembic_version"}


async def test_the_migrated_form_is_the_form_of_the_models(empty):
    """Alembic would have nothing to add, change or drop."""
    await upgrade(empty)
    async with empty.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_constraints_and_indexes_have_the_models_names(empty):
    """So that a later migration can drop them on either database."""
    await upgrade(empty)
    async with empty.engine.connect() as connection:
        found = await connection.run_sync(names)
    assert found >= {
        *(index.name for table in Base.metadata.tables.values() for index in table.indexes),
        "uq_onboardings_waba_id_attempt",
        "fk_onboardings_client_id",
    }


def names(connection: Connection) -> set[str | None]:
    inspector = inspect(connection)
    return {
        item["name"]
        for table in inspector.get_table_names()
        for get in ("get_indexes", "get_unique_constraints", "get_foreign_keys")
        for item in getattr(inspector, get)(table)
    }


async def test_migrating_again_changes_nothing(empty):
    """It is done at every start."""
    await upgrade(empty)
    await Desk(empty).start()
    await upgrade(empty)
    assert not (await Desk(empty).start()).created


async def test_all_migrations_can_be_taken_back_and_applied_again(empty):
    """Down to nothing."""
    await upgrade(empty)
    await downgrade(empty)
    assert await tables(empty) == {"alembic_version"}
    await upgrade(empty)
    async with empty.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_processes_that_start_at_once_take_turns(empty_url):
    """One migrates, the others find it done."""
    ledgers = [Ledger(empty_url) for _ in range(4)]
    try:
        await asyncio.gather(*map(upgrade, ledgers))
        assert "onboardings" in await tables(ledgers[0])
    finally:
        for ledger in ledgers:
            await ledger.close()


async def test_a_folder_with_a_percent_sign_is_no_obstacle(empty, monkeypatch, tmp_path):
    """Alembic's own configuration would read it as a placeholder."""
    moved = tmp_path / "100% ours"
    shutil.copytree(migrate.MIGRATIONS, moved)
    monkeypatch.setattr(migrate, "MIGRATIONS", moved)
    await upgrade(empty)
    assert "onboardings" in await tables(empty)


async def test_waits_of_before_are_told_apart_by_their_last_sleep(empty):
    """Of each wait the last sleep, and no other, says how long it took."""
    await upgrade(empty)
    desk = Desk(empty)
    for client_ref, waba in (("acme", "1"), ("bakery", "2")):
        onboarding_id = await desk.started(client_ref, waba)
        for minute in range(3):
            await desk.sleep(onboarding_id, minute=minute)
    async with empty.begin() as session:
        await session.execute(update(WaitRow).values(slept_on=False))
    await downgrade(empty, "0008")
    await upgrade(empty)
    async with empty.begin() as session:
        query = select(WaitRow.opened_at).where(WaitRow.slept_on.is_(False))
        assert list(await session.scalars(query)) == [at(2), at(2)]


async def test_what_we_had_seen_ourselves_is_kept_beside_what_meta_says(empty):
    """What a webhook had written comes from the webhooks again."""
    await upgrade(empty)
    desk = Desk(empty)
    seen, heard = await desk.started("acme", "1"), await desk.started("bakery", "2")
    kind, there = ConditionType.CONNECTED, Reason.SUBSCRIPTION_READ_BACK
    for of, evidence in ((seen, READ), (heard, "webhook of Meta's")):
        known = Condition(kind, Status.TRUE, there, "Seen.", evidence, at(5))
        await desk.write(of, known)
    await downgrade(empty, "0015")
    await upgrade(empty)
    async with empty.begin() as session:
        row = await session.get_one(OnboardingRow, seen)
        assert own_read_of(row, kind) == OwnRead(Status.TRUE, there, "Seen.", READ, at(5))
        assert (await session.get_one(OnboardingRow, heard)).own_reads is None
