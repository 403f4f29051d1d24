"""The pages say what the code does: every name has its entry, every link an end.

A page is read as its tables: an entry is a row that begins with the name in backticks.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from prefect import Flow
from prefect.blocks.core import Block
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.main import get_command

from blocks.accounts import InfobipAccount, VerificationMessage
from blocks.infobip_webhooks import InfobipWebhooks
from blocks.ledger import LedgerDatabase
from blocks.meta import MetaAccount
from blocks.policy import OnboardingPolicy
from blocks.webhook import ProviderWebhook
from tests.domain.samples import BAD, T0, live_sender, not_true, onboarding, sender
from tests.names import (
    ROOT,
    anchors,
    missing_pages,
    unknown_commands,
    unknown_routes,
    unknown_settings,
    unknown_words,
)
from waboard import cli, reference
from waboard.alarms import alarms
from waboard.deploy import PREFECT_FILE
from waboard.domain.additions import AdditionState
from waboard.domain.conditions import ConditionType, Status
from waboard.domain.decisions import DecisionVerb
from waboard.domain.departures import DepartureState, Handwork
from waboard.domain.facts import registration_facts
from waboard.domain.filing import ForeignFiling
from waboard.domain.outcome import OutcomeName, Stage, outcome_of
from waboard.domain.posting import SCHEDULE, MessageState
from waboard.domain.reasons import (
    DISCONNECTION_HINTS,
    GUIDANCE,
    NAME_HINTS,
    REGISTRATION_HINTS,
    Guidance,
    Reason,
)
from waboard.domain.requests import OnboardingRequest
from waboard.domain.telling import LIVE, grammar, outcome_data
from waboard.domain.waits import WORDS, WaitKind, WaitPlan
from waboard.gateway.app import create_app
from waboard.gateway.views import OnboardingView
from waboard.infobip import endpoints
from waboard.infobip.endpoints import Endpoint
from waboard.infobip.limits import LIMITS
from waboard.ledger.models import Disposition, EffectStatus, EventKind, OutboxRow, Verb
from waboard.ledger.outbox import body_of
from waboard.sandbox import control
from waboard.sandbox.failures import Failure
from waboard.sandbox.fates import Fate, SenderFate
from waboard.sandbox.hostility import Hostility
from waboard.sandboxed import sandbox_environment
from waboard.settings import Settings, setting_name

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS: list[type[Block]] = [
    InfobipAccount,
    InfobipWebhooks,
    LedgerDatabase,
    MetaAccount,
    OnboardingPolicy,
    ProviderWebhook,
    VerificationMessage,
]
ENDPOINTS = [each for each in vars(endpoints).values() if isinstance(each, Endpoint)]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
PATIENCE = {"registration_nudge", "delivery_nudge", "solution_nudge", "signup_grace", "weekly_cap"}
"""What the sandbox sets only when nobody else did."""


DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]


def flow_of(deployment: dict[str, Any]) -> Flow[Any, Any]:
    """The flow that a deployment runs."""
    module, _, name = deployment["entrypoint"].partition(":")
    return getattr(import_module(module), name)


TOLD = {path.name: path.read_text() for path in PAGES}
TOLD |= {f"deployment {each['name']}": each["description"] for each in DEPLOYMENTS}
TOLD |= {f"flow {flow_of(each).name}": flow_of(each).fn.__doc__ or "" for each in DEPLOYMENTS}
"""What people read of us: the pages, and what the Prefect UI shows of deployments and flows."""


@cache
def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


def rows(text: str) -> list[list[str]]:
    """Every row of every table in a text, as its cells."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def row(text: str, *first: str) -> list[str]:
    """The one row that begins with these names, in backticks."""
    named = [f"`{name}`" for name in first]
    found = [cells for cells in rows(text) if cells[: len(named)] == named]
    assert found, f"no row for {' '.join(first)}"
    return found[0]


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its level or a higher one."""
    level = heading.index(" ")
    start = re.search(rf"^{re.escape(heading)}$", text, re.MULTILINE)
    assert start, f"there is no heading {heading!r}"
    rest = text[start.end() :]
    end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def example(heading: str) -> dict[str, Any]:
    """The JSON that docs/http.md shows first under a heading."""
    found = re.search(r"```json\n(.*?)```", section(page("http"), heading), re.DOTALL)
    assert found, f"there is no JSON under {heading!r}"
    return json.loads(found[1])


# Settings and blocks


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(field: str, untouched_machine: Path) -> None:
    written = row(page("settings"), setting_name(field))[1].strip("`")
    given = {} if written == "none" else {field: written}
    default = getattr(Settings(), field)
    assert getattr(Settings.model_validate(given), field) == default
    assert (written == "none") == (default in (None, []))


@pytest.mark.parametrize("name", TOLD)
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert unknown_settings(TOLD[name]) == set()


def test_what_the_sandbox_sets_is_documented(untouched_machine: Path) -> None:
    told = section(page("settings"), "## What `waboard up --sandbox` sets")
    ports = {"gateway_port", "prefect_port", "sandbox_port"}
    secrets = {"infobip_api_key", "infobip_webhook_secrets", "api_keys", "test_recipient"}
    values = sandbox_environment(Settings(), untouched_machine)
    for field in Settings.model_fields:
        name = setting_name(field)
        if field not in ports:
            assert (f"`{name}`" in told) == (name in values)
        if field in secrets | PATIENCE | {"provider_webhook_secrets", "infobip_webhook_auth"}:
            assert f"`{values[name]}`" in told


@pytest.mark.parametrize("block", BLOCKS)
def test_every_field_of_a_block_is_documented(block: type[Block]) -> None:
    own = set(block.model_fields) - set(Block.model_fields)
    assert own
    for field in own:
        assert "WABOARD_" in row(page("settings"), block.get_block_type_slug(), field)[2]


def test_every_block_is_among_those_checked() -> None:
    written = [path.read_text() for path in (ROOT / "blocks").glob("*.py")]
    names = re.findall(r"^class (\w+)\(Block\)", "\n".join(written), re.MULTILINE)
    assert sorted(names) == sorted(block.__name__ for block in BLOCKS)


# States


NAMES: list[tuple[str, type[StrEnum]]] = [
    ("## Stages", Stage),
    ("## Outcomes", OutcomeName),
    ("## What people decide", DecisionVerb),
    ("### Ids that assign themselves", ForeignFiling),
    ("## Adding a sender", AdditionState),
    ("## A client leaves", DepartureState),
    ("## A client leaves", Handwork),
    ("## Conditions", Status),
    ("## Conditions", ConditionType),
    ("## Events", EventKind),
    ("## Events", Disposition),
    ("## Effects", Verb),
    ("## Effects", EffectStatus),
]


@pytest.mark.parametrize(
    ("heading", "name"), [(heading, name) for heading, names in NAMES for name in names]
)
def test_every_name_is_documented(heading: str, name: str) -> None:
    assert all(row(section(page("states"), heading), name))


@pytest.mark.parametrize("kind", WaitKind)
def test_every_wait_is_documented_in_its_own_words(kind: WaitKind) -> None:
    words = WORDS[kind]
    told = section(page("states"), "## Waits")
    line = f"| `{kind}` | `{words.state}` | {words.message} | {words.awaiting} | {words.remedy} |"
    assert line in told
    assert f"`waiting:{kind}`" in told


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_documented_with_its_remedy(reason: Reason) -> None:
    _, _, awaiting, remedy, meaning = row(section(page("states"), "## Reasons"), reason)
    guidance = GUIDANCE.get(reason)
    expected = (guidance.awaiting, guidance.remedy) if guidance else ("nobody", "—")
    assert (awaiting, remedy) == expected
    assert meaning


HINTS = {**REGISTRATION_HINTS, **NAME_HINTS, **DISCONNECTION_HINTS}


@pytest.mark.parametrize(("hint", "guidance"), HINTS.items())
def test_every_hint_in_what_others_say_is_documented(hint: str, guidance: Guidance) -> None:
    assert row(page("states"), hint)[1:] == [guidance.awaiting, guidance.remedy]


# Errors and alarms


def test_the_page_of_errors_is_as_the_code_has_them() -> None:
    assert page("errors") == reference.page(), "python -m waboard.reference writes it"


def test_every_error_says_what_to_do() -> None:
    for error in reference.errors():
        assert error.remedy, f"{error.kind}: {error.message}"


def test_every_alarm_is_documented_with_what_it_says(untouched_machine: Path) -> None:
    told = section(page("operating"), "## Alarms")
    one_of_each = {alarm.name.split(" from ")[0]: alarm for alarm in alarms(plans())}
    for name in one_of_each:
        assert f"`{name}" in told
        assert name.removeprefix("waboard: ") in page("runbook")


def plans() -> dict[WaitKind, WaitPlan]:
    return {kind: Settings().plan(kind) for kind in WaitKind}


# The command line


def commands(group: TyperGroup, *path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


def all_commands() -> list[tuple[str, Any]]:
    app = get_command(cli.app)
    assert isinstance(app, TyperGroup)
    return list(commands(app, "waboard"))


@pytest.mark.parametrize(("name", "command"), all_commands())
def test_every_command_is_documented_with_its_options(name: str, command: TyperCommand) -> None:
    told = section(page("cli"), f"## `{name}`")
    for each in command.params:
        names = [each.name.upper()] if isinstance(each, TyperArgument) and each.name else []
        for spelt in names or [*each.opts, *each.secondary_opts]:
            assert f"`{spelt}`" in told, f"{name} {spelt} is not in docs/cli.md"
    assert "Exit codes:" in told


def test_no_command_is_documented_that_does_not_exist() -> None:
    told = re.findall(r"^## `(.+)`$", page("cli"), re.MULTILINE)
    assert sorted(told) == sorted(name for name, _ in all_commands())


@pytest.mark.parametrize("name", TOLD)
def test_every_command_that_is_shown_is_taken(name: str) -> None:
    assert unknown_commands(TOLD[name]) == []


@pytest.mark.parametrize("name", TOLD)
def test_every_option_that_is_named_alone_is_one_of_a_command(name: str) -> None:
    known = {o for _, c in all_commands() for p in c.params for o in (*p.opts, *p.secondary_opts)}
    ours = [(ROOT / "tests" / each / "__main__.py").read_text() for each in ("chaos", "hammer")]
    runs = re.findall(r'"(--[a-z-]+)"', "".join(ours))
    assert set(re.findall(r"`(--[a-z-]+)", TOLD[name])) <= {*known, *runs, "--help"}


@pytest.mark.parametrize("name", TOLD)
def test_every_state_and_reason_that_is_named_exists(name: str) -> None:
    assert unknown_words(TOLD[name]) == set()


@pytest.mark.parametrize("name", TOLD)
def test_every_deployment_that_is_run_by_hand_exists_with_its_parameters(name: str) -> None:
    run = r"prefect deployment run (\S+)((?: --param \w+=\S+)*)"
    for deployment, parameters in re.findall(run, TOLD[name]):
        known = {f"{flow_of(each).name}/{each['name']}": flow_of(each) for each in DEPLOYMENTS}
        assert deployment in known
        given = set(re.findall(r"--param (\w+)=", parameters))
        assert given <= set(known[deployment].parameters.properties)


@pytest.mark.parametrize("code", range(4))
def test_every_exit_code_is_documented(code: int) -> None:
    assert all(row(page("cli"), str(code)))


# HTTP


@pytest.fixture
def gateway(untouched_machine: Path) -> FastAPI:
    given = {
        "sandbox": True,
        "infobip_base_url": "http://127.0.0.1:1",
        "infobip_api_key": "key",
        "infobip_webhook_secrets": "secret",
        "api_keys": "key",
        "test_recipient": "+447860099299",
    }
    return create_app(Settings.model_validate(given))


def test_every_route_is_documented_and_no_other(gateway: FastAPI) -> None:
    paths = gateway.openapi()["paths"]
    routes = {f"`{method.upper()} {path}`" for path in paths for method in paths[path]}
    told = section(page("http"), "# HTTP").split("\n## ")[0]
    assert set(re.findall(r"^\| (`[A-Z]+ /[^`]*`)", told, re.MULTILINE)) == routes


def test_every_parameter_of_a_route_is_documented(gateway: FastAPI) -> None:
    for path, methods in gateway.openapi()["paths"].items():
        for method, operation in methods.items():
            told = " ".join(row(page("http"), f"{method.upper()} {path}"))
            for parameter in operation.get("parameters", []):
                assert parameter["name"] in told


def test_the_request_that_is_shown_is_one() -> None:
    shown = example("### Request")
    OnboardingRequest.model_validate(shown)
    assert set(shown) == set(OnboardingRequest.model_fields)
    for field in OnboardingRequest.model_fields:
        assert row(page("http"), field)


def test_the_answer_that_is_shown_is_one() -> None:
    shown = example("### Answer")
    view = OnboardingView.model_validate(shown)
    assert view.model_dump(mode="json") == shown


def message(kind: str, payload: dict[str, Any]) -> OutboxRow:
    """A message of the outbox."""
    about = {"onboarding_id": "1", "client_ref": "acme", "waba_id": "2", "attempt": 1}
    return OutboxRow(sequence=3, type=kind, payload=payload, created_at=T0, **about)


def test_the_event_that_is_shown_is_one() -> None:
    failed = not_true(ConditionType.REGISTERED, Reason.REGISTRATION_FAILED)
    half = onboarding(senders=(live_sender(), sender(BAD, failed)))
    real = body_of(message(LIVE, outcome_data(half, outcome_of(half))))
    shown = example("## Webhook out")
    assert (shown["type"], shown["data"]["outcome"]) == (real["type"], real["data"]["outcome"])
    assert set(shown["data"]) == set(real["data"])
    for part in ("senders", "requirements"):
        for told, ours in zip(shown["data"][part], real["data"][part], strict=True):
            assert set(told) == set(ours)


# What your own system is told


def test_the_grammar_on_the_page_is_the_codes() -> None:
    assert grammar() in page("telling"), f"docs/telling.md is to hold:\n{grammar()}"


@pytest.mark.parametrize("state", MessageState)
def test_every_state_of_a_message_is_documented(state: str) -> None:
    assert all(row(section(page("telling"), "## The outbox"), state))


def test_the_schedule_on_the_page_is_the_codes() -> None:
    times = re.search(r"`at once, (.*?)`", section(page("telling"), "## When it is tried again"))
    assert times
    units = {"s": 1, "min": 60, "h": 3600}
    told = [int(each.split()[0]) * units[each.split()[1]] for each in times[1].split(", ")]
    assert told == [each.total_seconds() for each in SCHEDULE]


# Infobip


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")
def test_every_endpoint_is_documented(endpoint: Endpoint) -> None:
    scopes = ", ".join(f"`{scope}`" for scope in endpoint.scopes)
    call = [f"`{endpoint.method}`", f"`{endpoint.path}`"]
    found = [
        r for r in rows(page("infobip")) if [re.sub(r"\{\w+\}", "{}", c) for c in r[1:3]] == call
    ]
    assert found, f"docs/infobip.md does not have {endpoint.method} {endpoint.path}"
    limit, told_bucket, told_scopes, source = found[0][3:]
    assert (told_bucket, told_scopes) == (f"`{endpoint.bucket}`", scopes)
    assert source
    stated = LIMITS.get(endpoint.bucket)
    told = f"{stated.requests} in {stated.seconds:g} s" if stated else "none published"
    assert told in limit
    for scope in endpoint.scopes:
        assert f"`{scope}`" in section(page("infobip"), "## Scopes of the API key")


# The sandbox


def test_every_route_of_the_sandbox_is_documented() -> None:
    app = FastAPI()
    app.include_router(control.router)
    paths = app.openapi()["paths"]
    for path in paths:
        for method in paths[path]:
            assert row(page("sandbox"), f"{method.upper()} {path}")


@pytest.mark.parametrize(
    ("heading", "model"),
    [("### Fates", Fate), ("### Fates", SenderFate), ("### Failures", Failure)],
)
def test_every_field_of_the_sandbox_is_documented(heading: str, model: Any) -> None:
    told = section(page("sandbox"), heading)
    for field in model.model_fields:
        assert f"`{field}`" in told


def test_every_body_that_is_shown_is_taken_by_the_sandbox() -> None:
    shown = re.findall(r"curl -X \w+ \S+/sandbox/(\S+).*?-d '(.*?)'\n", page("sandbox"), re.DOTALL)
    assert len(shown) >= 4
    for path, body in shown:
        if path == "failures":
            assert [Failure.model_validate(each) for each in json.loads(body)]
        elif path == "hostility":
            Hostility.model_validate_json(body)
        elif path.endswith("/registration-event"):
            assert not registration_facts(body.encode())[0].problem
        else:
            Fate.model_validate_json(body)


@pytest.mark.parametrize("name", TOLD)
def test_every_route_that_is_named_exists(name: str, gateway: FastAPI) -> None:
    assert unknown_routes(TOLD[name], gateway) == set()


# All pages


def links(path: Path) -> list[tuple[str, str]]:
    """Where a page links to: file and anchor, relative ones only."""
    found = re.findall(r"\]\(([^)\s]+)\)", path.read_text())
    parts = [link.partition("#") for link in found if "://" not in link]
    return [(file, anchor) for file, _, anchor in parts]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_between_pages_has_an_end(path: Path) -> None:
    for file, anchor in links(path):
        target = (path.parent / file).resolve() if file else path
        assert target.is_file(), f"{path.name} links to {file}, which is not there"
        assert target.is_relative_to(ROOT)
        assert not anchor or anchor in anchors(target), f"{path.name}: no {file}#{anchor}"


def test_the_readme_links_to_every_page() -> None:
    linked = {Path(file).name for file, _ in links(ROOT / "README.md")}
    assert {path.name for path in PAGES[1:]} <= linked


def test_every_page_that_the_code_names_is_there() -> None:
    for path in files(*(f"{part}/*.py" for part in reference.PARTS), "prefect.yaml"):
        assert missing_pages(path.read_text()) == set(), path


def files(*patterns: str) -> list[Path]:
    """The files of the repository, new ones included."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    command = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_file_names_a_place_on_one_machine() -> None:
    """Whoever clones this has another home."""
    place = re.compile(rb"(?<![\w.~-])/(?:work|root|home)/")
    found = [
        f"{path.relative_to(ROOT)}: {line.decode(errors='replace').strip()}"
        for path in files()
        if b"\0" not in (content := path.read_bytes())
        for line in content.splitlines()
        if place.search(line)
    ]
    assert found == []
