"""Where the tokens went: sums of calls, and what flowed into the bucket.

Whole hours are taken from their sums, which stay when the calls themselves are dropped; the rest is read call by call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, LiteralString, get_args

from psycopg.rows import class_row

from tasks.settings import DEFAULT_KEY
from tasks.store.calls import figures

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from tasks.store.connection import Connection

By = Literal["tier", "endpoint", "shape", "key", "host"]
Step = Literal["hour", "day"]
BYS: Final[tuple[By, ...]] = get_args(By)
# Of calls that were recorded before keys had names there was one key.
_COLUMNS: Final[dict[By, LiteralString]] = {
    "tier": "tier",
    "endpoint": "endpoint",
    "shape": "shape",
    "key": f"coalesce(nullif(account, ''), '{DEFAULT_KEY}')",
    "host": "host",
}
_TYPES: Final[dict[LiteralString, LiteralString]] = {"waited_s": "float8", "duration_s": "float8"}
_TOTALS: Final[LiteralString] = ", ".join(
    f"sum({name})::{_TYPES.get(name, 'bigint')} AS {name}" for name in figures.FIGURES
)
_SINCE: Final = "now() - %(since)s::interval"
_FIRST_WHOLE: Final = figures.hour(f"{_SINCE} + interval '1 hour' - interval '1 microsecond'")
_SUMS: Final = """
SELECT name, {totals}
FROM (
    SELECT {by} AS name, {names} FROM calls_hourly WHERE hour >= {first_whole} {of_key}
    UNION ALL
    SELECT {by}, {figures} FROM calls WHERE at >= {since} AND at < {first_whole} {of_key} GROUP BY 1
) AS part
GROUP BY name ORDER BY tokens DESC, name
"""
_BY_TIME: Final = """
SELECT date_bin(%(step)s::interval, hour, timestamptz 'epoch') AS begin, {by} AS name,
       sum(tokens)::bigint AS tokens, sum(calls)::bigint AS calls, sum(rows)::bigint AS rows
FROM calls_hourly WHERE hour >= date_bin('1 hour', {since}, timestamptz 'epoch') {of_key}
GROUP BY 1, 2 ORDER BY 1, 2
"""
# What the server added in between follows from the first and the last balance and all that was charged after the first.
_FLOW: Final = """
WITH first AS MATERIALIZED (
    SELECT at, id, balance, {hour} + interval '1 hour' AS next_hour
    FROM calls WHERE at >= {since} AND balance IS NOT NULL {of_key} ORDER BY at, id LIMIT 1
), last AS MATERIALIZED (
    SELECT at, id, balance, {hour} AS hour
    FROM calls WHERE at >= {since} AND balance IS NOT NULL {of_key} ORDER BY at DESC, id DESC LIMIT 1
), charged AS (
    SELECT sum(cost) AS tokens FROM calls
    WHERE at >= (SELECT at FROM first) AND at < (SELECT next_hour FROM first)
      AND (at, id) > (SELECT at, id FROM first) AND (at, id) <= (SELECT at, id FROM last) {of_key}
    UNION ALL
    SELECT sum(tokens) FROM calls_hourly
    WHERE hour >= (SELECT next_hour FROM first) AND hour < (SELECT hour FROM last) {of_key}
    UNION ALL
    SELECT sum(cost) FROM calls
    WHERE at >= (SELECT next_hour FROM first) AND at >= (SELECT hour FROM last) AND at <= (SELECT at FROM last)
      AND (at, id) <= (SELECT at, id FROM last) {of_key}
)
SELECT first.at AS first_at, last.at AS last_at, first.balance AS first_balance, last.balance AS last_balance,
       (SELECT coalesce(sum(tokens), 0) FROM charged)::bigint AS charged
FROM first, last
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
class Spent:
    """What the calls of one name were charged in an hour or a day, and the rows that came of them."""

    begin: datetime
    name: str
    tokens: int
    calls: int
    rows: int


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


def sums(conn: Connection, *, since: timedelta, by: By, key: str | None = None) -> list[Sum]:
    """The calls of the last `since`, of all keys or of one, the greatest spender first.

    Of an hour that `since` cuts, nothing is left when its calls were dropped.
    """
    statement = _SUMS.format(
        by=_COLUMNS[by],
        totals=_TOTALS,
        names=figures.NAMES,
        figures=figures.OF_CALLS,
        since=_SINCE,
        first_whole=_FIRST_WHOLE,
        of_key=figures.of_key(key),
    ).encode()
    with conn.cursor(row_factory=class_row(Sum)) as cursor:
        return cursor.execute(statement, {"since": since, "key": key}, prepare=False).fetchall()


def by_time(conn: Connection, *, since: timedelta, step: Step, by: By, key: str | None = None) -> list[Spent]:
    """What was charged in the last `since`, by hour or day (in UTC) and by name; where nothing was, there is no row.

    It is of all keys or of one. The first hour is whole, so it may begin before that.
    """
    statement = _BY_TIME.format(by=_COLUMNS[by], since=_SINCE, of_key=figures.of_key(key)).encode()
    with conn.cursor(row_factory=class_row(Spent)) as cursor:
        return cursor.execute(statement, {"since": since, "key": key, "step": f"1 {step}"}, prepare=False).fetchall()


def flow(conn: Connection, *, since: timedelta, key: str | None = None) -> Flow | None:
    """What flowed in and out in the last `since`; None when no balance is known.

    `key` is the name of one of several keys, each of which has a balance of its own; None where there is one.
    """
    statement = _FLOW.format(since=_SINCE, hour=figures.hour("at"), of_key=figures.of_key(key)).encode()
    with conn.cursor(row_factory=class_row(Flow)) as cursor:
        return cursor.execute(statement, {"since": since, "key": key}, prepare=False).fetchone()
