"""A closed-loop HTTP client that costs little, so that what is measured is the server."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """One POST, ready for the wire."""

    path: str
    headers: dict[str, str]
    body: bytes

    def wire(self) -> bytes:
        """Write it as HTTP/1.1."""
        lines = [f"POST {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        return "\r\n".join(lines).encode() + self.body


@dataclass(frozen=True)
class Load:
    """What a server bore: requests a second, and seconds that answers took."""

    rate: float
    median: float
    p99: float


async def load(port: int, requests: Sequence[Request], connections: int) -> Load:
    """Send all requests over so many connections, each as soon as the last is answered.

    Raises RuntimeError for an answer that is no 2xx.
    """
    pending = iter([request.wire() for request in requests])
    began = time.perf_counter()
    taken = await asyncio.gather(*(_connection(port, pending) for _ in range(connections)))
    seconds = time.perf_counter() - began
    all_taken = [each for connection in taken for each in connection]
    return Load(
        rate=len(all_taken) / seconds,
        median=statistics.median(all_taken),
        p99=statistics.quantiles(all_taken, n=100)[98],
    )


async def _connection(port: int, pending: Iterator[bytes]) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken: list[float] = []
    for wire in pending:
        began = time.perf_counter()
        writer.write(wire)
        await _answer(reader)
        taken.append(time.perf_counter() - began)
    writer.close()
    return taken


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0]
    body = await reader.readexactly(int(length or 0))
    if not head.startswith("http/1.1 2"):
        raise RuntimeError(f"{head.partition(chr(13))[0]}: {body.decode()[:300]}")
