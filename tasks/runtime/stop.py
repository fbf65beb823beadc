"""A stop flag that wakes its waiter at once, from a signal handler or from another thread.

`threading.Event` is no substitute: `set()` takes a lock, and a handler that runs while the main thread holds
that lock never returns. A handler here stores a boolean and writes one byte to a pipe that nobody ever
empties, so every later wait returns at once.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType


class StopFlag(Protocol):
    """What a job needs of a stop flag."""

    def is_set(self) -> bool:
        """Whether the flag is set."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until the flag is set, at most `timeout_s` seconds; whether it is."""


class Stop:
    """A flag that is set once and for all. One per process; safe in a signal handler and from any thread."""

    def __init__(self) -> None:
        self._set = False
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._write_fd, False)

    def set(self) -> None:
        """Set the flag; a waiter wakes at once. Again changes nothing."""
        if self._set:
            return
        self._set = True
        # When a byte is in the pipe already, or the pipe is closed, every wait returns at once anyway.
        with suppress(OSError):
            os.write(self._write_fd, b"x")

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._set

    def wait(self, timeout_s: float) -> bool:
        """Wait until the flag is set, at most `timeout_s` seconds; whether it is."""
        if not self._set and timeout_s > 0:
            # A poll object of its own: one cannot be used by two threads at once. It counts whole
            # milliseconds, and rounding up keeps a caller from spinning through the last one.
            poll = select.poll()
            poll.register(self._read_fd, select.POLLIN)
            poll.poll(int(timeout_s * 1000) + 1)
        return self._set

    def on(self, signals: Iterable[signal.Signals]) -> None:
        """Let these signals set the flag.

        Raises:
            ValueError: not called from the main thread.
        """

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.set()

        for number in signals:
            signal.signal(number, handle)

    def on_first(self, signals: Iterable[signal.Signals]) -> None:
        """Let the first of each of these signals set the flag; a second one ends the process as if nobody handled it.

        Raises:
            ValueError: not called from the main thread.
        """

        def handle(number: int, _frame: FrameType | None) -> None:
            self.set()
            signal.signal(number, signal.SIG_DFL)

        for number in signals:
            signal.signal(number, handle)

    def close(self) -> None:
        """Close the pipe. The flag keeps its value."""
        for fd in (self._read_fd, self._write_fd):
            with suppress(OSError):
                os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
