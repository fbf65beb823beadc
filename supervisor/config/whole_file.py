"""Writes a file whole or not at all, for its owner alone: under another name first, then renamed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, content: bytes, *, is_durable: bool = False) -> None:
    """Put `content` in place of the file `path`, or make the file.

    With `is_durable` it is on the disk when this returns, which a busy disk may take seconds for.

    Raises:
        OSError: the directory cannot be written.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)  # also what a killed writer left, before anything is in it
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        if is_durable:
            os.fsync(file.fileno())
    fresh.replace(path)
    if is_durable:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # the new name
        finally:
            os.close(folder)
