"""Reads a file that a person named: a plain one, of a bounded size, and without waiting for anybody.

A pipe has no end until somebody closes it and a device may have none, so only what is on a disk is read.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from tasks.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LIMIT: Final = 1024 * 1024  # bytes; a query with every category and filter it may have takes a twentieth
_KINDS: Final = {
    stat.S_IFDIR: "is a folder",
    stat.S_IFIFO: "is a pipe",
    stat.S_IFCHR: "is a device",
    stat.S_IFBLK: "is a device",
    stat.S_IFSOCK: "is a socket",
}


def read(path: Path, *, limit: int = LIMIT) -> bytes:
    """The contents of the file.

    Raises:
        ConfigError: it is not there, cannot be read, or is not a plain file of at most `limit` bytes.
    """
    try:
        _check(path, os.stat(path), limit)  # noqa: PTH116 - before it is opened: opening a device may do something
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(fd, "rb") as file:
            _check(path, os.fstat(fd), limit)
            data = file.read(limit + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError:  # a NUL in its name
        raise ConfigError(f"{path} cannot be read: its name contains a NUL character; correct it") from None
    if len(data) > limit:
        raise ConfigError(_too_large(path, limit))
    return data


def _check(path: Path, seen: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(seen.st_mode):
        kind = _KINDS.get(stat.S_IFMT(seen.st_mode), "is something else")
        raise ConfigError(f"{path} cannot be read: it {kind}, not a plain file")
    if seen.st_size > limit:
        raise ConfigError(_too_large(path, limit))


def _too_large(path: Path, limit: int) -> str:
    return f"{path} cannot be read: it is larger than {limit // 1024 // 1024} MB, so it is hardly the right file"
