"""Bytes from a pipe become lines, and a flood of lines becomes a number.

Memory is bounded whatever the other side writes: a line longer than the limit is cut, and says so.
"""

from __future__ import annotations

from typing import Final

from ledger import NS_PER_S

DEEPEST: Final = 32  # lists and objects within each other; what we write has four
LINE_LIMIT: Final = 256 * 1024  # bytes; above the 64 KiB a log line of a worker may have


def is_deep(value: object, levels: int = DEEPEST) -> bool:
    """Whether lists and objects lie in each other deeper than `levels`: reading that took, writing it may not."""
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


class Valve:
    """Lets a burst of lines through and then so many a second; counts what it holds back.

    A child is never blocked by it: its pipe is read all the same.
    """

    def __init__(self, *, burst: int = 500, rate_per_s: float = 50.0) -> None:
        self._burst = burst
        self._rate_per_s = rate_per_s
        self._room = float(burst)
        self._seen_ns: int | None = None
        self._held = 0

    def lets_through(self, now_ns: int) -> bool:
        """Whether a line at `now_ns` may pass; if not it is counted."""
        if self._seen_ns is not None:
            passed_s = (now_ns - self._seen_ns) / NS_PER_S
            self._room = min(float(self._burst), self._room + passed_s * self._rate_per_s)
        self._seen_ns = now_ns
        if self._room < 1:
            self._held += 1
            return False
        self._room -= 1
        return True

    def take_held(self) -> int:
        """How many lines were held back since this was last asked."""
        held, self._held = self._held, 0
        return held
