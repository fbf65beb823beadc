"""Which process this is, and whether another one is still alive: a reused pid is not taken for its dead owner."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from ledger.types import ProcessId

_DEAD_STATES: Final = ("Z", "X", "x")  # a killed child that its parent has not reaped holds nothing any more
_START_FIELD: Final = 19  # starttime is field 22 of /proc/PID/stat; 19th after the name and the state's place


def this_process(host: str = "") -> ProcessId:
    """The calling process, on the host of that name."""
    me = _process(os.getpid())
    return replace(me, host=host) if host else me


@lru_cache(maxsize=1)
def _process(pid: int) -> ProcessId:
    """Read /proc once a process; a forked child has another id and so reads again."""
    return ProcessId(boot_name(), pid, start_of(pid) or 0)


def is_alive(pid: int, started: int) -> bool:
    """Whether the process `pid` of this boot that began at `started` still runs; a zombie does not."""
    return start_of(pid) == started


def is_running(process: ProcessId) -> bool:
    """Whether this very process still runs, in this boot and PID namespace."""
    return process.boot == boot_name() and is_alive(process.pid, process.started)


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
    owner = owner_of(name)
    return owner is not None and owner.boot == boot_name() and not is_running(owner)


def owner_of(name: str) -> ProcessId | None:
    """The process in the name `WORKER@OWNER`; None when the name tells none."""
    try:
        return ProcessId.parse(name.rpartition("@")[2])
    except ValueError:
        return None


@cache
def boot_name() -> str:
    """What differs from boot to boot, and from where a pid or a start time means another process.

    Containers of one machine have its boot in common, and each gives the same numbers to other processes. Where the
    clock of the boot is shifted (a time namespace), processes have other times of start.
    """
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - a name that leads to no file
    except FileNotFoundError:
        namespace = 0
    return f"{boot_id().hex()[:8]}n{namespace}{_shift()}"


def _shift() -> str:
    """How far the clock of the boot is shifted here; empty where it is not."""
    try:
        text = Path("/proc/self/timens_offsets").read_text(encoding="ascii")
    except FileNotFoundError:
        return ""
    shifts = {name: (int(seconds), int(ns)) for name, seconds, ns in map(str.split, text.splitlines())}
    seconds, ns = shifts.get("boottime", (0, 0))
    return f"t{seconds * 10**9 + ns}".replace("-", "m") if (seconds, ns) != (0, 0) else ""
