"""Finds the best of the current deals, each product once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, LiteralString, assert_never

from psycopg.rows import class_row

from tasks.keepa.locales import SHOPS
from tasks.keepa.prices import minute_of_ms
from tasks.store.best_deals import candidates as narrow
from tasks.store.best_deals import csv_lines, shops, titles
from tasks.store.best_deals.bounds import MOST_PERCENT
from tasks.store.best_deals.candidates import WITHOUT_RANK, CandidateFilter, Candidates, Key
from tasks.store.best_deals.conditions import ANY, Conditions
from tasks.store.best_deals.position import behind
from tasks.store.bulk.copied_out import copied_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tasks.store.best_deals.candidates import Over, Sort
    from tasks.store.best_deals.position import Position
    from tasks.store.connection import Connection

MOST_CANDIDATES: Final = 30_000  # to read more of them by their keys takes longer than to read all deals in a row
_FIRST: Final = 200  # candidates that are looked at first
_PER_DEAL: Final = 10  # of them for each deal that is wanted
_FEW: Final = 1_000  # candidates that are read at once, for to find the best of them first takes as long
_GROWTH: Final = 8  # so many times as many when they do not suffice
_AT_ONCE: Final = 2_000  # deals that are held while they are streamed
_LIKE: Final = re.compile(r"[\\%_]")  # what means something in a pattern
_ESCAPED: Final = r"\\\g<0>"

_ORDERS: Final[dict[Sort, LiteralString]] = {
    "discount": "discount_percent DESC, currency, average - price DESC",
    "drop": "average - price DESC, discount_percent DESC",
    "price": "price, discount_percent DESC",
    "rank": "sales_rank NULLS LAST, discount_percent DESC",
    "newest": "deal_since DESC, discount_percent DESC",
}
# What is asked of all deals is asked before the rest (OFFSET 0): so their lists need not be kept until they are sorted.
# PostgreSQL, which cannot tell how many deals have a discount, would keep those in place of the narrow rows.
_ALL: Final = """
    (
        SELECT * FROM current_deals AS d WHERE {listed}
          AND d.last_seen_on >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date
        OFFSET 0
    ) AS d
"""
_LISTED: Final = """
    d.price_type = ANY(%(price_types)s) AND d.domain = ANY(%(domains)s) AND d.last_seen_at >= %(since)s::timestamptz
"""
_CHOSEN: Final = """
    unnest(%(chosen_domains)s::smallint[], %(chosen_asins)s::text[]) AS chosen (domain, asin)
    JOIN current_deals AS d ON d.domain = chosen.domain AND d.asin = chosen.asin
"""
_COLUMNS: Final = """
    domain, shop, asin, title, root_cat, category, price_type, currency, price, average, discount_percent, price_before,
    price_since, sales_rank, deal_since, updated_at, first_seen_at, last_seen_at
"""
# The names of the selections are looked up for those that are shown.
_FIND: Final = """
SELECT {columns}, ARRAY(
    SELECT n.name FROM unnest(%(numbers)s::smallint[], %(names)s::text[]) AS n (number, name)
    WHERE n.number = ANY(first.numbers) ORDER BY n.name
) AS selections
FROM (
    SELECT * FROM (
        SELECT {each_once}
            d.domain, d.shop, d.asin, d.title, d.root_cat, d.category, d.price_type, d.currency, d.price,
            d.avg_{over} AS average, d.discount_percent_{over} AS discount_percent, d.price_before, d.price_since,
            d.sales_rank, d.deal_since, d.updated_at, d.first_seen_at, d.last_seen_at, d.selections AS numbers
            {more_columns}
        FROM {source} {joins}
        WHERE {listed} AND d.discount_percent_{over} >= %(min_discount)s
          AND (%(selections)s::smallint[] IS NULL OR d.selections && %(selections)s::smallint[])
          AND (%(title_patterns)s::text[] IS NULL OR d.title ILIKE ALL(%(title_patterns)s::text[]))
          AND {conditions}
        {best_of_each}
    ) AS best
    WHERE {behind}
    ORDER BY {order}, domain, asin LIMIT %(top)s
) AS first
"""
# Of several price types of one product; those that are equal in both are told apart, or each page might have another.
_EACH_ONCE: Final = "DISTINCT ON (d.domain, d.asin)"
_BEST_OF_EACH: Final = "ORDER BY d.domain, d.asin, d.discount_percent_{over} DESC, d.price, d.avg_{over}, d.price_type"


@dataclass(frozen=True, slots=True, kw_only=True)
class BestDeal:
    """A deal as people see it: money in the currency's own unit.

    Attributes:
        average: weighted mean of the price over the range asked for.
        discount_percent: how far the price is below it.
        price_before: before the last change, None when that is not known.
        deal_since: when the change happened that made it a deal.
        selections: names of the selections that have listed it.
    """

    domain: int
    shop: str | None
    asin: str
    title: str | None
    root_cat: int | None
    category: str | None
    price_type: str
    currency: str | None
    price: Decimal
    average: Decimal
    discount_percent: int
    price_before: Decimal | None
    price_since: datetime
    sales_rank: int | None
    deal_since: datetime
    updated_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    selections: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFilter:
    """Which deals, and which first.

    Attributes:
        price_types: names of the price types that count.
        over: the range whose mean a price is compared with.
        within: how long ago the deal may have been listed last.
        domain: only this locale; None for all.
        min_discount: by how many percent the price must be below the mean.
        top: how many.
        selections: numbers of selections of which one must have listed it; None for any deal.
        names: the names of selections by their numbers.
        title: words that the title must hold, in any case.
        conditions: what else it must be like; they may have an order of their own, which goes before `sort`.
        after: only what comes behind this place in the list; None from its beginning.
    """

    price_types: Sequence[str]
    over: Over
    within: timedelta
    top: int
    domain: int | None = None
    min_discount: int = 1
    sort: Sort = "discount"
    selections: Sequence[int] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    title: Sequence[str] = ()
    conditions: Conditions = ANY
    after: Position | None = None

    def values(self) -> dict[str, object]:
        """What the statements ask for, by name."""
        return {
            "price_types": list(self.price_types),
            "within": self.within,
            "domains": list(SHOPS) if self.domain is None else [self.domain],
            "min_discount": self.min_discount,
            "top": self.top,
            "selections": None if self.selections is None else list(self.selections),
            "numbers": list(self.names),
            "names": list(self.names.values()),
            "title_patterns": [f"%{_LIKE.sub(_ESCAPED, word)}%" for word in self.title] or None,
            **self.conditions.values(),
            **({} if self.after is None else self.after.values()),
        }


def find(conn: Connection, which: DealFilter, *, first: int | None = None) -> list[BestDeal]:
    """The deals that `which` selects, best first, each product once: by the price type with the greatest discount.

    So many candidates are looked at `first`, if that is given, and more where they do not suffice; no index of titles
    is used then.
    """
    candidates, found = _search(conn, which, first)
    return read(conn, which, candidates) if found is None else found


def stream(conn: Connection, which: DealFilter, *, first: int | None = None) -> Iterator[BestDeal]:
    """The same, read as they are taken, in the caller's transaction."""
    candidates, found = _search(conn, which, first)
    if found is not None:
        yield from found
        return
    with conn.cursor("best_deals", row_factory=class_row(BestDeal)) as cursor:
        cursor.itersize = _AT_ONCE
        query, values = _statement(conn, which, candidates)
        yield from cursor.execute(query.encode(), values)


def csv_copied(conn: Connection, which: DealFilter) -> AbstractContextManager[Iterator[bytes]]:
    """The same as lines of CSV without a heading, which the server makes: many more in a second than any program.

    Behind them stands the address of the product's page.

    Times are in UTC, a value that is not known is empty. A text that a spreadsheet would run as a formula gets an
    apostrophe before it, because sellers write the titles.
    """
    candidates, _ = _search(conn, which, None)
    query, values = _statement(conn, which, candidates)
    return copied_out(conn, csv_lines.COPY.format(query=query).encode(), values)


def among(conn: Connection, which: DealFilter, domains: Sequence[int], asins: Sequence[str]) -> list[BestDeal]:
    """The same, of these products alone: a domain and an ASIN for each."""
    return read(conn, which, Candidates.every(domains, asins))


def _search(conn: Connection, which: DealFilter, first: int | None) -> tuple[Candidates | None, list[BestDeal] | None]:
    """Among which deals the best are, None for all deals; and the best where they are known by then."""
    most = max(_FIRST, _PER_DEAL * which.top) if first is None else first
    titled = titles.holding(conn, which.title, which.domain, most=MOST_CANDIDATES) if most != first else None
    every = None if titled is None else Candidates.every(*titled)
    is_sorted_elsewhere = most > MOST_CANDIDATES or which.conditions.order is not None
    if is_sorted_elsewhere or (every is not None and len(every.asins) <= max(most, _FEW)):
        return every, None
    # Drops in several currencies are not compared, and such deals are sorted by the currency first.
    is_tied = which.sort != "discount" or len(shops.currencies(conn, which.values())) <= 1
    asked = CandidateFilter(
        values=which.values(),
        price_types=which.price_types,
        over=which.over,
        sort=which.sort,
        is_tied=is_tied,
        among=titled,
        is_continued=which.after is not None,
    )
    while most <= MOST_CANDIDATES:
        candidates = narrow.find(conn, asked, most=most)
        if not candidates.is_reckoned:
            break
        found = read(conn, which, candidates)
        if not candidates.has_more:
            return candidates, found
        if len(found) == which.top:
            last = key_of(found[-1], which.sort, is_tied=is_tied)
            if candidates.worst < last:
                return candidates, found
            candidates = narrow.find(conn, asked, most=MOST_CANDIDATES, least=last)
            return (candidates if candidates.is_reckoned and not candidates.has_more else every), None
        most *= _GROWTH
    return every, None


def key_of(deal: BestDeal, sort: Sort, *, is_tied: bool) -> Key:
    """What the bounds of a deal must reach to come before this one."""
    percent, drop = min(deal.discount_percent, MOST_PERCENT), units(deal.average - deal.price)
    match sort:
        case "discount":
            return Key(percent, drop if is_tied else 0)
        case "drop":
            return Key(drop, percent)
        case "price":
            return Key(-units(deal.price), percent)
        case "rank":
            return Key(WITHOUT_RANK if deal.sales_rank is None else -deal.sales_rank, percent)
        case "newest":
            return Key(minute_of_ms(round(deal.deal_since.timestamp() * 1000)), percent)
        case _:
            assert_never(sort)


def units(money: Decimal) -> int:
    """An amount in the smallest unit of its currency, of which it has all digits."""
    return int(money.scaleb(-int(money.as_tuple().exponent)))


def read(conn: Connection, which: DealFilter, candidates: Candidates | None) -> list[BestDeal]:
    """The best of these candidates, or of all deals."""
    query, values = _statement(conn, which, candidates)
    with conn.cursor(row_factory=class_row(BestDeal)) as cursor:
        return cursor.execute(query.encode(), values, prepare=False).fetchall()


def _statement(conn: Connection, which: DealFilter, candidates: Candidates | None) -> tuple[str, dict[str, object]]:
    is_mixed = len(set(which.price_types)) > 1
    query = _FIND.format(
        columns=_COLUMNS,
        each_once=_EACH_ONCE if is_mixed else "",
        best_of_each=_BEST_OF_EACH.format(over=which.over) if is_mixed else "",
        over=which.over,
        behind="true" if which.after is None else behind(which.conditions.sort or which.sort),
        order=which.conditions.order or _ORDERS[which.sort],
        more_columns=which.conditions.columns,
        joins=which.conditions.joins.format(over=which.over),
        conditions=which.conditions.where,
        listed=_LISTED,
        source=_ALL.format(listed=_LISTED) if candidates is None else _CHOSEN,
    )
    chosen = {} if candidates is None else {"chosen_domains": candidates.domains, "chosen_asins": candidates.asins}
    return query, {**narrow.dated(conn, which.values()), **chosen}
