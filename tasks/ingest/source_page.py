"""A page of a source becomes rows: queue entries, the source's progress and the call, in ONE transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.calls.spool_header import answered
from tasks.errors import Transient
from tasks.ingest import walk_progress
from tasks.ingest.unreadable import keep_odd, quarantine_body
from tasks.keepa.decode.listing import decode_listing
from tasks.keepa.request import max_tokens
from tasks.keepa.source.request import is_last
from tasks.planning.streams import list_keys, wanted_streams
from tasks.store import crawls, refused_sources
from tasks.store.calls import calls
from tasks.store.queue import leftovers, queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.calls.spool_header import Header
    from tasks.ingest.database_session import DatabaseSession
    from tasks.keepa.decode.listing import ProductListing
    from tasks.keepa.source.source import Source
    from tasks.planning.streams import Stream
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceResult:
    """What a page brought.

    Attributes:
        products: products it lists.
        queued: those of them that were not queued before.
        is_complete: whether the source was read to its end with it.
        is_usable: whether it could be read.
    """

    products: int = 0
    queued: int = 0
    is_complete: bool = False
    is_usable: bool = True


class SourcePageWriter:
    """Takes pages of sources, live or replayed."""

    def __init__(
        self,
        context: JobContext,
        session: DatabaseSession,
        sources: Mapping[tuple[str, int], Source],
        streams: Iterable[Stream],
    ) -> None:
        self._context = context
        self._session = session
        self._sources = sources
        self._chosen = wanted_streams(streams, list_keys(context.settings))

    def write(self, header: Header, body: bytes) -> SourceResult:
        """What the page brought; committed.

        Raises:
            StoreError: the database does not take it.
        """
        self._context.beat.phase("writing", f"{header.endpoint} page {header.origin.page}")
        try:
            listing = decode_listing(header.endpoint, body)
        except Transient as fault:
            quarantine_body(self._context, self._session, header, body, str(fault))
            return SourceResult(is_usable=False)
        return self._session.run(lambda connection: self._write_rows(connection, header, listing, body))

    def _write_rows(self, connection: Connection, header: Header, listing: ProductListing, body: bytes) -> SourceResult:
        origin = header.origin
        source = self._sources.get((origin.selection_key, origin.domain))
        crawl = walk_progress.standing_at(connection, origin)
        asins = list(listing.asins)
        if source is not None:  # one that was taken out of the settings while its reply lay in the spool asks no more
            before = 0 if crawl is None else crawl.rows
            asins = asins[: max(0, source.most - before)]
        queued = self._enqueue(connection, header, asins)
        is_complete = source is None or is_last(source, origin.page, listing.entries)
        if crawl is not None:
            moved = replace(
                crawl,
                page=crawl.page + 1,
                rows=crawl.rows + len(asins),
                state="done" if is_complete else "running",
                finished_at=datetime.now(UTC) if is_complete else None,
            )
            crawls.save_crawl(connection, moved)
        refused_sources.accept(connection, origin.selection_key, origin.domain)
        envelope = listing.envelope.costing_at_most(max_tokens(header.endpoint, header.items))
        calls.record(connection, answered(header, envelope, rows=queued))
        keep_odd(connection, header, envelope, body)
        return SourceResult(products=len(asins), queued=queued, is_complete=is_complete)

    def _enqueue(self, connection: Connection, header: Header, asins: list[str]) -> int:
        """Queue what is not queued yet; what a source or selection that is no more had listed is this one's now."""
        origin, detail = header.origin, self._context.settings.backfill_detail
        key = origin.selection_key
        queued = queue.enqueue(connection, origin.domain, asins, detail=detail, selection_key=key)
        if self._chosen is not None and (key, origin.domain) in self._sources and asins:
            leftovers.adopt(connection, origin.domain, asins, detail=detail, selection_key=key, chosen=self._chosen)
        return queued
