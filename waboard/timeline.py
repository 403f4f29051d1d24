"""A run's timeline: what came in, who woke it, what was decided, as Prefect events beside its run.

For people alone: nothing waits for it and nothing depends on it. Notes go out from a thread of
their own, many at once; what is too much, or finds Prefect away, is lost. The facts themselves are
in the ledger.
"""

import atexit
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prefect.events import Event
from prefect.settings import PREFECT_API_URL

from waboard.domain.clock import utc_now
from waboard.domain.masking import scrub
from waboard.prefect_client import get_sync_client

MOST = 1000
"""Notes that wait to be sent. What comes beyond them is lost."""
AT_ONCE = 100
"""Notes in one request."""
GATHERS = 0.5
"""Seconds in which notes gather that are sent together: each request costs Prefect's server."""
AT_THE_END = 1.0
"""Seconds in which a process that ends still sends what waits."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened to an onboarding. `what` is its event's name after `waboard.`."""

    onboarding_id: str
    run_id: str
    what: str
    facts: dict[str, str]
    at: datetime = field(default_factory=utc_now)


Send = Callable[[Sequence[Note]], None]


class Timeline:
    """Takes notes at once, and sends them when it can."""

    def __init__(self, send: Send, most: int = MOST, gathers: float = 0) -> None:
        self._send, self._gathers = send, gathers
        self._hurry = threading.Event()
        self._waiting = queue.Queue[Note](most)
        self._starting = threading.Lock()
        self._sender: threading.Thread | None = None

    def take(self, note: Note) -> None:
        """Take a note, or lose it when too many wait. Returns at once."""
        try:
            self._waiting.put_nowait(note)
        except queue.Full:
            return
        if self._sender is None:
            self._start()

    def flush(self, seconds: float) -> None:
        """Send what waits at once, and wait until that is done, but no longer than this."""
        self._hurry.set()
        done = self._waiting.all_tasks_done
        with done:
            done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)
        self._hurry.clear()

    def _start(self) -> None:
        with self._starting:
            if self._sender is None:
                self._sender = threading.Thread(
                    target=self._send_on, name="waboard-timeline", daemon=True
                )
                self._sender.start()

    def _send_on(self) -> None:
        while True:
            notes = [self._waiting.get()]
            self._hurry.wait(self._gathers)
            while len(notes) < AT_ONCE and not self._waiting.empty():
                notes.append(self._waiting.get())
            try:
                self._send(notes)
            except Exception as error:
                logger.warning("%d notes are lost: %s", len(notes), type(error).__name__)
            for _ in notes:
                self._waiting.task_done()


def send_to_prefect(notes: Sequence[Note]) -> None:
    """Send notes to Prefect's server."""
    events = [event_of(note).model_dump(mode="json") for note in notes]
    with get_sync_client() as client:
        client.request("POST", "/events", json=events).raise_for_status()


def event_of(note: Note) -> Event:
    """Make the event of a note. What it tells is masked, like all that people look at."""
    run = {"prefect.resource.id": f"prefect.flow-run.{note.run_id}"}
    return Event.model_validate(
        {
            "occurred": note.at,
            "event": f"waboard.{note.what}",
            "resource": {"prefect.resource.id": f"waboard.onboarding.{note.onboarding_id}"},
            "related": [{**run, "prefect.resource.role": "flow-run"}],
            "payload": {name: scrub(told) for name, told in note.facts.items()},
        }
    )


_timeline = Timeline(send_to_prefect, gathers=GATHERS)
atexit.register(_timeline.flush, AT_THE_END)


def note(onboarding_id: str, run_id: str | None, what: str, **facts: str) -> None:
    """Put something on the timeline of an onboarding's run, if it has one and there is a Prefect.

    `what` is lower-case words, joined by dots and dashes, such as `decision.cancel`; `facts` are
    shown with it.
    """
    if run_id is not None and PREFECT_API_URL.value() is not None:
        _timeline.take(Note(onboarding_id, run_id, what, facts))
