"""Which deals may be among the best, told by the narrow rows beside them (`deal_sightings`).

A narrow row has the discounts of its deal, and says what no price type of it exceeds. So those with the best bounds are
candidates, and the best deals among them are the best of all once no other bound reaches the last of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, LiteralString, NamedTuple, Self, get_args

from tasks.keepa.prices import NAMES
from tasks.store.best_deals.bounds import place_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.store.best_deals.titles import Titled
    from tasks.store.connection import Connection

Over = Literal["day", "week", "month", "quarter"]
Sort = Literal["discount", "drop", "price", "rank", "newest"]

# PostgreSQL would work it out for each row that it looks at, which takes as long as all else. As text, for it may be
# before the year 1.
_SINCE: Final = "SELECT (now() - %(within)s::interval)::text"
# Of deals that were listed lately enough. The day has an index, the moment decides.
LISTED: Final = """
    s.domain = ANY(%(domains)s) AND s.last_seen_at >= %(since)s::timestamptz
    AND s.last_seen_on >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date
    AND (%(selections)s::smallint[] IS NULL OR s.selections && %(selections)s::smallint[])
"""
# A row that is not reckoned yet may hold anything, so it comes first: it has no bound, and what is NULL comes first. A
# column of its own for that would be compared first, and is the same in nearly all rows: that took a sixth longer. The
# discount stands there as seldom as can be: PostgreSQL works it out anew wherever it does.
_FIND: Final = """
SELECT s.domain, s.asin, s.discount_percents IS NOT NULL, {bound}, {tie}
FROM {source} CROSS JOIN LATERAL (SELECT {percent} AS percent) AS p
WHERE {listed} AND (s.discount_percents IS NULL OR p.percent >= %(min_discount)s AND {reach} AND {limit})
ORDER BY {bound} DESC, {tie} DESC, s.domain, s.asin LIMIT %(most)s
"""
_EACH: Final = "deal_sightings AS s"
_AMONG: Final = """unnest(%(among_domains)s::smallint[], %(among_asins)s::text[]) AS among (domain, asin)
JOIN deal_sightings AS s ON s.domain = among.domain AND s.asin = among.asin"""
_REACH: Final = "({bound}, {tie}) >= (%(bound)s, %(tie)s)"
_PERIODS: Final[tuple[Over, ...]] = get_args(Over)
WITHOUT_RANK: Final = -(2**31)
_BEST_RANK: Final = "coalesce(-s.sales_rank, -2147483648)"
# What bounds what deals are sorted by, and what they are sorted by next: the greater, the better.
_BOUNDS: Final[dict[Sort, tuple[LiteralString, LiteralString]]] = {
    "discount": ("p.percent", _BEST_RANK),
    "drop": ("s.greatest_drop", "p.percent"),
    "price": ("-s.lowest_price", "p.percent"),
    "rank": (f"CASE WHEN s.discount_percents IS NOT NULL THEN {_BEST_RANK} END", "p.percent"),
    "newest": ("s.creation_date", "p.percent"),
}
# Where deals are sorted by the bound itself, what comes behind a place in the list has none that is better. A discount
# above 255 is kept as 255.
_LIMITS: Final[dict[Sort, LiteralString]] = {
    "discount": "-p.percent >= greatest(%(after_0)s, -255)",
    "rank": "coalesce(s.sales_rank, 2147483648) >= %(after_0)s",
    "newest": "-(s.creation_date + 21564000) >= %(after_0)s",
}
# Where the narrow rows have all that deals are sorted by, the place itself.
_RANK: Final = "coalesce(s.sales_rank, 2147483648)"
_PLACES: Final[dict[Sort, tuple[LiteralString, LiteralString]]] = {
    "discount": ("-p.percent", _RANK),
    "rank": (_RANK, "-p.percent"),
    "newest": ("-(s.creation_date + 21564000)", "-p.percent"),
}
EXACT: Final = frozenset(_PLACES)  # orders that the narrow rows know
_BEHIND: Final = """
({keys}, s.domain, s.asin) > (%(after_0)s::bigint, %(after_1)s::bigint, %(after_domain)s::int, %(after_asin)s)
"""


class Key(NamedTuple):
    """By what a deal is sorted, and by what if that is equal; or the bounds of these. The greater comes first."""

    bound: int
    tie: int


ANY: Final = Key(WITHOUT_RANK, WITHOUT_RANK)


class Candidates(NamedTuple):
    """Deals to look at, those with the best bounds.

    Attributes:
        domains: their locales.
        asins: their ASINs, in the same order.
        keys: the bounds of each of them; none when they are not known.
        is_reckoned: whether the bounds of all of them are.
        has_more: whether there may be others.
    """

    domains: list[int]
    asins: list[str]
    keys: list[Key]
    is_reckoned: bool
    has_more: bool

    @classmethod
    def every(cls, domains: Sequence[int], asins: Sequence[str]) -> Self:
        """These deals and no others, whatever bounds they have."""
        return cls(list(domains), list(asins), [], is_reckoned=True, has_more=False)

    @property
    def best(self) -> Key:
        """The bounds of the first of them."""
        return self.keys[0] if self.keys else ANY

    @property
    def worst(self) -> Key:
        """The bounds of the last of them."""
        return self.keys[-1] if self.keys else ANY

    def first(self, count: int) -> Candidates:
        """The first of them."""
        if count >= len(self.asins):
            return self
        return self._replace(
            domains=self.domains[:count], asins=self.asins[:count], keys=self.keys[:count], has_more=True
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFilter:
    """Which deals are candidates.

    Attributes:
        values: domains, within, selections and min_discount, which all of them meet.
        price_types: the names of those that count.
        over: the period of the mean.
        sort: what comes first.
        among: only these products count, unless it is None.
        is_continued: whether only those behind a place in the list count, whose values are among `values`.
        is_exact: whether the narrow rows have all that deals are sorted by, so that the place says which are behind it.
    """

    values: Mapping[str, object]
    price_types: Sequence[str]
    over: Over
    sort: Sort
    among: Titled | None = None
    is_continued: bool = False
    is_exact: bool = False

    @property
    def limit(self) -> str:
        """The condition that a row may be behind the place."""
        if not self.is_continued:
            return "true"
        if self.is_exact and self.sort in _PLACES:
            return _BEHIND.format(keys=", ".join(_PLACES[self.sort]))
        return _LIMITS.get(self.sort, "true")


def dated(conn: Connection, values: Mapping[str, object]) -> dict[str, object]:
    """The values with the moment `since` which a deal must have been listed: so long ago as `within` says."""
    (since,) = conn.execute(_SINCE, values, prepare=False).fetchone() or (None,)
    return {**values, "since": since}


def find(conn: Connection, which: CandidateFilter, *, most: int, least: Key = ANY) -> Candidates:
    """At most so many candidates, the best first, of those whose bounds are `least` or better."""
    bound, tie = _BOUNDS[which.sort]
    places = (place_of(_PERIODS.index(which.over), NAMES.index(name)) for name in which.price_types)
    percents = ", ".join(f"get_byte(s.discount_percents, {place})" for place in places)
    statement = _FIND.format(
        source=_EACH if which.among is None else _AMONG,
        bound=bound,
        tie=tie,
        percent=f"greatest({percents})",
        listed=LISTED,
        limit=which.limit,
        reach="true" if least == ANY else _REACH.format(bound=bound, tie=tie),
    )
    values = {**dated(conn, which.values), "most": most, **least._asdict()}
    if which.among is not None:
        values |= {"among_domains": which.among.domains, "among_asins": which.among.asins}
    rows = conn.execute(statement.encode(), values, prepare=False).fetchall()
    is_reckoned = all(row[2] for row in rows)
    return Candidates(
        domains=[row[0] for row in rows],
        asins=[row[1] for row in rows],
        keys=[Key(*row[3:]) for row in rows] if is_reckoned else [],
        is_reckoned=is_reckoned,
        has_more=len(rows) == most,
    )
