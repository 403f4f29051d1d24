"""Subscribe our app to the client's WABA, and read its numbers, with the client's own token."""

from prefect import task
from pydantic import SecretStr

from tasks.services import MetaServices, Services
from tasks.step import STEP, effect, may_repeat, settle_effect
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.errors import ProviderError, StepRefused
from waboard.domain.ids import SolutionId, parse_sender_number
from waboard.domain.onboarding import Onboarding
from waboard.domain.parties import Party
from waboard.domain.reasons import GUIDANCE, Reason
from waboard.domain.subscription import MADE
from waboard.ledger.locks import hold
from waboard.ledger.models import Verb
from waboard.ledger.races import one_transaction
from waboard.ledger.senders import expect_numbers
from waboard.ledger.tokens import portfolio_of, sealed_token, signed_up_with
from waboard.meta.errors import MetaError
from waboard.meta.models import MetaNumber


async def has_signed_up(services: Services, onboarding: Onboarding) -> bool:
    """Whether the client came through a signup link, so that there is somebody to ask as."""
    async with services.ledger.read() as session:
        sealed = await sealed_token(session, onboarding.client_ref, services.clock())
        return sealed is not None or await signed_up_with(session, onboarding.id) is not None


async def can_be_asked_as(services: Services, meta: MetaServices, onboarding: Onboarding) -> bool:
    """Whether the partner solution issues a token of a client that came without a signup link.

    That it does not, is no loss: such a client need not have shared its WABA with the solution.
    """
    try:
        token = await issued_token(services, meta, onboarding.id, onboarding.solution_id)
    except MetaError:
        return False
    return token is not None


async def client_token(
    services: Services, meta: MetaServices, onboarding: Onboarding
) -> SecretStr | None:
    """Return the client's business token: its own, or one that the partner solution issues.

    None for a client whose portfolio nobody knows: then there is nobody to ask as.
    """
    kept = await kept_token(services, meta, onboarding.client_ref)
    return kept or await issued_token(services, meta, onboarding.id, onboarding.solution_id)


async def kept_token(services: Services, meta: MetaServices, client_ref: str) -> SecretStr | None:
    """Return the token that a client's signup gave; None when there is none that still lives."""
    async with services.ledger.read() as session:
        sealed = await sealed_token(session, client_ref, services.clock())
    return meta.sealer.open(sealed) if sealed is not None else None


async def issued_token(
    services: Services, meta: MetaServices, onboarding_id: str, named: SolutionId | None
) -> SecretStr | None:
    """Have the partner solution issue a client's token; None where it cannot be asked to.

    `named` is the solution that the client came through, where it is not the provider's.
    """
    async with services.ledger.read() as session:
        portfolio = await portfolio_of(session, onboarding_id)
    solution, system = named or meta.account.solution, meta.account.own_token
    if portfolio is None or solution is None or system is None:
        return None
    return (await meta.graph.issue_token(solution, portfolio, system)).access_token


@task(
    name="connect",
    task_run_name="subscribe to WABA {onboarding.waba_label} at Meta",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def connect_waba(services: Services, meta: MetaServices, onboarding: Onboarding) -> None:
    """Subscribe, read it back, and note the WABA's numbers. Repeating it does no harm.

    Registering a number and its PIN are Infobip's to do: doing it here would take the number away
    from it.
    """
    token = await client_token(services, meta, onboarding)
    if token is None:
        raise StepRefused(
            "There is no token of the client's, and the partner solution issues none.",
            reason=Reason.SUBSCRIPTION_REFUSED,
        )
    await make_subscription(services, meta, onboarding, token)
    shown = await meta.graph.phone_numbers(onboarding.waba_id, token)
    await _note_numbers(services, onboarding.id, _numbers_in(shown))
    await record_subscribed(services, onboarding)


async def make_subscription(
    services: Services, meta: MetaServices, onboarding: Onboarding, token: SecretStr
) -> None:
    """Subscribe our app to the WABA, unless it is, and see that it is read back."""
    if not await meta.graph.is_subscribed(onboarding.waba_id, token):
        async with effect(services, onboarding, Verb.SUBSCRIBE):
            await meta.graph.subscribe(onboarding.waba_id, token)
        if not await meta.graph.is_subscribed(onboarding.waba_id, token):
            raise NotSubscribed(onboarding)


async def record_subscribed(services: Services, onboarding: Onboarding) -> None:
    """Write down that our subscription was read back, and so whatever was unsure of it."""
    shown = "Shown by reading it back."
    await settle_effect(services, onboarding.id, Verb.SUBSCRIBE, "", shown)
    await services.write(
        onboarding.id,
        "",
        ConditionType.CONNECTED,
        Status.TRUE,
        Reason.SUBSCRIPTION_READ_BACK,
        "Our app is subscribed to the WABA.",
        MADE,
    )


def _numbers_in(found: list[MetaNumber]) -> list[tuple[str, str]]:
    numbers: list[tuple[str, str]] = []
    for each in found:
        try:
            numbers.append((parse_sender_number(each.display_phone_number), each.id))
        except ValueError:
            continue  # Meta shows none yet
    return numbers


@one_transaction
async def _note_numbers(
    services: Services, onboarding_id: str, numbers: list[tuple[str, str]]
) -> None:
    async with services.ledger.begin() as session:
        await hold(session, onboarding_id)
        await expect_numbers(session, onboarding_id, numbers, services.clock())


class NotSubscribed(ProviderError):
    """A subscription does not read back, or not yet."""

    reason = Reason.SUBSCRIPTION_REFUSED

    def __init__(self, onboarding: Onboarding) -> None:
        super().__init__(
            f"The subscription to WABA {onboarding.waba_label} does not read back.",
            remedy=GUIDANCE[Reason.SUBSCRIPTION_REFUSED].remedy,
            awaiting=Party.OPERATOR,
            retryable=True,
            ambiguous=False,
        )
