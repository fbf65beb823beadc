"""The embedded server's log: one file, kept small, whose end explains a failed start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "server.log"
_LIMIT: Final = 4 * 1024 * 1024  # bytes; looked at when the server starts
_TAIL: Final = 2000  # bytes


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
