"""Counts the queue row by row, rarely, and corrects the sums.

Somebody may change the queue who does not write it down: a person with SQL, an older build, a restore of some tables.
One snapshot shows the rows and the sums as they were at one moment, whoever writes meanwhile, and what is missing is
added. It may take a five thousandth of the time: a short queue is right again within a minute, one of a million within
hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.store.duties.duty import Duty, Step

if TYPE_CHECKING:
    from tasks.store.connection import Connection

PAGES: Final = 16_384  # read by one statement, 128 MB: so that none takes longer than a second or so
_FEW_PAGES: Final = 4_096  # the same for a duty, which is broken off sooner
_PER_S: Final = 5_000.0  # seconds until the next check, for each that one takes
_SOONEST_S: Final = 60.0
_LATEST_S: Final = 86_400.0

_ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_IS_DUE: Final = "SELECT FROM fetch_queue_check WHERE next_at <= clock_timestamp() FOR UPDATE SKIP LOCKED"
# Not tried where there is a row: it would wait for whoever has that in hand.
_MAKE: Final = """
INSERT INTO fetch_queue_check (one) SELECT true WHERE NOT EXISTS (SELECT FROM fetch_queue_check) ON CONFLICT DO NOTHING
"""
_SUMS: Final = "SELECT domain, selection_key, detail, waiting, done, given_up FROM fetch_queue_counts"
_PAGES: Final = "SELECT pg_relation_size('fetch_queue') / current_setting('block_size')::int"
_ROWS: Final = """
SELECT domain, selection_key, detail, count(*) FILTER (WHERE state IN ('pending', 'leased')),
       count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'given up')
FROM fetch_queue WHERE ctid >= %s::tid AND ctid < %s::tid GROUP BY domain, selection_key, detail
"""
_CORRECT: Final = """
INSERT INTO fetch_queue_counts (domain, selection_key, detail, waiting, done, given_up) VALUES (%s, %s, %s, %s, %s, %s)
"""
_FINISH: Final = """
UPDATE fetch_queue_check SET
    checked_at = clock_timestamp(), wrong = %(wrong)s, took_s = extract(epoch FROM clock_timestamp() - now()),
    next_at = clock_timestamp() + greatest(make_interval(secs => %(soonest_s)s), least(
        make_interval(secs => %(latest_s)s), (clock_timestamp() - now()) * %(per_s)s
    ))
"""


def check(conn: Connection, *, pages: int = PAGES) -> int | None:
    """Rows by which the sums were off, and are not now; None when no check is due, or another makes it.

    It must come first in its transaction, unless that has one snapshot already. `pages` is how many are read by one
    statement.
    """
    conn.execute(_ONE_SNAPSHOT)
    if conn.execute(_IS_DUE).rowcount == 0 and conn.execute(_MAKE).rowcount == 0:
        return None
    streams: dict[tuple[object, ...], list[int]] = {}
    for row in conn.execute(_SUMS).fetchall():
        _add(streams, row, -1)
    (end,) = conn.execute(_PAGES).fetchone() or (0,)
    for first in range(0, end, pages):
        for row in conn.execute(_ROWS, (f"({first},0)", f"({first + pages},0)"), prepare=False).fetchall():
            _add(streams, row, 1)
    for stream, missing in streams.items():
        if any(missing):
            conn.execute(_CORRECT, (*stream, *missing))
    wrong = sum(abs(rows) for missing in streams.values() for rows in missing)
    conn.execute(_FINISH, {"wrong": wrong, "per_s": _PER_S, "soonest_s": _SOONEST_S, "latest_s": _LATEST_S})
    return wrong


def _step(conn: Connection) -> Step:
    check(conn, pages=_FEW_PAGES)
    return Step(has_more=False)


DUTY: Final = Duty("queue check", _step, rest_s=_SOONEST_S, has_one_snapshot=True)
"""The same while no backfill worker runs, which does it too: of two, one makes a check."""


def _add(streams: dict[tuple[object, ...], list[int]], row: tuple[Any, ...], sign: int) -> None:
    """Add to the three sums of a stream, or take away from them."""
    stream, rows = row[:3], row[3:]
    streams[stream] = [so_far + sign * more for so_far, more in zip(streams.get(stream, [0, 0, 0]), rows, strict=True)]
