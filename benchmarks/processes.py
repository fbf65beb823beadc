"""What the kernel says of processes: their children, processor time and memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """The processes that it started, and those that they started."""
    found = []
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        found += [child, *children(child)]
    return found


def cpu_s(pid: int) -> float:
    """Seconds of processor time that it has used, without that of its children."""
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def cpu_of_the_ended_s(pid: int) -> float:
    """Seconds of processor time that its children have used which have ended."""
    fields = _fields(pid)
    return (int(fields[13]) + int(fields[14])) / CLOCK_TICKS


def rss_mb(pid: int) -> float:
    """Memory that it has at present, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
