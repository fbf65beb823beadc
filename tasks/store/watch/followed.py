"""The products that rules follow: those of people's own lists, and what each costs as it was fetched last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store.products.products_now import figures, products_now

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from decimal import Decimal

    from tasks.store.connection import Connection
    from tasks.store.notify.changes import Changed
    from tasks.store.products.products_now import Figure, ProductNow

_AT_ONCE: Final = 1_000  # products that are read together
_LISTED: Final = """
SELECT DISTINCT l.domain, w.asin FROM watch_lists AS l JOIN watched_products AS w USING (list_key)
WHERE (%(lists)s::text[] IS NULL OR l.name = ANY(%(lists)s)) AND (%(domain)s::int IS NULL OR l.domain = %(domain)s)
  AND (%(products)s::text[] IS NULL OR w.asin = ANY(%(products)s))
"""
_CHANGED: Final = """
SELECT DISTINCT l.domain, w.asin FROM unnest(%(domains)s::int[], %(asins)s::text[]) AS c (domain, asin)
JOIN watch_lists AS l ON l.domain = c.domain JOIN watched_products AS w ON w.list_key = l.list_key AND w.asin = c.asin
WHERE (%(lists)s::text[] IS NULL OR l.name = ANY(%(lists)s)) AND (%(domain)s::int IS NULL OR l.domain = %(domain)s)
  AND (%(products)s::text[] IS NULL OR w.asin = ANY(%(products)s))
"""


class Which(NamedTuple):
    """Which products a rule follows.

    Attributes:
        lists: names of lists; None for all.
        products: these ASINs alone; None for all.
        domain: the only locale; None for all.
        price_types: names of price types, of which the first counts that has an offer.
    """

    lists: Sequence[str] | None
    products: Sequence[str] | None
    domain: int | None
    price_types: Sequence[str]


class Followed(NamedTuple):
    """A product that a rule follows, as it was fetched last.

    Attributes:
        figure: its price; None when nobody offers it.
    """

    product: ProductNow
    figure: Figure | None

    @property
    def price(self) -> Decimal | None:
        """Its price, in money of the shop."""
        return None if self.figure is None else self.figure.price


def followed(conn: Connection, which: Which, changed: Sequence[Changed] | None = None) -> Iterator[Followed]:
    """The products that a rule follows and that were fetched with their figures; of those that `changed` alone."""
    values: dict[str, object] = {"lists": _list(which.lists), "products": _list(which.products), "domain": which.domain}
    if changed is None:
        rows = conn.execute(_LISTED, values, prepare=False).fetchall()
    else:
        values |= {"domains": [one.domain for one in changed], "asins": [one.asin for one in changed]}
        rows = conn.execute(_CHANGED, values, prepare=False).fetchall()
    for domain in sorted({domain for domain, _ in rows}):
        asins = sorted(asin for its, asin in rows if its == domain)
        for at in range(0, len(asins), _AT_ONCE):
            yield from _read(conn, domain, asins[at : at + _AT_ONCE], which.price_types)


def _read(conn: Connection, domain: int, asins: Sequence[str], price_types: Sequence[str]) -> Iterator[Followed]:
    prices = figures(conn, domain, asins)
    for asin, product in products_now(conn, domain, asins).items():
        if product.stats_fetched_at is not None:
            by_type = {one.price_type: one for one in prices[asin] if product.is_found}
            yield Followed(product, next((by_type[name] for name in price_types if name in by_type), None))


def _list(given: Collection[str] | None) -> list[str] | None:
    return None if given is None else list(given)
