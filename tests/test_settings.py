"""Settings: what they mean, which cannot be used, and which are not safe."""

import base64
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from waboard.domain.errors import BadInput
from waboard.domain.filing import ForeignFiling
from waboard.domain.waits import WaitKind, WaitPlan
from waboard.meta.versions import CURRENT, ENDS
from waboard.safety import refuse_unsafe
from waboard.sandboxed import sandbox_config, sandbox_environment
from waboard.settings import (
    WORKER_PACE,
    Settings,
    base_dir,
    load_settings,
    reach_prefect,
    setting_name,
)

SAFE = {
    "infobip_base_url": "https://xyz.api.infobip.test",
    "infobip_api_key": "1f04c3d8a95e",
    "test_recipient": "+447860041117",
    "api_keys": "4f1e9a77c0d2",
    "infobip_webhook_secrets": "8d2f61e90b47",
}
"""The least that a start outside the sandbox needs."""
KEY, OLDER_KEY = (base64.urlsafe_b64encode(bytes(range(n, n + 32))).decode() for n in (0, 200))
META = {
    "meta_app_id": "600000000000009",
    "meta_app_secret": "9c1d7e55aa10",
    "meta_config_id": "800000000000009",
    "meta_verify_token": "55aa109c1d7e",
    "token_keys": KEY,
}
"""What clients need, all together, to sign themselves up."""
DOOR = {**SAFE, **META, "public_url": "https://in.provider.example"}
"""The least that a start with Meta's part outside the sandbox needs."""


@pytest.fixture(autouse=True)
def _machine(untouched_machine: Path) -> None:
    """Nothing is set but what the test sets."""


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for field, value in values.items():
        monkeypatch.setenv(setting_name(field), value)


def revealed(secrets: list[SecretStr]) -> list[str]:
    return [secret.get_secret_value() for secret in secrets]


def test_nothing_needs_to_be_set_to_read_the_settings():
    read = load_settings()
    assert read.sandbox is False
    assert read.infobip_webhook_auth == "hmac"
    assert (read.infobip_hmac_header, read.infobip_hmac_algorithm) == ("X-Hub-Signature", "SHA256")
    assert (read.gateway_host, read.gateway_port) == ("127.0.0.1", 8420)
    assert read.gateway_url == "http://127.0.0.1:8420"
    assert read.prefect_api_url == "http://127.0.0.1:4200/api"
    assert read.template == ("waboard_verification", "en")
    assert (read.api_keys, read.infobip_webhook_secrets) == ([], [])
    assert read.has_meta is False
    assert (read.meta_graph_version, read.weekly_cap) == (CURRENT, 10)
    assert str(read.meta_graph_url) == "https://graph.facebook.com/"
    assert (read.meta_extras, read.token_keys) == ({}, [])
    assert read.signup_url == "http://127.0.0.1:8420"


def test_the_ledger_is_sqlite_in_the_data_directory_unless_a_url_is_set(tmp_path: Path):
    assert settings().ledger_url == f"sqlite:///{tmp_path}/.waboard/ledger.db"
    assert settings(data_dir="/data").ledger_url == "sqlite:////data/ledger.db"
    url = "postgresql://waboard:pw@db/waboard"
    assert settings(database_url=url).ledger_url == url


def test_waits_last_as_long_as_the_field_needs():
    assert settings().plan(WaitKind.REGISTRATION) == WaitPlan(
        timedelta(minutes=15), timedelta(days=14)
    )
    assert settings().plan(WaitKind.DELIVERY) == WaitPlan(timedelta(minutes=5), timedelta(hours=48))
    assert settings().plan(WaitKind.SOLUTION) == WaitPlan(timedelta(hours=1), timedelta(days=90))


def test_a_place_in_the_queue_is_not_looked_for_in_between():
    """When it frees is worked out, and that is when its run wakes."""
    assert settings().plan(WaitKind.SLOT) == WaitPlan(timedelta(days=365), timedelta(days=365))
    short = settings(slot_give_up="60").plan(WaitKind.SLOT)
    assert short == WaitPlan(timedelta(seconds=60), timedelta(seconds=60))
    assert "slot_nudge" not in Settings.model_fields


@pytest.mark.parametrize("kind", WaitKind)
def test_each_wait_has_settings_of_its_own(kind: WaitKind):
    has_nudge = f"{kind}_nudge" in Settings.model_fields
    given = {f"{kind}_give_up": "3", **({f"{kind}_nudge": "2"} if has_nudge else {})}
    plans = {k: settings(**given).plan(k) for k in WaitKind}
    short = WaitPlan(timedelta(seconds=2 if has_nudge else 3), timedelta(seconds=3))
    assert [k for k, plan in plans.items() if plan == short] == [kind]


def test_a_one_time_password_is_awaited_for_three_days_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
):
    assert load_settings().code_give_up == timedelta(days=3)
    environment(monkeypatch, code_give_up="PT2H")
    assert load_settings().code_give_up == timedelta(hours=2)


@pytest.mark.parametrize("policy", ForeignFiling)
def test_a_sender_that_is_filed_elsewhere_is_moved_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch, policy: ForeignFiling
):
    assert load_settings().foreign_filing is ForeignFiling.MOVE
    environment(monkeypatch, foreign_filing=policy.value)
    assert load_settings().foreign_filing is policy


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("", []),
        (" , ,", []),
        ("one", ["one"]),
        ("one,two", ["one", "two"]),
        (" one , two ,", ["one", "two"]),
        ("a=b:c;d e", ["a=b:c;d e"]),
    ],
)
@pytest.mark.parametrize("field", ["api_keys", "infobip_webhook_secrets", "token_keys"])
def test_lists_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, field: str, value: str, meant: list[str]
):
    environment(monkeypatch, **{field: value})
    assert revealed(getattr(load_settings(), field)) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("90", timedelta(seconds=90)),
        ("0.5", timedelta(seconds=0.5)),
        ("PT90S", timedelta(seconds=90)),
        ("PT15M", timedelta(minutes=15)),
        ("P14D", timedelta(days=14)),
        ("P1DT12H", timedelta(hours=36)),
    ],
)
def test_durations_are_seconds_or_iso_8601(
    monkeypatch: pytest.MonkeyPatch, value: str, meant: timedelta
):
    environment(monkeypatch, registration_nudge=value)
    assert load_settings().registration_nudge == meant


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("delivery_nudge", v) for v in ("", "0", "-5", "PT0S", "-PT5M", "soon", "P1X", "5 min")],
        ("registration_give_up", "99999999999999999999"),
        ("registration_give_up", "9" * 400),
        *[("gateway_port", value) for value in ("", "many", "8420.5", "-1", "0", "65536")],
        *[("prefect_port", value) for value in ("many", "65536")],
        *[("sandbox_port", value) for value in ("many", "65536")],
        *[("concurrency", value) for value in ("0", "51", "few")],
        *[("infobip_base_url", value) for value in ("", "xyz.api.infobip.com", "ftp://x", "//")],
        *[("provider_webhook_url", value) for value in ("", "nowhere")],
        *[("infobip_webhook_auth", value) for value in ("", "HMAC", "oauth")],
        *[("infobip_hmac_algorithm", value) for value in ("", "sha256", "HMAC_SHA_256", "CRC32")],
        *[("infobip_waba_id_as", value) for value in ("", "integer")],
        *[("infobip_application_id", value) for value in ("", "a/b", "a b", "a" * 256)],
        *[("test_recipient", value) for value in ("", "nobody", "07860 041117", "+44")],
        *[("verification_template", value) for value in ("", "name", "name:", ":en", "Name:en")],
        *[("meta_app_id", value) for value in ("", "acme", "-5", "5.0", "1" * 21)],
        *[("meta_config_id", value) for value in ("", "x")],
        *[("meta_solution_id", value) for value in ("", "x")],
        *[("meta_portfolio_id", value) for value in ("", "x")],
        *[("meta_partner_app_id", value) for value in ("", "infobip")],
        *[("meta_graph_url", value) for value in ("", "graph.facebook.com")],
        *[("meta_graph_version", v) for v in ("", "26.0", "v26", "v26.00", "V26.0", "v1234.0")],
        *[("meta_extras", value) for value in ("{", "setup", "[1]", "5", "null", '"{}"')],
        *[("weekly_cap", value) for value in ("", "0", "-1", "100001", "ten", "2.5")],
        *[("public_url", value) for value in ("", "in.provider.example", "ftp://x")],
        *[("signup_link_lasts", value) for value in ("", "0", "a week")],
        *[("signup_grace", value) for value in ("", "0", "soon")],
        *[("slot_give_up", value) for value in ("", "0", "never")],
        *[("solution_nudge", value) for value in ("", "0", "often")],
        *[("code_give_up", value) for value in ("", "0", "-5", "never")],
        *[("foreign_filing", value) for value in ("", "MOVE", "keep", "move,adopt")],
        ("sandbox", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, field: str, value: str
):
    environment(monkeypatch, **{field: value})
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert caught.value.field == f"WABOARD_{field.upper()}"
    assert str(caught.value).startswith(f"WABOARD_{field.upper()}: ")
    assert "docs/settings.md" in caught.value.remedy


@pytest.mark.parametrize("value", ["1", "200", "100000"])
def test_a_weekly_cap_is_at_least_one(monkeypatch: pytest.MonkeyPatch, value: str):
    environment(monkeypatch, weekly_cap=value)
    assert load_settings().weekly_cap == int(value)


@pytest.mark.parametrize("value", [*ENDS, "v9.0", "v100.3"])
def test_a_version_of_the_graph_api_is_written_as_meta_does(
    monkeypatch: pytest.MonkeyPatch, value: str
):
    """Also one that is in no table yet: the checklist warns, and nothing is refused."""
    environment(monkeypatch, meta_graph_version=value)
    assert load_settings().meta_graph_version == value


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("", {}),
        ("{}", {}),
        ('{"version": "v4"}', {"version": "v4"}),
        (' {"setup": {"solutionID": null}} ', {"setup": {"solutionID": None}}),
        ('{"features": [{"name": "a"}], "b": 1}', {"features": [{"name": "a"}], "b": 1}),
    ],
)
def test_extras_are_a_json_object(
    monkeypatch: pytest.MonkeyPatch, value: str, meant: dict[str, Any]
):
    """Commas in it separate no list."""
    environment(monkeypatch, meta_extras=value)
    assert load_settings().meta_extras == meant


@pytest.mark.parametrize("value", ["{", '{"setup": }', "{'setup': 1}"])
def test_extras_that_are_no_json_are_called_so(monkeypatch: pytest.MonkeyPatch, value: str):
    environment(monkeypatch, meta_extras=value)
    with pytest.raises(BadInput, match="this is no JSON object"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8420"),
        ({"gateway_port": "9001"}, "http://127.0.0.1:9001"),
        ({"public_url": "https://in.provider.example"}, "https://in.provider.example"),
        ({"public_url": "https://in.provider.example/"}, "https://in.provider.example"),
        ({"public_url": "https://provider.example/wa/"}, "https://provider.example/wa"),
    ],
)
def test_clients_reach_the_gateway_at_the_public_address(given: dict[str, str], url: str):
    """Else at its own; never with a slash at the end, for paths are put behind it."""
    assert settings(**given).signup_url == url
    assert settings(**given).setup.public_url == url


def test_the_checklist_is_about_what_is_set():
    ids = {"meta_solution_id": "9", "meta_portfolio_id": "7", "meta_partner_app_id": "5"}
    setup = settings(**DOOR, **ids, meta_system_token="3f3f3f3f3f3f").setup
    assert (setup.application_id, setup.public_url) == ("waboard", "https://in.provider.example")
    assert (setup.config_id, setup.graph_version) == (META["meta_config_id"], CURRENT)
    assert (setup.solution_id, setup.portfolio_id, setup.partner_app_id) == ("9", "7", "5")
    assert setup.system_token is not None
    assert setup.system_token.get_secret_value() == "3f3f3f3f3f3f"
    assert settings().setup.system_token is None


def test_a_value_that_cannot_be_used_is_not_repeated(monkeypatch: pytest.MonkeyPatch):
    """It may be a secret in the wrong place."""
    environment(monkeypatch, test_recipient="s3cret-4711", gateway_port="s3cret-4712")
    environment(monkeypatch, meta_extras="s3cret-4713", meta_app_id="s3cret-4714")
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_value_that_cannot_be_used_is_in_no_error_of_pydantics_either():
    with pytest.raises(ValidationError) as caught:
        settings(test_recipient="s3cret-4711", gateway_port="s3cret-4712")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("written", ["+44 7860 041117", "447860041117", "+44-7860-041117"])
def test_the_test_recipient_may_be_written_as_people_do(
    monkeypatch: pytest.MonkeyPatch, written: str
):
    environment(monkeypatch, test_recipient=written)
    assert load_settings().recipient == "447860041117"


def test_a_test_recipient_that_is_not_set_is_named_where_it_is_needed():
    with pytest.raises(BadInput, match="WABOARD_TEST_RECIPIENT: is not set"):
        _ = settings().recipient


def test_settings_come_from_the_environment_before_a_file(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("WABOARD_GATEWAY_PORT=9001\nWABOARD_PREFECT_PORT=9002\nOTHER=x\n")
    environment(monkeypatch, gateway_port="9003")
    read = load_settings()
    assert (read.gateway_port, read.prefect_port) == (9003, 9002)


@pytest.fixture
def ended() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by_up(pid: object) -> None:
    Path("data").mkdir()
    Path("data/running.env").write_text(f"UP_PID={pid}\nWABOARD_GATEWAY_PORT=9001\n")
    Path(".env").write_text("WABOARD_DATA_DIR=data\nWABOARD_GATEWAY_PORT=9002\n")


def test_what_runs_is_read_only_by_whoever_asks_for_it():
    left_by_up(os.getpid())
    assert load_settings().gateway_port == 9002
    assert load_settings(of_what_runs=True).gateway_port == 9001


def test_what_was_left_by_one_that_was_killed_is_not_read(ended: int):
    left_by_up(ended)
    assert load_settings(of_what_runs=True).gateway_port == 9002


@pytest.mark.parametrize("pid", ["", "many", "0x1"])
def test_what_tells_of_nobody_is_not_read(pid: str):
    left_by_up(pid)
    assert load_settings(of_what_runs=True).gateway_port == 9002


def test_the_data_directory_is_the_same_for_all_wherever_it_is_set(
    monkeypatch: pytest.MonkeyPatch,
):
    assert base_dir() == load_settings().data_dir == Path(".waboard")
    Path(".env").write_text("WABOARD_DATA_DIR=filed\n")
    assert base_dir() == load_settings().data_dir == Path("filed")
    monkeypatch.setenv("WABOARD_DATA_DIR", "told")
    assert base_dir() == load_settings().data_dir == Path("told")


@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_misspelt_setting_is_named_with_the_one_that_may_be_meant(
    monkeypatch: pytest.MonkeyPatch, where: str
):
    """It would be lost without a word."""
    if where == "file":
        Path(".env").write_text("WABOARD_API_KEY=4f1e9a77c0d2\n")
    else:
        monkeypatch.setenv("WABOARD_API_KEY", "4f1e9a77c0d2")
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert caught.value.field == "WABOARD_API_KEY"
    assert "WABOARD_API_KEYS" in caught.value.remedy
    assert "4f1e9a77c0d2" not in str(caught.value)


@pytest.fixture
def no_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of Prefect in the environment, also after the test."""
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", *WORKER_PACE):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("no_prefect")
def test_a_prefect_that_up_started_is_reached_with_its_auth_string():
    Path(".waboard").mkdir()
    Path(".waboard/prefect-auth").write_text("waboard:made-by-up")
    reach_prefect(settings(prefect_port=4299))
    assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:4299/api"
    assert os.environ["PREFECT_API_AUTH_STRING"] == "waboard:made-by-up"


@pytest.mark.usefixtures("no_prefect")
def test_a_worker_that_is_started_by_itself_is_as_quick_as_with_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT_WORKER_HEARTBEAT_SECONDS", "5")
    reach_prefect(settings())
    assert os.environ["PREFECT_WORKER_QUERY_SECONDS"] == "0.25"
    assert os.environ["PREFECT_WORKER_HEARTBEAT_SECONDS"] == "5"


@pytest.mark.usefixtures("no_prefect")
def test_a_prefect_that_is_set_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch):
    given = {"PREFECT_API_URL": "https://prefect.test/api", "PREFECT_API_AUTH_STRING": "a:b"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    Path(".waboard").mkdir()
    Path(".waboard/prefect-auth").write_text("waboard:made-by-up")
    reach_prefect(settings())
    assert {name: os.environ[name] for name in given} == given


def test_an_address_of_the_newer_kind_is_written_as_urls_have_it():
    assert settings(gateway_host="::1").gateway_url == "http://[::1]:8420"


def test_the_least_that_is_safe_is_enough():
    refuse_unsafe(settings(**SAFE))


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("field", SAFE)
def test_what_is_needed_and_not_set_is_named(field: str, value: str | None, sandbox: bool):
    given = {name: v for name, v in SAFE.items() if name != field}
    if value is not None and field in {"infobip_api_key", "api_keys", "infobip_webhook_secrets"}:
        given[field] = value
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given, sandbox=sandbox))
    assert caught.value.field == setting_name(field)
    assert "is not set" in caught.value.message
    assert "waboard up --sandbox" in caught.value.remedy


@pytest.mark.parametrize("sandbox", [True, False])
def test_metas_part_is_safe_when_it_is_complete(sandbox: bool):
    read = settings(**DOOR, sandbox=sandbox)
    refuse_unsafe(read)
    assert read.has_meta


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("field", META)
def test_what_is_missing_of_metas_part_is_named(field: str, value: str | None, sandbox: bool):
    """In the sandbox, too: half a door opens nowhere."""
    given = {name: v for name, v in DOOR.items() if name != field}
    if value is not None and field in {"meta_app_secret", "meta_verify_token", "token_keys"}:
        given[field] = value
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given, sandbox=sandbox))
    assert caught.value.field == setting_name(field)
    assert "is not set" in caught.value.message


@pytest.mark.parametrize("field", META)
def test_one_part_of_metas_alone_asks_for_the_others(field: str):
    """It was set to be used."""
    with pytest.raises(BadInput, match="is not set") as caught:
        refuse_unsafe(settings(**SAFE, **{field: META[field]}))
    first = next(name for name in META if name != field)
    assert caught.value.field == setting_name(first)


def test_a_partner_solution_needs_the_token_of_a_system_user():
    given = {**DOOR, "meta_solution_id": "900000000000009"}
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given))
    assert caught.value.field == "WABOARD_META_SYSTEM_TOKEN"
    refuse_unsafe(settings(**given, meta_system_token="3f3f3f3f3f3f"))


def test_a_partner_solution_alone_needs_it_as_well():
    """As docs/settings.md has it; else nobody looks whether it lets clients in."""
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**SAFE, meta_solution_id="900000000000009"))
    assert caught.value.field == "WABOARD_META_SYSTEM_TOKEN"


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize(
    "keys", ["s3cret-4711", "c2hvcnQ=", f"{META['token_keys']},s3cret-4711", "schlüssel"]
)
def test_a_token_key_that_seals_nothing_is_refused(keys: str, sandbox: bool):
    """Else it is found out when the first client's token is to be kept. It is not repeated."""
    with pytest.raises(BadInput, match="this is no key") as caught:
        refuse_unsafe(settings(**{**DOOR, "token_keys": keys}, sandbox=sandbox))
    assert caught.value.field == "WABOARD_TOKEN_KEYS"
    assert "generate_key" in caught.value.remedy
    assert not any(key in str(caught.value) for key in keys.split(","))


def test_a_token_key_may_have_older_ones_behind_it():
    refuse_unsafe(settings(**{**DOOR, "token_keys": f"{KEY},{OLDER_KEY}"}))


@pytest.mark.parametrize("start", [b"<", b"<\x00", b"\x01..."])
def test_random_bytes_are_no_placeholder_whatever_they_begin_with(start: bytes):
    """Of a hundred providers who make a key as they are told to, none is turned away."""
    key = start + bytes(range(100, 132 - len(start)))
    refuse_unsafe(settings(**{**DOOR, "token_keys": base64.urlsafe_b64encode(key).decode()}))
    signer = f"whsec_{base64.b64encode(key).decode()}"
    refuse_unsafe(settings(**SAFE, provider_webhook_secrets=signer))


@pytest.mark.parametrize("url", ["http://in.provider.example", None])
def test_clients_sign_up_on_https_only(url: str | None):
    """Meta opens its window from no other page; on this machine the sandbox does."""
    given = {name: value for name, value in DOOR.items() if name != "public_url"}
    given |= {"public_url": url} if url else {}
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given))
    assert caught.value.field == "WABOARD_PUBLIC_URL"
    refuse_unsafe(settings(**given, sandbox=True))


def test_without_metas_part_the_gateway_may_be_reached_as_it_is():
    refuse_unsafe(settings(**SAFE, public_url="http://10.0.0.5:8420"))


def test_a_provider_webhook_needs_a_secret_to_sign_with():
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**SAFE, provider_webhook_url="https://crm.test/hook"))
    assert caught.value.field == "WABOARD_PROVIDER_WEBHOOK_SECRETS"


PLACEHOLDERS = [
    *("sandbox-infobip-key", "changeme", "change-me", "CHANGE_ME_NOW", "replace-this"),
    *("your-api-key", "YOUR_KEY_HERE", "example-key-1", "dummy-value", "secret123", "SECRET-KEY"),
    *("password", "Password1", "test-key-1", "todo-set-this", "TODO_LATER", "xxxxxxxx"),
    *("<api-key>", "my-placeholder-key", "abc...defgh", "4f1e9a7", "1"),
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
@pytest.mark.parametrize(
    "field", ["infobip_api_key", "provider_webhook_secrets", "api_keys", "infobip_webhook_secrets"]
)
def test_a_placeholder_is_refused_outside_the_sandbox_only(field: str, value: str):
    given = {**SAFE, field: value}
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given))
    assert caught.value.field == setting_name(field)
    assert value not in str(caught.value)
    refuse_unsafe(settings(**given, sandbox=True))


@pytest.mark.parametrize("value", PLACEHOLDERS)
@pytest.mark.parametrize("field", ["meta_app_secret", "meta_verify_token", "meta_system_token"])
def test_a_placeholder_for_a_secret_of_metas_is_refused_as_well(field: str, value: str):
    given = {**DOOR, field: value}
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given))
    assert caught.value.field == setting_name(field)
    assert value not in str(caught.value)
    refuse_unsafe(settings(**given, sandbox=True))


@pytest.mark.parametrize("field", ["api_keys", "infobip_webhook_secrets"])
def test_one_placeholder_among_real_secrets_is_refused(field: str):
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**{**SAFE, field: "8d2f61e90b47,changeme1"}))
    assert caught.value.field == setting_name(field)


@pytest.mark.parametrize(
    "value",
    [
        "MIGfMA0GCSqGSIb3",
        "attestation77",
        "App 1f04c3d8",
        "12345678",
        "my-secret-sauce",
        "a=b:c;d,",
    ],
)
def test_what_only_resembles_a_placeholder_is_taken(value: str):
    refuse_unsafe(settings(**{**SAFE, "infobip_api_key": value}))


@pytest.mark.parametrize("value", ["whsec_changeme", "whsec_", "whsec_not base64!", "crm-4f1e9a77"])
def test_a_signing_secret_that_signs_nothing_is_refused(value: str):
    """Else it is found out when the first outcome is to be told."""
    given = {**SAFE, "provider_webhook_url": "https://crm.test/hook"}
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given, provider_webhook_secrets=value))
    assert caught.value.field == "WABOARD_PROVIDER_WEBHOOK_SECRETS"


SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize("secrets", [SIGNING, f"whsec_{'k9Qm' * 8},{SIGNING}"])
def test_real_signing_secrets_are_taken(secrets: str):
    given = {"provider_webhook_url": "https://crm.test/hook", "provider_webhook_secrets": secrets}
    refuse_unsafe(settings(**SAFE, **given))


def test_one_weak_signing_secret_among_real_ones_is_refused():
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**SAFE, provider_webhook_secrets=f"{SIGNING},whsec_changeme"))
    assert caught.value.field == "WABOARD_PROVIDER_WEBHOOK_SECRETS"


def test_basic_without_user_and_password_is_refused():
    """No caller could ever send it."""
    given = {**SAFE, "infobip_webhook_auth": "basic"}
    refuse_unsafe(settings(**{**given, "infobip_webhook_secrets": "infobip:8d2f61e90b47"}))
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given))
    assert caught.value.field == "WABOARD_INFOBIP_WEBHOOK_SECRETS"


@pytest.mark.parametrize("secrets", ["", "8d2f61e90b47"])
def test_webhooks_without_authentication_are_for_the_sandbox_only(secrets: str):
    given = {**SAFE, "infobip_webhook_auth": "none", "infobip_webhook_secrets": secrets}
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**given))
    assert caught.value.field == "WABOARD_INFOBIP_WEBHOOK_AUTH"
    assert "hmac, basic or header" in caught.value.remedy
    refuse_unsafe(settings(**given, sandbox=True))


def sandboxed(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in sandbox_environment(settings(), Path.cwd() / "sandbox").items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_the_sandbox_sets_all_that_a_start_needs(monkeypatch: pytest.MonkeyPatch):
    read = sandboxed(monkeypatch)
    refuse_unsafe(read)
    assert read.sandbox is True
    assert str(read.infobip_base_url) == "http://127.0.0.1:8430/"
    assert read.ledger_url == f"sqlite:///{Path.cwd()}/sandbox/ledger.db"
    assert read.has_meta
    assert str(read.meta_graph_url) == "http://127.0.0.1:8430/graph"
    assert str(read.meta_sdk_url) == "http://127.0.0.1:8430/facebook/sdk.js"
    assert str(read.meta_signup_origin) == "http://127.0.0.1:8430/"
    assert read.signup_url == "http://127.0.0.1:8420"


def test_some_of_the_sandbox_may_be_set_otherwise_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
):
    """How long it waits and whom it lets in, for whoever plays with that."""
    environment(monkeypatch, weekly_cap="2", signup_grace="5", solution_nudge="7")
    read = sandboxed(monkeypatch)
    assert (read.weekly_cap, read.signup_grace) == (2, timedelta(seconds=5))
    assert read.plan(WaitKind.SOLUTION).nudge == timedelta(seconds=7)
    refuse_unsafe(read)


def test_the_sandbox_sets_nothing_that_does_not_exist():
    names = {setting_name(field) for field in Settings.model_fields}
    assert set(sandbox_environment(settings(), Path("/x"))) <= names


REAL = {
    "infobip_base_url": "https://xyz.api.infobip.com",
    "infobip_api_key": "1f04c3d8a95e",
    "infobip_webhook_auth": "basic",
    "infobip_webhook_secrets": "infobip:8d2f61e90b47",
    "database_url": "postgresql://waboard:pw@db/waboard",
    "api_keys": "4f1e9a77c0d2",
    "test_recipient": "+447860041117",
    "operator_webhook_url": "https://hooks.slack.com/services/1",
    "operator_block": "slack-webhook/real",
    "provider_webhook_url": "https://crm.example.com/hook",
    "provider_webhook_secrets": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "verification_template": "our_own:de",
    "gateway_host": "10.0.0.5",
    "data_dir": "/var/lib/waboard",
    "meta_app_id": "600000000000009",
    "meta_app_secret": "9c1d7e55aa10",
    "meta_config_id": "800000000000009",
    "meta_verify_token": "55aa109c1d7e",
    "meta_system_token": "3f3f3f3f3f3f",
    "meta_solution_id": "900000000000009",
    "meta_portfolio_id": "700000000000009",
    "meta_partner_app_id": "1370401139746739",
    "meta_graph_url": "https://graph.example.com",
    "meta_sdk_url": "https://connect.example.com/sdk.js",
    "meta_signup_origin": "https://business.example.com",
    "token_keys": KEY,
    "public_url": "https://in.provider.example",
}
"""What is set for real in the folder where somebody tries the sandbox."""


@pytest.mark.parametrize("field", REAL)
def test_nothing_real_reaches_the_sandbox(monkeypatch: pytest.MonkeyPatch, field: str):
    """What points outside, or what its simulated Infobip does not know."""
    Path(".env").write_text(f"{setting_name(field)}={REAL[field]}\n")
    real = getattr(load_settings(), field)
    assert real != getattr(settings(), field)
    assert getattr(sandboxed(monkeypatch), field) != real


def test_the_sandbox_keeps_to_the_ports_that_are_set(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text(
        "WABOARD_GATEWAY_PORT=9001\nWABOARD_PREFECT_PORT=9002\nWABOARD_SANDBOX_PORT=9003\n"
    )
    for name, value in sandbox_environment(load_settings(), Path("/x")).items():
        monkeypatch.setenv(name, value)
    read = load_settings()
    assert (read.gateway_port, read.prefect_port, read.sandbox_port) == (9001, 9002, 9003)
    assert str(read.infobip_base_url) == "http://127.0.0.1:9003/"


def test_the_sandbox_and_the_gateway_agree(monkeypatch: pytest.MonkeyPatch):
    read = sandboxed(monkeypatch)
    config = sandbox_config(read)
    assert config.api_key == read.infobip_api_key
    assert config.registration_url == "http://127.0.0.1:8420/hooks/infobip/registration"
    assert config.delivery_url == "http://127.0.0.1:8420/hooks/infobip/delivery"
    assert config.webhook_auth == "hmac"
    assert config.webhook_secret == read.infobip_webhook_secrets[0]
    assert config.hmac_header == read.infobip_hmac_header


def test_the_sandboxs_meta_and_the_gateway_agree(monkeypatch: pytest.MonkeyPatch):
    read = sandboxed(monkeypatch)
    config = sandbox_config(read)
    assert (config.meta_app_id, config.meta_app_secret) == (read.meta_app_id, read.meta_app_secret)
    assert config.meta_system_token == read.meta_system_token
    assert config.meta_solution_id == read.meta_solution_id
    assert config.meta_portfolio_id == read.meta_portfolio_id
    assert config.meta_webhook_url == "http://127.0.0.1:8420/hooks/meta"


def test_a_sandbox_on_its_own_signs_nothing():
    config = sandbox_config(settings())
    assert (config.webhook_auth, config.webhook_secret.get_secret_value()) == ("none", "")
    assert config.meta_webhook_url is None


@pytest.mark.parametrize(
    "field",
    [
        *("infobip_api_key", "api_keys", "infobip_webhook_secrets"),
        *("meta_app_secret", "meta_verify_token", "meta_system_token"),
        "token_keys",
    ],
)
def test_the_sandboxs_own_secrets_are_refused_outside_it(
    monkeypatch: pytest.MonkeyPatch, field: str
):
    theirs = sandbox_environment(settings(), Path("/x"))[setting_name(field)]
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**{**DOOR, field: theirs}))
    assert caught.value.field == setting_name(field)


def test_the_sandboxs_own_signing_secret_is_refused_outside_it():
    """Everybody who has read this code knows it."""
    theirs = sandbox_environment(settings(), Path("/x"))["WABOARD_PROVIDER_WEBHOOK_SECRETS"]
    with pytest.raises(BadInput) as caught:
        refuse_unsafe(settings(**SAFE, provider_webhook_secrets=theirs))
    assert caught.value.field == "WABOARD_PROVIDER_WEBHOOK_SECRETS"


def test_no_secret_is_shown():
    secret = {
        "infobip_api_key": "key-1f04c3d8",
        "api_keys": "key-4f1e9a,key-77c0d2",
        "infobip_webhook_secrets": "key-8d2f61",
        "provider_webhook_secrets": "key-e90b47",
        "operator_webhook_url": "https://hooks.test/key-services",
        "database_url": "postgresql://waboard:key-pw@db/waboard",
        "meta_app_secret": "key-9c1d7e",
        "meta_verify_token": "key-55aa10",
        "meta_system_token": "key-3f3f3f",
        "token_keys": "key-5a5a5a,key-6b6b6b",
    }
    read = settings(**secret, test_recipient="+447860041117")
    for shown in (repr(read), str(read), read.model_dump_json(), repr(read.model_dump())):
        assert "key-" not in shown
        assert "7860041117" not in shown


def test_every_setting_has_the_prefix():
    assert setting_name("gateway_port") == "WABOARD_GATEWAY_PORT"
    assert all(re.fullmatch(r"WABOARD_[A-Z_]+", setting_name(f)) for f in Settings.model_fields)
