"""A lock on a file or directory that the kernel drops when its last holder is gone.

It belongs to an open file description, not to a process: whoever inherits the descriptor holds the lock too, and
two locks opened by one process exclude each other. Standard library only: programs started without
site-packages import this.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class FileLock:
    """A flock(2) on `path`: one process holds it exclusively, or several share it."""

    __slots__ = ("_fd",)

    def __init__(self, path: Path, *, shared_with: tuple[int, int] | None = None) -> None:
        """Open `path`; a file is made, empty and private, if it is missing.

        Args:
            path: the file, or a directory that exists.
            shared_with: user and group to give a file to: one that root made would be of no use to the owner.

        Raises:
            OSError: it cannot be opened.
        """
        if path.is_dir():
            self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            return
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if shared_with is not None and os.fstat(self._fd).st_uid != shared_with[0]:
            os.fchown(self._fd, *shared_with)

    @property
    def fd(self) -> int:
        """The descriptor, for a child to inherit and hold the lock with us."""
        return self._fd

    def try_exclusive(self) -> bool:
        """Try to take the lock exclusively; whether it worked. A shared lock is released either way."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Try to share the lock; whether it worked."""
        return self._try(fcntl.LOCK_SH)

    def wait_exclusive(self) -> None:
        """Sleep in the kernel until we hold the lock exclusively."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def wait_shared(self) -> None:
        """Sleep in the kernel until we share the lock."""
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def release(self) -> None:
        """Release the lock for every process that holds it through this descriptor."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the descriptor; the lock stays with those who inherited it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _try(self, how: int) -> bool:
        try:
            fcntl.flock(self._fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
