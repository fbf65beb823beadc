"""Puts a cluster that was filled beside the old one in its place; whoever starts a server next ends what was begun.

The new cluster lies in `upgrade/data`, and is whole once `upgrade/complete` is there. The old one becomes `data.16`,
with its own major version, and is never deleted.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from ledger.atomic_file import replace_file, sync_directory
from tasks.embedded_postgres.file_lock import FileLock
from tasks.errors import DatabaseTransient, StoreError

if TYPE_CHECKING:
    from pathlib import Path

DATA: Final = "data"
_BESIDE: Final = "upgrade"
_COMPLETE: Final = "complete"


def beside(home: Path) -> Path:
    """The home of the cluster that is to replace the one in `home`."""
    return home / _BESIDE


def kept(home: Path, major: int) -> Path:
    """Where the data directory of the old major version stays."""
    return home / f"{DATA}.{major}"


def is_complete(home: Path) -> bool:
    """Whether a whole cluster waits to take the place of the one in `home`."""
    return (beside(home) / _COMPLETE).is_file()


def mark_complete(home: Path, old_major: int) -> None:
    """Say that the cluster beside is whole, and stopped.

    Raises:
        OSError: that cannot be written.
    """
    replace_file(beside(home) / _COMPLETE, f"{old_major}\n".encode(), durable=True)


def finish(home: Path) -> None:
    """Put a cluster that is whole in the place of the old one, from wherever an earlier try was killed.

    The start lock of `home` must be held. Nothing happens when none waits.

    Raises:
        DatabaseTransient: somebody still uses the old server.
        StoreError: a directory cannot be renamed.
    """
    if not is_complete(home):
        return
    old, new = home / DATA, beside(home) / DATA
    try:
        major = int((beside(home) / _COMPLETE).read_text(encoding="ascii"))
        if new.is_dir():
            if old.is_dir():
                _check_unused(old)
                old.rename(kept(home, major))
            new.rename(old)
            sync_directory(home)
        shutil.rmtree(beside(home))
    except OSError as error:
        raise StoreError(f"the new cluster in {new} cannot take the place of {old}: {error}") from error


def _check_unused(data: Path) -> None:
    with FileLock(data) as server_lock:
        if not server_lock.try_exclusive():
            raise DatabaseTransient(
                f"the server in {data} is still used, and a new cluster is to take its place: end its use"
            )
