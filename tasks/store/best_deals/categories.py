"""Whether any category is named so: of one that is not known there is no deal to look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.best_deals.conditions import Conditions

if TYPE_CHECKING:
    from tasks.store.connection import Connection

_KNOWN: Final = "SELECT FROM categories WHERE name ILIKE %(category_like)s LIMIT 1"


def is_unknown(conn: Connection, category: str | None) -> bool:
    """Whether `category` is a text that stands in no category's name; a number may be one without a name."""
    if category is None:
        return False
    values = Conditions(category=category).values()
    return values["category_id"] is None and not conn.execute(_KNOWN, values, prepare=False).rowcount
