"""A page of deals becomes rows: deals, queue entries, faults, the walk's progress, the call, in ONE transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks import progress, walk
from tasks.errors import Transient
from tasks.keepa import prices
from tasks.keepa.wire import decode_deals
from tasks.pool import Wanted
from tasks.record import answered
from tasks.store import calls, categories, deals, queue
from tasks.unreadable import keep_faults, keep_odd, set_aside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.job import Site
    from tasks.keepa.wire import DealPage
    from tasks.progress import Moved
    from tasks.session import Session
    from tasks.spool import Header
    from tasks.store.connection import Connection
    from tasks.target import Target

# History of what appears now is wanted before history of what the crawl finds.
NEWS_PRIORITY = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTaken:
    """What a page brought.

    Attributes:
        moved: what became of its walk; None when the body could not be read, or the walk had moved on.
        news: deals new or changed since the last walk.
        is_readable: whether the body was a page of deals; the same page asked for again would most likely be none.
    """

    moved: Moved | None = None
    news: list[Wanted] = field(default_factory=list)
    rows: int = 0
    is_readable: bool = True


class Pages:
    """Takes pages of deals, live or replayed."""

    def __init__(self, site: Site, session: Session, targets: Mapping[tuple[str, int], Target]) -> None:
        self._site = site
        self._session = session
        self._targets = targets

    def take(self, header: Header, body: bytes) -> PageTaken:
        """What the page brought; committed.

        Raises:
            StoreError: the database does not take it.
        """
        self._site.beat.phase("writing", f"{header.origin.job} page {header.origin.page}")
        try:
            page = decode_deals(body)
        except Transient as fault:
            set_aside(self._site, self._session, header, body, str(fault))
            return PageTaken(is_readable=False)
        taken, faults = self._session.run(lambda connection: self._write(connection, header, page, body))
        self._site.beat.wrote(deals=taken.rows)
        odd = int(bool(page.envelope.unusable))
        self._site.beat.set_aside("deal", faults - odd)
        self._site.beat.set_aside("body", odd)
        return taken

    def _write(self, connection: Connection, header: Header, page: DealPage, body: bytes) -> tuple[PageTaken, int]:
        origin = header.origin
        minute = _minute(header, page)
        moved = self._advance(connection, header, page, minute)
        written = deals.write(connection, origin.domain, page.deals, seen_at=header.received_at)
        faults = written.refused + keep_faults(connection, "deal", origin.domain, page.faults)
        changed = set(written.changed_asins)
        below = minute if moved is None else moved.below
        news = [
            Wanted(deal.creation_date, origin.domain, deal.asin)
            for deal in page.deals
            if deal.asin in changed and deal.creation_date > below
        ]
        queue.enqueue(
            connection,
            origin.domain,
            [deal.asin for deal in page.deals],
            detail=self._site.settings.backfill_detail,
            priority=NEWS_PRIORITY if origin.job == progress.UPSERT else 0,
        )
        categories.write(connection, origin.domain, page.category_ids, page.category_names)
        rows = written.inserted + written.updated
        calls.record(connection, answered(header, page.envelope, rows=rows))
        odd = keep_odd(connection, header, page.envelope, body)
        return PageTaken(moved=moved, news=news, rows=rows), faults + odd

    def _advance(self, connection: Connection, header: Header, page: DealPage, minute: int) -> Moved | None:
        origin = header.origin
        target = self._targets.get((origin.selection_key, origin.domain))
        facts = walk.Page(
            number=origin.page,
            minutes=[deal.creation_date for deal in page.deals],
            rows=len(page.deals) + len(page.faults),
            server_minute=minute,
            prices=[] if target is None else _prices(page, target.selection.price_type),
        )
        if origin.job == progress.UPSERT:
            return progress.advance_upsert(connection, origin, facts)
        if target is None:
            return None  # the selection was taken out of the settings: its rows are kept, its walk is nobody's
        counts = dict(zip(page.category_ids, page.category_counts, strict=False))
        return progress.advance_crawl(connection, origin, facts, target.division(counts))


def _minute(header: Header, page: DealPage) -> int:
    """The server's clock at the page, or this machine's when the page does not tell."""
    if page.server_minute is not None:
        return page.server_minute
    return prices.minute_of_ms(round(header.received_at.timestamp() * 1000))


def _prices(page: DealPage, price_type: int) -> list[int]:
    return [deal.current[price_type] for deal in page.deals if price_type < deal.slots]
