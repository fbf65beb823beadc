"""Files that are replaced at once: a reader finds the old one or the new one, never a part of either."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, content: bytes | bytearray, *, durable: bool) -> None:
    """Write `content` to a file beside `path` that only its owner may read (mode 0600), then rename it to `path`.

    A process that is killed in between leaves the old file in place. With `durable` so does a loss of power, and the
    new file is on the disk on return. That takes an fsync, which lasts for seconds on a busy disk. A file that an event
    loop writes again within seconds (status.json), or that counts for one boot only (a ledger), does without.

    Raises:
        OSError: the file cannot be written; the old one is as it was, and nothing is left beside it.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, 0o600)  # one that a killed process left may have another mode
            file.write(content)
            if durable:
                file.flush()
                os.fsync(fd)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    if durable:
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Wait until the names in `directory` are on the disk.

    Raises:
        OSError: the disk does not take them.
    """
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
