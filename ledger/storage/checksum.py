"""Copies, checksums and checks of a Book's bytes, without the unused entries behind each list."""

from __future__ import annotations

import zlib
from typing import Final

from ledger.model.book import (
    CLIENT_BYTES,
    CLIENTS_AT,
    LEASE_BYTES,
    LEASES_AT,
    MAX_CLIENTS,
    MAX_LEASES,
    MAX_SHAPES,
    MAX_TIERS,
    MAX_WAITERS,
    SHAPE_BYTES,
    SHAPES_AT,
    TIER_BYTES,
    TIERS_AT,
    WAITER_BYTES,
    WAITERS_AT,
    Book,
)

_FIRST: Final = 4  # the checksum does not cover itself


def parts(book: Book) -> tuple[tuple[int, int], ...]:
    """Where the bytes in use begin and end; what is behind the end of a list is empty or stale."""
    found = (_FIRST, TIERS_AT + book.tier_count * TIER_BYTES)
    shapes, leases, waiters, clients = book.shape_count, book.lease_count, book.waiter_count, book.client_count
    if not (shapes or leases or waiters or clients):
        return (found,)
    return (
        found,
        (SHAPES_AT, SHAPES_AT + shapes * SHAPE_BYTES),
        (LEASES_AT, LEASES_AT + leases * LEASE_BYTES),
        (WAITERS_AT, WAITERS_AT + waiters * WAITER_BYTES),
        (CLIENTS_AT, CLIENTS_AT + clients * CLIENT_BYTES),
    )


def checksum(raw: memoryview, book: Book) -> int:
    """CRC-32 of the bytes in use of a Book, without the checksum itself."""
    crc = 0
    for begin, end in parts(book):
        if end > begin:
            crc = zlib.crc32(raw[begin:end], crc)
    return crc


def copy_sound(target: memoryview, raw: memoryview, book: Book) -> bool:
    """Copy the bytes in use of a Book if it is sound; if not, leave `target` alone and return False."""
    if not counts_fit(book):
        return False
    live = parts(book)
    crc = 0
    for begin, end in live:
        if end > begin:
            crc = zlib.crc32(raw[begin:end], crc)
    if crc != book.checksum:
        return False
    for begin, end in live:
        if end > begin:
            target[begin:end] = raw[begin:end]
    return True


def is_sound(raw: memoryview, book: Book) -> bool:
    """Whether the bytes are a sound Book: its counts are in range and its checksum is right."""
    return counts_fit(book) and checksum(raw, book) == book.checksum


def counts_fit(book: Book) -> bool:
    """Whether each list is within what the layout holds."""
    return (
        book.lease_count <= MAX_LEASES
        and book.waiter_count <= MAX_WAITERS
        and book.tier_count <= MAX_TIERS
        and book.shape_count <= MAX_SHAPES
        and book.client_count <= MAX_CLIENTS
    )
