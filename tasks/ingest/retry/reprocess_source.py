"""A kept page of a source becomes entries of the queue, and its source goes on where it still stands at that page.

In the caller's transaction. Nothing here asks the API for anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tasks.calls.spool_header import Origin
from tasks.ingest import source_page
from tasks.ingest.retry.reprocess import StillUnreadable, read
from tasks.keepa.decode.listing import decode_listing
from tasks.roles import BACKFILL
from tasks.store import crawls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.keepa.request import Detail
    from tasks.keepa.source.source import Source
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl
    from tasks.store.quarantine import StoredFault

_KEY: Final = re.compile(r"(?P<endpoint>/\w+) (?P<source>[0-9a-f]{12}) page (?P<page>\d{1,9})")
_OWNER: Final = "quarantine retry"
_HELD_S: Final = 60.0  # until the caller's transaction ends, or is rolled back


def page(
    conn: Connection, kept: StoredFault, body: bytes, *, detail: Detail, sources: Mapping[tuple[str, int], Source]
) -> str:
    """What a page of a source brought, in words; `sources` are those of the settings, by key and locale.

    Raises:
        StillUnreadable: it cannot be read now either, or nobody asks for its products any more.
    """
    named = _KEY.fullmatch(kept.key)
    source = None if named is None else sources.get((named["source"], kept.domain))
    if named is None or source is None:
        raise StillUnreadable(
            "its source is no longer in the settings, so nobody asks for its products: put the file of the source "
            "back and retry, or drop this"
        )
    listing = read(lambda raw: decode_listing(named["endpoint"], raw), body)
    number = int(named["page"])
    crawl = _standing_at(conn, kept, source, number)
    origin = Origin(job=BACKFILL, domain=kept.domain, selection_key=source.key, page=number)
    result = source_page.take(conn, origin, listing, source, crawl, detail=detail)
    words = f"{source.label}, page {number}: {result.products:,} products listed, {result.queued:,} new in the queue"
    return words if crawl is not None else f"{words}; the source has gone on meanwhile, and stays where it is"


def _standing_at(conn: Connection, kept: StoredFault, source: Source, number: int) -> Crawl | None:
    """The walk of the source, if it still stands at the page that was kept and nobody pays for that page now.

    It is held until the end of the transaction, so that no worker asks for the page meanwhile.
    """
    seen = crawls.load_crawl(conn, BACKFILL, source.key, source.domain)
    if seen is None or not crawls.claim_page(conn, seen, owner=_OWNER, lease_s=_HELD_S):
        return None
    crawl = crawls.load_crawl(conn, BACKFILL, source.key, source.domain)
    if crawl is not None and crawl.state == "running" and crawl.page == number and crawl.started_at <= kept.last_at:
        return crawl
    crawls.release_pages(conn, [_OWNER])
    return None
