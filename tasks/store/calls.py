"""The record of every call: what it was thought to cost, what it cost, and what it gave.

Its sums say where the tokens went.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, LiteralString
from uuid import UUID

from psycopg.rows import class_row

from tasks.store import quarantine

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from tasks.store.connection import Connection

By = Literal["tier", "endpoint", "shape"]
_COLUMNS: Final[dict[By, LiteralString]] = {"tier": "tier", "endpoint": "endpoint", "shape": "shape"}
# Only of calls whose cost is known can the estimate be compared with it.
_SUMS: Final = """
SELECT
    {name} AS name,
    count(*) AS calls,
    coalesce(sum(items) FILTER (WHERE status = 200), 0)::bigint AS items,
    sum(rows)::bigint AS rows,
    coalesce(sum(cost), 0)::bigint AS tokens,
    coalesce(sum(estimate) FILTER (WHERE status = 200 AND cost IS NOT NULL), 0)::bigint AS estimate,
    coalesce(sum(cost) FILTER (WHERE status = 200), 0)::bigint AS cost,
    count(*) FILTER (WHERE status = 429) AS refused,
    count(*) FILTER (WHERE status IS DISTINCT FROM 200 AND status IS DISTINCT FROM 429) AS failed,
    count(*) FILTER (WHERE cost IS NULL) AS unknown,
    coalesce(sum(estimate) FILTER (WHERE cost IS NULL), 0)::bigint AS unknown_tokens,
    sum(waited_s) AS waited_s,
    sum(duration_s) AS duration_s
FROM calls WHERE at >= now() - %(since)s::interval
GROUP BY {group} ORDER BY tokens DESC, name
"""
# What the server added in between follows from the first and the last balance and all that was charged after the first.
_FLOW: Final = """
WITH known AS (
    SELECT at, id, balance FROM calls WHERE at >= now() - %(since)s::interval AND balance IS NOT NULL
)
SELECT f.at AS first_at, l.at AS last_at, f.balance AS first_balance, l.balance AS last_balance,
       (SELECT coalesce(sum(c.cost), 0) FROM calls AS c
        WHERE (c.at, c.id) > (f.at, f.id) AND (c.at, c.id) <= (l.at, l.id))::bigint AS charged
FROM (SELECT * FROM known ORDER BY at, id LIMIT 1) AS f,
     (SELECT * FROM known ORDER BY at DESC, id DESC LIMIT 1) AS l
"""


_HIGHEST: Final = 2**31
_MAX_CHARS: Final = 200
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
    """Record the call in the caller's transaction, whatever it holds: what no column can hold becomes NULL or 0.

    To record it again changes nothing.
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
        tier=quarantine.storable(call.tier, _MAX_CHARS),
        endpoint=quarantine.storable(call.endpoint, _MAX_CHARS),
        shape=quarantine.storable(call.shape, _MAX_CHARS),
        worker=quarantine.storable(call.worker, _MAX_CHARS),
        items=_int4(call.items) or 0,
        estimate=_int4(call.estimate) or 0,
        rows=_int4(call.rows) or 0,
        cost=_int4(call.cost),
        balance=_int4(call.balance),
        status=_int4(call.status),
    )


def _int4(value: int | None) -> int | None:
    return None if value is None or not -_HIGHEST <= value < _HIGHEST else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The calls of one name.

    Attributes:
        items: pages or ASINs that were answered for.
        rows: rows written: new, or changed.
        tokens: charged, as far as it is known.
        estimate: tokens reserved for the answered calls; what they were charged is `cost`.
        refused: answered with 429, free.
        failed: no answer, or another that is none.
        unknown: calls whose answer got lost, charge and all; `unknown_tokens` were reserved for them.
        waited_s: seconds spent waiting for tokens.
        duration_s: seconds from the first byte sent to the last received.
    """

    name: str
    calls: int
    items: int
    rows: int
    tokens: int
    estimate: int
    cost: int
    refused: int
    failed: int
    unknown: int
    unknown_tokens: int
    waited_s: float
    duration_s: float

    @property
    def rows_per_token(self) -> float | None:
        """Rows for one token; None when nothing was charged."""
        return self.rows / self.tokens if self.tokens else None

    @property
    def off_percent(self) -> float | None:
        """How far the estimates lay above (below: negative) what was charged; None when nothing was."""
        return 100 * (self.estimate - self.cost) / self.cost if self.cost else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What happened between the first and the last known balance: `charged` to our calls, and added by the server."""

    first_at: datetime
    last_at: datetime
    first_balance: int
    last_balance: int
    charged: int

    @property
    def added(self) -> int:
        """Tokens that came in; less than the refill when others spent, or when the bucket was full."""
        return self.last_balance - self.first_balance + self.charged

    @property
    def span_s(self) -> float:
        """Seconds between the two."""
        return (self.last_at - self.first_at).total_seconds()


def sums(conn: Connection, *, since: timedelta, by: By) -> list[Sum]:
    """The calls of the last `since`, the greatest spender first."""
    statement = _SUMS.format(name=_COLUMNS[by], group=_COLUMNS[by]).encode()
    with conn.cursor(row_factory=class_row(Sum)) as cursor:
        return cursor.execute(statement, {"since": since}, prepare=False).fetchall()


def flow(conn: Connection, *, since: timedelta) -> Flow | None:
    """What flowed in and out in the last `since`; None when no balance is known."""
    with conn.cursor(row_factory=class_row(Flow)) as cursor:
        return cursor.execute(_FLOW, {"since": since}, prepare=False).fetchone()
