"""Answers that are given later: when what was asked for is done, or when that has taken too long."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from supervisor.control.protocol import Answer
from tasks.errors import EXIT_TRY_LATER

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.eventloop.loop import Loop, Timer


class Promises:
    """The orders that are under way."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._open: list[_Promise] = []

    def add(self, done: Callable[[], Answer | None], tell: Callable[[Answer], object], *, limit_s: float) -> None:
        """Call `tell` once: with the answer of `done` as soon as it has one, or after `limit_s` seconds."""
        promise = _Promise(done, tell)
        words = f"begun, but not done after {limit_s:.0f} s: see `sluicegate status`"
        promise.timer = self._loop.after(limit_s, partial(promise.end, Answer(code=EXIT_TRY_LATER, words=words)))
        self._open.append(promise)
        self.look()

    def look(self) -> None:
        """Something is new: keep what can be kept by now."""
        for promise in [promise for promise in self._open if promise.is_open]:
            promise.look()
        self._open = [promise for promise in self._open if promise.is_open]


class _Promise:
    def __init__(self, done: Callable[[], Answer | None], tell: Callable[[Answer], object]) -> None:
        self.is_open = True
        self.timer: Timer | None = None
        self._done = done
        self._tell = tell

    def look(self) -> None:
        said = self._done()
        if said is not None:
            self.end(said)

    def end(self, said: Answer) -> None:
        if self.is_open:
            self.is_open = False
            if self.timer is not None:
                self.timer.cancel()
            self._tell(said)
