"""Counts a line that is written again and again, in place of writing it. Pure.

Two lines are the same when they differ in digits only: attempts, durations and times of one repeated fault do, and
so does the slot: workers of one role that fail alike have one fault.

`FloodLimiter` (`supervisor.process.child_pipes`) cannot do this, as it comes before a line is parsed; nor can this
replace it, because lines that all differ pass here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGITS: Final = re.compile(r"\d+")
_APART: Final = frozenset({"ts", "pid", "role", "slot", "level", "event"})


class Key(NamedTuple):
    """What makes two lines the same: who writes them, and their text without its digits."""

    role: str | None
    slot: int | None
    level: str
    event: str
    text: str


class _Repeated:
    __slots__ = ("held_back", "shown", "slots", "until_ns", "words")

    def __init__(self, until_ns: int) -> None:
        self.until_ns = until_ns
        self.shown = 0
        self.held_back = 0
        self.slots: set[int | None] = set()
        self.words = ""

    @property
    def slot(self) -> int | None:
        """The slot whose lines were held back; None when several had some."""
        return next(iter(self.slots)) if len(self.slots) == 1 else None


class RepeatFilter:
    """Lets the first few of a kind through in each window, and counts the others."""

    def __init__(self, *, window_s: float = 60.0, allowed: int = 5, kinds: int = 512) -> None:
        self._window_ns = round(window_s * NS_PER_S)
        self._allowed = allowed
        self._kinds = kinds
        self._seen: dict[Key, _Repeated] = {}

    def lets_through(self, key: Key, now_ns: int, words: str = "") -> bool:
        """Whether to write a line of this kind; if not, it is counted, and its words become the example."""
        kind = key._replace(slot=None)
        seen = self._seen.get(kind)
        if seen is None or (now_ns >= seen.until_ns and not seen.held_back):
            # Beyond so many kinds at once nothing is held back: memory stays bounded and nothing is lost.
            if seen is None and len(self._seen) >= self._kinds:
                self._forget_quiet(now_ns)
                if len(self._seen) >= self._kinds:
                    return True
            seen = self._seen[kind] = _Repeated(now_ns + self._window_ns)
        if seen.shown < self._allowed:
            seen.shown += 1
            return True
        seen.held_back += 1
        seen.slots.add(key.slot)
        seen.words = words
        return False

    def due_ns(self) -> int | None:
        """Return when the next count is due; None while nothing is held back."""
        return min((seen.until_ns for seen in self._seen.values() if seen.held_back), default=None)

    def take_due(self, now_ns: int | None) -> list[tuple[Key, int]]:
        """Remove the kinds whose window is over by `now_ns` (None: all); return how many lines each held back."""
        due = [(kind, seen) for kind, seen in self._seen.items() if seen.held_back and _is_over(seen, now_ns)]
        for kind, _ in due:
            del self._seen[kind]
        return [(kind._replace(slot=seen.slot, text=seen.words or kind.text), seen.held_back) for kind, seen in due]

    def _forget_quiet(self, now_ns: int) -> None:
        for key in [key for key, seen in self._seen.items() if not seen.held_back and now_ns >= seen.until_ns]:
            del self._seen[key]


def _is_over(seen: _Repeated, now_ns: int | None) -> bool:
    return now_ns is None or now_ns >= seen.until_ns


def key_of(fields: Mapping[str, object]) -> Key:
    """Return the kind of a line with these fields."""
    parts = [
        f"{name}={_DIGITS.sub('#', str(value))}"
        for name, value in fields.items()
        if name not in _APART and value is not None and not isinstance(value, int | float)
    ]
    role, slot = fields.get("role"), fields.get("slot")
    return Key(
        role=role if isinstance(role, str) else None,
        slot=slot if isinstance(slot, int) else None,
        level=str(fields.get("level")),
        event=str(fields.get("event")),
        text=" ".join(parts),
    )
