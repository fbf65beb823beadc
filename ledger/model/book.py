"""The whole state of the budget as one fixed layout. Tokens are integers of 1/1000 (`_mt`), times are clock ns.

A `Book` holds the bucket, tiers, learned costs, open leases, waiters and clients; they are packed, so that the first
`n` are the live ones and neither a copy nor a checksum need cover the rest.
"""

from __future__ import annotations

import zlib
from ctypes import Structure, c_int32, c_int64, c_uint32, c_uint64, sizeof
from typing import Final

from ledger.model.entries import ClientState, LeaseState, ShapeState, TierState, WaiterState
from ledger.types import Owner

MAX_TIERS: Final = 16
MAX_SHAPES: Final = 24
MAX_LEASES: Final = 512  # 8 hosts of 16 workers, each with several
MAX_WAITERS: Final = 512
MAX_CLIENTS: Final = 256
MT: Final = 1000  # milli-tokens in a token
PPM: Final = 1_000_000  # shares and floor parts are integers of one millionth


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
    advanced_ns: int
    has_rules: int
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
        ("advanced_ns", c_int64),
        ("has_rules", c_uint32),
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
# By names, not by classes: a layout is the same in another module and under another Python.
LAYOUT: Final = zlib.crc32(
    repr(
        [
            (part.__name__, sizeof(part), [(name, kind.__name__) for name, kind, *_ in part._fields_])
            for part in (TierState, ShapeState, LeaseState, WaiterState, ClientState, Book)
        ]
    ).encode()
)


def reader_of(book: Book) -> Owner:
    """The process that has the claim to the next reading; its pid is 0 when nobody has it."""
    return Owner(book.reader_host, book.reader_pid, book.reader_start)
