"""Who owns a lease: a process id with its start time, so that a reused id is not taken for the dead owner."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

_DEAD_STATES: Final = ("Z", "X", "x")  # a killed child that its parent has not reaped holds nothing any more
_START_FIELD: Final = 19  # starttime is field 22 of /proc/PID/stat; 19th after the name and the state's place


def identity() -> tuple[int, int]:
    """This process: its id, and its start time in clock ticks since boot (0 where there is no /proc)."""
    return _identity_of(os.getpid())


@lru_cache(maxsize=1)
def _identity_of(pid: int) -> tuple[int, int]:
    """Read once a process; a forked child has another id and so reads again."""
    return pid, _start_of(pid) or 0


def is_alive(pid: int, start: int) -> bool:
    """Whether the process `pid` that began at `start` is still there and not a zombie."""
    found = _start_of(pid)
    if found is not None:
        return start in (0, found)
    if Path("/proc/self/stat").exists():
        return False
    return _answers(pid)


def _start_of(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in _DEAD_STATES else int(fields[_START_FIELD])


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def boot_id() -> bytes:
    """16 bytes that differ from boot to boot; zeros where the system does not tell."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except FileNotFoundError:
        return bytes(16)
    return bytes.fromhex(text.strip().replace("-", ""))
