"""How a sender is proven: by a template, made if need be, or by a message that somebody writes."""

from tests.live.board import Board, sender, until

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


def test_a_rejected_template_ends_the_run_with_metas_reason(board: Board) -> None:
    """And what to do: no message can go out."""
    rejected = {"template_verdict": "REJECTED", "template_reason": "SCAM"}
    board.decide(8602, senders=[sender(6021)], templates=[], **rejected)
    board.start("bad-template", 8602)
    assert board.ended("bad-template")["stage"] == "VerificationFailed"
    state = board.state("bad-template", "VerificationFailed")
    assert "REJECTED: SCAM" in state["message"]
    assert "WABOARD_VERIFICATION_TEXT" in state["message"]


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


def test_both_proofs_are_asked_for_where_somebody_wants_both(board: Board) -> None:
    """The template's message arrives first, and then the run waits to be written to."""
    board.decide(8604, senders=[sender(6041)])
    board.start("both-ways", 8604, verify_by="both")
    board.state("both-ways", "AwaitingInbound")
    until(lambda: len(sent_from(board, "12024566041")) == 1, "the template message to be there")
    write_to(board, "12024566041")
    assert board.ended("both-ways")["stage"] == "Live"
    assert len(sent_from(board, "12024566041")) == 1
