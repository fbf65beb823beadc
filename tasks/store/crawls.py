"""Stores how far a walk through a selection's pages has come, so that an interrupted one is resumed.

Beside it, the watermark: up to which minute all deals of a selection are known.

A transaction that changes walks and anything else changes the walks first, several of them in the order of their keys
(job, selection, locale): so no two of them wait for each other.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from psycopg.rows import class_row

from tasks.planning.crawl_steps import Partition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.store.connection import Connection

_LOAD_WATERMARK: Final = "SELECT minute FROM watermarks WHERE selection_key = %s AND domain = %s"
_MOVE_WATERMARK: Final = """
INSERT INTO watermarks (selection_key, domain, minute) VALUES (%s, %s, %s)
ON CONFLICT (selection_key, domain) DO UPDATE SET minute = excluded.minute, moved_at = now()
WHERE excluded.minute > watermarks.minute OR watermarks.minute > %s
"""
_ALL_WATERMARKS: Final = """
SELECT w.selection_key, w.domain, w.minute, c.finished_at FROM watermarks AS w
LEFT JOIN crawls AS c ON c.job = 'upsert' AND (c.selection_key, c.domain) = (w.selection_key, w.domain)
"""

State = Literal["running", "done"]

_LOAD: Final = """
SELECT job, selection_key, domain, root_cat, page, started_at, state, high_minute, rows, finished_at,
       categories, price_low, price_high, fingerprints, repeats
FROM crawls WHERE job = %s AND selection_key = %s AND domain = %s
"""
_LOAD_LOCKED: Final = f"{_LOAD} FOR UPDATE"
_OF_SELECTIONS: Final = """
SELECT job, selection_key, domain, root_cat, page, started_at, state, high_minute, rows, finished_at,
       categories, price_low, price_high, '{}'::bigint[] AS fingerprints, repeats
FROM crawls WHERE selection_key = ANY(%s) ORDER BY selection_key, domain, job DESC
"""
_SAVE: Final = """
INSERT INTO crawls
    (job, selection_key, domain, root_cat, page, started_at, state, high_minute, rows, finished_at, categories,
     price_low, price_high, fingerprints, repeats)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (job, selection_key, domain) DO UPDATE SET
    root_cat = excluded.root_cat, page = excluded.page, started_at = excluded.started_at, state = excluded.state,
    high_minute = excluded.high_minute, rows = excluded.rows, finished_at = excluded.finished_at,
    categories = excluded.categories, price_low = excluded.price_low, price_high = excluded.price_high,
    fingerprints = excluded.fingerprints, repeats = excluded.repeats,
    asked_by = NULL, asked_until = NULL, attempts = 0
"""
_CLAIM_PAGE: Final = """
UPDATE crawls SET asked_by = %(owner)s, asked_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE job = %(job)s AND selection_key = %(selection_key)s AND domain = %(domain)s
  AND (asked_by IS NULL OR asked_by = %(owner)s OR asked_until <= clock_timestamp())
"""
_PAGE_OWNER: Final = """
SELECT asked_by FROM crawls
WHERE job = %s AND selection_key = %s AND domain = %s AND asked_until > clock_timestamp()
"""
_PAGE_OWNERS: Final = "SELECT DISTINCT asked_by FROM crawls WHERE asked_by IS NOT NULL ORDER BY asked_by"
_COUNT_ATTEMPT: Final = """
UPDATE crawls SET attempts = attempts + 1, asked_by = NULL, asked_until = NULL
WHERE job = %s AND selection_key = %s AND domain = %s
RETURNING attempts
"""
_RELEASE_PAGES: Final = """
UPDATE crawls AS c SET asked_by = NULL, asked_until = NULL
FROM (
    SELECT job, selection_key, domain FROM crawls WHERE asked_by = ANY(%s)
    ORDER BY job, selection_key, domain FOR UPDATE
) AS held WHERE (c.job, c.selection_key, c.domain) = (held.job, held.selection_key, held.domain)
"""
_LOCK_WALKS: Final = """
SELECT count(*) FROM (
    SELECT FROM crawls WHERE job = %s ORDER BY job, selection_key, domain FOR UPDATE
) AS locked
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """The present or last walk of a job through one selection.

    Attributes:
        root_cat: root category being walked, of a selection too long to walk in one piece; else None.
        price_low: lowest price being walked, of a category too long to walk in one piece; else None.
        price_high: highest price being walked; else None.
        page: the next page to ask for.
        high_minute: newest Keepa minute met so far, None before the first row.
        rows: rows met so far.
        categories: root categories of a split walk, as its last page listed them; empty while it is not split.
        fingerprints: of the pages of this partition that this walk has read, to recognise one that comes again.
        repeats: how often one came again in this walk in the place of another.
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
    price_low: int | None = None
    price_high: int | None = None
    fingerprints: list[int] = field(default_factory=list)
    repeats: int = 0

    @property
    def partition(self) -> Partition:
        """The partition of the selection that is being walked."""
        return Partition(self.root_cat, self.price_low, self.price_high)

    def standing(self, partition: Partition, page: int) -> Crawl:
        """The same walk, at a page of a partition; at its beginning nothing of it has been read."""
        low, high, read = partition.price_low, partition.price_high, self.fingerprints if page else []
        return replace(self, root_cat=partition.root_cat, price_low=low, price_high=high, page=page, fingerprints=read)


def load_crawl(conn: Connection, job: str, selection_key: str, domain: int, *, locks: bool = False) -> Crawl | None:
    """The job's walk through that selection, or None when there has been none.

    With `locks` nobody else moves or forgets it until the caller's transaction ends.
    """
    with conn.cursor(row_factory=class_row(Crawl)) as cursor:
        return cursor.execute(_LOAD_LOCKED if locks else _LOAD, (job, selection_key, domain)).fetchone()


def lock_walks(conn: Connection, job: str) -> None:
    """Lock all walks of a job in the order of their keys, until the caller's transaction ends."""
    conn.execute(_LOCK_WALKS, (job,))


def crawls_of(conn: Connection, selection_keys: Sequence[str]) -> list[Crawl]:
    """The walks of both jobs through these selections, without the fingerprints of their pages."""
    with conn.cursor(row_factory=class_row(Crawl)) as cursor:
        return cursor.execute(_OF_SELECTIONS, (list(selection_keys),), prepare=False).fetchall()


def save_crawl(conn: Connection, crawl: Crawl) -> None:
    """Store it in place of what was there, in the caller's transaction; its page is released."""
    conn.execute(_SAVE, astuple(crawl))


def claim_page(conn: Connection, crawl: Crawl, *, owner: str, lease_s: float) -> bool:
    """Whether `owner` may pay for the page the walk stands at; nobody else may for `lease_s` seconds then.

    False while another's lease runs. To have the turn is not enough: it may be lost, and the page that its owner has
    paid for may still be on the wire.
    """
    names = {
        "owner": owner,
        "lease_s": lease_s,
        "job": crawl.job,
        "selection_key": crawl.selection_key,
        "domain": crawl.domain,
    }
    return conn.execute(_CLAIM_PAGE, names).rowcount == 1


def count_attempt(conn: Connection, crawl: Crawl) -> int:
    """Count an attempt; how often the page at which the walk stands could not be read, this time included."""
    row = conn.execute(_COUNT_ATTEMPT, (crawl.job, crawl.selection_key, crawl.domain)).fetchone()
    return 0 if row is None else int(row[0])


def page_owner(conn: Connection, job: str, selection_key: str, domain: int) -> str | None:
    """Who is paying for the page of that walk now."""
    row = conn.execute(_PAGE_OWNER, (job, selection_key, domain)).fetchone()
    return None if row is None else str(row[0])


def page_owners(conn: Connection) -> list[str]:
    """Everybody who is paying for a page, or died while doing so."""
    return [row[0] for row in conn.execute(_PAGE_OWNERS).fetchall()]


def release_pages(conn: Connection, owners: Sequence[str]) -> int:
    """Let others pay for the pages that `owners` had claimed; how many they were."""
    return conn.execute(_RELEASE_PAGES, (list(owners),)).rowcount


class Watermark(NamedTuple):
    """A watermark in Keepa minutes; when the last walk was complete, None while another one is under way."""

    selection_key: str
    domain: int
    minute: int
    walked_at: datetime | None


def all_watermarks(conn: Connection) -> tuple[Watermark, ...]:
    """The watermarks of all selections that there ever were."""
    return tuple(Watermark(*row) for row in conn.execute(_ALL_WATERMARKS).fetchall())


def load_watermark(conn: Connection, selection_key: str, domain: int) -> int | None:
    """The watermark in Keepa minutes, None before the first complete walk."""
    row = conn.execute(_LOAD_WATERMARK, (selection_key, domain)).fetchone()
    return None if row is None else int(row[0])


def move_watermark(conn: Connection, selection_key: str, domain: int, minute: int, *, latest: int) -> None:
    """Move the watermark forward to `minute`; it moves back only when it stands above `latest`, in the future."""
    conn.execute(_MOVE_WATERMARK, (selection_key, domain, minute, latest))
