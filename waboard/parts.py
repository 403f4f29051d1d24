"""Taking a list in parts, or several at a time, for whoever takes only so many."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Return the items in order, at most so many in each part."""
    return (items[at : at + most] for at in range(0, len(items), most))


async def read_ahead(items: AsyncIterator[T]) -> AsyncGenerator[T]:
    """Give the items as they are taken, while the next are read already. None of them is None."""
    read: asyncio.Queue[T | None] = asyncio.Queue()

    async def go_on() -> None:
        try:
            async for item in items:
                read.put_nowait(item)
        finally:
            read.put_nowait(None)

    reading = asyncio.ensure_future(go_on())
    try:
        while (item := await read.get()) is not None:
            yield item
        await reading  # for what it raised
    finally:
        reading.cancel()


async def side_by_side(
    items: AsyncIterator[T], do: Callable[[T], Awaitable[None]], *, abreast: int
) -> None:
    """Do something with each item, so many at a time. The first failure ends it, and is raised.

    An item is taken when there is somebody to do something with it.
    """
    taking = asyncio.Lock()

    async def take() -> T:
        async with taking:
            return await anext(items)

    async def go_on() -> None:
        with suppress(StopAsyncIteration):
            while True:
                await do(await take())

    workers = [asyncio.ensure_future(go_on()) for _ in range(abreast)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
