"""The record of every call: what it was thought to cost, what it cost, and what it gave."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tasks.store import quarantine

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

_HIGHEST: Final = 2**31
_MOST_CHARS: Final = 200
# A connection that breaks while a transaction ends leaves it unknown whether it did, and all of it is done again. The
# first one may still be under way then: only a unique key has the second wait for it.
_INSERT: Final = """
INSERT INTO calls
    (key, at, tier, endpoint, shape, items, estimate, cost, balance, status, duration_s, waited_s, worker, rows)
VALUES (%(key)s, %(at)s, %(tier)s, %(endpoint)s, %(shape)s, %(items)s, %(estimate)s, %(cost)s, %(balance)s, %(status)s,
    %(duration_s)s, %(waited_s)s, %(worker)s, %(rows)s)
ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to the API.

    Attributes:
        at: when its reply came, or when it was given up.
        tier: who paid; empty for a free look at the balance.
        shape: the name under which its cost is learned.
        items: what was asked for: pages or ASINs.
        estimate: tokens reserved.
        cost: tokens charged; None when the answer got lost.
        balance: tokens left after it, None when the reply did not say.
        status: HTTP status, None without a reply.
        duration_s: seconds from the first byte sent to the last received.
        waited_s: seconds spent waiting for the tokens.
        worker: role and slot.
        rows: rows written from its reply.
    """

    at: datetime
    tier: str
    endpoint: str
    shape: str
    items: int
    estimate: int
    cost: int | None
    balance: int | None
    status: int | None
    duration_s: float
    waited_s: float
    worker: str
    rows: int


def record(conn: Connection, call: Call) -> None:
    """Write the call down, in the caller's transaction, whatever it tells: what no column can hold is not known.

    Again changes nothing.
    """
    conn.execute(_INSERT, {**asdict(_storable(call)), "key": _key(call)}, prepare=False)


def _key(call: Call) -> UUID:
    """The same for the same call, however often it is recorded: one worker has no two calls of one moment and length.

    What its reply came to, as its rows, is no part of it.
    """
    parts = (call.at.timestamp(), call.duration_s, call.worker, call.tier, call.endpoint, call.shape, call.status)
    return UUID(bytes=hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest())


def _storable(call: Call) -> Call:
    return replace(
        call,
        tier=quarantine.storable(call.tier, _MOST_CHARS),
        endpoint=quarantine.storable(call.endpoint, _MOST_CHARS),
        shape=quarantine.storable(call.shape, _MOST_CHARS),
        worker=quarantine.storable(call.worker, _MOST_CHARS),
        items=_int4(call.items) or 0,
        estimate=_int4(call.estimate) or 0,
        rows=_int4(call.rows) or 0,
        cost=_int4(call.cost),
        balance=_int4(call.balance),
        status=_int4(call.status),
    )


def _int4(value: int | None) -> int | None:
    return None if value is None or not -_HIGHEST <= value < _HIGHEST else value
