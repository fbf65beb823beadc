"""Finds the products of a brand, as far as they are few, by an index: one has the usual brands, one the very long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.best_deals.titles import Titled

if TYPE_CHECKING:
    from tasks.store.connection import Connection

# How long is very long is what the two indexes say, products_brand and products_long_brand.
_OF_BRAND: Final = """
WITH found AS MATERIALIZED (
    SELECT p.domain, p.asin FROM products AS p
    WHERE octet_length(p.brand) <= 600
        AND lower(p.brand) = lower(%(brand)s) AND (%(domain)s::smallint IS NULL OR p.domain = %(domain)s)
    UNION ALL
    SELECT p.domain, p.asin FROM products AS p
    WHERE octet_length(p.brand) > 600
        AND lower(p.brand) = lower(%(brand)s) AND (%(domain)s::smallint IS NULL OR p.domain = %(domain)s)
    LIMIT %(most)s + 1
)
SELECT array_agg(domain), array_agg(asin) FROM found HAVING count(*) <= %(most)s
"""


def products_of(conn: Connection, brand: str, domain: int | None, *, most: int) -> Titled | None:
    """The products of that brand, in any case; None when they are more than `most`."""
    values = {"brand": brand, "domain": domain, "most": most}
    row = conn.execute(_OF_BRAND, values, prepare=False).fetchone()
    return None if row is None else Titled(row[0] or [], row[1] or [])
