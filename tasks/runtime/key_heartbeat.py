"""The heartbeat of a worker that serves several keys: what is reported of each, as one.

A condition of one key alone does not end because another key has none, so it is known here who reports what. Of what
the jobs report themselves, what they have waiting and what others spend is added up, and of the one queue the latest
word counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.runtime.condition import ConditionKind
    from tasks.runtime.heartbeat_writer import HeartbeatWriter, Phase
    from tasks.store.quarantine import Kind

_OF_ALL: Final = frozenset({"database", "spool", "replies"})  # what stands in the way of every key
_ADDED_UP: Final = frozenset({"waiting", "dropped"})
_OF_ONE_KEY: Final = frozenset({"eta_s"})  # how long the queue lasts is a matter of all keys, and reckoned from `pace`
_OTHERS: Final = "others_per_s"  # of a pace: what others spend is of one key, all the rest of it of the queue
MOST_APART: Final = 5  # keys with a condition of their own: a heartbeat is one short line


class KeyBoard:
    """What the keys of one worker report."""

    def __init__(self, whole: HeartbeatWriter) -> None:
        self.whole = whole
        self._reported: dict[ConditionKind, dict[str, str]] = {}
        self._refused: dict[str, str] = {}
        self._jobs: dict[str, Mapping[str, object]] = {}

    def of(self, key: str) -> KeyHeartbeat:
        """The part of the key of this name."""
        return KeyHeartbeat(self, key)

    def report(self, kind: ConditionKind, key: str, why: str | None, *, late_s: float = 0.0) -> None:
        """Report a condition of this key; `why` None ends it."""
        if kind == "key":
            self._report_key(key, why, late_s)
            return
        reasons = self._reported.setdefault(kind, {})
        if why is not None:
            reasons[key] = why
        elif reasons.pop(key, None) is None:
            return
        if reasons:
            self.whole.degraded(kind, "; ".join(f"{name}: {reason}" for name, reason in reasons.items()), late_s=late_s)
        else:
            self.whole.condition_over(kind)

    def is_reported(self, kind: ConditionKind, key: str) -> bool:
        """Whether this key reports the condition."""
        return key in (self._refused if kind == "key" else self._reported.get(kind, {}))

    def job(self, key: str, fields: Mapping[str, object]) -> None:
        """Report what the job of this key says of its work."""
        self._jobs.pop(key, None)
        self._jobs[key] = fields
        self.whole.job(**merged(self._jobs.values()))

    def _report_key(self, key: str, why: str | None, late_s: float) -> None:
        """Report a key that is refused as a condition of its own, with its own beginning; of many the rest as one."""
        if why is not None:
            self._refused[key] = why
        elif self._refused.pop(key, None) is None:
            return
        else:
            self.whole.condition_over("key", of=key)
        apart = dict(list(self._refused.items())[:MOST_APART])
        for name, reason in apart.items():
            self.whole.degraded("key", reason, late_s=late_s, of=name)
        rest = [name for name in self._refused if name not in apart]
        if rest:
            self.whole.degraded("key", f"{len(rest)} more of the keys: {', '.join(rest)}")
        else:
            self.whole.condition_over("key")


class KeyHeartbeat:
    """The part of one key; see `tasks.runtime.beat.Beat`."""

    def __init__(self, board: KeyBoard, key: str) -> None:
        self._board = board
        self._key = key

    @property
    def progress(self) -> int:
        """Steps of all keys that were completed since the start."""
        return self._board.whole.progress

    @property
    def rows(self) -> Mapping[str, int]:
        """Rows of all keys that were written since the start, by table."""
        return self._board.whole.rows

    def ready(self) -> None:
        """Send that the worker is ready."""
        self._board.whole.ready()

    def phase(self, phase: Phase, detail: str = "", *, until_ns: int | None = None) -> None:
        """Set what is done now with this key, and by when it will be over at the latest."""
        self._board.whole.phase(phase, f"{self._key}: {detail}" if detail else self._key, until_ns=until_ns)

    def done(self) -> None:
        """Count one step completed."""
        self._board.whole.done()

    def wrote(self, *, deals: int = 0, products: int = 0, price_series: int = 0) -> None:
        """Count rows that are committed."""
        self._board.whole.wrote(deals=deals, products=products, price_series=price_series)

    def quarantined(self, kind: Kind, count: int = 1) -> None:
        """Count what was quarantined."""
        self._board.whole.quarantined(kind, count)

    def called(self, endpoint: str, status: int | None, seconds: float) -> None:
        """Count a call that ended."""
        self._board.whole.called(endpoint, status, seconds)

    def degraded(self, kind: ConditionKind, why: str, *, late_s: float = 0.0) -> None:
        """Report a condition that keeps this key from its work."""
        if kind in _OF_ALL:
            self._board.whole.degraded(kind, why, late_s=late_s)
        else:
            self._board.report(kind, self._key, why, late_s=late_s)

    def condition_over(self, kind: ConditionKind) -> None:
        """Report that the condition is over."""
        if kind in _OF_ALL:
            self._board.whole.condition_over(kind)
        else:
            self._board.report(kind, self._key, None)

    def is_degraded(self, kind: ConditionKind) -> bool:
        """Whether this condition has begun and is not over."""
        whole = self._board.whole
        return whole.is_degraded(kind) if kind in _OF_ALL else self._board.is_reported(kind, self._key)

    def job(self, **fields: object) -> None:
        """Set what the job of this key reports."""
        self._board.job(self._key, fields)


def merged(jobs: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """What the jobs of several keys report, the latest last, as one."""
    found: dict[str, object] = {}
    for fields in jobs:
        for name, value in fields.items():
            before = found.get(name, 0)
            if name in _OF_ONE_KEY:
                continue
            if name == "pace" and isinstance(value, dict) and isinstance(before, dict):
                found[name] = {**value, _OTHERS: before.get(_OTHERS, 0.0) + value.get(_OTHERS, 0.0)}
            elif name in _ADDED_UP and isinstance(value, int) and isinstance(before, int):
                found[name] = before + value
            else:
                found[name] = value
    return found
