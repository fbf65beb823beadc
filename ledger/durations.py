"""Lengths of time as people write and read them. Pure.

Sentences have them in words with a space (`3 h 12 min`); columns and arguments have them short (`36h`).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

EXPECTED: Final = "a length of time such as 90m, 24h, 7d or 4w"

_PATTERN: Final = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,3})?)([smhdw])")
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86400
_UNITS_S: Final = {"s": 1, "m": _MINUTE_S, "h": _HOUR_S, "d": _DAY_S, "w": 7 * _DAY_S}
_LONGEST: Final = timedelta(days=36525)  # a hundred years: what is longer is a slip, and leaves the calendar
_TWO: Final = 2


def parse_duration(text: str) -> timedelta:
    """Read a length of time such as `90m`.

    Raises:
        ValueError: `text` is none, or is not between a second and a hundred years.
    """
    found = _PATTERN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is not {EXPECTED}")
    seconds = float(found[1]) * _UNITS_S[found[2]]
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is not between a second and a hundred years")
    return timedelta(seconds=seconds)


def format_exact(span: timedelta) -> str:
    """The length as people type it, in the largest unit of which it is a multiple: 36h, 7d."""
    seconds = round(span.total_seconds())
    for unit, length_s in (("d", _DAY_S), ("h", _HOUR_S), ("m", _MINUTE_S)):
        if seconds % length_s == 0 and seconds:
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"


def format_age(span: timedelta) -> str:
    """The age in one unit, in at most four characters while it is below 99 years: 5s, 12m, 3h, 12d, 2y."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length_s in (("y", 365 * _DAY_S), ("d", _DAY_S), ("h", _HOUR_S), ("m", _MINUTE_S)):
        if seconds >= _TWO * length_s or (unit == "m" and seconds >= length_s):
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"


def format_duration(seconds: float) -> str:
    """The length in words: 5 s, 2 min 5 s, 3 h 12 min."""
    whole = round(max(0.0, seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def format_elapsed(seconds: float) -> str:
    """The length in words of something that did last: never 0 s."""
    return format_duration(seconds) if round(seconds) else "less than 1 s"
