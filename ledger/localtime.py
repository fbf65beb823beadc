"""How times are written for people: the time of this machine, with its distance from UTC as a mark.

One rule for every text of the program: local time and a mark for people (`18:43:29+01`, `Z` where it is UTC itself),
ISO 8601 in UTC in JSON and CSV. The mark is the short form of ISO 8601; its minutes are left out when they are 0.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import tzinfo

_DAY_S: Final = 86_400
_UNKNOWN: Final = "--:--:--"


def clock(at: datetime, zone: tzinfo | None = None, *, has_ms: bool = False) -> str:
    """The time of day: `18:43:29+01`, and `18:43:29.667+01` with milliseconds."""
    local = at.astimezone(zone)
    return f"{local.time().isoformat(timespec='milliseconds' if has_ms else 'seconds')}{mark(local)}"


def clock_of(text: str, zone: tzinfo | None = None, *, has_ms: bool = False) -> str:
    """The time of day of a moment written in ISO 8601; dashes when `text` is none."""
    try:
        return clock(datetime.fromisoformat(text), zone, has_ms=has_ms)
    except (ValueError, OverflowError):
        return _UNKNOWN


def near(at: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """The time of day within a day of `now`; otherwise the date with the minute."""
    return clock(at, zone) if abs((at - now).total_seconds()) < _DAY_S else minute(at, zone)


def minute(at: datetime, zone: tzinfo | None = None) -> str:
    """The date and the minute: `2026-11-24 18:43+01`."""
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}{mark(local)}"


def day(at: datetime, zone: tzinfo | None = None) -> str:
    """The date here: `2026-11-24`."""
    return f"{at.astimezone(zone):%Y-%m-%d}"


def utc(at: datetime) -> str:
    """The moment for programs, to the second: `2026-11-24T17:43:29Z`."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def mark(local: datetime) -> str:
    """How far a local time is from UTC: `Z`, `+01`, `-03:30`."""
    offset = local.utcoffset() or timedelta()
    if not offset:
        return "Z"
    text = str(timezone(offset))[len("UTC") :]
    return text.removesuffix(":00")
