"""The log of an embedded server: one file, kept small, whose end explains a failed start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_NAME: Final = "server.log"
_MAX_BYTES: Final = 4 * 1024 * 1024  # a longer one is renamed when the server starts
_TAIL_BYTES: Final = 2000


def log_path(home: Path) -> Path:
    """The log of the server in `home`."""
    return home / _NAME


def open_log(home: Path, owner: tuple[int, int] | None) -> int:
    """A descriptor to append to the log; a log that has grown long is first renamed to `server.log.old`.

    Args:
        home: where the log is.
        owner: user and group to give the log to; None leaves it as it is.
    """
    path = log_path(home)
    try:
        if path.stat().st_size > _MAX_BYTES:
            path.rename(path.with_name(f"{_NAME}.old"))
    except FileNotFoundError:
        pass
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    if owner is not None:
        os.fchown(fd, *owner)
    return fd


def log_tail(home: Path) -> str:
    """The end of the log, at most 2,000 bytes; empty when there is none."""
    try:
        with log_path(home).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return file.read().decode("utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""
