"""Whether a process stands still: it was stopped by a signal, or a debugger holds it, and it cannot say so itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_STILL: Final = frozenset({"T", "t"})  # proc(5): stopped by a signal, stopped by a tracer
SUSPENDED: Final = "it stands still (SIGSTOP, or a debugger)"


def is_suspended(pid: int | None) -> bool:
    """Whether it does; False of one that is not there, and where that cannot be told."""
    if not pid:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in _STILL


def remedy(pid: int | None) -> str:
    """What lets it go on."""
    return f"`kill -CONT {pid}` lets it go on"
