"""The last events as a ring beside the book: each entry carries its own checksum and number.

Entries are written before the book that counts them is published, so a writer killed in between leaves entries
that no reader accepts and the next writer overwrites.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

ENTRIES: Final = 512
_FORMAT: Final = struct.Struct("<QQqqqiHhI")  # number, sequence, at, tokens, balance, pid, event, tier, host
ENTRY_BYTES: Final = 64  # one cache line
_CRC: Final = struct.Struct("<I")
NO_TIER: Final = -1
Fields = tuple[int, int, int, int, int, int, int, int]  # sequence, at, tokens, balance, pid, event, tier, host


class Event(IntEnum):
    """What happened."""

    OPENED = 1
    GRANTED = 2
    SETTLED = 3
    CANCELLED = 4
    UNKNOWN = 5
    REFUSED = 6
    READING = 7
    DRIFT = 8
    PLAN = 9
    DEAD_REFUNDED = 10
    DEAD_CHARGED = 11
    DEAD_WAITER = 12
    TIERS = 13
    LAPSED = 14
    ASIDE = 15  # a number from outside that was not believed
    PERIOD = 16  # the period of the ticks is another than was supposed; its tokens are seconds
    BLIND = 17  # a call that was granted although the balance was unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event, tokens and balance in milli-tokens, `at_ns` by the ledger's clock."""

    sequence: int
    at_ns: int
    event: Event
    tier: int
    tokens_mt: int
    balance_mt: int
    pid: int
    host: int = 0


class Journal(Protocol):
    """The last events of a ledger, read when they are asked for."""

    def entries(self) -> list[Entry]:
        """The events, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Ring:
    """The journal as a copy of the ring, in which `count` events were ever written."""

    ring: bytes
    count: int

    def entries(self) -> list[Entry]:
        """The events that are still there and sound, oldest first."""
        return read(self.ring, self.count)


def write(ring: memoryview, number: int, entry: Fields) -> None:
    """Write entry `number` at its place in the ring."""
    body = _FORMAT.pack(number, *entry)
    at = number % ENTRIES * ENTRY_BYTES
    ring[at : at + len(body) + _CRC.size] = body + _CRC.pack(zlib.crc32(body))


def read(ring: bytes, count: int) -> list[Entry]:
    """The entries numbered below `count` that are still there and sound, oldest first."""
    found = []
    for number in range(max(0, count - ENTRIES), count):
        at = number % ENTRIES * ENTRY_BYTES
        body = ring[at : at + _FORMAT.size]
        (crc,) = _CRC.unpack_from(ring, at + _FORMAT.size)
        if zlib.crc32(body) != crc:
            continue
        seen, sequence, at_ns, tokens, balance, pid, event, tier, host = _FORMAT.unpack(body)
        if seen == number:
            found.append(
                Entry(
                    sequence=sequence,
                    at_ns=at_ns,
                    event=Event(event),
                    tier=tier,
                    tokens_mt=tokens,
                    balance_mt=balance,
                    pid=pid,
                    host=host,
                )
            )
    return found
