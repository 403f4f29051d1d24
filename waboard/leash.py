"""Become a command that does not outlive its parent: `python leash.py PARENT_PID -m MODULE …`.

It stands between fork and exec in a process of its own. Python code that ran in the fork itself
could meet a lock that a thread of the parent had held, and stand still for ever.
"""

import ctypes
import os
import signal
import sys

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, <linux/prctl.h>


def main(parent: int, *arguments: str) -> None:
    """Should the parent be killed outright, its children must not live on and hold the ports."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() == parent:  # else it died before it could take us along
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
