"""Reckons the bounds of deals that a build without them wrote, or somebody else: once through the table, by its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.best_deals.bounds import bounds_of
from tasks.store.duties import state
from tasks.store.duties.duty import Duty, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.store.connection import Connection

_NAME: Final = "deal discounts"
ROWS: Final = 400  # takes about 40 ms
_SHARE: Final = 0.05
_NEXT: Final = """
SELECT s.domain, s.asin, s.discount_percents IS NULL AS is_wanted, d.current, d.avg, d.delta_percent, d.creation_date
FROM deal_sightings AS s LEFT JOIN deal_rows AS d USING (domain, asin)
WHERE (s.domain, s.asin) > (%s, %s)
ORDER BY s.domain, s.asin LIMIT %s
"""
# What a writer told meanwhile is of a newer reading, and stays. A deal whose row is gone is none to look at.
_KEEP: Final = """
UPDATE deal_sightings AS s SET
    discount_percents = b.percents, greatest_drop = b.fall, lowest_price = b.price, sales_rank = b.rank,
    creation_date = b.creation_date
FROM unnest(%s::smallint[], %s::text[], %s::bytea[], %s::int[], %s::int[], %s::int[], %s::int[])
    AS b (domain, asin, percents, fall, price, rank, creation_date)
WHERE s.domain = b.domain AND s.asin = b.asin AND s.asin = ANY(%s) AND s.discount_percents IS NULL
"""


def step(conn: Connection, *, rows: int = ROWS) -> Step:
    """Reckon the next few, in the caller's transaction."""
    known = state.load(conn, _NAME)
    if known.get("is_done"):
        return Step(has_more=False)
    after = known.get("domain", 0), known.get("asin", "")
    with conn.cursor(binary=True) as cursor:  # most of the work is reading the lists
        found = cursor.execute(_NEXT, (*after, rows), prepare=False).fetchall()
    if not found:
        state.save(conn, _NAME, {"is_done": True})
        return Step(has_more=False)
    wanted = [(domain, asin, *lists) for domain, asin, is_wanted, *lists in found if is_wanted]
    if wanted:
        _reckon(conn, wanted)
    domain, asin, *_ = found[-1]
    state.save(conn, _NAME, {"domain": domain, "asin": asin})
    return Step(has_more=True)


def _reckon(
    conn: Connection, deals: Iterable[tuple[int, str, list[int] | None, list[list[int]], list[list[int]], int]]
) -> None:
    reckoned = [
        (domain, asin, *bounds_of(current or (), avg or (), percent or ()), created)
        for domain, asin, current, avg, percent, created in deals
    ]
    columns = [list(column) for column in zip(*reckoned, strict=True)]
    conn.execute(_KEEP, (*columns, columns[1]), prepare=False)


DUTY: Final = Duty(name=_NAME, step=step, share=_SHARE)
