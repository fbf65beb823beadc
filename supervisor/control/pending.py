"""Orders that take their time: each is answered once, when it is carried out or has taken too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.durations import format_duration
from supervisor.control.protocol import Answer
from tasks.errors import EXIT_TRY_LATER

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.eventloop.loop import Loop, Timer


@dataclass(frozen=True, slots=True, eq=False)
class _PendingAnswer:
    done: Callable[[], Answer | None]
    reply: Callable[[Answer], object]
    timer: Timer


class PendingAnswers:
    """Orders that are being carried out, each with the reply it is owed."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._pending: list[_PendingAnswer] = []

    def add(self, done: Callable[[], Answer | None], reply: Callable[[Answer], object], *, limit_s: float) -> None:
        """Call `reply` once: with the answer of `done` as soon as that gives one, or after `limit_s` seconds."""
        words = f"started, but not done after {format_duration(limit_s)}: see `sluicegate status`"
        timer = self._loop.after(limit_s, lambda: self._end(pending, Answer(code=EXIT_TRY_LATER, words=words)))
        pending = _PendingAnswer(done, reply, timer)
        self._pending.append(pending)
        self.check()

    def check(self) -> None:
        """Reply to each order that is carried out by now; called when anything in the run has changed."""
        for pending in [*self._pending]:
            answer = pending.done()
            if answer is not None:
                self._end(pending, answer)

    def _end(self, pending: _PendingAnswer, answer: Answer) -> None:
        if pending in self._pending:  # a reply writes the report, and so may have made another check
            self._pending.remove(pending)
            pending.timer.cancel()
            pending.reply(answer)
