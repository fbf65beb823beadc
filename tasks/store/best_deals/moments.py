"""When a product became a deal, was listed as one, and has a lightning deal: marks on its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

_MOMENTS: Final = """
SELECT keepa_time(r.creation_date) AS deal_since, r.first_seen_at, s.last_seen_at,
    CASE WHEN r.lightning_start > 0 THEN keepa_time(r.lightning_start) END AS lightning_start,
    CASE WHEN r.lightning_end > 0 THEN keepa_time(r.lightning_end) END AS lightning_end
FROM deal_rows AS r LEFT JOIN deal_sightings AS s USING (domain, asin)
WHERE r.domain = %s AND r.asin = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealMoments:
    """The moments of the last deal of a product.

    Attributes:
        deal_since: the change of the price that made it one.
        first_seen_at: when any deal of the product was listed first.
        last_seen_at: when it was listed last.
        lightning_start: of a lightning deal, None without one; and `lightning_end`.
    """

    deal_since: datetime
    first_seen_at: datetime
    last_seen_at: datetime | None
    lightning_start: datetime | None
    lightning_end: datetime | None


def deal_moments(conn: Connection, domain: int, asin: str) -> DealMoments | None:
    """The moments; None when no selection has listed the product."""
    with conn.cursor(row_factory=class_row(DealMoments)) as cursor:
        return cursor.execute(_MOMENTS, (domain, asin)).fetchone()
