"""Checks whether the file system of a folder can hold a state directory: its locks must be the kernel's own.

A lock taken over a network may be unknown to other machines, or lost with a connection, and a mapped file need not be
the same everywhere: two supervisors could spend from one ledger.
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

UNKNOWN: Final = "unknown"
_MOUNTS: Final = Path("/proc/self/mountinfo")
_POINT: Final = 4  # the field of the mount point, from 0
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")
_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "afs", "lustre"}) | {
    *("gpfs", "beegfs", "orangefs", "vboxsf", "vmhgfs", "prl_fs", "drvfs"),
}
_FUSE: Final = re.compile(r"fuse(\..*)?")
_LOCAL_FUSE: Final = frozenset({"fuse.fuse-overlayfs"})  # the root of a container without root


def kind_of(path: Path) -> str:
    """The type of the file system that `path`, or its nearest parent that exists, lies on."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return UNKNOWN
    return kind_in(mounts, Path(os.path.realpath(path)))  # unlike `resolve`, it bears links in a circle


def kind_in(mounts: Iterable[str], path: Path) -> str:
    """The type that lines of `/proc/self/mountinfo` (proc(5)) give for a path without links.

    The longest mount point that is a part of it counts, and the last of those that lie over each other.
    """
    best, kind = -1, UNKNOWN
    for line in mounts:
        mount, is_whole, rest = line.partition(" - ")
        fields, types = mount.split(" "), rest.split(" ")
        if not is_whole or len(fields) <= _POINT:
            continue
        point = _ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields[_POINT])
        if len(point) >= best and path.is_relative_to(point):
            best, kind = len(point), types[0]
    return kind


def is_shared(kind: str) -> bool:
    """Whether another machine, or a program in place of the kernel, may answer for this type of file system."""
    return kind in _NETWORK or (_FUSE.fullmatch(kind) is not None and kind not in _LOCAL_FUSE)


def fault_of(folder: Path, lock: Callable[[int, int], None] = fcntl.flock) -> str | None:
    """Why an existing `folder` cannot hold a state directory; None when it can. Changes nothing.

    Args:
        folder: the folder.
        lock: locks a descriptor as flock(2) does.
    """
    kind = kind_of(folder)
    if is_shared(kind):
        return f"lies on a network file system ({kind}), whose locks and mapped files are not safe: use a local disk"
    try:
        excludes = _locks(folder, lock)
    except OSError as error:
        return f"lies on a file system ({kind}) that cannot lock ({error.strerror}): use a local disk"
    return None if excludes else f"lies on a file system ({kind}) whose locks do not keep others out: use a local disk"


def _locks(folder: Path, lock: Callable[[int, int], None]) -> bool:
    """Whether a lock on the folder itself keeps a second one out. Nothing else locks the folder.

    Raises:
        OSError: it cannot be locked at all.
    """
    first = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        second = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            lock(first, fcntl.LOCK_SH | fcntl.LOCK_NB)
            lock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(second)
    finally:
        os.close(first)
    return False
