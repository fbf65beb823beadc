"""What a running server says of itself in its data directory, and how it is told to stop.

Its log is one file, kept small, whose end explains a failed start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import signal

NAME: Final = "server.log"
_LIMIT: Final = 4 * 1024 * 1024  # bytes; looked at when the server starts
_TAIL: Final = 2000  # bytes


PORT: Final = 5432  # only a part of the socket's name
SOCKET: Final = f".s.PGSQL.{PORT}"
_PID_FILE: Final = "postmaster.pid"
_STATUS_LINE: Final = 7  # PostgreSQL, src/include/utils/pidfile.h: LOCK_FILE_LINE_PM_STATUS, from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmaster:
    """The pid and state ("starting", "ready", "stopping", …) in `postmaster.pid`; the state may be missing."""

    pid: int
    status: str


def read(data: Path) -> Postmaster | None:
    """What `postmaster.pid` says, or None when it is not there or only half written."""
    try:
        lines = (data / _PID_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return Postmaster(pid=pid, status=lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else "")


def forget_dead(data: Path) -> None:
    """Remove what a dead server left. Only for who holds the server lock: it proves that none is alive.

    PostgreSQL itself looks for a process with the pid in the file, and refuses to start for as long as any
    stranger has it, which after a reboot or in a container is the rule.
    """
    for name in (_PID_FILE, SOCKET, f"{SOCKET}.lock"):
        (data / name).unlink(missing_ok=True)


def signal_postmaster(data: Path, number: signal.Signals) -> bool:
    """Send a signal to the server of `data`; whether there was one to take it."""
    found = read(data)
    if found is None or not _is_at_home(found.pid, data):
        return False
    try:
        os.kill(found.pid, number)
    except ProcessLookupError:
        return False
    return True


def _is_at_home(pid: int, data: Path) -> bool:
    """Whether process `pid` works in `data`, as a server does; the file may speak of another container's pid."""
    process = Path("/proc", str(pid))
    if not Path("/proc/self").exists():
        return True
    try:
        return (process / "cwd").samefile(data)
    except OSError:
        return False


def open_to_append(home: Path, owner: tuple[int, int] | None) -> int:
    """A descriptor to append to the log; one that has grown long is first put aside, the one before dropped.

    Args:
        home: where the log is.
        owner: user and group to give a new file to, or None to leave it ours.
    """
    path = home / NAME
    try:
        if path.stat().st_size > _LIMIT:
            path.rename(home / f"{NAME}.old")
    except FileNotFoundError:
        pass
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    if owner is not None:
        os.fchown(fd, *owner)
    return fd


def tail(home: Path) -> str:
    """The last lines of the log, empty when there is none."""
    try:
        with (home / NAME).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return file.read().decode("utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""
