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
    seen, resumed = _noted(conn, newest)
    if seen is None or abs(newest - seen) > _NOTED_EVERY:
        state.save(conn, NAME, {"seen": newest.isoformat(), "resumed": resumed.isoformat()})
    return None if newest < resumed + GRACE else newest


def judged_from(conn: Connection, now: datetime) -> datetime | None:
    """The moment from which on a walk lets deals, products and the queue be judged by their age.

    It may be past. None while nobody has noted any walk: then it is a week after somebody does.
    """
    newest = walked_until(conn, now)
    if newest is None:
        return None
    seen, resumed = _noted(conn, newest)
    return None if seen is None else resumed + GRACE


def _noted(conn: Connection, newest: datetime) -> tuple[datetime | None, datetime]:
    """The last walk that was noted, None when none was; and since when there have been walks without a long gap."""
    known = state.load(conn, NAME)
    if not known:
        return None, newest
    seen = datetime.fromisoformat(known["seen"])
    return seen, newest if newest - seen > STOOD else datetime.fromisoformat(known["resumed"])
