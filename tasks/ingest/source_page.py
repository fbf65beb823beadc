"""A page of a source becomes rows: queue entries, the source's progress and the call, in ONE transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tasks.calls.spool_header import answered
from tasks.errors import BadRow, Transient
from tasks.ingest import unwritable, walk_progress
from tasks.ingest.unreadable import keep_odd, quarantine_body
from tasks.keepa.decode.listing import decode_listing
from tasks.keepa.request import max_tokens
from tasks.keepa.source.request import is_last
from tasks.planning.streams import list_keys, wanted_streams
from tasks.store import asker_names, crawls, refused_sources
from tasks.store.calls import calls
from tasks.store.queue import leftovers, queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.calls.spool_header import Header, Origin
    from tasks.ingest.database_session import DatabaseSession
    from tasks.keepa.decode.listing import ProductListing
    from tasks.keepa.request import Detail
    from tasks.keepa.source.source import Source
    from tasks.planning.streams import Stream
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection
    from tasks.store.crawls import Crawl


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceResult:
    """What a page brought.

    Attributes:
        asins: products it lists, as far as the source takes them.
        queued: those of them that were not queued before.
        is_complete: whether the source was read to its end with it.
        is_usable: whether it could be read, and the database took it.
    """

    asins: tuple[str, ...] = ()
    queued: int = 0
    is_complete: bool = False
    is_usable: bool = True

    @property
    def products(self) -> int:
        """How many products it lists."""
        return len(self.asins)


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
        """What the page brought; committed. What cannot be used is in quarantine with its bytes.

        Raises:
            StoreError: the database does not take it.
        """
        self._context.beat.phase("writing", f"{header.endpoint} page {header.origin.page}")
        try:
            listing = decode_listing(header.endpoint, body)
        except Transient as fault:
            quarantine_body(self._context, self._session, header, body, str(fault))
            return SourceResult(is_usable=False)
        try:
            return self._session.run(lambda connection: self._write_rows(connection, header, listing, body))
        except BadRow as refusal:
            unwritable.keep(self._context, self._session, header, body, refusal)
            return SourceResult(is_usable=False)

    def _write_rows(self, connection: Connection, header: Header, listing: ProductListing, body: bytes) -> SourceResult:
        origin, detail = header.origin, self._context.settings.backfill_detail
        source = self._sources.get((origin.selection_key, origin.domain))
        crawl = walk_progress.standing_at(connection, origin)
        result = take(connection, origin, listing, source, crawl, detail=detail)
        if source is not None:
            asker_names.keep_source_name(connection, source.key, source.domain, source.name)
        if self._chosen is not None and source is not None and result.asins:
            # What a source or selection that is no more had listed is this one's now.
            leftovers.adopt(
                connection, origin.domain, result.asins, detail=detail, selection_key=source.key, chosen=self._chosen
            )
        refused_sources.accept(connection, origin.selection_key, origin.domain)
        envelope = listing.envelope.costing_at_most(max_tokens(header.endpoint, header.items))
        calls.record(connection, answered(header, envelope, rows=result.queued))
        keep_odd(connection, header, envelope, body)
        return result


def take(
    connection: Connection,
    origin: Origin,
    listing: ProductListing,
    source: Source | None,
    crawl: Crawl | None,
    *,
    detail: Detail,
) -> SourceResult:
    """Queue what the page lists, as far as it is not queued yet, and move the walk; in the caller's transaction.

    Args:
        connection: the connection.
        origin: what asked for the page.
        listing: the page.
        source: None when it is no longer in the settings: then it asks for no more pages.
        crawl: its walk, if that stands at this page; None moves nothing.
        detail: how much is to be fetched of the products.
    """
    asins = list(listing.asins)
    if source is not None:
        before = 0 if crawl is None else crawl.rows
        asins = asins[: max(0, source.most - before)]
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
    queued = queue.enqueue(connection, origin.domain, asins, detail=detail, selection_key=origin.selection_key)
    return SourceResult(asins=tuple(asins), queued=queued, is_complete=is_complete)
