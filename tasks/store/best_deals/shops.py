"""Which shops have deals of late, and when any deal was listed last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.store.best_deals.candidates import LISTED, dated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tasks.store.connection import Connection

# By the latest day of each shop, which the index has at its end; by the moment only where shops differ in currency.
_LATELY: Final = """
(SELECT s.last_seen_on FROM deal_sightings AS s WHERE s.domain = m.id ORDER BY s.last_seen_on DESC LIMIT 1)
    >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date
"""
_EXACTLY: Final = f"EXISTS (SELECT FROM deal_sightings AS s WHERE s.domain = m.id AND {LISTED})"
_CURRENCIES: Final = """
SELECT m.currency, m.host FROM domains AS m WHERE m.id = ANY(%(domains)s) AND {has_deals} ORDER BY m.currency, m.host
"""
_NEWEST: Final = (
    "SELECT max(last_seen_at) FROM deal_sightings WHERE %(domain)s::smallint IS NULL OR domain = %(domain)s"
)


def currencies(conn: Connection, values: Mapping[str, object]) -> dict[str, list[str]]:
    """The shops that have deals of the locales and the time of the values of a `DealFilter`, by their currency."""
    found: dict[str, list[str]] = {}
    asked = dated(conn, values)
    for has_deals in (_LATELY, _EXACTLY):
        found.clear()
        statement = _CURRENCIES.format(has_deals=has_deals).encode()
        for currency, shop in conn.execute(statement, asked, prepare=False):
            found.setdefault(currency, []).append(shop)
        if len(found) <= 1:
            break
    return found


def newest(conn: Connection, *, domain: int | None = None) -> datetime | None:
    """When any deal was last listed; None when there is none."""
    row = conn.execute(_NEWEST, {"domain": domain}).fetchone()
    return None if row is None else row[0]
