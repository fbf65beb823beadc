"""Which deals may be among the best, told by the narrow rows beside them (`deal_sightings`).

A narrow row says what no price type of its deal exceeds. So of all deals those are candidates whose bound is the best,
and the best deals among the candidates are the best of all as soon as no other bound reaches the last of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, LiteralString, NamedTuple

from tasks.keepa.prices import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.store.connection import Connection

Sort = Literal["discount", "drop", "price", "rank", "newest"]

# Of deals that were listed lately enough. The day has an index, the moment decides.
LISTED: Final = """
    s.domain = ANY(%(domains)s) AND s.last_seen_at >= now() - %(within)s::interval
    AND s.last_seen_on >= ((now() - %(within)s::interval) AT TIME ZONE 'UTC')::date
"""
# A row that is not reckoned yet may hold anything, so it comes first.
_FIND: Final = """
SELECT c.domain, c.asin, c.percent IS NOT NULL, c.bound
FROM (
    SELECT s.domain, s.asin, p.percent, {bound} AS bound
    FROM deal_sightings AS s CROSS JOIN LATERAL (SELECT {percent} AS percent) AS p
    WHERE {listed}
) AS c
WHERE c.percent IS NULL OR c.percent >= %(min_discount)s AND {reach}
ORDER BY c.percent IS NOT NULL, c.bound {order} LIMIT %(most)s
"""


class _Bound(NamedTuple):
    """What of the narrow rows bounds what is sorted by, and in which order its values are better."""

    expression: LiteralString
    is_low_better: bool = False


_BOUNDS: Final[dict[Sort, _Bound]] = {
    "discount": _Bound("p.percent"),
    "drop": _Bound("s.greatest_drop"),
    "price": _Bound("s.lowest_price", is_low_better=True),
    "rank": _Bound("s.sales_rank", is_low_better=True),
    "newest": _Bound("s.creation_date"),
}


class Candidates(NamedTuple):
    """Deals to look at, those with the best bounds.

    Attributes:
        domains: their locales.
        asins: their ASINs, in the same order.
        worst: the bound of the last of them; None when it has none.
        is_reckoned: whether the bounds of all of them are.
        has_more: whether there may be others.
    """

    domains: list[int]
    asins: list[str]
    worst: int | None
    is_reckoned: bool
    has_more: bool

    def suffice(self, sort: Sort, key: int | None) -> bool:
        """Whether none of the others can come before a deal that is sorted by `key`; None is the end."""
        if key is None or self.worst is None:
            return key is not None  # without a bound are the last of all
        return self.worst > key if _BOUNDS[sort].is_low_better else self.worst < key


def find(
    conn: Connection,
    values: Mapping[str, object],
    sort: Sort,
    price_types: Iterable[str],
    *,
    most: int,
    key: int | None = None,
) -> Candidates:
    """At most so many candidates.

    Args:
        conn: the connection.
        values: domains, within and min_discount, which all candidates meet.
        sort: by which bound.
        price_types: the names of those that count.
        most: how many.
        key: those only that may come before a deal that is sorted by it.
    """
    bound = _BOUNDS[sort]
    percents = ", ".join(f"get_byte(s.greatest_percents, {NAMES.index(name)})" for name in price_types)
    statement = _FIND.format(
        bound=bound.expression,
        percent=f"greatest({percents})",
        listed=LISTED,
        reach="true" if key is None else f"c.bound {'<=' if bound.is_low_better else '>='} %(key)s",
        order="NULLS LAST" if bound.is_low_better else "DESC NULLS LAST",
    )
    rows = conn.execute(statement.encode(), {**values, "most": most, "key": key}, prepare=False).fetchall()
    return Candidates(
        domains=[row[0] for row in rows],
        asins=[row[1] for row in rows],
        worst=rows[-1][3] if rows else None,
        is_reckoned=all(row[2] for row in rows),
        has_more=len(rows) == most,
    )
