"""The digest: told once a day, and what was not told is told with the next."""

from datetime import timedelta

import pytest
import yaml

from tasks import digest as tasks_digest
from tasks.digest import draw_up_digest, tell_digest
from tasks.notify import Undelivered
from tests.tasks.bench import GOOD, Bench, policy, sender_fate
from waboard.deploy import PREFECT_FILE
from waboard.ledger.onboardings import end_onboarding

pytestmark = pytest.mark.alone

SLUG = "custom-webhook/waboard-operator"
DAY = timedelta(days=1).total_seconds()


@pytest.fixture
def told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the operator got."""
    got: list[tuple[str, str]] = []

    async def deliver(slug: str, subject: str, text: str) -> None:
        assert slug == SLUG
        got.append((subject, text))

    monkeypatch.setattr(tasks_digest, "deliver_to_operator", deliver)
    bench.services.policy = policy(operator_block=SLUG)
    return got


async def tell(bench: Bench) -> bool:
    return await tell_digest.fn(bench.services, *await draw_up_digest.fn(bench.services))


async def failed(bench: Bench) -> None:
    """An onboarding that ended and needs the operator."""
    await bench.start()
    await bench.sandbox.decide(senders=[sender_fate(GOOD, status="FAILED")], status="FAILED")
    await bench.sandbox.share()
    await bench.hear()
    async with bench.ledger.begin() as session:
        await end_onboarding(session, bench.id, bench.now, "RegistrationFailed")


async def test_nothing_to_say_is_nothing_sent(bench: Bench, told: list[tuple[str, str]]):
    assert not await tell(bench)
    assert told == []


async def test_unless_it_is_wanted_all_the_same(bench: Bench, told: list[tuple[str, str]]):
    bench.services.policy = policy(operator_block=SLUG, digest_always=True)
    assert await tell(bench)
    assert told[0][0] == "waboard: nothing needs a person"


async def test_without_anybody_to_tell_nothing_is_sent(bench: Bench, told: list[tuple[str, str]]):
    bench.services.policy = policy()
    await failed(bench)
    assert not await tell(bench)


async def test_one_message_says_who_needs_whom_and_what_ended(
    bench: Bench, told: list[tuple[str, str]]
):
    await failed(bench)
    await bench.later(60)
    assert await tell(bench)
    ((subject, text),) = told
    assert subject == "waboard: needs the operator: 1, ended: 1"
    assert "Needs the operator:\n- acme …8538: RegistrationFailed, since " in text
    assert text.endswith("Ended since 2026-01-04 09:01 UTC:\n- acme: RegistrationFailed")
    assert GOOD not in text


async def test_what_ended_is_told_once_and_what_needs_a_person_again(
    bench: Bench, told: list[tuple[str, str]]
):
    await failed(bench)
    await bench.later(60)
    await tell(bench)
    await bench.later(DAY)
    await tell(bench)
    assert told[1][0] == "waboard: needs the operator: 1"


async def test_what_could_not_be_told_is_told_with_the_next(
    bench: Bench, told: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
):
    await failed(bench)
    await bench.later(60)
    with monkeypatch.context() as broken:

        async def refuse(*_: str) -> None:
            raise Undelivered("the operator", "OSError")

        broken.setattr(tasks_digest, "deliver_to_operator", refuse)
        with pytest.raises(Undelivered):
            await tell(bench)
    await bench.later(DAY)
    await tell(bench)
    assert "ended: 1" in told[0][0]


def test_it_comes_each_morning():
    deployments = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]
    (deployed,) = [each for each in deployments if each["name"] == "digest"]
    (schedule,) = deployed["schedules"]
    assert (schedule["cron"], schedule["timezone"]) == ("15 7 * * *", "UTC")
