"""How the balance was, read from `calls` in as many points as a chart has room for, however many calls there were.

For each part of the time the index gives the first and the last call that told a balance, so a month costs as much as a
quarter of an hour.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store.calls import figures

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

_PARTS: Final = 240
RANGES: Final = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
# A balance is rarely not told: a call without a reply. Looking past a few of these stays within the part.
_POINTS: Final = """
SELECT point.at, point.balance, point.cost, point.tier
FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz, %(step)s::interval) AS part (begins)
CROSS JOIN LATERAL (
    (SELECT at, balance, cost, tier FROM calls
     WHERE at >= part.begins AND at < part.begins + %(step)s::interval AND balance IS NOT NULL {of_key}
     ORDER BY at LIMIT 1)
    UNION
    (SELECT at, balance, cost, tier FROM calls
     WHERE at >= part.begins AND at < part.begins + %(step)s::interval AND balance IS NOT NULL {of_key}
     ORDER BY at DESC LIMIT 1)
) AS point
ORDER BY point.at
"""


class Point(NamedTuple):
    """The balance after a call, with what that cost and who made it."""

    at: datetime
    balance: int
    cost: int | None
    tier: str


def read(conn: Connection, until: datetime, span: timedelta, key: str | None = None) -> list[Point]:
    """The balance in the time of that length before `until`, oldest first: two points for each 240th of it.

    `key` is the name of one of several keys, whose balance it is; None where there is one key.
    """
    given = {"since": until - span, "until": until, "step": span / _PARTS, "key": key}
    statement = _POINTS.format(of_key=figures.of_key(key)).encode()
    return [Point._make(row) for row in conn.execute(statement, given, prepare=False)]
