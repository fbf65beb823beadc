"""Which key is served next by a worker that has several, and how long it may sleep. Pure.

Each key has its own tokens, and no key's tokens serve another one. So the only thing they compete for is the worker's
time, and they get it in turn: of the keys that are due, the one that was served longest ago. Between two steps of a key
that is due, every other key gets at most one step, however rich it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class KeyTurn:
    """One key.

    Attributes:
        due_ns: when it is worth a step again.
        served: the number of its last step among those of all keys; 0 before its first.
    """

    due_ns: int = 0
    served: int = 0


def next_turn(turns: Sequence[KeyTurn], now_ns: int) -> int | None:
    """The place of the key to serve now; None when none is due."""
    due = [place for place, turn in enumerate(turns) if turn.due_ns <= now_ns]
    return min(due, key=lambda place: (turns[place].served, place), default=None)


def first_due(turns: Sequence[KeyTurn]) -> int:
    """The place of the key that is due first; there is at least one."""
    return min(range(len(turns)), key=lambda place: (turns[place].due_ns, turns[place].served))
