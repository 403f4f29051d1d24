"""Signup links in the ledger: one live link a client, and what of them is still to be done."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.domain.samples import T0
from waboard.domain.errors import NotFound
from waboard.domain.requests import SignupRequest
from waboard.ledger.database import Ledger
from waboard.ledger.locks import hold_client
from waboard.ledger.models import BusinessTokenRow, SignupRow
from waboard.ledger.signups import (
    NewLink,
    expired_links,
    find_link,
    has_expired_unused,
    list_links,
    make_link,
    opened_by,
    read_link,
    unsettled,
)
from waboard.ledger.tokens import keep_token, sealed_token

WEEK = timedelta(days=7)


async def made(ledger: Ledger, client_ref: str = "acme") -> NewLink:
    async with ledger.begin() as session:
        return await make_link(session, SignupRequest(client_ref=client_ref), WEEK, T0)


async def test_a_client_has_one_live_link(ledger: Ledger):
    first, second = await made(ledger), await made(ledger)
    async with ledger.begin() as session:
        assert (await find_link(session, first.token)).revoked_at == T0
        assert (await find_link(session, second.token)).revoked_at is None
        rows = await list_links(session, client_ref="acme")
        assert {row.id for row in rows} == {first.id, second.id}
        assert await list_links(session, client_ref="bakery") == []


async def test_of_two_links_made_in_one_instant_one_lives(ledger: Ledger, other: Ledger):
    outcomes = await asyncio.gather(made(ledger), made(other), return_exceptions=True)
    refused = [each for each in outcomes if not isinstance(each, NewLink)]
    assert all(isinstance(each, IntegrityError) for each in refused)
    async with ledger.begin() as session:
        alive = select(SignupRow).where(
            SignupRow.client_ref == "acme", SignupRow.revoked_at.is_(None)
        )
        assert len(list(await session.scalars(alive))) == 1


async def test_an_unknown_link_is_not_found(ledger: Ledger):
    await made(ledger)
    async with ledger.begin() as session:
        with pytest.raises(NotFound):
            await find_link(session, "other")
        with pytest.raises(NotFound):
            await read_link(session, "other")


async def test_what_is_still_to_be_settled_and_what_was_open_at_a_time(ledger: Ledger):
    links = {name: await made(ledger, name) for name in ("acme", "bakery", "cafe")}
    async with ledger.begin() as session:
        for name in ("acme", "bakery"):
            (await read_link(session, links[name].id)).opened_at = T0 + timedelta(hours=1)
        (await read_link(session, links["acme"].id)).signalled_at = T0 + timedelta(hours=2)
    async with ledger.begin() as session:
        assert await unsettled(session, T0 + timedelta(hours=1)) == []
        assert await unsettled(session, T0 + timedelta(hours=2)) == [links["acme"].id]
        assert await opened_by(session, T0) == []
        then = await opened_by(session, T0 + timedelta(hours=1))
        assert {row.client_ref for row in then} == {"acme", "bakery"}
        assert await opened_by(session, T0 + WEEK) == []


async def test_a_link_that_expired_with_nothing_to_show_is_told_once(ledger: Ledger):
    for name in ("acme", "bakery"):
        link = await made(ledger, name)
    async with ledger.begin() as session:
        (await read_link(session, link.id)).signalled_at = T0
        assert await expired_links(session, T0) == []
        (row,) = await expired_links(session, T0 + WEEK)
        assert row.client_ref == "acme"
        assert has_expired_unused(row, T0 + WEEK)
        assert not has_expired_unused(row, T0)
        row.ending = "expired"
        await session.flush()
        assert await expired_links(session, T0 + WEEK) == []
        assert not has_expired_unused(row, T0 + WEEK)


async def test_the_newest_token_counts_until_it_ends(ledger: Ledger):
    async with ledger.begin() as session:
        await hold_client(session, "acme", None, T0)
        for sealed, lasts in (("one", WEEK), ("two", WEEK * 2)):
            await keep_token(
                session, "acme", sealed, portfolio_id="1", expires_at=T0 + lasts, now=T0
            )
    async with ledger.begin() as session:
        assert await sealed_token(session, "acme", T0 + WEEK) == "two"
        assert await sealed_token(session, "acme", T0 + WEEK * 2) is None
        assert await sealed_token(session, "bakery", T0) is None
        row = await session.get_one(BusinessTokenRow, "acme")
        row.expires_at = None
        await session.flush()
        assert await sealed_token(session, "acme", T0 + WEEK * 99) == "two"
