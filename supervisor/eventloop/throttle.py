"""Something that is asked for often and done seldom: at once after a quiet time, then not before a pause is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.eventloop.loop import Loop, Timer


class Paced:
    """Calls `do` from the loop, once however often it was asked meanwhile."""

    def __init__(self, loop: Loop, do: Callable[[], None], *, every_s: float) -> None:
        self._loop = loop
        self._do = do
        self._every_ns = round(every_s * NS_PER_S)
        self._timer: Timer | None = None
        self._next_ns = 0

    def ask(self, *, at_once: bool = False) -> None:
        """Have it done when the pause is over, or now."""
        if self._timer is not None and at_once:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            now_ns = self._loop.now_ns()
            self._timer = self._loop.at(now_ns if at_once else max(now_ns, self._next_ns), self._run)

    def _run(self) -> None:
        self._timer = None
        self._next_ns = self._loop.now_ns() + self._every_ns
        self._do()
