"""Writes lines, and the live view below them, to the terminal in one thread.

A terminal that stops reading (Ctrl-S, a full pipe) blocks this thread and nothing else: lines wait in a bounded queue,
and lines that do not fit are dropped and counted.
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
    """Shows lines and views. Only the thread of the writer uses it."""

    def write(self, lines: Sequence[str]) -> None:
        """Show lines."""

    def draw(self, frame: Frame) -> None:
        """Show the latest state."""

    def close(self) -> None:
        """Show no more."""


class StreamScreen:
    """Writes lines to a stream, and draws no view."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: Sequence[str]) -> None:
        """Write and flush; nothing can be done where nobody reads any more."""
        with suppress(OSError, ValueError):
            self._stream.write("".join(line + "\n" for line in lines))
            self._stream.flush()

    def draw(self, frame: Frame) -> None:
        """Do nothing: a plain stream has no view."""

    def close(self) -> None:
        """Do nothing: the stream belongs to the process."""


class ConsoleWriter:
    """Takes lines and frames from any thread, never blocks, and shows them in order."""

    def __init__(self, make_screen: Callable[[], Screen]) -> None:
        """Start the thread; `make_screen` runs in it, so that a slow import delays nobody."""
        self._condition = threading.Condition()
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._frame: Frame | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, args=(make_screen,), name="console", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Show a line."""
        with self._condition:
            if len(self._lines) >= _WAITING_LINES:
                self._dropped += 1
                return
            self._lines.append(line)
            self._condition.notify()

    def show(self, frame: Frame) -> None:
        """Show a state; one that was not drawn yet is replaced."""
        with self._condition:
            self._frame = frame
            self._condition.notify()

    def close(self) -> None:
        """Show the lines that wait and end; a terminal that does not read is given two seconds."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(_CLOSE_S)

    def _run(self, make_screen: Callable[[], Screen]) -> None:
        screen = make_screen()
        while True:
            with self._condition:
                while not (self._lines or self._frame is not None or self._closing):
                    self._condition.wait()
                lines, self._lines = list(self._lines), deque()
                frame, self._frame = self._frame, None
                dropped, self._dropped = self._dropped, 0
                closing = self._closing
            if dropped:
                lines.append(f"{dropped} lines were dropped here, because the terminal did not read them in time")
            if lines:
                screen.write(lines)
            if frame is not None:
                screen.draw(frame)
            if closing:
                screen.close()
                return
