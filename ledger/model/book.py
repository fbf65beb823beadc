"""The whole state of the budget as one fixed layout. Tokens are integers of 1/1000 (`_mt`), times are clock ns.

A `Book` holds the bucket, tiers, learned costs, open leases, waiters and clients; they are packed, so that the first
`n` are the live ones and neither a copy nor a checksum need cover the rest.
"""

from __future__ import annotations

import zlib
from ctypes import Structure, c_char, c_double, c_int32, c_int64, c_uint32, c_uint64, sizeof
from typing import Final

from ledger.types import Owner

MAX_TIERS: Final = 16
MAX_SHAPES: Final = 24
MAX_LEASES: Final = 512  # 8 hosts of 16 workers, each with several
MAX_WAITERS: Final = 512
MAX_CLIENTS: Final = 256
NAME_BYTES: Final = 32
MT: Final = 1000  # milli-tokens in a token
PPM: Final = 1_000_000  # shares and floor parts are integers of one millionth

RESERVED: Final = 1
COMMITTED: Final = 2


class TierState(Structure):
    """One tier: its rules and its sums. The earmark is in nano-tokens, so that no share of a tick is rounded."""

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
    """One request that waits; the smallest ticket of a tier is its oldest. `open_ns`: its gate was first seen open."""

    ticket: int
    owner_start: int
    cost_mt: int
    since_ns: int
    open_ns: int
    owner_pid: int
    tier: int
    owner_host: int
    _fields_ = (
        ("ticket", c_uint64),
        ("owner_start", c_uint64),
        ("cost_mt", c_int64),
        ("since_ns", c_int64),
        ("open_ns", c_int64),
        ("owner_pid", c_int32),
        ("tier", c_int32),
        ("owner_host", c_uint32),
        ("pad", c_int32),
    )


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


class Book(Structure):
    """The state. Balance, credited and expired are as of `tick_index`; later ticks are derived from the time."""

    checksum: int
    tier_count: int
    sequence: int
    changed_ns: int
    balance_mt: int
    rate_mt: int
    credited_mt: int
    expired_mt: int
    spent_mt: int
    drift_mt: int
    refunded_mt: int
    refused: int
    unknown_mt: int
    unknown_ns: int
    quiet_drift_mt: int
    quiet_expired_mt: int
    in_flight_mt: int
    tick_index: int
    next_tick_ns: int
    next_tick_server_ms: int
    server_ms: int
    synced_ns: int
    period_ns: int
    nominal_period_ns: int
    next_id: int
    journal_count: int
    guess_ns: int
    longest_wait_ns: int
    late_ns: int
    asked_ns: int
    blind_ns: int
    aside_count: int
    doubt_left_mt: int
    doubt_rate_mt: int
    doubt_server_ms: int
    doubt_next_ms: int
    doubt_spent_mt: int
    doubt_ns: int
    doubt_late_ns: int
    unread_mt: int
    shift_ns: int
    booked_ticks: int
    reader_start: int
    reader_since_ns: int
    reader_pid: int
    reader_host: int
    synced: int
    needs_reading: int
    shape_count: int
    lease_count: int
    waiter_count: int
    client_count: int
    kept: int
    period_trust: int
    guess_count: int
    doubt_set: int
    doubt_count: int
    aside_in_a_row: int
    asks: int
    probation: int
    _fields_ = (
        ("checksum", c_uint32),
        ("tier_count", c_uint32),
        ("sequence", c_uint64),
        ("changed_ns", c_int64),
        ("balance_mt", c_int64),
        ("rate_mt", c_int64),
        ("credited_mt", c_int64),
        ("expired_mt", c_int64),
        ("spent_mt", c_int64),
        ("drift_mt", c_int64),
        ("refunded_mt", c_int64),
        ("refused", c_uint64),
        ("unknown_mt", c_int64),
        ("unknown_ns", c_int64),
        ("quiet_drift_mt", c_int64),
        ("quiet_expired_mt", c_int64),
        ("in_flight_mt", c_int64),
        ("tick_index", c_int64),
        ("next_tick_ns", c_int64),
        ("next_tick_server_ms", c_int64),
        ("server_ms", c_int64),
        ("synced_ns", c_int64),
        ("period_ns", c_int64),
        ("nominal_period_ns", c_int64),
        ("next_id", c_uint64),
        ("journal_count", c_uint64),
        ("guess_ns", c_int64),
        ("longest_wait_ns", c_int64),
        ("late_ns", c_int64),
        ("asked_ns", c_int64),
        ("blind_ns", c_int64),
        ("aside_count", c_uint64),
        ("doubt_left_mt", c_int64),
        ("doubt_rate_mt", c_int64),
        ("doubt_server_ms", c_int64),
        ("doubt_next_ms", c_int64),
        ("doubt_spent_mt", c_int64),
        ("doubt_ns", c_int64),
        ("doubt_late_ns", c_int64),
        ("unread_mt", c_int64),
        ("shift_ns", c_int64),
        ("booked_ticks", c_int64),
        ("reader_start", c_uint64),
        ("reader_since_ns", c_int64),
        ("reader_pid", c_int32),
        ("reader_host", c_uint32),
        ("synced", c_uint32),
        ("needs_reading", c_uint32),
        ("shape_count", c_uint32),
        ("lease_count", c_uint32),
        ("waiter_count", c_uint32),
        ("client_count", c_uint32),
        ("kept", c_uint32),
        ("period_trust", c_uint32),
        ("guess_count", c_uint32),
        ("doubt_set", c_uint32),
        ("doubt_count", c_uint32),
        ("aside_in_a_row", c_uint32),
        ("asks", c_uint32),
        ("probation", c_uint32),
        ("tiers", TierState * MAX_TIERS),
        ("shapes", ShapeState * MAX_SHAPES),
        ("leases", LeaseState * MAX_LEASES),
        ("waiters", WaiterState * MAX_WAITERS),
        ("clients", ClientState * MAX_CLIENTS),
    )


BOOK_BYTES: Final = sizeof(Book)
TIERS_AT: Final = Book.tiers.offset
SHAPES_AT: Final = Book.shapes.offset
LEASES_AT: Final = Book.leases.offset
WAITERS_AT: Final = Book.waiters.offset
CLIENTS_AT: Final = Book.clients.offset
TIER_BYTES: Final = sizeof(TierState)
SHAPE_BYTES: Final = sizeof(ShapeState)
LEASE_BYTES: Final = sizeof(LeaseState)
WAITER_BYTES: Final = sizeof(WaiterState)
CLIENT_BYTES: Final = sizeof(ClientState)
LAYOUT: Final = zlib.crc32(
    repr(
        [
            (part.__name__, part._fields_, sizeof(part))
            for part in (TierState, ShapeState, LeaseState, WaiterState, ClientState)
        ]
    ).encode()
    + repr([(name, BOOK_BYTES) for name, *_ in Book._fields_]).encode()
)


def owner_of(entry: LeaseState | WaiterState) -> Owner:
    """The process that holds the lease or the place."""
    return Owner(entry.owner_host, entry.owner_pid, entry.owner_start)


def set_owner(entry: LeaseState | WaiterState, owner: Owner) -> None:
    """Make `owner` the holder of the lease or the place."""
    entry.owner_host, entry.owner_pid, entry.owner_start = owner


def reader_of(book: Book) -> Owner:
    """The process that has the claim to the next reading; its pid is 0 when nobody has it."""
    return Owner(book.reader_host, book.reader_pid, book.reader_start)
