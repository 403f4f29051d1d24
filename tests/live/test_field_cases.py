"""Inputs from the field, on the running product: each has cost somebody a client.

Each is one of a kind; the kinds are held by the tests of the readers and of the owners.
"""

import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.live.board import Board, sender, until

OWN_PORTFOLIO = "700000000000001"
CLIENT_PORTFOLIO = "2329417887457253"


def ago(seconds: float) -> str:
    """A time as Infobip writes it."""
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def meta_says(
    board: Board, entry_id: str, value: dict[str, Any], *, of: str = "account_update", at: int = 0
) -> None:
    """Meta posts a webhook, signed, with a time so many seconds from now."""
    change = {"field": of, "value": value}
    entry = {"id": entry_id, "changes": [change], "time": int(time.time()) + at}
    raw = json.dumps({"object": "whatsapp_business_account", "entry": [entry]})
    board.sandbox.post("/sandbox/meta/webhook", content=raw).raise_for_status()


def infobip_says(board: Board, waba_id: int, **event: Any) -> None:
    """Infobip posts a registration event."""
    raw = json.dumps({"businessAccountId": waba_id, "lastModifiedAt": ago(0), **event})
    path = f"/sandbox/wabas/{waba_id}/registration-event"
    board.sandbox.post(path, content=raw).raise_for_status()


def reports(board: Board, body: dict[str, Any]) -> None:
    """Infobip posts delivery reports, signed with the secret of the sandboxed gateway."""
    raw = json.dumps(body).encode()
    signature = hmac.new(b"sandbox-webhook-secret", raw, "sha256").hexdigest()
    headers = {"X-Hub-Signature": f"SHA256={signature}"}
    answer = board.gateway.post("/hooks/infobip/delivery", content=raw, headers=headers)
    assert answer.raise_for_status().json() == {"kept": 1, "duplicates": 0}


def condition(shown: dict[str, Any], kind: str) -> tuple[str, str] | None:
    """A condition's status and reason."""
    found = [(c["status"], c["reason"]) for c in shown["conditions"] if c["type"] == kind]
    return found[0] if found else None


def comes_to(board: Board, client_ref: str, kind: str, *what: str) -> None:
    """Wait for a condition of an onboarding."""
    until(lambda: condition(board.show(client_ref), kind) == what, f"{kind} to be {what}")


def test_a_number_that_moved_to_another_client_stays_there(board: Board) -> None:
    """Two of our clients have it; reconciliations change nothing."""
    for client, waba_id, number_id in (("left-a", 7401, "981"), ("left-b", 7402, "982")):
        number = {"phone_number_id": number_id, "display_phone_number": "+1 202-456-0981"}
        board.decide(waba_id, senders=[number])
        board.start(client, waba_id)
        assert board.ended(client)["stage"] == "Live"
    until(lambda: board.show("left-a")["stage"] == "SendersLost", "left-a to say that it lost it")
    (lost,) = board.show("left-a")["senders"]
    assert condition(lost, "Owned") == ("False", "NumberMoved")
    for _ in range(2):
        run = board.gateway.post("/v1/reconcile", json={}).raise_for_status().json()
        path = f"/flow_runs/{run['links']['flow_run'].rpartition('/')[2]}"
        until(lambda p=path: board.prefect.get(p).json()["state_type"] == "COMPLETED", "its end")
        assert [each["entityId"] for each in board.filed("left-b")] == ["left-b"]
        assert board.filed("left-a") == []
    assert board.show("left-b")["stage"] == "Live"


def test_what_meta_says_counts_by_its_own_clock_wherever_it_stands(board: Board) -> None:
    """Late but in order; the WABA as the entry; null and blank members; what calls alone meets."""
    for index, client in enumerate(("in-order", "disconnects", "nulls", "calls")):
        board.decide(5301 + index, senders=[sender(5301 + index)])
        board.start(client, 5301 + index)
    for client in ("in-order", "disconnects", "nulls", "calls"):
        assert board.ended(client)["stage"] == "Live"
    info = {"waba_id": "5301", "owner_business_id": CLIENT_PORTFOLIO}
    added = {"event": "PARTNER_ADDED", "waba_info": info}
    meta_says(board, OWN_PORTFOLIO, added, at=-600)
    comes_to(board, "in-order", "Connected", "True", "PartnerAdded")
    meta_says(board, OWN_PORTFOLIO, added | {"event": "PARTNER_REMOVED"}, at=-300)
    comes_to(board, "in-order", "Connected", "False", "ClientDisconnected")

    inactive = {"reason": "PRIMARY_INACTIVITY", "initiated_by": "SYSTEM"}
    gone = {"phone_number": "12025550101", "event": "PARTNER_REMOVED"}
    meta_says(board, "5302", gone | {"disconnection_info": inactive})
    comes_to(board, "disconnects", "Connected", "False", "ClientDisconnected")

    empty = {"waba_id": "5303", "owner_business_id": None, "solution_id": ""}
    nulls = {"event": "PARTNER_REMOVED", "waba_info": empty, "disconnection_info": None}
    meta_says(board, OWN_PORTFOLIO, nulls)
    comes_to(board, "nulls", "Connected", "False", "ClientDisconnected")

    kind = {"restriction_type": "RESTRICTED_USER_INITIATED_CALLING", "expiration": 4102444800}
    restricted = {"event": "ACCOUNT_RESTRICTION", "restriction_info": [kind]}
    meta_says(board, "5304", restricted, at=1)
    until(lambda: board.show("calls")["notices"], "the restriction of calls to be shown")
    assert (condition(board.show("calls"), "Connected") or ("True",))[0] == "True"
    assert board.show("calls")["stage"] == "Live"


def test_a_registration_counts_number_by_number(board: Board) -> None:
    """One odd sender costs itself; two spellings of one id are one; what is shown can be named."""
    board.decide(7201, silent=True, senders=[])
    board.start("respelled", 7201)
    until(lambda: board.show("respelled")["stage"] == "AwaitingRegistration", "it to be shared")
    for status, spelled in (
        ("IN_PROGRESS", "+229 97 55 55 01"),
        ("FINISHED", "+229 01 97 55 55 01"),
    ):
        number = {"phoneNumberId": "777201", "displayPhoneNumber": spelled, "status": status}
        infobip_says(board, 7201, status=status, senders=[number])
    until(lambda: board.show("respelled")["stage"] != "AwaitingRegistration", "it to be settled")
    assert [each["phone_number"] for each in board.show("respelled")["senders"]] == [
        "2290197555501"
    ]

    board.decide(5502, silent=True, senders=[])
    board.start("odd-one", 5502)
    until(lambda: board.show("odd-one")["stage"] == "AwaitingRegistration", "it to be shared")
    good = {"phoneNumberId": "777002", "displayPhoneNumber": "+1 202-456-1002"}
    odd = {"phoneNumberId": None, "displayPhoneNumber": "+52 1 33 1234 5678"}
    senders = [good | {"status": "FINISHED"}, odd | {"status": "FAILED"}]
    infobip_says(board, 5502, status="FINISHED", createdAt="", senders=senders)
    until(lambda: len(board.show("odd-one")["senders"]) == 2, "both to be shown")
    found = {each["phone_number"]: each for each in board.show("odd-one")["senders"]}
    assert condition(found["12024561002"], "Registered") == ("True", "RegistrationFinished")
    assert condition(found["5213312345678"], "Registered") == ("False", "RegistrationFailed")
    board.ended("odd-one")
    order = {"by": "mia", "why": "x", "sender": "5213312345678"}
    path = f"/v1/onboardings/{board.show('odd-one')['id']}/retry"
    assert board.gateway.post(path, json=order).status_code == 200
    board.cancel("odd-one")


def test_a_report_counts_by_what_decides_and_chats_are_not_kept(board: Board) -> None:
    """A blank time and an error without a group beside a delivery; texts at Meta's hook."""
    board.decide(5401, senders=[sender(5401, delivery="silent")])
    board.start("quiet", 5401)
    until(lambda: board.show("quiet")["stage"] == "AwaitingDelivery", "its message to be sent")
    number = board.show("quiet")["senders"][0]["phone_number"]
    message_id = next(m["messageId"] for m in board.books()["messages"] if m["sender"] == number)
    delivered = {"groupId": 3, "groupName": "DELIVERED", "id": 5, "name": "DELIVERED_TO_HANDSET"}
    report = {"event": "DELIVERY", "messageId": message_id, "doneAt": "", "status": delivered}
    body = {"results": [report | {"error": {"id": 0, "name": "NO_ERROR"}}]}
    reports(board, body)
    assert board.ended("quiet")["stage"] == "Live"

    chat = {
        "messaging_product": "whatsapp",
        "contacts": [{"profile": {"name": "NAME"}, "wa_id": "16505550123"}],
        "messages": [{"from": "16505550123", "type": "text", "text": {"body": "SECRET"}}],
    }
    meta_says(board, "5401", chat, of="messages")
    kept = until(lambda: _unread(board), "the chat to be counted")
    shown = json.dumps([board.gateway.get(f"/v1/events/{each['id']}").json() for each in kept])
    assert not [word for word in ("SECRET", "NAME", "16505550123") if word in shown]


def _unread(board: Board) -> list[dict[str, Any]]:
    listed = board.gateway.get("/v1/events", params={"limit": 200}).raise_for_status().json()
    return [each for each in listed if each["kind"] == "unread"]


def test_a_signup_with_blank_ids_is_finished(board: Board) -> None:
    """The window's message names the WABA and no number."""
    link = board.gateway.post("/v1/signup-links", json={"client_ref": "blank-ids"})
    url = link.raise_for_status().json()["url"]
    data = {"phone_number_id": "", "waba_id": "6101", "business_id": CLIENT_PORTFOLIO}
    message = {"type": "WA_EMBEDDED_SIGNUP", "event": "FINISH_ONLY_WABA", "data": data}
    answer = httpx.post(f"{url}/result", json={"message": message}, timeout=30)
    assert answer.status_code == 200, answer.text
    (shown,) = board.gateway.get("/v1/signup-links", params={"client_ref": "blank-ids"}).json()
    assert shown["ending"] == "finished"
