"""Lengths of time as people write and read them: 90m, 24h, 7d. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

EXPECTED: Final = "a length of time such as 90m, 24h, 7d or 4w"

_FORM: Final = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,3})?)([smhdw])")
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_MOST: Final = timedelta(days=36525)  # a hundred years: what is longer is a slip, and leaves the calendar
_TWO: Final = 2


def parse_duration(text: str) -> timedelta:
    """The length `text` tells.

    Raises:
        ValueError: it tells none, or one that is not above 0 or beyond a hundred years.
    """
    found = _FORM.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is not {EXPECTED}")
    seconds = float(found[1]) * _UNITS_S[found[2]]
    if not 0 < seconds <= _MOST.total_seconds():
        raise ValueError(f"{text!r} is not between a second and a hundred years")
    return timedelta(seconds=seconds)


def format_exact(span: timedelta) -> str:
    """The length as it would be written, in its largest unit that is whole: 36h, 7d."""
    seconds = round(span.total_seconds())
    for unit, length_s in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length_s == 0 and seconds:
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"


def format_age(span: timedelta) -> str:
    """How long ago, in one unit, never longer than four characters while below 99 years: 5s, 12m, 3h, 12d, 2y."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length_s in (("y", 365 * 86400), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= _TWO * length_s or (unit == "m" and seconds >= length_s):
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"


_MINUTE_S: Final = 60


_HOUR_S: Final = 3600


def format_duration(seconds: float) -> str:
    """A length of time: 5 s, 2 min 5 s, 3 h 12 min."""
    whole = round(max(0.0, seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def format_elapsed(seconds: float) -> str:
    """How long something lasted that did last: never nothing."""
    return format_duration(seconds) if round(seconds) else "less than 1 s"
