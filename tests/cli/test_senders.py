"""`waboard sender`."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
import respx
from typer.testing import CliRunner, Result

from tests.cli.answers import RUN_URL, addition, onboarding, problem, profile_change
from tests.cli.conftest import API_KEY, Waboard, refused, said
from tests.domain.samples import BAD, GOOD
from waboard import cli
from waboard.domain.additions import CodeBy, SenderRequest
from waboard.domain.ids import parse_phone_number
from waboard.gateway.senders import CodeRequest
from waboard.infobip.senders import BusinessInfoChange

ID = onboarding()["id"]
CODE = "739145"
SENDERS = f"/v1/onboardings/{ID}/senders"
ADD = ("sender", "add", "acme", BAD, "--display-name", "Acme Downtown")
OTP = ("sender", "otp", "acme", BAD)
LIST = ("sender", "list", "acme")
PROFILE = ("sender", "profile", "acme", GOOD)
COMMANDS = [ADD, (*OTP, CODE), LIST, (*PROFILE, "--about", "Fresh bread")]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[1])


def answers(gateway: respx.MockRouter, command: str, answer: Any, status: int = 200) -> respx.Route:
    """Let the gateway know the client, by two attempts, and answer one command."""
    attempts = [onboarding(), onboarding(id="0b0e0000-0000-4000-8000-0000000000ff")]
    gateway.get(path="/v1/onboardings").respond(json=attempts)
    method, path = {
        "add": ("POST", SENDERS),
        "otp": ("POST", f"{SENDERS}/[^/]+/otp"),
        "list": ("GET", f"{SENDERS}/additions"),
        "profile": ("PATCH", f"{SENDERS}/[^/]+/profile"),
    }[command]
    return gateway.route(method=method, path__regex=f"^{path}$").respond(status, json=answer)


def sent(route: respx.Route) -> Any:
    """What the gateway was asked."""
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    return json.loads(request.content)


def number_in_path(route: respx.Route) -> str:
    """Which number the gateway was asked about, however it is written there."""
    raw = route.calls.last.request.url.raw_path.decode()
    return parse_phone_number(unquote(raw.split("/")[-2]))


def typed(entered: str, *arguments: str) -> Result:
    """Type a command, and then what it asks for."""
    return CliRunner().invoke(cli.app, arguments, input=entered)


def test_a_sender_is_added_as_it_was_typed(waboard: Waboard, gateway: respx.MockRouter):
    route = answers(gateway, "add", addition(), 201)
    result = waboard(
        *("sender", "add", "acme", "+1 213-218-6042", "--display-name", "Acme Downtown"),
        *("--code-by", "voice", "--locale", "pt_BR"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert SenderRequest.model_validate(sent(route)) == SenderRequest(
        phone_number=BAD, display_name="Acme Downtown", code_by=CodeBy.VOICE, locale="pt_BR"
    )


def test_a_sender_needs_only_its_number_and_its_name(waboard: Waboard, gateway: respx.MockRouter):
    route = answers(gateway, "add", addition(), 201)
    assert waboard(*ADD).exit_code == 0
    asked = SenderRequest.model_validate(sent(route))
    assert asked == SenderRequest(phone_number=BAD, display_name="Acme Downtown")


@pytest.mark.parametrize(
    "arguments",
    [
        ("acme", BAD),
        ("acme", "--display-name", "Acme Downtown"),
        ("acme", BAD, "--display-name", "Acme Downtown", "--code-by", "fax"),
    ],
)
def test_a_sender_that_is_half_typed_is_not_understood(
    waboard: Waboard, arguments: tuple[str, ...]
):
    """And nobody is asked."""
    assert waboard("sender", "add", *arguments).exit_code == 2


def test_a_sender_that_is_added_is_shown_with_what_happened_last_and_until_when(
    waboard: Waboard, gateway: respx.MockRouter
):
    answers(gateway, "add", addition(), 201)
    shown = waboard(*ADD).stdout
    for part in ("…6042", "code-awaited", "A one-time password is on its way.", "2026-01-08 "):
        assert part in shown


def test_the_gateway_is_asked_about_the_newest_attempt_of_that_client(
    waboard: Waboard, gateway: respx.MockRouter
):
    answers(gateway, "list", [])
    assert waboard(*LIST).exit_code == 0
    assert dict(gateway.calls[0].request.url.params) == {"client_ref": "acme"}


def test_a_password_is_passed_on(waboard: Waboard, gateway: respx.MockRouter):
    route = answers(gateway, "otp", addition(), 202)
    result = waboard(*OTP, CODE)
    assert (result.exit_code, result.stderr) == (0, "")
    assert CodeRequest.model_validate(sent(route)) == CodeRequest(code=CODE)
    assert "waboard sender list" in result.stdout


def test_a_password_that_is_left_out_is_asked_for_and_not_shown(gateway: respx.MockRouter):
    """What is typed with a command is kept in the shell's history."""
    route = answers(gateway, "otp", addition(), 202)
    result = typed(f"{CODE}\n", *OTP)
    assert result.exit_code == 0
    assert CodeRequest.model_validate(sent(route)) == CodeRequest(code=CODE)
    assert "One-time password" in result.output
    assert CODE not in result.output


def test_a_password_is_asked_for_until_something_is_typed(gateway: respx.MockRouter):
    route = answers(gateway, "otp", addition(), 202)
    assert typed(f"\n\n{CODE}\n", *OTP).exit_code == 0
    assert (route.call_count, sent(route)) == (1, {"code": CODE})


def test_who_types_no_password_gives_none(gateway: respx.MockRouter):
    assert typed("", *OTP).exit_code == 1
    assert gateway.calls.call_count == 0


@pytest.mark.parametrize("by", CodeBy)
def test_another_password_is_sent_instead(waboard: Waboard, gateway: respx.MockRouter, by: CodeBy):
    """And none is asked for."""
    route = answers(gateway, "otp", addition(), 202)
    assert waboard(*OTP, "--send-another", by).exit_code == 0
    assert CodeRequest.model_validate(sent(route)) == CodeRequest(send_another=by)


def test_a_password_and_the_wish_for_another_exclude_each_other(waboard: Waboard):
    """And nobody is asked."""
    result = waboard(*OTP, CODE, "--send-another", "sms")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "either the code or --send-another" in said(result)
    assert CODE not in result.output


@pytest.mark.parametrize("way", ["fax", "no", ""])
def test_another_password_is_sent_only_in_ways_that_there_are(waboard: Waboard, way: str):
    assert waboard(*OTP, "--send-another", way).exit_code == 2


@pytest.mark.parametrize("number", ["12132186042", "+12132186042", "+1 213-218-6042"])
def test_a_number_may_be_typed_as_people_write_it(
    waboard: Waboard, gateway: respx.MockRouter, number: str
):
    otp = answers(gateway, "otp", addition(), 202)
    profile = answers(gateway, "profile", profile_change(), 202)
    assert waboard("sender", "otp", "acme", number, CODE).exit_code == 0
    assert waboard("sender", "profile", "acme", number, "--about", "Bread").exit_code == 0
    assert (number_in_path(otp), number_in_path(profile)) == (BAD, BAD)


def test_added_senders_are_listed_a_line_each_with_how_far_they_are(
    waboard: Waboard, gateway: respx.MockRouter
):
    found = [
        addition(),
        addition(phone_number=GOOD, state="asked", detail="Asked for.", give_up_at=None),
        addition(state="refused", detail="Infobip refused it."),
    ]
    answers(gateway, "list", found)
    result = waboard(*LIST)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line for line in result.stdout.splitlines() if "…" in line]
    shown = [("…6042", "2026-01-08 "), ("…8538", "Asked for."), ("…6042", "Infobip refused it.")]
    for line, parts in zip(lines, shown, strict=True):
        for part in parts:
            assert part in line
    assert "2026-" not in lines[1]


def test_a_client_without_added_senders_is_an_empty_table(
    waboard: Waboard, gateway: respx.MockRouter
):
    answers(gateway, "list", [])
    result = waboard(*LIST)
    assert (result.exit_code, result.stderr) == (0, "")


def test_only_what_shall_be_different_of_a_profile_is_sent(
    waboard: Waboard, gateway: respx.MockRouter
):
    route = answers(gateway, "profile", profile_change(), 202)
    assert waboard(*PROFILE, "--about", "Fresh bread", "--email", "").exit_code == 0
    assert sent(route) == {"about": "Fresh bread", "email": ""}


def test_everything_in_a_profile_may_be_different(waboard: Waboard, gateway: respx.MockRouter):
    route = answers(gateway, "profile", profile_change(), 202)
    result = waboard(
        *(*PROFILE, "--about", "Fresh bread", "--address", "1 Mill Lane", "--vertical", "OTHER"),
        *("--description", "Since 1982.", "--email", "hi@acme.test"),
        *("--website", "https://acme.test", "--website", "https://shop.acme.test"),
        *("--logo-url", "https://acme.test/logo.png"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    asked = sent(route)
    assert asked.keys() == {each.alias for each in BusinessInfoChange.model_fields.values()}
    assert asked["websites"] == ["https://acme.test", "https://shop.acme.test"]
    assert (asked["logoUrl"], asked["vertical"]) == ("https://acme.test/logo.png", "OTHER")


def test_a_change_of_a_profile_leads_to_its_run(waboard: Waboard, gateway: respx.MockRouter):
    answers(gateway, "profile", profile_change(), 202)
    first, second = waboard(*PROFILE, "--about", "Fresh bread").stdout.splitlines()
    assert first == "It is being changed."
    assert second == f"In the Prefect UI: {RUN_URL}"


@pytest.mark.parametrize("columns", ["20", "40"])
def test_the_way_to_a_run_is_whole_on_a_line_however_narrow_the_terminal(
    waboard: Waboard, gateway: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, columns: str
):
    monkeypatch.setenv("COLUMNS", columns)
    answers(gateway, "profile", profile_change(), 202)
    last = waboard(*PROFILE, "--about", "Fresh bread").stdout.splitlines()[-1]
    assert last.endswith(RUN_URL)


def test_a_run_that_the_gateway_cannot_lead_to_is_no_harm(
    waboard: Waboard, gateway: respx.MockRouter
):
    answers(gateway, "profile", profile_change(links={}), 202)
    result = waboard(*PROFILE, "--about", "Fresh bread")
    assert (result.exit_code, result.stdout) == (0, "It is being changed.\n")


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_profile_in_which_nothing_shall_be_different_is_not_understood(
    waboard: Waboard, arguments: tuple[str, ...]
):
    """And nobody is asked."""
    result = waboard(*PROFILE, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "say what shall be different" in said(result)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (ADD, addition()),
        ((*OTP, CODE), addition()),
        (LIST, [addition(), addition(phone_number=GOOD)]),
        ((*PROFILE, "--about", "Fresh bread"), profile_change()),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_what_the_gateway_said_as_json_is_complete(
    waboard: Waboard, gateway: respx.MockRouter, command: tuple[str, ...], answer: Any
):
    answers(gateway, command[1], answer)
    result = waboard(*command, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == answer


def test_what_a_program_reads_is_json_even_where_a_password_is_asked_for(
    gateway: respx.MockRouter,
):
    """The question is for a person, and not for the program."""
    answers(gateway, "otp", addition(), 202)
    result = typed(f"{CODE}\n", *OTP, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == addition()


@every_command
def test_numbers_are_masked_on_the_screen(
    waboard: Waboard, gateway: respx.MockRouter, command: tuple[str, ...]
):
    """Also where whoever refused something names them."""
    told = addition(detail=f"{BAD} is taken, as is +1 313-513-8538.")
    answer = {"list": [told], "profile": profile_change()}.get(command[1], told)
    answers(gateway, command[1], answer)
    result = waboard(*command)
    assert result.exit_code == 0
    for number in (BAD, GOOD, "313-513-8538"):
        assert number not in result.output


@pytest.mark.parametrize("text", ["[bold]so[/bold]", "list[0]", "[/oops]", "[link=x]"])
def test_what_happened_last_is_shown_word_for_word(
    waboard: Waboard, gateway: respx.MockRouter, text: str
):
    """Square brackets in it are no instructions to the terminal."""
    answers(gateway, "list", [addition(detail=text)])
    result = waboard(*LIST)
    assert said(result) == ""
    assert text in result.stdout


@every_command
@pytest.mark.parametrize("as_json", [True, False])
def test_a_client_that_nobody_asked_for_is_said(
    waboard: Waboard, gateway: respx.MockRouter, command: tuple[str, ...], as_json: bool
):
    gateway.get(path="/v1/onboardings").respond(json=[])
    unknown = [argument.replace("acme", "[nobody]") for argument in command]
    result = waboard(*unknown, *(["--json"] if as_json else []))
    refused(result, 1, "[nobody]", "waboard status")


@every_command
@pytest.mark.parametrize(("status", "code"), [(404, 1), (409, 2), (422, 2), (503, 1)])
def test_what_the_gateway_refuses_is_said_in_its_own_words(
    waboard: Waboard,
    gateway: respx.MockRouter,
    command: tuple[str, ...],
    status: int,
    code: int,
):
    answers(gateway, command[1], problem(status), status)
    refused(waboard(*command), code, "The field is wrong. Mend it.")
