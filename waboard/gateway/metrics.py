"""`/metrics`: numbers for Prometheus. What the ledger knows is counted when somebody asks."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from fastapi import APIRouter, Depends, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from waboard.domain.outcome import RUNNING, OutcomeName, Stage
from waboard.domain.posting import MessageState
from waboard.domain.waits import WORDS, WaitKind
from waboard.gateway.dependencies import TheClock, TheLedger, TheSettings, authorized
from waboard.ledger.models import Disposition, EventKind
from waboard.ledger.tally import Tally, take_tally
from waboard.metrics import counted

router = APIRouter(tags=["health"], dependencies=[Depends(authorized)])
STAGES = (*OutcomeName, Stage.LEAVING, *(words.state for words in WORDS.values()), RUNNING)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(ledger: TheLedger, settings: TheSettings, clock: TheClock) -> Response:
    """Show the numbers in the text format of Prometheus."""
    now = clock()
    async with ledger.read() as session:
        tally = await take_tally(session, now)
    numbers = Numbers(tally, settings.weekly_cap, now)
    return Response(generate_latest(numbers), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class Numbers(Collector):
    """The numbers of one scrape. What a name is known for and there is none of is told as 0."""

    def __init__(self, tally: Tally, cap: int, now: datetime) -> None:
        self._tally, self._cap, self._now = tally, cap, now

    def collect(self) -> Iterable[Metric]:
        """Tell the ledger's numbers, then what the processes have counted."""
        yield from self._onboardings()
        yield from self._waits()
        yield from self._events()
        yield from self._weekly_cap()
        yield from self._messages()
        yield from counted()

    def _onboardings(self) -> Iterable[Metric]:
        stages = {(stage,): 0 for stage in STAGES}
        found = {(stage,): number for stage, number in self._tally.stages.items()}
        yield _gauge(
            "waboard_onboardings",
            "Onboardings by what they came to, what they wait for, or that they run.",
            ("stage",),
            stages | found,
        )
        yield _gauge(
            "waboard_needs",
            "Onboardings of which a condition needs somebody, by the reason.",
            ("condition", "reason"),
            self._tally.needs,
        )

    def _waits(self) -> Iterable[Metric]:
        waits = self._tally.waits
        yield _gauge(
            "waboard_waits",
            "Runs that sleep, by what for.",
            ("kind",),
            {(kind,): waits[kind].number if kind in waits else 0 for kind in WaitKind},
        )
        yield _gauge(
            "waboard_oldest_wait_seconds",
            "How long the run that has waited longest waits, by what for.",
            ("kind",),
            {
                (kind,): self._age(waits[kind].oldest if kind in waits else None)
                for kind in WaitKind
            },
        )

    def _events(self) -> Iterable[Metric]:
        events = {(kind, what): 0 for kind in EventKind for what in Disposition}
        found = {names: group.number for names, group in self._tally.events.items()}
        yield _gauge(
            "waboard_events",
            "Events that were received, by what they are about and what became of them.",
            ("kind", "disposition"),
            events | found,
        )
        yield _gauge(
            "waboard_oldest_parked_event_seconds",
            "How long the oldest event that nobody has taken up lies there.",
            ("kind",),
            {(kind,): self._age(self._tally.oldest_parked(kind)) for kind in EventKind},
        )

    def _weekly_cap(self) -> Iterable[Metric]:
        used = self._tally.admitted
        yield GaugeMetricFamily(
            "waboard_weekly_cap_used", "New clients that were let in in the last seven days.", used
        )
        yield GaugeMetricFamily(
            "waboard_weekly_cap_free",
            "New clients that may still be let in now.",
            max(self._cap - used, 0),
        )

    def _messages(self) -> Iterable[Metric]:
        messages = self._tally.messages
        yield _gauge(
            "waboard_outbox_messages",
            "Messages to the provider's own system, by what became of them.",
            ("state",),
            {(each,): messages[each].number if each in messages else 0 for each in MessageState},
        )
        pending = messages.get(MessageState.PENDING)
        yield GaugeMetricFamily(
            "waboard_oldest_pending_message_seconds",
            "How long ago that happened of which the provider's own system has not been told yet.",
            self._age(pending.oldest if pending else None),
        )

    def _age(self, since: datetime | None) -> float:
        return max((self._now - since).total_seconds(), 0.0) if since else 0.0


def _gauge(
    name: str,
    documentation: str,
    labels: tuple[str, ...],
    numbers: Mapping[tuple[str, ...], float],
) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for names, number in numbers.items():
        family.add_metric(names, number)
    return family
