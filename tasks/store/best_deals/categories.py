"""Whether any category or brand is named so: of one that is not known there is no deal to look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.best_deals.conditions import Conditions

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_KNOWN: Final = "SELECT FROM categories WHERE name ILIKE %(category_like)s LIMIT 1"
_NAMES: Final = "SELECT DISTINCT name FROM categories WHERE name IS NOT NULL ORDER BY name"
_BRAND: Final = "SELECT FROM products WHERE lower(brand) = lower(%(brand)s) AND octet_length(brand) <= 600 LIMIT 1"


def names(conn: Connection) -> list[str]:
    """The names of all root categories that are known; the server calls one that has none "?", which is left out."""
    return [name for (name,) in conn.execute(_NAMES, prepare=False) if any(map(str.isalpha, name))]


def is_unknown_brand(conn: Connection, brand: str | None) -> bool:
    """Whether no product that was fetched is of this brand. The index that tells it leaves out what no brand is."""
    return brand is not None and not conn.execute(_BRAND, {"brand": brand}, prepare=False).rowcount


def is_unknown(conn: Connection, category: str | None) -> bool:
    """Whether `category` is a text that stands in no category's name; a number may be one without a name."""
    if category is None:
        return False
    values = Conditions(category=category).values()
    return values["category_id"] is None and not conn.execute(_KNOWN, values, prepare=False).rowcount
