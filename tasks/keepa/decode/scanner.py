"""Finds where a value ends and which fields an object has in JSON that is spoilt in part, by its tokens alone. Pure.

A parser gives up at the first wrong token, and with it what stands before and after. This one only needs strings to
end and brackets to match, so it gets past numbers, words and escapes that nobody can read; it keeps its brackets on a
stack of its own, so no depth is too deep for it. It reads a few megabytes a second: it is for what has failed already.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TOKEN: Final = re.compile(
    rb"""[ \t\r\n]*(?:
    (?P<text>"[^"\\]*(?:\\.[^"\\]*)*")
    | (?P<flat>\[[-+0-9.eE, \t\r\n]*\])  # a list of numbers as a whole, for they are most of a body
    | (?P<list>\[) | (?P<object>\{) | (?P<unlist>\]) | (?P<unobject>\}) | (?P<comma>,) | (?P<colon>:)
    | (?P<word>[-+.0-9A-Za-z_]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_BLANK: Final = re.compile(rb"[ \t\r\n]*")
_VALUE: Final = {"text": "after", "flat": "after", "word": "after", "list": "first", "object": "first key"}
# What may come next, and what may come after that.
_NEXT: Final[dict[str, dict[str, str]]] = {
    "value": _VALUE,
    "first": _VALUE | {"unlist": "after"},
    "first key": {"text": "colon", "unobject": "after"},
    "key": {"text": "colon"},
    "colon": {"colon": "value"},
    "after": {"comma": "comma", "unlist": "after", "unobject": "after"},
}
_CLOSES: Final = {"unlist": "list", "unobject": "object"}


class Lost(ValueError):
    """From byte `at` on it is unclear where the next value begins."""

    def __init__(self, at: int) -> None:
        super().__init__(f"it is not JSON from byte {at} on")
        self.at = at


def blank(data: bytes, at: int) -> int:
    """Where the next token begins."""
    found = _BLANK.match(data, at)
    return at if found is None else found.end()


def end(data: bytes, at: int) -> int:
    """Return where the value that begins at `at` ends.

    Raises:
        Lost: its strings or brackets do not close as they should.
    """
    return _walk(data, at, _forget)


def closing(data: bytes, at: int, around: Sequence[str]) -> int:
    """Return where the outermost bracket closes that is open at `at`, behind a value; `around` are the open ones.

    Raises:
        Lost: they do not close as they should.
    """
    return _walk(data, at, _forget, around)


def fields(data: bytes, at: int = 0) -> dict[bytes, bytes]:
    """Return the fields of the object at `at`: the text between the quotes of each name, and the bytes of its value.

    Of two fields of one name the later counts.

    Raises:
        Lost: it is no object, or not all of one.
    """
    found: dict[bytes, bytes] = {}

    def keep(name: bytes, start: int, stop: int) -> None:
        found[name] = data[start:stop].strip(b" \t\r\n")

    at = blank(data, at)
    if data[at : at + 1] != b"{":
        raise Lost(at)
    _walk(data, at, keep)
    return found


def names(data: bytes, at: int) -> tuple[set[bytes], int]:
    """Return the names of the fields of the object at `at`, as between their quotes, and where the object ends.

    Raises:
        Lost: it is no object, or not all of one.
    """
    found: set[bytes] = set()
    stop = _walk(data, at, lambda name, _start, _end: found.add(name))
    return found, stop


def elements(data: bytes, at: int = 0) -> list[bytes]:
    """Return the bytes of each element of the list at `at`.

    Raises:
        Lost: it is no list, or not all of one.
    """
    found: list[bytes] = []
    at = blank(data, at)
    if data[at : at + 1] != b"[":
        raise Lost(at)
    at = blank(data, at + 1)
    while data[at : at + 1] != b"]":
        stop = end(data, at)
        found.append(data[at:stop])
        at = blank(data, stop)
        if data[at : at + 1] == b",":
            at = blank(data, at + 1)
        elif data[at : at + 1] != b"]":
            raise Lost(at)
    return found


def _forget(_name: bytes, _start: int, _end: int) -> None:
    """Keep no field."""


def _walk(data: bytes, at: int, keep: Callable[[bytes, int, int], None], around: Sequence[str] = ()) -> int:
    """Return where the value ends. `keep` gets each field of the value itself: its name, its start and its end."""
    stack = list(around)
    state, name, start = "after" if stack else "value", b"", at
    while True:
        token = _TOKEN.match(data, at)
        kind = "" if token is None else token.lastgroup or ""
        follows = _NEXT[state].get(kind)
        if token is None or follows is None:
            raise Lost(at)
        if len(stack) == 1 and stack[0] == "object":
            if follows == "colon":
                name = token.group("text")[1:-1]
            elif kind == "colon":
                start = token.end()
            elif kind in {"comma", "unobject"} and state == "after":
                keep(name, start, token.start())
        at = token.end()
        state = _turned(stack, kind, follows, at)
        if state == "after" and not stack:
            return at


def _turned(stack: list[str], kind: str, follows: str, at: int) -> str:
    """Return what may come next, after brackets that open and close.

    Raises:
        Lost: a bracket closes what another kind has opened.
    """
    if kind in {"list", "object"}:
        stack.append(kind)
    elif kind in _CLOSES and (not stack or stack.pop() != _CLOSES[kind]):
        raise Lost(at)
    elif kind == "comma":
        return "key" if stack[-1] == "object" else "value"
    return follows
