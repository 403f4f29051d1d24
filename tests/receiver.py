"""The provider's own system, on a free port of this machine, in a thread of its own."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What it was sent, and what it answers: these first, one each, then `always`."""

    always: int = 204
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def answer(self, headers: dict[str, str], raw: bytes) -> tuple[int, dict[str, str]]:
        """Take a message."""
        self.got.append((headers, raw))
        return self.answers.pop(0) if self.answers else (self.always, {})

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The messages that came, in the order they came."""
        return [json.loads(raw) for _, raw in self.got]

    @property
    def ids(self) -> list[str]:
        """Their ids."""
        return [headers["webhook-id"] for headers, _ in self.got]


@contextmanager
def receiving() -> Generator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = receiver.answer(headers, raw)
            self.send_response(status)
            for name, value in {"content-length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
