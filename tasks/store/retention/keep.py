"""How long rows are kept, and from when on one is too old. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

TABLES: Final = ("calls", "deals", "products", "price_series", "offers", "fetch_queue", "quarantine")
"""What rows may be deleted of, by the names they are reported under."""


class Keep(NamedTuple):
    """Days that rows are kept; 0 for ever.

    Attributes:
        calls_d: calls to the API, whole months of them.
        deals_d: deals, since they were last listed.
        history_d: products with their histories and offers, since they were last listed among deals and last fetched.
        queue_d: fetched items of the queue, since they were fetched and last listed.
        quarantine_d: what could not be used, since it came last.
    """

    calls_d: int = 0
    deals_d: int = 0
    history_d: int = 0
    queue_d: int = 0
    quarantine_d: int = 0


def cutoff(days: int, until: datetime) -> datetime | None:
    """What is from before that is too old at the moment `until`; None when nothing ever is."""
    return until - timedelta(days=days) if days else None
