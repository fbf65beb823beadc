"""Adds up what steady work logs: a line at its beginning, and then a sum now and then. Pure.

The numbers of these events matter, so `RepeatFilter`, which only counts lines, cannot do this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS: Final = frozenset({"walk_complete"})
_SUMMED: Final = ("pages", "rows", "tokens")
_OF_ONE: Final = ("next_in_s", "why")


class _Sum:
    __slots__ = ("last", "sums", "times", "until_ns")

    def __init__(self, until_ns: int) -> None:
        self.until_ns = until_ns
        self.times = 0
        self.sums: dict[str, float] = {}
        self.last: Mapping[str, object] = {}

    def add(self, record: Mapping[str, object]) -> None:
        self.times += 1
        self.last = record
        for name in _SUMMED:
            value = record.get(name)
            if isinstance(value, int | float):
                self.sums[name] = self.sums.get(name, 0) + value

    def record(self) -> dict[str, object]:
        """Return the last record, with the sums of all in place of its own numbers."""
        kept = {name: value for name, value in self.last.items() if name not in _OF_ONE}
        return {**kept, **self.sums, "times": self.times}


class WorkRollup:
    """Lets the first of a kind through, and adds up the others until a sum is due."""

    def __init__(self, *, window_s: float = 600.0, kinds: int = 256) -> None:
        self._window_ns = round(window_s * NS_PER_S)
        self._kinds = kinds
        self._sums: dict[tuple[object, ...], _Sum] = {}

    def lets_through(self, record: Mapping[str, object], now_ns: int) -> bool:
        """Whether to write the record; if not, it is added up."""
        kind = (record.get("event"), record.get("role"), record.get("selection"))
        if record.get("event") not in EVENTS or (kind not in self._sums and len(self._sums) >= self._kinds):
            return True
        known = self._sums.get(kind)
        if known is None:
            self._sums[kind] = _Sum(now_ns + self._window_ns)
            return True
        known.add(record)
        return False

    def due_ns(self) -> int | None:
        """Return when the next sum is due; None while nothing is added up."""
        return min((kept.until_ns for kept in self._sums.values() if kept.times), default=None)

    def take_due(self, now_ns: int | None) -> list[dict[str, object]]:
        """Return the sums that are due by `now_ns` (None: all), each as a record, and begin the next ones."""
        found = []
        for kind, kept in self._sums.items():
            if kept.times and (now_ns is None or now_ns >= kept.until_ns):
                found.append(kept.record())
                self._sums[kind] = _Sum((kept.until_ns if now_ns is None else now_ns) + self._window_ns)
        return found
