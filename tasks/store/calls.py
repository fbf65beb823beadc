"""The record of every call: what it was thought to cost, what it cost, and what it gave."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from tasks.store import quarantine

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

_HIGHEST: Final = 2**31
_MOST_CHARS: Final = 200
# Not twice: a connection that breaks while the transaction ends leaves it unknown whether it did, and all of it is done
# again. One worker has no two calls of one moment.
_INSERT: Final = """
INSERT INTO calls
    (at, tier, endpoint, shape, items, estimate, cost, balance, status, duration_s, waited_s, worker, rows)
SELECT %(at)s, %(tier)s, %(endpoint)s, %(shape)s, %(items)s, %(estimate)s, %(cost)s, %(balance)s, %(status)s,
    %(duration_s)s, %(waited_s)s, %(worker)s, %(rows)s
WHERE NOT EXISTS (
    SELECT FROM calls WHERE at = %(at)s AND worker = %(worker)s AND endpoint = %(endpoint)s
    AND tier = %(tier)s AND status IS NOT DISTINCT FROM %(status)s AND duration_s = %(duration_s)s
)
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
    conn.execute(_INSERT, asdict(_storable(call)), prepare=False)


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
