"""Which product an address is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from supervisor.queries import parsing
from supervisor.web.page import NotHere, Refusal
from supervisor.web.views import links
from tasks.keepa.locales import SHOPS
from tasks.store.histories import price_history

if TYPE_CHECKING:
    from supervisor.web.page import Visit
    from tasks.store.connection import Connection
    from tasks.store.histories.price_history import ProductSummary


class AskedProduct(NamedTuple):
    """A product by its locale and ASIN."""

    domain: int
    asin: str

    @property
    def path(self) -> str:
        """The address of its page without parameters."""
        return links.product(self.domain, self.asin)


def asked_product(visit: Visit) -> AskedProduct:
    """The product that the path names.

    Raises:
        Refusal: it names none.
    """
    try:
        return AskedProduct(parsing.domain(visit.path["domain"]), parsing.asin(visit.path["asin"]))
    except ValueError as error:
        raise Refusal(f"{error}; the address of a product is like {links.product(1, 'B08N5WRWNW')}") from None


def summary(conn: Connection, asked: AskedProduct) -> ProductSummary:
    """What is known of it.

    Raises:
        NotHere: nothing is.
    """
    product = price_history.product_summary(conn, asked.domain, asked.asin)
    if product is None or not product.is_any:
        elsewhere = [SHOPS[one] for one in price_history.domains_of(conn, asked.asin) if one in SHOPS]
        hint = f"; it is known in {' and '.join(elsewhere)}" if elsewhere else ": no selection has listed it yet"
        raise NotHere(f"{asked.asin} is not known in {SHOPS[asked.domain]}{hint}")
    return product
