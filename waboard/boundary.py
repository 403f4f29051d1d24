"""Where a crash would hurt most, by name, so that the chaos suite can die there.

With `CHAOS_DIR` set, in the sandbox, the first `CHAOS_TIMES` processes to get to each of these
places kill themselves with SIGKILL: files of the place's name in that folder say how many have.
`CHAOS_AT` names the places, separated by commas; without it they are all.
"""

import os
import signal
from pathlib import Path

_DIR = os.environ.get("CHAOS_DIR") if os.environ.get("WABOARD_SANDBOX") == "true" else None
_TIMES = int(os.environ.get("CHAOS_TIMES", "1"))
_AT = frozenset(filter(None, os.environ.get("CHAOS_AT", "").split(",")))


def boundary(name: str) -> None:
    """Die here if too few have yet and dying is asked for, else do nothing."""
    if _DIR is None or (_AT and name not in _AT):
        return
    if any(_is_first(Path(_DIR) / f"{name}.{n}") for n in range(_TIMES)):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_first(mark: Path) -> bool:
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
