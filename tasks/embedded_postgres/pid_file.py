"""What a running server says of itself in `postmaster.pid`, and how it is signalled."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import signal

PORT: Final = 5432  # only a part of the socket's name
SOCKET: Final = f".s.PGSQL.{PORT}"
_PID_FILE: Final = "postmaster.pid"
_STATUS_LINE: Final = 7  # PostgreSQL, src/include/utils/pidfile.h: LOCK_FILE_LINE_PM_STATUS, from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PidFile:
    """The pid and the state ("starting", "ready", "stopping", …) of a server; the state may be missing."""

    pid: int
    status: str


def read_pid_file(data: Path) -> PidFile | None:
    """What `postmaster.pid` says, or None when it is not there or only half written."""
    try:
        lines = (data / _PID_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return PidFile(pid=pid, status=lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else "")


def remove_pid_file(data: Path) -> None:
    """Remove the pid file and the socket that a dead server left.

    Only the holder of the server lock may do so: the lock proves that no server is alive. PostgreSQL itself looks for
    a process with the pid in the file, and refuses to start while any other process has that pid, which is common
    after a reboot or in a container.
    """
    for name in (_PID_FILE, SOCKET, f"{SOCKET}.lock"):
        (data / name).unlink(missing_ok=True)


def signal_server(data: Path, number: signal.Signals) -> bool:
    """Send a signal to the server of `data`; False when there is none."""
    found = read_pid_file(data)
    if found is None or not _works_in(found.pid, data):
        return False
    try:
        os.kill(found.pid, number)
    except ProcessLookupError:
        return False
    return True


def _works_in(pid: int, data: Path) -> bool:
    """Whether process `pid` works in `data`, as a server does; the pid in the file may be one of another container."""
    try:
        return Path("/proc", str(pid), "cwd").samefile(data)
    except OSError:
        return False
