"""Notifying: who is told what, once an outcome, and what is known when they cannot be told."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import respx
from prefect.blocks.notifications import SlackWebhook
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from blocks.webhook import ProviderWebhook
from tasks import notify
from tasks.associate import associate_sender
from tasks.notify import (
    NotTaken,
    Undelivered,
    notify_operator,
    notify_provider,
    record_told,
    says_nothing_new,
)
from tasks.step import effect
from tasks.tenant import prepare_tenant
from tasks.verify import send_test_message
from tests.tasks.bench import (
    GOOD,
    OTHER,
    RECIPIENT,
    Bench,
    Crash,
    condition,
    policy,
    sender_fate,
    shown,
)
from waboard.domain.clock import utc_now
from waboard.domain.conditions import ConditionType
from waboard.domain.errors import BadInput, WaboardError
from waboard.domain.onboarding import Onboarding
from waboard.domain.outcome import Outcome, OutcomeName, outcome_of
from waboard.domain.telling import OUTCOMES
from waboard.gateway.postman import Postman
from waboard.ledger.attempts import reopen_onboarding
from waboard.ledger.models import Verb
from waboard.ledger.onboardings import end_onboarding
from waboard.ledger.outbox import last_outcome

URL = "https://crm.provider.test/hooks/waboard"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SLUG = "custom-webhook/waboard-operator"
ELSE = Outcome(OutcomeName.VERIFICATION_FAILED, "0 of 1 senders live.")


async def live(bench: Bench) -> tuple[Onboarding, Outcome]:
    """An onboarding whose only sender is live."""
    return await carried_through(bench, await bench.registered())


async def half_live(bench: Bench) -> tuple[Onboarding, Outcome]:
    """One sender is live; of the other Infobip says more than may be shown."""
    onboarding = await bench.start()
    said = f"Number +{OTHER} is banned, see +1 (313) 513-8538"
    failed = sender_fate(OTHER, status="FAILED", registration_info=said)
    await bench.sandbox.decide(onboarding.waba_id, senders=[sender_fate(GOOD), failed])
    await bench.sandbox.share()
    return await carried_through(bench, await bench.hear())


async def carried_through(bench: Bench, onboarding: Onboarding) -> tuple[Onboarding, Outcome]:
    await prepare_tenant.fn(bench.services, onboarding)
    sender = onboarding.sender(GOOD)
    await associate_sender.fn(bench.services, onboarding, sender)
    await send_test_message.fn(bench.services, onboarding, sender)
    onboarding = await bench.hear()
    outcome = outcome_of(onboarding)
    assert outcome.is_live
    return onboarding, outcome


async def notified(bench: Bench) -> tuple[str, str]:
    return condition(await bench.look(), ConditionType.NOTIFIED)


@dataclass
class Pager:
    """A notification block of the operator's."""

    told: list[tuple[str | None, str]] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)
    trouble: Exception | None = None

    async def load(self, slug: str) -> "Pager":
        self.asked_for.append(slug)
        return self

    def raise_on_failure(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def notify(self, body: str, subject: str | None = None) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.told.append((subject, body))


@pytest.fixture
def pager(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Pager:
    """The operator wants to be told, and can be."""
    pager = Pager()
    monkeypatch.setattr(notify, "_notification_block", pager.load)
    bench.services.policy = policy(operator_block=SLUG)
    return pager


class TestOperator:
    """Through the notification block that the policy names."""

    async def test_the_operator_is_told_who_and_what(self, bench: Bench, pager: Pager):
        onboarding, outcome = await live(bench)
        await notify_operator.fn(bench.services, onboarding, outcome)
        assert pager.told == [("acme: Live", "1 of 1 senders live.")]
        assert pager.asked_for == [SLUG]
        attempts = [shown(row) for row in await bench.effects(Verb.NOTIFY_OPERATOR)]
        assert attempts == [("Live", 1, "done")]

    async def test_once(self, bench: Bench, pager: Pager):
        onboarding, outcome = await live(bench)
        await notify_operator.fn(bench.services, onboarding, outcome)
        await notify_operator.fn(bench.services, onboarding, outcome)
        assert len(pager.told) == 1

    async def test_once_for_each_outcome(self, bench: Bench, pager: Pager):
        onboarding, outcome = await live(bench)
        await notify_operator.fn(bench.services, onboarding, ELSE)
        await notify_operator.fn(bench.services, onboarding, outcome)
        assert [subject for subject, _ in pager.told] == ["acme: VerificationFailed", "acme: Live"]

    async def test_nobody_is_told_when_nobody_is_named(self, bench: Bench, pager: Pager):
        bench.services.policy = policy(operator_block=None)
        onboarding, outcome = await live(bench)
        await notify_operator.fn(bench.services, onboarding, outcome)
        assert (pager.told, pager.asked_for) == ([], [])
        assert await bench.effects(Verb.NOTIFY_OPERATOR) == []

    async def test_the_text_names_what_is_wrong_and_no_whole_number(
        self, bench: Bench, pager: Pager
    ):
        onboarding, outcome = await half_live(bench)
        await notify_operator.fn(bench.services, onboarding, outcome)
        ((subject, text),) = pager.told
        assert subject == "acme: LiveLimited"
        assert "1 of 2 senders live." in text
        assert "…6042" in text
        assert "is banned" in text
        digits = "".join(filter(str.isdigit, text))
        for number in (GOOD, OTHER, RECIPIENT):
            assert number not in digits

    async def test_a_block_that_fails_can_be_tried_again_under_the_same_effect(
        self, bench: Bench, pager: Pager
    ):
        onboarding, outcome = await live(bench)
        pager.trouble = RuntimeError("https://hooks.slack.test/T0/B0/secret refused")
        with pytest.raises(Undelivered) as error:
            await notify_operator.fn(bench.services, onboarding, outcome)
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        pager.trouble = None
        await notify_operator.fn(bench.services, onboarding, outcome)
        assert len(pager.told) == 1
        attempts = [shown(row) for row in await bench.effects(Verb.NOTIFY_OPERATOR)]
        assert attempts == [("Live", 1, "done")]

    async def test_a_blocks_own_words_are_kept_nowhere(self, bench: Bench, pager: Pager):
        """They may hold the URL, and the URL is the secret."""
        onboarding, outcome = await live(bench)
        pager.trouble = RuntimeError("https://hooks.slack.test/T0/B0/secret refused")
        with pytest.raises(Undelivered) as error:
            await notify_operator.fn(bench.services, onboarding, outcome)
        (effect,) = await bench.effects(Verb.NOTIFY_OPERATOR)
        assert effect.status == "failed"
        for text in (str(error.value), effect.detail):
            assert "RuntimeError" in text
            assert "secret" not in text

    async def test_a_block_that_does_not_exist_is_named_by_its_setting(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(notify, "Block", NoBlocks)
        bench.services.policy = policy(operator_block=SLUG)
        onboarding, outcome = await live(bench)
        with pytest.raises(BadInput, match="WABOARD_OPERATOR_BLOCK") as error:
            await notify_operator.fn(bench.services, onboarding, outcome)
        await record_told(bench.services, onboarding, outcome, [error.value])
        assert await notified(bench) == ("Unknown", "ReceiverFailed")
        assert await bench.effects(Verb.NOTIFY_OPERATOR) == []

    async def test_a_block_that_swallows_its_failures_is_made_to_raise_them(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        """Slack's, Teams', e-mail's and most others of Prefect's own do."""
        monkeypatch.setattr(SlackWebhook, "_start_apprise_client", DeafApprise.start)
        slack = SlackWebhook(url=SecretStr("https://hooks.slack.com/services/T0/B0/secret"))

        async def load(_: str) -> SlackWebhook:
            return slack

        monkeypatch.setattr(notify, "_notification_block", load)
        bench.services.policy = policy(operator_block="slack-webhook/operator")
        onboarding, outcome = await live(bench)
        with pytest.raises(Undelivered):
            await notify_operator.fn(bench.services, onboarding, outcome)


class NoBlocks:
    """A Prefect in which nobody has made a block."""

    @staticmethod
    async def aload(name: str) -> None:
        raise ValueError(f"Unable to find block document named {name}")


class DeafApprise:
    """What Prefect's own blocks send through, when it could not send."""

    @staticmethod
    def start(block: SlackWebhook, _: SecretStr) -> None:
        block._apprise_client = DeafApprise()

    async def async_notify(self, **_: Any) -> bool:
        return False


class Crm:
    """The provider's own system. Counted here is only what tells it an outcome."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.route = router.post(URL)
        self.answers()

    def answers(self, *answers: httpx.Response | Exception) -> None:
        """It gives these to outcomes, one each, then 204."""
        left = list(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            given = left.pop(0) if left and tells_outcome(request) else httpx.Response(204)
            if isinstance(given, Exception):
                raise given
            return given

        self.route.mock(side_effect=answer)

    @property
    def requests(self) -> list[httpx.Request]:
        return [call.request for call in self.route.calls if tells_outcome(call.request)]

    @property
    def told(self) -> Any:
        """The event that came last."""
        return json.loads(self.requests[-1].content)


def tells_outcome(request: httpx.Request) -> bool:
    return json.loads(request.content)["type"] in OUTCOMES


async def send_due(bench: Bench) -> None:
    """As the postman does."""
    webhook = await ProviderWebhook.aload("waboard")
    async with webhook.get_client() as system:
        postman = Postman(bench.ledger, system, lambda: bench.now, tell=nobody)
        while await postman.go_round():
            pass


async def nobody(*_: str) -> None:
    """There is no operator."""


def die(_: httpx.Request) -> httpx.Response:
    raise Crash


def configure(monkeypatch: pytest.MonkeyPatch, webhook: ProviderWebhook) -> None:
    async def load(_: str) -> ProviderWebhook:
        return webhook

    monkeypatch.setattr(ProviderWebhook, "aload", load)


@pytest.fixture
def crm(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crm]:
    """The provider's system wants to be told, and can be, by the real clock."""
    configure(monkeypatch, ProviderWebhook(url=URL, secrets=SecretStr(SECRET)))
    bench.set_clock(utc_now())
    with respx.mock(assert_all_called=False) as router:
        yield Crm(router)


class TestProvider:
    """By a webhook as Standard Webhooks has it."""

    async def test_the_event_says_what_came_of_whom(self, bench: Bench, crm: Crm):
        onboarding, outcome = await live(bench)
        await notify_provider.fn(bench.services, onboarding, outcome)
        assert crm.told["type"] == "onboarding.live"
        assert crm.told["timestamp"] == bench.now.isoformat()
        data = crm.told["data"]
        assert (data["client_ref"], data["outcome"]) == ("acme", "Live")
        assert (data["onboarding_id"], data["attempt"]) == (onboarding.id, 1)
        assert data["waba_id"] == onboarding.waba_id
        assert data["senders"] == [
            {"phone_number": GOOD, "phone_number_id": f"99{GOOD}", "live": True}
        ]
        assert data["requirements"] == []

    async def test_what_is_missing_is_said_with_who_must_act(self, bench: Bench, crm: Crm):
        onboarding, outcome = await half_live(bench)
        await notify_provider.fn(bench.services, onboarding, outcome)
        (needed,) = crm.told["data"]["requirements"]
        assert (needed["condition"], needed["reason"]) == ("Registered", "RegistrationFailed")
        assert (needed["phone_number"], needed["awaiting"]) == (OTHER, "operator")
        assert needed["remedy"]

    async def test_what_is_not_live_has_failed(self, bench: Bench, crm: Crm):
        onboarding = await bench.registered()
        await notify_provider.fn(bench.services, onboarding, ELSE)
        assert crm.told["type"] == "onboarding.failed"
        assert [sender["live"] for sender in crm.told["data"]["senders"]] == [False]

    async def test_its_signature_can_be_verified(self, bench: Bench, crm: Crm):
        onboarding, outcome = await live(bench)
        await notify_provider.fn(bench.services, onboarding, outcome)
        (request,) = crm.requests
        assert Webhook(SECRET).verify(request.content, dict(request.headers)) == crm.told
        forged = request.content.replace(b"acme", b"evil")
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(forged, dict(request.headers))

    async def test_what_did_not_get_through_waits_in_the_outbox_under_the_same_id(
        self, bench: Bench, crm: Crm
    ):
        crm.answers(httpx.Response(503), httpx.Response(200))
        onboarding, outcome = await live(bench)
        with pytest.raises(NotTaken):
            await notify_provider.fn(bench.services, onboarding, outcome)
        await bench.later(7)
        await send_due(bench)
        first, second = (request.headers["webhook-id"] for request in crm.requests)
        assert first == second
        attempts = [shown(row) for row in await bench.effects(Verb.NOTIFY_PROVIDER)]
        assert attempts == [("Live", 1, "done")]

    async def test_while_it_is_tried_from_the_outbox_no_leg_tries_it(self, bench: Bench, crm: Crm):
        """And a receiver that is away is not asked by each run that ends."""
        crm.answers(httpx.Response(503))
        onboarding, outcome = await live(bench)
        for _ in range(2):
            with pytest.raises(NotTaken, match="HTTP 503"):
                await notify_provider.fn(bench.services, onboarding, outcome)
        assert len(crm.requests) == 1

    async def retried(self, bench: Bench) -> tuple[Onboarding, Outcome]:
        """One that was told of, and that somebody has retried."""
        onboarding, outcome = await live(bench)
        await notify_provider.fn(bench.services, onboarding, outcome)
        await notify_operator.fn(bench.services, onboarding, outcome)
        async with bench.ledger.begin() as session:
            await end_onboarding(session, onboarding.id, bench.now, outcome.name)
        await bench.later(1)
        async with bench.ledger.begin() as session:
            await reopen_onboarding(session, onboarding.id, bench.now)
        await bench.later(1)
        return onboarding, outcome

    async def test_a_retry_that_tried_something_and_ends_the_same_way_is_told_again(
        self, bench: Bench, crm: Crm
    ):
        onboarding, outcome = await self.retried(bench)
        async with effect(bench.services, onboarding, Verb.ASSOCIATE, GOOD):
            pass
        assert not await says_nothing_new(bench.services, onboarding, outcome)
        for _ in range(2):
            await notify_provider.fn(bench.services, onboarding, outcome)
        first, second = (request.headers["webhook-id"] for request in crm.requests)
        assert first != second

    async def test_a_retry_that_tried_nothing_and_ends_the_same_way_tells_nobody(
        self, bench: Bench, crm: Crm, pager: Pager
    ):
        onboarding, outcome = await self.retried(bench)
        assert await says_nothing_new(bench.services, onboarding, outcome)
        await record_told(bench.services, onboarding, outcome, [], repeats=True)
        assert await notified(bench) == ("True", "EverybodyTold")

    async def test_an_operator_who_could_not_be_told_before_the_retry_is_told_after(
        self, bench: Bench, crm: Crm, pager: Pager
    ):
        pager.trouble = ConnectionError("no answer")
        with pytest.raises(Undelivered):
            await self.retried(bench)
        onboarding = await bench.look()
        outcome = outcome_of(onboarding)
        async with bench.ledger.begin() as session:
            await end_onboarding(session, onboarding.id, bench.now, outcome.name)
        await bench.later(1)
        async with bench.ledger.begin() as session:
            await reopen_onboarding(session, onboarding.id, bench.now)
        assert not await says_nothing_new(bench.services, onboarding, outcome)

    async def test_a_receiver_that_wants_no_more_is_asked_no_more(
        self, bench: Bench, crm: Crm, pager: Pager
    ):
        crm.answers(httpx.Response(410))
        onboarding, outcome = await live(bench)
        for _ in range(2):
            with pytest.raises(NotTaken) as error:
                await notify_provider.fn(bench.services, onboarding, outcome)
            await record_told(bench.services, onboarding, outcome, [error.value])
        assert len(crm.requests) == 1
        assert [subject for subject, _ in pager.told] == ["Your system wants no more messages"]
        assert await notified(bench) == ("Unknown", "ReceiverStopped")

    async def test_its_id_is_another_for_another_outcome(self, bench: Bench, crm: Crm):
        onboarding, outcome = await live(bench)
        await notify_provider.fn(bench.services, onboarding, ELSE)
        await notify_provider.fn(bench.services, onboarding, outcome)
        first, second = (request.headers["webhook-id"] for request in crm.requests)
        assert first != second

    async def test_it_is_told_once(self, bench: Bench, crm: Crm):
        onboarding, outcome = await live(bench)
        await notify_provider.fn(bench.services, onboarding, outcome)
        await notify_provider.fn(bench.services, onboarding, outcome)
        assert len(crm.requests) == 1

    async def test_whom_a_crash_may_have_told_is_told_again(self, bench: Bench, crm: Crm):
        """It knows the repeat by its id."""
        onboarding, outcome = await live(bench)
        crm.route.mock(side_effect=die)
        with pytest.raises(Crash):
            await notify_provider.fn(bench.services, onboarding, outcome)
        crm.route.mock(return_value=httpx.Response(200))
        await notify_provider.fn(bench.services, onboarding, outcome)
        assert len({request.headers["webhook-id"] for request in crm.requests}) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(500),
            httpx.Response(404),
            httpx.Response(302, headers={"location": "https://elsewhere.test"}),
            httpx.ReadTimeout("too slow"),
            httpx.ConnectError("nobody listens"),
        ],
        ids=["500", "404", "302", "timeout", "refused"],
    )
    async def test_anything_but_2xx_is_undelivered(
        self, bench: Bench, crm: Crm, answer: httpx.Response | Exception
    ):
        crm.answers(answer)
        onboarding, outcome = await live(bench)
        with pytest.raises(NotTaken) as error:
            await notify_provider.fn(bench.services, onboarding, outcome)
        assert (error.value.retryable, error.value.ambiguous) == (False, False)
        assert "crm.provider.test" not in str(error.value)
        attempts = [shown(row) for row in await bench.effects(Verb.NOTIFY_PROVIDER)]
        assert attempts == [("Live", 1, "failed")]

    async def test_nobody_is_told_when_no_webhook_is_set(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(ProviderWebhook, "aload", NoBlocks.aload)
        onboarding, outcome = await live(bench)
        await notify_provider.fn(bench.services, onboarding, outcome)
        assert await bench.effects(Verb.NOTIFY_PROVIDER) == []
        async with bench.ledger.begin() as session:
            message = await last_outcome(session, onboarding.id)
        assert message is not None
        assert message.state == "dropped"

    async def test_what_nobody_was_told_of_is_told_once_somebody_wants_it(
        self, bench: Bench, crm: Crm, monkeypatch: pytest.MonkeyPatch
    ):
        onboarding, outcome = await live(bench)
        with monkeypatch.context() as patch:
            patch.setattr(ProviderWebhook, "aload", NoBlocks.aload)
            await notify_provider.fn(bench.services, onboarding, outcome)
        await notify_provider.fn(bench.services, onboarding, outcome)
        assert len(crm.requests) == 1

    @pytest.mark.parametrize(
        ("url", "secret"),
        [("https://crm.test:port/", SECRET), (URL, "whsec_abcde")],
        ids=["url", "secret"],
    )
    async def test_a_webhook_that_cannot_be_used_is_for_the_operator_to_mend(
        self,
        bench: Bench,
        crm: Crm,
        monkeypatch: pytest.MonkeyPatch,
        url: str,
        secret: str,
    ):
        webhook = ProviderWebhook.model_construct(url=url, secrets=SecretStr(secret))
        configure(monkeypatch, webhook)
        onboarding, outcome = await live(bench)
        with pytest.raises(WaboardError):
            await notify_provider.fn(bench.services, onboarding, outcome)


class TestRecordTold:
    """Notified means that everybody who wants to know has been told."""

    async def test_everybody_told(self, bench: Bench, pager: Pager, crm: Crm):
        onboarding, outcome = await live(bench)
        await notify_operator.fn(bench.services, onboarding, outcome)
        await notify_provider.fn(bench.services, onboarding, outcome)
        await record_told(bench.services, onboarding, outcome, [])
        assert await notified(bench) == ("True", "EverybodyTold")

    @pytest.mark.parametrize("who", ["operator", "provider"])
    async def test_either_alone_is_everybody_when_the_other_wants_nothing(
        self, bench: Bench, pager: Pager, crm: Crm, who: str
    ):
        onboarding, outcome = await live(bench)
        step = notify_operator if who == "operator" else notify_provider
        await step.fn(bench.services, onboarding, outcome)
        await record_told(bench.services, onboarding, outcome, [])
        assert await notified(bench) == ("True", "EverybodyTold")

    async def test_nobody_to_tell(self, bench: Bench):
        onboarding, outcome = await live(bench)
        await record_told(bench.services, onboarding, outcome, [])
        assert await notified(bench) == ("Unknown", "NoReceiver")

    async def test_a_receiver_that_failed(self, bench: Bench, pager: Pager, crm: Crm):
        """Although the other was told."""
        crm.answers(httpx.Response(500))
        onboarding, outcome = await live(bench)
        await notify_operator.fn(bench.services, onboarding, outcome)
        with pytest.raises(NotTaken) as error:
            await notify_provider.fn(bench.services, onboarding, outcome)
        await record_told(bench.services, onboarding, outcome, [error.value])
        assert await notified(bench) == ("Unknown", "ReceiverAwaited")
        said = (await bench.look()).conditions[ConditionType.NOTIFIED].message
        assert "HTTP 500" in said
        assert "It goes on trying until" in said

    async def test_what_the_outbox_delivers_in_the_end_is_told(
        self, bench: Bench, pager: Pager, crm: Crm
    ):
        crm.answers(httpx.Response(500), httpx.Response(204))
        onboarding, outcome = await live(bench)
        with pytest.raises(NotTaken) as error:
            await notify_provider.fn(bench.services, onboarding, outcome)
        await record_told(bench.services, onboarding, outcome, [error.value])
        await bench.later(7)
        await send_due(bench)
        assert await notified(bench) == ("True", "EverybodyTold")

    async def test_what_was_delivered_before_its_failure_was_written_down_is_told(
        self, bench: Bench, crm: Crm
    ):
        """The outbox was quicker than the run."""
        crm.answers(httpx.Response(500), httpx.Response(204))
        onboarding, outcome = await live(bench)
        with pytest.raises(NotTaken) as error:
            await notify_provider.fn(bench.services, onboarding, outcome)
        await bench.later(7)
        await send_due(bench)
        await record_told(bench.services, onboarding, outcome, [error.value])
        assert await notified(bench) == ("True", "EverybodyTold")

    async def test_an_operator_who_could_not_be_told_outweighs_a_receiver_that_was(
        self, bench: Bench, pager: Pager, crm: Crm
    ):
        onboarding, outcome = await live(bench)
        await notify_provider.fn(bench.services, onboarding, outcome)
        errors: list[WaboardError] = [Undelivered("the operator", "HTTP 500"), NotTaken("HTTP 500")]
        await record_told(bench.services, onboarding, outcome, errors)
        assert await notified(bench) == ("Unknown", "ReceiverFailed")

    async def test_having_been_told_of_another_outcome_is_not_enough(
        self, bench: Bench, pager: Pager
    ):
        onboarding, outcome = await live(bench)
        await notify_operator.fn(bench.services, onboarding, ELSE)
        await record_told(bench.services, onboarding, outcome, [])
        assert await notified(bench) == ("Unknown", "NoReceiver")

    async def test_that_somebody_cannot_be_told_makes_no_sender_less_live(self, bench: Bench):
        onboarding, outcome = await live(bench)
        error = Undelivered("the operator", "HTTP 500")
        await record_told(bench.services, onboarding, outcome, [error])
        assert outcome_of(await bench.look()) == outcome
