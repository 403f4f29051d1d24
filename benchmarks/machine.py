"""What processes use, read from `/proc`."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and of its children that have ended."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS  # utime, stime, cutime, cstime: proc(5)


def memory_of(pid: int) -> float:
    """Resident MiB of a process."""
    return int((Path("/proc") / str(pid) / "statm").read_text().split()[1]) * _PAGE_MIB


class CpuMeter:
    """CPU seconds of some processes since it was made."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._began = {pid: cpu_of(pid) for pid in pids}

    def seconds(self) -> float:
        """Seconds so far."""
        return sum(cpu_of(pid) - began for pid, began in self._began.items())
