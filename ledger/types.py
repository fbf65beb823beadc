"""The values that callers of the ledger see. This imports nothing of ours."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

NS_PER_S: Final = 1_000_000_000
_DAY_MIN: Final = 24 * 60
# 24 is the end of the day, with no minutes behind it.
_HOURS: Final = re.compile(r"([01]?\d|2[0-3]|24(?!:))(?::([0-5]\d))?-([01]?\d|2[0-3]|24(?!:))(?::([0-5]\d))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reply says of the bucket: tokens after its call, tokens a tick, ms to the next tick, server time."""

    tokens_left: int
    refill_rate: int
    refill_in_ms: int
    server_ms: int
    flow_reduction: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long a request waits: `until_ns` if nobody else acts, `latest_ns` whatever they do (ns of the clock).

    None means that only an event can tell: there is no reading yet, or open calls hold what is needed.
    """

    until_ns: int | None
    latest_ns: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """The tokens that one request of the tier could get: now, and at most."""

    now: int
    ever: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a request looks like: costs are learned by `name`; `prior` is tokens an item before anything is known.

    `most` is what an item can cost at the most as documented: no more is reserved, unless the server has charged more.
    """

    name: str
    items: int
    prior: float
    most: float = math.inf


class Hours(NamedTuple):
    """The part of each day in which a tier may spend, in minutes since 00:00 UTC; it may go over midnight.

    Both are 0 to 1,439, and different. What opens at 22:00 and closes at 06:00 is written `22-06`.
    """

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{_clock(self.opens)}-{_clock(self.closes)}"

    @property
    def day_part(self) -> float:
        """The part of the day that they are, 0 to 1."""
        return (self.closes - self.opens) % _DAY_MIN / _DAY_MIN

    @classmethod
    def parse(cls, text: str) -> Hours:
        """The hours of `22-06` or `22:30-06:15`.

        Raises:
            ValueError: it is something else, or the two are the same.
        """
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} are no hours of the day: write the first and the last, such as 22-06")
        opens, closes = (int(found[i]) % 24 * 60 + int(found[i + 1] or 0) for i in (1, 3))
        if opens == closes:
            raise ValueError(f"{text!r} begin and end at the same time: leave them out where the whole day is meant")
        return cls(opens, closes)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}" if minute % 60 else f"{minute // 60:02}"


class Owner(NamedTuple):
    """The process that holds a lease or a place: number of its host, pid, start time in clock ticks since its boot.

    The host is 0 where the ledger is of one machine alone.
    """

    host: int
    pid: int
    started: int


NOBODY: Final = Owner(0, 0, 0)


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process: boot and PID namespace, pid, start time in clock ticks since that boot, and its host where it has one.

    A pid alone is given to another process sooner or later; pid and start time together are not, within one boot. So
    these two own a lease of a ledger on one machine, which does not outlive a boot. A spool does, so the name of a
    worker has the boot in it too, and the PID namespace with it: two containers of one machine give one number to two
    processes. The host says whose spool may have the reply that the process had paid for.
    """

    boot: str
    pid: int
    started: int
    host: str = ""

    def __str__(self) -> str:
        text = f"{self.boot}-{self.pid}-{self.started}"
        return f"{self.host}-{text}" if self.host else text

    @property
    def life(self) -> str:
        """Its host, from one boot to the next: as one it beats, and as one it is dead. Empty where it has no host."""
        return f"{self.host}-{self.boot}" if self.host else ""

    @classmethod
    def parse(cls, text: str) -> ProcessId:
        """The process that `str` wrote.

        Raises:
            ValueError: `text` is no such name.
        """
        *hosts, boot, pid, started = text.split("-")
        if len(hosts) > 1:
            raise ValueError(f"{text!r} has {len(hosts) + 3} parts, expected 3 or 4")
        return cls(boot, int(pid), int(started), *hosts)
