"""A file that appears when all of it is there: a part is never taken for the whole, and a kill leaves none behind."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_OWN_FILES: Final = "/proc/self/fd"
_BUFFER: Final = 1 << 20  # bytes
_MODE: Final = 0o666  # less what the umask takes away, as with any new file


def open_nameless(folder: Path) -> int | None:
    """The descriptor of a new file in the folder that has no name and ends with it; None where there is no such thing.

    Raises:
        OSError: the folder is not there, or nothing can be written to it.
    """
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        with suppress(OSError):  # each file system that cannot do it says so by another error
            return os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, _MODE)
    return None


@contextmanager
def whole_file(path: Path, *, nameless: Callable[[Path], int | None] = open_nameless) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of `path` at the end of the block, and is gone after an exception.

    Whoever writes to the same path at the same time has a file of its own: the one that ends last stays. Where the file
    system knows no files without a name, a kill leaves one whose name ends with `.part`.

    Raises:
        OSError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    fd = nameless(path.parent)
    has_name = fd is None
    if fd is None:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(fd, "wb", _BUFFER) as file:
            yield file
            file.flush()
            os.fsync(fd)
            if not has_name:
                _give_name(fd, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _give_name(fd: int, path: Path) -> None:
    own_files = os.open(_OWN_FILES, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.link(str(fd), path, src_dir_fd=own_files, follow_symlinks=True)
    finally:
        os.close(own_files)
