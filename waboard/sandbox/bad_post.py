"""Mischief with webhooks, between the sandbox and its postman."""

from collections.abc import Callable

from waboard.sandbox.hostility import Mischief
from waboard.sandbox.webhooks import Address
from waboard.sandbox.world import World


async def push(
    world: World,
    kind: str,
    address: Address,
    raw: bytes,
    waba_id: str,
    *,
    lost: Callable[[], None] = lambda: None,
) -> None:
    """Push a webhook, unless something happens to it on its way.

    `lost` is called when it never arrives in one piece.
    """

    async def post(body: bytes = raw, *, lost: Callable[[], None] = lambda: None) -> None:
        headers = address.headers(body)
        await world.postman.push(kind, address.url, body, headers=headers, lost=lost)

    def strikes(mischief: Mischief) -> bool:
        return world.mischiefs.strikes(mischief, f"{kind} {waba_id}", waba_id)

    if strikes(Mischief.WEBHOOK_LOST):
        lost()
    elif strikes(Mischief.WEBHOOK_MALFORMED):
        await post(raw[: len(raw) // 2])
        lost()
    elif strikes(Mischief.WEBHOOK_REORDERED):
        world.held.append(lambda: post(lost=lost))
        world.tasks.start(_let_go_late(world))
    else:
        if strikes(Mischief.WEBHOOK_LATE):
            await world.sleep(world.mischiefs.hostility.late)
        await post(lost=lost)
        if strikes(Mischief.WEBHOOK_TWICE):
            await post()
        await _let_go(world)


async def _let_go(world: World) -> None:
    # What was held back is overtaken by one other webhook, and follows it.
    while world.held:
        await world.held.pop(0)()


async def _let_go_late(world: World) -> None:
    await world.sleep(world.mischiefs.hostility.late)
    await _let_go(world)
