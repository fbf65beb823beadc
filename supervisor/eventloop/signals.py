"""Turns signals into calls in the loop. Their handler is one call into C, and the loop does the rest.

A handler written in Python can be interrupted by the next signal before its first line, and that one by the next: a
flood of them would go beyond the limit of recursion, and the error would end the run. Nor may a handler log: it would
wait for a lock its own thread holds. The number is kept in memory because a pipe can be full, and the wake comes from C
as well (`set_wakeup_fd`) because the signal may reach another thread.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from supervisor.eventloop.loop import Loop

_DRAIN_BYTES: Final = 4_096


class Signals:
    """While entered, the signals of `numbers` are handed to `call` by the loop; one that comes again meanwhile is one.

    A signal that comes before a deadline of the loop is handed over before it, however late the loop is. Of several at
    once those go first that stand first in `numbers`.
    """

    def __init__(self, loop: Loop, call: Callable[[signal.Signals], None], numbers: tuple[signal.Signals, ...]) -> None:
        self._loop = loop
        self._call = call
        self._numbers = numbers
        self._pending: dict[int, FrameType | None] = {}
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._wakeup_before = -1
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self._write_fd, False)

    def __enter__(self) -> Self:
        """Install the handlers.

        Raises:
            ValueError: not called from the main thread.
        """
        self._wakeup_before = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        self._loop.watch(self._read_fd, self._hand_over)
        for number in self._numbers:
            self._before[number] = signal.signal(number, self._pending.setdefault)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._wakeup_before)
        self._loop.forget(self._read_fd)
        os.close(self._read_fd)
        os.close(self._write_fd)

    def _hand_over(self) -> None:
        # The pipe first: what comes after this has a byte of its own.
        with suppress(BlockingIOError):
            while len(os.read(self._read_fd, _DRAIN_BYTES)) == _DRAIN_BYTES:
                pass
        # Nothing goes through the dict itself: a signal between two steps of that would change it meanwhile.
        while came := [number for number in self._numbers if number in self._pending]:
            del self._pending[came[0]]
            self._call(came[0])
