"""How far a walk through a selection's pages has come, so that an interrupted one is resumed."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.store.connection import Connection

State = Literal["running", "done"]

_LOAD: Final = """
SELECT job, selection_key, domain, root_cat, page, started_at, state, high_minute, rows, finished_at,
       categories
FROM crawls WHERE job = %s AND selection_key = %s AND domain = %s
"""
_SAVE: Final = """
INSERT INTO crawls
    (job, selection_key, domain, root_cat, page, started_at, state, high_minute, rows, finished_at, categories)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (job, selection_key, domain) DO UPDATE SET
    root_cat = excluded.root_cat, page = excluded.page, started_at = excluded.started_at, state = excluded.state,
    high_minute = excluded.high_minute, rows = excluded.rows, finished_at = excluded.finished_at,
    categories = excluded.categories
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """The present or last walk of a job through one selection.

    Attributes:
        root_cat: root category being walked, of a selection too long to walk in one piece; else None.
        page: the next page to ask for.
        high_minute: newest Keepa minute met so far, None before the first row.
        rows: rows met so far.
        categories: root categories of a split walk, as its last page listed them; empty while it is not split.
    """

    job: str
    selection_key: str
    domain: int
    root_cat: int | None
    page: int
    started_at: datetime
    state: State
    high_minute: int | None
    rows: int
    finished_at: datetime | None
    categories: list[int] = field(default_factory=list)


def load(conn: Connection, job: str, selection_key: str, domain: int) -> Crawl | None:
    """The job's walk through that selection, or None when there has been none."""
    row = conn.execute(_LOAD, (job, selection_key, domain)).fetchone()
    if row is None:
        return None
    return Crawl(
        job=row[0],
        selection_key=row[1],
        domain=row[2],
        root_cat=row[3],
        page=row[4],
        started_at=row[5],
        state=row[6],
        high_minute=row[7],
        rows=row[8],
        finished_at=row[9],
        categories=row[10],
    )


def save(conn: Connection, crawl: Crawl) -> None:
    """Store it in place of what was there, in the caller's transaction."""
    conn.execute(_SAVE, astuple(crawl))
