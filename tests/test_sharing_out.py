"""How the tests are shared out among the processes of `make test`."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.conftest import ByBoard
from tests.live import boards

LIVE = Path(boards.__file__).parent
TESTS = [
    "tests/live/test_proof.py::test_one",
    "tests/live/test_worker.py::test_one",
    "tests/live/test_worker.py::test_two",
    "tests/live/test_senders.py::test_one",
    "tests/live/test_readme.py::test_one",
    *(f"tests/domain/test_rules.py::test_rule[{number}]" for number in range(9)),
]


class Process:
    """Stands in for a test process: notes what it is given."""

    gateway = SimpleNamespace(id="gw")
    shutting_down = False

    def __init__(self) -> None:
        self.given: list[str] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += [TESTS[index] for index in indices]

    def shutdown(self) -> None:
        self.shutting_down = True


def shared_out(among: int) -> list[Process]:
    """Share out the tests as they are done, one at a time, until all are."""
    option = SimpleNamespace(loadscopereorder=True)
    config: Any = SimpleNamespace(getvalue=lambda _: ["popen"] * among, option=option)
    sharing, crew = ByBoard(config), [Process() for _ in range(among)]
    for process in crew:
        sharing.add_node(process)
    for process in crew:
        sharing.add_node_collection(process, TESTS)
    sharing.schedule()
    done: set[str] = set()
    while todo := [(p, test) for p in crew for test in p.given if test not in done]:
        process, test = todo[0]
        done.add(test)
        sharing.mark_test_complete(process, TESTS.index(test))
    return crew


def test_live_tests_that_share_a_waboard_run_in_one_process():
    crew = shared_out(among=4)
    for board in {boards.board_of(test) for test in TESTS} - {None}:
        users = [p for p in crew if any(boards.board_of(test) == board for test in p.given)]
        assert len(users) == 1
    assert sorted(test for process in crew for test in process.given) == sorted(TESTS)


def test_other_tests_are_for_whichever_process_is_free():
    assert boards.board_of("tests/live/test_readme.py::test_one") is None
    assert boards.board_of("tests/domain/test_worker.py::test_rule[1]") is None
    assert all(process.given for process in shared_out(among=4))


def test_each_module_of_live_tests_has_its_waboard():
    named = [module for modules in boards.BOARDS for module in modules]
    assert sorted([*named, boards.WITHOUT]) == sorted(path.stem for path in LIVE.glob("test_*.py"))
