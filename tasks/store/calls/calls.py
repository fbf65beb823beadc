"""The record of every call: what it was thought to cost, what it cost, and what it gave.

With it go the sums of its hour. Each worker has sums of its own: in one row for all of them, a worker would wait until
the transaction of another one ends.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tasks.store import quarantine
from tasks.store.calls import figures

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

_HIGHEST: Final = 2**31
_LONGEST_S: Final = 1e9
_MAX_CHARS: Final = 100  # six of these stand in the key of `calls_hourly`, and an entry of an index has 2,704 bytes
# A connection that breaks while a transaction ends leaves it unknown whether it did, and all of it is done again. The
# first one may still be under way then: only a unique key has the second wait for it. What is there already is summed
# already. `at` is part of what `key` is a hash of, so that the two are as unique as `key` alone.
_INSERT_BOTH: Final = """
WITH recorded AS (
    INSERT INTO calls
        (key, at, account, host, tier, endpoint, shape, items, estimate, cost, balance, status, duration_s, waited_s,
        worker, rows)
    VALUES (%(key)s, %(at)s, %(account)s, %(host)s, %(tier)s, %(endpoint)s, %(shape)s, %(items)s, %(estimate)s,
        %(cost)s, %(balance)s, %(status)s, %(duration_s)s, %(waited_s)s, %(worker)s, %(rows)s)
    ON CONFLICT (at, key) DO NOTHING
    RETURNING at, account, host, worker, tier, endpoint, shape, items, estimate, cost, status, duration_s, waited_s,
        rows
)
INSERT INTO calls_hourly AS known (hour, account, host, worker, tier, endpoint, shape, {names})
SELECT {hour}, account, host, worker, tier, endpoint, shape, {figures}
FROM recorded GROUP BY 1, 2, 3, 4, 5, 6, 7
ON CONFLICT (hour, account, host, worker, tier, endpoint, shape) DO UPDATE SET {sums}
"""
_INSERT: Final = _INSERT_BOTH.format(
    names=figures.NAMES,
    hour=figures.hour("at"),
    figures=figures.OF_CALLS,
    sums=", ".join(f"{name} = known.{name} + excluded.{name}" for name in figures.FIGURES),
).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to the API.

    Attributes:
        at: when its reply came, or when it failed.
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
        account: the name of the key that paid.
        host: the name of the machine that called.
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
    account: str = ""
    host: str = ""


def record(conn: Connection, call: Call) -> None:
    """Record the call in the caller's transaction, whatever it holds: what no column can hold becomes NULL or 0.

    To record it again changes nothing.
    """
    conn.execute(_INSERT, {**asdict(_storable(call)), "key": _key(call)}, prepare=False)


def _key(call: Call) -> UUID:
    """The same for the same call, however often it is recorded: one worker has no two calls of one moment and length.

    What its reply came to, as its rows, is no part of it. A call that says neither key nor host has the key that builds
    before this one gave it: a reply may have been in the spool since then.
    """
    parts: tuple[object, ...] = (
        call.at.timestamp(),
        call.duration_s,
        call.worker,
        call.tier,
        call.endpoint,
        call.shape,
        call.status,
    )
    if call.account or call.host:
        parts = (*parts, call.account, call.host)
    return UUID(bytes=hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest())


def _storable(call: Call) -> Call:
    return replace(
        call,
        tier=quarantine.storable(call.tier, _MAX_CHARS),
        endpoint=quarantine.storable(call.endpoint, _MAX_CHARS),
        shape=quarantine.storable(call.shape, _MAX_CHARS),
        worker=quarantine.storable(call.worker, _MAX_CHARS),
        account=quarantine.storable(call.account, _MAX_CHARS),
        host=quarantine.storable(call.host, _MAX_CHARS),
        items=_int4(call.items) or 0,
        estimate=_int4(call.estimate) or 0,
        rows=_int4(call.rows) or 0,
        cost=_int4(call.cost),
        balance=_int4(call.balance),
        status=_int4(call.status),
        duration_s=_seconds(call.duration_s),
        waited_s=_seconds(call.waited_s),
    )


def _int4(value: int | None) -> int | None:
    return None if value is None or not -_HIGHEST <= value < _HIGHEST else value


def _seconds(value: float) -> float:
    """The same; 0 for what would be the end of all sums it is part of."""
    return value if math.isfinite(value) and abs(value) < _LONGEST_S else 0.0
