"""What every step has in common: when it is retried, what is written down, what its failure is."""

import asyncio

import pytest
from prefect.cache_policies import NO_CACHE
from prefect.states import (
    Completed,
    Failed,
    State,
    exception_to_crashed_state,
    exception_to_failed_state,
)

from tasks.associate import NumberNotListed, associate_sender
from tasks.await_delivery import look_for_delivery
from tasks.await_registration import look_for_registration
from tasks.notify import notify_operator, notify_provider
from tasks.share import share_waba
from tasks.step import effect, failure_of, may_repeat, record_failure, surely_not_done
from tasks.tenant import prepare_tenant
from tasks.verify import send_test_message
from tests.domain.samples import sender
from tests.tasks.bench import Bench, condition, shown
from waboard.domain.conditions import ConditionType
from waboard.domain.errors import BadInput, ProviderError, StepRefused
from waboard.domain.parties import Party
from waboard.domain.reasons import Reason
from waboard.ledger.models import Verb


def provider_error(*, retryable: bool = False, ambiguous: bool = False) -> ProviderError:
    return ProviderError(
        "It said something.",
        remedy="Do something.",
        awaiting=Party.OPERATOR,
        retryable=retryable,
        ambiguous=ambiguous,
    )


class TestRetryConditions:
    """Which failures a step is repeated after."""

    @pytest.mark.parametrize(
        ("retryable", "ambiguous", "repeats", "surely_not"),
        [
            (True, False, True, True),
            (True, True, True, False),
            (False, False, False, False),
            (False, True, False, False),
        ],
    )
    async def test_what_the_provider_did_decides(
        self, retryable: bool, ambiguous: bool, repeats: bool, surely_not: bool
    ):
        state = Failed(data=provider_error(retryable=retryable, ambiguous=ambiguous))
        assert await may_repeat(None, None, state) is repeats
        assert await surely_not_done(None, None, state) is surely_not

    @pytest.mark.parametrize(
        "error",
        [
            KeyError("a fault in here"),
            TimeoutError(),
            StepRefused("No.", reason=Reason.MESSAGE_REFUSED),
            BadInput("field", "is wrong.", remedy="Correct it."),
        ],
        ids=lambda error: type(error).__name__,
    )
    async def test_nothing_else_is_repeated(self, error: Exception):
        state = Failed(data=error)
        assert not await may_repeat(None, None, state)
        assert not await surely_not_done(None, None, state)

    async def test_a_failure_as_prefect_itself_writes_it_is_read(self):
        state = await exception_to_failed_state(provider_error(retryable=True))
        assert await may_repeat(None, None, state)
        assert await surely_not_done(None, None, state)

    @pytest.mark.parametrize("step", [share_waba, send_test_message], ids=lambda step: step.name)
    def test_what_must_not_happen_twice_is_repeated_only_when_surely_not_done(self, step):
        assert step.retry_condition_fn is surely_not_done

    @pytest.mark.parametrize(
        "step",
        [
            prepare_tenant,
            associate_sender,
            look_for_registration,
            look_for_delivery,
            notify_operator,
            notify_provider,
        ],
        ids=lambda step: step.name,
    )
    def test_what_can_be_repeated_from_anywhere_is_repeated_when_in_doubt(self, step):
        assert step.retry_condition_fn is may_repeat

    @pytest.mark.parametrize(
        "step",
        [
            share_waba,
            prepare_tenant,
            associate_sender,
            send_test_message,
            look_for_registration,
            look_for_delivery,
            notify_operator,
            notify_provider,
        ],
        ids=lambda step: step.name,
    )
    def test_prefect_remembers_no_step(self, step):
        assert step.cache_policy == NO_CACHE
        assert step.persist_result is False
        assert step.retries > 0


class TestEffect:
    """Written down before it is done, and after."""

    async def test_it_is_committed_before_it_is_done(self, bench: Bench):
        onboarding = await bench.start()
        async with effect(bench.services, onboarding, Verb.SHARE):
            assert [shown(row) for row in await bench.effects()] == [("", 1, "started")]
        (row,) = await bench.effects()
        assert (row.status, row.started_at, row.ended_at) == ("done", bench.now, bench.now)

    @pytest.mark.parametrize("death", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
    async def test_a_crash_leaves_it_started(self, bench: Bench, death: type[BaseException]):
        onboarding = await bench.start()
        with pytest.raises(death):
            async with effect(bench.services, onboarding, Verb.SHARE):
                raise death
        (row,) = await bench.effects()
        assert (row.status, row.ended_at) == ("started", None)

    async def test_an_unexpected_exception_leaves_it_ambiguous(self, bench: Bench):
        """And its text, which may hold anything, is not kept."""
        onboarding = await bench.start()
        with pytest.raises(KeyError):
            async with effect(bench.services, onboarding, Verb.SHARE):
                raise KeyError("+1 313-513-8538")
        (row,) = await bench.effects()
        assert (row.status, row.detail, row.ended_at) == ("ambiguous", "KeyError", bench.now)

    @pytest.mark.parametrize(("ambiguous", "status"), [(True, "ambiguous"), (False, "failed")])
    async def test_an_error_of_ours_says_how_sure_it_is(
        self, bench: Bench, ambiguous: bool, status: str
    ):
        onboarding = await bench.start()
        with pytest.raises(ProviderError):
            async with effect(bench.services, onboarding, Verb.SHARE):
                raise provider_error(ambiguous=ambiguous)
        (row,) = await bench.effects()
        assert (row.status, row.detail) == (status, "It said something. Do something.")

    async def test_each_subject_has_effects_of_its_own(self, bench: Bench):
        onboarding = await bench.start()
        for subject in ("one", "two"):
            async with effect(
                bench.services, onboarding, Verb.ASSOCIATE, subject, external_id=f"id of {subject}"
            ):
                pass
        found = [(*shown(row), row.external_id) for row in await bench.effects()]
        assert found == [("one", 1, "done", "id of one"), ("two", 1, "done", "id of two")]


def step_that_ends_in(state: State):
    """What calling a task with `return_state=True` is like."""

    async def step(*args: object, return_state: bool, **options: object) -> State:
        assert return_state
        assert (args, options) == (("an argument",), {"option": True})
        return state

    return step


class TestFailureOf:
    """Our own errors are answers; anything else is a fault."""

    async def test_a_step_that_got_through_has_no_failure(self):
        assert await failure_of(step_that_ends_in(Completed()), "an argument", option=True) is None

    @pytest.mark.parametrize(
        "error",
        [
            provider_error(retryable=True),
            StepRefused("No.", reason=Reason.MESSAGE_REFUSED),
            BadInput("field", "is wrong.", remedy="Correct it."),
        ],
        ids=lambda error: type(error).__name__,
    )
    async def test_an_error_of_ours_is_returned(self, error: Exception):
        step = step_that_ends_in(Failed(data=error))
        assert await failure_of(step, "an argument", option=True) is error

    async def test_a_fault_is_raised(self):
        step = step_that_ends_in(await exception_to_failed_state(KeyError("fault")))
        with pytest.raises(KeyError, match="fault"):
            await failure_of(step, "an argument", option=True)

    async def test_a_crash_is_raised(self):
        step = step_that_ends_in(await exception_to_crashed_state(asyncio.CancelledError()))
        with pytest.raises(asyncio.CancelledError):
            await failure_of(step, "an argument", option=True)


class TestRecordFailure:
    """Not done is not proven false."""

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (provider_error(retryable=True), Reason.PROVIDER_UNAVAILABLE),
            (provider_error(retryable=False), Reason.SHARE_REFUSED),
            (provider_error(retryable=False, ambiguous=True), Reason.SHARE_REFUSED),
            (BadInput("field", "is wrong.", remedy="Correct it."), Reason.SHARE_REFUSED),
            (StepRefused("No.", reason=Reason.MESSAGE_REFUSED), Reason.MESSAGE_REFUSED),
            (NumberNotListed(sender()), Reason.NUMBER_NOT_LISTED),
        ],
        ids=["passing", "refused", "unclear", "bad input", "a reason", "a passing reason"],
    )
    async def test_the_reason_is_the_errors_own_or_follows_from_its_kind(
        self, bench: Bench, error: Exception, reason: Reason
    ):
        onboarding = await bench.start()
        kind, refused = ConditionType.SHARED, Reason.SHARE_REFUSED
        await record_failure(bench.services, onboarding, "", kind, error, refused)
        onboarding = await bench.look()
        assert condition(onboarding, kind) == ("Unknown", reason)
        known = onboarding.conditions[kind]
        assert (known.message, known.evidence) == (str(error), type(error).__name__)

    @pytest.mark.parametrize(
        ("days", "reason"),
        [
            (0, Reason.PROVIDER_UNAVAILABLE),
            (2.9, Reason.PROVIDER_UNAVAILABLE),
            (3, Reason.UPSTREAM_GIVEN_UP),
            (30, Reason.UPSTREAM_GIVEN_UP),
        ],
    )
    async def test_an_upstream_that_stays_away_for_too_long_is_given_up(
        self, bench: Bench, days: float, reason: Reason
    ):
        """Counted from when it was first away; the same reason holds at the next failure."""
        onboarding = await bench.start()
        kind, error = ConditionType.SHARED, provider_error(retryable=True)
        for pause in (days * 86400, 1):
            await record_failure(bench.services, onboarding, "", kind, error, Reason.SHARE_REFUSED)
            onboarding = await bench.later(pause)
        await record_failure(bench.services, onboarding, "", kind, error, Reason.SHARE_REFUSED)
        assert condition(await bench.look(), kind) == ("Unknown", reason)

    async def test_another_failure_before_is_no_outage(self, bench: Bench):
        onboarding = await bench.start()
        kind, refused = ConditionType.SHARED, Reason.SHARE_REFUSED
        for passing in (False, True):
            error = provider_error(retryable=passing)
            await record_failure(bench.services, onboarding, "", kind, error, refused)
            onboarding = await bench.later(9 * 86400)
        assert condition(onboarding, kind) == ("Unknown", Reason.PROVIDER_UNAVAILABLE)

    async def test_it_is_written_of_the_sender_that_it_is_about(self, bench: Bench):
        onboarding = await bench.registered()
        (one,) = onboarding.senders
        error, refused = provider_error(), Reason.ASSOCIATION_REFUSED
        await record_failure(
            bench.services, onboarding, one.phone_number, ConditionType.ASSOCIATED, error, refused
        )
        onboarding = await bench.look()
        found = condition(onboarding.sender(one.phone_number), ConditionType.ASSOCIATED)
        assert found == ("Unknown", "AssociationRefused")
        assert ConditionType.ASSOCIATED not in onboarding.conditions
