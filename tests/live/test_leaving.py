"""A client leaves once somebody has approved it; the others stay."""

from typing import Any

from tests.live.board import Board, sender, until

ASKED = {"by": "mia", "why": "It has cancelled its contract."}


def filed(board: Board) -> set[str]:
    """Under which entities senders are filed at Infobip."""
    return {each["entityId"] for each in board.books()["associations"]}


def test_a_client_leaves_once_it_is_approved_and_its_sibling_is_still_live(board: Board) -> None:
    """Asked first, and typed; then all of ours is given back, and nothing of the other's."""
    for client_ref, waba_id in (("leaver", 8811), ("stayer", 8812)):
        board.decide(waba_id, senders=[sender(waba_id)])
        board.start(client_ref, waba_id)
    path = f"/v1/onboardings/{board.ended('leaver')['id']}/offboard"
    board.ended("stayer")

    asked = board.gateway.post(path, json=ASKED).raise_for_status().json()
    run_id = asked["links"]["flow_run"].rpartition("/")[2]

    def state() -> dict[str, Any]:
        return board.prefect.get(f"/flow_runs/{run_id}").json()["state"]

    until(lambda: state()["name"] == "AwaitingApproval", "the run to ask")
    assert board.show("leaver")["live"]
    assert [r["reason"] for r in board.show("leaver")["requirements"]] == ["ApprovalAwaited"]
    approval = {"by": "noor", "verdict": "approve", "client_ref": "leaver"}
    board.gateway.post(f"{path}/approval", json=approval).raise_for_status()

    until(lambda: state()["name"] == "Offboarded", f"the client to have left, not {state()}")
    gone, stays = board.show("leaver"), board.show("stayer")
    assert (gone["stage"], gone["live"]) == ("Offboarded", False)
    verbs = [(each["verb"], each["by"]) for each in gone["decisions"]]
    assert verbs == [("offboard", "mia"), ("approve", "noor")]
    assert (stays["stage"], stays["live"]) == ("Live", True)
    assert "leaver" not in filed(board)
    assert "stayer" in filed(board)

    refused = board.gateway.post("/v1/onboardings", json={"client_ref": "leaver", "waba_id": 8811})
    assert (refused.status_code, board.show("leaver")["id"]) == (409, gone["id"])
    again = board.start("leaver", 8811, again=ASKED)
    assert (again["attempt"], again["id"] == gone["id"]) == (2, False)
    board.cancel("leaver")
