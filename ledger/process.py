"""Which process this is, and whether another one is still alive: a reused pid is not taken for its dead owner."""

from __future__ import annotations

import os
import zlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from ledger.types import ProcessId

_DEAD_STATES: Final = ("Z", "X", "x")  # a killed child that its parent has not reaped holds nothing any more
_START_FIELD: Final = 19  # starttime is field 22 of /proc/PID/stat; 19th after the name and the state's place


def this_process() -> ProcessId:
    """The calling process."""
    return _process(os.getpid())


@lru_cache(maxsize=1)
def _process(pid: int) -> ProcessId:
    """Read /proc once a process; a forked child has another id and so reads again."""
    return ProcessId(_boot(), pid, start_of(pid) or 0)


def is_alive(pid: int, started: int) -> bool:
    """Whether the process `pid` of this boot that began at `started` still runs; a zombie does not."""
    return start_of(pid) == started


def is_running(process: ProcessId) -> bool:
    """Whether this very process still runs, in this boot and PID namespace."""
    return process.boot == _boot() and is_alive(process.pid, process.started)


def start_of(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; None when it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in _DEAD_STATES else int(fields[_START_FIELD])


def boot_id() -> bytes:
    """16 bytes that differ from boot to boot; zeros where the system does not tell."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except FileNotFoundError:
        return bytes(16)
    return bytes.fromhex(text.strip().replace("-", ""))


def is_dead(name: str) -> bool:
    """Whether the process in the name `WORKER@OWNER` ran in this boot and PID namespace, and runs no more.

    Of one in another container of this machine nobody here can tell.
    """
    try:
        owner = ProcessId.parse(name.rpartition("@")[2])
    except ValueError:
        return False
    return owner.boot == _boot() and not is_running(owner)


@cache
def _boot() -> str:
    """Eight characters that differ from boot to boot, and from one PID namespace to another.

    Containers of one machine have its boot in common, and each gives the same numbers to other processes.
    """
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - a name that leads to no file
    except FileNotFoundError:
        namespace = 0
    return f"{zlib.crc32(boot_id() + str(namespace).encode()):08x}"
