"""Taking a list in parts, or several at a time, for whoever takes only so many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Return the items in order, at most so many in each part."""
    return (items[at : at + most] for at in range(0, len(items), most))


async def side_by_side(
    items: Iterable[T], do: Callable[[T], Awaitable[None]], *, abreast: int
) -> None:
    """Do something with each item, so many at a time. The first failure ends it, and is raised."""
    left = iter(items)

    async def go_on() -> None:
        for item in left:
            await do(item)

    workers = [asyncio.ensure_future(go_on()) for _ in range(abreast)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
