"""Writes the heartbeats of a worker: a line of JSON when something changed, at most one a second otherwise.

A beat is written by the loop that does the work, never by a thread beside it: a live thread next to a stuck
loop would report health for ever. `progress` counts completed steps. `until_ns` promises when the present wait
ends at the latest, so that a worker that waits an hour for tokens is not taken for hung.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from msgspec import structs

from ledger import NS_PER_S
from tasks.errors import clean
from tasks.runtime.call_stats import CallStats
from tasks.runtime.condition import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger import Clock
    from tasks.runtime.condition import ConditionKind
    from tasks.store.quarantine import Kind

Phase = Literal[
    "starting",
    "polling",
    "calling",
    "writing",
    "waiting_tokens",
    "waiting_poll",
    "waiting_work",
    "replaying",
    "stopping",
]

BEAT_NS: Final = NS_PER_S
WHY_LIMIT: Final = 160  # characters of a condition, of which there are a few at a time
DETAIL_LIMIT: Final = 300  # characters; a line must stay below PIPE_BUF (4,096 bytes) to be written whole or not at all


class PipeSink:
    """Writes each message as a line to a pipe, and drops it when the pipe is full or nobody reads."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)

    def __call__(self, message: Mapping[str, object]) -> None:
        """Write one line, whole or not at all."""
        line = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        try:
            os.write(self._fd, line)
        except (BlockingIOError, BrokenPipeError):
            return  # A later beat says the same and more.


class HeartbeatWriter:
    """Keeps the present state of one worker, and sends it as a heartbeat to `sink`, which must not block."""

    def __init__(self, sink: Callable[[Mapping[str, object]], None], clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._phase: Phase = "starting"
        self._detail = ""
        self._until_ns: int | None = None
        self._progress = 0
        self._rows = {"deals": 0, "products": 0, "price_series": 0, "quarantine": 0}
        self._refused: dict[str, int] = {}
        self._calls = CallStats()
        self._job: dict[str, object] = {}
        self._conditions: dict[str, Condition] = {}
        self._sent_ns: int | None = None
        self._is_ready = False

    @property
    def progress(self) -> int:
        """Steps completed since the start."""
        return self._progress

    @property
    def rows(self) -> Mapping[str, int]:
        """Rows written since the start, by table."""
        return self._rows

    def ready(self) -> None:
        """Send that the worker is ready; once, however often it is called."""
        if not self._is_ready:
            self._is_ready = True
            self._sink({"event": "ready", "pid": os.getpid()})

    def phase(self, phase: Phase, detail: str = "", *, until_ns: int | None = None) -> None:
        """Set what the worker does now, and by when it will be over at the latest if that is promised."""
        is_new = phase != self._phase or until_ns != self._until_ns
        self._phase, self._detail, self._until_ns = phase, clean(detail)[:DETAIL_LIMIT], until_ns
        self._send(at_once=is_new)

    def done(self) -> None:
        """Count one step completed."""
        self._progress += 1
        self._send(at_once=False)

    def wrote(self, *, deals: int = 0, products: int = 0, price_series: int = 0) -> None:
        """Count rows that are committed."""
        self._rows["deals"] += deals
        self._rows["products"] += products
        self._rows["price_series"] += price_series

    def quarantined(self, kind: Kind, count: int = 1) -> None:
        """Count what was quarantined and committed there, by its kind."""
        if count:
            self._rows["quarantine"] += count
            self._refused[kind] = self._refused.get(kind, 0) + count

    def called(self, endpoint: str, status: int | None, seconds: float) -> None:
        """Count a call that ended after `seconds`; `status` is None when no reply came."""
        self._calls.count(endpoint, status, seconds)

    def degraded(self, kind: ConditionKind, why: str, *, late_s: float = 0.0, of: str = "") -> None:
        """Send at once that this condition has kept the worker from its work, for `late_s` seconds by now.

        A condition that goes on keeps its beginning and gets the new reason. One `of` a key stands by itself.
        """
        name = f"{kind} {of}" if of else kind
        before, words = self._conditions.get(name), clean(why)[:WHY_LIMIT]
        since = (datetime.now(UTC) - timedelta(seconds=late_s)).isoformat(timespec="milliseconds")
        condition = Condition(kind=name, since=since, why=words, late_s=round(late_s, 3))
        self._conditions[name] = condition if before is None else structs.replace(before, why=words)
        if before is None:
            self._send(at_once=True)

    def condition_over(self, kind: ConditionKind, *, of: str = "") -> None:
        """Send at once that this condition is over; nothing happens when it never began."""
        if self._conditions.pop(f"{kind} {of}" if of else kind, None) is not None:
            self._send(at_once=True)

    def is_degraded(self, kind: ConditionKind) -> bool:
        """Whether this condition has begun and is not over."""
        return kind in self._conditions

    def job(self, **fields: object) -> None:
        """Set what the job itself reports: done, total, rate_per_min, eta_s, dropped."""
        self._job = fields

    def _send(self, *, at_once: bool) -> None:
        now_ns = self._clock.now_ns()
        if not at_once and self._sent_ns is not None and now_ns - self._sent_ns < BEAT_NS:
            return
        self._sent_ns = now_ns
        self._sink(
            {
                "event": "beat",
                "phase": self._phase,
                "progress": self._progress,
                "until_ns": self._until_ns,
                "detail": self._detail,
                "rows": dict(self._rows),
                "refused": dict(self._refused),
                "calls": self._calls.as_message(),
                "job": dict(self._job),
                "conditions": [
                    {"kind": one.kind, "since": one.since, "why": one.why, "late_s": one.late_s}
                    for one in self._conditions.values()
                ],
            }
        )
