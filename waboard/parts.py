"""Taking a list in parts, or several at a time, for whoever takes only so many."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Return the items in order, at most so many in each part."""
    return (items[at : at + most] for at in range(0, len(items), most))


async def side_by_side(
    items: AsyncIterator[T], do: Callable[[T], Awaitable[None]], *, abreast: int
) -> None:
    """Do something with each item, so many at a time. The first failure ends it, and is raised.

    The items are read ahead, so that nobody who is free waits for the next. None of them is None.
    """
    read: asyncio.Queue[T | None] = asyncio.Queue()

    async def read_all() -> None:
        async for item in items:
            read.put_nowait(item)
        for _ in range(abreast):
            read.put_nowait(None)

    async def go_on() -> None:
        while (item := await read.get()) is not None:
            await do(item)

    work = [
        asyncio.ensure_future(each) for each in (read_all(), *(go_on() for _ in range(abreast)))
    ]
    try:
        await asyncio.gather(*work)
    finally:
        for each in work:
            each.cancel()
        await asyncio.gather(*work, return_exceptions=True)
