"""Where the tokens went: the record of calls, summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, LiteralString

from psycopg.rows import class_row

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from tasks.store.connection import Connection

By = Literal["tier", "endpoint", "shape"]

_COLUMNS: Final[dict[By, LiteralString]] = {"tier": "tier", "endpoint": "endpoint", "shape": "shape"}
# Only of calls whose cost is known can the estimate be held against it.
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
WITH told AS (
    SELECT at, id, balance FROM calls WHERE at >= now() - %(since)s::interval AND balance IS NOT NULL
)
SELECT f.at AS first_at, l.at AS last_at, f.balance AS first_balance, l.balance AS last_balance,
       (SELECT coalesce(sum(c.cost), 0) FROM calls AS c
        WHERE (c.at, c.id) > (f.at, f.id) AND (c.at, c.id) <= (l.at, l.id))::bigint AS charged
FROM (SELECT * FROM told ORDER BY at, id LIMIT 1) AS f,
     (SELECT * FROM told ORDER BY at DESC, id DESC LIMIT 1) AS l
"""


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
    """Between the first and the last balance that was told: `charged` to our calls, and what the server added."""

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
    """What flowed in and out in the last `since`; None when no balance was told."""
    with conn.cursor(row_factory=class_row(Flow)) as cursor:
        return cursor.execute(_FLOW, {"since": since}, prepare=False).fetchone()
