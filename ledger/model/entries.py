"""The entries of a book's lists, each of one fixed layout: tiers, learned costs, open leases, waiters, clients.

Tokens are integers of 1/1000 (`_mt`), times are clock ns.
"""

from __future__ import annotations

from ctypes import Structure, c_char, c_double, c_int32, c_int64, c_uint32, c_uint64
from typing import Final

from ledger.types import Owner

NAME_BYTES: Final = 32

RESERVED: Final = 1
COMMITTED: Final = 2

_MOST_S: Final = (1 << 31) - 1  # what the layout holds


class TierState(Structure):
    """One tier: its rules and its sums. The earmark is in nano-tokens, so that no share of a tick is rounded.

    `budget_mt` is 0 without a budget; `day_spent_mt` is of `day`, counted from 1970. The window is in minutes of the
    day, of which two equal ones mean none. `barred`: its oldest request is kept back by one of the two.
    """

    name: bytes
    floor_mt: int
    floor_ticks_ppm: int
    floor_ppm: int
    share_ppm: int
    earmark_nt: int
    earmark_tick: int
    granted: int
    spent_mt: int
    waited_ns: int
    longest_wait_ns: int
    budget_mt: int
    day: int
    day_spent_mt: int
    opens_min: int
    closes_min: int
    barred: int
    _fields_ = (
        ("name", c_char * NAME_BYTES),
        ("floor_mt", c_int64),
        ("floor_ticks_ppm", c_int64),
        ("floor_ppm", c_int64),
        ("share_ppm", c_int64),
        ("earmark_nt", c_int64),
        ("earmark_tick", c_int64),
        ("granted", c_uint64),
        ("spent_mt", c_int64),
        ("waited_ns", c_int64),
        ("longest_wait_ns", c_int64),
        ("budget_mt", c_int64),
        ("day", c_int64),
        ("day_spent_mt", c_int64),
        ("opens_min", c_uint32),
        ("closes_min", c_uint32),
        ("barred", c_uint32),
    )


class ShapeState(Structure):
    """What requests of one shape cost an item, in tokens."""

    name: bytes
    mean: float
    variance: float
    samples: int
    _fields_ = (
        ("name", c_char * NAME_BYTES),
        ("mean", c_double),
        ("variance", c_double),
        ("samples", c_uint64),
    )


class LeaseState(Structure):
    """One open reservation and its owner; `earmark_nt` of its cost came from the earmark of its tier."""

    id: int
    owner_start: int
    cost_mt: int
    earmark_nt: int
    at_ns: int
    owner_pid: int
    tier: int
    state: int
    items: int
    shape: int
    owner_host: int
    _fields_ = (
        ("id", c_uint64),
        ("owner_start", c_uint64),
        ("cost_mt", c_int64),
        ("earmark_nt", c_int64),
        ("at_ns", c_int64),
        ("owner_pid", c_int32),
        ("tier", c_int32),
        ("state", c_int32),
        ("items", c_int32),
        ("shape", c_int32),
        ("owner_host", c_uint32),
    )


class WaiterState(Structure):
    """One request that waits; the smallest ticket of a tier is its oldest.

    `open_ns`: its gate was first seen open; minus that once it was passed over, because its process is busy elsewhere.
    """

    ticket: int
    owner_start: int
    cost_mt: int
    since_ns: int
    open_ns: int
    owner_pid: int
    tier: int
    owner_host: int
    pad: int
    _fields_ = (
        ("ticket", c_uint64),
        ("owner_start", c_uint64),
        ("cost_mt", c_int64),
        ("since_ns", c_int64),
        ("open_ns", c_int64),
        ("owner_pid", c_int32),
        ("tier", c_int32),
        ("owner_host", c_uint32),
        # `away_s`. Builds that know nothing of it carry it along; the name is part of what their layout is told by.
        ("pad", c_int32),
    )

    @property
    def away_s(self) -> int:
        """For how many seconds its process may be busy elsewhere while the gate is open; 0 when it only waits here."""
        return self.pad

    @away_s.setter
    def away_s(self, seconds: int) -> None:
        self.pad = min(seconds, _MOST_S)

    @property
    def is_passed_over(self) -> bool:
        """Whether others of its tier are served before it until it asks again."""
        return self.open_ns < 0


class ClientState(Structure):
    """A process that changes the book over a line that may break, and the number of its last change.

    `line` tells its several lines apart.
    """

    line: int
    started: int
    request: int
    at_ns: int
    host: int
    pid: int
    _fields_ = (
        ("line", c_uint64),
        ("started", c_uint64),
        ("request", c_uint64),
        ("at_ns", c_int64),
        ("host", c_uint32),
        ("pid", c_int32),
    )


def owner_of(entry: LeaseState | WaiterState) -> Owner:
    """The process that holds the lease or the place."""
    return Owner(entry.owner_host, entry.owner_pid, entry.owner_start)


def set_owner(entry: LeaseState | WaiterState, owner: Owner) -> None:
    """Make `owner` the holder of the lease or the place."""
    entry.owner_host, entry.owner_pid, entry.owner_start = owner
