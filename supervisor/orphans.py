"""Reaps what nobody else does: as the first process of a container we inherit every process whose parent died.

Those that are ours are waited for by whoever started them, at once; so what has been dead for a whole pause is a
stranger. Elsewhere there is an init for this, and nothing is done.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from supervisor.cli import INIT

if TYPE_CHECKING:
    from supervisor.loop import Loop

PAUSE_S: Final = 15.0


class Orphans:
    """The dead children that nobody waits for, looked for now and then."""

    def __init__(self, loop: Loop, *, pid: int, pause_s: float = PAUSE_S) -> None:
        self._loop = loop
        self._pause_s = pause_s
        self._dead: frozenset[int] = frozenset()
        if pid == INIT:
            loop.after(pause_s, self._look)

    def _look(self) -> None:
        self._loop.after(self._pause_s, self._look)
        still_dead = _zombies(os.getpid()) & self._dead
        for pid in still_dead:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue  # its parent was late, and did wait for it
        self._dead = _zombies(os.getpid())


def _zombies(parent: int) -> frozenset[int]:
    """The children of `parent` that have ended and were not waited for."""
    return frozenset(int(entry.name) for entry in Path("/proc").iterdir() if _is_zombie_of(entry, parent))


def _is_zombie_of(entry: Path, parent: int) -> bool:
    if not entry.name.isdecimal():
        return False
    try:
        # proc(5): the name is in brackets and may hold anything, a bracket too; state and parent follow it.
        state, above, *_ = (entry / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return False  # gone meanwhile
    return state == b"Z" and int(above) == parent
