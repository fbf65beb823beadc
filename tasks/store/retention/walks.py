"""Until when deals were looked for: only while they are, one that is not listed any more is known to be none.

The age of a deal ends with the last walk through any selection, and not with the clock: a run that stands makes no deal
old. When walks come again after days without any, what is still a deal has yet to be listed again, so nothing is
judged for a week.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from tasks.store.duties import state

if TYPE_CHECKING:
    from tasks.store.connection import Connection

NAME: Final = "walks"
STOOD: Final = timedelta(days=3)  # a day may pass between two walks by the settings
GRACE: Final = timedelta(days=7)  # a whole crawl of a large selection takes days where tokens are few
_NOTED_EVERY: Final = timedelta(hours=1)
_NEWEST: Final = "SELECT greatest(max(started_at), max(finished_at)) FROM crawls"


def walked_until(conn: Connection, now: datetime) -> datetime | None:
    """When the last walk was; None before the first one."""
    row = conn.execute(_NEWEST).fetchone()
    return None if row is None or row[0] is None else min(row[0], now)


def judged_until(conn: Connection, now: datetime) -> datetime | None:
    """The same, but None while it is too early to judge by it; to be asked every few minutes, for it notes gaps."""
    newest = walked_until(conn, now)
    if newest is None:
        return None
    known = state.load(conn, NAME)
    seen = datetime.fromisoformat(known["seen"]) if known else None
    resumed = datetime.fromisoformat(known["resumed"]) if known else newest
    if seen is not None and newest - seen > STOOD:
        resumed = newest
    if seen is None or abs(newest - seen) > _NOTED_EVERY:
        state.save(conn, NAME, {"seen": newest.isoformat(), "resumed": resumed.isoformat()})
    return None if newest < resumed + GRACE else newest
