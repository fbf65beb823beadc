"""Keeps what a search for titles looks at as the titles are.

What writers have noted comes first. Beside that, a pass goes through all deals by their key once a day: so the deals of
an earlier build are found, and those whose titles were written by other means, such as a host of an older build.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from tasks.store.best_deals import title_parts
from tasks.store.best_deals.titles import DUTY as NAME
from tasks.store.best_deals.titles import IS_WHOLE
from tasks.store.duties import state
from tasks.store.duties.duty import Duty, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

ROWS: Final = 400  # takes about 60 ms, most of it to make the parts and to index them
_SHARE: Final = 0.05
_REST_S: Final = 5.0  # what is noted and not indexed is looked at by each search
_EVERY: Final = timedelta(days=1)
_NOTED: Final = "SELECT domain, asin FROM new_titles LIMIT %s"
_TAKE: Final = "DELETE FROM new_titles WHERE domain = %s AND asin = ANY(%s)"
_READ: Final = "SELECT asin, title FROM deal_rows WHERE domain = %s AND asin = ANY(%s)"
_NEXT: Final = """
SELECT d.domain, d.asin, d.title, t.parts FROM deal_rows AS d LEFT JOIN deal_titles AS t USING (domain, asin)
WHERE (d.domain, d.asin) > (%s, %s) ORDER BY d.domain, d.asin LIMIT %s
"""
_KEEP: Final = """
INSERT INTO deal_titles (domain, asin, parts) VALUES (%s, %s, %s::smallint[])
ON CONFLICT (domain, asin) DO UPDATE SET parts = excluded.parts
"""
_FORGET: Final = "DELETE FROM deal_titles WHERE domain = %s AND asin = ANY(%s)"


def step(conn: Connection, now: datetime, *, rows: int = ROWS) -> Step:
    """Do the next few, in the caller's transaction."""
    noted = conn.execute(_NOTED, (rows,), prepare=False).fetchall()
    for domain in sorted({domain for domain, _ in noted}):
        _follow(conn, domain, sorted({asin for of, asin in noted if of == domain}))
    return Step(has_more=True) if noted else _pass_on(conn, now, rows)


def _follow(conn: Connection, domain: int, asins: Sequence[str]) -> None:
    """Index these titles as they are now: read after the notes are taken, or one that came between would be lost."""
    conn.execute(_TAKE, (domain, asins), prepare=False)
    titles = dict(conn.execute(_READ, (domain, asins), prepare=False).fetchall())
    _keep(conn, [(domain, asin, title_parts.of_title(title)) for asin, title in titles.items()])
    if gone := [asin for asin in asins if asin not in titles]:
        conn.execute(_FORGET, (domain, gone), prepare=False)


def _pass_on(conn: Connection, now: datetime, rows: int) -> Step:
    known = state.load(conn, NAME)
    ended_at = known.get("ended_at")
    if ended_at is not None and now < datetime.fromisoformat(ended_at) + _EVERY:
        return Step(has_more=False)
    after = known.get("domain", 0), known.get("asin", "")
    found = conn.execute(_NEXT, (*after, rows), prepare=False).fetchall()
    if not found:
        state.save(conn, NAME, {IS_WHOLE: True, "ended_at": now.isoformat()})
        return Step(has_more=False)
    are = [(domain, asin, title_parts.of_title(title), parts) for domain, asin, title, parts in found]
    _keep(conn, [(domain, asin, made) for domain, asin, made, parts in are if made != parts])
    domain, asin, *_ = found[-1]
    state.save(conn, NAME, {IS_WHOLE: known.get(IS_WHOLE, False), "domain": domain, "asin": asin})
    return Step(has_more=True)


def _keep(conn: Connection, rows: Sequence[tuple[int, str, list[int]]]) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(_KEEP, rows)


DUTY: Final = Duty(name=NAME, step=lambda conn: step(conn, datetime.now(UTC)), share=_SHARE, rest_s=_REST_S)
