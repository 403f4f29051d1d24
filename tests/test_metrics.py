"""What a process counts of its own doing, and how those of one machine count together."""

import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import respx
from pydantic import SecretStr

from tests.counts import count_of, counting
from waboard.domain.ids import PhoneNumber, PortfolioId, SolutionId, WabaId
from waboard.infobip import InfobipClient, InfobipError
from waboard.meta.client import GraphClient, MetaApp
from waboard.metrics import DIRECTORY, count_call, counted, empty_directory

CALLS, SECONDS = "waboard_provider_calls_total", "waboard_provider_call_seconds"
NUMBER, WABA = PhoneNumber("447860041117"), WabaId("102384266223093")
SOLUTION, PORTFOLIO = SolutionId("900000000000001"), PortfolioId("506914307656634")
TOKEN = SecretStr("EAAG-business-token-5521")
INFOBIP, GRAPH = "https://acme.api.infobip.test", "https://graph.test"


async def test_a_call_is_counted_by_what_was_answered():
    async def answer() -> httpx.Response:
        return httpx.Response(429)

    named = {"provider": "infobip", "method": "GET", "endpoint": "/a/{}"}
    with counting(1, CALLS, **named, status="429"):
        assert (await count_call("infobip", "GET", "/a/{}", answer())).status_code == 429


async def test_a_call_without_an_answer_is_counted_and_its_error_goes_on():
    async def answer() -> httpx.Response:
        raise httpx.ReadTimeout("")

    named = {"provider": "infobip", "method": "GET", "endpoint": "/b"}
    with counting(1, CALLS, **named, status="none"), pytest.raises(httpx.ReadTimeout):
        await count_call("infobip", "GET", "/b", answer())


async def test_a_calls_seconds_are_those_from_its_beginning_to_its_answer():
    async def answer() -> httpx.Response:
        return httpx.Response(200)

    named = {"provider": "meta", "method": "GET", "endpoint": "/c"}
    times = iter([10.0, 10.75])
    with (
        counting(0.75, f"{SECONDS}_sum", **named),
        counting(0, f"{SECONDS}_bucket", **named, le="0.5"),
        counting(1, f"{SECONDS}_bucket", **named, le="1.0"),
    ):
        await count_call("meta", "GET", "/c", answer(), lambda: next(times))


async def test_calls_to_infobip_are_counted_by_the_templates_of_their_paths():
    path = "/whatsapp/1/senders/{}/business-info"
    named = {"provider": "infobip", "method": "GET", "endpoint": path}
    with respx.mock(base_url=INFOBIP) as router:
        router.get(path.format(NUMBER)).respond(500)
        async with InfobipClient(INFOBIP, SecretStr("key")) as client:
            with counting(1, CALLS, **named, status="500"), pytest.raises(InfobipError):
                await client.senders.business_info(NUMBER)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        (WABA, "/{}"),
        (f"{WABA}/phone_numbers", "/{}/phone_numbers"),
        (f"{SOLUTION}/access_token", "/{}/access_token"),
        ("debug_token", "/debug_token"),
        ("oauth/access_token", "/oauth/access_token"),
        ("me", "/me"),
    ],
)
async def test_calls_to_meta_are_counted_without_the_ids_in_their_paths(path: str, endpoint: str):
    ask = {
        WABA: lambda graph: graph.waba(WABA, TOKEN),
        f"{WABA}/phone_numbers": lambda graph: graph.phone_numbers(WABA, TOKEN),
        f"{SOLUTION}/access_token": lambda graph: graph.issue_token(SOLUTION, PORTFOLIO, TOKEN),
        "debug_token": lambda graph: graph.debug_token(TOKEN),
        "oauth/access_token": lambda graph: graph.exchange_code(SecretStr("AQ-code")),
        "me": lambda graph: graph.client_portfolio(TOKEN),
    }[path]
    answer = {"id": WABA, "access_token": "EAAG", "token_type": "bearer", "data": {}}
    app = MetaApp("600000000000001", SecretStr("app-secret-9c1d7e"))
    with respx.mock:
        respx.get(f"{GRAPH}/v26.0/{path}").respond(json=answer)
        named = {"provider": "meta", "method": "GET", "endpoint": endpoint}
        async with GraphClient(GRAPH, "v26.0", app) as graph:
            with counting(1, CALLS, **named, status="200"):
                await ask(graph)


def test_no_label_holds_an_id_a_number_or_a_secret():
    """Whatever was called before in this process."""
    samples = [sample for metric in counted() for sample in metric.samples]
    values = [v for each in samples for name, v in each.labels.items() if name != "le"]
    assert [value for value in values if re.search(r"\d{5}|EAAG|secret", value)] == []


# The processes of one machine

CALL = """
import asyncio, sys
import httpx
from waboard.metrics import RATE_LIMIT_WAIT_SECONDS, count_call

async def answer():
    return httpx.Response(200)

for _ in range(int(sys.argv[1])):
    asyncio.run(count_call("infobip", "GET", "/a/{}", answer(), lambda: 1.0))
RATE_LIMIT_WAIT_SECONDS.labels("provisioning").inc(0.5)
print("counted", flush=True)
sys.stdin.read()
"""
TELL = """
from prometheus_client import generate_latest
from waboard.metrics import counted

class All:
    def collect(self):
        return counted()

print(generate_latest(All()).decode())
"""
OTHERS = """
import prometheus_client
import waboard.metrics

prometheus_client.Counter("somebody_else", "In the same process.", ["of"]).labels("x").inc()
"""


@contextmanager
def caller(directory: Path, calls: int) -> Generator[None]:
    """A process that has made so many calls, and lives on meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", CALL, str(calls)],
        env=os.environ | {DIRECTORY: str(directory)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
        yield
    assert process.returncode == 0


def run(code: str, directory: Path) -> str:
    """What a process says that counts in a directory."""
    environment = os.environ | {DIRECTORY: str(directory)}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


def told(directory: Path, name: str) -> float:
    """What any process of the machine tells of a name."""
    found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", run(TELL, directory), re.MULTILINE)
    assert len(found) == 1, found
    return float(found[0])


def test_a_process_tells_what_all_have_counted(tmp_path: Path):
    """Those that live, and those that have ended."""
    with caller(tmp_path, 2), caller(tmp_path, 3):
        assert told(tmp_path, CALLS) == 5
    assert told(tmp_path, CALLS) == 5
    assert told(tmp_path, f"{SECONDS}_count") == 5
    assert told(tmp_path, "waboard_rate_limit_wait_seconds_total") == 1.0


def test_files_grow_with_the_processes_that_live_at_once_and_not_with_all_that_ever_did(
    tmp_path: Path,
):
    """The stock process worker starts one for each leg."""
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(caller(tmp_path, 1))
        files = set(tmp_path.iterdir())
    for _ in range(3):
        with caller(tmp_path, 1):
            pass
    assert set(tmp_path.iterdir()) == files
    assert told(tmp_path, CALLS) == 5


def test_what_other_libraries_count_is_not_told(tmp_path: Path):
    """Prefect counts, too."""
    run(OTHERS, tmp_path)
    assert any(tmp_path.glob("*.db"))
    assert "somebody_else" not in run(TELL, tmp_path)


def test_a_directory_that_is_not_there_is_made(tmp_path: Path):
    """For whoever starts the processes by hand."""
    with caller(tmp_path / "not" / "yet", 1):
        assert told(tmp_path / "not" / "yet", CALLS) == 1


def test_counts_begin_at_zero_with_each_start(tmp_path: Path):
    """What Prometheus has not asked for by then is lost."""
    first = empty_directory(tmp_path)
    with caller(first, 2):
        pass
    again = empty_directory(tmp_path)
    assert (again, list(again.iterdir())) == (first, [])
    with caller(again, 1):
        assert told(again, CALLS) == 1


def test_without_a_directory_a_process_counts_for_itself():
    assert DIRECTORY not in os.environ
    assert count_of(CALLS, provider="nobody") == 0
