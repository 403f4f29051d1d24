"""What Infobip says of senders apart from their onboarding: read, and kept with its time."""

from datetime import timedelta

import httpx
import pytest

from tasks.facts import read_facts, registered
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import GOOD, OTHER, QUALITY, Bench, sender_fate
from waboard.domain.ids import PhoneNumber
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.standing import Profile, Standing
from waboard.domain.steps import facts_are_due
from waboard.infobip import InfobipError

EMPTY = {"display_name": "Sandbox client"}


def info_of(number: PhoneNumber = GOOD) -> str:
    return f"/whatsapp/1/senders/{number}/business-info"


async def read(bench: Bench) -> Onboarding:
    """Read what Infobip says; how the onboarding then is."""
    await read_facts(bench.services, await bench.look())
    return await bench.look()


async def the_sender(bench: Bench) -> Sender:
    return (await bench.look()).sender(GOOD)


def asked_for(bench: Bench) -> list[str]:
    """Note of which senders Infobip is asked how they stand."""
    numbers: list[str] = []

    async def note(request: httpx.Request) -> httpx.Response:
        numbers.extend(request.url.params["senders"].split(","))
        return await bench.network.carry(request)

    bench.network.instead("GET", QUALITY, note, always=True)
    return numbers


def listing(bench: Bench, *numbers: str) -> None:
    """Have Infobip list these senders, whomever it is asked for."""
    rows = [{"sender": number, "status": "CONNECTED"} for number in numbers]
    bench.network.instead("GET", QUALITY, lambda _: httpx.Response(200, json={"results": rows}))


async def test_how_a_sender_stands_is_kept_with_when_it_was_read(bench: Bench):
    await bench.registered()
    await bench.later(30)
    onboarding = await read(bench)
    standing = Standing("CONNECTED", "UNKNOWN", "LIMIT_250", bench.now)
    assert onboarding.sender(GOOD).standing == standing


async def test_so_is_what_people_see_of_its_business(bench: Bench):
    await bench.registered()
    about = {"about": "Bread", "vertical": "OTHER", "websites": ["https://a.test"]}
    await bench.sandbox.http.patch(info_of(), json=about)
    onboarding = await read(bench)
    assert onboarding.sender(GOOD).profile == Profile({**EMPTY, **about}, bench.now)


async def test_what_is_empty_or_unknown_of_a_profile_is_left_out(bench: Bench):
    await bench.registered()
    assert (await read(bench)).sender(GOOD).profile == Profile(EMPTY, bench.now)


async def test_once_read_nothing_is_due_any_more(bench: Bench):
    assert facts_are_due(await bench.registered())
    assert not facts_are_due(await read(bench))


async def test_only_registered_senders_are_asked_for(bench: Bench):
    """Infobip knows nothing of the others."""
    await bench.start()
    failed = sender_fate(OTHER, status="FAILED")
    await bench.sandbox.decide(DOCUMENTED, senders=[sender_fate(GOOD), failed])
    await bench.sandbox.share()
    onboarding = await bench.hear()
    numbers = asked_for(bench)
    await read(bench)
    assert numbers == registered(onboarding) == [GOOD]
    assert bench.calls("GET", info_of(OTHER)) == 0


async def test_all_senders_are_asked_for_at_once_and_each_has_its_own(bench: Bench):
    await bench.registered(GOOD, OTHER)
    await bench.sandbox.decide(
        DOCUMENTED,
        senders=[sender_fate(GOOD), sender_fate(OTHER, connection_status="RESTRICTED")],
    )
    await bench.sandbox.http.patch(info_of(OTHER), json={"about": "Cake"})
    numbers = asked_for(bench)
    onboarding = await read(bench)
    good, other = onboarding.sender(GOOD), onboarding.sender(OTHER)
    assert sorted(numbers) == sorted([GOOD, OTHER])
    assert bench.calls("GET", QUALITY) == 1
    assert (good.standing, other.standing) == (
        Standing("CONNECTED", "UNKNOWN", "LIMIT_250", bench.now),
        Standing("RESTRICTED", "UNKNOWN", "LIMIT_250", bench.now),
    )
    assert (good.profile, other.profile) == (
        Profile(EMPTY, bench.now),
        Profile({**EMPTY, "about": "Cake"}, bench.now),
    )


async def test_a_later_reading_takes_the_place_of_the_one_before(bench: Bench):
    await bench.registered()
    await read(bench)
    await bench.sandbox.decide(DOCUMENTED, senders=[sender_fate(GOOD, connection_status="FLAGGED")])
    await bench.later(60)
    standing = (await read(bench)).sender(GOOD).standing
    assert standing is not None
    assert (standing.status, standing.read_at) == ("FLAGGED", bench.now)


async def test_of_a_sender_that_infobip_does_not_list_nothing_is_kept(bench: Bench):
    """It may list it later."""
    await bench.registered()
    bench.books.senders.clear()
    onboarding = await read(bench)
    sender = onboarding.sender(GOOD)
    assert (sender.standing, sender.profile) == (None, None)
    assert facts_are_due(onboarding)


async def test_one_that_is_not_listed_any_more_keeps_what_was_last_said(bench: Bench):
    await bench.registered()
    before = (await read(bench)).sender(GOOD)
    bench.books.senders.clear()
    bench.now += timedelta(minutes=1)
    after = (await read(bench)).sender(GOOD)
    assert (after.standing, after.profile) == (before.standing, before.profile)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_infobip_in_trouble_may_be_asked_again(bench: Bench, status: int):
    """To read does nothing, so even a 5xx has surely done nothing."""
    await bench.registered()
    await bench.sandbox.script(method="GET", path=QUALITY, status=status)
    with pytest.raises(InfobipError) as error:
        await read(bench)
    assert (error.value.retryable, error.value.ambiguous) == (True, False)
    sender = await the_sender(bench)
    assert (sender.standing, sender.profile) == (None, None)
    assert (await read(bench)).sender(GOOD).standing is not None


async def test_how_it_stands_outlives_a_profile_that_cannot_be_read(bench: Bench):
    await bench.registered()
    await bench.sandbox.script(method="GET", path=info_of(), status=503)
    with pytest.raises(InfobipError):
        await read(bench)
    sender = await the_sender(bench)
    assert sender.standing is not None
    assert sender.profile is None


async def test_reading_changes_nothing_at_infobip_and_is_no_event(bench: Bench):
    """It is not evidence of anything: an onboarding does not go on with it."""
    await bench.registered()
    writes, events = bench.writes(), await bench.events("senders/quality")
    await read(bench)
    assert bench.writes() == writes
    assert await bench.events("senders/quality") == events == []
    assert await bench.effects() == []


async def test_what_infobip_says_of_senders_of_others_is_left_alone(bench: Bench):
    """Nothing depends on it, so nothing fails with it."""
    await bench.registered()
    listing(bench, GOOD, OTHER)
    onboarding = await read(bench)
    assert [sender.phone_number for sender in onboarding.senders] == [GOOD]
    assert onboarding.sender(GOOD).standing is not None
