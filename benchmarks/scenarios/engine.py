"""Virtual time: processes that rest until a moment or an event, run in order of time by one loop."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator

    from ledger import ManualClock

NS_PER_S = 1_000_000_000
SERVER, CLIENT = 0, 1  # who goes first at one and the same moment


class Rest(NamedTuple):
    """Sleep until then; with `wakes`, or until somebody else's call has ended."""

    until_ns: int
    wakes: bool = False


class _Task:
    __slots__ = ("process", "rank", "turn", "wakes")

    def __init__(self, process: Generator[Rest, None, None], rank: int) -> None:
        self.process = process
        self.rank = rank
        self.turn = 0  # grows with each resumption, so that an older date in the heap is void
        self.wakes = False


class Engine:
    """The loop. Equal times run by rank, then in the order they were asked for, so a run is the same every time."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._heap: list[tuple[int, int, int, int, _Task]] = []
        self._asked = 0
        self._tasks: list[_Task] = []

    def start(self, process: Generator[Rest, None, None], rank: int = CLIENT) -> None:
        """Let `process` begin now."""
        task = _Task(process, rank)
        self._tasks.append(task)
        self._push(task, self._clock.now_ns())

    def notify(self) -> None:
        """A call has ended: who rests with `wakes` looks again now."""
        for task in self._tasks:
            if task.wakes:
                task.wakes = False
                task.turn += 1
                self._push(task, self._clock.now_ns())

    def run(self, until_ns: int) -> None:
        """Go on until that time; what is due later is left undone."""
        while self._heap and self._heap[0][0] < until_ns:
            at_ns, _, _, turn, task = heapq.heappop(self._heap)
            if turn == task.turn:
                self._clock.advance_to_ns(at_ns)
                self._resume(task)
        self._clock.advance_to_ns(until_ns)

    def _resume(self, task: _Task) -> None:
        task.turn += 1
        task.wakes = False
        rest = next(task.process)
        task.wakes = rest.wakes
        self._push(task, max(rest.until_ns, self._clock.now_ns()))

    def _push(self, task: _Task, at_ns: int) -> None:
        self._asked += 1
        heapq.heappush(self._heap, (at_ns, task.rank, self._asked, task.turn, task))
