"""At the door: the partner solution, the weekly cap, our subscription at Meta."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from tasks.admit import admit_client
from tasks.connect import connect_waba, has_signed_up
from tasks.solution import look_at_solution, solution_of
from tasks.step import record_failure
from tests.sandbox.lab import DOCUMENTED, FAILED_NUMBER, FINISHED_NUMBER
from tests.tasks.bench import Bench, condition, meta_account, policy, timed_out
from waboard.domain.conditions import ConditionType
from waboard.domain.errors import StepRefused
from waboard.domain.ids import SolutionId
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import outcome_of
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.domain.requests import SignupRequest
from waboard.domain.steps import is_kept_out, is_to_be_connected
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.models import Verb
from waboard.ledger.onboardings import end_onboarding
from waboard.ledger.signups import make_link, read_link
from waboard.ledger.tokens import keep_token
from waboard.meta.errors import MetaError

SOLUTION = SolutionId("900000000000001")
PORTFOLIO = "506914307656634"
SUBSCRIBED = f"/graph/v26.0/{DOCUMENTED}/subscribed_apps"


async def signed_up(bench: Bench, *, with_token: bool = True) -> Onboarding:
    """A client that came through the signup page."""
    onboarding = await bench.start()
    meta = bench.books.meta
    meta.new_code(PORTFOLIO, DOCUMENTED, bench.now.timestamp())
    async with bench.ledger.begin() as session:
        request = SignupRequest(client_ref=onboarding.client_ref)
        link = await make_link(session, request, timedelta(days=1), bench.now)
        row = await read_link(session, link.id)
        row.onboarding_id, row.portfolio_id = onboarding.id, PORTFOLIO
        if with_token:
            token = SecretStr(meta.new_token(PORTFOLIO, bench.now.timestamp()))
            await keep_token(
                session,
                onboarding.client_ref,
                bench.sealer.seal(token),
                portfolio_id=PORTFOLIO,
                expires_at=None,
                now=bench.now,
            )
    return onboarding


async def test_an_active_solution_lets_clients_in(bench: Bench):
    onboarding = await bench.start()
    await look_at_solution.fn(bench.services, bench.meta, onboarding, SOLUTION)
    seen = condition(await bench.look(), ConditionType.SOLUTION_USABLE)
    assert seen == ("True", "SolutionActive")


@pytest.mark.parametrize(
    ("status", "pending", "reason", "said"),
    [
        (
            "INITIATED",
            "PENDING_ACTIVATION",
            "SolutionPending",
            "Infobip accepts the solution",
        ),
        ("DRAFT", "NONE", "SolutionNotActive", "Finish the solution"),
        ("FROZEN", "NONE", "SolutionNotActive", "FROZEN/NONE"),
    ],
)
async def test_a_solution_that_is_not_usable_keeps_clients_out_and_says_what_to_do(
    bench: Bench, status: str, pending: str, reason: str, said: str
):
    facts = bench.books.meta.facts
    facts.solution_status, facts.solution_pending = status, pending
    onboarding = await bench.start()
    await look_at_solution.fn(bench.services, bench.meta, onboarding, SOLUTION)
    found = await bench.look()
    assert condition(found, ConditionType.SOLUTION_USABLE) == ("False", reason)
    assert said in found.conditions[ConditionType.SOLUTION_USABLE].message
    assert is_kept_out(found)
    assert outcome_of(found).name == "SolutionNotUsable"


async def test_an_onboardings_own_solution_goes_before_the_providers(bench: Bench):
    assert solution_of(bench.meta, await bench.start()) == SOLUTION
    other = await bench.start(client_ref="bakery", waba_id="2", solution_id="900000000000009")
    assert solution_of(bench.meta, other) == "900000000000009"
    bench.meta.account = meta_account(bench.sandbox, solution_id=None)
    assert solution_of(bench.meta, await bench.start(client_ref="cafe", waba_id="3")) is None


async def test_a_solution_that_does_not_exist_is_metas_no(bench: Bench):
    with pytest.raises(MetaError, match="100/33"):
        await look_at_solution.fn(
            bench.services, bench.meta, await bench.start(), SolutionId("900000000000009")
        )


async def test_within_the_cap_a_client_is_admitted_and_beyond_it_told_when(bench: Bench):
    bench.services.policy = policy(weekly_cap=1)
    first = await bench.start()
    assert await admit_client(bench.services, first) is None
    assert condition(await bench.look(), ConditionType.ADMITTED) == ("True", "SlotTaken")
    second = await bench.start(client_ref="bakery", waba_id="2")
    slot = await admit_client(bench.services, second)
    assert slot == bench.now + timedelta(days=7)
    found = await bench.look()
    assert condition(found, ConditionType.ADMITTED) == ("False", "SlotAwaited")
    assert f"{slot:%Y-%m-%d %H:%M}" in found.conditions[ConditionType.ADMITTED].message
    assert outcome_of(found).name == "NoSlot"
    await bench.later(7 * 86400)
    assert await admit_client(bench.services, second) is None


async def test_our_app_is_subscribed_and_the_wabas_numbers_are_noted(bench: Bench):
    onboarding = await signed_up(bench)
    await connect_waba.fn(bench.services, bench.meta, onboarding)
    found = await bench.look()
    assert condition(found, ConditionType.CONNECTED) == ("True", "SubscriptionReadBack")
    assert bench.books.meta.subscribed == {DOCUMENTED}
    numbers = {sender.phone_number: sender.phone_number_id for sender in found.senders}
    assert numbers == {
        FINISHED_NUMBER: "122098754222007518",
        FAILED_NUMBER: "119302867930080",
    }


async def test_connecting_again_subscribes_nothing_again(bench: Bench):
    onboarding = await signed_up(bench)
    for _ in range(2):
        await connect_waba.fn(bench.services, bench.meta, onboarding)
    assert bench.calls("POST", SUBSCRIBED) == 1
    assert [row.status for row in await bench.effects(Verb.SUBSCRIBE)] == ["done"]
    assert len((await bench.look()).senders) == 2


async def test_a_subscription_that_was_not_answered_is_read_back(bench: Bench):
    onboarding = await signed_up(bench)
    bench.network.cut_after("POST", SUBSCRIBED, timed_out())
    with pytest.raises(MetaError) as caught:
        await connect_waba.fn(bench.services, bench.meta, onboarding)
    assert caught.value.retryable
    await connect_waba.fn(bench.services, bench.meta, onboarding)
    assert bench.calls("POST", SUBSCRIBED) == 1
    assert condition(await bench.look(), ConditionType.CONNECTED)[0] == "True"


async def test_without_the_clients_token_the_solution_issues_one(bench: Bench):
    onboarding = await signed_up(bench, with_token=False)
    await connect_waba.fn(bench.services, bench.meta, onboarding)
    assert bench.books.meta.subscribed == {DOCUMENTED}


async def test_a_client_that_never_signed_up_here_has_nobody_to_ask_as(bench: Bench):
    assert not await has_signed_up(bench.services, await bench.start())
    assert await has_signed_up(bench.services, await signed_up(bench, with_token=False))


async def test_without_a_solution_no_token_can_be_issued(bench: Bench):
    onboarding = await signed_up(bench, with_token=False)
    bench.meta.account = meta_account(bench.sandbox, solution_id=None)
    with pytest.raises(StepRefused, match="no token of the client's"):
        await connect_waba.fn(bench.services, bench.meta, onboarding)
    assert bench.books.meta.subscribed == set()


async def test_a_solution_without_a_system_token_cannot_be_looked_at(bench: Bench):
    bench.meta.account = meta_account(bench.sandbox, system_token=SecretStr(""))
    with pytest.raises(StepRefused, match="WABOARD_META_SYSTEM_TOKEN"):
        await look_at_solution.fn(bench.services, bench.meta, await bench.start(), SOLUTION)


async def test_a_subscription_is_tried_once_and_again_when_somebody_retries(bench: Bench):
    onboarding = await signed_up(bench)
    assert is_to_be_connected(onboarding)
    refused = MetaError(
        "Subscribing",
        "Meta answered 403 200.",
        remedy="",
        awaiting=Party.OPERATOR,
        retryable=False,
        ambiguous=False,
    )
    kind, reason = ConditionType.CONNECTED, Reason.SUBSCRIPTION_REFUSED
    await record_failure(bench.services, onboarding, "", kind, refused, reason)
    assert not is_to_be_connected(await bench.look())
    async with bench.ledger.begin() as session:
        await end_onboarding(session, onboarding.id, bench.now)
        await reopen_onboarding(session, onboarding.id, bench.now)
    assert is_to_be_connected(await bench.look())
