"""What a caller is told when the ledger fails: nobody reaches it, too many do, or we have a fault.

Whoever is told 503 sends it again, and nothing is lost.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import stamina
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from tests.domain.samples import DOCUMENTED
from tests.gateway.desk import REGISTRATION, Desk, assert_problem
from tests.ledger.troubled import LOST, Troubled, raising
from waboard.ledger import database
from waboard.ledger.database import Ledger
from waboard.ledger.races import TRIES

CROWD = "Too many at once"


async def told_by(desk: Desk, ledger: Ledger) -> httpx.Response:
    """What the sender of a webhook is told, whatever the server logs of it."""
    transport = httpx.ASGITransport(desk.app, raise_app_exceptions=False)
    url = "http://gateway.test"
    async with httpx.AsyncClient(transport=transport, base_url=url) as stranger:
        known, desk.stranger = desk.stranger, stranger
        with desk.with_ledger(ledger):
            answer = await desk.hook(REGISTRATION, DOCUMENTED)
        desk.stranger = known
    await ledger.close()
    return answer


def assert_is_sent_again_at_once(answer: httpx.Response) -> None:
    body = assert_problem(answer, 503, CROWD, "Send it again")
    assert answer.headers["Retry-After"] == "1"
    assert "WABOARD_DATABASE_URL" not in body["remedy"]


class TestAway:
    """Nobody reaches the ledger."""

    async def test_a_server_that_refuses_is_named_by_its_setting(self, desk: Desk):
        answer = await told_by(desk, Ledger("postgresql://waboard@127.0.0.1:1/waboard"))
        assert_problem(answer, 503, "cannot be reached", "WABOARD_DATABASE_URL")
        assert "Retry-After" not in answer.headers

    async def test_a_file_that_cannot_be_opened_is_not_reached(self, desk: Desk, tmp_path: Path):
        answer = await told_by(desk, Ledger(f"sqlite:///{tmp_path}"))
        assert_problem(answer, 503, "cannot be reached", "WABOARD_DATABASE_URL")

    async def test_a_server_without_the_database_is_not_reached(self, desk: Desk, shared_url: str):
        answer = await told_by(desk, Ledger(f"{shared_url}-that-nobody-made"))
        assert_problem(answer, 503, "cannot be reached", "WABOARD_DATABASE_URL")

    @pytest.mark.parametrize("trouble", [LOST, raising("57P01"), raising("08006")])
    async def test_a_server_that_goes_away_meanwhile_is_not_reached(
        self, desk: Desk, shared_url: str, trouble: str
    ):
        answer = await told_by(desk, Troubled(shared_url, trouble))
        assert_problem(answer, 503, "cannot be reached", "WABOARD_DATABASE_URL")

    async def test_no_connection_in_all_the_time_that_one_waits_is_as_good_as_away(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ):
        async def waits_in_vain(_: object) -> None:
            raise NoConnectionLeft("QueuePool limit reached")

        monkeypatch.setattr(desk.inbox, "keep", waits_in_vain)
        answer = await desk.hook(REGISTRATION, DOCUMENTED)
        assert_problem(answer, 503, "cannot be reached", "WABOARD_DATABASE_URL")


class TestCrowded:
    """Others are at the ledger, for longer than anybody waits."""

    @pytest.mark.parametrize("state", ["40P01", "40001", "55P03"])
    async def test_who_loses_every_race_is_to_send_it_again(
        self, desk: Desk, shared_url: str, state: str
    ):
        with stamina.set_testing(True, attempts=TRIES):
            answer = await told_by(desk, Troubled(shared_url, raising(state)))
        assert_is_sent_again_at_once(answer)

    async def test_a_server_without_a_connection_left_is_to_be_asked_again(
        self, desk: Desk, shared_url: str
    ):
        assert_is_sent_again_at_once(await told_by(desk, Troubled(shared_url, raising("53300"))))

    async def test_who_waited_in_vain_to_write_to_the_file_is_to_send_it_again(
        self, desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(database, "_PATIENCE", 0.0)  # seconds
        async with writing(database_url):
            answer = await told_by(desk, Ledger(database_url))
        assert_is_sent_again_at_once(answer)
        assert await desk.events() == []


class TestFault:
    """Anything else is a fault in here: whoever runs the gateway finds it in its log."""

    async def test_a_ledger_without_its_tables_is_a_fault(self, desk: Desk):
        answer = await told_by(desk, Ledger("sqlite://"))
        assert_problem(answer, 500, "in the log")
        assert "INSERT" not in answer.text

    async def test_a_broken_constraint_is_a_fault(self, desk: Desk, database_url: str):
        broken = "CREATE TRIGGER b BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END"
        async with desk.begin() as session:
            await session.execute(text(broken))
        assert_problem(await told_by(desk, Ledger(database_url)), 500, "in the log")

    async def test_a_twin_that_is_still_there_after_all_tries_is_a_fault(
        self, desk: Desk, shared_url: str
    ):
        """Whoever lost to it sees it at the next try: who does not has not thought of it."""
        with stamina.set_testing(True, attempts=TRIES):
            answer = await told_by(desk, Troubled(shared_url, raising("23505")))
        assert_problem(answer, 500, "in the log")

    async def test_the_server_is_given_it_to_log(self, desk: Desk, database_url: str):
        ledger = Troubled(database_url, "SELECT no_such_column")
        with desk.with_ledger(ledger), pytest.raises(OperationalError, match="no such column"):
            await desk.hook(REGISTRATION, DOCUMENTED)
        await ledger.close()


@pytest.fixture
def database_url(database: Path) -> str:
    """The ledger of the desk."""
    return f"sqlite:///{database}"


@asynccontextmanager
async def writing(url: str) -> AsyncGenerator[None]:
    """Somebody else writes, and does not come to an end."""
    other = Ledger(url)
    async with other.begin() as session:
        await session.execute(text("SELECT 1"))
        yield
    await other.close()
