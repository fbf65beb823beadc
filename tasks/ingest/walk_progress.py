"""What a page moves: the walk it belongs to, and the watermark when the walk is complete. In the caller's transaction.

A page counts only for the walk that asked for it and only while that walk stands at it, so a page that arrives twice,
or after another worker has gone on, moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.planning import crawl_steps, walk_end
from tasks.planning.crawl_steps import Partition
from tasks.planning.walk_end import PageVerdict
from tasks.roles import UPSERT
from tasks.store import crawls
from tasks.store.crawls import Crawl

if TYPE_CHECKING:
    from tasks.calls.spool_header import Origin
    from tasks.planning.crawl_steps import Divisions
    from tasks.planning.streams import Walked
    from tasks.planning.walk_end import PageFacts
    from tasks.roles import Role
    from tasks.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What became of the walk.

    Attributes:
        below: the minute above which its deals were news.
        is_first: whether there was no watermark yet.
        cut: the partition just walked, when rows of it are out of reach: more than the API shows have one price.
    """

    verdict: PageVerdict
    crawl: Crawl
    below: int
    server_minute: int
    is_first: bool = False
    cut: Partition | None = None


def begin(connection: Connection, job: Role, stream: Walked) -> Crawl:
    """The walk to go on with: the one that was interrupted, or a new one from page 0."""
    crawl = crawls.load_crawl(connection, job, stream.key, stream.domain, locks=True)
    if crawl is not None and crawl.state == "running":
        return crawl
    fresh = Crawl(
        job=job,
        selection_key=stream.key,
        domain=stream.domain,
        root_cat=None,
        page=0,
        started_at=datetime.now(UTC),
        state="running",
        high_minute=None,
        rows=0,
        finished_at=None,
    )
    crawls.save_crawl(connection, fresh)
    return fresh


def advance_upsert(connection: Connection, origin: Origin, page: PageFacts) -> Advance | None:
    """The walk for new deals after `page`; None when the page is not the one it stands at."""
    crawl = standing_at(connection, origin)
    if crawl is None:
        return None
    mark = walk_end.known_mark(
        crawls.load_watermark(connection, origin.selection_key, origin.domain), page.server_minute
    )
    verdict = walk_end.upsert_verdict(page, mark=mark)
    high = walk_end.high_minute(page, crawl.high_minute)
    moved = _moved(crawl, page, is_complete=verdict.is_complete, high=high)
    crawls.save_crawl(connection, moved)
    if verdict.is_complete:
        new_mark = walk_end.moved_mark(mark, high, page.server_minute)
        if new_mark is not None:
            now = page.server_minute
            crawls.move_watermark(
                connection, origin.selection_key, origin.domain, new_mark, latest=now + walk_end.OVERLAP_MIN
            )
    return Advance(
        verdict=verdict,
        crawl=moved,
        below=walk_end.stop_minute(mark, page.server_minute),
        server_minute=page.server_minute,
        is_first=mark is None,
    )


def advance_crawl(connection: Connection, origin: Origin, page: PageFacts, divisions: Divisions) -> Advance | None:
    """The crawl of a whole selection after `page`; None when the page is not the one it stands at.

    A selection too long to reach its end is walked partition by partition.
    """
    crawl = standing_at(connection, origin)
    if crawl is None:
        return None
    following = crawl_steps.next_step(crawl.partition, page, divisions)
    is_divided = following.partition.root_cat is not None
    moved = replace(
        _moved(crawl, page, is_complete=following.is_over, high=None).standing(following.partition, following.page),
        categories=list(divisions.categories) if is_divided else [],
    )
    crawls.save_crawl(connection, moved)
    return Advance(
        verdict=PageVerdict.END_OF_LIST if following.is_over else PageVerdict.NEXT_PAGE,
        crawl=moved,
        below=page.server_minute,
        server_minute=page.server_minute,
        cut=crawl.partition if following.is_cut else None,
    )


def repeats(connection: Connection, origin: Origin, fingerprint: int | None) -> int:
    """How often by now pages have come that this walk had read before; 0 when this one is none, or not the walk's.

    As from a cache that leaves the number out of account. Such a page says nothing of where the list ends or of what is
    on the page that was asked for, so it moves nothing. A walk for new deals begins anew, for its first page is where
    they are, and what is read at its place may have moved down; a crawl asks for the same page again.
    """
    crawl = standing_at(connection, origin)
    if crawl is None or fingerprint not in crawl.fingerprints:
        return 0
    repeated = replace(crawl, repeats=crawl.repeats + 1)
    if origin.job == UPSERT:
        repeated = replace(repeated.standing(Partition(), 0), started_at=datetime.now(UTC), high_minute=None, rows=0)
    crawls.save_crawl(connection, repeated)
    return repeated.repeats


def leave_partition(connection: Connection, crawl: Crawl) -> None:
    """Go on with the category after the one this crawl stands in, which the server refuses; the last one ends it.

    Nothing is done when the crawl has moved on meanwhile.
    """
    if crawls.load_crawl(connection, crawl.job, crawl.selection_key, crawl.domain, locks=True) != crawl:
        return
    following = crawl_steps.next_category(crawl.partition, crawl.categories)
    if following is None and (crawl.categories or crawl.root_cat is None):
        crawls.save_crawl(connection, replace(crawl, state="done", finished_at=datetime.now(UTC)))
    else:
        # Without a list, which a crawl split by an older build has not kept, page 0 of the whole tells it again.
        crawls.save_crawl(connection, crawl.standing(following or Partition(), 0))


def standing_at(connection: Connection, origin: Origin) -> Crawl | None:
    """The walk, while it stands at the page of `origin`; else None."""
    crawl = crawls.load_crawl(connection, origin.job, origin.selection_key, origin.domain, locks=True)
    if crawl is None or crawl.state != "running":
        return None
    asked_for = (origin.started_at, Partition(origin.root_cat, origin.price_low, origin.price_high), origin.page)
    return crawl if asked_for == (crawl.started_at, crawl.partition, crawl.page) else None


def _moved(crawl: Crawl, page: PageFacts, *, is_complete: bool, high: int | None) -> Crawl:
    return replace(
        crawl,
        page=crawl.page + 1,
        state="done" if is_complete else "running",
        high_minute=high,
        rows=crawl.rows + page.rows,
        finished_at=datetime.now(UTC) if is_complete else None,
        fingerprints=[*crawl.fingerprints, *([] if page.fingerprint is None else [page.fingerprint])],
    )
