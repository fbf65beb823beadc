"""Finds the best of the current deals, each product once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, assert_never

from psycopg.rows import class_row

from tasks.keepa.prices import minute_of_ms
from tasks.store.best_deals import candidates as narrow
from tasks.store.best_deals import csv_lines, titles
from tasks.store.best_deals.bounds import MOST_PERCENT
from tasks.store.best_deals.candidates import WITHOUT_RANK, CandidateFilter, Candidates, Key
from tasks.store.best_deals.statement import statement_of
from tasks.store.bulk.copied_out import copied_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from tasks.store.best_deals.candidates import Sort
    from tasks.store.best_deals.deal_filter import DealFilter
    from tasks.store.connection import Connection

MOST_CANDIDATES: Final = 30_000  # to read more of them by their keys takes longer than to read all deals in a row
_FIRST: Final = 200  # candidates that are looked at first
_PER_DEAL: Final = 10  # of them for each deal that is wanted
_FEW: Final = 1_000  # candidates that are read at once, for to find the best of them first takes as long
_GROWTH: Final = 8  # so many times as many when they do not suffice
_AT_ONCE: Final = 2_000  # deals that are held while they are streamed


@dataclass(frozen=True, slots=True, kw_only=True)
class BestDeal:
    """A deal as people see it: money in the currency's own unit.

    Attributes:
        average: weighted mean of the price of this type over the range asked for.
        discount_percent: how far the price is below the mean of what it is compared with.
        compared_with: the price type itself, or `OTHERS` for those that Keepa compares with the price of Amazon or the
            new one (LIGHTNING_DEAL, WAREHOUSE, PRIME_EXCL).
        price_before: before the last change, None when that is not known.
        deal_since: when the change happened that made it a deal.
        selections: names of the selections that have listed it.
        price_now: what the price is by a later reading of the product than `updated_at`, where that is another one;
            None beside a `price_now_at`: nobody offers it any more.
        price_now_at: of when that reading is; None where none says otherwise.
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
    compared_with: str
    price_before: Decimal | None
    price_since: datetime
    sales_rank: int | None
    deal_since: datetime
    updated_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    selections: list[str]
    price_now: Decimal | None = None
    price_now_at: datetime | None = None


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
        query, values = statement_of(conn, which, candidates)
        yield from cursor.execute(query.encode(), values)


def csv_copied(conn: Connection, which: DealFilter) -> AbstractContextManager[Iterator[bytes]]:
    """The same as lines of CSV without a heading, which the server makes: many more in a second than any program.

    Behind them stands the address of the product's page.

    Times are in UTC, a value that is not known is empty. A text that a spreadsheet would run as a formula gets an
    apostrophe before it, because sellers write the titles.
    """
    candidates, _ = _search(conn, which, None)
    query, values = statement_of(conn, which, candidates)
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
    asked = CandidateFilter(
        values=which.values(),
        price_types=which.price_types,
        over=which.over,
        sort=which.sort,
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
            last = key_of(found[-1], which.sort)
            if candidates.worst < last:
                return candidates, found
            candidates = narrow.find(conn, asked, most=MOST_CANDIDATES, least=last)
            return (candidates if candidates.is_reckoned and not candidates.has_more else every), None
        most *= _GROWTH
    return every, None


def key_of(deal: BestDeal, sort: Sort) -> Key:
    """What the bounds of a deal must reach to come before this one."""
    percent, drop = min(deal.discount_percent, MOST_PERCENT), units(deal.average - deal.price)
    rank = WITHOUT_RANK if deal.sales_rank is None else -deal.sales_rank
    match sort:
        case "discount":
            return Key(percent, rank)
        case "drop":
            return Key(drop, percent)
        case "price":
            return Key(-units(deal.price), percent)
        case "rank":
            return Key(rank, percent)
        case "newest":
            return Key(minute_of_ms(round(deal.deal_since.timestamp() * 1000)), percent)
        case _:
            assert_never(sort)


def units(money: Decimal) -> int:
    """An amount in the smallest unit of its currency, of which it has all digits."""
    return int(money.scaleb(-int(money.as_tuple().exponent)))


def read(conn: Connection, which: DealFilter, candidates: Candidates | None) -> list[BestDeal]:
    """The best of these candidates, or of all deals."""
    query, values = statement_of(conn, which, candidates)
    with conn.cursor(row_factory=class_row(BestDeal)) as cursor:
        return cursor.execute(query.encode(), values, prepare=False).fetchall()
