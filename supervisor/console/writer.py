"""The one thread that writes to the terminal or the log: lines, and the live view below them.

A reader that stops reading (Ctrl-S, a full pipe) blocks this thread and nobody else: lines wait in a bounded queue,
and what does not fit is counted.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from supervisor.report import Frame

_WAITING_LINES: Final = 10_000
_CLOSE_S: Final = 2.0


class Screen(Protocol):
    """Where lines and views end up. Used by the writer's thread alone."""

    def write(self, lines: Sequence[str]) -> None:
        """Show lines."""

    def draw(self, frame: Frame) -> None:
        """Show the latest state."""

    def close(self) -> None:
        """Nothing follows."""


class StreamScreen:
    """Lines on a stream, no view."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: Sequence[str]) -> None:
        """Write and flush; a reader that is gone cannot be told."""
        with suppress(OSError, ValueError):
            self._stream.write("".join(line + "\n" for line in lines))
            self._stream.flush()

    def draw(self, frame: Frame) -> None:
        """There is no view on a plain stream."""

    def close(self) -> None:
        """The stream belongs to the process."""


class ConsoleWriter:
    """Takes lines and frames from any thread, never blocks, and shows them in order."""

    def __init__(self, make_screen: Callable[[], Screen]) -> None:
        """Start the thread; `make_screen` runs in it, so that a slow import delays nobody."""
        self._changed = threading.Condition()
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._frame: Frame | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, args=(make_screen,), name="console", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Show a line."""
        with self._changed:
            if len(self._lines) >= _WAITING_LINES:
                self._dropped += 1
                return
            self._lines.append(line)
            self._changed.notify()

    def show(self, frame: Frame) -> None:
        """Show a state; one that was not drawn yet is replaced."""
        with self._changed:
            self._frame = frame
            self._changed.notify()

    def close(self) -> None:
        """Show what waits and end; a reader that does not read is given two seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_CLOSE_S)

    def _work(self, make_screen: Callable[[], Screen]) -> None:
        screen = make_screen()
        while True:
            with self._changed:
                while not (self._lines or self._frame is not None or self._closing):
                    self._changed.wait()
                lines, self._lines = list(self._lines), deque()
                frame, self._frame = self._frame, None
                dropped, self._dropped = self._dropped, 0
                closing = self._closing
            if dropped:
                lines.append(f"{dropped} lines were dropped here: nobody read them in time")
            if lines:
                screen.write(lines)
            if frame is not None:
                screen.draw(frame)
            if closing:
                screen.close()
                return
