"""Tell the operator once a day who needs a person, and what has ended."""

from prefect import task

from tasks.notify import deliver_to_operator
from tasks.services import Services
from tasks.step import STEP, may_repeat
from waboard.digest import message_of
from waboard.domain.digest import Digest, digest_of
from waboard.ledger.clocks import read_clocks
from waboard.ledger.digests import begin_digest, end_digest, matters, told_until
from waboard.ledger.races import one_transaction


@task(name="draw up digest", task_run_name="draw up the digest", **STEP)
async def draw_up_digest(services: Services) -> tuple[int, Digest]:
    """Read what there is to tell since the last digest; write down that one is begun."""
    return await _begin(services)


@one_transaction
async def _begin(services: Services) -> tuple[int, Digest]:
    async with services.ledger.begin() as session:
        now = services.clock()
        since = await told_until(session, now)
        clocks = await read_clocks(session, services.policy.reminders, now)
        drawn = digest_of(await matters(session, clocks, since, now), since, now)
        return await begin_digest(session, now), drawn


@task(
    name="tell digest",
    task_run_name="tell the operator",
    retry_condition_fn=may_repeat,
    **STEP,
)
async def tell_digest(services: Services, digest_id: int, digest: Digest) -> bool:
    """Send it, if there is anybody to tell and anything to say. Returns whether it was sent.

    One that was sent, but not written down as told because of a crash, is told again with the next.
    """
    slug = services.policy.operator_block
    sends = slug is not None and (services.policy.digest_always or not digest.is_empty)
    if slug is not None and sends:
        await deliver_to_operator(slug, digest.subject, message_of(digest))
    await _note_told(services, digest_id)
    return sends


@one_transaction
async def _note_told(services: Services, digest_id: int) -> None:
    async with services.ledger.begin() as session:
        await end_digest(session, digest_id, services.clock())
