"""What each selection has and how fast it changes, and what calls of late have cost: what a plan is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store.calls import figures

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

# The day is what there is an index on; a deal that is listed no more was last seen before.
_DEALS: Final = """
SELECT n.selection_key, s.domain, count(*), count(*) FILTER (WHERE s.creation_date > %(minute)s),
    count(*) FILTER (WHERE s.creation_date > %(day_minute)s)
FROM deal_sightings AS s CROSS JOIN unnest(s.selections) AS of (number) JOIN selections AS n ON n.number = of.number
WHERE s.last_seen_on >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date AND s.last_seen_at >= %(since)s
GROUP BY n.selection_key, s.domain
"""
_WHOLE: Final = """
SELECT selection_key, domain, rows FROM crawls WHERE job = 'backfill' AND state = 'done'
"""
_USAGE: Final = """
SELECT tier, endpoint, count(*), coalesce(sum(items) FILTER (WHERE status = 200), 0)::bigint,
       coalesce(sum(cost), 0)::bigint, coalesce(sum(duration_s), 0)::float8
FROM calls WHERE at >= %(since)s AND at < %(until)s AND status = 200 {of_key} GROUP BY tier, endpoint
"""
_FIRST: Final = "SELECT at FROM calls ORDER BY at LIMIT 1"


class StreamFigures(NamedTuple):
    """One selection in one locale.

    Attributes:
        deals: what was listed of late, or what the last crawl of the whole has met.
        news: deals among them of the last hours.
        of_the_day: deals among them of the last day.
    """

    deals: int
    news: int
    of_the_day: int


class Usage(NamedTuple):
    """Calls of one tier to one endpoint that were answered: how many, what for, what they cost, how long they took."""

    calls: int
    items: int
    tokens: int
    duration_s: float


def stream_figures(
    conn: Connection, *, since: datetime, minute: int, day_minute: int
) -> dict[tuple[str, int], StreamFigures]:
    """The figures by selection key and locale: deals listed since a moment, and those created after two Keepa minutes.

    `minute` is that of some hours ago, and `day_minute` that of a day ago.
    """
    whole = {(key, domain): rows for key, domain, rows in conn.execute(_WHOLE).fetchall()}
    rows = conn.execute(_DEALS, {"since": since, "minute": minute, "day_minute": day_minute}, prepare=False).fetchall()
    found = {(key, domain): StreamFigures(*figures) for key, domain, *figures in rows}
    return {
        stream: figures._replace(deals=max(whole.get(stream, 0), 0) or figures.deals)
        for stream, figures in ({key: StreamFigures(0, 0, 0) for key in whole} | found).items()
    }


def usage(
    conn: Connection, *, since: datetime, until: datetime, key: str | None = None
) -> dict[tuple[str, str], Usage]:
    """What was spent in that time, by tier and endpoint, with all keys or with the one of that name."""
    given = {"since": since, "until": until, "key": key}
    statement = _USAGE.format(of_key=figures.of_key(key)).encode()
    rows = conn.execute(statement, given, prepare=False).fetchall()
    return {(tier, endpoint): Usage(*numbers) for tier, endpoint, *numbers in rows}


def first_call(conn: Connection) -> datetime | None:
    """When the first call that is on record was answered; None before any."""
    row = conn.execute(_FIRST).fetchone()
    found: datetime | None = None if row is None else row[0]
    return found
