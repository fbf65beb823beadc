"""`history`: shows the prices of one product as an overview, as a list of changes, or as a drawing."""

from __future__ import annotations

import sys
from bisect import bisect_right
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.localtime import day, minute
from supervisor.database.access import query_connection, query_plan
from supervisor.queries import parsing
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from supervisor.queries.printing.plain_text import readable
from supervisor.queries.product import offers_text
from supervisor.queries.product.plot import Steps
from tasks.errors import EXIT_OK, EXIT_USAGE, NoRows
from tasks.keepa.locales import product_url, shop
from tasks.store.histories import price_history
from tasks.store.histories.price_history import Point, ProductSummary
from tasks.store.products import live_offers
from tasks.store.products.live_offers import LiveOffer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

_NONE: Final = "none"
_FORMAT: Final = 2  # since prices are in the currency, and not in its smallest unit
_DRAWN: Final = ("AMAZON", "NEW", "USED")  # what Keepa's own chart begins with
_PLOT: Final = (80, 20)
_MOST_WIDE: Final = 160
_RATING: Final = "RATING"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOutput(ProductSummary):
    """What is known of a product; `url` is its page in the shop."""

    url: str | None


class HistoryOutput(Output, frozen=True, kw_only=True):
    """The price history of one product: every change, by price type and time; and who sold it last.

    Attributes:
        offers_fetched_at: when the offers were fetched last; null: never.
        offers: those that stood then, in the shop's order; null when they were never fetched.
    """

    format: int = _FORMAT
    product: ProductOutput
    offers_fetched_at: datetime | None
    offers: tuple[LiveOffer, ...] | None
    points: tuple[Point, ...]


class _Offers(NamedTuple):
    """The offers that stood when they were fetched last; None and None when they never were."""

    fetched_at: datetime | None
    standing: tuple[LiveOffer, ...] | None


def show(chosen: argparse.Namespace) -> int:
    """Print the history of one product; the exit code.

    Raises:
        NoRows: the product is not known, or has no such history.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    asin, domain = chosen.product
    domain = chosen.domain or domain
    with query_connection(query_plan()) as conn:
        domains = [domain] if domain else price_history.domains_of(conn, asin)
        if len(domains) > 1:
            named = " and ".join(map(shop, domains))
            sys.stderr.write(
                f"sluicegate: {asin} is known in {named}: choose a shop, such as --domain {shop(domains[0])}\n"
            )
            return EXIT_USAGE
        product = price_history.product_summary(conn, domains[0], asin) if domains else None
        if product is None or not product.is_any:
            raise NoRows(
                f"{asin} is not known here: no selection, list or source has named it yet; "
                f"`sluicegate fetch {asin}` asks for it now, and says first what that costs"
            )
        points = price_history.points(conn, product.domain, asin, price_types=chosen.type)
        offers_at = live_offers.fetched_at(conn, product.domain, asin)
        offers = None if offers_at is None else tuple(live_offers.live_offers(conn, product.domain, asin))
    if not points:
        raise NoRows(_why_none(product, chosen.type))
    by_type = {name: list(group) for name, group in groupby(points, attrgetter("price_type"))}
    if chosen.since is not None:
        since = datetime.now(UTC) - chosen.since
        by_type = {name: _from(changes, since) for name, changes in by_type.items()}
    _print(chosen, product, by_type, _Offers(offers_at, offers))
    return EXIT_OK


def _print(
    chosen: argparse.Namespace, product: ProductSummary, by_type: dict[str, list[Point]], offers: _Offers
) -> None:
    points = list(chain.from_iterable(by_type.values()))
    if chosen.json:
        url = product_url(product.domain, product.asin)
        output.as_json(
            HistoryOutput(
                product=ProductOutput(**asdict(product), url=url),
                points=tuple(points),
                offers_fetched_at=offers.fetched_at,
                offers=offers.standing,
            )
        )
        return
    if chosen.csv:
        names = [field.name for field in fields(Point)]
        whose = [product.domain, product.shop, product.asin, product.currency]
        rows = ([*whose, *(getattr(point, name) for name in names)] for point in points)
        output.as_csv(["domain", "shop", "asin", "currency", *names], rows)
        return
    asin = output.linked(product.asin, product_url(product.domain, product.asin))
    output.text(f"{asin}  {product.shop}  {readable(product.title or '')}".rstrip())
    if chosen.plot:
        _plot(by_type, chosen)
    elif chosen.type:
        _changes(points, product, several=len(by_type) > 1)
    else:
        _overview(by_type, product)
        _offers(offers, product)


def _offers(offers: _Offers, product: ProductSummary) -> None:
    """Who sold it when that was fetched last, or what would fetch it."""
    output.text("")
    if offers.fetched_at is None or offers.standing is None:
        output.text(f"who sells it is not known: `sluicegate fetch {product.asin} --detail offers` asks for it")
    else:
        offers_text.show(offers.standing, offers.fetched_at, product.currency)


def _why_none(product: ProductSummary, types: Sequence[str] | None) -> str:
    what = f"{product.asin} in {product.shop}"
    if product.is_found is False:
        return f"Keepa does not know {what}"
    if product.history_fetched_at is not None:
        return f"{what} has no history of {' or '.join(types)}" if types else f"{what} has an empty history"
    waits = {
        "pending": "it waits in the queue of backfill",
        "leased": "it is being fetched now",
        "given up": "it failed after several attempts: `sluicegate quarantine list` says why",
    }
    return f"the history of {what} was not fetched yet: {waits.get(product.queued or '', 'it is not in the queue')}"


def _from(changes: list[Point], since: datetime) -> list[Point]:
    """The changes since then, after the last one before."""
    at = bisect_right(changes, since, key=attrgetter("at"))
    return changes[max(0, at - 1) :]


def _overview(by_type: dict[str, list[Point]], product: ProductSummary) -> None:
    columns = [
        Column("type", is_elastic=True),
        Column("changes", is_number=True),
        Column("since"),
        Column("now", is_number=True),
        Column("lowest", is_number=True),
        Column("highest", is_number=True),
        Column("last change"),
    ]
    output.table(columns, [_summary(name, changes) for name, changes in by_type.items()])
    output.text(f"money is in {product.currency} and includes shipping where the type does; --type NAME lists one type")


def _summary(name: str, changes: Sequence[Point]) -> list[str]:
    values = [value for value in map(_value, changes) if value is not None]
    return [
        name,
        f"{len(changes):,}",
        day(changes[0].at),
        _shown(_value(changes[-1])),
        _shown(min(values, default=None)),
        _shown(max(values, default=None)),
        minute(changes[-1].at),
    ]


def _changes(points: Sequence[Point], product: ProductSummary, *, several: bool) -> None:
    ships = any(point.shipping is not None for point in points)
    is_money = all(parsing.is_money(name) for name in {point.price_type for point in points})
    columns = [
        Column("from"),
        *([Column("type", is_elastic=True)] if several else []),
        Column(f"price {product.currency}" if is_money else "value", is_number=True),
        *([Column("shipping", is_number=True)] if ships else []),
    ]
    output.table(columns, (list(_cells(point, several=several, ships=ships)) for point in points))


def _cells(point: Point, *, several: bool, ships: bool) -> Iterator[str]:
    yield minute(point.at)
    if several:
        yield point.price_type
    yield _shown(_without_shipping(point))
    if ships:
        yield "" if point.shipping is None else f"{point.shipping}"


def _without_shipping(point: Point) -> Decimal | None:
    """What changed, without shipping: money of the locale, stars of a rating, or a number."""
    if point.price is not None or point.value is None:
        return point.price
    return Decimal(point.value).scaleb(-1) if point.price_type == _RATING else Decimal(point.value)


def _value(point: Point) -> Decimal | None:
    """The price with shipping."""
    bare = _without_shipping(point)
    return bare if bare is None or point.shipping is None else bare + point.shipping


def _shown(value: Decimal | None) -> str:
    return _NONE if value is None else f"{value:,}"


def _plot(by_type: dict[str, list[Point]], chosen: argparse.Namespace) -> None:
    from supervisor.queries.product import plot

    names = list(by_type) if chosen.type else [name for name in _DRAWN if name in by_type] or list(by_type)[:1]
    now = datetime.now(UTC)
    curves = {name: _steps(by_type[name]) for name in names}
    if chosen.since is not None:
        since = (now - chosen.since).timestamp()
        curves = {name: steps.since(since) for name, steps in curves.items()}
    width = output.terminal_width()
    size = (_PLOT[0] if width is None else min(width, _MOST_WIDE), _PLOT[1])
    output.text(*plot.draw(curves, until=now.timestamp(), size=size, is_colourless=width is None))


def _steps(changes: Sequence[Point]) -> Steps:
    values = [_value(point) for point in changes]
    return Steps([point.at.timestamp() for point in changes], [None if one is None else float(one) for one in values])
