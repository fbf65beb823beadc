"""Reads what a child writes: lines of JSON on its status pipe, and anything at all on its output.

Both are read as they come and without ever blocking; what is not understood is logged and dropped. Memory is bounded
whatever the other side writes: a line longer than the limit is cut, and says so, and a flood of lines becomes a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ledger import NS_PER_S
from supervisor.process.child import read_available
from supervisor.process.heartbeat import Heartbeat
from tasks.errors import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.eventloop.loop import Loop
    from supervisor.process.child import Child

DEEPEST: Final = 32  # lists and objects within each other; what we write has four
LINE_LIMIT: Final = 256 * 1024  # bytes; above the 64 KiB a log line of a worker may have


_LAST_READS: Final = 64  # 4 MiB: a grandchild that still floods the pipe of a dead child cannot hold us
_SHOWN: Final = 200  # characters of a line that makes no sense


class Announcement(msgspec.Struct, frozen=True, tag_field="event", tag="ready", kw_only=True):
    """A child is ready; a simulator also says where."""

    pid: int | None = None
    url: str | None = None


class BeatLine(Heartbeat, frozen=True, tag_field="event", tag="beat", kw_only=True):
    """A beat as it comes through the pipe."""


_TOO_DEEP: Final = f"its lists and objects are nested deeper than {DEEPEST} levels"
_STATUS: Final = msgspec.json.Decoder(Announcement | BeatLine)


class Listener(Protocol):
    """Who receives what a child writes: its slot."""

    def on_ready_line(self, announcement: Announcement) -> None:
        """The child reports that it is in service."""

    def on_heartbeat_line(self, beat: Heartbeat) -> None:
        """The child reports what it is doing."""

    def on_output_line(self, line: str) -> None:
        """The child wrote a line."""

    def on_unreadable_line(self, what: str, **fields: object) -> None:
        """Something that the child wrote was dropped."""


class Pipes:
    """The two pipes of one child, watched by the loop until `close`."""

    def __init__(self, child: Child, loop: Loop, listener: Listener) -> None:
        self._child = child
        self._loop = loop
        self._listener = listener
        self._status = Lines()
        self._output = Lines()
        self._limiter = FloodLimiter()
        loop.watch(child.status_fd, self._read_status)
        loop.watch(child.output_fd, self._read_output)

    def read_last_lines(self) -> None:
        """Read what a dead child had still written: its traceback is there."""
        for read in (self._read_output, self._read_status):
            for _ in range(_LAST_READS):
                if not read():
                    break
        for line in self._output.end():
            self._take_output(line)
        self._report_held_back()

    def close(self) -> None:
        """Stop watching; the descriptors are the child's to close."""
        self._loop.forget(self._child.status_fd)
        self._loop.forget(self._child.output_fd)

    def _read_status(self) -> bool:
        return self._read(self._child.status_fd, self._status, self._take_status)

    def _read_output(self) -> bool:
        return self._read(self._child.output_fd, self._output, self._take_output)

    def _read(self, fd: int, lines: Lines, take: Callable[[str], None]) -> bool:
        """Whether anything was there; at the end of the stream it is no longer watched."""
        data = read_available(fd)
        if data == b"":
            self._loop.forget(fd)
        for line in lines.feed(data) if data else []:
            take(line)
        return bool(data)

    def _take_status(self, line: str) -> None:
        try:
            message = _decode(line)
        except msgspec.DecodeError as error:
            self._listener.on_unreadable_line("status_unreadable", reason=plain(error), line=line[:_SHOWN])
            return
        if isinstance(message, Announcement):
            self._listener.on_ready_line(message)
        else:
            self._listener.on_heartbeat_line(message)

    def _take_output(self, line: str) -> None:
        if self._limiter.lets_through(self._loop.now_ns()):
            self._report_held_back()
            self._listener.on_output_line(line)

    def _report_held_back(self) -> None:
        count = self._limiter.take_held_back()
        if count:
            self._listener.on_unreadable_line("lines_dropped", count=count)


def _decode(line: str) -> Announcement | BeatLine:
    """The message in a line of the status pipe.

    Raises:
        msgspec.DecodeError: it is not one, or is nested too deeply.
    """
    try:
        message: Announcement | BeatLine = _STATUS.decode(line)
    except RecursionError:
        raise msgspec.DecodeError(_TOO_DEEP) from None
    if isinstance(message, BeatLine) and is_deep(message.job):
        raise msgspec.DecodeError(_TOO_DEEP)
    return message


def is_deep(value: object, levels: int = DEEPEST) -> bool:
    """Whether lists and objects are nested deeper than `levels`: it could be read, but perhaps not be written."""
    match value:
        case dict():
            inside = list(value.values())
        case list():
            inside = value
        case _:
            return False
    return levels == 0 or any(is_deep(one, levels - 1) for one in inside)


class Lines:
    """Splits a stream of bytes into lines."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._cut = 0

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, without their ends."""
        *whole, rest = data.split(b"\n")
        lines = []
        for part in whole:
            self._keep(part)
            lines.append(self._take())
        self._keep(rest)
        return lines

    def end(self) -> list[str]:
        """What is left at the end of the stream, if anything."""
        return [self._take()] if self._rest else []

    def _keep(self, part: bytes) -> None:
        room = max(0, self._limit - len(self._rest))
        self._rest += part[:room]
        self._cut += max(0, len(part) - room)

    def _take(self) -> str:
        text = self._rest.decode("utf-8", "replace").rstrip("\r")
        if self._cut:
            text += f" [{self._cut} bytes cut]"
        self._rest.clear()
        self._cut = 0
        return text


class FloodLimiter:
    """Lets a burst of lines through and then so many a second; counts what it holds back.

    A child is never blocked by it: its pipe is read all the same. It bounds what one child's lines cost, whatever they
    say, before they are parsed; `supervisor.logs.repeats` counts equal records, few or many, of all children.
    """

    def __init__(self, *, burst: int = 500, rate_per_s: float = 50.0) -> None:
        self._burst = burst
        self._rate_per_s = rate_per_s
        self._room = float(burst)
        self._seen_ns: int | None = None
        self._held_back = 0

    def lets_through(self, now_ns: int) -> bool:
        """Whether a line at `now_ns` may pass; if not it is counted."""
        if self._seen_ns is not None:
            passed_s = (now_ns - self._seen_ns) / NS_PER_S
            self._room = min(float(self._burst), self._room + passed_s * self._rate_per_s)
        self._seen_ns = now_ns
        if self._room < 1:
            self._held_back += 1
            return False
        self._room -= 1
        return True

    def take_held_back(self) -> int:
        """How many lines were held back since this was last asked."""
        count, self._held_back = self._held_back, 0
        return count
