"""Changes the queue and writes down by how much, in one statement, so that nobody has to count it.

Every statement that puts items into the queue, takes them out or ends them adds its differences to
`fetch_queue_counts`. Rows are only added there, so that no writer waits for another, and every so often whoever writes
puts those that nobody else has in hand together to their sum. What is rolled back was never added.

Claims, releases and postponements are not written down: an item that is claimed still waits, and is counted by the
index of the leases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.store.connection import Connection

_FOLD_EVERY: Final = 64  # changes: so many rows at the most are summed whenever somebody asks how long the queue is

_WAITING: Final = "('pending', 'leased')"
# By selection, locale and detail, which is what people ask for.
_COUNTED: Final = f"""
counted AS (
    INSERT INTO fetch_queue_counts (domain, selection_key, detail, waiting, done, given_up)
    SELECT domain, selection_key, detail, waiting, done, given_up FROM (
        SELECT domain, selection_key, detail,
            count(*) FILTER (WHERE now IN {_WAITING}) - count(*) FILTER (WHERE was IN {_WAITING}) AS waiting,
            count(*) FILTER (WHERE now = 'done') - count(*) FILTER (WHERE was = 'done') AS done,
            count(*) FILTER (WHERE now = 'given up') - count(*) FILTER (WHERE was = 'given up') AS given_up
        FROM changed GROUP BY domain, selection_key, detail
    ) AS by_stream
    WHERE (waiting, done, given_up) <> (0, 0, 0)
    RETURNING id
)
"""  # noqa: S608 - a fragment of ours
_FOLD: Final = """
WITH old AS (
    DELETE FROM fetch_queue_counts
    WHERE id = ANY (ARRAY(SELECT id FROM fetch_queue_counts FOR UPDATE SKIP LOCKED))
    RETURNING domain, selection_key, detail, waiting, done, given_up
)
INSERT INTO fetch_queue_counts (domain, selection_key, detail, waiting, done, given_up)
SELECT domain, selection_key, detail, sum(waiting), sum(done), sum(given_up)
FROM old GROUP BY domain, selection_key, detail
HAVING (sum(waiting), sum(done), sum(given_up)) <> (0, 0, 0)
"""


def written_down(changed: str, *, each: str = "true", result: str | None = None) -> str:
    """The statement that makes a change and writes it down. Pure.

    Args:
        changed: common table expressions, the last of them `changed`, a row for each item: `domain`, `selection_key`,
            `detail`, `was` and `now`, its states before and after; NULL: it was not there, or is no more. An item that
            goes over to another selection has two rows.
        each: which of these rows count as items; all of them unless told.
        result: what is asked of `changed`; otherwise it is a statement for `change`.
    """
    fold_is_due = f"EXISTS (SELECT FROM counted WHERE mod(id, {_FOLD_EVERY}) = 0)"
    asked = result or f"SELECT count(*) FILTER (WHERE {each}), {fold_is_due} FROM changed"  # noqa: S608 - ours
    return f"WITH {changed}, {_COUNTED} {asked}"


def change(conn: Connection, statement: str, values: Mapping[str, object]) -> int:
    """Execute a statement that `written_down` made; how many items it changed."""
    row = conn.execute(statement.encode(), values, prepare=False).fetchone()
    count, is_due = row or (0, False)
    if is_due:
        fold(conn)
    return int(count)


def fold(conn: Connection) -> None:
    """Replace the rows of `fetch_queue_counts` by their sums, except those that another transaction has in hand."""
    conn.execute(_FOLD, prepare=False)
