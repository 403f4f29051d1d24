"""How a sender is proven: by a template, made if need be, or by a message that somebody writes."""

from tests.live.board import Board, sender

WRITER = "447860099311"


def write_to(board: Board, number: str) -> None:
    """Somebody writes to a sender."""
    message = {"from": WRITER, "text": "my card is 4111 1111"}
    board.sandbox.post(f"/sandbox/senders/{number}/inbound", json=message).raise_for_status()


def sent_from(board: Board, number: str) -> list[dict[str, object]]:
    """The messages that Infobip took from a sender."""
    return [m for m in board.books()["messages"] if m["sender"] == number]


def test_a_template_that_is_missing_is_made_and_metas_review_awaited(board: Board) -> None:
    """Infobip's webhook wakes the run, and only then the message goes out."""
    board.decide(8601, senders=[sender(6011)], templates=[], template_review_delay=12)
    board.start("no-template", 8601)
    state = board.state("no-template", "AwaitingTemplate")
    assert "Meta reviews the template" in state["message"]
    assert sent_from(board, "12024566011") == []
    assert board.ended("no-template")["stage"] == "Live"
    assert len(sent_from(board, "12024566011")) == 1


def test_a_sender_is_proven_by_a_message_and_its_reply(board: Board) -> None:
    """No template, and nothing of what was written is kept."""
    board.decide(8603, senders=[sender(6031)], templates=[])
    board.start("written-to", 8603, verify_by="inbound")
    board.state("written-to", "AwaitingInbound")
    write_to(board, "12024566031")
    assert board.ended("written-to")["stage"] == "Live"
    (reply,) = sent_from(board, "12024566031")
    assert (reply["to"], reply["template"]) == (WRITER, None)
    events = board.gateway.get("/v1/events", params={"limit": 1000}).json()
    inbound = [event["id"] for event in events if event["kind"] == "inbound"]
    kept = [board.gateway.get(f"/v1/events/{each}").text for each in inbound]
    assert kept
    assert not any("my card" in text for text in kept)
