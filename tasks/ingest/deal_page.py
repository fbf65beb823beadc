"""A page of deals becomes rows: deals, queue entries, faults, the walk's progress, the call, in ONE transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tasks.calls.spool_header import answered
from tasks.errors import BadRow, Transient
from tasks.ingest import unwritable, walk_progress
from tasks.ingest.odd_items import OddItems
from tasks.ingest.unreadable import keep_body, keep_faults, keep_odd
from tasks.keepa import prices
from tasks.keepa.decode.frame import CUT_OFF
from tasks.keepa.decode.replies import DealPage, any_envelope, decode_deals
from tasks.keepa.fingerprint import fingerprint
from tasks.keepa.request import max_tokens
from tasks.keepa.selection.rules import PAGE_ROWS
from tasks.planning import walk_end
from tasks.planning.backlog import BacklogItem
from tasks.planning.streams import list_keys, wanted_streams
from tasks.roles import UPSERT
from tasks.store import crawls, deals, selections
from tasks.store.calls import calls
from tasks.store.queue import leftovers, queue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.calls.spool_header import Header, Origin
    from tasks.ingest.brake import Brake
    from tasks.ingest.database_session import DatabaseSession
    from tasks.ingest.walk_progress import Advance
    from tasks.planning.streams import Stream
    from tasks.runtime.job import JobContext
    from tasks.store.connection import Connection

# History of what appears now is wanted before history of what the crawl finds.
NEWS_PRIORITY = 1
MAX_PAUSES: Final = 16  # half a day or so, however many attempts are allowed
ELSEWHERE = "all deals in it are of another locale"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResult:
    """What a page brought.

    Attributes:
        advance: what became of its walk; None when the body could not be read, or the walk had moved on.
        news: deals new or changed since the last walk.
        is_usable: whether the body was a whole page of deals that the walk had not read before; asked for again at once
            it would most likely be the same.
        attempts: how often in a row this page was not usable.
    """

    advance: Advance | None = None
    news: list[BacklogItem] = field(default_factory=list)
    rows: int = 0
    is_usable: bool = True
    attempts: int = 0

    @property
    def pauses(self) -> int:
        """How many times the usual pause there should be before the page is asked for again: ever more, to a limit."""
        return min(1 << max(self.attempts - 1, 0), MAX_PAUSES)


class DealPageWriter:
    """Takes pages of deals, live or replayed."""

    def __init__(
        self, context: JobContext, session: DatabaseSession, streams: Mapping[tuple[str, int], Stream], brake: Brake
    ) -> None:
        self._brake = brake
        self._context = context
        self._session = session
        self._streams = streams
        self._list_keys = list_keys(context.settings)
        self._max_attempts = context.settings.max_attempts

    def write(self, header: Header, body: bytes) -> PageResult:
        """What the page brought; committed.

        Raises:
            StoreError: the database does not take it.
        """
        self._context.beat.phase("writing", f"{header.origin.job} page {header.origin.page}")
        try:
            page, reason = decode_deals(body), CUT_OFF
        except Transient as fault:
            page, reason = DealPage(envelope=any_envelope(body), server_minute=None, is_whole=False), str(fault)
        domain = header.origin.domain
        if page.deals and not any(deal.is_of(domain) for deal in page.deals):  # a cache's, or another request's
            page, reason = replace(page, is_whole=False), ELSEWHERE
        page = replace(page, envelope=page.envelope.costing_at_most(max_tokens(header.endpoint, header.items)))
        odd_items = OddItems(self._context.log, header)
        try:
            result, faults = self._session.run(
                lambda connection: self._write_rows(connection, odd_items, page, body, reason)
            )
        except BadRow as refusal:
            unwritable.keep(self._context, self._session, header, body, refusal)
            return PageResult(is_usable=False, attempts=self._max_attempts)
        self._context.beat.wrote(deals=result.rows)
        bodies = int(bool(page.envelope.unusable)) + int(not page.is_whole)
        self._context.beat.quarantined("deal", faults - bodies)
        self._context.beat.quarantined("body", bodies)
        odd_items.log()
        is_lost = not page.is_whole and not any(deal.is_of(domain) for deal in page.deals)
        of = max(1, len(page.deals) + len(page.faults))
        self._brake.record(header, unusable=of if is_lost else faults - bodies, of=of)
        if not page.is_whole:
            self._report_unreadable(header, reason, result)
        elif not result.is_usable:
            self._context.log.error("page_repeated", selection=self._label(header.origin), page=header.origin.page)
        return result

    def _write_rows(
        self, connection: Connection, odd_items: OddItems, page: DealPage, body: bytes, reason: str
    ) -> tuple[PageResult, int]:
        header, origin = odd_items.header, odd_items.header.origin
        odd_items.begin()
        minute = _server_minute(self._context, header, page)
        local = [deal for deal in page.deals if deal.is_of(origin.domain)]
        odd_items.unasked, odd_items.odd = len(page.deals) - len(local), page.odd
        advance, attempts = self._move_walk(connection, header, page, minute)
        written = deals.write(
            connection, origin.domain, local, seen_at=header.received_at, selection_key=origin.selection_key or None
        )
        self._keep_name(connection, origin)
        faults = written.refused + keep_faults(connection, "deal", origin.domain, page.faults)
        changed = set(written.changed_asins)
        below = minute if advance is None else advance.below
        news = [
            BacklogItem(deal.creation_date, origin.domain, deal.asin)
            for deal in local
            if deal.asin in changed and deal.creation_date > below
        ]
        self._enqueue(connection, origin, [deal.asin for deal in local])
        deals.write_categories(connection, origin.domain, page.category_ids, page.category_names)
        rows = written.inserted + written.updated
        calls.record(connection, answered(header, page.envelope, rows=rows))
        faults += keep_odd(connection, header, page.envelope, body)
        faults += 0 if page.is_whole else keep_body(connection, header, body, reason)
        odd_items.keep(connection)
        return PageResult(
            advance=advance, news=news, rows=rows, is_usable=page.is_whole and not attempts, attempts=attempts
        ), faults

    def _move_walk(
        self, connection: Connection, header: Header, page: DealPage, minute: int
    ) -> tuple[Advance | None, int]:
        """What became of the walk, and how often its page came in vain.

        Of a page that was cut off nothing, until it has come so too often; of one that was read before nothing ever.
        """
        if page.is_whole:
            known_by = fingerprint(page)
            repeats = walk_progress.repeats(connection, header.origin, known_by)
            return (None, repeats) if repeats else (self._advance(connection, header, page, minute, known_by), 0)
        crawl = walk_progress.standing_at(connection, header.origin)
        if crawl is None:
            return None, 0
        attempts = crawls.count_attempt(connection, crawl)
        return self._advance(connection, header, page, minute) if attempts >= self._max_attempts else None, attempts

    def _report_unreadable(self, header: Header, reason: str, result: PageResult) -> None:
        """Say what becomes of a page that could not be read, or not to its end."""
        self._context.log.error(
            "page_unreadable",
            selection=self._label(header.origin),
            page=header.origin.page,
            reason=reason,
            next="asked for again later"
            if result.advance is None
            else f"passed over after {self._max_attempts} attempts",
        )

    def _label(self, origin: Origin) -> str:
        """What people call the selection."""
        stream = self._streams.get((origin.selection_key, origin.domain))
        return origin.selection_key if stream is None else stream.label

    def _keep_name(self, connection: Connection, origin: Origin) -> None:
        """Have the database know what the selection is called, for when it is no more."""
        stream = self._streams.get((origin.selection_key, origin.domain))
        if stream is not None:
            selections.keep_name(connection, stream.key, name=stream.selection.name, query=stream.selection.to_json())

    def _enqueue(self, connection: Connection, origin: Origin, asins: list[str]) -> None:
        """Queue what the page lists; what a selection that is no more had listed is this one's now."""
        detail, key = self._context.settings.backfill_detail, origin.selection_key
        priority = NEWS_PRIORITY if origin.job == UPSERT else 0
        queue.enqueue(connection, origin.domain, asins, detail=detail, priority=priority, selection_key=key)
        chosen = wanted_streams(self._streams.values(), self._list_keys)
        if chosen is not None and (key, origin.domain) in self._streams:
            leftovers.adopt(connection, origin.domain, asins, detail=detail, selection_key=key, chosen=chosen)

    def _advance(
        self, connection: Connection, header: Header, page: DealPage, minute: int, known_by: int | None = None
    ) -> Advance | None:
        origin = header.origin
        stream = self._streams.get((origin.selection_key, origin.domain))
        rows = len(page.deals) + len(page.faults)
        facts = walk_end.PageFacts(
            number=origin.page,
            minutes=[deal.creation_date for deal in page.deals if deal.is_of(origin.domain)],
            # Of a page that was cut off, or of which cuts are lost, nobody can say that it was the last.
            rows=rows if page.is_counted else max(rows, PAGE_ROWS),
            server_minute=minute,
            prices=[] if stream is None else _prices(page, stream.selection.price_type),
            fingerprint=known_by,
        )
        if origin.job == UPSERT:
            return walk_progress.advance_upsert(connection, origin, facts)
        if stream is None:
            return None  # the selection was taken out of the settings: its rows are kept, its walk is nobody's
        counts = dict(zip(page.category_ids, page.category_counts, strict=False))
        return walk_progress.advance_crawl(connection, origin, facts, stream.divisions(counts))


def _server_minute(context: JobContext, header: Header, page: DealPage) -> int:
    """The server's clock at the page; what other replies say, or this machine, when the page cannot be right."""
    known_ms = context.ledger.standing().server_ms
    if known_ms is None:
        own = prices.minute_of_ms(round(header.received_at.timestamp() * 1000))
        return own if page.server_minute is None else page.server_minute
    age_s = max(0.0, (datetime.now(UTC) - header.received_at).total_seconds())
    return walk_end.vouched_minute(page.server_minute, prices.minute_of_ms(round(known_ms - age_s * 1000)))


def _prices(page: DealPage, price_type: int) -> list[int]:
    return [deal.current[price_type] for deal in page.deals if price_type < deal.slots]
