"""Whether a process is suspended: stopped by a signal or held by a debugger, so that it cannot say so itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_SUSPENDED_STATES: Final = frozenset({"T", "t"})  # proc(5): stopped by a signal, stopped by a tracer
SUSPENDED: Final = "it is suspended (SIGSTOP, or a debugger)"


def is_suspended(pid: int | None) -> bool:
    """Whether it is; False for one that does not exist, and where that cannot be found out."""
    if not pid:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in _SUSPENDED_STATES


def remedy(pid: int | None) -> str:
    """The command that lets it go on."""
    return f"`kill -CONT {pid}` lets it go on"
