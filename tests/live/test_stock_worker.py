"""The same deployment on Prefect's stock process worker: a process for each leg."""

from pathlib import Path

from tests.live.board import running_board

EXAMPLE = 102384266223093


def test_the_documented_example_runs_unchanged_on_the_stock_worker(tmp_path: Path) -> None:
    """Whoever has other work pools can use them."""
    with running_board(tmp_path, WABOARD_WORKER="process") as board:
        board.start("acme", EXAMPLE, client_name="Acme Bakery")
        assert board.ended("acme")["stage"] == "LiveLimited"
        assert board.state("acme", "LiveLimited")["type"] == "COMPLETED"
        assert board.books()["shares"][str(EXAMPLE)] == 1
