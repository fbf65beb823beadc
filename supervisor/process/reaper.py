"""Reaps orphans that have ended: as process 1 of a container the supervisor is given every orphan.

Our own children are reaped by whoever started them, some in other threads. So only a zombie that is still there at a
second check is taken for an orphan; nothing is checked unless a child has died.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from supervisor.eventloop.loop import Loop

PAUSE_S: Final = 2.0


class OrphanReaper:
    """Looks for zombies some time after a child has died; `ours` gives those that are reaped elsewhere."""

    def __init__(self, loop: Loop, ours: Callable[[], Collection[int]]) -> None:
        self._loop = loop
        self._ours = ours
        self._seen: frozenset[int] = frozenset()
        self._is_due = False

    def look(self) -> None:
        """Check in a moment, because a child has died."""
        if not self._is_due:
            self._is_due = True
            self._loop.after(PAUSE_S, self._reap)

    def _reap(self) -> None:
        self._is_due = False
        zombies = _zombies() - frozenset(self._ours())
        for pid in zombies & self._seen:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._seen = zombies - self._seen
        if self._seen:
            self.look()


def _zombies() -> frozenset[int]:
    """Children of this process that have ended and are not reaped."""
    mine = str(os.getpid())
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, parent, *_ = (
                    (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                )
                if (state, parent) == ("Z", mine):
                    found.add(int(entry.name))
    return frozenset(found)
