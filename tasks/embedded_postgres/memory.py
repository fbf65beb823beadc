"""How much memory a program here may use: that of the machine, or less where a container or a service is limited."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC: Final = Path("/proc/self/cgroup")
_CGROUPS: Final = Path("/sys/fs/cgroup")
# cgroups(7), in a line `number:controllers:path`: version 2 has the number 0 and no controllers, and version 1 a tree
# for each controller. memory.high is where the kernel begins to slow a group down to take its memory away.
_V2: Final = ("memory.max", "memory.high")
_V1: Final = ("memory.limit_in_bytes",)


def usable_bytes(*, installed: int | None = None, membership: Path = _PROC, cgroups: Path = _CGROUPS) -> int:
    """The least of the memory that is installed and of the limits of our control groups.

    Args:
        installed: bytes of the machine; by default what the kernel says.
        membership: the file that names our groups.
        cgroups: where the groups are mounted.
    """
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if installed is None else installed
    return min([whole, *_limits(membership, cgroups)])


def _limits(membership: Path, cgroups: Path) -> Iterator[int]:
    try:
        lines = membership.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return  # a kernel without control groups
    for line in lines:
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        if number == "0":
            yield from _along(cgroups, path, _V2)
        elif "memory" in controllers.split(","):
            yield from _along(cgroups / "memory", path, _V1)


def _along(root: Path, path: str, names: tuple[str, ...]) -> Iterator[int]:
    """The limits of a group and of all above it. Inside a container its path may be one of the outside: it has none."""
    group = root / path.lstrip("/")
    for directory in (group, *group.parents):
        for name in names:
            limit = _number(directory / name)
            if limit:
                yield limit
        if directory == root:
            return


def _number(path: Path) -> int | None:
    """The number in a file; None when there is no file or, as for `max`, no number."""
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
