"""The log of an embedded server: one file and the end of the one before, whose end explains a failed start.

The server and its backends write to a descriptor that they inherited, so a log cannot be taken away from them while
they run. What is in it is copied to `server.log.old`, and then the file is emptied: everybody appends, so the next line
is the first of it. A line that is written between the two is lost.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_NAME: Final = "server.log"
_OLD: Final = f"{_NAME}.old"
MAX_BYTES: Final = 4 * 1024 * 1024  # of the log, and of the end of the one before
_TAIL_BYTES: Final = 2000


def log_path(home: Path) -> Path:
    """The log of the server in `home`."""
    return home / _NAME


def open_log(home: Path, owner: tuple[int, int] | None) -> int:
    """A descriptor to append to the log; of a log that has grown long only the end is kept, in `server.log.old`.

    Args:
        home: where the log is.
        owner: user and group to give the log to; None leaves it as it is.
    """
    rotate(home)
    fd = os.open(log_path(home), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    if owner is not None:
        os.fchown(fd, *owner)
    return fd


def rotate(home: Path) -> bool:
    """Whether the log had grown long, and is empty now; whoever writes to it goes on doing so.

    On a disk without room for a copy it is emptied all the same once it is twice as long.

    Raises:
        OSError: the log cannot be opened, copied or emptied.
    """
    path = log_path(home)
    with suppress(FileNotFoundError), path.open("r+b") as log:
        size = log.seek(0, os.SEEK_END)
        if size <= MAX_BYTES:
            return False
        try:
            _keep_end(log, home / _OLD)
        except OSError:
            if size <= 2 * MAX_BYTES:
                raise
        log.truncate(0)
        return True
    return False


def log_tail(home: Path) -> str:
    """The end of the log, at most 2,000 bytes, also when it was emptied just now; empty when there is none."""
    new = _end(log_path(home))
    old = _end(home / _OLD) if len(new) < _TAIL_BYTES else b""
    return (old + new)[-_TAIL_BYTES:].decode("utf-8", errors="replace").strip()


def _keep_end(log: BinaryIO, old: Path) -> None:
    """Copy the end of the log, with the owner it has."""
    part = old.with_suffix(".part")
    log.seek(-MAX_BYTES, os.SEEK_END)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as copy:
        owner = os.fstat(log.fileno())
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(copy.fileno(), owner.st_uid, owner.st_gid)
        shutil.copyfileobj(log, copy)
    part.replace(old)


def _end(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return file.read()
    except FileNotFoundError:
        return b""
