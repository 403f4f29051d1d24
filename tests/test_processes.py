"""Children of one command, which are real processes here, though small."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from waboard import processes
from waboard.domain.errors import WaboardError
from waboard.processes import Child, Children, died, refuse_taken_port

PATIENCE = 30.0
"""Seconds that a test waits for something that must come."""

MODULES = {
    "says": """
        import os, sys
        print("my home is", os.environ.get("HOME_OF_MINE"), *sys.argv[1:], flush=True)
        """,
    "dies": """
        import sys
        print("x" * 5000 + "\\nthe cause", flush=True)
        sys.exit(3)
        """,
    "stays": """
        import signal, sys
        from line import hello
        hello()
        signal.pause()
        """,
    "ends_well": """
        import signal, sys
        from line import hello, say
        def end(*_):
            say(f"{sys.argv[1]} ends")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        hello()
        while True:
            signal.pause()
        """,
    "is_stubborn": """
        import signal
        from line import hello
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        hello()
        while True:
            signal.pause()
        """,
    "has_a_child": """
        import signal, subprocess, sys
        subprocess.Popen([sys.executable, "-m", "is_stubborn", "grandchild"])
        signal.pause()
        """,
    "has_a_child_and_dies": """
        import subprocess, sys
        subprocess.Popen([sys.executable, "-m", "is_stubborn", "grandchild"])
        sys.exit(1)
        """,
    "parent": """
        import asyncio, os, pathlib, sys
        from waboard.processes import Children
        async def main():
            async with Children(os.environ, pathlib.Path("logs")) as children:
                await children.start("one", "stays", "one")
                await asyncio.Event().wait()
        asyncio.run(main())
        """,
    # Whoever holds the line open lives: it ends by itself when the last of them is gone.
    "line": """
        import os, signal, sys
        signal.alarm(60)  # should nobody end it, it is not left for ever
        fd = os.open(os.environ["LINE"], os.O_WRONLY)
        os.set_inheritable(fd, True)
        def say(text):
            os.write(fd, (text + "\\n").encode())
        def hello():
            say(sys.argv[1])
        """,
}


class Line:
    """A pipe with a name, which processes speak into and hold open for as long as they live."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def _next(self) -> bytes:
        while True:
            ready, _, _ = select.select([self._fd], [], [], PATIENCE)
            assert ready, "nothing came over the line"
            # It was ready since all had gone; meanwhile the next one may have come.
            with contextlib.suppress(BlockingIOError):
                return os.read(self._fd, 65536)

    async def heard(self, *words: str) -> None:
        """Return when all of these were said."""
        missing = set(words)
        while missing:
            missing -= set((await asyncio.to_thread(self._next)).decode().splitlines())

    def rest(self) -> list[str]:
        """Return what is said until nobody is left on the line."""
        said = b""
        while more := self._next():
            said += more
        return said.decode().splitlines()

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    opened = Line(tmp_path / "line")
    yield opened
    opened.close()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One in which the modules are found."""
    for name, text in MODULES.items():
        lines = [part[8:] for part in text.splitlines()]
        (tmp_path / f"{name}.py").write_text("\n".join(lines))
    here = {"PYTHONPATH": str(tmp_path), "LINE": str(tmp_path / "line"), "HOME_OF_MINE": "here"}
    return dict(os.environ) | here


@pytest.fixture
def family(tmp_path: Path, environment: Mapping[str, str]) -> Children:
    return Children(environment, tmp_path / "logs", pause=0)


async def listed(children: Children) -> Child:
    """The one that is alive: its first word can come before it is listed."""
    async with asyncio.timeout(PATIENCE):
        while not children.alive:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
    (child,) = children.alive
    return child


async def ended(child: Child) -> int:
    return await asyncio.wait_for(child.process.wait(), PATIENCE)


async def test_a_child_gets_its_arguments_its_environment_and_a_log(family: Children):
    async with family as children:
        child = await children.start("talker", "says", "loudly", "once")
        assert await ended(child) == 0
    assert child.log.name == "talker.log"
    assert child.log.read_text() == "my home is here loudly once\n"


async def test_a_log_is_continued_and_not_begun_anew(family: Children):
    async with family as children:
        for word in ("first", "second"):
            child = await children.run("talker", "says", word)
    assert [row.split()[-1] for row in child.log.read_text().splitlines()] == ["first", "second"]


async def test_what_is_run_to_its_end_tells_how_it_ended(family: Children):
    async with family as children:
        assert (await children.run("talker", "says")).process.returncode == 0
        assert (await children.run("patient", "dies")).process.returncode == 3


async def test_a_child_that_dies_is_reported_with_the_last_it_wrote(family: Children, line: Line):
    async with family as children:
        await children.start("one", "stays", "one")
        patient = await children.start("patient", "dies")
        dead = await asyncio.wait_for(children.tend(), PATIENCE)
    assert dead.name == patient.name
    error = died(dead)
    assert error.message.startswith("patient ended by itself (3).")
    assert error.message.endswith("the cause\n")
    assert len(error.message) < 2000
    assert str(patient.log) in error.remedy


async def test_a_module_that_does_not_exist_is_reported_in_pythons_words(family: Children):
    async with family as children:
        await children.start("nobody", "no_such_module")
        dead = await asyncio.wait_for(children.tend(), PATIENCE)
    assert "No module named no_such_module" in str(died(dead))


async def test_a_child_that_dies_is_started_again_but_not_for_ever(family: Children, line: Line):
    async with family as children:
        child = await children.start("one", "stays", "one")
        tending = asyncio.create_task(children.tend())
        for _ in range(family.restarts + 1):
            await line.heard("one")
            child = await listed(children)
            child.process.kill()
        dead = await asyncio.wait_for(tending, PATIENCE)
    assert (dead.name, dead.process.returncode) == ("one", -signal.SIGKILL)


async def test_who_tends_stops_when_told_even_at_the_end_of_a_child(
    family: Children, line: Line, monkeypatch: pytest.MonkeyPatch
):
    """Both may come in the same instant, and neither is lost."""
    async with family as children:
        child = await children.start("one", "stays", "one")
        await line.heard("one")
        ending = asyncio.create_task(processes._end(child))
        real = child.process.wait

        async def ends_as_we_cancel() -> int:
            monkeypatch.undo()
            code = await real()
            ending.cancel()
            return code

        monkeypatch.setattr(child.process, "wait", ends_as_we_cancel)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(ending, PATIENCE)


async def test_while_all_live_nobody_is_reported(family: Children, line: Line):
    async with family as children:
        await children.start("one", "stays", "one")
        await line.heard("one")
        death = asyncio.create_task(children.tend())
        await asyncio.sleep(0)
        assert not death.done()
        death.cancel()
        with pytest.raises(asyncio.CancelledError):
            await death


async def test_on_leaving_all_have_ended_the_last_started_first(family: Children, line: Line):
    async with family as children:
        for name in ("one", "two", "three"):
            await children.start(name, "ends_well", name)
        await line.heard("one", "two", "three")
    assert line.rest() == ["three ends", "two ends", "one ends"]


async def test_who_ends_because_we_leave_is_not_started_again(family: Children, line: Line):
    async with family as children:
        for name in ("one", "two"):
            await children.start(name, "ends_well", name)
        await line.heard("one", "two")
        tending = asyncio.create_task(children.tend())
    # Both have ended by now, and whoever tends has had all the time to see it.
    for _ in range(100):
        await asyncio.sleep(0)
    assert not tending.done()
    tending.cancel()
    assert line.rest() == ["two ends", "one ends"]


async def test_whatever_goes_wrong_nobody_is_left(family: Children, line: Line):
    async def goes_wrong() -> None:
        async with family as children:
            await children.start("one", "stays", "one")
            await line.heard("one")
            raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        await goes_wrong()
    assert line.rest() == []


@pytest.mark.parametrize("module", ["has_a_child", "has_a_child_and_dies"])
async def test_with_a_child_goes_the_grandchild_however_stubborn(
    family: Children, line: Line, module: str
):
    async with family as children:
        await children.start("parent", module)
        await line.heard("grandchild")
    assert line.rest() == []


async def test_a_child_that_does_not_end_by_itself_is_ended(
    family: Children, line: Line, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "GRACE", 0.05)
    async with family as children:
        child = await children.start("one", "is_stubborn", "one")
        await line.heard("one")
    assert line.rest() == []
    assert child.process.returncode == -signal.SIGKILL


async def test_what_is_run_to_its_end_is_ended_when_nobody_waits_any_more(
    family: Children, line: Line
):
    async with family as children:
        running = asyncio.create_task(children.run("one", "stays", "one"))
        await line.heard("one")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert line.rest() == []


async def test_an_interrupt_at_the_terminal_is_left_to_the_parent(family: Children, line: Line):
    """Ctrl-C goes to a whole group of processes; children are in groups of their own."""
    async with family as children:
        child = await children.start("one", "stays", "one")
        await line.heard("one")
        assert os.getpgid(child.process.pid) == child.process.pid != os.getpgrp()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent")
async def test_children_go_when_their_parent_is_killed_outright(
    environment: Mapping[str, str], line: Line, tmp_path: Path
):
    path = [environment["PYTHONPATH"], str(Path(processes.__file__).parent.parent)]
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "parent"),
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": os.pathsep.join(path)},
    )
    try:
        await line.heard("one")
    finally:
        parent.kill()
        await parent.wait()
    assert line.rest() == []


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_a_port_that_is_taken_names_the_setting_to_change(address: str, host: str):
    with socket.socket() as other:
        other.bind((address, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(WaboardError) as caught:
            refuse_taken_port("WABOARD_GATEWAY_PORT", host, port)
    assert f"Port {port} on {host} is in use" in caught.value.message
    assert "WABOARD_GATEWAY_PORT" in caught.value.remedy


def test_a_host_that_is_not_this_machine_is_refused():
    with pytest.raises(WaboardError, match=r"192\.0\.2\.1"):
        refuse_taken_port("WABOARD_GATEWAY_PORT", "192.0.2.1", 8420)


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "localhost"), (socket.AF_INET6, "::1")]
)
def test_a_host_may_be_a_name_or_an_address_of_the_newer_kind(
    family: socket.AddressFamily, host: str
):
    try:
        with socket.create_server((host, 0), family=family) as server:
            port = server.getsockname()[1]
    except OSError:
        pytest.skip(f"this machine has no {host}")
    refuse_taken_port("WABOARD_GATEWAY_PORT", host, port)


def test_a_port_that_is_free_is_left_free():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    refuse_taken_port("WABOARD_GATEWAY_PORT", "127.0.0.1", port)
    refuse_taken_port("WABOARD_GATEWAY_PORT", "127.0.0.1", port)


def test_a_port_that_was_just_given_up_is_free():
    """Else a quick restart would be refused for the minute that the system remembers it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            accepted, _ = server.accept()
            accepted.close()
            caller.recv(1)
    refuse_taken_port("WABOARD_GATEWAY_PORT", "127.0.0.1", port)
