"""The second reader: a JSON value that the strict one refuses, made good where a person would know what is meant. Pure.

Bytes that are not text and escapes that stand for no character become U+FFFD, numbers that are not finite become null.
Each kind of fault is named. What is not JSON in any other way is refused here too.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

import msgspec

# What reading a value may raise, whatever the value is. (msgspec's own errors are `ValueError`s.)
UNREADABLE: Final = (ValueError, OverflowError, RecursionError)

NOT_UTF8: Final = "bytes that are not UTF-8"
BAD_ESCAPE: Final = "an escape that stands for no character"
CONTROL: Final = "a control character in a text"
NOT_FINITE: Final = "a number that is not finite"
NUL: Final = "a NUL character in a text, which PostgreSQL cannot store"
LONG_NUMBER: Final = "a number with too many digits"

_MOST_DIGITS: Final = 640  # what Python reads under whatever limit is set (sys.int_info.str_digits_check_threshold)
_ESCAPE: Final = re.compile(
    r"""\\(?:(?P<good>["\\/bfnrt]
        | u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}  # both halves of a pair
        | u(?![dD][89a-fA-F])[0-9a-fA-F]{4})
    | u[0-9a-fA-F]{0,4} | . | $)""",
    re.VERBOSE | re.DOTALL,
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_UNKNOWN: Final = "\ufffd"
_NUL: Final = rb"\u0000"
_BACKSLASH: Final = b"\\"
_MANY: Final = 1_000  # backslashes; with more of them the text itself is found in less time
_ANY_ESCAPE: Final = re.compile(rb"\\(?:u0000|.)", re.DOTALL)


def without_nul(raw: bytes) -> bytes:
    """Return the JSON with U+FFFD for each escaped NUL, which PostgreSQL stores in no text."""
    return _ANY_ESCAPE.sub(lambda found: b"\\ufffd" if found.group() == _NUL else found.group(), raw)


def has_nul(raw: bytes) -> bool:
    """Whether an escaped NUL may be in it.

    Backslashes are found by the C library many times as fast as a longer text, and a body of numbers has few of them.
    """
    at = raw.find(_BACKSLASH)
    for _ in range(_MANY):
        if at < 0 or raw.startswith(_NUL, at):
            return at >= 0
        at = raw.find(_BACKSLASH, at + 1)
    return raw.find(_NUL, at) >= 0 if at >= 0 else False


def mended(raw: bytes) -> tuple[bytes, set[str]]:
    """Return the value as strict JSON, and its faults.

    Raises:
        ValueError: it is not JSON, or not all of it.
        RecursionError: it is nested too deeply.
    """
    reader = _Reader()
    return msgspec.json.encode(reader.value(raw)), reader.faults


class _Reader:
    """Reads one value, and collects its `faults`."""

    def __init__(self) -> None:
        self.faults: set[str] = set()
        self._json = json.JSONDecoder(
            strict=False, parse_constant=self._none, parse_float=self._real, parse_int=self._whole
        )

    def value(self, raw: bytes) -> object:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode(errors="replace")
            self.faults.add(NOT_UTF8)
        text, controls = _CONTROL.subn(_UNKNOWN, text)
        if controls:
            self.faults.add(CONTROL)
        value: object = self._json.decode(_ESCAPE.sub(self._escape, text))
        return value

    def _escape(self, found: re.Match[str]) -> str:
        if found.group("good"):
            return found.group()
        self.faults.add(BAD_ESCAPE)
        return _UNKNOWN

    def _none(self, _digits: str) -> None:
        self.faults.add(NOT_FINITE)

    def _real(self, digits: str) -> float | None:
        number = float(digits)
        if math.isfinite(number):
            return number
        self.faults.add(NOT_FINITE)
        return None

    def _whole(self, digits: str) -> int | str:
        if len(digits) <= _MOST_DIGITS:
            return int(digits)
        self.faults.add(LONG_NUMBER)
        return digits
