"""Processes by name, so that others can tell whether one still lives: a reused pid is not taken for its dead owner.

A pid alone is reused. Pid and start time together are not, within one boot, and so a lease is owned by these two. A
spool outlives a boot, so the name of a worker has the boot in it as well.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process of this machine: boot, pid, and start time in clock ticks since that boot."""

    boot: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.boot}-{self.pid}-{self.started}"

    @classmethod
    def parse(cls, text: str) -> ProcessId:
        """The owner that `str` wrote.

        Raises:
            ValueError: `text` is no such name.
        """
        boot, pid, started = text.split("-")
        return cls(boot, int(pid), int(started))

    @classmethod
    def this(cls) -> ProcessId:
        """The calling process."""
        return cls(_boot(), *identity())

    def is_alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return self.boot == _boot() and is_alive(self.pid, self.started)


def is_dead(name: str) -> bool:
    """Whether the process in the name `WORKER@OWNER` ran in this boot of this machine and runs no more."""
    try:
        owner = ProcessId.parse(name.rpartition("@")[2])
    except ValueError:
        return False
    return owner.boot == _boot() and not owner.is_alive()


def _boot() -> str:
    """Eight characters that differ from boot to boot."""
    return boot_id().hex()[:8]
